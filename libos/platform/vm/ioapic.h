/* SPDX-License-Identifier: MIT */
/*
 * ioapic.h: interrupt lines to vectors, without a table of the firmware's.
 *
 * Line numbers are global system interrupts: 0 to 23 are the pins of the first
 * IOAPIC, 24 to 47 of the second, where the machine has one. Context: task.
 */
#ifndef LUNIK_PLATFORM_VM_IOAPIC_H
#define LUNIK_PLATFORM_VM_IOAPIC_H

#include <lunik/attr.h>
#include <lunik/result.h>
#include <stdbool.h>
#include <stdint.h>

/* Masks the 8259s and finds the IOAPICs, with all of their pins masked. Also
 * done by the first of the functions below. */
void platform_ioapic_init(void);

/* The lines that exist: 0, 24 or 48. */
uint32_t platform_ioapic_lines(void);

/*
 * Has line (gsi) raise (vector) on the running processor, when it is high (or
 * low, if (active_low)), or goes high, if not (level). For the image's life.
 * Returns: LUNIK_ENOENT if there is no such line; LUNIK_EINVAL if it was routed
 * to another vector before.
 */
LUNIK_MUST_CHECK lunik_result platform_ioapic_route(uint32_t gsi, bool level,
                                                    bool active_low,
                                                    uint8_t vector);

#endif
