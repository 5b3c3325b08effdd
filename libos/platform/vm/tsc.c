/* SPDX-License-Identifier: MIT */
/*
 * tsc.c: how fast the time-stamp counter goes.
 *
 * Asked of CPUID first. Where that does not say, one of three counters of
 * known frequency is watched for a millisecond.
 */
#include "apic.h"
#include "clock.h"
#include "cpu.h"
#include "machine.h"
#include "power.h"
#include <lunik/time.h>
#include <string.h>

#define HZ_MIN UINT64_C(10000000)    /* nothing real is slower … */
#define HZ_MAX UINT64_C(20000000000) /* … or faster */

#define PM_TIMER_HZ 3579545u
#define PIT_HZ 1193182u
#define APIC_HZ (1000000000u / ARCH_APIC_DIVIDER)

#define PIT_CHANNEL_2 0x42
#define PIT_COMMAND 0x43
#define PIT_GATE 0x61
#define PIT_LATCH_2 0x80
#define PIT_START_2 0xb0 /* both bytes, mode 0: down to 0 and on */

/* So often a counter may be read without a change before it counts as dead. */
#define READS_MAX 1000u

/* Reads that pass the window of the measurement at most: a read takes longer
 * than a nanosecond. */
#define WAITS_MAX 1000000u

/* ---- CPUID ---- */

static bool is_sane(uint64_t hz)
{
    return hz >= HZ_MIN && hz <= HZ_MAX;
}

static uint64_t by_cpuid(void)
{
    const struct hypervisor *hypervisor = platform_hypervisor_get();
    struct cpuid ratio = cpuid_checked(0x15, 0);

    if (ratio.eax != 0 && ratio.ebx != 0 && ratio.ecx != 0)
        return (uint64_t)ratio.ecx * ratio.ebx / ratio.eax;
    /* VMware's timing leaf, which KVM and others have, too: kHz. */
    if (hypervisor->base == 0x40000000 && hypervisor->last >= 0x40000010)
        return (uint64_t)cpuid(0x40000010, 0).eax * 1000;
    /* Xen's time leaf: kHz of the guest's counter. */
    if (strcmp(hypervisor->name, "xen") == 0 &&
        hypervisor->last >= hypervisor->base + 3)
        return (uint64_t)cpuid(hypervisor->base + 3, 0).ecx * 1000;
    /* The processor's base frequency: that of the counter where no crystal is
     * named (leaf 0x15 there, its clock missing). MHz. */
    if (ratio.eax != 0 && ratio.ebx != 0)
        return (uint64_t)(cpuid_checked(0x16, 0).eax & 0xffff) * 1000000;
    return 0;
}

/* ---- Watching a counter ---- */

struct counter {
    uint32_t (*read)(void); /* counting up, with a mask's worth of bits */
    uint32_t mask;
    uint64_t hz;
};

struct reading {
    uint64_t tsc;
    uint32_t count;
    bool is_good;
};

/* The counter at the moment that it changes, which is when it is exact: of two
 * tries the one whose port read was the quicker. */
static struct reading read_at_edge(const struct counter *counter)
{
    struct reading best = { 0, 0, false };
    uint64_t best_gap = UINT64_MAX;

    for (unsigned try = 0; try < 2; try++) {
        uint32_t before = counter->read(), now = before;
        uint64_t start = 0, end = 0;

        for (unsigned i = 0; now == before && i < READS_MAX; i++) {
            start = rdtsc_ordered();
            now = counter->read();
            end = rdtsc_ordered();
        }
        if (now == before)
            return best;
        if (end - start < best_gap) {
            best_gap = end - start;
            best = (struct reading) { start + best_gap / 2, now, true };
        }
    }
    return best;
}

static uint64_t watch(const struct counter *counter)
{
    struct reading first = read_at_edge(counter), last;
    uint64_t window = counter->hz / 1000, passed = 0, hz;

    /* Few reads, and rests between them: every image with a network goes
     * through here as it starts. */
    for (unsigned i = 0; passed < window && i < WAITS_MAX; i++) {
        __asm__ volatile(".rept 16; pause; .endr");
        passed = (counter->read() - first.count) & counter->mask;
    }
    last = read_at_edge(counter);
    passed = (last.count - first.count) & counter->mask;
    if (!first.is_good || !last.is_good || passed < window)
        return 0;
    /* In kHz first: the product has 64 bits for two hours' worth. */
    hz = (last.tsc - first.tsc) * counter->hz / passed;
    return is_sane(hz) ? hz : 0;
}

static uint16_t pm_timer_port;

static uint32_t read_pm_timer(void)
{
    return arch_in32(pm_timer_port) & 0xffffff;
}

static uint64_t by_pm_timer(void)
{
    static const struct counter counter = { read_pm_timer, 0xffffff,
                                            PM_TIMER_HZ };
    const struct acpi_power *acpi = platform_power_description(true);

    if (!acpi || acpi->timer_port == 0)
        return 0;
    pm_timer_port = acpi->timer_port;
    return watch(&counter);
}

/* Counts down; ports without a timer read as all ones. */
static uint32_t read_pit(void)
{
    uint32_t low;

    arch_out8(PIT_COMMAND, PIT_LATCH_2);
    low = arch_in8(PIT_CHANNEL_2);
    return (0xffffu - (low | (uint32_t)arch_in8(PIT_CHANNEL_2) << 8)) & 0xffffu;
}

static uint64_t by_pit(void)
{
    static const struct counter counter = { read_pit, 0xffff, PIT_HZ };

    /* Gate on, speaker off. */
    arch_out8(PIT_GATE, (uint8_t)((arch_in8(PIT_GATE) & ~2) | 1));
    arch_out8(PIT_COMMAND, PIT_START_2);
    arch_out8(PIT_CHANNEL_2, 0xff);
    arch_out8(PIT_CHANNEL_2, 0xff);
    return watch(&counter);
}

static uint32_t read_apic(void)
{
    return UINT32_MAX - arch_apic_ticks();
}

/* The local APIC's timer goes at 1 GHz on QEMU and KVM; elsewhere one of the
 * others has said something before. */
static uint64_t by_apic(void)
{
    static const struct counter counter = { read_apic, UINT32_MAX, APIC_HZ };
    uint64_t hz;

    if (!arch_apic_start())
        return 0;
    arch_apic_set_ticks(UINT32_MAX);
    hz = watch(&counter);
    arch_apic_set_ticks(0);
    return hz;
}

uint64_t platform_tsc_frequency(const char **source_out)
{
    static const struct {
        uint64_t (*find)(void);
        const char *source;
    } ways[] = {
        { by_cpuid, "tsc (cpuid)" },
        { by_pm_timer, "tsc (acpi pm timer)" },
        { by_pit, "tsc (pit)" },
        { by_apic, "tsc (lapic)" },
    };

    for (unsigned i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        uint64_t hz = ways[i].find();

        if (is_sane(hz)) {
            *source_out = ways[i].source;
            return hz;
        }
    }
    *source_out = "tsc (guessed)";
    return LUNIK_NS_PER_S;
}
