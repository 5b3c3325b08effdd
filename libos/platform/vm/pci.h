/* SPDX-License-Identifier: MIT */
/*
 * pci.h: PCI functions as the firmware left them.
 *
 * Configuration space is reached by the two ports that SeaBIOS's machines
 * have. Base addresses are read, never assigned: a base that the firmware left
 * at 0 is not used. Context: task.
 */
#ifndef LUNIK_PLATFORM_VM_PCI_H
#define LUNIK_PLATFORM_VM_PCI_H

#include <lunik/attr.h>
#include <lunik/result.h>
#include <stdbool.h>
#include <stdint.h>

/* A function's address: bus << 8 | device << 3 | function. */

#define PCI_ID 0x00
#define PCI_COMMAND 0x04
#define PCI_CLASS 0x08
#define PCI_HEADER 0x0c
#define PCI_BASE(n) (0x10 + 4 * (n))
#define PCI_BASE_COUNT 6
#define PCI_SUBSYSTEM 0x2c

#define PCI_COMMAND_MEMORY 0x2
#define PCI_COMMAND_MASTER 0x4

#define PCI_CAPABILITY_VENDOR 0x09
#define PCI_CAPABILITY_MSIX 0x11

/* Whether the machine has PCI configuration ports. */
bool platform_pci_exists(void);

/* The register at (offset) < 256, a multiple of 4. */
uint32_t platform_pci_read(uint16_t address, uint8_t offset);
void platform_pci_write(uint16_t address, uint8_t offset, uint32_t value);

/* Sets bits of the command register. */
void platform_pci_enable(uint16_t address, uint16_t command);

/* Calls (found)(address, id, arg) for every function on every bus. */
void platform_pci_scan(void (*found)(uint16_t address, uint32_t id, void *arg),
                       void *arg);

/*
 * Steps through the capabilities: the offset of the one after (offset), or of
 * the first for 0; 0 after the last. (*steps) starts at 0 and bounds a list
 * that bites its tail.
 */
uint8_t platform_pci_next_capability(uint16_t address, uint8_t offset,
                                     unsigned *steps);

struct platform_pci_base {
    uint64_t base; /* physical */
    uint64_t size; /* bytes, a power of two */
};

/* Finds memory base (index). Returns: LUNIK_ENOENT if it is none, or the
 * firmware gave it no address, or the function says nonsense. */
LUNIK_MUST_CHECK lunik_result platform_pci_base(uint16_t address,
                                                unsigned index,
                                                struct platform_pci_base *out);

#endif
