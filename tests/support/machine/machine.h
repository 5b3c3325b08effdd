/* SPDX-License-Identifier: MIT */
/*
 * machine.h: a machine for driver tests, in one header.
 *
 * Plays I/O ports, PCI configuration space, IOAPICs and virtio devices on both
 * buses, and what drivers ask of the core. Everything is in the static `vm`; a
 * test sets the machine up with machine_reset() and the vm_* functions, and
 * makes it lie by the fields of struct vm_device. A register that the driver
 * must not touch, or with the wrong width, ends the test program.
 */
#ifndef LUNIK_TEST_MACHINE_H
#define LUNIK_TEST_MACHINE_H

#include "port.h"
#include "registers.h"

#include "interrupt.h"
#include "platform.h"
#include <lunik/event.h>
#include <lunik/log.h>
#include <lunik/panic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VM_DEVICES 4
#define VM_QUEUES 3

/* Where a device's blocks are, from its base, when it is a PCI function. */
#define VM_COMMON 0x0000
#define VM_CONFIG 0x1000
#define VM_NOTIFY 0x2000
#define VM_MSIX 0x3000
#define VM_BASE_BYTES 0x4000
#define VM_MULTIPLIER 4

struct vm_queue {
    uint32_t max, size, enabled, vector;
    uint64_t parts[3]; /* descriptors, available, used */
    uint16_t seen;     /* the device's counter */
};

struct vm_device {
    bool is_there, is_pci;
    uint64_t base; /* of the registers; PCI: the value of base 4 */
    uint32_t version, type;
    uint64_t features, accepted;
    uint32_t feature_select[2], status, queue_select, cause;
    struct vm_queue queues[VM_QUEUES];
    uint8_t config[64];
    uint32_t generation, config_vector;
    uint32_t msix[2][4];
    unsigned bells;
    bool bad_access;
    /* Lies and moods. */
    bool refuses_features, never_resets, config_moves, is_deaf;
    /* Called for a bell: the device's work. */
    void (*serve)(struct vm_device *device, uint16_t queue);
    uint8_t pci_space[256];
    uint32_t base_mask; /* of base 4, low half */
};

static struct {
    struct vm_device devices[VM_DEVICES];
    unsigned count;
    bool has_pci;
    unsigned ioapics;
    uint32_t ioapic_select[2], ioapic_routes[2][64];
    uint32_t pci_address;
    uint8_t pic_masks[2];
    const char *options[8];
    char log[4096];
    uint64_t now_ns, ns_per_look;
    const struct lunik_source *vectors[ARCH_VECTOR_COUNT];
    unsigned vector_count, vector_max;
    unsigned notified, signalled, mapped;
    bool map_fails, adding_fails;
    const struct lunik_source *sources[8]; /* that were added */
    unsigned source_count, pending;        /* bits of these */
} vm;

__attribute__((unused)) static void machine_reset(void)
{
    memset(&vm, 0, sizeof(vm));
    vm.vector_max = ARCH_VECTOR_COUNT;
    vm.now_ns = 1;
    vm.ns_per_look = 1000;
}

static void vm_stop(const char *why, uintptr_t at)
{
    printf("machine: %s at 0x%zx\n", why, (size_t)at);
    fflush(stdout);
    _exit(98);
}

/* ---- What drivers ask of the core ---- */

void lunik_assert_failed(const char *expression, const char *file, int line)
{
    printf("assertion %s at %s:%d\n", expression, file, line);
    fflush(stdout);
    _exit(65);
}

void lunik_log(lunik_log_level level, const char *format, ...)
{
    size_t have = strlen(vm.log);
    va_list args;

    (void)level;
    va_start(args, format);
    vsnprintf(vm.log + have, sizeof(vm.log) - have, format, args);
    va_end(args);
    if (strlen(vm.log) + 1 < sizeof(vm.log))
        strcat(vm.log, "\n");
}

lunik_result lunik_source_add(struct lunik_source *source)
{
    if (vm.adding_fails || vm.source_count == 8)
        return LUNIK_ENOMEM;
    source->bit = vm.source_count;
    vm.sources[vm.source_count++] = source;
    return LUNIK_OK;
}

void lunik_source_notify(const struct lunik_source *source)
{
    vm.notified++;
    for (unsigned i = 0; i < vm.source_count; i++)
        if (vm.sources[i] == source)
            vm.pending |= 1u << i;
}

/* Polls once what was notified. Returns: whether there was something. */
__attribute__((unused)) static bool vm_poll(void)
{
    unsigned pending = vm.pending;

    vm.pending = 0;
    for (unsigned i = 0; i < vm.source_count; i++)
        if (pending & 1u << i)
            vm.sources[i]->poll(vm.sources[i]->arg);
    return pending != 0;
}

void lunik_event_signal(struct lunik_event *event)
{
    (void)event;
    vm.signalled++;
}

uint64_t platform_monotonic_ns(void)
{
    return vm.now_ns += vm.ns_per_look;
}

const char *lunik_launch_option(const char *name, size_t nth)
{
    if (strcmp(name, "virtio_mmio.device") != 0)
        return NULL;
    return nth < 8 ? vm.options[nth] : NULL;
}

lunik_result arch_interrupt_acquire(const struct lunik_source *source,
                                    uint8_t *vector_out)
{
    if (vm.vector_count == vm.vector_max)
        return LUNIK_ENOMEM;
    vm.vectors[vm.vector_count] = source;
    *vector_out = (uint8_t)(ARCH_VECTOR_FIRST + vm.vector_count++);
    return LUNIK_OK;
}

uint8_t arch_interrupt_cpu(void)
{
    return 5;
}

/* Addresses are what they were: nothing looks behind them but this file. */
volatile void *arch_map_device(uint64_t base, size_t size)
{
    vm.mapped++;
    if (size == 0)
        vm_stop("nothing was mapped", base);
    return vm.map_fails ? NULL : (volatile void *)(uintptr_t)base;
}

/* ---- Virtio devices ---- */

static void vm_clear(struct vm_device *device)
{
    device->status = 0;
    device->accepted = 0;
    device->cause = 0;
    device->config_vector = 0xffff;
    for (unsigned i = 0; i < VM_QUEUES; i++) {
        struct vm_queue *queue = &device->queues[i];

        *queue = (struct vm_queue) { .max = queue->max, .size = queue->max };
        queue->vector = 0xffff;
    }
}

static void vm_set_status(struct vm_device *device, uint32_t status)
{
    if (status == 0) {
        if (!device->never_resets)
            vm_clear(device);
        return;
    }
    if ((status & 8) && device->refuses_features)
        status &= ~8u;
    device->status = status;
}

static struct vm_queue *vm_chosen(struct vm_device *device)
{
    static struct vm_queue none;

    none = (struct vm_queue) { 0 };
    return device->queue_select < VM_QUEUES
               ? &device->queues[device->queue_select]
               : &none;
}

static void vm_ring(struct vm_device *device, uint32_t queue)
{
    device->bells++;
    if (!(device->status & 4))
        vm_stop("a bell before the device was ready", queue);
    if (device->serve && !device->is_deaf)
        device->serve(device, (uint16_t)queue);
}

static uint32_t vm_features(const struct vm_device *device)
{
    return (uint32_t)(device->features >> 32 * (device->feature_select[0] & 1));
}

static void vm_accept(struct vm_device *device, uint32_t value)
{
    unsigned shift = 32 * (device->feature_select[1] & 1);

    device->accepted &= ~((uint64_t)UINT32_MAX << shift);
    device->accepted |= (uint64_t)value << shift;
}

static void vm_set_part(uint64_t *part, bool high, uint32_t value)
{
    unsigned shift = high ? 32 : 0;

    *part &= ~((uint64_t)UINT32_MAX << shift);
    *part |= (uint64_t)value << shift;
}

static uint32_t vm_config(struct vm_device *device, uint64_t at, unsigned width)
{
    uint32_t value = 0;

    if (at + width > sizeof(device->config))
        vm_stop("configuration past its end", at);
    memcpy(&value, device->config + at, width);
    if (device->config_moves)
        device->generation++;
    return value;
}

static uint32_t vm_mmio_load(struct vm_device *device, uint64_t at,
                             unsigned width)
{
    if (at >= 0x100)
        return vm_config(device, at - 0x100, width);
    if (width != 4)
        vm_stop("a register of 32 bits read with fewer", at);
    switch (at) {
    case 0x00:
        return 0x74726976;
    case 0x04:
        return device->version;
    case 0x08:
        return device->type;
    case 0x10:
        return vm_features(device);
    case 0x34:
        return vm_chosen(device)->max;
    case 0x44:
        return vm_chosen(device)->enabled;
    case 0x60:
        return device->cause;
    case 0x70:
        return device->status;
    case 0xfc:
        return device->generation;
    default:
        vm_stop("a read of a register that has none", at);
        return 0;
    }
}

static void vm_mmio_store(struct vm_device *device, uint64_t at, unsigned width,
                          uint32_t value)
{
    if (width != 4)
        vm_stop("a register of 32 bits written with fewer", at);
    switch (at) {
    case 0x14:
        device->feature_select[0] = value;
        break;
    case 0x20:
        vm_accept(device, value);
        break;
    case 0x24:
        device->feature_select[1] = value;
        break;
    case 0x30:
        device->queue_select = value;
        break;
    case 0x38:
        vm_chosen(device)->size = value;
        break;
    case 0x44:
        vm_chosen(device)->enabled = value;
        break;
    case 0x50:
        vm_ring(device, value);
        break;
    case 0x64:
        device->cause &= ~value;
        break;
    case 0x70:
        vm_set_status(device, value);
        break;
    case 0x80:
    case 0x84:
    case 0x90:
    case 0x94:
    case 0xa0:
    case 0xa4:
        vm_set_part(&vm_chosen(device)->parts[(at - 0x80) / 16], at & 4, value);
        break;
    default:
        vm_stop("a write to a register that takes none", at);
    }
}

/* The common block: the widths that 4.1.4.3 gives its fields. */
static unsigned vm_common_width(uint64_t at)
{
    if (at < 0x10 || at >= 0x20)
        return 4;
    return at == 0x14 || at == 0x15 ? 1 : 2;
}

static uint32_t vm_common_load(struct vm_device *device, uint64_t at)
{
    switch (at) {
    case 0x04:
        return vm_features(device);
    case 0x14:
        return device->status;
    case 0x15:
        return device->generation & 0xff;
    case 0x18:
        return vm_chosen(device)->size;
    case 0x1c:
        return vm_chosen(device)->enabled;
    case 0x1e:
        return device->queue_select;
    default:
        vm_stop("a read of the common block", at);
        return 0;
    }
}

static void vm_common_store(struct vm_device *device, uint64_t at,
                            uint32_t value)
{
    switch (at) {
    case 0x00:
        device->feature_select[0] = value;
        break;
    case 0x08:
        device->feature_select[1] = value;
        break;
    case 0x0c:
        vm_accept(device, value);
        break;
    case 0x10:
        device->config_vector = value;
        break;
    case 0x14:
        vm_set_status(device, value);
        break;
    case 0x16:
        device->queue_select = value;
        break;
    case 0x18:
        vm_chosen(device)->size = value;
        break;
    case 0x1a:
        vm_chosen(device)->vector = value;
        break;
    case 0x1c:
        vm_chosen(device)->enabled = value;
        break;
    case 0x20:
    case 0x24:
    case 0x28:
    case 0x2c:
    case 0x30:
    case 0x34:
        vm_set_part(&vm_chosen(device)->parts[(at - 0x20) / 8], at & 4, value);
        break;
    default:
        vm_stop("a write to the common block", at);
    }
}

static uint32_t vm_pci_load(struct vm_device *device, uint64_t at,
                            unsigned width)
{
    if (at >= VM_CONFIG && at < VM_NOTIFY)
        return vm_config(device, at - VM_CONFIG, width);
    if (at >= VM_CONFIG || width != vm_common_width(at))
        vm_stop("a read with the wrong width, or of nothing", at);
    return vm_common_load(device, at);
}

static void vm_pci_store(struct vm_device *device, uint64_t at, unsigned width,
                         uint32_t value)
{
    if (at >= VM_MSIX && at < VM_MSIX + sizeof(device->msix) && width == 4)
        device->msix[(at - VM_MSIX) / 16][(at - VM_MSIX) / 4 % 4] = value;
    else if (at >= VM_NOTIFY && at < VM_MSIX && width == 2 &&
             at - VM_NOTIFY == (uint64_t)value * VM_MULTIPLIER)
        vm_ring(device, value);
    else if (at < VM_CONFIG && width == vm_common_width(at))
        vm_common_store(device, at, value);
    else
        vm_stop("a write with the wrong width, or to nothing", at);
}

/* ---- Registers ---- */

static struct vm_device *vm_find(uintptr_t at)
{
    for (unsigned i = 0; i < vm.count; i++) {
        struct vm_device *device = &vm.devices[i];
        size_t size = device->is_pci ? VM_BASE_BYTES : 0x200;

        if (at >= device->base && at < device->base + size)
            return device;
    }
    return NULL;
}

static bool vm_is_ioapic(uintptr_t at, unsigned *which_out)
{
    *which_out = (unsigned)(at >> 16 & 0xf);
    return at >> 20 == 0xfec && *which_out < 2;
}

static uint32_t vm_load(const volatile void *where, unsigned width)
{
    uintptr_t at = (uintptr_t)where;
    struct vm_device *device = vm_find(at);
    unsigned which;

    if (vm_is_ioapic(at, &which)) {
        if (which >= vm.ioapics)
            return UINT32_MAX;
        return vm.ioapic_select[which] == 1
                   ? 0x00170020
                   : vm.ioapic_routes[which][vm.ioapic_select[which]];
    }
    if (!device)
        return UINT32_MAX;
    return device->is_pci ? vm_pci_load(device, at - device->base, width)
                          : vm_mmio_load(device, at - device->base, width);
}

static void vm_store(volatile void *where, unsigned width, uint32_t value)
{
    uintptr_t at = (uintptr_t)where;
    struct vm_device *device = vm_find(at);
    unsigned which;

    if (vm_is_ioapic(at, &which)) {
        if ((at & 0xff) == 0)
            vm.ioapic_select[which] = value & 63;
        else
            vm.ioapic_routes[which][vm.ioapic_select[which]] = value;
    } else if (device && device->is_pci) {
        vm_pci_store(device, at - device->base, width, value);
    } else if (device) {
        vm_mmio_store(device, at - device->base, width, value);
    }
}

uint8_t arch_register_load8(const volatile void *at)
{
    return (uint8_t)vm_load(at, 1);
}

uint16_t arch_register_load16(const volatile void *at)
{
    return (uint16_t)vm_load(at, 2);
}

uint32_t arch_register_load32(const volatile void *at)
{
    return vm_load(at, 4);
}

void arch_register_store8(volatile void *at, uint8_t value)
{
    vm_store(at, 1, value);
}

void arch_register_store16(volatile void *at, uint16_t value)
{
    vm_store(at, 2, value);
}

void arch_register_store32(volatile void *at, uint32_t value)
{
    vm_store(at, 4, value);
}

/* ---- Ports and PCI: device (n) is function 0 of place n + 1 of bus 0 ---- */

static struct vm_device *vm_pci_chosen(void)
{
    unsigned place = vm.pci_address >> 11 & 0x1fff;

    if ((vm.pci_address >> 8 & 7) != 0 || place < 1 || place > vm.count ||
        !vm.devices[place - 1].is_pci)
        return NULL;
    return &vm.devices[place - 1];
}

void arch_out8(uint16_t port, uint8_t value)
{
    if (port != 0x21 && port != 0xa1)
        vm_stop("a write to port", port);
    vm.pic_masks[port == 0xa1] = value;
}

uint32_t arch_in32(uint16_t port)
{
    struct vm_device *device = vm_pci_chosen();
    uint32_t value = UINT32_MAX;

    if (!vm.has_pci)
        return UINT32_MAX;
    if (port == 0xcf8)
        return vm.pci_address;
    if (port == 0xcfc && device)
        memcpy(&value, device->pci_space + (vm.pci_address & 0xfc), 4);
    return value;
}

void arch_out32(uint16_t port, uint32_t value)
{
    struct vm_device *device = vm_pci_chosen();
    uint32_t at = vm.pci_address & 0xfc;

    if (port == 0xcf8) {
        vm.pci_address = value;
        return;
    }
    if (!device)
        return;
    if (at == 0x20) /* base 4: 64 bits, memory */
        value = (value & device->base_mask) | 4;
    else if (at == 0x04)
        value = (value & 0xffff) | 0x100000; /* there are capabilities */
    else if (at >= 0x10 && at < 0x24)
        value = 0; /* no other bases */
    memcpy(device->pci_space + at, &value, 4);
}

/* ---- Setting a machine up ---- */

__attribute__((unused)) static struct vm_device *
vm_add_mmio(uint64_t base, uint32_t type, uint64_t features)
{
    struct vm_device *device = &vm.devices[vm.count++];

    *device = (struct vm_device) { .is_there = true,
                                   .base = base,
                                   .version = 2,
                                   .type = type,
                                   .features = features | (uint64_t)1 << 32 };
    for (unsigned i = 0; i < VM_QUEUES - 1; i++)
        device->queues[i].max = 64;
    vm_clear(device);
    return device;
}

static void vm_put32(struct vm_device *device, unsigned at, uint32_t value)
{
    memcpy(device->pci_space + at, &value, sizeof(value));
}

/* A vendor capability at (at), the next one 0x14 later. */
static void vm_put_capability(struct vm_device *device, unsigned at,
                              uint8_t type, uint32_t offset, uint32_t size)
{
    vm_put32(device, at,
             0x09 | (at + 0x14) << 8 | 0x14 << 16 | (uint32_t)type << 24);
    vm_put32(device, at + 4, 4);
    vm_put32(device, at + 8, offset);
    vm_put32(device, at + 12, size);
    vm_put32(device, at + 16, VM_MULTIPLIER);
}

#define VM_CAP_COMMON 0x40
#define VM_CAP_NOTIFY 0x54
#define VM_CAP_CONFIG 0x68
#define VM_CAP_MSIX 0x7c

__attribute__((unused)) static struct vm_device *
vm_add_pci(uint64_t base, uint32_t type, uint64_t features)
{
    struct vm_device *device = vm_add_mmio(base, type, features);

    vm.has_pci = true;
    device->is_pci = true;
    device->base_mask = ~(uint32_t)(VM_BASE_BYTES - 1);
    vm_put32(device, 0x00, (0x1040 + type) << 16 | 0x1af4);
    vm_put32(device, 0x04, 0x100000);
    vm_put32(device, 0x20, (uint32_t)base | 4);
    vm_put32(device, 0x24, (uint32_t)(base >> 32));
    vm_put32(device, 0x34, VM_CAP_COMMON);
    vm_put_capability(device, VM_CAP_COMMON, 1, VM_COMMON, 0x38);
    vm_put_capability(device, VM_CAP_NOTIFY, 2, VM_NOTIFY, 0x1000);
    vm_put_capability(device, VM_CAP_CONFIG, 4, VM_CONFIG, 64);
    vm_put32(device, VM_CAP_MSIX, 0x11 | 1 << 16); /* 2 vectors, the last */
    vm_put32(device, VM_CAP_MSIX + 4, VM_MSIX | 4);
    return device;
}

/* ---- The device's side of a queue ---- */

static uint16_t *vm_words(const struct vm_queue *queue, unsigned part)
{
    return (uint16_t *)(uintptr_t)queue->parts[part];
}

/* Takes the next request of one buffer: its bytes, size and id. */
__attribute__((unused)) static bool vm_take(struct vm_queue *queue,
                                            uint8_t **data_out,
                                            uint32_t *size_out,
                                            uint16_t *id_out)
{
    const uint16_t *avail = vm_words(queue, 1);
    const uint64_t *descriptors = (void *)(uintptr_t)queue->parts[0];

    if (!queue->enabled || queue->seen == avail[1])
        return false;
    *id_out = avail[2 + queue->seen++ % queue->size];
    /* The bell is wanted for the next one, too. */
    vm_words(queue, 2)[2 + (size_t)4 * queue->size] = queue->seen;
    *data_out = (uint8_t *)(uintptr_t)descriptors[2 * *id_out];
    *size_out = (uint32_t)descriptors[2 * *id_out + 1];
    return true;
}

__attribute__((unused)) static void vm_put(struct vm_queue *queue, uint32_t id,
                                           uint32_t size)
{
    uint16_t *used = vm_words(queue, 2);
    uint16_t *entry = used + 2 + (size_t)4 * (used[1] % queue->size);

    memcpy(entry, &id, sizeof(id));
    memcpy(entry + 2, &size, sizeof(size));
    used[1]++;
}

#endif
