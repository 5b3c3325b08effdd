/* SPDX-License-Identifier: MIT */
/* undefined_instruction.c: a program that meets an instruction that is none. */
#include <lunik/attr.h>
#include <lunik/sys.h>
#include <stddef.h>
#include <stdint.h>

static LUNIK_NOINLINE void commit_fault(void)
{
    __asm__ volatile("ud2");
}

int lunik_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    commit_fault();
    return 0;
}
