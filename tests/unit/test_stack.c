/* SPDX-License-Identifier: MIT */
/* test_stack.c: stacks that grow, on page tables that the test plays. */
#include "image.h"
#include "paging.h"
#include "stack.h"
#include "test.h"
#include <lunik/event.h>
#include <lunik/mem.h>
#include <lunik/panic.h>

#define PAGES_PER_SLOT (LUNIK_STACK_SIZE / ARCH_PAGE_SIZE)
#define SLOTS 64u
#define PAGES_MAX 4096u

/* ---- The machine ---- */

static uint64_t entries[SLOTS * PAGES_PER_SLOT];
static bool is_taken[PAGES_MAX];
static size_t taken, limit = PAGES_MAX;

char arch_boot_stack[1], arch_boot_stack_end[1];
char arch_trap_stacks[1], arch_trap_stacks_end[1];

static size_t index_of(uintptr_t address)
{
    return (address - ARCH_REGION_STACKS) / ARCH_PAGE_SIZE;
}

lunik_result arch_page_set(uintptr_t address, size_t size, uint64_t physical,
                           enum arch_page_use use)
{
    for (size_t i = 0; i < size; i += ARCH_PAGE_SIZE)
        entries[index_of(address + i)] =
            use == ARCH_PAGE_NONE ? 0 : arch_page_data(physical + i);
    return LUNIK_OK;
}

lunik_result arch_paging_reserve(void)
{
    return LUNIK_OK;
}

const uint64_t *arch_page_entry(uintptr_t address)
{
    return &entries[index_of(address)];
}

void arch_page_entry_store(const uint64_t *entry, uint64_t value)
{
    entries[entry - entries] = value;
}

uint64_t arch_page_data(uint64_t physical)
{
    return physical | ARCH_PAGE_PRESENT;
}

/* Page numbers from 1 on stand for pages. */
void *lunik_pages_alloc(size_t count)
{
    if (count != 1 || taken >= limit)
        return NULL;
    for (uintptr_t i = 1; i < PAGES_MAX; i++) {
        if (!is_taken[i]) {
            is_taken[i] = true;
            taken++;
            return (void *)(i * ARCH_PAGE_SIZE);
        }
    }
    return NULL;
}

void lunik_pages_free(void *pages, size_t count)
{
    size_t i = (uintptr_t)pages / ARCH_PAGE_SIZE;

    CHECK_EQ(count, 1);
    CHECK(is_taken[i]);
    is_taken[i] = false;
    taken--;
}

void *lunik_mem_reserve_page(void)
{
    return lunik_pages_alloc(1);
}

static void end(void)
{
    printf("ended\n");
    fflush(stdout);
    _exit(32);
}

void lunik_panic(const char *format, ...)
{
    (void)format;
    end();
    abort();
}

void lunik_assert_failed(const char *expression, const char *file, int line)
{
    (void)expression;
    (void)file;
    (void)line;
    end();
    abort();
}

/* ---- Tests ---- */

static struct platform_stack acquire(void)
{
    struct platform_stack stack = { 0, 0 };

    CHECK_EQ(platform_stack_acquire(&stack), LUNIK_OK);
    return stack;
}

static bool is_mapped(uintptr_t address)
{
    return entries[index_of(address)] & ARCH_PAGE_PRESENT;
}

TEST(a_new_stack_has_its_top_page_only)
{
    struct platform_stack stack = acquire();
    size_t mapped = 0;

    CHECK_EQ(stack.high - stack.low, LUNIK_STACK_SIZE - ARCH_PAGE_SIZE);
    for (uintptr_t at = stack.low; at < stack.high; at += ARCH_PAGE_SIZE)
        mapped += is_mapped(at);
    CHECK_EQ(mapped, 1);
    CHECK(is_mapped(stack.high - 1));
    CHECK_EQ(platform_stack_bytes(), ARCH_PAGE_SIZE);
    platform_stack_release(&stack);
    CHECK_EQ(stack.high, 0);
}

TEST(a_touch_maps_the_page_that_was_touched)
{
    struct platform_stack stack = acquire();
    uintptr_t at = stack.low + 8;

    CHECK_EQ(platform_stack_fault(at), ARCH_STACK_MAPPED);
    CHECK(is_mapped(at));
    CHECK(!is_mapped(at + ARCH_PAGE_SIZE));
    CHECK_EQ(platform_stack_bytes(), 2 * ARCH_PAGE_SIZE);
    platform_stack_release(&stack);
}

TEST(the_page_below_is_a_guard_and_stays_one)
{
    struct platform_stack stack = acquire();
    uintptr_t guard = stack.low - 1;

    CHECK_EQ(platform_stack_fault(guard), ARCH_STACK_GUARD);
    CHECK(!is_mapped(guard));
    platform_stack_release(&stack);
    CHECK(!is_mapped(guard));
}

TEST(what_is_no_stack_is_not_mapped)
{
    struct platform_stack stack = acquire();

    CHECK_EQ(platform_stack_fault(0), ARCH_STACK_NONE);
    CHECK_EQ(platform_stack_fault(ARCH_REGION_STACKS - 1), ARCH_STACK_NONE);
    CHECK_EQ(platform_stack_fault(ARCH_REGION_STACKS + 5), ARCH_STACK_GUARD);
    CHECK_EQ(platform_stack_fault(ARCH_REGION_END - 1), ARCH_STACK_NONE);
    CHECK_EQ(platform_stack_fault(UINTPTR_MAX), ARCH_STACK_NONE);
    platform_stack_release(&stack);
}

TEST(a_released_stack_is_not_mapped_by_a_touch)
{
    struct platform_stack stack = acquire();
    uintptr_t middle = stack.low + LUNIK_STACK_SIZE / 2;

    platform_stack_release(&stack);
    CHECK_EQ(platform_stack_fault(middle), ARCH_STACK_NONE);
}

TEST(releasing_gives_back_all_but_the_top_page)
{
    struct platform_stack stack = acquire();
    uintptr_t low = stack.low, high = stack.high;

    CHECK_EQ(platform_stack_fault(low), ARCH_STACK_MAPPED);
    CHECK_EQ(platform_stack_fault(high - 5 * ARCH_PAGE_SIZE),
             ARCH_STACK_MAPPED);
    CHECK_EQ(platform_stack_fault(low + 9 * ARCH_PAGE_SIZE), ARCH_STACK_MAPPED);
    platform_stack_release(&stack);
    for (uintptr_t at = low; at < high - ARCH_PAGE_SIZE; at += ARCH_PAGE_SIZE)
        CHECK(!is_mapped(at));
    CHECK(is_mapped(high - 1));
    CHECK_EQ(platform_stack_bytes(), ARCH_PAGE_SIZE);
    CHECK_EQ(taken, 1);
}

TEST(a_released_stack_is_the_next_one_given)
{
    struct platform_stack first = acquire(), second;
    uintptr_t low = first.low;

    platform_stack_release(&first);
    second = acquire();
    CHECK_EQ(second.low, low);
    platform_stack_release(&second);
}

TEST(stacks_never_overlap_and_all_memory_comes_back)
{
    struct platform_stack stacks[48];

    for (unsigned round = 0; round < 4; round++) {
        for (size_t i = 0; i < 48; i++) {
            stacks[i] = acquire();
            for (size_t j = 0; j < i; j++)
                CHECK(stacks[i].low != stacks[j].low);
        }
        CHECK_EQ(platform_stack_bytes(), 48 * ARCH_PAGE_SIZE);
        for (size_t i = 0; i < 48; i++)
            platform_stack_release(&stacks[i * 5 % 48]);
        /* Only so many keep their top page. */
        CHECK_EQ(platform_stack_bytes(), 32 * ARCH_PAGE_SIZE);
        CHECK_EQ(taken, 32);
    }
}

TEST(without_memory_there_is_no_stack_and_nothing_is_lost)
{
    struct platform_stack stacks[40], one;
    size_t count = 0;

    limit = 36;
    while (count < 40 && platform_stack_acquire(&stacks[count]) == LUNIK_OK)
        count++;
    CHECK_EQ(count, 36);
    CHECK_EQ(platform_stack_acquire(&one), LUNIK_ENOMEM);
    CHECK_EQ(platform_stack_fault(stacks[0].low), ARCH_STACK_FULL);
    limit = PAGES_MAX;
    CHECK_EQ(platform_stack_fault(stacks[0].low), ARCH_STACK_MAPPED);
    CHECK_EQ(platform_stack_acquire(&one), LUNIK_OK);
    platform_stack_release(&one);
    while (count > 0)
        platform_stack_release(&stacks[--count]);
    CHECK_EQ(taken, 32);
}

TEST(releasing_twice_or_what_is_no_stack_stops_the_image)
{
    struct platform_stack stack = acquire(), copy = stack;
    struct platform_stack foreign = { 4096, 8192 };

    CHECK_DIES(32, platform_stack_release(&foreign));
    platform_stack_release(&stack);
    CHECK_DIES(32, platform_stack_release(&copy));
}
