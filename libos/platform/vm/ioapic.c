/* SPDX-License-Identifier: MIT */
/*
 * ioapic.c: one or two IOAPICs at the places that every virtual machine uses.
 *
 * QEMU, Firecracker and Cloud Hypervisor have the first at 0xfec00000; QEMU's
 * microvm may have a second at 0xfec10000. Where none is, reads give all ones.
 */
#include "ioapic.h"

#include "interrupt.h"
#include "port.h"
#include "registers.h"
#include <stddef.h>

#define IOAPIC_MAX 2
#define IOAPIC_PINS 24
#define IOAPIC_SPACING 0x10000
#define IOAPIC_BASE 0xfec00000

/* Two windows of 32 bits: which register, and its value. */
#define IOAPIC_SELECT 0x00
#define IOAPIC_WINDOW 0x10
#define IOAPIC_SIZE 0x20

#define REGISTER_VERSION 0x01
#define REGISTER_ROUTE(pin) (0x10 + 2 * (pin)) /* low half; high half + 1 */

#define ROUTE_ACTIVE_LOW ((uint32_t)1 << 13)
#define ROUTE_LEVEL ((uint32_t)1 << 15)
#define ROUTE_MASKED ((uint32_t)1 << 16)
#define ROUTE_CPU_SHIFT 24

#define PIC_MASTER_MASK 0x21
#define PIC_SLAVE_MASK 0xa1

static struct {
    volatile uint8_t *windows[IOAPIC_MAX];
    uint32_t count;
    bool is_ready;
    uint8_t vectors[IOAPIC_MAX * IOAPIC_PINS]; /* 0: not routed */
} ioapic;

static uint32_t read_register(uint32_t which, uint32_t index)
{
    volatile uint8_t *window = ioapic.windows[which];

    arch_register_store32(window + IOAPIC_SELECT, index);
    return arch_register_load32(window + IOAPIC_WINDOW);
}

static void write_register(uint32_t which, uint32_t index, uint32_t value)
{
    volatile uint8_t *window = ioapic.windows[which];

    arch_register_store32(window + IOAPIC_SELECT, index);
    arch_register_store32(window + IOAPIC_WINDOW, value);
}

/* Versions 0x11 and 0x20 are met; the pins' count must be the usual one, since
 * line numbers rest on it. */
static bool is_there(uint32_t which)
{
    uint32_t version = read_register(which, REGISTER_VERSION);

    return (version & 0xff) >= 0x10 && (version & 0xff) <= 0x2f &&
           (version >> 16 & 0xff) == IOAPIC_PINS - 1;
}

void platform_ioapic_init(void)
{
    if (ioapic.is_ready)
        return;
    ioapic.is_ready = true;
    /* Whether the 8259s exist or not: a masked one cannot disturb. */
    arch_out8(PIC_MASTER_MASK, 0xff);
    arch_out8(PIC_SLAVE_MASK, 0xff);
    for (uint32_t which = 0; which < IOAPIC_MAX; which++) {
        ioapic.windows[which] = arch_map_device(
            IOAPIC_BASE + (uint64_t)which * IOAPIC_SPACING, IOAPIC_SIZE);
        if (!ioapic.windows[which] || !is_there(which))
            return;
        for (uint32_t pin = 0; pin < IOAPIC_PINS; pin++)
            write_register(which, REGISTER_ROUTE(pin), ROUTE_MASKED);
        ioapic.count++;
    }
}

uint32_t platform_ioapic_lines(void)
{
    platform_ioapic_init();
    return ioapic.count * IOAPIC_PINS;
}

lunik_result platform_ioapic_route(uint32_t gsi, bool level, bool active_low,
                                   uint8_t vector)
{
    uint32_t which = gsi / IOAPIC_PINS, pin = gsi % IOAPIC_PINS;
    uint32_t low = vector;

    if (gsi >= platform_ioapic_lines())
        return LUNIK_ENOENT;
    if (ioapic.vectors[gsi] != 0 && ioapic.vectors[gsi] != vector)
        return LUNIK_EINVAL;
    ioapic.vectors[gsi] = vector;
    if (level)
        low |= ROUTE_LEVEL;
    if (active_low)
        low |= ROUTE_ACTIVE_LOW;
    write_register(which, REGISTER_ROUTE(pin) + 1,
                   (uint32_t)arch_interrupt_cpu() << ROUTE_CPU_SHIFT);
    /* Last, since this half takes the mask away. */
    write_register(which, REGISTER_ROUTE(pin), low);
    return LUNIK_OK;
}
