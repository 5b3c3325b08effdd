/* SPDX-License-Identifier: MIT */
/*
 * timer.c: timers in a pairing heap.
 *
 * Setting is O(1), taking the earliest O(log n) over time. The links are in
 * the timers, so setting cannot fail. Nothing recurses: a heap can be as deep
 * as it has timers.
 *
 * In the heap, (child) is a timer's first child, (next) its next sibling, and
 * (prev) the sibling before it or, for a first child, the parent.
 */
#include "loop.h"
#include <lunik/panic.h>

static bool is_before(const struct lunik_timer *a, const struct lunik_timer *b)
{
    if (a->deadline_ns != b->deadline_ns)
        return a->deadline_ns < b->deadline_ns;
    return a->order < b->order;
}

/* Makes one heap of two roots; either may be NULL. */
static struct lunik_timer *meld(struct lunik_timer *a, struct lunik_timer *b)
{
    struct lunik_timer *parent = a, *child = b;

    if (!a || !b)
        return a ? a : b;
    if (is_before(b, a)) {
        parent = b;
        child = a;
    }
    child->prev = parent;
    child->next = parent->child;
    if (child->next)
        child->next->prev = child;
    parent->child = child;
    parent->next = NULL;
    parent->prev = NULL;
    return parent;
}

/* Makes one heap of a row of siblings: melds pairs from left to right, then
 * the pairs from right to left. This is what keeps the heap shallow. */
static struct lunik_timer *meld_row(struct lunik_timer *row)
{
    struct lunik_timer *pairs = NULL, *root = NULL;

    while (row) {
        struct lunik_timer *a = row, *b = row->next, *pair;

        row = b ? b->next : NULL;
        pair = meld(a, b);
        pair->prev = NULL;
        pair->next = pairs;
        pairs = pair;
    }
    while (pairs) {
        struct lunik_timer *pair = pairs;

        pairs = pair->next;
        pair->next = NULL;
        root = meld(root, pair);
    }
    return root;
}

static void take(struct lunik_timers *timers, struct lunik_timer *timer)
{
    struct lunik_timer *children = meld_row(timer->child);

    if (timer == timers->root) {
        timers->root = children;
    } else {
        if (timer->prev->child == timer)
            timer->prev->child = timer->next;
        else
            timer->prev->next = timer->next;
        if (timer->next)
            timer->next->prev = timer->prev;
        timers->root = meld(timers->root, children);
    }
    timer->child = timer->next = timer->prev = NULL;
    timer->is_set = false;
}

void lunik_timers_run(struct lunik_timers *timers)
{
    uint64_t limit = timers->order, now;
    struct lunik_timer *timer = timers->root;

    if (!timer)
        return;
    now = platform_monotonic_ns();
    if (timer->deadline_ns > now)
        return;
    /* A timer that sets itself again gets an order past the limit, and a
     * deadline of now at the earliest: so it runs in the next turn, and not
     * before the ones that have been waiting. */
    timers->floor_ns = now;
    while ((timer = timers->root) && timer->deadline_ns <= now &&
           timer->order < limit) {
        take(timers, timer);
        timer->fn(timer->arg);
    }
    timers->floor_ns = 0;
}

void lunik_timer_set(struct lunik_timer *timer, uint64_t deadline_ns)
{
    struct lunik_timers *timers = &lunik_loop()->timers;

    LUNIK_ASSERT(timer->fn != NULL);
    lunik_timer_clear(timer);
    timer->deadline_ns =
        deadline_ns < timers->floor_ns ? timers->floor_ns : deadline_ns;
    timer->order = timers->order++;
    timer->is_set = true;
    timers->root = meld(timers->root, timer);
}

void lunik_timer_clear(struct lunik_timer *timer)
{
    if (timer->is_set)
        take(&lunik_loop()->timers, timer);
}
