/* SPDX-License-Identifier: MIT */
/*
 * clock.c: the monotonic clock, and the date.
 *
 * Nothing happens before somebody asks. On KVM the host describes the
 * time-stamp counter in a page of ours (pvclock); elsewhere tsc.c finds its
 * frequency.
 */
#include "clock.h"
#include "clockmath.h"
#include "cpu.h"
#include "machine.h"
#include "platform.h"
#include <lunik/time.h>
#include <string.h>

#define KVM_LEAF_FEATURES 1u
#define KVM_FEATURE_CLOCK (1u << 3)
#define KVM_MSR_WALL 0x4b564d00u
#define KVM_MSR_SYSTEM 0x4b564d01u

/* Written by the host. Linux: arch/x86/include/asm/pvclock-abi.h */
struct pvclock {
    uint32_t version; /* odd while it is being written */
    uint32_t padding;
    uint64_t tsc;
    uint64_t system_ns;
    uint32_t multiplier;
    int8_t shift;
    uint8_t flags;
    uint8_t padding_2[2];
};
_Static_assert(sizeof(struct pvclock) == 32, "KVM's ABI");

struct pvclock_wall {
    uint32_t version, seconds, nanoseconds;
};
_Static_assert(sizeof(struct pvclock_wall) == 12, "KVM's ABI");

static struct clock {
    const char *source; /* NULL: nobody has asked */
    const char *wall_source;
    bool is_kvm;
    uint64_t tsc_hz;
    uint64_t base; /* of the counter, or of KVM's clock, when it began */
    uint64_t last_ns;
    struct clock_scale scale;
} clock;

static LUNIK_ALIGNED(64) volatile struct pvclock pvclock;
static LUNIK_ALIGNED(16) volatile struct pvclock_wall pvclock_wall;

/* ---- KVM's clock ---- */

static uint64_t pvclock_ns(void)
{
    struct clock_scale scale;
    uint64_t passed, ns;
    uint32_t version;

    do {
        version = pvclock.version;
        __asm__ volatile("" : : : "memory");
        scale.multiplier = pvclock.multiplier;
        scale.shift = pvclock.shift;
        passed = rdtsc_ordered() - pvclock.tsc;
        ns = pvclock.system_ns;
        __asm__ volatile("" : : : "memory");
    } while ((version & 1) || version != pvclock.version);
    return ns + platform_clock_scale_ns(scale, passed);
}

static bool start_kvm(void)
{
    const struct hypervisor *hypervisor = platform_hypervisor_get();

    if (strcmp(hypervisor->name, "kvm") != 0 ||
        !(cpuid(hypervisor->base + KVM_LEAF_FEATURES, 0).eax &
          KVM_FEATURE_CLOCK))
        return false;
    wrmsr(KVM_MSR_SYSTEM, (uintptr_t)&pvclock | 1);
    if (pvclock.multiplier == 0)
        return false;
    clock.is_kvm = true;
    clock.source = "kvm-clock";
    clock.base = pvclock_ns();
    clock.tsc_hz = platform_clock_scale_hz((struct clock_scale) {
        .multiplier = pvclock.multiplier, .shift = pvclock.shift });
    return true;
}

/* ---- Monotonic ---- */

static void start(void)
{
    if (start_kvm())
        return;
    clock.tsc_hz = platform_tsc_frequency(&clock.source);
    clock.scale = platform_clock_scale_of(clock.tsc_hz);
    clock.base = rdtsc_ordered();
}

uint64_t platform_monotonic_ns(void)
{
    uint64_t now;

    if (LUNIK_UNLIKELY(!clock.source))
        start();
    if (clock.is_kvm)
        now = pvclock_ns() - clock.base;
    else
        now =
            platform_clock_scale_ns(clock.scale, rdtsc_ordered() - clock.base);
    /* A machine that was moved to another host may step back a little. */
    if (now < clock.last_ns)
        return clock.last_ns;
    clock.last_ns = now;
    return now;
}

const char *platform_monotonic_source(void)
{
    platform_monotonic_ns();
    return clock.source;
}

uint64_t platform_clock_tsc_hz(void)
{
    platform_monotonic_ns();
    return clock.tsc_hz;
}

/* ---- Wall ---- */

static bool wall_by_kvm(uint64_t *out)
{
    uint64_t boot_ns;

    platform_monotonic_ns();
    if (!clock.is_kvm)
        return false;
    wrmsr(KVM_MSR_WALL, (uintptr_t)&pvclock_wall);
    boot_ns = pvclock_wall.seconds * LUNIK_NS_PER_S + pvclock_wall.nanoseconds;
    if (boot_ns == 0)
        return false;
    *out = boot_ns + pvclock_ns();
    return true;
}

#define CMOS_INDEX 0x70
#define CMOS_DATA 0x71
#define CMOS_STATUS_A 0x0a
#define CMOS_UPDATING 0x80
#define CMOS_READS_MAX 10u

static uint8_t cmos(uint8_t index)
{
    arch_out8(CMOS_INDEX, index | 0x80); /* and no NMI meanwhile */
    return arch_in8(CMOS_DATA);
}

static struct clock_date read_date(void)
{
    return (struct clock_date) {
        .second = cmos(0),
        .minute = cmos(2),
        .hour = cmos(4),
        .day = cmos(7),
        .month = cmos(8),
        .year = cmos(9),
        .century = cmos(0x32),
        .status_b = cmos(0x0b),
    };
}

/* An update in the middle of a reading shows by a second reading that differs.
 * Ports without a clock read as all ones, which is no date. */
static bool wall_by_cmos(uint64_t *out)
{
    struct clock_date date = read_date(), again;
    uint64_t seconds;

    for (unsigned i = 0; i < CMOS_READS_MAX; i++) {
        again = read_date();
        if (memcmp(&date, &again, sizeof date) == 0 &&
            !(cmos(CMOS_STATUS_A) & CMOS_UPDATING))
            break;
        date = again;
    }
    if (!platform_clock_date_seconds(&again, &seconds))
        return false;
    *out = seconds * LUNIK_NS_PER_S;
    return true;
}

bool platform_wall_ns(uint64_t *out)
{
    if (wall_by_kvm(out))
        clock.wall_source = "kvm-clock";
    else if (wall_by_cmos(out))
        clock.wall_source = "rtc";
    else
        return false;
    return true;
}

const char *platform_wall_source(void)
{
    return clock.wall_source ? clock.wall_source : "none";
}
