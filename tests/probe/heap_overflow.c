/* SPDX-License-Identifier: MIT */
/* heap_overflow.c: a program that writes past the end of a block. */
#include <lunik/attr.h>
#include <lunik/mem.h>
#include <lunik/sys.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static LUNIK_NOINLINE void commit_fault(void)
{
    volatile size_t size = 40;
    char *memory = lunik_mem_alloc(size);

    memset(memory, 'x', size + 1);
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
