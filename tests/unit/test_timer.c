/* SPDX-License-Identifier: MIT */
/* test_timer.c: the timer heap, against a plain list. */
#define TEST_ON_FIBER
#include "fake.h"
#include "test.h"
#include <lunik/time.h>

#define COUNT 300

struct entry {
    struct lunik_timer timer;
    uint64_t deadline_ns, order; /* as the list has them */
    bool is_set;
};

static struct entry entries[COUNT];
static uint64_t order_next, random_state = 7;
static unsigned runs;

static unsigned next_random(unsigned below)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695;
    return (unsigned)(random_state >> 33) % below;
}

/* The entry that the list says must run next; NULL: none is due. */
static struct entry *first_due(void)
{
    struct entry *first = NULL;

    for (size_t i = 0; i < COUNT; i++) {
        struct entry *e = &entries[i];

        if (!e->is_set || e->deadline_ns > fake_now)
            continue;
        if (!first || e->deadline_ns < first->deadline_ns ||
            (e->deadline_ns == first->deadline_ns && e->order < first->order))
            first = e;
    }
    return first;
}

static void expire(void *arg)
{
    struct entry *e = arg;

    CHECK(first_due() == e);
    CHECK(!e->timer.is_set);
    e->is_set = false;
    runs++;
}

static void set(struct entry *e, uint64_t deadline_ns)
{
    e->timer.fn = expire;
    e->timer.arg = e;
    lunik_timer_set(&e->timer, deadline_ns);
    e->deadline_ns = deadline_ns;
    e->order = order_next++;
    e->is_set = true;
}

static void clear(struct entry *e)
{
    lunik_timer_clear(&e->timer);
    CHECK(!e->timer.is_set);
    e->is_set = false;
}

static unsigned count_set(void)
{
    unsigned count = 0;

    for (size_t i = 0; i < COUNT; i++)
        count += entries[i].is_set;
    return count;
}

TEST(timers_run_in_order_whatever_is_set_and_cleared)
{
    unsigned sets = 0, clears = 0;

    for (unsigned step = 0; step < 20000 && !test_failures; step++) {
        struct entry *e = &entries[next_random(COUNT)];

        switch (next_random(8)) {
        case 0:
            clears += e->is_set;
            clear(e);
            break;
        case 1:
            fake_now += next_random(100);
            lunik_fiber_yield(); /* the loop turns: what is due runs */
            CHECK(first_due() == NULL);
            break;
        default:
            /* Few values, so that many are equal. */
            set(e, fake_now + next_random(40) * 100);
            sets++;
            break;
        }
    }
    CHECK(runs > 3000);
    CHECK(clears > 500);
    fake_now += 10000;
    lunik_fiber_yield();
    CHECK_EQ(count_set(), 0);
}

TEST(equal_deadlines_run_in_the_order_they_were_set)
{
    runs = 0;
    for (size_t i = 0; i < COUNT; i++)
        set(&entries[i], fake_now + 5);
    set(&entries[3], fake_now + 5); /* now the last */
    fake_now += 5;
    lunik_fiber_yield();
    CHECK_EQ(runs, COUNT);
}

TEST(a_timer_runs_at_its_deadline_and_not_before)
{
    runs = 0;
    set(&entries[0], fake_now + 10);
    fake_now += 9;
    lunik_fiber_yield();
    CHECK_EQ(runs, 0);
    fake_now += 1;
    lunik_fiber_yield();
    CHECK_EQ(runs, 1);
    lunik_fiber_yield();
    CHECK_EQ(runs, 1);
}

TEST(deadlines_in_the_past_run_in_their_order)
{
    runs = 0;
    set(&entries[0], fake_now - 1);
    set(&entries[1], fake_now - 2);
    lunik_fiber_yield();
    CHECK_EQ(runs, 2); /* expire() checks the order */
}

TEST(never_does_not_come)
{
    runs = 0;
    set(&entries[0], LUNIK_NEVER);
    fake_now += 1000000;
    lunik_fiber_yield();
    CHECK_EQ(runs, 0);
    clear(&entries[0]);
}

TEST(clearing_a_timer_that_is_not_set_does_nothing)
{
    struct lunik_timer timer = { .fn = expire };

    lunik_timer_clear(&timer);
    lunik_timer_clear(&timer);
    CHECK(!timer.is_set);
}

static struct lunik_timer again;
static unsigned again_runs, other_runs;

static void run_again(void *arg)
{
    (void)arg;
    again_runs++;
    lunik_timer_set(&again, 0);
}

static void run_other(void *arg)
{
    (void)arg;
    other_runs++;
}

/* One that always sets itself to the past must not keep the loop, nor stand
 * before the ones that wait. */
TEST(a_timer_that_sets_itself_again_runs_once_a_turn)
{
    struct lunik_timer other = { .fn = run_other };

    again.fn = run_again;
    lunik_timer_set(&again, 0);
    lunik_fiber_yield();
    CHECK_EQ(again_runs, 1);
    lunik_timer_set(&other, fake_now + 1);
    fake_now += 2;
    lunik_fiber_yield();
    CHECK_EQ(again_runs, 2);
    CHECK_EQ(other_runs, 1);
    lunik_timer_clear(&again);
}

static void clear_other(void *arg)
{
    lunik_timer_clear(arg);
}

TEST(a_timer_may_clear_another_that_is_due)
{
    struct lunik_timer other = { .fn = run_other };
    struct lunik_timer first = { .fn = clear_other, .arg = &other };

    other_runs = 0;
    lunik_timer_set(&first, fake_now + 1);
    lunik_timer_set(&other, fake_now + 1);
    fake_now += 2;
    lunik_fiber_yield();
    CHECK_EQ(other_runs, 0);
    CHECK(!other.is_set);
}

#define DEEP 100000

/* In falling order each new timer becomes the root above all before it: the
 * deepest heap there is. Nothing may recurse over it. */
TEST(a_heap_as_deep_as_its_timers_is_taken_apart)
{
    static struct lunik_timer deep[DEEP];

    other_runs = 0;
    for (size_t i = 0; i < DEEP; i++) {
        deep[i].fn = run_other;
        lunik_timer_set(&deep[i], fake_now + DEEP - i);
    }
    for (size_t i = 0; i < DEEP; i += 2)
        lunik_timer_clear(&deep[i]);
    fake_now += DEEP;
    lunik_fiber_yield();
    CHECK_EQ(other_runs, DEEP / 2);
}

TEST(a_timer_without_a_function_is_an_assertion)
{
    struct lunik_timer timer = { 0 };

    CHECK_DIES(LUNIK_EXIT_PANIC, lunik_timer_set(&timer, 1));
    CHECK_CONTAINS(test_output, "fn");
}

TEST(a_duration_that_overflows_is_never)
{
    fake_now += 100;
    CHECK_EQ(lunik_time_after_ns(5), fake_now + 5);
    CHECK_EQ(lunik_time_after_ns(LUNIK_NEVER), LUNIK_NEVER);
    CHECK_EQ(lunik_time_after_ns(LUNIK_NEVER - 10), LUNIK_NEVER);
    CHECK_EQ(lunik_time_after_ns(LUNIK_NEVER - fake_now - 1), LUNIK_NEVER - 1);
}

TEST(a_wall_clock_without_a_source_starts_at_1970_and_moves)
{
    uint64_t first = lunik_time_wall_ns();

    CHECK_STR_EQ(lunik_time_wall_source(), "none");
    fake_now += 12345;
    CHECK_EQ(lunik_time_wall_ns(), first + 12345);
    CHECK_STR_EQ(lunik_time_source(), "fake");
}
