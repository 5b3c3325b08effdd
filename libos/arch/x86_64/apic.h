/* SPDX-License-Identifier: MIT */
/*
 * apic.h: the local APIC: acknowledging interrupts, and its timer.
 *
 * Mapped and enabled by the first function called here; without one, an image
 * has no interrupts at all and its sleeps become polling. Context: task.
 */
#ifndef LUNIK_ARCH_APIC_H
#define LUNIK_ARCH_APIC_H

#include <lunik/attr.h>
#include <stdbool.h>
#include <stdint.h>

/* True if there is a local APIC. */
bool arch_apic_start(void);

/* True if the timer can wait for a value of the time-stamp counter. */
bool arch_apic_has_deadline(void);

/* Has the timer interrupt when the time-stamp counter reaches (tsc). */
void arch_apic_set_deadline(uint64_t tsc);

/* Has the timer interrupt after (ticks) of its clock / ARCH_APIC_DIVIDER; 0
 * stops it. */
#define ARCH_APIC_DIVIDER 16u
void arch_apic_set_ticks(uint32_t ticks);

/* What is left of them. */
uint32_t arch_apic_ticks(void);

/* Called in interrupt context at each timer interrupt. The frame is that of
 * what was interrupted. */
struct arch_trap;
void platform_timer_interrupt(const struct arch_trap *trap);

#endif
