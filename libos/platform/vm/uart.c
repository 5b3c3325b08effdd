/* SPDX-License-Identifier: MIT */
/* uart.c: a 16550, polled for output. */
#include "uart.h"
#include "cpu.h"

#define PORT 0x3f8
#define REGISTER_DATA 0
#define REGISTER_INTERRUPTS 1
#define REGISTER_FIFO 2
#define REGISTER_LINE 3
#define REGISTER_MODEM 4
#define REGISTER_STATUS 5
#define REGISTER_SCRATCH 7

#define STATUS_INPUT 0x01
#define STATUS_ROOM 0x20
#define STATUS_EMPTY 0x40 /* the last byte has left, too */
#define FIFO_SIZE 16u
#define FIFO_IS_ON 0xc0 /* of the register that reads where FIFO is written */

/* Who reads the other end may be slow or stopped for a while, a pager or a busy
 * machine, and must lose nothing by that. Between two polls the hypervisor gets
 * time to hand over: it may need a lock that a poll takes. All of it are some
 * seconds: a pause takes between 15 ns and 200 ns. */
#define POLLS_MAX 200000u
#define POLLS_AT_ONCE 64u
#define PAUSES 500u

static struct uart {
    bool is_tried, is_there;
    bool is_stalled; /* the host does not read: see wait_for() */
    size_t depth;
} uart;

static uint8_t uart_in(unsigned index)
{
    return arch_in8((uint16_t)(PORT + index));
}

static void uart_out(unsigned index, uint8_t value)
{
    arch_out8((uint16_t)(PORT + index), value);
}

bool platform_uart_start(void)
{
    if (uart.is_tried)
        return uart.is_there;
    uart.is_tried = true;
    /* A register that does nothing but keep what was written. */
    uart_out(REGISTER_SCRATCH, 0x5a);
    if (uart_in(REGISTER_SCRATCH) != 0x5a)
        return false;
    uart_out(REGISTER_INTERRUPTS, 0);
    uart_out(REGISTER_LINE, 0x80); /* the divisor's registers */
    uart_out(REGISTER_DATA, 1);    /* 115,200 bits a second */
    uart_out(REGISTER_INTERRUPTS, 0);
    uart_out(REGISTER_LINE, 0x03); /* 8 bits, no parity */
    uart_out(REGISTER_FIFO, 0x07); /* on, emptied, interrupt at one byte */
    uart_out(REGISTER_MODEM, 0x0b);
    uart.depth =
        (uart_in(REGISTER_FIFO) & FIFO_IS_ON) == FIFO_IS_ON ? FIFO_SIZE : 1;
    uart.is_there = true;
    return true;
}

/*
 * The port says that all it was given is gone; then it takes a FIFO's worth.
 * Who writes waits once for a host that does not read, and for a bounded time;
 * from then on output is dropped until the host has taken what it was given.
 */
static bool wait_for(uint8_t status)
{
    unsigned polls = uart.is_stalled ? 1 : POLLS_MAX;

    uart.is_stalled = false;
    for (unsigned i = 0; i < polls; i++) {
        for (unsigned j = 0; i >= POLLS_AT_ONCE && j < PAUSES; j++)
            __asm__ volatile("pause");
        if (uart_in(REGISTER_STATUS) & status)
            return true;
    }
    uart.is_stalled = true;
    return false;
}

static bool put(uint8_t byte, size_t *room)
{
    if (*room == 0) {
        if (!wait_for(STATUS_ROOM))
            return false;
        *room = uart.depth;
    }
    uart_out(REGISTER_DATA, byte);
    --*room;
    return true;
}

void platform_uart_write(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    size_t room = 0;

    if (!platform_uart_start())
        return;
    for (size_t i = 0; i < size; i++)
        if ((bytes[i] == '\n' && !put('\r', &room)) || !put(bytes[i], &room))
            return;
}

void platform_uart_flush(void)
{
    if (platform_uart_start())
        (void)wait_for(STATUS_EMPTY);
}

void platform_uart_listen(void)
{
    if (platform_uart_start())
        uart_out(REGISTER_INTERRUPTS, 1);
}

size_t platform_uart_read(void *out, size_t size)
{
    uint8_t *bytes = out;
    size_t count = 0;

    if (!platform_uart_start())
        return 0;
    while (count < size && (uart_in(REGISTER_STATUS) & STATUS_INPUT))
        bytes[count++] = uart_in(REGISTER_DATA);
    return count;
}
