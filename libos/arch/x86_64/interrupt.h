/* SPDX-License-Identifier: MIT */
/*
 * interrupt.h: vectors for devices.
 *
 * Every device vector has the same handler: it notifies a source and
 * acknowledges the local APIC. It looks at nothing else, so there is no state
 * that a handler and the loop could both touch.
 */
#ifndef LUNIK_ARCH_INTERRUPT_H
#define LUNIK_ARCH_INTERRUPT_H

#include <lunik/attr.h>
#include <lunik/event.h>
#include <lunik/result.h>
#include <stdint.h>

/* Device vectors are [first, first + count). */
#define ARCH_VECTOR_FIRST 0x30
#define ARCH_VECTOR_COUNT 32

/* Takes a vector, for the image's life, that notifies (source).
 * LUNIK_ENOMEM: all vectors are taken. */
LUNIK_MUST_CHECK lunik_result
arch_interrupt_acquire(const struct lunik_source *source, uint8_t *vector_out);

/* The local APIC's id of the running processor, as MSI addresses name it. */
uint8_t arch_interrupt_cpu(void);

/*
 * Maps (size) bytes of device memory at physical (base), uncached, read-write,
 * never executable. Returns: its address; NULL if there is RAM, or no room is
 * left. For life.
 */
volatile void *arch_map_device(uint64_t base, size_t size);

#endif
