/* SPDX-License-Identifier: MIT */
/* no_memory_there.c: a program that reads where no memory is. */
#include <lunik/attr.h>
#include <lunik/sys.h>
#include <stddef.h>
#include <stdint.h>

static LUNIK_NOINLINE void commit_fault(void)
{
    const volatile int *volatile pointer = (const volatile int *)0x123456789000;

    (void)*pointer;
}

int lunik_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    commit_fault();
    return 0;
}
