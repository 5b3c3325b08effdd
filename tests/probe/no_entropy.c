/* SPDX-License-Identifier: MIT */
/* no_entropy.c: a program that must not start without entropy. */
#include <lunik/attr.h>
#include <lunik/sys.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

int lunik_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    puts("served");
    return 0;
}
