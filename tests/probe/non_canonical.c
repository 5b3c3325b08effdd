/* SPDX-License-Identifier: MIT */
/* non_canonical.c: a program with a pointer that no processor takes. */
#include <lunik/attr.h>
#include <lunik/sys.h>
#include <stddef.h>
#include <stdint.h>

static LUNIK_NOINLINE void commit_fault(void)
{
    volatile int *volatile pointer = (volatile int *)0x8000000000000000;

    *pointer = 1;
}

int lunik_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    commit_fault();
    return 0;
}
