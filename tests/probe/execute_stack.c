/* SPDX-License-Identifier: MIT */
/* execute_stack.c: a program that runs bytes of its stack. */
#include <lunik/attr.h>
#include <lunik/sys.h>
#include <stddef.h>
#include <stdint.h>

static LUNIK_NOINLINE void commit_fault(void)
{
    volatile unsigned char code[16] = { 0xc3 };
    void (*volatile call)(void) = (void (*)(void))(uintptr_t)code;

    call();
    __asm__ volatile(""); /* not a tail call */
}

int lunik_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    commit_fault();
    return 0;
}
