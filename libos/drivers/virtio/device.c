/* SPDX-License-Identifier: MIT */
/*
 * device.c: the steps of a virtio device's life that are alike on every bus.
 */
#include "virtio.h"

#include "registers.h"
#include <lunik/log.h>
#include <lunik/panic.h>

/* A device has this many reads of its status to finish a reset. One read is an
 * exit to the hypervisor, at least a microsecond. */
#define RESET_TRIES 100000

/* Reads of the configuration until the generation stood still. */
#define CONFIG_TRIES 16

#define FEATURES_ALWAYS                                      \
    (VIRTIO_FEATURE_EVENT_INDEX | VIRTIO_FEATURE_VERSION_1 | \
     VIRTIO_FEATURE_ACCESS_PLATFORM)

uint64_t lunik_virtio_load_features(volatile uint8_t *select,
                                    const volatile uint8_t *value)
{
    uint64_t low, high;

    arch_register_store32(select, 0);
    low = arch_register_load32(value);
    arch_register_store32(select, 1);
    high = arch_register_load32(value);
    return high << 32 | low;
}

void lunik_virtio_store_features(volatile uint8_t *select,
                                 volatile uint8_t *value, uint64_t features)
{
    arch_register_store32(select, 0);
    arch_register_store32(value, (uint32_t)features);
    arch_register_store32(select, 1);
    arch_register_store32(value, (uint32_t)(features >> 32));
}

void lunik_virtio_store_address(volatile uint8_t *at, const void *address)
{
    uint64_t value = (uintptr_t)address;

    arch_register_store32(at, (uint32_t)value);
    arch_register_store32(at + 4, (uint32_t)(value >> 32));
}

static void add_status(struct virtio_device *device, uint8_t bits)
{
    const struct virtio_transport *transport = device->transport;
    uint8_t status = transport->get_status(device);

    transport->set_status(device, (uint8_t)(status | bits));
}

void lunik_virtio_fail(struct virtio_device *device, const char *what)
{
    if (device->broken)
        return;
    device->broken = what;
    lunik_log(LUNIK_LOG_ERROR,
              "virtio: the device of type %u (%s) %s; it is not used any more",
              (unsigned)device->type, device->transport->name, what);
    add_status(device, VIRTIO_STATUS_FAILED);
}

bool lunik_virtio_reset(struct virtio_device *device)
{
    device->transport->set_status(device, 0);
    /* The reset is done when 0 is read back: Virtio 1.2, 4.1.4.3.2. */
    for (unsigned i = 0; i < RESET_TRIES; i++)
        if (device->transport->get_status(device) == 0)
            return true;
    return false;
}

lunik_result lunik_virtio_start(struct virtio_device *device, uint64_t wanted)
{
    const struct virtio_transport *transport = device->transport;
    uint64_t offered;

    if (device->broken)
        return LUNIK_EIO;
    if (!lunik_virtio_reset(device)) {
        lunik_virtio_fail(device, "does not finish a reset");
        return LUNIK_EIO;
    }
    add_status(device, VIRTIO_STATUS_ACKNOWLEDGE);
    add_status(device, VIRTIO_STATUS_DRIVER);
    offered = transport->get_features(device);
    if (!(offered & VIRTIO_FEATURE_VERSION_1)) {
        lunik_virtio_fail(device, "is not a Virtio 1.0 device");
        return LUNIK_EIO;
    }
    device->features = offered & (wanted | FEATURES_ALWAYS);
    transport->set_features(device, device->features);
    add_status(device, VIRTIO_STATUS_FEATURES_OK);
    if (!(transport->get_status(device) & VIRTIO_STATUS_FEATURES_OK)) {
        lunik_virtio_fail(device, "refuses the features that it offered");
        return LUNIK_EIO;
    }
    return LUNIK_OK;
}

/* The largest power of two up to both bounds; 0 if one of them is. */
static uint16_t queue_size(uint32_t offered, uint16_t size_max)
{
    uint16_t size = size_max;

    while (size > offered)
        size = (uint16_t)(size / 2);
    return size;
}

lunik_result lunik_virtio_queue_start(struct virtio_device *device,
                                      uint16_t index, struct virtqueue *queue,
                                      uint16_t size_max, void *memory)
{
    lunik_result result;
    uint16_t size;

    if (device->broken)
        return LUNIK_EIO;
    size = queue_size(device->transport->choose_queue(device, index), size_max);
    if (size == 0)
        return LUNIK_ENOENT;
    lunik_virtqueue_init(queue, size, memory,
                         device->features & VIRTIO_FEATURE_EVENT_INDEX);
    result = device->transport->enable_queue(device, index, queue);
    if (result != LUNIK_OK)
        lunik_virtio_fail(device, "does not take its queue");
    return result;
}

lunik_result lunik_virtio_attach(struct virtio_device *device,
                                 const struct lunik_source *queues,
                                 const struct lunik_source *config)
{
    lunik_result result;

    if (device->broken)
        return LUNIK_EIO;
    result = device->transport->attach(device, queues, config);
    if (result != LUNIK_OK)
        return result;
    device->config_source = config;
    /* A cause from before would keep the line high, and there would be no
     * edge: it is taken now, and the queues are looked at once. */
    lunik_virtio_acknowledge(device);
    lunik_source_notify(queues);
    return LUNIK_OK;
}

void lunik_virtio_ready(struct virtio_device *device)
{
    if (!device->broken)
        add_status(device, VIRTIO_STATUS_DRIVER_OK);
}

void lunik_virtio_acknowledge(struct virtio_device *device)
{
    unsigned cause = device->transport->take_cause(device);

    if ((cause & VIRTIO_CAUSE_CONFIG) && device->config_source)
        lunik_source_notify(device->config_source);
}

lunik_result lunik_virtio_read_config(struct virtio_device *device,
                                      size_t offset, void *out, size_t size)
{
    const struct virtio_transport *transport = device->transport;
    size_t end = transport->config_size(device);

    if (device->broken)
        return LUNIK_EIO;
    if (offset > end || size > end - offset)
        return LUNIK_EINVAL;
    for (unsigned i = 0; i < CONFIG_TRIES; i++) {
        uint32_t before = transport->get_generation(device);

        transport->read_config(device, offset, out, size);
        if (transport->get_generation(device) == before)
            return LUNIK_OK;
    }
    lunik_virtio_fail(device, "never lets its configuration stand still");
    return LUNIK_EIO;
}

bool lunik_virtio_needs_reset(struct virtio_device *device)
{
    if (!(device->transport->get_status(device) & VIRTIO_STATUS_NEEDS_RESET))
        return false;
    lunik_virtio_fail(device, "asks for a reset");
    return true;
}

void lunik_virtio_copy_registers(const volatile uint8_t *from, void *out,
                                 size_t size)
{
    uint8_t *bytes = out;

    if (size == 4 && (uintptr_t)from % 4 == 0) {
        uint32_t value = arch_register_load32(from);

        __builtin_memcpy(out, &value, sizeof(value));
    } else if (size == 2 && (uintptr_t)from % 2 == 0) {
        uint16_t value = arch_register_load16(from);

        __builtin_memcpy(out, &value, sizeof(value));
    } else {
        for (size_t i = 0; i < size; i++)
            bytes[i] = arch_register_load8(from + i);
    }
}
