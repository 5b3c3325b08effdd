/* SPDX-License-Identifier: MIT */
/*
 * mmio.c: virtio devices that are a block of registers: Virtio 1.2, 4.2.
 */
#include "ioapic.h"
#include "virtio.h"

#include "interrupt.h"
#include "registers.h"
#include <lunik/log.h>

/* Registers, all of 32 bits, little-endian. */
#define MMIO_MAGIC 0x000
#define MMIO_VERSION 0x004
#define MMIO_DEVICE_ID 0x008
#define MMIO_DEVICE_FEATURES 0x010
#define MMIO_DEVICE_FEATURES_SEL 0x014
#define MMIO_DRIVER_FEATURES 0x020
#define MMIO_DRIVER_FEATURES_SEL 0x024
#define MMIO_QUEUE_SEL 0x030
#define MMIO_QUEUE_NUM_MAX 0x034
#define MMIO_QUEUE_NUM 0x038
#define MMIO_QUEUE_READY 0x044
#define MMIO_QUEUE_NOTIFY 0x050
#define MMIO_INTERRUPT_STATUS 0x060
#define MMIO_INTERRUPT_ACK 0x064
#define MMIO_STATUS 0x070
#define MMIO_QUEUE_DESC 0x080
#define MMIO_QUEUE_DRIVER 0x090
#define MMIO_QUEUE_DEVICE 0x0a0
#define MMIO_GENERATION 0x0fc
#define MMIO_CONFIG 0x100

#define MMIO_MAGIC_VALUE 0x74726976 /* "virt" */
#define MMIO_VERSION_LEGACY 1
#define MMIO_VERSION_MODERN 2

static uint32_t read32(const struct virtio_device *device, size_t offset)
{
    return arch_register_load32(device->bus.mmio.registers + offset);
}

static void write32(struct virtio_device *device, size_t offset, uint32_t value)
{
    arch_register_store32(device->bus.mmio.registers + offset, value);
}

static uint8_t get_status(struct virtio_device *device)
{
    return (uint8_t)read32(device, MMIO_STATUS);
}

static void set_status(struct virtio_device *device, uint8_t status)
{
    write32(device, MMIO_STATUS, status);
}

static uint64_t get_features(struct virtio_device *device)
{
    volatile uint8_t *registers = device->bus.mmio.registers;

    return lunik_virtio_load_features(registers + MMIO_DEVICE_FEATURES_SEL,
                                      registers + MMIO_DEVICE_FEATURES);
}

static void set_features(struct virtio_device *device, uint64_t features)
{
    volatile uint8_t *registers = device->bus.mmio.registers;

    lunik_virtio_store_features(registers + MMIO_DRIVER_FEATURES_SEL,
                                registers + MMIO_DRIVER_FEATURES, features);
}

static uint32_t choose_queue(struct virtio_device *device, uint16_t index)
{
    write32(device, MMIO_QUEUE_SEL, index);
    /* A queue that runs already is not ours: the reset did not work. */
    if (read32(device, MMIO_QUEUE_READY) != 0)
        return 0;
    return read32(device, MMIO_QUEUE_NUM_MAX);
}

static lunik_result enable_queue(struct virtio_device *device, uint16_t index,
                                 struct virtqueue *queue)
{
    volatile uint8_t *registers = device->bus.mmio.registers;

    write32(device, MMIO_QUEUE_NUM, queue->size);
    lunik_virtio_store_address(registers + MMIO_QUEUE_DESC, queue->descriptors);
    lunik_virtio_store_address(registers + MMIO_QUEUE_DRIVER, queue->avail);
    lunik_virtio_store_address(registers + MMIO_QUEUE_DEVICE, queue->used);
    write32(device, MMIO_QUEUE_READY, 1);
    queue->bell = registers + MMIO_QUEUE_NOTIFY;
    queue->bell_value = index;
    queue->bell_is_wide = true;
    return LUNIK_OK;
}

static size_t config_size(struct virtio_device *device)
{
    return device->bus.mmio.size - MMIO_CONFIG;
}

static uint32_t get_generation(struct virtio_device *device)
{
    return read32(device, MMIO_GENERATION);
}

/* Reads a field of 2 or 4 bytes at once where it is one, else byte by byte: a
 * field must be read with its own width. */
static void read_config(struct virtio_device *device, size_t offset, void *out,
                        size_t size)
{
    lunik_virtio_copy_registers(
        device->bus.mmio.registers + MMIO_CONFIG + offset, out, size);
}

static lunik_result attach(struct virtio_device *device,
                           const struct lunik_source *queues,
                           const struct lunik_source *config)
{
    const struct virtio_mmio *mmio = &device->bus.mmio;
    lunik_result result = LUNIK_ENOENT;
    uint8_t vector;

    (void)config; /* the same line; take_cause() tells them apart */
    if (mmio->line_count == 0)
        return LUNIK_ENOENT;
    result = arch_interrupt_acquire(queues, &vector);
    if (result != LUNIK_OK)
        return result;
    result = LUNIK_ENOENT;
    for (uint8_t i = 0; i < mmio->line_count; i++)
        if (platform_ioapic_route(mmio->lines[i], false, false, vector) ==
            LUNIK_OK)
            result = LUNIK_OK;
    return result;
}

static unsigned take_cause(struct virtio_device *device)
{
    uint32_t cause = read32(device, MMIO_INTERRUPT_STATUS) &
                     (VIRTIO_CAUSE_QUEUE | VIRTIO_CAUSE_CONFIG);

    /* Lowers the line, so that the next request that is done raises it. The
     * queues are read after this: nothing falls between. */
    if (cause)
        write32(device, MMIO_INTERRUPT_ACK, cause);
    return cause;
}

static const struct virtio_transport mmio_transport = {
    .name = "mmio",
    .get_status = get_status,
    .set_status = set_status,
    .get_features = get_features,
    .set_features = set_features,
    .choose_queue = choose_queue,
    .enable_queue = enable_queue,
    .config_size = config_size,
    .get_generation = get_generation,
    .read_config = read_config,
    .attach = attach,
    .take_cause = take_cause,
};

bool lunik_virtio_mmio_probe(struct virtio_device *device,
                             volatile void *registers, uint64_t base,
                             size_t size)
{
    uint32_t version;

    *device = (struct virtio_device) {
        .transport = &mmio_transport,
        .bus.mmio = { .registers = registers, .size = (uint32_t)size },
    };
    if (size <= MMIO_CONFIG || size > UINT32_MAX ||
        read32(device, MMIO_MAGIC) != MMIO_MAGIC_VALUE)
        return false;
    version = read32(device, MMIO_VERSION);
    device->type = read32(device, MMIO_DEVICE_ID);
    if (device->type == 0)
        return false; /* an empty place */
    if (version == MMIO_VERSION_MODERN)
        return true;
    if (version == MMIO_VERSION_LEGACY)
        lunik_log(LUNIK_LOG_WARN,
                  "virtio: the device of type %u at 0x%llx is legacy and left "
                  "alone; start QEMU with -global "
                  "virtio-mmio.force-legacy=false, as `lunik run` does",
                  (unsigned)device->type, (unsigned long long)base);
    else
        lunik_log(LUNIK_LOG_WARN,
                  "virtio: the device at 0x%llx has the unknown version %u",
                  (unsigned long long)base, (unsigned)version);
    return false;
}
