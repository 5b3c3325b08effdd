/* SPDX-License-Identifier: MIT */
/* write_rodata.c: a program that writes to a constant. */
#include <lunik/attr.h>
#include <lunik/sys.h>
#include <stddef.h>
#include <stdint.h>

static const int constant[4] = { 1, 2, 3, 4 };

static LUNIK_NOINLINE void commit_fault(void)
{
    const int *volatile pointer = constant;

    *(volatile int *)(uintptr_t)pointer = 2;
}

int lunik_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    commit_fault();
    return 0;
}
