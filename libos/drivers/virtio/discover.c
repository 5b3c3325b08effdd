/* SPDX-License-Identifier: MIT */
/*
 * discover.c: which virtio devices this machine has.
 *
 * PCI where there is PCI. Else what the launch line names, as QEMU's microvm
 * and Firecracker write it: `virtio_mmio.device=512@0xfeb00000:5`. Else the
 * window in which microvm with ACPI has them, without telling. Devices are
 * only looked at here; drivers take them by type, so an image has the code of
 * the drivers that it uses.
 */
#include "ioapic.h"
#include "pci.h"
#include "virtio.h"

#include "interrupt.h"
#include "platform.h"
#include <lunik/log.h>

/* As many as microvm has places for. */
#define DEVICE_MAX 24

/* QEMU, hw/i386/microvm.c: the places, and the first one's line with a second
 * IOAPIC; else with ACPI; else. */
#define MICROVM_BASE 0xfeb00000
#define MICROVM_SPACING 512
#define MICROVM_LINE_IOAPIC2 24
#define MICROVM_LINE_ACPI 16
#define MICROVM_LINE 5
#define MICROVM_COUNT_IOAPIC2 24
#define MICROVM_COUNT 8

#define MMIO_SIZE_MAX 65536

static struct {
    struct virtio_device devices[DEVICE_MAX];
    unsigned count;
    bool is_done;
} found;

static struct virtio_device *next_place(void)
{
    if (found.count < DEVICE_MAX)
        return &found.devices[found.count];
    lunik_log(LUNIK_LOG_WARN, "virtio: only the first %u devices are used",
              (unsigned)DEVICE_MAX);
    return NULL;
}

static void look_at_function(uint16_t address, uint32_t id, void *arg)
{
    struct virtio_device *device;

    (void)arg;
    if ((id & 0xffff) != 0x1af4)
        return;
    device = next_place();
    if (device && lunik_virtio_pci_probe(device, address))
        found.count++;
}

/* ---- The launch line ---- */

/* Reads a number, decimal or with 0x, up to a byte that is not of it. */
static bool parse_number(const char **text, uint64_t *out)
{
    const char *at = *text;
    unsigned base = 10;
    uint64_t value = 0;

    if (at[0] == '0' && (at[1] == 'x' || at[1] == 'X')) {
        base = 16;
        at += 2;
    }
    *text = at;
    for (;; at++) {
        unsigned digit;

        if (*at >= '0' && *at <= '9')
            digit = (unsigned)(*at - '0');
        else if ((*at | 0x20) >= 'a' && (*at | 0x20) <= 'f')
            digit = (unsigned)((*at | 0x20) - 'a') + 10;
        else
            digit = base;
        if (digit >= base)
            break;
        if (value > (UINT64_MAX - digit) / base)
            return false;
        value = value * base + digit;
    }
    if (at == *text)
        return false;
    *text = at;
    *out = value;
    return true;
}

/* SIZE[K|M]@BASE:LINE[:ID] */
static bool parse_device(const char *text, uint64_t *size_out,
                         uint64_t *base_out, uint64_t *line_out)
{
    uint64_t id;

    if (!parse_number(&text, size_out))
        return false;
    if (*text == 'K' || *text == 'k' || *text == 'M' || *text == 'm') {
        unsigned shift = (*text | 0x20) == 'k' ? 10 : 20;

        if (*size_out > MMIO_SIZE_MAX)
            return false;
        *size_out <<= shift;
        text++;
    }
    if (*text++ != '@' || !parse_number(&text, base_out) || *text++ != ':' ||
        !parse_number(&text, line_out))
        return false;
    if (*text == ':') {
        text++;
        if (!parse_number(&text, &id))
            return false;
    }
    return *text == '\0' && *size_out >= 0x100 && *size_out <= MMIO_SIZE_MAX &&
           *base_out >= 0x10000 && *base_out <= UINT64_MAX / 2 &&
           *base_out % 4 == 0 && *line_out <= UINT8_MAX;
}

static void look_at_launch_line(void)
{
    const char *text;

    for (size_t n = 0; n < DEVICE_MAX; n++) {
        struct virtio_device *device = next_place();
        uint64_t size, base, line;
        volatile void *registers;

        text = lunik_launch_option("virtio_mmio.device", n);
        if (!text || !device)
            return;
        if (!parse_device(text, &size, &base, &line)) {
            lunik_log(LUNIK_LOG_WARN,
                      "virtio: not SIZE@BASE:LINE: virtio_mmio.device=%s",
                      text);
            continue;
        }
        registers = arch_map_device(base, (size_t)size);
        if (!registers ||
            !lunik_virtio_mmio_probe(device, registers, base, (size_t)size))
            continue;
        device->bus.mmio.lines[0] = (uint32_t)line;
        device->bus.mmio.line_count = 1;
        found.count++;
    }
}

/* ---- microvm ---- */

static void set_microvm_lines(struct virtio_mmio *mmio, unsigned place)
{
    if (platform_ioapic_lines() > MICROVM_LINE_IOAPIC2) {
        mmio->lines[0] = MICROVM_LINE_IOAPIC2 + place;
        mmio->line_count = 1;
        return;
    }
    /* Which of the two needs ACPI to know; a line that is never raised does
     * no harm. */
    mmio->lines[0] = MICROVM_LINE_ACPI + place;
    mmio->lines[1] = MICROVM_LINE + place;
    mmio->line_count = 2;
}

static void look_at_microvm(void)
{
    unsigned places = platform_ioapic_lines() > MICROVM_LINE_IOAPIC2
                          ? MICROVM_COUNT_IOAPIC2
                          : MICROVM_COUNT;
    volatile uint8_t *window =
        arch_map_device(MICROVM_BASE, (size_t)places * MICROVM_SPACING);

    /* QEMU gives its first device the last place. */
    for (unsigned i = window ? places : 0; i-- > 0;) {
        struct virtio_device *device = next_place();
        size_t offset = (size_t)i * MICROVM_SPACING;

        if (!device ||
            !lunik_virtio_mmio_probe(device, window + offset,
                                     MICROVM_BASE + offset, MICROVM_SPACING))
            continue;
        set_microvm_lines(&device->bus.mmio, i);
        found.count++;
    }
}

struct virtio_device *lunik_virtio_take(uint32_t type)
{
    if (!found.is_done) {
        found.is_done = true;
        platform_pci_scan(look_at_function, NULL);
        look_at_launch_line();
        if (found.count == 0 && !platform_pci_exists())
            look_at_microvm();
    }
    for (unsigned i = 0; i < found.count; i++) {
        struct virtio_device *device = &found.devices[i];

        if (device->type == type && !device->is_taken) {
            device->is_taken = true;
            return device;
        }
    }
    return NULL;
}
