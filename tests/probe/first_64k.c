/* SPDX-License-Identifier: MIT */
/* first_64k.c: a program that reads the last of the unmapped first 64 KiB. */
#include <lunik/attr.h>
#include <lunik/mem.h>
#include <lunik/sys.h>
#include <stddef.h>
#include <stdint.h>

static LUNIK_NOINLINE void commit_fault(void)
{
    const volatile char *volatile pointer = (const volatile char *)0xffff;

    (void)*pointer;
    __asm__ volatile(""); /* not a tail call */
}

int lunik_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    commit_fault();
    return 0;
}
