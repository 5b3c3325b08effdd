/* SPDX-License-Identifier: MIT */
/* panic_in_panic.c: a program whose hook faults while a panic is reported. */
#include <lunik/attr.h>
#include <lunik/panic.h>
#include <lunik/sys.h>
#include <stddef.h>
#include <stdint.h>

static void hook(void *arg)
{
    const volatile int *volatile pointer = NULL;

    (void)arg;
    (void)*pointer;
}

static LUNIK_NOINLINE void commit_fault(void)
{
    lunik_panic_set_hook(hook, NULL);
    __asm__ volatile("ud2");
}

int lunik_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    commit_fault();
    return 0;
}
