/* SPDX-License-Identifier: MIT */
/*
 * event.h: fibers, the events they wait for, timers, and device sources.
 *
 * A fiber is a C stack of its own with a guard page below. Fibers are
 * cooperative: one runs until it waits, yields or returns. There is one wait
 * function, lunik_event_wait_any(); everything that blocks rests on it, and it
 * alone switches stacks. So a call may block anywhere C may call.
 *
 * An event is like a condition variable without a lock: the caller checks his
 * condition, waits, and checks again. Nothing runs between the check and the
 * wait, because fibers are cooperative and interrupts only note: an interrupt
 * handler sets a pending bit (lunik_source_notify) and the loop polls the
 * source later, in task context.
 *
 * Deadlines are points on the monotonic clock of <lunik/time.h>; LUNIK_NEVER
 * waits for ever. Context: task, where nothing else is said.
 */
#ifndef LUNIK_EVENT_H
#define LUNIK_EVENT_H

#include <lunik/attr.h>
#include <lunik/result.h>
#include <lunik/time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Fibers ---- */

struct lunik_fiber;

/* The bytes of address space of a fiber's stack, guard page included. Memory
 * is only put under the part that was used (LUNIK_STACK_SIZE on the host). */
#define LUNIK_STACK_SIZE ((size_t)512 * 1024)

typedef void lunik_fiber_fn(void *arg);

/*
 * Makes a fiber that will run (fn)(arg), and puts it behind the fibers that are
 * ready now. (name) is kept as a pointer and appears in panics: a constant.
 * Returns: LUNIK_ENOMEM when no stack or memory was left; (*out) is then NULL.
 * Owns: the fiber owns itself and ends when (fn) returns; the handle is valid
 * until then. Who wants to know of the end has (fn) signal an event of his.
 */
LUNIK_MUST_CHECK lunik_result lunik_fiber_create(const char *name,
                                                 lunik_fiber_fn *fn, void *arg,
                                                 struct lunik_fiber **out);

/* The running fiber. Never NULL once lunik_main() runs. */
struct lunik_fiber *lunik_fiber_self(void);
const char *lunik_fiber_name(const struct lunik_fiber *fiber);

/* Lets every other ready fiber run once. Returns at once when there is none. */
void lunik_fiber_yield(void);

/*
 * Cancels (fiber): its present wait, and every later one, ends with
 * LUNIK_ECANCELED. Sticky: only lunik_fiber_set_cancelled(false) by the fiber
 * itself takes it back. A fiber may cancel itself.
 */
void lunik_fiber_cancel(struct lunik_fiber *fiber);
bool lunik_fiber_is_cancelled(const struct lunik_fiber *fiber);
void lunik_fiber_set_cancelled(bool cancelled);

/*
 * Sets a bound on every wait of the running fiber: a wait ends with
 * LUNIK_ETIMEOUT at the earlier of this and its own deadline.
 * Returns: the bound that was in force (LUNIK_NEVER at first), to be restored.
 */
uint64_t lunik_fiber_set_deadline(uint64_t deadline_ns);
uint64_t lunik_fiber_deadline(const struct lunik_fiber *fiber);

/* True if (fiber) is cancelled or has a bound: the rare cases in which a
 * language runtime must look closer before it waits. */
bool lunik_fiber_is_limited(const struct lunik_fiber *fiber);

/* One pointer a fiber carries for its language runtime. NULL at first. */
void lunik_fiber_set_data(struct lunik_fiber *fiber, void *data);
void *lunik_fiber_data(const struct lunik_fiber *fiber);

struct lunik_fiber_info {
    size_t alive;      /* fibers that have not ended, the main one included */
    size_t ready;      /* of these, ready to run */
    uint64_t switches; /* stack switches since the start */
};
void lunik_fiber_get_info(struct lunik_fiber_info *out);

/* ---- Events ---- */

struct lunik_waiter;

/* Zeroed memory is a valid event that nobody waits for. An event must not move
 * or go away while somebody waits for it. */
struct lunik_event {
    struct lunik_waiter *first, *last;
};

/* Waits hold at most this many events at once. */
#define LUNIK_EVENT_WAIT_MAX 64

/*
 * Waits until one of the (count) events is signalled, or the deadline passes.
 * count = 0 sleeps. With a deadline that has passed it lets the other ready
 * fibers run once before it answers.
 * Returns: LUNIK_OK with the index in (*which_out) (may be NULL): the event was
 *   signalled while this fiber waited; look at your condition again.
 *   LUNIK_ETIMEOUT, LUNIK_ECANCELED: as they say. A signal that came first
 * wins.
 */
LUNIK_MUST_CHECK lunik_result
lunik_event_wait_any(struct lunik_event *const *events, size_t count,
                     uint64_t deadline_ns, size_t *which_out);

/* The same for one event. */
LUNIK_MUST_CHECK lunik_result lunik_event_wait(struct lunik_event *event,
                                               uint64_t deadline_ns);

/* Sleeps until (deadline_ns): LUNIK_OK, or LUNIK_ECANCELED, or LUNIK_ETIMEOUT
 * when the fiber's own bound came first. */
LUNIK_MUST_CHECK lunik_result lunik_sleep_until(uint64_t deadline_ns);

/* Makes every fiber that waits for (event) ready, in the order they came. A
 * later waiter is not affected: signals are not stored. */
void lunik_event_signal(struct lunik_event *event);

/* Makes the one that waited longest ready. Returns: false if nobody waited. */
bool lunik_event_signal_one(struct lunik_event *event);

bool lunik_event_has_waiters(const struct lunik_event *event);

/* ---- Timers ---- */

/*
 * A timer calls (fn)(arg) from the event loop once its deadline has passed.
 * (fn) must not wait; it may set its timer again. Set (fn) and (arg), zero the
 * rest; the timer must not move while set. Timers with equal deadlines run in
 * the order they were set.
 */
struct lunik_timer {
    void (*fn)(void *arg);
    void *arg;
    /* private */
    uint64_t deadline_ns;
    uint64_t order;
    struct lunik_timer *child, *next, *prev;
    bool is_set;
};

void lunik_timer_set(struct lunik_timer *timer, uint64_t deadline_ns);
void lunik_timer_clear(struct lunik_timer *timer);

/* ---- Sources: where devices enter the loop ---- */

#define LUNIK_SOURCE_MAX 64

/*
 * A source's (poll)(arg) runs in the event loop after lunik_source_notify():
 * once for any number of notifications before it. It must not wait; it looks
 * at its device and signals events.
 */
struct lunik_source {
    void (*poll)(void *arg);
    void *arg;
    /* private */
    unsigned bit;
};

/* Adds (source), for the image's life. LUNIK_ENOMEM past LUNIK_SOURCE_MAX. */
LUNIK_MUST_CHECK lunik_result lunik_source_add(struct lunik_source *source);

/* Has (source) polled soon. Context: any, interrupts included. */
void lunik_source_notify(const struct lunik_source *source);

#endif
