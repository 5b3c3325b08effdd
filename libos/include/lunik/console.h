/* SPDX-License-Identifier: MIT */
/*
 * console.h: the machine's one console, bytes in and out.
 */
#ifndef LUNIK_CONSOLE_H
#define LUNIK_CONSOLE_H

#include <lunik/attr.h>
#include <lunik/result.h>
#include <stddef.h>
#include <stdint.h>

/* Writes all (size) bytes, after each '\n' a '\r' where the device wants it.
 * Does not wait for a reader. Context: task. */
void lunik_console_write(const void *data, size_t size);

/*
 * Reads what has been typed: at least 1, at most (size) bytes. Waits (only the
 * calling fiber) until there is something.
 * Returns: LUNIK_ECLOSED at the end of input; LUNIK_ETIMEOUT; LUNIK_ECANCELED.
 */
LUNIK_MUST_CHECK lunik_result lunik_console_read(void *out, size_t size,
                                                 uint64_t deadline_ns,
                                                 size_t *size_out);

#endif
