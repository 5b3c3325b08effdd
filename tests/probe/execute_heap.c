/* SPDX-License-Identifier: MIT */
/* execute_heap.c: a program that runs bytes of the heap. */
#include <lunik/attr.h>
#include <lunik/mem.h>
#include <lunik/sys.h>
#include <stddef.h>
#include <stdint.h>

static LUNIK_NOINLINE void commit_fault(void)
{
    unsigned char *memory = lunik_mem_alloc(16);
    void (*volatile call)(void) = (void (*)(void))(uintptr_t)memory;

    memory[0] = 0xc3;
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
