/* SPDX-License-Identifier: MIT */
/*
 * stack.c: stacks that get memory where they are touched.
 *
 * What is known of a slot stands in the entry of its guard page, which is
 * never present, so that the processor does not look at the other bits:
 *
 *   bit 1       the slot is some fiber's
 *   bits 2-9    the lowest page that has memory; 128: none has
 *   bits 16-47  the next slot of the same list, while it is nobody's
 *
 * Free slots are in one of two lists: those that kept their top page, of
 * which there are at most KEPT_MAX, and those without any memory.
 */
#include "stack.h"
#include "image.h"
#include "paging.h"
#include "platform.h"
#include <lunik/event.h>
#include <lunik/mem.h>
#include <lunik/panic.h>

#define SLOT_PAGES (LUNIK_STACK_SIZE / ARCH_PAGE_SIZE)
#define SLOT_COUNT ((ARCH_REGION_END - ARCH_REGION_STACKS) / LUNIK_STACK_SIZE)
#define KEPT_MAX 32u

#define STATE_TAKEN UINT64_C(2)
#define STATE_LOWEST_SHIFT 2
#define STATE_LOWEST_MASK UINT64_C(0xff)
#define STATE_NEXT_SHIFT 16

_Static_assert(SLOT_PAGES == 128, "a page number fits the state's eight bits");
_Static_assert(SLOT_COUNT < 65536, "a slot's number fits the state");

struct stacks {
    size_t used;       /* slots that were ever taken, slot 0 included */
    size_t kept, bare; /* first of each list; 0: none */
    size_t kept_count;
    size_t page_count; /* pages under slots */
};
static struct stacks stacks = { .used = 1 };

static uintptr_t slot_base(size_t slot)
{
    return ARCH_REGION_STACKS + slot * LUNIK_STACK_SIZE;
}

/* ---- Fixed stacks ---- */

struct fixed {
    const char *memory, *memory_end;
};

uintptr_t platform_stack_init(struct arch_trap_stacks *traps_out)
{
    const char *traps = arch_trap_stacks;
    const struct fixed fixed[] = {
        { arch_boot_stack, arch_boot_stack_end },
        { traps, traps + 2 * ARCH_PAGE_SIZE },
        { traps + 2 * ARCH_PAGE_SIZE, traps + 4 * ARCH_PAGE_SIZE },
        { traps + 4 * ARCH_PAGE_SIZE, arch_trap_stacks_end },
    };
    uintptr_t ends[4], at = slot_base(0);

    for (size_t i = 0; i < 4; i++) {
        size_t size = (size_t)(fixed[i].memory_end - fixed[i].memory);

        at += ARCH_PAGE_SIZE;
        if (arch_page_set(at, size, (uintptr_t)fixed[i].memory,
                          ARCH_PAGE_DATA) != LUNIK_OK)
            lunik_panic("page tables: no room for the fixed stacks");
        at += size;
        ends[i] = at;
    }
    traps_out->fault = ends[1];
    traps_out->fatal = ends[2];
    traps_out->interrupt = ends[3];
    return ends[0];
}

/* ---- A slot's state ---- */

static const uint64_t *state_entry(size_t slot)
{
    return arch_page_entry(slot_base(slot));
}

static uint64_t lowest_of(uint64_t state)
{
    return state >> STATE_LOWEST_SHIFT & STATE_LOWEST_MASK;
}

static uint64_t state_of(bool is_taken, uint64_t lowest, size_t next)
{
    return (is_taken ? STATE_TAKEN : 0) | lowest << STATE_LOWEST_SHIFT |
           (uint64_t)next << STATE_NEXT_SHIFT;
}

/* The guard page's entry is the first of its slot's 128 in the table. */
static void map_page(const uint64_t *entry, void *page)
{
    arch_page_entry_store(entry, arch_page_data((uintptr_t)page));
    stacks.page_count++;
}

/* ---- Fibers' stacks ---- */

/* A slot with memory in its top page; 0: none. */
static size_t take_kept(void)
{
    size_t slot = stacks.kept;

    if (slot == 0)
        return 0;
    stacks.kept = (size_t)(*state_entry(slot) >> STATE_NEXT_SHIFT);
    stacks.kept_count--;
    return slot;
}

static size_t take_bare(void)
{
    size_t slot = stacks.bare;
    const uint64_t *entry;
    void *page;

    if (slot == 0 && stacks.used == SLOT_COUNT)
        return 0;
    if (arch_paging_reserve() != LUNIK_OK)
        return 0;
    page = lunik_pages_alloc(1);
    if (!page)
        return 0;
    if (slot == 0) {
        slot = stacks.used;
        /* Makes the tables, if they are not there. */
        if (arch_page_set(slot_base(slot), ARCH_PAGE_SIZE, 0, ARCH_PAGE_NONE) !=
            LUNIK_OK) {
            lunik_pages_free(page, 1);
            return 0;
        }
        stacks.used++;
        entry = state_entry(slot);
    } else {
        entry = state_entry(slot);
        stacks.bare = (size_t)(*entry >> STATE_NEXT_SHIFT);
    }
    map_page(entry + SLOT_PAGES - 1, page);
    return slot;
}

lunik_result platform_stack_acquire(struct platform_stack *out)
{
    size_t slot = take_kept();

    if (slot == 0)
        slot = take_bare();
    if (slot == 0)
        return LUNIK_ENOMEM;
    arch_page_entry_store(state_entry(slot), state_of(true, SLOT_PAGES - 1, 0));
    out->low = slot_base(slot) + ARCH_PAGE_SIZE;
    out->high = slot_base(slot) + LUNIK_STACK_SIZE;
    return LUNIK_OK;
}

/* Takes the memory from pages [first, end) of (slot). */
static void unmap_pages(size_t slot, uint64_t first, uint64_t end)
{
    const uint64_t *entries = state_entry(slot);

    for (uint64_t i = first; i < end; i++) {
        uintptr_t page = entries[i] & ARCH_PAGE_ADDRESS;
        uintptr_t address = slot_base(slot) + i * ARCH_PAGE_SIZE;

        if (!(entries[i] & ARCH_PAGE_PRESENT))
            continue;
        /* Only there to remove: the tables exist. */
        if (arch_page_set(address, ARCH_PAGE_SIZE, 0, ARCH_PAGE_NONE) !=
            LUNIK_OK)
            lunik_panic("stacks: a table is gone");
        lunik_pages_free((void *)page, 1);
        stacks.page_count--;
    }
}

void platform_stack_release(struct platform_stack *stack)
{
    size_t slot = (stack->low - ARCH_REGION_STACKS) / LUNIK_STACK_SIZE;
    uint64_t state;

    LUNIK_ASSERT(stack->low > ARCH_REGION_STACKS && slot > 0);
    LUNIK_ASSERT(slot < stacks.used);
    state = *state_entry(slot);
    LUNIK_ASSERT(state & STATE_TAKEN);
    unmap_pages(slot, lowest_of(state), SLOT_PAGES - 1);
    if (stacks.kept_count < KEPT_MAX) {
        arch_page_entry_store(state_entry(slot),
                              state_of(false, SLOT_PAGES - 1, stacks.kept));
        stacks.kept = slot;
        stacks.kept_count++;
    } else {
        unmap_pages(slot, SLOT_PAGES - 1, SLOT_PAGES);
        arch_page_entry_store(state_entry(slot),
                              state_of(false, SLOT_PAGES, stacks.bare));
        stacks.bare = slot;
    }
    *stack = (struct platform_stack) { 0, 0 };
}

size_t platform_stack_bytes(void)
{
    return stacks.page_count * ARCH_PAGE_SIZE;
}

/* ---- Faults ---- */

enum arch_stack_fault platform_stack_fault(uintptr_t address)
{
    size_t slot = (address - ARCH_REGION_STACKS) / LUNIK_STACK_SIZE;
    uint64_t index = address / ARCH_PAGE_SIZE % SLOT_PAGES;
    const uint64_t *entry;
    uint64_t state;
    void *page;

    if (address < ARCH_REGION_STACKS || slot >= stacks.used)
        return ARCH_STACK_NONE;
    if (index == 0 || slot == 0)
        return ARCH_STACK_GUARD;
    entry = state_entry(slot);
    state = *entry;
    if (!(state & STATE_TAKEN))
        return ARCH_STACK_NONE;
    page = lunik_mem_reserve_page();
    if (!page)
        return ARCH_STACK_FULL;
    map_page(entry + index, page);
    if (index < lowest_of(state))
        arch_page_entry_store(entry, state_of(true, index, 0));
    return ARCH_STACK_MAPPED;
}
