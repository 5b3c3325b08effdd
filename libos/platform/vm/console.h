/* SPDX-License-Identifier: MIT */
/*
 * console.h: the virtio console, for the platform to choose it or not.
 *
 * Context: task; write and flush also in a panic.
 */
#ifndef LUNIK_PLATFORM_VM_CONSOLE_H
#define LUNIK_PLATFORM_VM_CONSOLE_H

#include <lunik/attr.h>
#include <lunik/event.h>
#include <lunik/result.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Starts the first virtio console, polled: no heap, no interrupts. Returns:
 * false if the machine has none that works; the others may not be called then.
 */
bool platform_virtio_console_open(void);

/* Has input signal the event by an interrupt, from now on. */
LUNIK_MUST_CHECK lunik_result platform_virtio_console_attach(void);

/* Writes (size) bytes. Waits at most 0.1 s for a host that does not read, and
 * then not again until it does: the rest is dropped and counted. */
void platform_virtio_console_write(const void *data, size_t size);
uint64_t platform_virtio_console_dropped(void);

/* Waits, at most 0.1 s, until the host has taken all that was written. */
void platform_virtio_console_flush(void);

/* Takes what came in. LUNIK_EAGAIN: nothing; LUNIK_ECLOSED: never again. */
LUNIK_MUST_CHECK lunik_result platform_virtio_console_read(void *out,
                                                           size_t size,
                                                           size_t *size_out);
struct lunik_event *platform_virtio_console_event(void);

#endif
