/* SPDX-License-Identifier: MIT */
/* write_ro_after_start.c: a program that writes to what only start-up may
 * write. */
#include <lunik/attr.h>
#include <lunik/sys.h>
#include <stddef.h>
#include <stdint.h>

extern uintptr_t __stack_chk_guard;

static LUNIK_NOINLINE void commit_fault(void)
{
    *(volatile uintptr_t *)&__stack_chk_guard = 0;
}

int lunik_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    commit_fault();
    return 0;
}
