/* SPDX-License-Identifier: MIT */
/* null_write.c: a program that writes through a null pointer. */
#include <lunik/attr.h>
#include <lunik/sys.h>
#include <stddef.h>
#include <stdint.h>

static LUNIK_NOINLINE void commit_fault(void)
{
    volatile int *volatile pointer = NULL;

    pointer[1000] = 1;
}

int lunik_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    commit_fault();
    return 0;
}
