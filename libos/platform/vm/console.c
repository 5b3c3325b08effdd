/* SPDX-License-Identifier: MIT */
/* console.c: the machine's console: the serial port, or virtio. */
#include "console.h"
#include "interrupt.h"
#include "ioapic.h"
#include "machine.h"
#include "platform.h"
#include "uart.h"
#include <string.h>

#define SERIAL_LINE 4 /* COM1, on every machine that has one */

enum kind {
    KIND_SERIAL, /* first, so that a panic before the choice is seen */
    KIND_VIRTIO,
    KIND_NONE,
};

static struct console {
    enum kind kind;
    struct lunik_event input;
    struct lunik_source source;
} console;

void platform_console_choose(void)
{
    const char *option = lunik_launch_option("console", 0);

    if (option && strcmp(option, "none") == 0)
        console.kind = KIND_NONE;
    else if (option && strcmp(option, "serial") == 0)
        console.kind = KIND_SERIAL;
    /* Asked for, or the only one there is. */
    else if ((option && strcmp(option, "virtio") == 0) ||
             !platform_uart_start())
        console.kind =
            platform_virtio_console_open() ? KIND_VIRTIO : KIND_SERIAL;
}

void platform_console_write(const void *data, size_t size)
{
    if (console.kind == KIND_SERIAL)
        platform_uart_write(data, size);
    else if (console.kind == KIND_VIRTIO)
        platform_virtio_console_write(data, size);
}

void platform_console_flush(void)
{
    if (console.kind == KIND_SERIAL)
        platform_uart_flush();
    else if (console.kind == KIND_VIRTIO)
        platform_virtio_console_flush();
}

lunik_result platform_console_read(void *out, size_t size, size_t *size_out)
{
    *size_out = 0;
    if (console.kind == KIND_VIRTIO)
        return platform_virtio_console_read(out, size, size_out);
    if (console.kind == KIND_NONE || !platform_uart_start())
        return LUNIK_ECLOSED;
    *size_out = platform_uart_read(out, size);
    return *size_out > 0 ? LUNIK_OK : LUNIK_EAGAIN;
}

struct lunik_event *platform_console_event(void)
{
    return console.kind == KIND_VIRTIO ? platform_virtio_console_event()
                                       : &console.input;
}

static void poll_input(void *arg)
{
    (void)arg;
    lunik_event_signal(&console.input);
}

/* The serial port's line, to a vector, to a source. */
static lunik_result route_input(void)
{
    lunik_result result;
    uint8_t vector;

    console.source.poll = poll_input;
    result = lunik_source_add(&console.source);
    if (result == LUNIK_OK)
        result = arch_interrupt_acquire(&console.source, &vector);
    if (result == LUNIK_OK)
        result = platform_ioapic_route(SERIAL_LINE, false, false, vector);
    return result;
}

lunik_result platform_console_listen(void)
{
    lunik_result result;

    if (console.kind == KIND_VIRTIO)
        return platform_virtio_console_attach();
    if (console.kind == KIND_NONE || !platform_uart_start())
        return LUNIK_OK;
    result = route_input();
    if (result == LUNIK_OK)
        platform_uart_listen();
    return result;
}
