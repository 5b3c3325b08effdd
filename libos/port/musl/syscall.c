/* SPDX-License-Identifier: MIT */
/* syscall.c: the system calls that are not about files. */
#include "syscall.h"
#include "port.h"
#include <errno.h>
#include <limits.h>
#include <lunik/event.h>
#include <lunik/format.h>
#include <lunik/log.h>
#include <lunik/mem.h>
#include <lunik/random.h>
#include <lunik/sys.h>
#include <lunik/time.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>

static unsigned long unknown_calls;

long lunik_sys_unknown(long number)
{
    unknown_calls++;
    lunik_log(LUNIK_LOG_DEBUG, "libc: system call %ld does not exist here",
              number);
    return -ENOSYS;
}

unsigned long lunik_port_unknown_calls(void)
{
    return unknown_calls;
}

/* ---- Time ---- */

static void to_timespec(uint64_t ns, struct timespec *out)
{
    out->tv_sec = (time_t)(ns / LUNIK_NS_PER_S);
    out->tv_nsec = (long)(ns % LUNIK_NS_PER_S);
}

/* False: not a time. One that is too late for the clock is LUNIK_NEVER. */
static bool from_timespec(const struct timespec *in, uint64_t *out)
{
    if (in->tv_sec < 0 || in->tv_nsec < 0 ||
        (uint64_t)in->tv_nsec >= LUNIK_NS_PER_S)
        return false;
    if ((uint64_t)in->tv_sec >= LUNIK_NEVER / LUNIK_NS_PER_S)
        *out = LUNIK_NEVER;
    else
        *out = (uint64_t)in->tv_sec * LUNIK_NS_PER_S + (uint64_t)in->tv_nsec;
    return true;
}

static bool is_wall(long clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
}

static bool is_clock(long clock)
{
    return clock >= CLOCK_REALTIME && clock <= CLOCK_BOOTTIME;
}

/* The processor's time is the image's: nobody else is on it. */
static uint64_t clock_now(long clock)
{
    return is_wall(clock) ? lunik_time_wall_ns() : lunik_time_monotonic_ns();
}

long lunik_sys_clock_gettime(long clock, void *out)
{
    if (!is_clock(clock))
        return -EINVAL;
    to_timespec(clock_now(clock), out);
    return 0;
}

long lunik_sys_clock_getres(long clock, void *out)
{
    if (!is_clock(clock))
        return -EINVAL;
    if (out)
        to_timespec(1, out);
    return 0;
}

long lunik_sys_gettimeofday(void *out)
{
    uint64_t us = lunik_time_wall_ns() / 1000;
    struct timeval *tv = out;

    tv->tv_sec = (time_t)(us / 1000000);
    tv->tv_usec = (suseconds_t)(us % 1000000);
    return 0;
}

long lunik_sys_clock_nanosleep(long clock, long flags, const void *in,
                               void *left_out)
{
    uint64_t wanted, now = 0, deadline;
    lunik_result result;
    int mine;

    if (!is_clock(clock) || !from_timespec(in, &wanted))
        return -EINVAL;
    if (flags & TIMER_ABSTIME) {
        now = clock_now(clock);
        wanted = wanted > now ? wanted - now : 0;
    }
    deadline = lunik_time_after_ns(wanted);
    mine = lunik_port_wait_begin();
    result = lunik_sleep_until(deadline);
    lunik_port_wait_end(mine);
    if (result == LUNIK_OK)
        return 0;
    now = lunik_time_monotonic_ns();
    if (left_out && !(flags & TIMER_ABSTIME))
        to_timespec(deadline > now ? deadline - now : 0, left_out);
    return -EINTR;
}

/* ---- Fibers ---- */

void lunik_port_yield(void)
{
    int mine = lunik_port_wait_begin();

    lunik_fiber_yield();
    lunik_port_wait_end(mine);
}

long lunik_sys_sched_yield(void)
{
    lunik_port_yield();
    return 0;
}

/* Waiters whose words fall together wake each other and look again. */
#define FUTEX_EVENTS 16
static struct lunik_event futex_events[FUTEX_EVENTS];

static struct lunik_event *futex_event(const int *word)
{
    return &futex_events[((uintptr_t)word >> 2) % FUTEX_EVENTS];
}

static long futex_wait(int *word, long value, const struct timespec *timeout)
{
    uint64_t deadline = LUNIK_NEVER;
    lunik_result result;
    int mine;

    if (*(const volatile int *)word != (int)value)
        return -EAGAIN;
    /* A fiber that waits for input holds the lock of its file. */
    if (lunik_exit_has_begun()) {
        *(volatile int *)word = 0;
        return 0;
    }
    if (timeout) {
        if (!from_timespec(timeout, &deadline))
            return -EINVAL;
        deadline = lunik_time_after_ns(deadline);
    }
    mine = lunik_port_wait_begin();
    result = lunik_event_wait(futex_event(word), deadline);
    lunik_port_wait_end(mine);
    if (result == LUNIK_ECANCELED) {
        /* Upstream tries again at once, for ever: let the others run. */
        lunik_fiber_yield();
        return -EINTR;
    }
    return result == LUNIK_OK ? 0 : -ETIMEDOUT;
}

long lunik_sys_futex(int *word, long op, long value, const void *timeout)
{
    switch (op & 0x7f) {
    case 0: /* FUTEX_WAIT */
        return futex_wait(word, value, timeout);
    case 1: /* FUTEX_WAKE */
        lunik_event_signal(futex_event(word));
        return 0;
    default:
        return -ENOSYS;
    }
}

long lunik_sys_exit(long code)
{
    lunik_exit((int)code);
}

/* ---- Memory ---- */

static size_t page_count(unsigned long size)
{
    return (size + LUNIK_PAGE_SIZE - 1) / LUNIK_PAGE_SIZE;
}

long lunik_sys_mmap(unsigned long size, long protection, long flags)
{
    void *pages;

    if (size == 0 || size > PTRDIFF_MAX)
        return -EINVAL;
    /* Files are not mapped, nothing is placed, nothing is executable. */
    if (!(flags & MAP_ANONYMOUS) || (flags & MAP_FIXED) ||
        (protection & PROT_EXEC))
        return -ENODEV;
    pages = lunik_pages_alloc(page_count(size));
    if (!pages)
        return -ENOMEM;
    memset(pages, 0, page_count(size) * LUNIK_PAGE_SIZE);
    return (long)pages;
}

long lunik_sys_munmap(void *memory, unsigned long size)
{
    if ((uintptr_t)memory % LUNIK_PAGE_SIZE || size == 0)
        return -EINVAL;
    lunik_pages_free(memory, page_count(size));
    return 0;
}

long lunik_sys_brk(void)
{
    return -ENOMEM;
}

/* ---- The machine ---- */

long lunik_sys_getrandom(void *out, unsigned long size)
{
    lunik_random_fill(out, size);
    return (long)size;
}

long lunik_sys_uname(void *out)
{
    struct utsname *name = out;

    memset(name, 0, sizeof(*name));
    lunik_format(name->sysname, sizeof name->sysname, "Lunik");
    lunik_format(name->nodename, sizeof name->nodename, "lunik");
    lunik_format(name->release, sizeof name->release, LUNIK_VERSION);
    lunik_format(name->version, sizeof name->version, "%s",
                 lunik_sys_hypervisor());
    lunik_format(name->machine, sizeof name->machine, LUNIK_MACHINE);
    return 0;
}

long lunik_sys_sysinfo(void *out)
{
    struct lunik_mem_info mem;
    struct sysinfo *info = out;

    lunik_mem_get_info(&mem);
    memset(info, 0, sizeof(*info));
    info->uptime = lunik_time_monotonic_ns() / LUNIK_NS_PER_S;
    info->totalram = mem.total_bytes;
    info->freeram = mem.free_bytes;
    info->procs = 1;
    info->mem_unit = 1;
    return 0;
}
