/* SPDX-License-Identifier: MIT */
/* out_of_memory.c: a fiber whose stack grows when no memory is left. */
#include <lunik/attr.h>
#include <lunik/mem.h>
#include <lunik/sys.h>
#include <stddef.h>
#include <stdint.h>

static LUNIK_NOINLINE int commit_fault(int depth)
{
    volatile char room[1024];

    room[0] = (char)depth;
    return (depth > 0 ? commit_fault(depth - 1) : 0) + room[0];
}

int lunik_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    while (lunik_pages_alloc(1))
        ;
    return commit_fault(480) & 1;
}
