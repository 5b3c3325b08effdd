/* SPDX-License-Identifier: MIT */
/*
 * pvh.h: what the loader hands over. Xen: xen/include/public/arch-x86/hvm/
 * start_info.h. All addresses are physical, all integers little-endian.
 */
#ifndef LUNIK_PLATFORM_VM_PVH_H
#define LUNIK_PLATFORM_VM_PVH_H

#include <stddef.h>
#include <stdint.h>

#define PVH_MAGIC UINT32_C(0x336ec578)

struct pvh_start_info {
    uint32_t magic, version, flags, module_count;
    uint64_t modules, command_line, rsdp;
    /* version >= 1 */
    uint64_t map;
    uint32_t map_count, reserved;
};
_Static_assert(sizeof(struct pvh_start_info) == 56, "Xen's ABI");
_Static_assert(offsetof(struct pvh_start_info, map) == 40, "Xen's ABI");

struct pvh_map_entry {
    uint64_t address, size;
    uint32_t type, reserved;
};
_Static_assert(sizeof(struct pvh_map_entry) == 24, "Xen's ABI");

#define PVH_MAP_RAM 1u

#endif
