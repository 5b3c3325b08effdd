/* SPDX-License-Identifier: MIT */
/*
 * libos.c: an image in C that prints what calls of the library OS cost.
 *
 * Each line is "NAME COUNT": instructions per call, as QEMU with -icount
 * shift=0 counts them in the time-stamp counter. The loop around is counted
 * with an empty body and taken off.
 */
#include <lunik/attr.h>
#include <lunik/console.h>
#include <lunik/event.h>
#include <lunik/mem.h>
#include <lunik/random.h>
#include <lunik/sys.h>
#include <lunik/time.h>
#include <stdio.h>

#define TURNS 4000
#define TASKS 200

typedef void measured_fn(void);

static uint64_t now(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

static LUNIK_NOINLINE uint64_t count_of(measured_fn *fn)
{
    uint64_t began = now();

    for (int i = 0; i < TURNS; i++)
        fn();
    return now() - began;
}

static LUNIK_NOINLINE void nothing(void)
{
    __asm__ volatile("");
}

static void report(const char *name, uint64_t total, uint64_t calls)
{
    printf("%s %llu\n", name,
           (unsigned long long)((total + calls / 2) / calls));
}

static void measure(const char *name, measured_fn *fn)
{
    uint64_t empty = count_of(nothing), whole;

    count_of(fn); /* memory is there the second time */
    whole = count_of(fn);
    report(name, whole > empty ? whole - empty : 0, TURNS);
}

/* ---- What is measured ---- */

static void alloc_free(void)
{
    lunik_mem_free(lunik_mem_alloc(48));
}

static void alloc_free_sized(void)
{
    void *memory = lunik_mem_alloc_sized(48);

    if (memory)
        lunik_mem_free_sized(memory, 48);
}

static void alloc_free_large(void)
{
    lunik_mem_free(lunik_mem_alloc(20000));
}

static void page_alloc_free(void)
{
    void *page = lunik_pages_alloc(1);

    if (page)
        lunik_pages_free(page, 1);
}

static void timer_fn(void *arg)
{
    (void)arg;
}

static void timer_set_clear(void)
{
    static struct lunik_timer timer = { .fn = timer_fn };

    lunik_timer_set(&timer, lunik_time_after_ns(LUNIK_NS_PER_S));
    lunik_timer_clear(&timer);
}

static void clock_read(void)
{
    (void)lunik_time_monotonic_ns();
}

static void random_bytes(void)
{
    unsigned char bytes[16];

    lunik_random_fill(bytes, sizeof(bytes));
}

static void yielder(void *arg)
{
    int *left = arg;

    while (--*left > 0)
        lunik_fiber_yield();
}

static struct lunik_event ping, pong;

static void ponger(void *arg)
{
    int *left = arg;

    while (--*left > 0) {
        if (lunik_event_wait(&ping, LUNIK_NEVER) != LUNIK_OK)
            return;
        lunik_event_signal_one(&pong);
    }
}

static void switches(void)
{
    static int left = TURNS;
    struct lunik_fiber *fiber;
    uint64_t began, empty = count_of(nothing);

    if (lunik_fiber_create("other", yielder, &left, &fiber) != LUNIK_OK)
        return;
    lunik_fiber_yield();
    began = now();
    for (int i = 0; i < TURNS / 2; i++)
        lunik_fiber_yield();
    report("fiber_switch", now() - began - empty, TURNS);
}

static void signals(void)
{
    static int left = 2 * TURNS;
    struct lunik_fiber *fiber;
    uint64_t began;

    if (lunik_fiber_create("ponger", ponger, &left, &fiber) != LUNIK_OK)
        return;
    lunik_fiber_yield();
    began = now();
    for (int i = 0; i < TURNS; i++) {
        lunik_event_signal_one(&ping);
        if (lunik_event_wait(&pong, LUNIK_NEVER) != LUNIK_OK)
            return;
    }
    report("event_round_trip", now() - began, TURNS);
}

static void ends_at_once(void *arg)
{
    (void)arg;
}

static void fibers(void)
{
    struct lunik_fiber *fiber;
    uint64_t began = now();

    for (int i = 0; i < TASKS; i++) {
        if (lunik_fiber_create("short", ends_at_once, NULL, &fiber) != LUNIK_OK)
            return;
        lunik_fiber_yield();
    }
    report("fiber_create_end", now() - began, TASKS);
}

int lunik_main(int argc, char **argv)
{
    uint64_t began;

    (void)argc;
    (void)argv;
    switches();
    signals();
    fibers();
    measure("alloc_free_48", alloc_free);
    measure("alloc_free_48_sized", alloc_free_sized);
    measure("alloc_free_20000", alloc_free_large);
    measure("page_alloc_free", page_alloc_free);
    measure("timer_set_clear", timer_set_clear);
    measure("clock_read", clock_read);
    measure("random_16", random_bytes);
    began = now();
    lunik_console_write("0123456789012345678901234567890\n", 32);
    report("console_line_32", now() - began, 1);
    return 0;
}
