/* SPDX-License-Identifier: MIT */
/*
 * timer.c: sleeping until something happens, and the watchdog, which share the
 * local APIC's one timer.
 */
#include "apic.h"
#include "clock.h"
#include "clockmath.h"
#include "cpu.h"
#include "machine.h"
#include "platform.h"
#include "trap.h"
#include <lunik/event.h>
#include <lunik/panic.h>
#include <lunik/time.h>
#include <string.h>

/* The watchdog looks this often within its time. */
#define WATCHDOG_LOOKS 4u

/* At this distance nobody waits for the timer: it fires, and is set again. */
#define SLEEP_MAX_NS (UINT64_C(10) * LUNIK_NS_PER_S)

static struct timer {
    uint64_t ticks_hz;    /* of the timer after its divider; 0: not known yet */
    uint64_t watchdog_ns; /* 0: off */
    uint64_t progress, progress_ns;
    bool is_asleep;
} timer;

/* ---- The timer ---- */

#define MEASURE_NS (LUNIK_NS_PER_MS / 2)

/* By the clock, for hypervisors that do not say. */
static uint64_t measure_ticks_hz(void)
{
    uint64_t start = platform_monotonic_ns(), passed;
    uint32_t ticks;

    arch_apic_set_ticks(UINT32_MAX);
    do
        passed = platform_monotonic_ns() - start;
    while (passed < MEASURE_NS);
    ticks = UINT32_MAX - arch_apic_ticks();
    arch_apic_set_ticks(0);
    return ticks * LUNIK_NS_PER_S / passed;
}

static uint64_t find_ticks_hz(void)
{
    const struct hypervisor *hypervisor = platform_hypervisor_get();
    uint64_t hz = 0;

    if (strcmp(hypervisor->name, "tcg") == 0)
        return LUNIK_NS_PER_S / ARCH_APIC_DIVIDER;
    /* VMware's timing leaf: kHz of the bus. */
    if (hypervisor->base == 0x40000000 && hypervisor->last >= 0x40000010)
        hz = (uint64_t)cpuid(0x40000010, 0).ebx * 1000 / ARCH_APIC_DIVIDER;
    else if (strcmp(hypervisor->name, "kvm") == 0)
        return LUNIK_NS_PER_S / ARCH_APIC_DIVIDER;
    if (hz == 0)
        hz = measure_ticks_hz();
    return hz > 0 ? hz : LUNIK_NS_PER_S / ARCH_APIC_DIVIDER;
}

/* Has the timer interrupt (ns) from now, or earlier if that is far away. */
static void set_timer(uint64_t ns)
{
    uint64_t ticks;

    ns = ns < SLEEP_MAX_NS ? ns : SLEEP_MAX_NS;
    if (arch_apic_has_deadline() && platform_clock_tsc_hz() != 0) {
        arch_apic_set_deadline(
            rdtsc_ordered() +
            platform_clock_ticks(ns, platform_clock_tsc_hz()) + 1);
        return;
    }
    if (timer.ticks_hz == 0)
        timer.ticks_hz = find_ticks_hz();
    ticks = platform_clock_ticks(ns, timer.ticks_hz) + 1;
    arch_apic_set_ticks(ticks < UINT32_MAX ? (uint32_t)ticks : UINT32_MAX);
}

/* ---- Watchdog ---- */

static void watchdog_look_later(void)
{
    if (timer.watchdog_ns > 0)
        set_timer(timer.watchdog_ns / WATCHDOG_LOOKS);
}

void platform_watchdog_start(void)
{
    const char *option = lunik_launch_option("watchdog", 0);
    uint64_t seconds = 0;

    /* The launch line was checked: digits, and not too many. */
    while (option && *option)
        seconds = seconds * 10 + (uint64_t)(*option++ - '0');
    if (seconds == 0 || !arch_apic_start())
        return;
    timer.watchdog_ns = seconds * LUNIK_NS_PER_S;
    timer.progress = lunik_event_progress();
    timer.progress_ns = platform_monotonic_ns();
    watchdog_look_later();
}

void platform_timer_interrupt(const struct arch_trap *trap)
{
    uint64_t progress, now;

    /* The interrupt itself ended the sleep: nothing else was wanted. */
    if (timer.watchdog_ns == 0 || timer.is_asleep)
        return;
    progress = lunik_event_progress();
    now = platform_monotonic_ns();
    if (progress != timer.progress) {
        timer.progress = progress;
        timer.progress_ns = now;
    } else if (now - timer.progress_ns >= timer.watchdog_ns) {
        lunik_panic_trap(LUNIK_EXIT_WATCHDOG, trap->rip, trap->rbp,
                         "watchdog: no fiber waited for %lu s",
                         (unsigned long)(timer.watchdog_ns / LUNIK_NS_PER_S));
    }
    watchdog_look_later();
}

/* ---- Idle ---- */

/*
 * No wake-up is lost: an interrupt that sets a bit of (*pending) comes either
 * before the look at it, which then sees the bit, or is held off until `sti;
 * hlt`. The processor lets it in only after `hlt` has begun, and it ends the
 * `hlt`. The same holds for the timer, which is set while it is held off.
 */
void platform_idle(const volatile uint64_t *pending, uint64_t deadline_ns)
{
    uint64_t flags = cpu_interrupts_off();
    bool may_sleep = *pending == 0;

    if (may_sleep && deadline_ns != LUNIK_NEVER) {
        uint64_t now = platform_monotonic_ns();

        may_sleep = deadline_ns > now && arch_apic_start();
        if (may_sleep)
            set_timer(deadline_ns - now);
    }
    if (may_sleep) {
        timer.is_asleep = true;
        cpu_sleep();
        timer.is_asleep = false;
        watchdog_look_later();
    }
    cpu_interrupts_restore(flags);
}
