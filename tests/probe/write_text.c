/* SPDX-License-Identifier: MIT */
/* write_text.c: a program that writes to its own text. */
#include <lunik/attr.h>
#include <lunik/sys.h>
#include <stddef.h>
#include <stdint.h>

extern char lunik_text_start[];

static LUNIK_NOINLINE void commit_fault(void)
{
    *(volatile char *)lunik_text_start = 0;
}

int lunik_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    commit_fault();
    return 0;
}
