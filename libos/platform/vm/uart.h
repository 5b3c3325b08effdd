/* SPDX-License-Identifier: MIT */
/*
 * uart.h: the first serial port, a 16550.
 *
 * A port that does not answer, or stops answering, costs a bounded time and
 * is then left alone.
 */
#ifndef LUNIK_PLATFORM_VM_UART_H
#define LUNIK_PLATFORM_VM_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Finds and sets it up, once. Returns: true if there is one. Context: any. */
bool platform_uart_start(void);

/* Writes, with a carriage return before each newline. Context: any. */
void platform_uart_write(const void *data, size_t size);

/* Waits until all of it has left, for a bounded time. Context: any. */
void platform_uart_flush(void);

/* Has it interrupt when bytes come in. */
void platform_uart_listen(void);

/* Takes up to (size) bytes that came in. Returns their count. */
size_t platform_uart_read(void *out, size_t size);

#endif
