/* SPDX-License-Identifier: MIT */
/*
 * pci.c: virtio devices that are PCI functions: Virtio 1.2, 4.1.
 *
 * Vendor capabilities say in which base address, where, and how long the
 * register blocks are. Everything they say is checked against the base's real
 * size before it is mapped. Interrupts are MSI-X messages straight to the
 * local APIC: vector 0 for the configuration, vector 1 for all queues.
 */
#include "pci.h"
#include "virtio.h"

#include "interrupt.h"
#include "registers.h"
#include <lunik/log.h>

#define PCI_VENDOR_VIRTIO 0x1af4
#define PCI_DEVICE_LEGACY_FIRST 0x1000
#define PCI_DEVICE_LEGACY_LAST 0x103f
#define PCI_DEVICE_MODERN_FIRST 0x1040
#define PCI_DEVICE_MODERN_LAST 0x107f

/* The vendor capability. */
#define CAP_LENGTH_TYPE 0 /* u8 id, next, length, type */
#define CAP_BASE 4        /* u8 */
#define CAP_OFFSET 8
#define CAP_SIZE 12
#define CAP_MULTIPLIER 16 /* of the notify capability */

#define CAP_COMMON 1
#define CAP_NOTIFY 2
#define CAP_CONFIG 4
#define CAP_COUNT 5

/* The common block. */
#define COMMON_DEVICE_FEATURE_SELECT 0x00
#define COMMON_DEVICE_FEATURE 0x04
#define COMMON_DRIVER_FEATURE_SELECT 0x08
#define COMMON_DRIVER_FEATURE 0x0c
#define COMMON_CONFIG_VECTOR 0x10 /* u16 */
#define COMMON_STATUS 0x14        /* u8 */
#define COMMON_GENERATION 0x15    /* u8 */
#define COMMON_QUEUE_SELECT 0x16  /* u16 */
#define COMMON_QUEUE_SIZE 0x18    /* u16 */
#define COMMON_QUEUE_VECTOR 0x1a  /* u16 */
#define COMMON_QUEUE_ENABLE 0x1c  /* u16 */
#define COMMON_QUEUE_NOTIFY 0x1e  /* u16 */
#define COMMON_QUEUE_DESC 0x20    /* u64 */
#define COMMON_QUEUE_DRIVER 0x28  /* u64 */
#define COMMON_QUEUE_DEVICE 0x30  /* u64 */
#define COMMON_BYTES 0x38

/* More configuration than any device has; what is beyond is not mapped. */
#define CONFIG_BYTES_MAX 4096

/* MSI-X: the capability, then the table of four words for each vector. */
#define MSIX_CONTROL 0 /* in the capability's upper half */
#define MSIX_TABLE 4
#define MSIX_COUNT(control) (((control) >> 16 & 0x7ff) + 1)
#define MSIX_ENABLE ((uint32_t)1 << 31)
#define MSIX_FUNCTION_MASK ((uint32_t)1 << 30)
#define MSIX_ENTRY_BYTES ((size_t)16)
#define MSIX_ENTRY_ADDRESS 0
#define MSIX_ENTRY_ADDRESS_HIGH 4
#define MSIX_ENTRY_DATA 8
#define MSIX_ENTRY_CONTROL 12
#define MSIX_ENTRY_MASKED 1

#define MSI_ADDRESS 0xfee00000
#define MSI_CPU_SHIFT 12

#define VECTOR_NONE 0xffff
#define VECTOR_CONFIG 0
#define VECTOR_QUEUES 1

static uint8_t read8(const struct virtio_device *device, size_t offset)
{
    return arch_register_load8(device->bus.pci.common + offset);
}

static uint16_t read16(const struct virtio_device *device, size_t offset)
{
    return arch_register_load16(device->bus.pci.common + offset);
}

static void write16(struct virtio_device *device, size_t offset, uint16_t value)
{
    arch_register_store16(device->bus.pci.common + offset, value);
}

static uint8_t get_status(struct virtio_device *device)
{
    return read8(device, COMMON_STATUS);
}

static void set_status(struct virtio_device *device, uint8_t status)
{
    arch_register_store8(device->bus.pci.common + COMMON_STATUS, status);
}

static uint64_t get_features(struct virtio_device *device)
{
    volatile uint8_t *common = device->bus.pci.common;

    return lunik_virtio_load_features(common + COMMON_DEVICE_FEATURE_SELECT,
                                      common + COMMON_DEVICE_FEATURE);
}

static void set_features(struct virtio_device *device, uint64_t features)
{
    volatile uint8_t *common = device->bus.pci.common;

    lunik_virtio_store_features(common + COMMON_DRIVER_FEATURE_SELECT,
                                common + COMMON_DRIVER_FEATURE, features);
}

static uint32_t choose_queue(struct virtio_device *device, uint16_t index)
{
    write16(device, COMMON_QUEUE_SELECT, index);
    if (read16(device, COMMON_QUEUE_ENABLE) != 0)
        return 0;
    return read16(device, COMMON_QUEUE_SIZE);
}

static uint16_t queues_vector(const struct virtio_pci *pci)
{
    return pci->msix_count > VECTOR_QUEUES ? VECTOR_QUEUES : VECTOR_CONFIG;
}

static lunik_result enable_queue(struct virtio_device *device, uint16_t index,
                                 struct virtqueue *queue)
{
    struct virtio_pci *pci = &device->bus.pci;
    uint64_t bell =
        (uint64_t)read16(device, COMMON_QUEUE_NOTIFY) * pci->notify_multiplier;

    if (pci->notify_size < sizeof(uint16_t) ||
        bell > pci->notify_size - sizeof(uint16_t) || bell % 2 != 0)
        return LUNIK_EIO;
    queue->bell = arch_map_device(pci->notify_base + bell, sizeof(uint16_t));
    if (!queue->bell)
        return LUNIK_EIO;
    queue->bell_value = index;
    write16(device, COMMON_QUEUE_SIZE, queue->size);
    lunik_virtio_store_address(pci->common + COMMON_QUEUE_DESC,
                               queue->descriptors);
    lunik_virtio_store_address(pci->common + COMMON_QUEUE_DRIVER, queue->avail);
    lunik_virtio_store_address(pci->common + COMMON_QUEUE_DEVICE, queue->used);
    /* Before the queue is enabled. The table's entries are masked until attach;
     * a message for one stays pending there and comes then. A reset makes the
     * device forget both numbers, but not the table. */
    write16(device, COMMON_CONFIG_VECTOR,
            pci->msix ? VECTOR_CONFIG : VECTOR_NONE);
    write16(device, COMMON_QUEUE_VECTOR,
            pci->msix ? queues_vector(pci) : VECTOR_NONE);
    write16(device, COMMON_QUEUE_ENABLE, 1);
    return LUNIK_OK;
}

static size_t config_size(struct virtio_device *device)
{
    return device->bus.pci.config_size;
}

static uint32_t get_generation(struct virtio_device *device)
{
    return read8(device, COMMON_GENERATION);
}

static void read_config(struct virtio_device *device, size_t offset, void *out,
                        size_t size)
{
    lunik_virtio_copy_registers(device->bus.pci.config + offset, out, size);
}

static void set_message(struct virtio_pci *pci, uint16_t index, uint8_t vector)
{
    volatile uint8_t *entry = pci->msix + index * MSIX_ENTRY_BYTES;

    arch_register_store32(entry + MSIX_ENTRY_ADDRESS,
                          MSI_ADDRESS | (uint32_t)arch_interrupt_cpu()
                                            << MSI_CPU_SHIFT);
    arch_register_store32(entry + MSIX_ENTRY_ADDRESS_HIGH, 0);
    arch_register_store32(entry + MSIX_ENTRY_DATA, vector);
    arch_register_store32(entry + MSIX_ENTRY_CONTROL, 0);
}

static lunik_result attach(struct virtio_device *device,
                           const struct lunik_source *queues,
                           const struct lunik_source *config)
{
    struct virtio_pci *pci = &device->bus.pci;
    lunik_result result;
    uint8_t vector;

    if (!pci->msix)
        return LUNIK_ENOENT;
    result = arch_interrupt_acquire(queues, &vector);
    if (result != LUNIK_OK)
        return result;
    set_message(pci, queues_vector(pci), vector);
    if (!config || queues_vector(pci) == VECTOR_CONFIG)
        return LUNIK_OK;
    result = arch_interrupt_acquire(config, &vector);
    if (result != LUNIK_OK)
        return result;
    set_message(pci, VECTOR_CONFIG, vector);
    return LUNIK_OK;
}

static unsigned take_cause(struct virtio_device *device)
{
    /* The message's vector says it, unless there is only one; there is nothing
     * to acknowledge. */
    return device->bus.pci.msix_count > VECTOR_QUEUES
               ? VIRTIO_CAUSE_QUEUE
               : VIRTIO_CAUSE_QUEUE | VIRTIO_CAUSE_CONFIG;
}

static const struct virtio_transport pci_transport = {
    .name = "pci",
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

/* ---- Finding the register blocks ---- */

/* Where (size) bytes at (offset) of base (index) are; 0: not inside it. */
static uint64_t locate(uint16_t address, unsigned index, uint32_t offset,
                       uint32_t size)
{
    struct platform_pci_base base;

    if (platform_pci_base(address, index, &base) != LUNIK_OK ||
        offset > base.size || size > base.size - offset)
        return 0;
    return base.base + offset;
}

/* Takes one vendor capability in. Those it cannot use it leaves; the first of
 * each type that can be used wins: 4.1.4. */
static void take_capability(struct virtio_pci *pci, uint8_t at)
{
    uint32_t head = platform_pci_read(pci->address, at);
    uint32_t length = head >> 16 & 0xff, type = head >> 24;
    unsigned index =
        platform_pci_read(pci->address, (uint8_t)(at + CAP_BASE)) & 0xff;
    uint32_t offset =
        platform_pci_read(pci->address, (uint8_t)(at + CAP_OFFSET));
    uint32_t size = platform_pci_read(pci->address, (uint8_t)(at + CAP_SIZE));
    uint64_t where;

    if (length < CAP_MULTIPLIER || at + length > 256 || offset % 4 != 0)
        return;
    if (type == CAP_CONFIG && size > CONFIG_BYTES_MAX)
        size = CONFIG_BYTES_MAX;
    if (type == CAP_COMMON && size > COMMON_BYTES)
        size = COMMON_BYTES;
    if (type != CAP_COMMON && type != CAP_NOTIFY && type != CAP_CONFIG)
        return;
    where = locate(pci->address, index, offset, size);
    if (where == 0 || size == 0)
        return;
    if (type == CAP_COMMON && !pci->common && size == COMMON_BYTES) {
        pci->common = arch_map_device(where, size);
    } else if (type == CAP_CONFIG && !pci->config) {
        pci->config = arch_map_device(where, size);
        pci->config_size = pci->config ? size : 0;
    } else if (type == CAP_NOTIFY && !pci->notify_size &&
               length >= CAP_MULTIPLIER + 4) {
        pci->notify_base = where;
        pci->notify_size = size;
        pci->notify_multiplier =
            platform_pci_read(pci->address, (uint8_t)(at + CAP_MULTIPLIER));
    }
}

/* Maps the first entries of the vector table and switches MSI-X on, with all
 * entries masked. */
static void take_msix(struct virtio_pci *pci, uint8_t at)
{
    uint32_t control = platform_pci_read(pci->address, at);
    uint32_t table =
        platform_pci_read(pci->address, (uint8_t)(at + MSIX_TABLE));
    size_t count = MSIX_COUNT(control);
    uint64_t where;

    if (pci->msix)
        return;
    if (count > VECTOR_QUEUES + 1)
        count = VECTOR_QUEUES + 1;
    where = locate(pci->address, table & 7, table & ~(uint32_t)7,
                   (uint32_t)count * MSIX_ENTRY_BYTES);
    if (where == 0)
        return;
    pci->msix = arch_map_device(where, count * MSIX_ENTRY_BYTES);
    if (!pci->msix)
        return;
    pci->msix_count = (uint16_t)count;
    for (size_t i = 0; i < count; i++)
        arch_register_store32(pci->msix + i * MSIX_ENTRY_BYTES +
                                  MSIX_ENTRY_CONTROL,
                              MSIX_ENTRY_MASKED);
    platform_pci_write(pci->address, at,
                       (control | MSIX_ENABLE) & ~MSIX_FUNCTION_MASK);
}

static void take_capabilities(struct virtio_pci *pci)
{
    unsigned steps = 0;
    uint8_t at = 0;

    while ((at = platform_pci_next_capability(pci->address, at, &steps)) != 0) {
        uint8_t id = (uint8_t)platform_pci_read(pci->address, at);

        if (id == PCI_CAPABILITY_VENDOR)
            take_capability(pci, at);
        else if (id == PCI_CAPABILITY_MSIX)
            take_msix(pci, at);
    }
}

bool lunik_virtio_pci_probe(struct virtio_device *device, uint16_t address)
{
    uint32_t id = platform_pci_read(address, PCI_ID);
    uint32_t model = id >> 16;
    struct virtio_pci *pci = &device->bus.pci;

    *device = (struct virtio_device) {
        .transport = &pci_transport,
        .bus.pci = { .address = address },
    };
    if ((id & 0xffff) != PCI_VENDOR_VIRTIO || model < PCI_DEVICE_LEGACY_FIRST ||
        model > PCI_DEVICE_MODERN_LAST)
        return false;
    /* A transitional device has a modern side, too; its type is the subsystem
     * then. */
    if (model >= PCI_DEVICE_MODERN_FIRST)
        device->type = model - PCI_DEVICE_MODERN_FIRST;
    else
        device->type = platform_pci_read(address, PCI_SUBSYSTEM) >> 16;
    platform_pci_enable(address, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    take_capabilities(pci);
    if (pci->common && pci->notify_size)
        return true;
    lunik_log(LUNIK_LOG_WARN,
              "virtio: the device of type %u at PCI %02x:%02x.%u is left "
              "alone: it is legacy, or the firmware gave it no addresses",
              (unsigned)device->type, address >> 8u, address >> 3u & 0x1fu,
              address & 7u);
    return false;
}
