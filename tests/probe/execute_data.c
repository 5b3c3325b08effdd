/* SPDX-License-Identifier: MIT */
/* execute_data.c: a program that runs bytes of its data. */
#include <lunik/attr.h>
#include <lunik/sys.h>
#include <stddef.h>
#include <stdint.h>

static unsigned char code[] = { 0xc3 };

static LUNIK_NOINLINE void commit_fault(void)
{
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
