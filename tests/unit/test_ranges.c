/* SPDX-License-Identifier: MIT */
/*
 * test_ranges.c: the page allocator on machines of other shapes.
 *
 * The allocator is compiled into the test, on a machine that the test makes up
 * anew for each case: which ranges of memory it has, and nothing else.
 */
#include "test.h"

#include "../../libos/core/heap.c"
#include "../../libos/core/pages.c"
#include <lunik/format.h>
#include <sys/mman.h>

static struct platform_range machine[RANGE_MAX];
static size_t machine_count;

size_t platform_memory(struct platform_range *out, size_t max)
{
    CHECK(machine_count <= max);
    memcpy(out, machine, machine_count * sizeof(*out));
    return machine_count;
}

size_t platform_stack_bytes(void)
{
    return 12345;
}

static LUNIK_NORETURN void die(int status, const char *format, va_list args)
    LUNIK_PRINTF(2, 0);

static LUNIK_NORETURN void die(int status, const char *format, va_list args)
{
    vprintf(format, args);
    fflush(stdout);
    _exit(status);
}

void lunik_panic(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    die(LUNIK_EXIT_PANIC, format, args);
}

void lunik_panic_status(lunik_exit_status status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    die((int)status, format, args);
}

void lunik_assert_failed(const char *expression, const char *file, int line)
{
    lunik_panic("%s %s %d", expression, file, line);
}

/* Starts a machine whose ranges have so many pages each, with holes between
 * them. Returns: the base of it all. */
static uint8_t *start(const size_t *counts, size_t count)
{
    static uint8_t *base;
    static size_t size;
    uint8_t *at;

    if (base != NULL)
        munmap(base, size);
    size = 0;
    for (size_t i = 0; i < count; i++)
        size += (counts[i] + 1) * LUNIK_PAGE_SIZE;
    base = mmap(NULL, size, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    at = base;
    for (size_t i = 0; i < count; i++) {
        /* What memory holds at the start is anything; holes cannot be used. */
        if (counts[i] <= 1024)
            memset(at, 0xa5, counts[i] * LUNIK_PAGE_SIZE);
        machine[i] = (struct platform_range) { (uintptr_t)at,
                                               counts[i] * LUNIK_PAGE_SIZE };
        at += counts[i] * LUNIK_PAGE_SIZE;
        mprotect(at, LUNIK_PAGE_SIZE, PROT_NONE);
        at += LUNIK_PAGE_SIZE;
    }
    machine_count = count;
    lunik_mem_init();
    return base;
}

static struct lunik_mem_info info_now(void)
{
    struct lunik_mem_info info;

    lunik_mem_get_info(&info);
    return info;
}

/* Takes, writes and gives back all pages. Returns: how many there were. */
static size_t use_everything(void)
{
    void **page, **chain = NULL;
    size_t count = 0;

    while ((page = lunik_pages_alloc(1)) != NULL) {
        memset(page, 0x5a, LUNIK_PAGE_SIZE);
        *page = chain;
        chain = page;
        count++;
    }
    while (chain != NULL) {
        page = *chain;
        lunik_pages_free(chain, 1);
        chain = page;
    }
    return count;
}

TEST(a_machine_of_two_mebibytes_uses_all_but_its_rows_and_reserve)
{
    /* As on microvm -m 2 below and above a small image. */
    start((const size_t[]) { 143, 160 }, 2);
    CHECK_EQ(pages.reserve_count, 4);
    CHECK_EQ(info_now().total_bytes, 303 * LUNIK_PAGE_SIZE);
    CHECK_EQ(info_now().free_bytes, (303 - 1 - 4) * LUNIK_PAGE_SIZE);
    CHECK_EQ(info_now().stack_bytes, 12345);
    CHECK_EQ(use_everything(), 303 - 1 - 4);
    CHECK_EQ(use_everything(), 303 - 1 - 4);
}

TEST(every_number_of_pages_is_used_to_the_last)
{
    for (size_t count = 4; count < 200; count++) {
        start(&count, 1);
        REQUIRE(use_everything() == count - 1 - pages.reserve_count);
    }
}

TEST(many_ranges_are_used_and_empty_ones_do_no_harm)
{
    static const size_t counts[RANGE_MAX] = { 1,  0, 64, 65, 63, 2, 128, 0,
                                              99, 1, 1,  1,  70, 5, 3,   400 };
    size_t sum = 0;

    for (size_t i = 0; i < RANGE_MAX; i++)
        sum += counts[i];
    start(counts, RANGE_MAX);
    CHECK_EQ(use_everything(), sum - 1 - pages.reserve_count);
}

TEST(no_run_crosses_a_hole)
{
    start((const size_t[]) { 100, 100, 100 }, 3);
    CHECK(lunik_pages_alloc(101) == NULL);
    CHECK(lunik_pages_alloc(SIZE_MAX) == NULL);
    for (int i = 0; i < 3; i++) {
        uint8_t *run = lunik_pages_alloc(90);

        REQUIRE(run != NULL);
        memset(run, 1, 90 * LUNIK_PAGE_SIZE);
    }
    CHECK(lunik_pages_alloc(90) == NULL);
}

TEST(runs_cross_the_words_that_are_filled_in_together)
{
    size_t count = 20000;
    uint8_t *first, *run, *all;

    start(&count, 1);
    first = lunik_pages_alloc(EXTEND_WORDS * WORD_BITS - 100);
    run = lunik_pages_alloc(5000);
    REQUIRE(first != NULL && run != NULL);
    CHECK(run < first + (EXTEND_WORDS * WORD_BITS) * LUNIK_PAGE_SIZE);
    lunik_pages_free(first, EXTEND_WORDS * WORD_BITS - 100);
    lunik_pages_free(run, 5000);
    all = lunik_pages_alloc(19000);
    CHECK(all != NULL);
    CHECK(lunik_pages_alloc(1000) == NULL);
    lunik_pages_free(all, 19000);
}

TEST(sixteen_gibibytes_cost_little_until_they_are_used)
{
    const size_t counts[2] = { 150, (size_t)4 << 20 };
    struct range *big = &pages.ranges[1];
    uint8_t *page;

    start(counts, 2);
    CHECK(big->ready <= EXTEND_WORDS);
    for (int i = 0; i < 10000; i++) {
        page = lunik_pages_alloc(1);
        REQUIRE(page != NULL);
    }
    CHECK(big->ready <= 4 * EXTEND_WORDS);
    /* 8 GiB at once. */
    page = lunik_pages_alloc((size_t)2 << 20);
    REQUIRE(page != NULL);
    page[((size_t)8 << 30) - 1] = 1;
    lunik_pages_free(page, (size_t)2 << 20);
}

TEST(a_machine_without_memory_stops_with_a_sentence)
{
    machine_count = 0;
    CHECK_DIES(0x21, lunik_mem_init());
    CHECK_CONTAINS(test_output, "too little memory");
    CHECK_DIES(0x21, start((const size_t[]) { 1 }, 1));
}

TEST(a_trap_within_the_allocator_gets_a_page_of_the_reserve)
{
    size_t count = 1000, free_before;
    void *page;

    start(&count, 1);
    free_before = pages.free_count;
    enter();
    page = lunik_mem_reserve_page();
    CHECK(page != NULL);
    CHECK_EQ(pages.free_count, free_before);
    CHECK(pages.reserve_is_short);
    leave(); /* fills it up again */
    CHECK_EQ(pages.free_count, free_before - 1);
    CHECK(!pages.reserve_is_short);
    lunik_pages_free(page, 1);
    CHECK_EQ(pages.free_count, free_before);
}

TEST(a_trap_finds_every_page_of_the_reserve_and_then_none)
{
    size_t count = 1000;

    start(&count, 1);
    enter();
    for (size_t i = 0; i < pages.reserve_count; i++)
        CHECK(lunik_mem_reserve_page() != NULL);
    CHECK(lunik_mem_reserve_page() == NULL);
}

TEST(the_division_by_a_class_is_exact)
{
    struct slab *slab = aligned_alloc(LUNIK_PAGE_SIZE, LUNIK_PAGE_SIZE);

    REQUIRE(slab != NULL);
    for (size_t class = 0; class < CLASS_COUNT; class ++) {
        slab->class = (uint16_t) class;
        CHECK_EQ(classes[class].size % GRAIN, 0);
        CHECK(class == 0 || classes[class].size > classes[class - 1].size);
        for (size_t at = 0; at < SLAB_ROOM; at += GRAIN)
            REQUIRE(slot_of(slab, (uintptr_t)slab + SLAB_HEADER + at) ==
                    at / classes[class].size);
    }
    CHECK_EQ(classes[CLASS_COUNT - 1].size, SMALL_MAX);
    free(slab);
}

TEST(spare_slabs_are_given_up_when_pages_run_out)
{
    size_t count = 100, before;
    void *blocks[CLASS_COUNT];

    start(&count, 1);
    before = info_now().free_bytes;
    for (size_t i = 0; i < CLASS_COUNT; i++)
        blocks[i] = lunik_mem_alloc_sized(classes[i].size);
    for (size_t i = 0; i < CLASS_COUNT; i++)
        lunik_mem_free_sized(blocks[i], classes[i].size);
    CHECK_EQ(heap.spare_pages, CLASS_COUNT);
    CHECK_EQ(info_now().free_bytes, before);
    CHECK_EQ(use_everything() * LUNIK_PAGE_SIZE, before);
    CHECK_EQ(heap.spare_pages, 0);
}

TEST(fifty_seven_kilobytes_of_small_blocks_take_little_more)
{
    size_t count = 1000, before, used;

    start(&count, 1);
    before = info_now().free_bytes;
    for (size_t asked = 0, i = 0; asked < 57344; i++) {
        /* What a Lua state asks for: strings, closures, small tables. */
        static const size_t sizes[] = { 32, 40, 56, 24, 48, 64, 96, 28 };
        size_t size = i % 50 == 49 ? 1024 : sizes[i % 8];

        REQUIRE(lunik_mem_alloc_sized(size) != NULL);
        asked += size;
    }
    used = before - info_now().free_bytes;
    /* Half a page a class in use, and the steps between classes. */
    CHECK(used <= 20 * LUNIK_PAGE_SIZE);
}
