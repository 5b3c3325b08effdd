/* SPDX-License-Identifier: MIT */
/*
 * boot.h: what boot.c tells the rest of the platform.
 */
#ifndef LUNIK_PLATFORM_VM_BOOT_H
#define LUNIK_PLATFORM_VM_BOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Called by entry.S on the boot stack, with the physical address of the
 * loader's start information. Returns where the stack goes on: with a guard
 * page below. From there on memory is protected and traps say what they are.
 */
uintptr_t platform_vm_boot(uint64_t start_info);

/* Where the loader says ACPI's root pointer is; 0: it does not say. */
uint64_t platform_boot_rsdp(void);

#endif
