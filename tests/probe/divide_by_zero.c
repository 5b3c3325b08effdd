/* SPDX-License-Identifier: MIT */
/* divide_by_zero.c: a program that divides by zero. */
#include <lunik/attr.h>
#include <lunik/sys.h>
#include <stddef.h>
#include <stdint.h>

static volatile int result;

static LUNIK_NOINLINE void commit_fault(void)
{
    volatile int seven = 7, zero = 0;

    result = seven / zero;
}

int lunik_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    commit_fault();
    return 0;
}
