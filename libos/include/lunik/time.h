/* SPDX-License-Identifier: MIT */
/*
 * time.h: two clocks, in nanoseconds.
 *
 * The monotonic clock starts near 0 when the image starts and never goes back.
 * The wall clock counts from 1970-01-01 UTC; it is set once, when it is first
 * asked for, and from then on moves with the monotonic clock: it never steps
 * back. Neither is touched before somebody asks, so an image that needs no time
 * spends no time on calibration.
 *
 * Deadlines are points on the monotonic clock. Context: any but interrupt.
 */
#ifndef LUNIK_TIME_H
#define LUNIK_TIME_H

#include <stdint.h>

#define LUNIK_NEVER UINT64_MAX
#define LUNIK_NS_PER_S UINT64_C(1000000000)
#define LUNIK_NS_PER_MS UINT64_C(1000000)

uint64_t lunik_time_monotonic_ns(void);
uint64_t lunik_time_wall_ns(void);

/* The deadline (duration_ns) from now; LUNIK_NEVER where it would overflow. */
uint64_t lunik_time_after_ns(uint64_t duration_ns);

/* What the monotonic clock is read from, for people: "kvm-clock", "tsc
 * (cpuid)", "tsc (acpi pm timer)", "lapic", "host" … */
const char *lunik_time_source(void);

/* What the wall clock was set from: "kvm-clock", "rtc", "launch", "host", or
 * "none" (no source: the wall clock then starts at 1970). */
const char *lunik_time_wall_source(void);

#endif
