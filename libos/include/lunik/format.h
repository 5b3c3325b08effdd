/* SPDX-License-Identifier: MIT */
/*
 * format.h: text from values, without a C library, a heap or a lock.
 *
 * Knows %% %c %s %.*s %d %i %u %x %X %p with widths, '0' and '-' padding,
 * precision for %s and the lengths hh h l ll z. It knows no floats.
 * Context: any, interrupts and panics included.
 */
#ifndef LUNIK_FORMAT_H
#define LUNIK_FORMAT_H

#include <lunik/attr.h>
#include <stdarg.h>
#include <stddef.h>

/*
 * Writes at most (size) bytes to (out), always NUL-terminated when size > 0.
 * Returns: the bytes that were written, the NUL not counted (so always < size;
 * text that did not fit is cut).
 */
size_t lunik_format(char *out, size_t size, const char *format, ...)
    LUNIK_PRINTF(3, 4);
size_t lunik_format_v(char *out, size_t size, const char *format, va_list args)
    LUNIK_PRINTF(3, 0);

#endif
