/* SPDX-License-Identifier: MIT */
/* memmap.c: ordered ranges of whole pages. */
#include "memmap.h"

#define PAGE ((uint64_t)4096)

static uintptr_t end_of(const struct platform_range *range)
{
    return range->base + range->size;
}

static bool insert(struct memmap *map, size_t at, uintptr_t base, size_t size)
{
    if (map->count == MEMMAP_MAX)
        return false;
    for (size_t i = map->count; i > at; i--)
        map->ranges[i] = map->ranges[i - 1];
    map->ranges[at] = (struct platform_range) { base, size };
    map->count++;
    return true;
}

static void erase(struct memmap *map, size_t at, size_t count)
{
    for (size_t i = at; i + count < map->count; i++)
        map->ranges[i] = map->ranges[i + count];
    map->count -= count;
}

bool platform_memmap_add(struct memmap *map, const struct pvh_map_entry *entry,
                         uint64_t floor, uint64_t limit)
{
    uint64_t base = entry->address, end = entry->address + entry->size;
    size_t first = 0, last;

    if (entry->type != PVH_MAP_RAM || end < base)
        return true;
    base = base < floor ? floor : base;
    end = end > limit ? limit : end;
    if (base > UINT64_MAX - PAGE)
        return true;
    base = (base + PAGE - 1) & ~(PAGE - 1);
    end &= ~(PAGE - 1);
    if (base >= end)
        return true;
    /* [first, last) are the ranges that it touches: all become one. */
    while (first < map->count && end_of(&map->ranges[first]) < base)
        first++;
    for (last = first; last < map->count && map->ranges[last].base <= end;)
        last++;
    if (first == last)
        return insert(map, first, base, end - base);
    if (map->ranges[first].base < base)
        base = map->ranges[first].base;
    if (end_of(&map->ranges[last - 1]) > end)
        end = end_of(&map->ranges[last - 1]);
    map->ranges[first] = (struct platform_range) { base, end - base };
    erase(map, first + 1, last - first - 1);
    return true;
}

bool platform_memmap_remove(struct memmap *map, uintptr_t base, size_t size)
{
    uintptr_t end = base + size;

    for (size_t i = 0; i < map->count;) {
        struct platform_range *range = &map->ranges[i];
        uintptr_t range_end = end_of(range);

        if (range_end <= base || range->base >= end) {
            i++;
        } else if (range->base >= base && range_end <= end) {
            erase(map, i, 1);
        } else if (range->base >= base) {
            *range = (struct platform_range) { end, range_end - end };
            i++;
        } else {
            if (range_end > end && !insert(map, i + 1, end, range_end - end))
                return false;
            map->ranges[i].size = base - map->ranges[i].base;
            i++;
        }
    }
    return true;
}

bool platform_memmap_carve(struct memmap *map, size_t size, uintptr_t limit,
                           uintptr_t *base_out)
{
    for (size_t i = 0; i < map->count; i++) {
        uintptr_t base = map->ranges[i].base;

        if (map->ranges[i].size < size || base > limit || limit - base < size)
            continue;
        *base_out = base;
        return platform_memmap_remove(map, base, size);
    }
    return false;
}

bool platform_memmap_contains(const struct memmap *map, uintptr_t base,
                              size_t size)
{
    for (size_t i = 0; i < map->count; i++)
        if (base >= map->ranges[i].base && base <= end_of(&map->ranges[i]) &&
            end_of(&map->ranges[i]) - base >= size)
            return true;
    return false;
}

uintptr_t platform_memmap_end(const struct memmap *map)
{
    return map->count > 0 ? end_of(&map->ranges[map->count - 1]) : 0;
}
