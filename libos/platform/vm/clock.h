/* SPDX-License-Identifier: MIT */
/*
 * clock.h: how clock.c, tsc.c and timer.c share the time-stamp counter.
 */
#ifndef LUNIK_PLATFORM_VM_CLOCK_H
#define LUNIK_PLATFORM_VM_CLOCK_H

#include <stdint.h>

/* tsc.c: finds the counter's frequency, taking at most 2 ms; always gives one.
 * (*source_out) says by what, for people. Context: task, once. */
uint64_t platform_tsc_frequency(const char **source_out);

/* clock.c: the frequency that the clock in use goes by; 0: not known. */
uint64_t platform_clock_tsc_hz(void);

#endif
