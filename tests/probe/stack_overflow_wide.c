/* SPDX-License-Identifier: MIT */
/* stack_overflow_wide.c: a fiber whose frames are wider than a guard page. */
#include <lunik/attr.h>
#include <lunik/event.h>
#include <lunik/sys.h>
#include <stddef.h>
#include <stdint.h>

/* The fault is meant. */
#pragma GCC diagnostic ignored "-Winfinite-recursion"

static volatile int depth;

static LUNIK_NOINLINE int commit_fault(void)
{
    volatile char room[64 * 1024];

    room[0] = (char)++depth;
    return commit_fault() + room[0];
}

static void deep(void *arg)
{
    (void)arg;
    commit_fault();
}

int lunik_main(int argc, char **argv)
{
    struct lunik_fiber *below, *fiber;

    (void)argc;
    (void)argv;
    /* The slot below a fiber's stack has memory, too. */
    if (lunik_fiber_create("below", deep, NULL, &below) != LUNIK_OK ||
        lunik_fiber_create("deep", deep, NULL, &fiber) != LUNIK_OK)
        return 1;
    lunik_fiber_yield();
    return 0;
}
