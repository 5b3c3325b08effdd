/* SPDX-License-Identifier: MIT */
/* failed_assert.c: a program that breaks a promise. */
#include <lunik/attr.h>
#include <lunik/panic.h>
#include <lunik/sys.h>
#include <stddef.h>
#include <stdint.h>

static LUNIK_NOINLINE void commit_fault(void)
{
    volatile int two = 2;

    LUNIK_ASSERT(two + two == 5);
    __asm__ volatile(""); /* not a tail call */
}

int lunik_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    commit_fault();
    return 0;
}
