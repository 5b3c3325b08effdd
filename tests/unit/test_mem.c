/* SPDX-License-Identifier: MIT */
/* test_mem.c: pages and the heap, against a model and against misuse. */
#define TEST_ON_FIBER
#include "test.h"

#include "pages.h"
#include <lunik/mem.h>

#define PAGE ((size_t)LUNIK_PAGE_SIZE)

/* Where results go that nobody wants. */
static void *dropped;

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static struct lunik_mem_info info_now(void)
{
    struct lunik_mem_info info;

    lunik_mem_get_info(&info);
    return info;
}

static bool is_filled(const uint8_t *p, size_t size, uint8_t with)
{
    for (size_t i = 0; i < size; i++) {
        if (p[i] != with)
            return false;
    }
    return true;
}

/* A size as programs ask for it: mostly small, now and then pages. */
static size_t random_size(void)
{
    uint64_t kind = next_random() % 100;

    if (kind < 80)
        return 1 + next_random() % 128;
    if (kind < 97)
        return 1 + next_random() % 2100;
    return 1 + next_random() % 40000;
}

/* ---- Pages ---- */

TEST(pages_are_aligned_distinct_and_given_back)
{
    size_t before = info_now().free_bytes;
    uint8_t *a = lunik_pages_alloc(1), *b = lunik_pages_alloc(3);

    REQUIRE(a != NULL && b != NULL);
    CHECK_EQ((uintptr_t)a % PAGE, 0);
    CHECK_EQ((uintptr_t)b % PAGE, 0);
    CHECK(a + PAGE <= b || b + 3 * PAGE <= a);
    CHECK_EQ(info_now().free_bytes, before - 4 * PAGE);
    lunik_pages_free(a, 1);
    lunik_pages_free(b, 3);
    CHECK_EQ(info_now().free_bytes, before);
}

#define RUNS 400

TEST(random_page_runs_never_overlap_and_all_come_back)
{
    struct {
        uint8_t *base;
        size_t count;
    } runs[RUNS] = { 0 };
    size_t before = info_now().free_bytes;

    for (int step = 0; step < 100000; step++) {
        size_t i = next_random() % RUNS;

        if (runs[i].base == NULL) {
            size_t count = next_random() % 4 ? 1 : 1 + next_random() % 150;

            runs[i].base = lunik_pages_alloc(count);
            runs[i].count = count;
            REQUIRE(runs[i].base != NULL);
            for (size_t page = 0; page < count; page++)
                runs[i].base[page * PAGE + i] = (uint8_t)i;
            continue;
        }
        for (size_t page = 0; page < runs[i].count; page++)
            REQUIRE(runs[i].base[page * PAGE + i] == (uint8_t)i);
        lunik_pages_free(runs[i].base, runs[i].count);
        runs[i].base = NULL;
    }
    for (size_t i = 0; i < RUNS; i++) {
        if (runs[i].base != NULL)
            lunik_pages_free(runs[i].base, runs[i].count);
    }
    CHECK_EQ(info_now().free_bytes, before);
}

TEST(part_of_a_run_can_be_given_back)
{
    size_t before = info_now().free_bytes;
    uint8_t *run = lunik_pages_alloc(200);

    REQUIRE(run != NULL);
    lunik_pages_free(run + 63 * PAGE, 66);
    CHECK_EQ(info_now().free_bytes, before - 134 * PAGE);
    lunik_pages_free(run, 63);
    lunik_pages_free(run + 129 * PAGE, 71);
    CHECK_EQ(info_now().free_bytes, before);
}

TEST(pages_freed_twice_stop_the_image)
{
    void *page = lunik_pages_alloc(2);

    REQUIRE(page != NULL);
    lunik_pages_free(page, 2);
    CHECK_DIES(0x20, lunik_pages_free(page, 2));
    CHECK_CONTAINS(test_output, "freed twice");
    CHECK_DIES(0x20, lunik_pages_free(page, 1));
}

TEST(pages_that_are_not_ours_stop_the_image)
{
    static uint8_t own[PAGE * 2];
    uint8_t *page = lunik_pages_alloc(1);

    REQUIRE(page != NULL);
    CHECK_DIES(0x20, lunik_pages_free(own, 1));
    CHECK_CONTAINS(test_output, "not pages of the allocator");
    CHECK_DIES(0x20, lunik_pages_free(page + 16, 1));
    CHECK_DIES(0x20, lunik_pages_free(page, 0));
    CHECK_DIES(0x20, lunik_pages_free(page, SIZE_MAX / PAGE));
    CHECK_DIES(0x20, lunik_pages_free(NULL, 1));
    CHECK_DIES(0x20, dropped = lunik_pages_alloc(0));
    lunik_pages_free(page, 1);
}

TEST(pages_of_the_heap_cannot_be_freed_as_pages)
{
    uint8_t *small = lunik_mem_alloc(100), *large = lunik_mem_alloc(9000);
    uintptr_t slab = (uintptr_t)small & ~(PAGE - 1);

    REQUIRE(small != NULL && large != NULL);
    CHECK_DIES(0x20, lunik_pages_free((void *)slab, 1));
    CHECK_CONTAINS(test_output, "belongs to the heap");
    CHECK_DIES(0x20, lunik_pages_free(large, 3));
    lunik_mem_free(small);
    lunik_mem_free(large);
}

/* Takes all there is as single pages, chained through themselves. */
static void *take_everything(size_t *count_out)
{
    void **page, **chain = NULL;

    *count_out = 0;
    while ((page = lunik_pages_alloc(1)) != NULL) {
        *page = chain;
        chain = page;
        ++*count_out;
    }
    return chain;
}

static void give_everything(void *chain)
{
    while (chain != NULL) {
        void *next = *(void **)chain;

        lunik_pages_free(chain, 1);
        chain = next;
    }
}

TEST(out_of_memory_is_null_and_the_program_goes_on)
{
    struct lunik_mem_info before = info_now();
    uint8_t *kept = lunik_mem_alloc(1000);
    uint8_t *sized = lunik_mem_alloc_sized(5000);
    size_t count;
    void *chain;

    REQUIRE(kept != NULL && sized != NULL);
    memset(kept, 7, 1000);
    memset(sized, 8, 5000);
    chain = take_everything(&count);
    CHECK_EQ(info_now().free_bytes, 0);
    CHECK(lunik_pages_alloc(1) == NULL);
    CHECK(lunik_mem_alloc(5000) == NULL);
    CHECK(lunik_mem_alloc_zeroed(1, 5000) == NULL);
    CHECK(lunik_mem_alloc_aligned(64, 4096) == NULL);
    CHECK(lunik_mem_resize(kept, 50000) == NULL);
    CHECK(lunik_mem_resize_sized(sized, 5000, 50000) == NULL);
    CHECK(is_filled(kept, 1000, 7));
    CHECK(is_filled(sized, 5000, 8));
    give_everything(chain);
    lunik_mem_free(kept);
    lunik_mem_free_sized(sized, 5000);
    CHECK_EQ(info_now().free_bytes, before.free_bytes);
    CHECK_EQ(info_now().heap_bytes, before.heap_bytes);
}

TEST(a_sized_block_shrinks_even_with_no_memory_left)
{
    struct lunik_mem_info before = info_now();
    uint8_t *large = lunik_mem_alloc_sized(20000);
    uint8_t *small = lunik_mem_alloc_sized(1500);
    size_t count;
    void *chain;

    REQUIRE(large != NULL && small != NULL);
    memset(large, 1, 20000);
    memset(small, 2, 1500);
    chain = take_everything(&count);
    CHECK(lunik_mem_resize_sized(small, 1500, 900) == small);
    CHECK(lunik_mem_resize_sized(large, 20000, 10) == large);
    CHECK_EQ(info_now().free_bytes, 4 * PAGE);
    CHECK(is_filled(large, 10, 1));
    CHECK(is_filled(small, 900, 2));
    lunik_mem_free_sized(large, 10);
    lunik_mem_free_sized(small, 900);
    give_everything(chain);
    CHECK_EQ(info_now().free_bytes, before.free_bytes);
    CHECK_EQ(info_now().heap_bytes, before.heap_bytes);
}

TEST(a_stack_finds_a_page_when_nobody_else_does)
{
    size_t before = info_now().free_bytes;
    void *page[64];
    size_t count = 0, taken;
    void *chain = take_everything(&taken);

    while (count < 64 && (page[count] = lunik_mem_reserve_page()) != NULL) {
        memset(page[count], 0, PAGE);
        count++;
    }
    CHECK_EQ(count, 16);
    /* What is freed goes to the reserve first. */
    lunik_pages_free(page[0], 1);
    CHECK(lunik_pages_alloc(1) == NULL);
    page[0] = lunik_mem_reserve_page();
    CHECK(page[0] != NULL);
    for (size_t i = 0; i < count; i++)
        lunik_pages_free(page[i], 1);
    give_everything(chain);
    CHECK_EQ(info_now().free_bytes, before);
}

TEST(a_stack_takes_ordinary_pages_while_there_are_any)
{
    size_t before = info_now().free_bytes;
    void *page[100];

    for (size_t i = 0; i < 100; i++) {
        page[i] = lunik_mem_reserve_page();
        REQUIRE(page[i] != NULL);
    }
    CHECK_EQ(info_now().free_bytes, before - 100 * PAGE);
    for (size_t i = 0; i < 100; i++)
        lunik_pages_free(page[i], 1);
    CHECK_EQ(info_now().free_bytes, before);
}

/* ---- The hardened family ---- */

TEST(blocks_of_every_size_are_aligned_and_know_their_size)
{
    struct lunik_mem_info before = info_now();

    for (size_t size = 0; size < 9000; size++) {
        uint8_t *p = lunik_mem_alloc(size);

        REQUIRE(p != NULL);
        REQUIRE((uintptr_t)p % 16 == 0);
        memset(p, 0xff, size);
        REQUIRE(lunik_mem_size(p) == size);
        REQUIRE(info_now().heap_bytes == before.heap_bytes + size);
        lunik_mem_free(p);
    }
    lunik_mem_free(NULL);
    CHECK_EQ(info_now().free_bytes, before.free_bytes);
    CHECK_EQ(info_now().heap_bytes, before.heap_bytes);
}

TEST(aligned_blocks_are_aligned_at_every_size)
{
    struct lunik_mem_info before = info_now();

    for (size_t align = 1; align <= PAGE; align *= 2) {
        for (size_t size = 0; size < 5000; size += 61) {
            uint8_t *p = lunik_mem_alloc_aligned(size, align);

            REQUIRE(p != NULL);
            REQUIRE((uintptr_t)p % align == 0);
            memset(p, 0xff, size);
            REQUIRE(lunik_mem_size(p) == size);
            p = lunik_mem_resize(p, size + 40);
            REQUIRE(p != NULL && is_filled(p, size, 0xff));
            lunik_mem_free(p);
        }
    }
    CHECK_DIES(0x20, dropped = lunik_mem_alloc_aligned(8, 8192));
    CHECK_DIES(0x20, dropped = lunik_mem_alloc_aligned(8, 24));
    CHECK_DIES(0x20, dropped = lunik_mem_alloc_aligned(8, 0));
    CHECK_EQ(info_now().free_bytes, before.free_bytes);
    CHECK_EQ(info_now().heap_bytes, before.heap_bytes);
}

TEST(sizes_that_overflow_are_out_of_memory)
{
    CHECK(lunik_mem_alloc(SIZE_MAX) == NULL);
    CHECK(lunik_mem_alloc(SIZE_MAX - 7) == NULL);
    CHECK(lunik_mem_alloc(SIZE_MAX / 2) == NULL);
    CHECK(lunik_mem_alloc_aligned(SIZE_MAX - 100, 64) == NULL);
    CHECK(lunik_mem_alloc_zeroed(SIZE_MAX / 2, 3) == NULL);
    CHECK(lunik_mem_alloc_zeroed((size_t)1 << 32, (size_t)1 << 32) == NULL);
    CHECK(lunik_mem_alloc_sized(SIZE_MAX) == NULL);
    CHECK(lunik_mem_alloc_sized(SIZE_MAX / 2) == NULL);
    CHECK(lunik_mem_resize(NULL, SIZE_MAX) == NULL);
}

TEST(zeroed_memory_is_zero_even_where_it_was_used_before)
{
    for (int round = 0; round < 3; round++) {
        uint8_t *a = lunik_mem_alloc_zeroed(25, 4);
        uint8_t *b = lunik_mem_alloc_zeroed(100, 100);
        uint8_t *none = lunik_mem_alloc_zeroed(0, 10);

        REQUIRE(a != NULL && b != NULL && none != NULL);
        CHECK(is_filled(a, 100, 0));
        CHECK(is_filled(b, 10000, 0));
        memset(a, 1, 100);
        memset(b, 1, 10000);
        lunik_mem_free(a);
        lunik_mem_free(b);
        lunik_mem_free(none);
    }
}

#define BLOCKS 1000

struct model {
    uint8_t *memory;
    size_t size;
    bool is_sized;
};

static bool model_is_whole(const struct model *m)
{
    return is_filled(m->memory, m->size, (uint8_t)(m->size * 7 + m->is_sized));
}

static void model_fill(struct model *m)
{
    memset(m->memory, (uint8_t)(m->size * 7 + m->is_sized), m->size);
}

static void model_alloc(struct model *m)
{
    m->size = random_size();
    m->is_sized = next_random() & 1;
    m->memory =
        m->is_sized ? lunik_mem_alloc_sized(m->size) : lunik_mem_alloc(m->size);
    if (CHECK(m->memory != NULL))
        model_fill(m);
}

static void model_free(struct model *m)
{
    if (m->is_sized)
        lunik_mem_free_sized(m->memory, m->size);
    else
        lunik_mem_free(m->memory);
    m->memory = NULL;
}

static bool model_resize(struct model *m)
{
    size_t size = random_size();
    size_t kept = size < m->size ? size : m->size;
    uint8_t *moved = m->is_sized
                         ? lunik_mem_resize_sized(m->memory, m->size, size)
                         : lunik_mem_resize(m->memory, size);

    if (moved == NULL ||
        !is_filled(moved, kept, (uint8_t)(m->size * 7 + m->is_sized)))
        return false;
    m->memory = moved;
    m->size = size;
    model_fill(m);
    return true;
}

TEST(a_hundred_thousand_random_operations_agree_with_the_model)
{
    static struct model blocks[BLOCKS];
    struct lunik_mem_info before = info_now();
    size_t asked = 0;

    for (int step = 0; step < 100000; step++) {
        struct model *m = &blocks[next_random() % BLOCKS];

        if (m->memory == NULL) {
            model_alloc(m);
            asked += m->size;
            continue;
        }
        REQUIRE(model_is_whole(m));
        asked -= m->size;
        if (next_random() % 3 == 0) {
            REQUIRE(model_resize(m));
            asked += m->size;
        } else {
            model_free(m);
        }
        REQUIRE(info_now().heap_bytes == before.heap_bytes + asked);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        if (blocks[i].memory != NULL) {
            REQUIRE(model_is_whole(&blocks[i]));
            model_free(&blocks[i]);
        }
    }
    CHECK_EQ(info_now().free_bytes, before.free_bytes);
    CHECK_EQ(info_now().heap_bytes, before.heap_bytes);
}

/* ---- Misuse ---- */

TEST(a_block_freed_twice_stops_the_image)
{
    uint8_t *other = lunik_mem_alloc(24), *p = lunik_mem_alloc(24);
    uint8_t *large = lunik_mem_alloc(6000);

    REQUIRE(other != NULL && p != NULL && large != NULL);
    lunik_mem_free(p);
    lunik_mem_free(large);
    CHECK_DIES(0x20, lunik_mem_free(p));
    CHECK_CONTAINS(test_output, "lunik: panic: heap: block 0x");
    CHECK_CONTAINS(test_output, "freed twice");
    CHECK_CONTAINS(test_output, "lunik: stopped with status 0x20");
    CHECK_DIES(0x20, dropped = lunik_mem_resize(p, 30));
    CHECK_DIES(0x20, lunik_mem_size(p));
    CHECK_DIES(0x20, lunik_mem_free(large));
    CHECK_CONTAINS(test_output, "freed twice, or never allocated");
    lunik_mem_free(other);
}

TEST(what_the_heap_never_gave_stops_the_image)
{
    static uint8_t own[64];
    uint8_t *p = lunik_mem_alloc(100), *large = lunik_mem_alloc(9000);
    uint8_t *page = lunik_pages_alloc(1);
    uint8_t *slab = (uint8_t *)((uintptr_t)p & ~(PAGE - 1));

    REQUIRE(p != NULL && large != NULL && page != NULL);
    CHECK_DIES(0x20, lunik_mem_free(own));
    CHECK_CONTAINS(test_output, "not a block of the heap");
    CHECK_DIES(0x20, lunik_mem_free(page));
    CHECK_DIES(0x20, lunik_mem_free(slab));
    CHECK_DIES(0x20, lunik_mem_free(slab + 8));
    CHECK_DIES(0x20, lunik_mem_free(slab + PAGE - 8));
    CHECK_DIES(0x20, lunik_mem_free(p + 1));
    CHECK_DIES(0x20, lunik_mem_free(p + 16));
    CHECK_CONTAINS(test_output, "is inside the block");
    CHECK_DIES(0x20, lunik_mem_free(large + 16));
    CHECK_DIES(0x20, lunik_mem_free(large + PAGE));
    lunik_mem_free(p);
    lunik_mem_free(large);
    lunik_pages_free(page, 1);
}

static void write_past(size_t size, size_t offset, size_t align)
{
    uint8_t *p =
        align ? lunik_mem_alloc_aligned(size, align) : lunik_mem_alloc(size);

    memset(p, 0x55, size);
    p[size + offset] ^= 0x01;
    lunik_mem_free(p);
}

TEST(one_byte_past_the_end_stops_the_image_at_every_size)
{
    for (size_t size = 0; size < 200; size += 1 + (size > 40) * 12)
        CHECK_DIES(0x20, write_past(size, 0, 0));
    CHECK_DIES(0x20, write_past(24, 0, 0));
    CHECK_CONTAINS(test_output, "heap: 1 byte or more written past the end of "
                                "the block of 24 bytes at 0x");
    CHECK_DIES(0x20, write_past(1999, 0, 0));
    CHECK_DIES(0x20, write_past(2008, 0, 0));
    CHECK_DIES(0x20, write_past(2009, 0, 0));
    CHECK_DIES(0x20, write_past(4088, 0, 0));
    CHECK_DIES(0x20, write_past(4089, 0, 0));
    CHECK_DIES(0x20, write_past(100, 0, 256));
    CHECK_DIES(0x20, write_past(4096, 0, 4096));
}

TEST(every_byte_of_canary_and_tail_is_watched)
{
    /* 20 bytes have a slot of 32: 4 of canary, 8 of tail. */
    for (size_t offset = 0; offset < 12; offset++)
        CHECK_DIES(0x20, write_past(20, offset, 0));
    /* 340 have one of 448: 16 of canary watched. */
    for (size_t offset = 0; offset < 16; offset++)
        CHECK_DIES(0x20, write_past(340, offset, 0));
}

static void end_a_string_too_late(size_t size)
{
    char *p = lunik_mem_alloc(size);

    p[size] = '\0';
    lunik_mem_free(p);
}

TEST(a_nul_behind_a_string_stops_the_image)
{
    for (size_t size = 1; size < 60; size++)
        CHECK_DIES(0x20, end_a_string_too_late(size));
}

TEST(an_overflow_is_found_when_resizing)
{
    uint8_t *p = lunik_mem_alloc(40);

    REQUIRE(p != NULL);
    p[40] ^= 1;
    CHECK_DIES(0x20, dropped = lunik_mem_resize(p, 44));
    CHECK_DIES(0x20, lunik_mem_size(p));
    p[40] ^= 1;
    lunik_mem_free(p);
}

TEST(an_overwritten_slab_header_stops_the_image)
{
    uint8_t *p = lunik_mem_alloc(40);
    uint8_t *slab = (uint8_t *)((uintptr_t)p & ~(PAGE - 1));
    uint8_t old[64];

    REQUIRE(p != NULL);
    memcpy(old, slab, 64);
    memset(slab, 0x41, 64);
    CHECK_DIES(0x20, lunik_mem_free(p));
    CHECK_CONTAINS(test_output, "was overwritten");
    memcpy(slab, old, 64);
    lunik_mem_free(p);
}

TEST(freed_small_blocks_are_poisoned)
{
    uint8_t *other = lunik_mem_alloc(100), *p = lunik_mem_alloc(100);

    REQUIRE(other != NULL && p != NULL);
    memset(p, 1, 100);
    lunik_mem_free(p);
    CHECK(is_filled(p, 100, 0xdd));
    lunik_mem_free(other);
}

/* ---- Resizing ---- */

TEST(resizing_keeps_the_contents_both_ways)
{
    uint8_t *p = NULL, *q = NULL;
    size_t old = 0;

    for (size_t size = 1; size < 300000; size = size * 5 / 3 + 1) {
        p = lunik_mem_resize(p, size);
        q = q ? lunik_mem_resize_sized(q, old, size)
              : lunik_mem_alloc_sized(size);
        REQUIRE(p != NULL && q != NULL);
        CHECK(is_filled(p, old, 9) && is_filled(q, old, 9));
        memset(p, 9, size);
        memset(q, 9, size);
        old = size;
    }
    for (size_t size = old; size > 0; size = size * 3 / 5) {
        p = lunik_mem_resize(p, size);
        q = lunik_mem_resize_sized(q, old, size);
        REQUIRE(p != NULL && q != NULL);
        CHECK(is_filled(p, size, 9) && is_filled(q, size, 9));
        old = size;
    }
    lunik_mem_free(p);
    lunik_mem_free_sized(q, old);
}

TEST(a_large_sized_block_grows_in_place_when_it_can)
{
    size_t before = info_now().free_bytes;
    uint8_t *room = lunik_mem_alloc_sized(50 * PAGE), *p;

    REQUIRE(room != NULL);
    lunik_mem_free_sized(room, 50 * PAGE);
    p = lunik_mem_alloc_sized(10 * PAGE);
    REQUIRE(p != NULL);
    CHECK(lunik_mem_resize_sized(p, 10 * PAGE, 20 * PAGE) == p);
    CHECK_EQ(info_now().free_bytes, before - 20 * PAGE);
    CHECK(lunik_mem_resize_sized(p, 20 * PAGE, 3 * PAGE) == p);
    CHECK_EQ(info_now().free_bytes, before - 3 * PAGE);
    lunik_mem_free_sized(p, 3 * PAGE);
    CHECK_EQ(info_now().free_bytes, before);
}

/* ---- The secret ---- */

TEST(blocks_from_before_the_seed_live_on_after_it)
{
    uint8_t *a = lunik_mem_alloc(30), *b = lunik_mem_alloc(10000);
    uint8_t *c = lunik_mem_alloc(50);
    uint8_t old[2];

    REQUIRE(a != NULL && b != NULL && c != NULL);
    memset(a, 1, 30);
    lunik_mem_free(c);
    memcpy(old, a + 30, 2);
    lunik_heap_seed(UINT64_C(0x123456789abcdef0));
    CHECK(memcmp(old, a + 30, 2) != 0);
    CHECK(is_filled(a, 30, 1));
    CHECK_EQ(lunik_mem_size(b), 10000);
    lunik_mem_free(a);
    lunik_mem_free(b);
    CHECK_DIES(0x20, write_past(30, 0, 0));
    CHECK_DIES(0x20, lunik_heap_seed(1));
}
