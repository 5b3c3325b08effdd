/* SPDX-License-Identifier: MIT */
/* write_seal.c: a program that writes to its sealed files. */
#include <lunik/attr.h>
#include <lunik/mem.h>
#include <lunik/sys.h>
#include <stddef.h>
#include <stdint.h>

extern char lunik_seal[];

static LUNIK_NOINLINE void commit_fault(void)
{
    *(volatile char *)lunik_seal = 0;
    __asm__ volatile(""); /* not a tail call */
}

int lunik_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    commit_fault();
    return 0;
}
