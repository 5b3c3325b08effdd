/* SPDX-License-Identifier: MIT */
/*
 * loop.h: what event.c, fiber.c and timer.c share.
 *
 * One core runs one scheduler; its state is one struct behind one accessor.
 * There is no scheduler fiber: a fiber that blocks picks the next ready one
 * and switches to it directly, and while none is ready it runs the loop on its
 * own stack.
 */
#ifndef LUNIK_CORE_LOOP_H
#define LUNIK_CORE_LOOP_H

#include "arch.h"
#include "platform.h"
#include "platform_switch.h"
#include <lunik/event.h>

struct lunik_wait;

/* Lives at the top of the fiber's own stack (the main fiber's, too). */
struct lunik_fiber {
    struct arch_context context;
    struct platform_stack stack;
    struct platform_switch platform;
    struct lunik_fiber *next; /* in the ready queue */
    struct lunik_wait *wait;  /* what it waits in; NULL: it does not wait */
    const char *name;
    lunik_fiber_fn *fn;
    void *arg;
    void *data;
    uint64_t deadline_ns; /* the bound on all its waits */
    struct lunik_timer timer;
    bool is_cancelled;
};

/* The timers that are set: a pairing heap, the earliest at the root. */
struct lunik_timers {
    struct lunik_timer *root;
    uint64_t order; /* the next timer's, never used twice */
    /* While expired ones run, no deadline may be before this; 0: not now. */
    uint64_t floor_ns;
};

struct lunik_loop {
    /* A set bit is a source to poll. The one word interrupts write to. */
    volatile uint64_t pending;
    struct lunik_fiber *running; /* NULL: before the main fiber */
    struct lunik_fiber *ready_first, *ready_last;
    size_t ready_count;
    /* Switches until the clock is looked at again: see lunik_loop_next(). */
    size_t round_left;
    struct lunik_fiber *ended; /* its stack is to be released */
    size_t alive;
    volatile uint64_t switches, turns;
    struct lunik_timers timers;
    struct lunik_source *sources[LUNIK_SOURCE_MAX];
    unsigned source_count;
    bool is_polling; /* inside a source's poll or a timer's function */
};

extern struct lunik_loop lunik_loop_state;

static inline struct lunik_loop *lunik_loop(void)
{
    return &lunik_loop_state;
}

/* Appends (fiber) to the ready queue. (Inline, as is lunik_loop_next(): the two
 * are most of what a task switch does.) */
static inline void lunik_loop_ready(struct lunik_loop *loop,
                                    struct lunik_fiber *fiber)
{
    fiber->next = NULL;
    if (loop->ready_last)
        loop->ready_last->next = fiber;
    else
        loop->ready_first = fiber;
    loop->ready_last = fiber;
    loop->ready_count++;
}

/* Polls the sources that are pending and runs the timers that have expired. */
void lunik_loop_turn(struct lunik_loop *loop);

/* Serves devices and timers, and waits until a fiber is ready. */
void lunik_loop_serve(struct lunik_loop *loop);

/* Takes the fiber that is to run next; waits for one if it must. */
static inline struct lunik_fiber *lunik_loop_next(struct lunik_loop *loop)
{
    struct lunik_fiber *fiber;

    if (LUNIK_UNLIKELY(!loop->ready_first || loop->pending ||
                       (loop->round_left == 0 && loop->timers.root)))
        lunik_loop_serve(loop);
    fiber = loop->ready_first;
    loop->ready_first = fiber->next;
    if (!loop->ready_first)
        loop->ready_last = NULL;
    loop->ready_count--;
    if (loop->round_left)
        loop->round_left--;
    return fiber;
}

/* Gives the processor away until somebody makes the running fiber ready. */
void lunik_loop_block(struct lunik_loop *loop);

/* Ends the wait of (fiber), if it waits, with (result). */
void lunik_wait_end(struct lunik_fiber *fiber, lunik_result result);

/* Runs the timers that have expired. */
void lunik_timers_run(struct lunik_timers *timers);

/* The earliest deadline; LUNIK_NEVER when no timer is set. */
static inline uint64_t lunik_timers_next(const struct lunik_timers *timers)
{
    return timers->root ? timers->root->deadline_ns : LUNIK_NEVER;
}

#endif
