/* SPDX-License-Identifier: MIT */
/*
 * power.c: the power button, and every way that a machine may be stopped.
 */
#include "power.h"
#include "boot.h"
#include "cpu.h"
#include "interrupt.h"
#include "ioapic.h"
#include "machine.h"
#include "paging.h"
#include "platform.h"
#include <lunik/sys.h>

#define BIOS_BASE 0xe0000
#define BIOS_SIZE 0x20000

#define CONTROL_SCI_ENABLE 1u
#define CONTROL_SLEEP_ENABLE (1u << 13)
#define CONTROL_TYPE_SHIFT 10
#define SLEEP_ENABLE (1u << 5) /* of the hardware-reduced register */
#define SLEEP_TYPE_SHIFT 2
#define EVENT_BUTTON (1u << 8)

#define PVPANIC_PORT 0x505
#define PVPANIC_PANICKED 1u
#define KEYBOARD_PORT 0x64
#define KEYBOARD_RESET 0xfe

#define POLLS_MAX 100000u

static struct power {
    struct acpi_power acpi;
    bool is_found, was_searched, was_scanned;
    /* Mapped ahead, because a panic must not map anything. */
    const uint8_t *dsdt;
    size_t dsdt_size;
    volatile uint8_t *sleep;
    struct lunik_source button;
} power;

/* ---- Description ---- */

static uint64_t scan_bios(void)
{
    const uint8_t *bios = arch_map_tables(BIOS_BASE, BIOS_SIZE);
    const uint8_t *root =
        bios ? platform_acpi_root_scan(bios, BIOS_SIZE) : NULL;

    return root ? BIOS_BASE + (uint64_t)(root - bios) : 0;
}

const struct acpi_power *platform_power_description(bool may_scan)
{
    uint64_t root = platform_boot_rsdp();

    if (power.is_found)
        return &power.acpi;
    if (root == 0 && may_scan && !power.was_scanned) {
        power.was_scanned = true;
        power.was_searched = false;
        root = scan_bios();
    }
    if (root == 0 || power.was_searched)
        return NULL;
    power.was_searched = true;
    power.is_found =
        platform_acpi_power_find(arch_map_tables, root, &power.acpi);
    if (!power.is_found)
        return NULL;
    power.dsdt = platform_acpi_table_map(arch_map_tables, power.acpi.dsdt,
                                         "DSDT", &power.dsdt_size);
    if (power.acpi.sleep_memory != 0)
        power.sleep = arch_map_device(power.acpi.sleep_memory, 1);
    return &power.acpi;
}

/* ---- Button ---- */

static void poll_button(void *arg)
{
    uint16_t status = arch_in16(power.acpi.event_port);

    (void)arg;
    /* Bits are cleared by writing them. */
    arch_out16(power.acpi.event_port, status);
    if (status & EVENT_BUTTON)
        lunik_sys_request_stop();
}

/* Machines start with ACPI off, for the sake of very old systems. */
static bool enable_acpi(void)
{
    const struct acpi_power *acpi = &power.acpi;

    if (acpi->control_port == 0 || acpi->smi_port == 0 || acpi->smi_enable == 0)
        return true;
    if (arch_in16(acpi->control_port) & CONTROL_SCI_ENABLE)
        return true;
    arch_out8(acpi->smi_port, acpi->smi_enable);
    for (unsigned i = 0; i < POLLS_MAX; i++)
        if (arch_in16(acpi->control_port) & CONTROL_SCI_ENABLE)
            return true;
    return false;
}

void platform_power_start(void)
{
    const struct acpi_power *acpi = platform_power_description(false);
    uint8_t vector;

    if (!acpi || !acpi->has_button || !enable_acpi())
        return;
    power.button.poll = poll_button;
    /* By edge: a line of the wrong polarity would never fall silent. */
    if (lunik_source_add(&power.button) != LUNIK_OK ||
        arch_interrupt_acquire(&power.button, &vector) != LUNIK_OK ||
        platform_ioapic_route(acpi->sci, false, false, vector) != LUNIK_OK)
        return;
    arch_out16(acpi->event_port, EVENT_BUTTON);
    arch_out16((uint16_t)(acpi->event_port + acpi->event_len / 2),
               EVENT_BUTTON);
}

/* ---- Stop ---- */

static uint16_t control_off(uint16_t port, uint8_t type)
{
    return (uint16_t)((arch_in16(port) & CONTROL_SCI_ENABLE) |
                      (unsigned)type << CONTROL_TYPE_SHIFT |
                      CONTROL_SLEEP_ENABLE);
}

static void stop_by_acpi(void)
{
    const struct acpi_power *acpi = &power.acpi;
    uint8_t a = 0, b = 0;

    /* Not before: adding up some 8 KiB is much of a start's time. */
    if (!power.is_found || !power.dsdt ||
        !platform_acpi_table_is_whole(power.dsdt, power.dsdt_size) ||
        !platform_acpi_off_find(power.dsdt, power.dsdt_size, &a, &b))
        return;
    if (power.sleep)
        *power.sleep = (uint8_t)(a << SLEEP_TYPE_SHIFT | SLEEP_ENABLE);
    if (acpi->sleep_port != 0)
        arch_out8(acpi->sleep_port,
                  (uint8_t)(a << SLEEP_TYPE_SHIFT | SLEEP_ENABLE));
    if (acpi->control_port != 0)
        arch_out16(acpi->control_port, control_off(acpi->control_port, a));
    if (acpi->control_port_b != 0)
        arch_out16(acpi->control_port_b, control_off(acpi->control_port_b, b));
}

/* Nobody who wanted the status listens any more; tell at least that it was a
 * panic. Reading says what the device wants to know; 0xff: no device. */
static void tell_panic(void)
{
    uint8_t wanted = arch_in8(PVPANIC_PORT);

    if (wanted != 0xff && (wanted & PVPANIC_PANICKED))
        arch_out8(PVPANIC_PORT, PVPANIC_PANICKED);
}

LUNIK_NORETURN static void triple_fault(void)
{
    struct LUNIK_PACKED {
        uint16_t limit;
        uint64_t base;
    } nothing = { 0, 0 };

    __asm__ volatile("lidt %0; int3" : : "m"(nothing));
    cpu_stop();
}

/* What stops a machine takes effect a moment later, on some. */
static void wait_a_moment(void)
{
    for (unsigned i = 0; i < POLLS_MAX; i++)
        cpu_relax();
}

void platform_exit(uint8_t status)
{
    cpu_interrupts_off();
    platform_console_flush();
    arch_out8(LUNIK_EXIT_PORT, status);
    if (status >= LUNIK_EXIT_PANIC)
        tell_panic();
    stop_by_acpi();
    wait_a_moment();
    arch_out8(KEYBOARD_PORT, KEYBOARD_RESET);
    wait_a_moment();
    triple_fault();
}
