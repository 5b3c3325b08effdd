/* SPDX-License-Identifier: MIT */
/* stack_overflow.c: a program that recurses without end. */
#include <lunik/attr.h>
#include <lunik/sys.h>
#include <stddef.h>
#include <stdint.h>

/* The fault is meant. */
#pragma GCC diagnostic ignored "-Winfinite-recursion"

static volatile int depth;

static LUNIK_NOINLINE int commit_fault(void)
{
    volatile char room[200] = { 0 };

    depth++;
    return commit_fault() + room[depth & 1];
}

int lunik_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    commit_fault();
    return 0;
}
