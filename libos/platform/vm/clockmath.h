/* SPDX-License-Identifier: MIT */
/*
 * clockmath.h: counters to nanoseconds, dates to seconds. Pure.
 */
#ifndef LUNIK_PLATFORM_VM_CLOCKMATH_H
#define LUNIK_PLATFORM_VM_CLOCKMATH_H

#include <lunik/attr.h>
#include <stdbool.h>
#include <stdint.h>

/* nanoseconds = ((ticks << shift) * multiplier) >> 32, a negative shift going
 * right: the form in which KVM and Xen describe the time-stamp counter. */
struct clock_scale {
    uint32_t multiplier;
    int8_t shift;
};

/* The scale of a counter at (hz), 1 kHz to 1 THz. */
struct clock_scale platform_clock_scale_of(uint64_t hz);

/* (ticks) in nanoseconds. Shifts beyond 63 count as 63. */
uint64_t platform_clock_scale_ns(struct clock_scale scale, uint64_t ticks);

/* The frequency that (scale) stands for; 0 for a multiplier of 0. */
uint64_t platform_clock_scale_hz(struct clock_scale scale);

/* (ns) in ticks of (hz), rounded down; UINT64_MAX where it would overflow. */
uint64_t platform_clock_ticks(uint64_t ns, uint64_t hz);

/* A date as the CMOS clock's registers hold it. */
struct clock_date {
    uint8_t second, minute, hour, day, month, year, century;
    uint8_t status_b; /* bit 1: 24 hours; bit 2: binary, not BCD */
};

/* Seconds since 1970 UTC. Returns: false for what is no date of 2000 to 2199.
 * A century register of 0 counts as 20. */
LUNIK_MUST_CHECK bool platform_clock_date_seconds(const struct clock_date *date,
                                                  uint64_t *out);

#endif
