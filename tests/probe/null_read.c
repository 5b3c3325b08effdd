/* SPDX-License-Identifier: MIT */
/* null_read.c: a program that reads through a null pointer. */
#include <lunik/attr.h>
#include <lunik/sys.h>
#include <stddef.h>
#include <stdint.h>

static LUNIK_NOINLINE void commit_fault(void)
{
    const volatile int *volatile pointer = NULL;

    (void)pointer[3];
}

int lunik_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    commit_fault();
    return 0;
}
