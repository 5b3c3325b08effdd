/* SPDX-License-Identifier: MIT */
/*
 * memmap.h: from a loader's memory map to ordered ranges of whole pages.
 *
 * Pure: no state, no machine. Context: any.
 */
#ifndef LUNIK_PLATFORM_VM_MEMMAP_H
#define LUNIK_PLATFORM_VM_MEMMAP_H

#include "platform.h"
#include "pvh.h"
#include <lunik/attr.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMMAP_MAX 64u

/* Ranges in address order, apart from each other, never empty. */
struct memmap {
    struct platform_range ranges[MEMMAP_MAX];
    size_t count;
};

/*
 * Adds the RAM of (entry), cut to whole pages and to [floor, limit). What is
 * known already is not added twice. Entries may come in any order and overlap;
 * entries that wrap around or say anything but RAM are passed over.
 * Returns: false if there are too many ranges; (map) is then unchanged.
 */
LUNIK_MUST_CHECK bool platform_memmap_add(struct memmap *map,
                                          const struct pvh_map_entry *entry,
                                          uint64_t floor, uint64_t limit);

/* Takes [base, base + size), page-aligned, out of (map). Returns: false if a
 * range would have to be divided and there are too many. */
LUNIK_MUST_CHECK bool platform_memmap_remove(struct memmap *map, uintptr_t base,
                                             size_t size);

/* Takes (size) bytes, page-aligned, out of the first range that has them and
 * begins below (limit) with all of them. Returns: false if none has. */
LUNIK_MUST_CHECK bool platform_memmap_carve(struct memmap *map, size_t size,
                                            uintptr_t limit,
                                            uintptr_t *base_out);

/* True if all of [base, base + size) is in (map). */
bool platform_memmap_contains(const struct memmap *map, uintptr_t base,
                              size_t size);

/* One past the last byte; 0 for an empty map. */
uintptr_t platform_memmap_end(const struct memmap *map);

#endif
