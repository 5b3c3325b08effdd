/* SPDX-License-Identifier: MIT */
/*
 * event.c: the loop, and the one function that waits.
 *
 * Why no wake-up is lost. There are two kinds of wake-up:
 *   - From a fiber, a timer or a source's poll: lunik_event_signal(). Fibers
 *     are cooperative, so nothing runs between a caller's look at his
 *     condition and the moment his waiter hangs on the event.
 *   - From an interrupt: it sets a bit of (pending), and does nothing else. The
 *     loop takes all bits in one atomic exchange and polls their sources
 *     afterwards; a bit set during that stays for the next turn. When the loop
 *     finds no bit and no fiber ready, it calls platform_idle(), which looks at
 *     (pending) once more with interrupts held off, and lets them in only in
 *     the step that sleeps. So a bit set after our look either stops the sleep
 *     or ends it.
 *
 * Ready fibers are a FIFO. Each switch looks at (pending), one load, so a busy
 * system still serves its devices. Reading the clock may cost more than a
 * switch, so timers are looked at once per round: when as many fibers ran as
 * were ready at the last look. A timer cannot have its fiber run much sooner
 * anyway, because the fiber joins the end of the queue.
 */
#include "loop.h"
#include <lunik/panic.h>

struct lunik_waiter {
    struct lunik_waiter *next, *prev; /* in the event's queue */
    struct lunik_event *event;
    struct lunik_wait *wait;
};

/* One call of lunik_event_wait_any(), on the stack of the fiber that waits. */
struct lunik_wait {
    struct lunik_fiber *fiber;
    struct lunik_waiter *waiters;
    size_t count;
    size_t which;
    lunik_result result;
};

/* A fiber that waits for few events spends little stack on it: thousands of
 * them do so at the same time. */
#define FEW 4

struct lunik_loop lunik_loop_state;

/* ---- The loop ---- */

static void poll_sources(struct lunik_loop *loop)
{
    uint64_t bits = __atomic_exchange_n(&loop->pending, 0, __ATOMIC_ACQUIRE);

    while (bits) {
        const struct lunik_source *source =
            loop->sources[__builtin_ctzll(bits)];

        bits &= bits - 1;
        source->poll(source->arg);
    }
}

void lunik_loop_turn(struct lunik_loop *loop)
{
    /* A poll or a timer that waits would run this inside itself. */
    LUNIK_ASSERT(!loop->is_polling);
    loop->turns++;
    loop->is_polling = true;
    /* Sources first: what came in before the deadline wins over it. */
    if (loop->pending)
        poll_sources(loop);
    lunik_timers_run(&loop->timers);
    loop->is_polling = false;
    loop->round_left = loop->ready_count;
}

void lunik_loop_serve(struct lunik_loop *loop)
{
    lunik_loop_turn(loop);
    while (!loop->ready_first) {
        platform_idle(&loop->pending, lunik_timers_next(&loop->timers));
        lunik_loop_turn(loop);
    }
}

uint64_t lunik_event_progress(void)
{
    const struct lunik_loop *loop = lunik_loop();

    return loop->switches + loop->turns;
}

/* ---- Events ---- */

static void attach(struct lunik_waiter *waiter, struct lunik_event *event,
                   struct lunik_wait *wait)
{
    waiter->event = event;
    waiter->wait = wait;
    waiter->next = NULL;
    waiter->prev = event->last;
    if (event->last)
        event->last->next = waiter;
    else
        event->first = waiter;
    event->last = waiter;
}

static void detach(struct lunik_waiter *waiter)
{
    struct lunik_event *event = waiter->event;

    if (waiter->prev)
        waiter->prev->next = waiter->next;
    else
        event->first = waiter->next;
    if (waiter->next)
        waiter->next->prev = waiter->prev;
    else
        event->last = waiter->prev;
}

/*
 * Whoever ends a wait takes it off all its events and its timer at once, not
 * when the fiber runs: so a fiber is woken once, and a signal meant for one
 * waiter is never spent on a fiber that is ready already.
 */
void lunik_wait_end(struct lunik_fiber *fiber, lunik_result result)
{
    struct lunik_wait *wait = fiber->wait;

    if (!wait)
        return;
    fiber->wait = NULL;
    wait->result = result;
    for (size_t i = 0; i < wait->count; i++)
        detach(&wait->waiters[i]);
    lunik_timer_clear(&fiber->timer);
    lunik_loop_ready(lunik_loop(), fiber);
}

/* Waits in (wait), which has (count) waiters and is otherwise zeroed. */
static lunik_result wait_in(struct lunik_wait *wait,
                            struct lunik_event *const *events, size_t count,
                            uint64_t deadline_ns, size_t *which_out)
{
    struct lunik_loop *loop = lunik_loop();
    struct lunik_fiber *self = loop->running;

    LUNIK_ASSERT(self != NULL);
    LUNIK_ASSERT(!loop->is_polling);
    if (LUNIK_UNLIKELY(self->is_cancelled)) {
        /* Somebody who ignores this in a loop must not stop the others. */
        lunik_fiber_yield();
        return LUNIK_ECANCELED;
    }
    for (size_t i = 0; i < count; i++) {
        LUNIK_ASSERT(events[i] != NULL);
        attach(&wait->waiters[i], events[i], wait);
    }
    wait->fiber = self;
    wait->count = count;
    self->wait = wait;
    if (self->deadline_ns < deadline_ns)
        deadline_ns = self->deadline_ns;
    /* A deadline that has passed expires at the end of this round: the others
     * ran once then. */
    if (deadline_ns != LUNIK_NEVER)
        lunik_timer_set(&self->timer, deadline_ns);
    lunik_loop_block(loop);
    if (which_out)
        *which_out = wait->which;
    return wait->result;
}

LUNIK_NOINLINE static lunik_result
wait_for_many(struct lunik_event *const *events, size_t count,
              uint64_t deadline_ns, size_t *which_out)
{
    struct lunik_waiter waiters[LUNIK_EVENT_WAIT_MAX];
    struct lunik_wait wait = { .waiters = waiters };

    return wait_in(&wait, events, count, deadline_ns, which_out);
}

lunik_result lunik_event_wait_any(struct lunik_event *const *events,
                                  size_t count, uint64_t deadline_ns,
                                  size_t *which_out)
{
    struct lunik_waiter waiters[FEW];
    struct lunik_wait wait = { .waiters = waiters };

    LUNIK_ASSERT(count <= LUNIK_EVENT_WAIT_MAX);
    if (count > FEW)
        return wait_for_many(events, count, deadline_ns, which_out);
    return wait_in(&wait, events, count, deadline_ns, which_out);
}

lunik_result lunik_event_wait(struct lunik_event *event, uint64_t deadline_ns)
{
    struct lunik_waiter waiter;
    struct lunik_wait wait = { .waiters = &waiter };

    return wait_in(&wait, &event, 1, deadline_ns, NULL);
}

lunik_result lunik_sleep_until(uint64_t deadline_ns)
{
    uint64_t bound = lunik_loop()->running->deadline_ns;
    struct lunik_wait wait = { 0 };
    lunik_result result = wait_in(&wait, NULL, 0, deadline_ns, NULL);

    /* A sleep that was as long as asked is no timeout. */
    return result == LUNIK_ETIMEOUT && deadline_ns <= bound ? LUNIK_OK : result;
}

bool lunik_event_signal_one(struct lunik_event *event)
{
    struct lunik_waiter *waiter = event->first;

    if (!waiter)
        return false;
    waiter->wait->which = (size_t)(waiter - waiter->wait->waiters);
    lunik_wait_end(waiter->wait->fiber, LUNIK_OK);
    return true;
}

void lunik_event_signal(struct lunik_event *event)
{
    /* Ends: no fiber runs meanwhile, so no waiter is added. */
    while (lunik_event_signal_one(event))
        ;
}

bool lunik_event_has_waiters(const struct lunik_event *event)
{
    return event->first != NULL;
}

/* ---- Sources ---- */

lunik_result lunik_source_add(struct lunik_source *source)
{
    struct lunik_loop *loop = lunik_loop();

    LUNIK_ASSERT(source->poll != NULL);
    if (loop->source_count == LUNIK_SOURCE_MAX)
        return LUNIK_ENOMEM;
    source->bit = loop->source_count;
    loop->sources[source->bit] = source;
    loop->source_count++;
    return LUNIK_OK;
}

void lunik_source_notify(const struct lunik_source *source)
{
    __atomic_fetch_or(&lunik_loop()->pending, UINT64_C(1) << source->bit,
                      __ATOMIC_RELEASE);
}
