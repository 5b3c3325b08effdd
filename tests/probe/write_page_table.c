/* SPDX-License-Identifier: MIT */
/* write_page_table.c: a program that writes to the page tables. */
#include <lunik/attr.h>
#include <lunik/sys.h>
#include <stddef.h>
#include <stdint.h>

static LUNIK_NOINLINE void commit_fault(void)
{
    uintptr_t root;

    __asm__ volatile("mov %%cr3, %0" : "=r"(root));
    *(volatile uint64_t *)root = 0;
}

int lunik_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    commit_fault();
    return 0;
}
