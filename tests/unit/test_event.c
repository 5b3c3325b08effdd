/* SPDX-License-Identifier: MIT */
/* test_event.c: fibers, events and sources, on a clock that the test sets. */
#define TEST_ON_FIBER
#include "fake.h"
#include "test.h"
#include <lunik/time.h>

/* What happened, one letter each. */
static char trace[256];
static size_t trace_len;

static void note(char what)
{
    if (trace_len + 1 < sizeof(trace))
        trace[trace_len++] = what;
    trace[trace_len] = '\0';
}

static void trace_clear(void)
{
    trace_len = 0;
    trace[0] = '\0';
}

static struct lunik_fiber *spawn(lunik_fiber_fn *fn, void *arg)
{
    struct lunik_fiber *fiber;

    if (lunik_fiber_create("test", fn, arg, &fiber) != LUNIK_OK)
        abort();
    return fiber;
}

static size_t alive(void)
{
    struct lunik_fiber_info info;

    lunik_fiber_get_info(&info);
    return info.alive;
}

/* Runs the others until only the main fiber is left. */
static void drain(void)
{
    for (unsigned i = 0; alive() > 1 && i < 1000000; i++)
        if (lunik_sleep_until(fake_now + 1) != LUNIK_OK)
            abort();
    CHECK_EQ(alive(), 1);
}

/* ---- Fibers ---- */

/* An argument for the next two functions. */
static char *letter(char c)
{
    static char letters[128];

    letters[(unsigned char)c % 128] = c;
    return &letters[(unsigned char)c % 128];
}

static void note_arg(void *arg)
{
    note(*(const char *)arg);
}

TEST(fibers_start_in_the_order_they_were_made)
{
    trace_clear();
    spawn(note_arg, letter('a'));
    spawn(note_arg, letter('b'));
    spawn(note_arg, letter('c'));
    CHECK_STR_EQ(trace, "");
    lunik_fiber_yield();
    CHECK_STR_EQ(trace, "abc");
    drain();
}

static void note_and_yield(void *arg)
{
    for (int i = 0; i < 3; i++) {
        note(*(const char *)arg);
        lunik_fiber_yield();
    }
}

TEST(yield_lets_each_ready_fiber_run_once)
{
    trace_clear();
    spawn(note_and_yield, letter('a'));
    spawn(note_and_yield, letter('b'));
    lunik_fiber_yield();
    CHECK_STR_EQ(trace, "ab");
    lunik_fiber_yield();
    CHECK_STR_EQ(trace, "abab");
    drain();
    CHECK_STR_EQ(trace, "ababab");
}

TEST(yield_alone_returns_without_a_switch)
{
    struct lunik_fiber_info before, after;

    lunik_fiber_get_info(&before);
    lunik_fiber_yield();
    lunik_fiber_get_info(&after);
    CHECK_EQ(after.switches, before.switches);
    CHECK_EQ(after.ready, 0);
}

TEST(ended_fibers_give_their_stacks_back)
{
    size_t before = fake_stacks;

    for (int i = 0; i < 100; i++)
        spawn(note_arg, letter('x'));
    CHECK_EQ(alive(), 101);
    trace_clear();
    drain();
    /* Each was released by the fiber that ran next. */
    CHECK_EQ(fake_stacks, before);
}

TEST(a_fiber_without_a_stack_is_out_of_memory)
{
    struct lunik_fiber *fiber = (struct lunik_fiber *)trace;

    for (int left = 0; left < 5; left++) {
        int made = 0;

        fake_stacks_left = left;
        while (lunik_fiber_create("x", note_arg, letter('x'), &fiber) ==
               LUNIK_OK)
            made++;
        CHECK_EQ(made, left);
        CHECK(fiber == NULL);
        fake_stacks_left = -1;
        trace_clear();
        drain();
    }
}

static void look_at_self(void *arg)
{
    struct lunik_fiber **out = arg;
    struct platform_stack stack;
    char local;

    *out = lunik_fiber_self();
    CHECK(lunik_fiber_stack(&stack));
    CHECK_EQ(stack.high - stack.low, LUNIK_STACK_SIZE - LUNIK_PAGE_SIZE);
    CHECK((uintptr_t)*out < stack.high && (uintptr_t)*out >= stack.low);
    (void)local;
    CHECK_STR_EQ(lunik_fiber_name(lunik_fiber_self()), "test");
    CHECK(lunik_fiber_data(lunik_fiber_self()) == NULL);
    lunik_fiber_set_data(lunik_fiber_self(), out);
    CHECK(lunik_fiber_data(lunik_fiber_self()) == out);
}

TEST(a_fiber_knows_itself_and_its_stack)
{
    struct lunik_fiber *seen = NULL, *made;

    made = spawn(look_at_self, &seen);
    drain();
    CHECK(seen == made);
    CHECK_STR_EQ(lunik_fiber_name(lunik_fiber_self()), "main");
}

static uintptr_t frame_address;

static void use_aligned(void *arg)
{
    _Alignas(16) char local[16];

    (void)arg;
    memset(local, 1, sizeof(local));
    frame_address = (uintptr_t)local;
}

TEST(a_stack_starts_aligned_as_the_abi_wants)
{
    spawn(use_aligned, NULL);
    drain();
    CHECK_EQ(frame_address % 16, 0);
}

static void spawn_a_chain(void *arg)
{
    int *left = arg;

    if ((*left)-- > 0)
        spawn(spawn_a_chain, left);
}

TEST(fibers_may_make_fibers_and_end)
{
    int left = 1000;

    spawn(spawn_a_chain, &left);
    drain();
    CHECK_EQ(left, -1);
}

/* ---- Events ---- */

struct waiting {
    struct lunik_event *event;
    uint64_t deadline_ns;
    lunik_result result;
    size_t which;
    char letter;
    bool done;
};

static void wait_once(void *arg)
{
    struct waiting *w = arg;

    w->result = lunik_event_wait_any(&w->event, 1, w->deadline_ns, &w->which);
    w->done = true;
    note(w->letter);
}

TEST(a_signal_wakes_all_in_the_order_they_came)
{
    struct lunik_event event = { 0 };
    struct waiting w[3];

    trace_clear();
    for (int i = 0; i < 3; i++) {
        w[i] = (struct waiting) { &event, LUNIK_NEVER,     LUNIK_EIO,
                                  9,      (char)('a' + i), false };
        spawn(wait_once, &w[i]);
    }
    lunik_fiber_yield();
    CHECK(lunik_event_has_waiters(&event));
    lunik_event_signal(&event);
    CHECK(!lunik_event_has_waiters(&event));
    CHECK_STR_EQ(trace, "");
    drain();
    CHECK_STR_EQ(trace, "abc");
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(w[i].result, LUNIK_OK);
        CHECK_EQ(w[i].which, 0);
    }
}

TEST(signal_one_wakes_the_one_that_waited_longest)
{
    struct lunik_event event = { 0 };
    struct waiting a = { &event, LUNIK_NEVER, LUNIK_EIO, 0, 'a', false };
    struct waiting b = { &event, LUNIK_NEVER, LUNIK_EIO, 0, 'b', false };

    trace_clear();
    CHECK(!lunik_event_signal_one(&event));
    spawn(wait_once, &a);
    spawn(wait_once, &b);
    lunik_fiber_yield();
    CHECK(lunik_event_signal_one(&event));
    lunik_fiber_yield();
    CHECK_STR_EQ(trace, "a");
    CHECK(lunik_event_signal_one(&event));
    CHECK(!lunik_event_signal_one(&event));
    drain();
    CHECK_STR_EQ(trace, "ab");
}

TEST(signals_are_not_stored)
{
    struct lunik_event event = { 0 };

    lunik_event_signal(&event);
    CHECK_EQ(lunik_event_wait(&event, fake_now + 10), LUNIK_ETIMEOUT);
}

/* A signal meant for one waiter must not be spent on one that is awake. */
TEST(a_woken_fiber_does_not_swallow_a_second_signal)
{
    struct lunik_event event = { 0 };
    struct waiting a = { &event, LUNIK_NEVER, LUNIK_EIO, 0, 'a', false };
    struct waiting b = { &event, LUNIK_NEVER, LUNIK_EIO, 0, 'b', false };

    trace_clear();
    spawn(wait_once, &a);
    spawn(wait_once, &b);
    lunik_fiber_yield();
    CHECK(lunik_event_signal_one(&event));
    CHECK(lunik_event_signal_one(&event));
    drain();
    CHECK_STR_EQ(trace, "ab");
}

struct many {
    struct lunik_event *events[LUNIK_EVENT_WAIT_MAX];
    size_t count, which;
    lunik_result result;
};

static void wait_many(void *arg)
{
    struct many *m = arg;

    m->which = 999;
    m->result =
        lunik_event_wait_any(m->events, m->count, LUNIK_NEVER, &m->which);
}

TEST(waiting_for_many_says_which_and_leaves_all)
{
    static struct lunik_event events[LUNIK_EVENT_WAIT_MAX];
    struct many m;

    for (size_t i = 0; i < LUNIK_EVENT_WAIT_MAX; i++)
        m.events[i] = &events[i];
    for (size_t count = 1; count <= LUNIK_EVENT_WAIT_MAX; count++) {
        m.count = count;
        spawn(wait_many, &m);
        lunik_fiber_yield();
        lunik_event_signal(&events[count - 1]);
        lunik_event_signal(&events[0]); /* too late */
        drain();
        CHECK_EQ(m.result, LUNIK_OK);
        CHECK_EQ(m.which, count - 1);
        for (size_t i = 0; i < count; i++)
            CHECK(!lunik_event_has_waiters(&events[i]));
    }
}

TEST(one_event_may_be_waited_for_twice_in_one_wait)
{
    struct lunik_event event = { 0 };
    struct many m = { .events = { &event, &event, &event }, .count = 3 };

    spawn(wait_many, &m);
    lunik_fiber_yield();
    lunik_event_signal(&event);
    drain();
    CHECK_EQ(m.result, LUNIK_OK);
    CHECK_EQ(m.which, 0);
    CHECK(!lunik_event_has_waiters(&event));
}

TEST(more_than_the_most_events_is_an_assertion)
{
    struct lunik_event *events[LUNIK_EVENT_WAIT_MAX + 1] = { 0 };

    CHECK_DIES(
        LUNIK_EXIT_PANIC,
        (void)!lunik_event_wait_any(events, LUNIK_EVENT_WAIT_MAX + 1, 0, NULL));
    CHECK_CONTAINS(test_output, "LUNIK_EVENT_WAIT_MAX");
}

/* ---- Deadlines ---- */

TEST(a_deadline_ends_a_wait_at_its_time)
{
    struct lunik_event event = { 0 };
    uint64_t start = fake_now;

    CHECK_EQ(lunik_event_wait(&event, start + 500), LUNIK_ETIMEOUT);
    CHECK_EQ(fake_now, start + 500);
    CHECK(!lunik_event_has_waiters(&event));
}

TEST(a_deadline_in_the_past_lets_the_others_run_once)
{
    struct lunik_event event = { 0 };

    trace_clear();
    spawn(note_and_yield, letter('a'));
    spawn(note_and_yield, letter('b'));
    CHECK_EQ(lunik_event_wait(&event, 0), LUNIK_ETIMEOUT);
    CHECK_STR_EQ(trace, "ab");
    drain();
}

TEST(sleeping_is_no_timeout)
{
    uint64_t start = fake_now;

    CHECK_EQ(lunik_sleep_until(start + 7), LUNIK_OK);
    CHECK_EQ(fake_now, start + 7);
    CHECK_EQ(lunik_sleep_until(0), LUNIK_OK);
}

TEST(the_fibers_own_bound_ends_each_wait)
{
    struct lunik_event event = { 0 };
    uint64_t start = fake_now;

    CHECK_EQ(lunik_fiber_set_deadline(start + 100), LUNIK_NEVER);
    CHECK_EQ(lunik_fiber_deadline(lunik_fiber_self()), start + 100);
    CHECK_EQ(lunik_event_wait(&event, LUNIK_NEVER), LUNIK_ETIMEOUT);
    CHECK_EQ(fake_now, start + 100);
    CHECK_EQ(lunik_sleep_until(start + 100), LUNIK_OK);
    CHECK_EQ(lunik_sleep_until(start + 101), LUNIK_ETIMEOUT);
    CHECK_EQ(lunik_fiber_set_deadline(LUNIK_NEVER), start + 100);
    CHECK_EQ(lunik_sleep_until(start + 101), LUNIK_OK);
}

static struct lunik_event poll_event;

static void poll_signals(void *arg)
{
    (void)arg;
    note('p');
    lunik_event_signal(&poll_event);
}

static struct lunik_source source = { .poll = poll_signals };

static void notify_and_pass_deadline(uint64_t deadline_ns)
{
    fake_now = deadline_ns + 1;
    lunik_source_notify(&source);
    fake_on_idle = NULL;
}

static void add_source(void)
{
    static bool is_added;

    if (!is_added && lunik_source_add(&source) != LUNIK_OK)
        abort();
    is_added = true;
}

TEST(a_signal_in_the_round_of_the_deadline_wins)
{
    add_source();
    fake_on_idle = notify_and_pass_deadline;
    CHECK_EQ(lunik_event_wait(&poll_event, fake_now + 10), LUNIK_OK);
}

/* Both in one turn, and then a signal before the fiber runs: the first end of
 * a wait is its only one. */
static void signal_arg(void *arg)
{
    lunik_event_signal(arg);
}

TEST(a_deadline_that_came_first_is_not_turned_into_a_signal)
{
    struct lunik_event event = { 0 };
    struct waiting w = { &event, fake_now, LUNIK_EIO, 0, 'w', false };

    trace_clear();
    spawn(wait_once, &w);
    lunik_fiber_yield(); /* it waits, expired already */
    lunik_fiber_yield(); /* alone: the timer runs and makes it ready */
    if (!w.done)
        signal_arg(&event);
    drain();
    CHECK_EQ(w.result, LUNIK_ETIMEOUT);
}

/* ---- Cancelling ---- */

TEST(a_fiber_is_limited_while_it_is_cancelled_or_has_a_bound)
{
    struct lunik_fiber *self = lunik_fiber_self();

    CHECK(!lunik_fiber_is_limited(self));
    lunik_fiber_set_deadline(LUNIK_NEVER - 1);
    CHECK(lunik_fiber_is_limited(self));
    lunik_fiber_set_deadline(LUNIK_NEVER);
    CHECK(!lunik_fiber_is_limited(self));
    lunik_fiber_cancel(self);
    CHECK(lunik_fiber_is_limited(self));
    lunik_fiber_set_cancelled(false);
    CHECK(!lunik_fiber_is_limited(self));
}

TEST(cancelling_ends_the_present_wait_and_every_later_one)
{
    struct lunik_event event = { 0 };
    struct waiting w = { &event, LUNIK_NEVER, LUNIK_EIO, 0, 'w', false };
    struct lunik_fiber *fiber = spawn(wait_once, &w);

    lunik_fiber_yield();
    CHECK(!lunik_fiber_is_cancelled(fiber));
    lunik_fiber_cancel(fiber);
    CHECK(lunik_fiber_is_cancelled(fiber));
    lunik_fiber_cancel(fiber); /* twice is once */
    CHECK(!lunik_event_has_waiters(&event));
    drain();
    CHECK_EQ(w.result, LUNIK_ECANCELED);
}

TEST(a_fiber_may_cancel_itself_and_take_it_back)
{
    struct lunik_event event = { 0 };

    lunik_fiber_cancel(lunik_fiber_self());
    CHECK_EQ(lunik_event_wait(&event, LUNIK_NEVER), LUNIK_ECANCELED);
    CHECK_EQ(lunik_sleep_until(LUNIK_NEVER), LUNIK_ECANCELED);
    lunik_fiber_set_cancelled(false);
    CHECK_EQ(lunik_sleep_until(fake_now + 1), LUNIK_OK);
}

TEST(a_fiber_cancelled_before_it_starts_runs_and_cannot_wait)
{
    struct lunik_event event = { 0 };
    struct waiting w = { &event, LUNIK_NEVER, LUNIK_EIO, 0, 'w', false };

    lunik_fiber_cancel(spawn(wait_once, &w));
    drain();
    CHECK(w.done);
    CHECK_EQ(w.result, LUNIK_ECANCELED);
}

TEST(a_signal_before_the_cancel_wins_that_wait)
{
    struct lunik_event event = { 0 };
    struct waiting w = { &event, LUNIK_NEVER, LUNIK_EIO, 0, 'w', false };
    struct lunik_fiber *fiber = spawn(wait_once, &w);

    lunik_fiber_yield();
    lunik_event_signal(&event);
    lunik_fiber_cancel(fiber);
    drain();
    CHECK_EQ(w.result, LUNIK_OK);
}

static void ignore_cancel(void *arg)
{
    unsigned *left = arg;

    while (*left > 0)
        if (lunik_sleep_until(LUNIK_NEVER) == LUNIK_ECANCELED)
            --*left;
}

TEST(a_fiber_that_ignores_its_cancel_lets_the_others_run)
{
    unsigned left = 50;
    struct lunik_fiber *fiber = spawn(ignore_cancel, &left);

    lunik_fiber_cancel(fiber);
    trace_clear();
    spawn(note_arg, letter('x'));
    lunik_fiber_yield();
    CHECK_STR_EQ(trace, "x");
    CHECK(left > 0);
    drain();
}

/* ---- Sources ---- */

TEST(many_notifications_are_one_poll)
{
    add_source();
    trace_clear();
    for (int i = 0; i < 10; i++)
        lunik_source_notify(&source);
    CHECK_STR_EQ(trace, ""); /* never inside the notification */
    lunik_fiber_yield();
    CHECK_STR_EQ(trace, "p");
    lunik_fiber_yield();
    CHECK_STR_EQ(trace, "p");
}

static unsigned polls;

static void poll_and_notify(void *arg)
{
    if (++polls < 5)
        lunik_source_notify(arg);
}

TEST(a_notification_during_its_own_poll_is_not_lost)
{
    static struct lunik_source again = { .poll = poll_and_notify };

    again.arg = &again;
    CHECK_EQ(lunik_source_add(&again), LUNIK_OK);
    polls = 0;
    lunik_source_notify(&again);
    lunik_fiber_yield();
    CHECK_EQ(polls, 1);
    for (int i = 0; i < 10; i++)
        lunik_fiber_yield();
    CHECK_EQ(polls, 5);
}

static struct lunik_event fifth;

static void poll_five_times(void *arg)
{
    if (++polls < 5)
        lunik_source_notify(arg);
    else
        lunik_event_signal(&fifth);
}

static struct lunik_source slow = { .poll = poll_five_times };

static void notify_slow(uint64_t deadline_ns)
{
    (void)deadline_ns;
    if (polls == 0)
        lunik_source_notify(&slow);
}

TEST(the_idle_loop_goes_on_until_a_fiber_is_ready)
{
    slow.arg = &slow;
    CHECK_EQ(lunik_source_add(&slow), LUNIK_OK);
    polls = 0;
    fake_on_idle = notify_slow;
    CHECK_EQ(lunik_event_wait(&fifth, LUNIK_NEVER), LUNIK_OK);
    CHECK_EQ(polls, 5);
    fake_on_idle = NULL;
}

static void spin(void *arg)
{
    const bool *stop = arg;

    while (!*stop)
        lunik_fiber_yield();
}

static void notify_on_idle(uint64_t deadline_ns)
{
    (void)deadline_ns;
    CHECK_EQ(fake_idles, 0); /* a busy system does not idle */
}

TEST(a_busy_system_polls_its_sources_and_runs_its_timers)
{
    struct lunik_event event = { 0 };
    struct waiting w = { &poll_event, LUNIK_NEVER, LUNIK_EIO, 0, 'w', false };
    struct waiting t = { &event, fake_now + 50, LUNIK_EIO, 0, 't', false };
    bool stop = false;

    add_source();
    spawn(spin, &stop);
    spawn(spin, &stop);
    spawn(wait_once, &w);
    spawn(wait_once, &t);
    lunik_fiber_yield();
    fake_on_idle = notify_on_idle;
    fake_idles = 0;
    lunik_source_notify(&source);
    lunik_fiber_yield();
    lunik_fiber_yield();
    CHECK(w.done);
    CHECK(!t.done);
    fake_now += 50;
    for (int i = 0; i < 3; i++)
        lunik_fiber_yield();
    CHECK(t.done);
    CHECK_EQ(t.result, LUNIK_ETIMEOUT);
    fake_on_idle = NULL;
    stop = true;
    drain();
}

TEST(a_busy_system_without_timers_polls_its_sources)
{
    struct waiting w = { &poll_event, LUNIK_NEVER, LUNIK_EIO, 0, 'w', false };
    bool stop = false;

    add_source();
    spawn(spin, &stop);
    spawn(wait_once, &w);
    lunik_fiber_yield();
    lunik_source_notify(&source);
    lunik_fiber_yield();
    lunik_fiber_yield();
    CHECK(w.done);
    stop = true;
    drain();
}

TEST(the_clock_is_read_once_a_round_at_most)
{
    struct lunik_event event = { 0 };
    struct waiting w = { &event, fake_now + 1000, LUNIK_EIO, 0, 'w', false };
    bool stop = false;
    unsigned reads;

    for (int i = 0; i < 9; i++)
        spawn(spin, &stop);
    spawn(wait_once, &w);
    lunik_fiber_yield();
    reads = fake_clock_reads;
    for (int i = 0; i < 100; i++)
        lunik_fiber_yield(); /* 1000 switches in 100 rounds */
    CHECK(fake_clock_reads - reads >= 90);
    CHECK(fake_clock_reads - reads <= 110);
    lunik_event_signal(&event);
    lunik_fiber_yield();
    reads = fake_clock_reads;
    for (int i = 0; i < 100; i++)
        lunik_fiber_yield();
    CHECK_EQ(fake_clock_reads, reads); /* no timer, no clock */
    stop = true;
    drain();
}

TEST(sources_have_a_bound)
{
    static struct lunik_source more[LUNIK_SOURCE_MAX];
    static struct lunik_source one_more = { .poll = poll_signals };

    CHECK_DIES(0, {
        size_t count = 0;

        for (; count < LUNIK_SOURCE_MAX; count++) {
            more[count].poll = poll_signals;
            if (lunik_source_add(&more[count]) != LUNIK_OK)
                break;
        }
        _exit(count < LUNIK_SOURCE_MAX &&
                      lunik_source_add(&one_more) == LUNIK_ENOMEM &&
                      more[count - 1].bit == LUNIK_SOURCE_MAX - 1
                  ? 0
                  : 1);
    });
}

static void wait_in_poll(void *arg)
{
    (void)arg;
    (void)!lunik_sleep_until(LUNIK_NEVER);
}

TEST(a_poll_that_waits_is_an_assertion)
{
    static struct lunik_source bad = { .poll = wait_in_poll };

    CHECK_DIES(LUNIK_EXIT_PANIC, {
        if (lunik_source_add(&bad) != LUNIK_OK)
            _exit(1);
        lunik_source_notify(&bad);
        lunik_fiber_yield();
    });
    CHECK_CONTAINS(test_output, "is_polling");
}

TEST(progress_moves_with_each_wait_and_each_idle)
{
    uint64_t before = lunik_event_progress();

    lunik_fiber_yield();
    CHECK(lunik_event_progress() > before);
    before = lunik_event_progress();
    CHECK_EQ(lunik_sleep_until(fake_now + 5), LUNIK_OK);
    CHECK(lunik_event_progress() >= before + 2);
}

/* ---- Depth ---- */

#define MANY 10000

static unsigned woken;

static void sleep_for(void *arg)
{
    CHECK_EQ(lunik_sleep_until((uintptr_t)arg), LUNIK_OK);
    CHECK(fake_now >= (uintptr_t)arg);
    woken++;
}

TEST(ten_thousand_fibers_sleep_and_wake)
{
    uint64_t start = fake_now + 1000000;

    woken = 0;
    for (unsigned i = 0; i < MANY; i++)
        spawn(sleep_for, (void *)(uintptr_t)(start + i * 7919 % MANY));
    CHECK_EQ(alive(), MANY + 1);
    lunik_fiber_yield();
    CHECK_EQ(woken, 0);
    CHECK_EQ(lunik_sleep_until(start + MANY / 2), LUNIK_OK);
    CHECK(woken >= MANY / 2 - 1 && woken <= MANY / 2 + 2);
    drain();
    CHECK_EQ(woken, MANY);
}

static void wait_and_count(void *arg)
{
    CHECK_EQ(lunik_event_wait(arg, LUNIK_NEVER), LUNIK_OK);
    woken++;
}

TEST(ten_thousand_fibers_wait_for_one_event)
{
    struct lunik_event event = { 0 };

    woken = 0;
    for (unsigned i = 0; i < MANY; i++)
        spawn(wait_and_count, &event);
    lunik_fiber_yield();
    CHECK(lunik_event_signal_one(&event));
    lunik_fiber_yield();
    CHECK_EQ(woken, 1);
    lunik_event_signal(&event);
    CHECK_EQ(woken, 1);
    lunik_fiber_yield();
    CHECK_EQ(woken, MANY);
    drain();
}

/* ---- Against a model ---- */

/*
 * Fibers wait for random events with random deadlines; the main fiber signals,
 * cancels and lets time pass. The model knows, for each wait, what must end it:
 * whichever of signal, cancel and deadline came first.
 */
#define MODEL_FIBERS 40
#define MODEL_EVENTS 8
#define MODEL_STEPS 20000

struct modelled {
    struct lunik_fiber *fiber;
    size_t events[6], count;
    uint64_t deadline_ns;
    bool is_waiting, is_expected, quit;
    lunik_result expected;
    size_t which; /* the event, when a signal is expected */
};

static struct modelled model[MODEL_FIBERS];
static struct lunik_event model_events[MODEL_EVENTS];
static uint64_t random_state;
static unsigned model_waits;

static unsigned next_random(unsigned below)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695;
    return (unsigned)(random_state >> 33) % below;
}

static void model_wait(struct modelled *m)
{
    struct lunik_event *events[6];
    size_t which = 99;
    lunik_result result;

    m->count = next_random(7);
    for (size_t i = 0; i < m->count; i++) {
        m->events[i] = next_random(MODEL_EVENTS);
        events[i] = &model_events[m->events[i]];
    }
    m->deadline_ns =
        next_random(3) ? fake_now + 1 + next_random(200) : LUNIK_NEVER;
    m->is_expected = false;
    m->is_waiting = true;
    result = lunik_event_wait_any(events, m->count, m->deadline_ns, &which);
    m->is_waiting = false;
    model_waits++;
    if (!m->is_expected) {
        /* Only its deadline can have ended it. */
        CHECK_EQ(result, LUNIK_ETIMEOUT);
        CHECK(m->deadline_ns <= fake_now);
        return;
    }
    CHECK_EQ(result, m->expected);
    if (m->expected == LUNIK_OK && CHECK(which < m->count))
        CHECK_EQ(m->events[which], m->which);
    if (result == LUNIK_ECANCELED)
        lunik_fiber_set_cancelled(false);
}

static void model_fiber(void *arg)
{
    struct modelled *m = arg;

    while (!m->quit)
        model_wait(m);
}

static void expect(struct modelled *m, lunik_result result, size_t which)
{
    /* The loop runs timers before the main fiber gets here, so a deadline that
     * passed has already ended its wait. */
    if (!m->is_waiting || m->is_expected || m->deadline_ns <= fake_now)
        return;
    m->is_expected = true;
    m->expected = result;
    m->which = which;
}

static void model_signal(void)
{
    size_t event = next_random(MODEL_EVENTS);

    for (size_t i = 0; i < MODEL_FIBERS; i++)
        for (size_t j = 0; j < model[i].count; j++)
            if (model[i].events[j] == event)
                expect(&model[i], LUNIK_OK, event);
    lunik_event_signal(&model_events[event]);
    CHECK(!lunik_event_has_waiters(&model_events[event]));
}

static void model_cancel(struct modelled *m)
{
    if (!m->is_waiting || m->is_expected || m->deadline_ns <= fake_now)
        return;
    expect(m, LUNIK_ECANCELED, 0);
    lunik_fiber_cancel(m->fiber);
}

TEST(random_waits_end_as_the_model_says)
{
    random_state = 42;
    model_waits = 0;
    for (size_t i = 0; i < MODEL_FIBERS; i++) {
        model[i].quit = false;
        model[i].fiber = spawn(model_fiber, &model[i]);
    }
    lunik_fiber_yield();
    for (unsigned step = 0; step < MODEL_STEPS && !test_failures; step++) {
        switch (next_random(4)) {
        case 0:
            model_signal();
            break;
        case 1:
            model_cancel(&model[next_random(MODEL_FIBERS)]);
            break;
        case 2:
            lunik_fiber_yield();
            break;
        default:
            CHECK_EQ(lunik_sleep_until(fake_now + next_random(60)), LUNIK_OK);
            break;
        }
    }
    CHECK(model_waits > MODEL_STEPS);
    for (size_t i = 0; i < MODEL_FIBERS; i++)
        model[i].quit = true;
    /* Each may be in one last wait, perhaps for ever. */
    for (size_t i = 0; i < MODEL_FIBERS; i++)
        model_cancel(&model[i]);
    lunik_fiber_yield();
    for (size_t i = 0; i < MODEL_EVENTS; i++)
        model_signal(), lunik_event_signal(&model_events[i]);
    drain();
}
