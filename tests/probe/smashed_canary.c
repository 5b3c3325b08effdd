/* SPDX-License-Identifier: MIT */
/* smashed_canary.c: a program that writes past a local variable. */
#include <lunik/attr.h>
#include <lunik/sys.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static LUNIK_NOINLINE void commit_fault(void)
{
    char room[16];
    volatile size_t size = 40;

    memset(room, 'x', size);
    __asm__ volatile("" : : "r"(room) : "memory");
}

int lunik_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    commit_fault();
    return 0;
}
