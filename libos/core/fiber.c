/* SPDX-License-Identifier: MIT */
/*
 * fiber.c: making, switching and ending fibers.
 *
 * A fiber's struct is at the top of its own stack, so a fiber costs one stack
 * and nothing else:
 *
 *   stack.high  +----------------------+
 *               | struct lunik_fiber   |
 *               +----------------------+  the first frame begins here
 *               | frames, downwards    |
 *   stack.low   +----------------------+
 *               | guard page           |
 */
#include "core.h"
#include "loop.h"
#include <lunik/mem.h>
#include <lunik/panic.h>

/* Where the boot stack's registers go; nobody switches back to them. */
static struct lunik_fiber boot;

/* A fiber cannot release the stack it ends on; the next one to run does. (Not
 * inline: it would give every switch a larger frame.) */
LUNIK_NOINLINE static void release_ended(struct lunik_loop *loop)
{
    struct platform_stack stack = loop->ended->stack; /* holds the fiber */

    loop->ended = NULL;
    platform_stack_release(&stack);
}

static void switch_to(struct lunik_loop *loop, struct lunik_fiber *from,
                      struct lunik_fiber *to)
{
    loop->running = to;
    loop->switches++;
    platform_switch_begin(from == loop->ended ? NULL : &from->platform,
                          &to->stack);
    arch_context_switch(&from->context, &to->context);
    /* Back again: (from) is the running fiber. */
    platform_switch_end(&from->platform);
    if (LUNIK_UNLIKELY(loop->ended))
        release_ended(loop);
}

void lunik_loop_block(struct lunik_loop *loop)
{
    struct lunik_fiber *from = loop->running, *to = lunik_loop_next(loop);

    if (to != from)
        switch_to(loop, from, to);
}

/* Every fiber's first function. */
static void begin(void *arg)
{
    struct lunik_fiber *self = arg;
    struct lunik_loop *loop = lunik_loop();

    platform_switch_end(&self->platform);
    if (LUNIK_UNLIKELY(loop->ended))
        release_ended(loop);
    self->fn(self->arg);

    loop->alive--;
    loop->ended = self;
    lunik_loop_block(loop);
    lunik_panic("fiber %s ran after its end", self->name);
}

static void wake_by_deadline(void *arg)
{
    lunik_wait_end(arg, LUNIK_ETIMEOUT);
}

lunik_result lunik_fiber_create(const char *name, lunik_fiber_fn *fn, void *arg,
                                struct lunik_fiber **out)
{
    struct lunik_loop *loop = lunik_loop();
    struct platform_stack stack;
    struct lunik_fiber *fiber;

    LUNIK_ASSERT(fn != NULL);
    if (out)
        *out = NULL;
    if (platform_stack_acquire(&stack) != LUNIK_OK)
        return LUNIK_ENOMEM;
    fiber =
        (struct lunik_fiber *)((stack.high - sizeof(*fiber)) & ~(uintptr_t)63);
    *fiber = (struct lunik_fiber) {
        .stack = stack,
        .name = name,
        .fn = fn,
        .arg = arg,
        .deadline_ns = LUNIK_NEVER,
        .timer = { .fn = wake_by_deadline, .arg = fiber },
    };
    arch_context_init(&fiber->context, (uintptr_t)fiber, begin, fiber);
    loop->alive++;
    lunik_loop_ready(loop, fiber);
    if (out)
        *out = fiber;
    return LUNIK_OK;
}

static void main_fiber(void *arg)
{
    lunik_fiber_fn **fn = arg;

    (*fn)(NULL);
    lunik_panic("the main fiber returned");
}

void lunik_event_run_main(lunik_fiber_fn *fn)
{
    struct lunik_loop *loop = lunik_loop();
    struct lunik_fiber *fiber;

    LUNIK_ASSERT(loop->running == NULL);
    /* (fn) stays valid: nobody returns from here. */
    if (lunik_fiber_create("main", main_fiber, &fn, &fiber) != LUNIK_OK)
        lunik_panic_status(LUNIK_EXIT_NO_MEMORY,
                           "no memory for the main fiber's stack");
    boot.name = "boot";
    loop->running = &boot;
    lunik_loop_block(loop);
    lunik_panic("the boot stack ran again");
}

struct lunik_fiber *lunik_fiber_self(void)
{
    return lunik_loop()->running;
}

const char *lunik_fiber_name(const struct lunik_fiber *fiber)
{
    return fiber->name;
}

void lunik_fiber_yield(void)
{
    struct lunik_loop *loop = lunik_loop();

    LUNIK_ASSERT(!loop->is_polling);
    if (!loop->ready_first) {
        /* Alone: nobody else would look at devices and timers. */
        lunik_loop_turn(loop);
        if (!loop->ready_first)
            return;
    }
    lunik_loop_ready(loop, loop->running);
    lunik_loop_block(loop);
}

void lunik_fiber_cancel(struct lunik_fiber *fiber)
{
    fiber->is_cancelled = true;
    lunik_wait_end(fiber, LUNIK_ECANCELED);
}

bool lunik_fiber_is_cancelled(const struct lunik_fiber *fiber)
{
    return fiber->is_cancelled;
}

void lunik_fiber_set_cancelled(bool cancelled)
{
    lunik_loop()->running->is_cancelled = cancelled;
}

uint64_t lunik_fiber_set_deadline(uint64_t deadline_ns)
{
    struct lunik_fiber *self = lunik_loop()->running;
    uint64_t before = self->deadline_ns;

    self->deadline_ns = deadline_ns;
    return before;
}

uint64_t lunik_fiber_deadline(const struct lunik_fiber *fiber)
{
    return fiber->deadline_ns;
}

bool lunik_fiber_is_limited(const struct lunik_fiber *fiber)
{
    return fiber->is_cancelled | (fiber->deadline_ns != LUNIK_NEVER);
}

void lunik_fiber_set_data(struct lunik_fiber *fiber, void *data)
{
    fiber->data = data;
}

void *lunik_fiber_data(const struct lunik_fiber *fiber)
{
    return fiber->data;
}

void lunik_fiber_get_info(struct lunik_fiber_info *out)
{
    const struct lunik_loop *loop = lunik_loop();

    out->alive = loop->alive;
    out->ready = loop->ready_count;
    out->switches = loop->switches;
}

bool lunik_fiber_stack(struct platform_stack *out)
{
    const struct lunik_fiber *self = lunik_loop()->running;

    if (!self)
        return false;
    *out = self->stack;
    return true;
}
