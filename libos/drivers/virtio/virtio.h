/* SPDX-License-Identifier: MIT */
/*
 * virtio.h: a virtio device as its driver sees it, whatever bus it is on.
 *
 * Only "modern" devices (Virtio 1.0 and later); a legacy-only device is left
 * alone with a line in the log. A driver finds its device by type, then:
 *
 *     lunik_virtio_start()         reset, negotiate features
 *     lunik_virtio_queue_start()   for each queue, with memory of the driver's
 *     lunik_virtio_ready()         the device may run from here on
 *     lunik_virtio_attach()        when it wants interrupts, not only to poll
 *
 * A call that finds the device misbehaving marks it broken, says so in the log
 * and tells the device that it was given up; the driver then serves errors.
 *
 * Context: task, interrupts need not be on. Reference: Virtio 1.2, 3.1 and 4.
 */
#ifndef LUNIK_VIRTIO_H
#define LUNIK_VIRTIO_H

#include "queue.h"

#include <lunik/attr.h>
#include <lunik/event.h>
#include <lunik/result.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Device types: Virtio 1.2, 5. */
#define VIRTIO_TYPE_NET 1
#define VIRTIO_TYPE_BLOCK 2
#define VIRTIO_TYPE_CONSOLE 3
#define VIRTIO_TYPE_RNG 4

/* Features of every device, negotiated wherever they are offered. */
#define VIRTIO_FEATURE_EVENT_INDEX ((uint64_t)1 << 29)
#define VIRTIO_FEATURE_VERSION_1 ((uint64_t)1 << 32)
#define VIRTIO_FEATURE_ACCESS_PLATFORM ((uint64_t)1 << 33)

/* The device's status register. */
#define VIRTIO_STATUS_ACKNOWLEDGE 1
#define VIRTIO_STATUS_DRIVER 2
#define VIRTIO_STATUS_DRIVER_OK 4
#define VIRTIO_STATUS_FEATURES_OK 8
#define VIRTIO_STATUS_NEEDS_RESET 64
#define VIRTIO_STATUS_FAILED 128

/* Why there was an interrupt. */
#define VIRTIO_CAUSE_QUEUE 1
#define VIRTIO_CAUSE_CONFIG 2

struct virtio_device;

/* What a bus does for the functions below. Offsets and counts come checked. */
struct virtio_transport {
    const char *name;
    uint8_t (*get_status)(struct virtio_device *device);
    void (*set_status)(struct virtio_device *device, uint8_t status);
    uint64_t (*get_features)(struct virtio_device *device);
    void (*set_features)(struct virtio_device *device, uint64_t features);
    /* Chooses queue (index) and returns the entries it may have; 0: none. */
    uint32_t (*choose_queue)(struct virtio_device *device, uint16_t index);
    /* Hands the chosen queue over and gives (queue) its bell. */
    lunik_result (*enable_queue)(struct virtio_device *device, uint16_t index,
                                 struct virtqueue *queue);
    size_t (*config_size)(struct virtio_device *device);
    uint32_t (*get_generation)(struct virtio_device *device);
    void (*read_config)(struct virtio_device *device, size_t offset, void *out,
                        size_t size);
    lunik_result (*attach)(struct virtio_device *device,
                           const struct lunik_source *queues,
                           const struct lunik_source *config);
    unsigned (*take_cause)(struct virtio_device *device);
};

struct virtio_mmio {
    volatile uint8_t *registers;
    uint32_t size;
    /* Interrupt lines that it may be on: QEMU's microvm does not say which. */
    uint32_t lines[2];
    uint8_t line_count;
};

struct virtio_pci {
    volatile uint8_t *common;
    volatile uint8_t *config;   /* NULL: no configuration space */
    volatile uint8_t *msix;     /* the vector table; NULL: no interrupts */
    uint64_t notify_base;       /* physical */
    uint32_t notify_size;       /* bytes */
    uint32_t notify_multiplier; /* bytes */
    uint32_t config_size;       /* bytes */
    uint16_t address;           /* bus, device, function */
    uint16_t msix_count;        /* vectors */
};

struct virtio_device {
    const struct virtio_transport *transport;
    const char *broken; /* what it did; NULL: it behaves */
    uint64_t features;  /* negotiated */
    uint32_t type;
    bool is_taken; /* a driver has it */
    const struct lunik_source *config_source;
    union {
        struct virtio_mmio mmio;
        struct virtio_pci pci;
    } bus;
};

/*
 * Takes the first device of (type) that no driver has, for the image's life.
 * The first call looks for devices on all buses.
 * Returns: NULL if there is none.
 */
struct virtio_device *lunik_virtio_take(uint32_t type);

/* Resets the device, then agrees on those features of (wanted) that it offers,
 * and on the ones above; (device->features) has them afterwards.
 * Returns: LUNIK_EIO if it cannot be reset or refuses; it is then broken. */
LUNIK_MUST_CHECK lunik_result lunik_virtio_start(struct virtio_device *device,
                                                 uint64_t wanted);

/*
 * Makes queue (index) in (memory) with the largest size that the device and
 * (size_max) allow, and hands it to the device. (memory) is
 * VIRTQUEUE_BYTES(size_max) long and belongs to the queue until a reset.
 * Returns: LUNIK_ENOENT if the device has no such queue.
 */
LUNIK_MUST_CHECK lunik_result lunik_virtio_queue_start(
    struct virtio_device *device, uint16_t index, struct virtqueue *queue,
    uint16_t size_max, void *memory);

/*
 * Has (queues) notified when a queue is armed and a request is done, and
 * (config), which may be NULL, when the configuration changes or the device
 * wants a reset. Both were added. Any time after lunik_virtio_start(), once;
 * (queues) is notified at once for what came before.
 * Returns: LUNIK_ENOENT if the device has no interrupt that can be used.
 */
LUNIK_MUST_CHECK lunik_result lunik_virtio_attach(
    struct virtio_device *device, const struct lunik_source *queues,
    const struct lunik_source *config);

/* Lets the device run. */
void lunik_virtio_ready(struct virtio_device *device);

/* To be called first in the poll of a source that was attached, before the
 * queues are looked at: it makes the next interrupt possible. */
void lunik_virtio_acknowledge(struct virtio_device *device);

/* Reads (size) bytes of the configuration at (offset), all of one moment. Read
 * fields of 2 and 4 bytes each by its own call where they must not be torn.
 * Returns: LUNIK_EINVAL past the end; LUNIK_EIO if it never keeps still. */
LUNIK_MUST_CHECK lunik_result lunik_virtio_read_config(
    struct virtio_device *device, size_t offset, void *out, size_t size);

/* Whether the device asks for a reset; it is then marked broken. */
bool lunik_virtio_needs_reset(struct virtio_device *device);

/* Stops the device: afterwards it touches no memory. False: it would not. */
bool lunik_virtio_reset(struct virtio_device *device);

/* Gives the device up: (what) it did goes into the log, once. */
void lunik_virtio_fail(struct virtio_device *device, const char *what);

/* ---- Buses: called by discover.c ---- */

/* Copies configuration registers: a field of 2 or 4 bytes, alone, is read with
 * its own width, as the specification asks; others byte by byte. */
void lunik_virtio_copy_registers(const volatile uint8_t *from, void *out,
                                 size_t size);

/* Looks at the (size) bytes of registers at (registers). False: no device that
 * a driver could take is there. */
LUNIK_MUST_CHECK bool lunik_virtio_mmio_probe(struct virtio_device *device,
                                              volatile void *registers,
                                              uint64_t base, size_t size);

/* Looks at PCI function (address). False: not a device for a driver. */
LUNIK_MUST_CHECK bool lunik_virtio_pci_probe(struct virtio_device *device,
                                             uint16_t address);

/* ---- For transports: what every bus has registers of ---- */

/* The features, of which the register (select) chooses the half that (value)
 * holds. */
uint64_t lunik_virtio_load_features(volatile uint8_t *select,
                                    const volatile uint8_t *value);
void lunik_virtio_store_features(volatile uint8_t *select,
                                 volatile uint8_t *value, uint64_t features);

/* Writes a field of 64 bits as two of 32: Virtio 1.2, 4.1.3.1 and 4.2.2. */
void lunik_virtio_store_address(volatile uint8_t *at, const void *address);

#endif
