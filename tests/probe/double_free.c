/* SPDX-License-Identifier: MIT */
/* double_free.c: a program that frees twice. */
#include <lunik/attr.h>
#include <lunik/mem.h>
#include <lunik/sys.h>
#include <stddef.h>
#include <stdint.h>

static LUNIK_NOINLINE void commit_fault(void)
{
    void *memory = lunik_mem_alloc(40);

    lunik_mem_free(memory);
    lunik_mem_free(memory);
    __asm__ volatile(""); /* not a tail call */
}

int lunik_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    commit_fault();
    return 0;
}
