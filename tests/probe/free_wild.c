/* SPDX-License-Identifier: MIT */
/* free_wild.c: a program that frees what was never allocated. */
#include <lunik/attr.h>
#include <lunik/mem.h>
#include <lunik/sys.h>
#include <stddef.h>
#include <stdint.h>

static LUNIK_NOINLINE void commit_fault(void)
{
    char *memory = lunik_mem_alloc(100);

    lunik_mem_free(memory + 16);
    __asm__ volatile(""); /* not a tail call */
}

int lunik_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    commit_fault();
    return 0;
}
