/* SPDX-License-Identifier: MIT */
/*
 * pci.c: configuration space by ports 0xcf8 and 0xcfc ("mechanism 1").
 */
#include "pci.h"

#include "port.h"

#define PORT_ADDRESS 0xcf8
#define PORT_DATA 0xcfc
#define ADDRESS_ENABLE ((uint32_t)1 << 31)

#define ID_NONE 0xffff /* the vendor where nothing is */

#define STATUS_CAPABILITIES ((uint32_t)1 << (16 + 4)) /* in PCI_COMMAND */
#define CAPABILITIES 0x34
/* 48 fit between the header and the end. */
#define CAPABILITY_MAX 48

#define HEADER_TYPE(header) ((header) >> 16 & 0x7f)
#define HEADER_NORMAL 0
#define HEADER_BRIDGE 1
#define HEADER_MANY_FUNCTIONS ((uint32_t)1 << 23)
#define BRIDGE_BUSES 0x18 /* primary, secondary, last below */

#define BASE_IS_PORT 0x1
#define BASE_TYPE 0x6
#define BASE_TYPE_64 0x4
#define BASE_FLAGS 0xf

#define BUSES 256
#define DEVICES 32
#define FUNCTIONS 8

static void choose(uint16_t address, uint8_t offset)
{
    arch_out32(PORT_ADDRESS,
               ADDRESS_ENABLE | (uint32_t)address << 8 | (offset & 0xfcu));
}

bool platform_pci_exists(void)
{
    /* The address register keeps what it is given; a port that nobody answers
     * reads as all ones. */
    arch_out32(PORT_ADDRESS, ADDRESS_ENABLE);
    return arch_in32(PORT_ADDRESS) == ADDRESS_ENABLE;
}

uint32_t platform_pci_read(uint16_t address, uint8_t offset)
{
    choose(address, offset);
    return arch_in32(PORT_DATA);
}

void platform_pci_write(uint16_t address, uint8_t offset, uint32_t value)
{
    choose(address, offset);
    arch_out32(PORT_DATA, value);
}

void platform_pci_enable(uint16_t address, uint16_t command)
{
    /* The status half clears the bits that are written as 1: write zeros. */
    uint32_t value = platform_pci_read(address, PCI_COMMAND) & 0xffff;

    platform_pci_write(address, PCI_COMMAND, value | command);
}

struct scan {
    void (*found)(uint16_t address, uint32_t id, void *arg);
    void *arg;
    uint32_t waiting[BUSES / 32]; /* buses behind bridges, still to do */
};

static void scan_function(struct scan *scan, uint16_t address, uint32_t id,
                          uint32_t header)
{
    if (HEADER_TYPE(header) == HEADER_BRIDGE) {
        uint32_t bus = platform_pci_read(address, BRIDGE_BUSES) >> 8 & 0xff;

        /* A bus behind a bridge has a higher number than the bridge's; so
         * every bus is done once, whatever the bridges say. */
        if (bus > address >> 8)
            scan->waiting[bus / 32] |= (uint32_t)1 << bus % 32;
    } else if (HEADER_TYPE(header) == HEADER_NORMAL) {
        scan->found(address, id, scan->arg);
    }
}

static void scan_device(struct scan *scan, uint16_t address)
{
    uint16_t functions = 1;

    for (uint16_t function = 0; function < functions; function++) {
        uint16_t here = (uint16_t)(address | function);
        uint32_t id = platform_pci_read(here, PCI_ID);
        uint32_t header;

        if ((id & 0xffff) == ID_NONE || id == 0) {
            if (function == 0)
                return;
            continue;
        }
        header = platform_pci_read(here, PCI_HEADER);
        if (function == 0 && (header & HEADER_MANY_FUNCTIONS))
            functions = FUNCTIONS;
        scan_function(scan, here, id, header);
    }
}

void platform_pci_scan(void (*found)(uint16_t address, uint32_t id, void *arg),
                       void *arg)
{
    struct scan scan = { .found = found, .arg = arg, .waiting = { 1 } };

    if (!platform_pci_exists())
        return;
    for (unsigned bus = 0; bus < BUSES; bus++) {
        if (!(scan.waiting[bus / 32] >> bus % 32 & 1))
            continue;
        for (unsigned device = 0; device < DEVICES; device++)
            scan_device(&scan, (uint16_t)(bus << 8 | device << 3));
    }
}

uint8_t platform_pci_next_capability(uint16_t address, uint8_t offset,
                                     unsigned *steps)
{
    uint8_t next;

    if (offset == 0) {
        if (!(platform_pci_read(address, PCI_COMMAND) & STATUS_CAPABILITIES))
            return 0;
        next = (uint8_t)platform_pci_read(address, CAPABILITIES);
    } else {
        next = (uint8_t)(platform_pci_read(address, offset) >> 8);
    }
    next &= 0xfc;
    if (next < 0x40 || ++*steps > CAPABILITY_MAX)
        return 0;
    return next;
}

/* What stays of all ones written to register (offset): the size's mask. */
static uint32_t probe_mask(uint16_t address, uint8_t offset)
{
    uint32_t before = platform_pci_read(address, offset), mask;

    platform_pci_write(address, offset, UINT32_MAX);
    mask = platform_pci_read(address, offset);
    platform_pci_write(address, offset, before);
    return mask;
}

lunik_result platform_pci_base(uint16_t address, unsigned index,
                               struct platform_pci_base *out)
{
    uint32_t command = platform_pci_read(address, PCI_COMMAND) & 0xffff;
    uint8_t offset = (uint8_t)PCI_BASE(index);
    uint32_t low;
    uint64_t mask;
    bool is_64;

    if (index >= PCI_BASE_COUNT)
        return LUNIK_ENOENT;
    low = platform_pci_read(address, offset);
    is_64 = (low & BASE_TYPE) == BASE_TYPE_64;
    if ((low & BASE_IS_PORT) || (is_64 && index + 1 == PCI_BASE_COUNT))
        return LUNIK_ENOENT;
    out->base = low & ~(uint32_t)BASE_FLAGS;
    /* Nothing may answer at the addresses that the probing makes. */
    platform_pci_write(address, PCI_COMMAND,
                       command & ~(uint32_t)PCI_COMMAND_MEMORY);
    mask = probe_mask(address, offset) & ~(uint32_t)BASE_FLAGS;
    if (is_64) {
        uint8_t high = (uint8_t)(offset + 4);

        out->base |= (uint64_t)platform_pci_read(address, high) << 32;
        mask |= (uint64_t)probe_mask(address, high) << 32;
    } else if (mask != 0) {
        mask |= (uint64_t)UINT32_MAX << 32;
    }
    platform_pci_write(address, PCI_COMMAND, command);
    out->size = ~mask + 1;
    /* Ones above, zeros below: else it is no size. 0: no base at all. */
    if (mask == 0 || (out->size & (out->size - 1)) != 0 || out->base == 0 ||
        (out->base & (out->size - 1)) != 0)
        return LUNIK_ENOENT;
    return LUNIK_OK;
}
