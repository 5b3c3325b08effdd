/* SPDX-License-Identifier: MIT */
/* hang.c: a program that never waits. */
#include <lunik/attr.h>
#include <lunik/sys.h>
#include <stddef.h>
#include <stdint.h>

static volatile unsigned long turns;

static LUNIK_NOINLINE void commit_fault(void)
{
    for (;;)
        turns++;
}

int lunik_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    commit_fault();
    return 0;
}
