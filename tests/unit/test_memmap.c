/* SPDX-License-Identifier: MIT */
/* test_memmap.c: loaders' maps, the sound and the odd ones. */
#include "memmap.h"
#include "test.h"

#define K UINT64_C(1024)
#define FLOOR (64 * K)
#define LIMIT (UINT64_C(1) << 39)

static bool add(struct memmap *map, uint64_t address, uint64_t size)
{
    struct pvh_map_entry entry = { address, size, PVH_MAP_RAM, 0 };

    return platform_memmap_add(map, &entry, FLOOR, LIMIT);
}

static void check_range(const struct memmap *map, size_t i, uint64_t base,
                        uint64_t end)
{
    REQUIRE(i < map->count);
    CHECK_EQ(map->ranges[i].base, base);
    CHECK_EQ(map->ranges[i].base + map->ranges[i].size, end);
}

/* What must hold whatever was added and removed. */
static void check_order(const struct memmap *map)
{
    for (size_t i = 0; i < map->count; i++) {
        CHECK(map->ranges[i].size > 0);
        CHECK_EQ(map->ranges[i].base % 4096, 0);
        CHECK_EQ(map->ranges[i].size % 4096, 0);
        if (i > 0)
            CHECK(map->ranges[i - 1].base + map->ranges[i - 1].size <
                  map->ranges[i].base);
    }
}

TEST(a_pc_map_has_two_ranges_below_4_gib)
{
    struct memmap map = { .count = 0 };

    CHECK(add(&map, 0, 0x9fc00));
    CHECK(add(&map, 0x100000, 0x7fee0000));
    CHECK_EQ(map.count, 2);
    check_range(&map, 0, FLOOR, 0x9f000);
    check_range(&map, 1, 0x100000, 0x7ffe0000);
    CHECK_EQ(platform_memmap_end(&map), 0x7ffe0000);
}

TEST(ranges_are_ordered_whatever_the_order_of_entries)
{
    struct memmap map = { .count = 0 };

    CHECK(add(&map, 0x300000, 0x1000));
    CHECK(add(&map, 0x100000, 0x1000));
    CHECK(add(&map, 0x200000, 0x1000));
    CHECK_EQ(map.count, 3);
    check_range(&map, 0, 0x100000, 0x101000);
    check_range(&map, 1, 0x200000, 0x201000);
    check_range(&map, 2, 0x300000, 0x301000);
}

TEST(overlapping_and_touching_entries_become_one)
{
    struct memmap map = { .count = 0 };

    CHECK(add(&map, 0x100000, 0x2000));
    CHECK(add(&map, 0x104000, 0x2000));
    CHECK(add(&map, 0x10a000, 0x1000));
    CHECK(add(&map, 0x101000, 0x8000));
    CHECK_EQ(map.count, 2);
    check_range(&map, 0, 0x100000, 0x109000);
    CHECK(add(&map, 0x109000, 0x1000));
    CHECK_EQ(map.count, 1);
    check_range(&map, 0, 0x100000, 0x10b000);
    CHECK(add(&map, 0x102000, 0x1000));
    check_range(&map, 0, 0x100000, 0x10b000);
}

TEST(odd_ends_are_cut_to_whole_pages)
{
    struct memmap map = { .count = 0 };

    CHECK(add(&map, 0x100001, 0x2fff));
    check_range(&map, 0, 0x101000, 0x103000);
    CHECK(add(&map, 0x200001, 0xffe));
    CHECK_EQ(map.count, 1);
}

TEST(what_is_not_ram_is_passed_over)
{
    struct memmap map = { .count = 0 };
    struct pvh_map_entry entry = { 0x100000, 0x1000, 2, 0 };

    CHECK(platform_memmap_add(&map, &entry, FLOOR, LIMIT));
    CHECK_EQ(map.count, 0);
    CHECK_EQ(platform_memmap_end(&map), 0);
}

TEST(entries_that_wrap_around_are_passed_over)
{
    struct memmap map = { .count = 0 };

    CHECK(add(&map, UINT64_MAX - 0xfff, 0x2000));
    CHECK(add(&map, UINT64_MAX, UINT64_MAX));
    CHECK(add(&map, UINT64_MAX, 0));
    CHECK(add(&map, LIMIT, 0x1000));
    CHECK_EQ(map.count, 0);
    CHECK(add(&map, LIMIT - 0x1000, 0x10000));
    check_range(&map, 0, LIMIT - 0x1000, LIMIT);
}

TEST(too_many_ranges_leave_the_map_as_it_was)
{
    struct memmap map = { .count = 0 };
    uint64_t at = 0x100000;

    for (size_t i = 0; i < MEMMAP_MAX; i++, at += 0x2000)
        CHECK(add(&map, at, 0x1000));
    CHECK(!add(&map, at, 0x1000));
    CHECK_EQ(map.count, MEMMAP_MAX);
    /* One in the middle joins two. */
    CHECK(add(&map, 0x101000, 0x1000));
    CHECK_EQ(map.count, MEMMAP_MAX - 1);
    check_order(&map);
}

TEST(removing_divides_shortens_and_erases)
{
    struct memmap map = { .count = 0 };

    CHECK(add(&map, 0x100000, 0x10000));
    CHECK(add(&map, 0x200000, 0x10000));
    CHECK(platform_memmap_remove(&map, 0x104000, 0x1000));
    CHECK_EQ(map.count, 3);
    check_range(&map, 0, 0x100000, 0x104000);
    check_range(&map, 1, 0x105000, 0x110000);
    CHECK(platform_memmap_remove(&map, 0x100000, 0x1000));
    check_range(&map, 0, 0x101000, 0x104000);
    CHECK(platform_memmap_remove(&map, 0x103000, 0x5000));
    check_range(&map, 0, 0x101000, 0x103000);
    check_range(&map, 1, 0x108000, 0x110000);
    CHECK(platform_memmap_remove(&map, 0x100000, 0x10f000));
    CHECK_EQ(map.count, 1);
    check_range(&map, 0, 0x20f000, 0x210000);
    CHECK(platform_memmap_remove(&map, 0x300000, 0x1000));
    CHECK_EQ(map.count, 1);
}

TEST(a_full_map_cannot_be_divided)
{
    struct memmap map = { .count = 0 };

    for (uint64_t i = 0; i < MEMMAP_MAX; i++)
        CHECK(add(&map, 0x100000 + i * 0x4000, 0x3000));
    CHECK(!platform_memmap_remove(&map, 0x101000, 0x1000));
    CHECK(platform_memmap_remove(&map, 0x100000, 0x3000));
    CHECK(platform_memmap_remove(&map, 0x105000, 0x1000));
    check_order(&map);
}

TEST(carving_takes_the_first_range_that_is_big_enough)
{
    struct memmap map = { .count = 0 };
    uintptr_t base;

    CHECK(add(&map, 0x10000, 0x4000));
    CHECK(add(&map, 0x100000, 0x10000));
    CHECK(platform_memmap_carve(&map, 0x5000, UINTPTR_MAX, &base));
    CHECK_EQ(base, 0x100000);
    CHECK(platform_memmap_carve(&map, 0x4000, UINTPTR_MAX, &base));
    CHECK_EQ(base, 0x10000);
    CHECK_EQ(map.count, 1);
    CHECK(!platform_memmap_carve(&map, 0xc000, UINTPTR_MAX, &base));
    CHECK(!platform_memmap_carve(&map, 0x1000, 0x105000, &base));
    CHECK(platform_memmap_carve(&map, 0x1000, 0x106000, &base));
    CHECK_EQ(base, 0x105000);
}

TEST(containing_means_all_of_it_in_one_range)
{
    struct memmap map = { .count = 0 };

    CHECK(!platform_memmap_contains(&map, 0x100000, 1));
    CHECK(add(&map, 0x100000, 0x4000));
    CHECK(add(&map, 0x105000, 0x1000));
    CHECK(platform_memmap_contains(&map, 0x100000, 0x4000));
    CHECK(platform_memmap_contains(&map, 0x103fff, 1));
    CHECK(!platform_memmap_contains(&map, 0x103fff, 2));
    CHECK(!platform_memmap_contains(&map, 0xfffff, 2));
    CHECK(!platform_memmap_contains(&map, 0x103000, 0x3000));
    CHECK(!platform_memmap_contains(&map, 0x103000, SIZE_MAX));
}

/* A bitmap of pages is the plain way to say the same. */
TEST(a_thousand_random_maps_agree_with_a_bitmap)
{
    enum { PAGES = 256 };
    uint32_t random = 1;

    for (unsigned round = 0; round < 1000; round++) {
        struct memmap map = { .count = 0 };
        bool bits[PAGES] = { false };

        for (unsigned step = 0; step < 24; step++) {
            uint64_t first, count;
            bool is_add;

            random = random * 1664525 + 1013904223;
            first = random >> 24;
            count = random >> 16 & 31;
            is_add = random >> 12 & 1;
            if (first + count > PAGES || count == 0)
                continue;
            for (uint64_t i = first; i < first + count; i++)
                bits[i] = is_add;
            if (is_add)
                CHECK(add(&map, (first + 256) * 4096, count * 4096));
            else
                CHECK(platform_memmap_remove(&map, (first + 256) * 4096,
                                             count * 4096));
        }
        check_order(&map);
        for (uintptr_t i = 0; i < PAGES; i++)
            CHECK_EQ(platform_memmap_contains(&map, (i + 256) * 4096, 4096),
                     bits[i]);
        if (test_failures)
            return;
    }
}
