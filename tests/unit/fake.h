/* SPDX-License-Identifier: MIT */
/*
 * fake.h: a machine whose clock a test sets, for tests of the event loop.
 *
 * It replaces the host platform's clock, idle and stacks; idling moves the
 * clock to the deadline at once. Included by one file of a test program.
 */
#ifndef LUNIK_TEST_FAKE_H
#define LUNIK_TEST_FAKE_H

#include "core.h"
#include "platform.h"
#include "platform_switch.h"
#include <lunik/event.h>
#include <lunik/mem.h>
#include <lunik/panic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

static uint64_t fake_now;
static unsigned fake_clock_reads, fake_idles;
/* Called by each idle, before the clock moves: plays interrupts. */
static void (*fake_on_idle)(uint64_t deadline_ns);
/* Stack acquisitions until they fail; negative: never. */
static int fake_stacks_left = -1;
static size_t fake_stacks;

uint64_t platform_monotonic_ns(void)
{
    fake_clock_reads++;
    return fake_now;
}

const char *platform_monotonic_source(void)
{
    return "fake";
}

bool platform_wall_ns(uint64_t *out)
{
    *out = 0;
    return false;
}

const char *platform_wall_source(void)
{
    return "none";
}

void platform_idle(const volatile uint64_t *pending, uint64_t deadline_ns)
{
    fake_idles++;
    if (fake_on_idle)
        fake_on_idle(deadline_ns);
    if (*pending)
        return;
    if (deadline_ns == LUNIK_NEVER) {
        printf("idle for ever: nobody can wake anybody\n");
        fflush(stdout);
        _exit(98);
    }
    if (fake_now < deadline_ns)
        fake_now = deadline_ns;
}

lunik_result platform_stack_acquire(struct platform_stack *out)
{
    uint8_t *base;

    if (fake_stacks_left == 0)
        return LUNIK_ENOMEM;
    if (fake_stacks_left > 0)
        fake_stacks_left--;
    base = mmap(NULL, LUNIK_STACK_SIZE, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return LUNIK_ENOMEM;
    mprotect(base, LUNIK_PAGE_SIZE, PROT_NONE);
    *out = (struct platform_stack) { (uintptr_t)base + LUNIK_PAGE_SIZE,
                                     (uintptr_t)base + LUNIK_STACK_SIZE };
    fake_stacks++;
    return LUNIK_OK;
}

/* Unmaps at once: whoever still runs on it, or reads its fiber, dies. */
void platform_stack_release(struct platform_stack *stack)
{
    fake_stacks--;
    ASAN_UNPOISON_MEMORY_REGION((void *)stack->low, stack->high - stack->low);
    munmap((void *)(stack->low - LUNIK_PAGE_SIZE), LUNIK_STACK_SIZE);
}

size_t platform_stack_bytes(void)
{
    return fake_stacks * LUNIK_STACK_SIZE;
}

#endif
