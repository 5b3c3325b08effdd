/* SPDX-License-Identifier: MIT */
/* paging.c: four levels of page tables, and the only stores to them. */
#include "paging.h"
#include "cpu.h"
#include "interrupt.h"
#include <lunik/mem.h>
#include <lunik/panic.h>
#include <string.h>

#define WRITABLE (UINT64_C(1) << 1)
#define UNCACHED (UINT64_C(3) << 3) /* PWT and PCD */
#define ACCESSED (UINT64_C(1) << 5)
#define DIRTY (UINT64_C(1) << 6)
#define LARGE (UINT64_C(1) << 7)
#define NO_EXECUTE (UINT64_C(1) << 63)

#define ENTRIES 512u
#define LEVELS 4

/* A range may need two tables at each end, at two levels. */
#define RESERVE 8u
/* The pool grows by this many pages at a time. */
#define CHUNK 16u

struct tables {
    uint64_t *root;
    /* Free tables, linked by their first word. */
    uint64_t *free;
    size_t free_count;
    uint64_t no_execute; /* the bit, or 0 where the processor has none */
    bool has_huge;
    bool in_force;
    uintptr_t device_next;
    struct platform_range pool;
};
static struct tables tables;

/* ---- Stores to what is read-only ---- */

struct protection {
    uint64_t flags, cr0;
};

static struct protection protection_off(void)
{
    struct protection before = { .flags = cpu_interrupts_off() };

    if (tables.in_force) {
        before.cr0 = read_cr0();
        write_cr0(before.cr0 & ~CPU_CR0_WP);
    }
    return before;
}

/* To what it was, not on: a stack that grows in the middle of a store takes
 * the trap, which stores, too. */
static void protection_restore(struct protection before)
{
    if (tables.in_force)
        write_cr0(before.cr0);
    cpu_interrupts_restore(before.flags);
}

void arch_store_protected(uint64_t *at, uint64_t value)
{
    struct protection before = protection_off();

    *(volatile uint64_t *)at = value;
    protection_restore(before);
}

/* ---- The pool ---- */

static void pool_put(uintptr_t page)
{
    uint64_t *table = (uint64_t *)page;

    table[0] = (uintptr_t)tables.free;
    tables.free = table;
    tables.free_count++;
}

static uint64_t *pool_take(void)
{
    uint64_t *table = tables.free;

    if (!table)
        return NULL;
    tables.free = (uint64_t *)(uintptr_t)table[0];
    tables.free_count--;
    memset(table, 0, ARCH_PAGE_SIZE);
    return table;
}

lunik_result arch_paging_reserve(void)
{
    void *chunk;

    if (tables.free_count >= RESERVE)
        return LUNIK_OK;
    chunk = lunik_pages_alloc(CHUNK);
    if (!chunk)
        return LUNIK_ENOMEM;
    arch_paging_donate((struct platform_range) {
        .base = (uintptr_t)chunk, .size = CHUNK * ARCH_PAGE_SIZE });
    return LUNIK_OK;
}

void arch_paging_donate(struct platform_range range)
{
    struct protection before;

    if (arch_page_set(range.base, range.size, range.base, ARCH_PAGE_RODATA) !=
        LUNIK_OK)
        lunik_panic("page tables: the pool is empty");
    before = protection_off();
    for (size_t at = 0; at < range.size; at += ARCH_PAGE_SIZE)
        pool_put(range.base + at);
    protection_restore(before);
}

/* ---- Entries ---- */

/* How far an address is shifted for its index at (level); 0 is the lowest. */
static unsigned shift_of(unsigned level)
{
    return 12 + 9 * level;
}

static unsigned index_of(uintptr_t address, unsigned level)
{
    return (unsigned)(address >> shift_of(level)) & (ENTRIES - 1);
}

static uint64_t entry_of(uint64_t physical, enum arch_page_use use,
                         unsigned level)
{
    /* Accessed and dirty from the start: the processor need not write them,
     * and no page of tables is ever changed behind our back. */
    uint64_t entry = physical | ARCH_PAGE_PRESENT | ACCESSED | DIRTY;

    switch (use) {
    case ARCH_PAGE_NONE:
        return 0;
    case ARCH_PAGE_TEXT:
        break;
    case ARCH_PAGE_RODATA:
        entry |= tables.no_execute;
        break;
    case ARCH_PAGE_DATA:
        entry |= WRITABLE | tables.no_execute;
        break;
    case ARCH_PAGE_DEVICE:
        entry |= WRITABLE | UNCACHED | tables.no_execute;
        break;
    }
    return level > 0 ? entry | LARGE : entry;
}

static uint64_t *table_at(uint64_t entry)
{
    return (uint64_t *)(uintptr_t)(entry & ARCH_PAGE_ADDRESS);
}

static void store(uint64_t *entry, uint64_t value, uintptr_t address)
{
    bool was_present = *entry & ARCH_PAGE_PRESENT;

    *(volatile uint64_t *)entry = value;
    if (was_present && tables.in_force)
        invlpg(address);
}

/* The table below (entry), which is at (level): made, or made of the large
 * page that was there. NULL: the pool is empty. */
static uint64_t *table_below(uint64_t *entry, unsigned level, uintptr_t address)
{
    uint64_t *table;

    if ((*entry & ARCH_PAGE_PRESENT) && !(*entry & LARGE))
        return table_at(*entry);
    table = pool_take();
    if (!table)
        return NULL;
    if (*entry & LARGE) {
        uint64_t step = UINT64_C(1) << shift_of(level - 1);
        uint64_t part = level > 1 ? *entry : *entry & ~LARGE;

        for (unsigned i = 0; i < ENTRIES; i++)
            table[i] = part + i * step;
    }
    store(entry,
          (uintptr_t)table | ARCH_PAGE_PRESENT | WRITABLE | ACCESSED | DIRTY,
          address);
    return table;
}

/* The largest pages that fit, by level. */
static unsigned level_for(uintptr_t address, size_t size, uint64_t physical)
{
    uint64_t both = address | physical;

    if (tables.has_huge && both % ARCH_HUGE_SIZE == 0 && size >= ARCH_HUGE_SIZE)
        return 2;
    return both % ARCH_LARGE_SIZE == 0 && size >= ARCH_LARGE_SIZE ? 1 : 0;
}

/* The entry for (address) at (want), or NULL when the pool is empty. It may
 * hold a table where a large page is wanted; the tables below are then left
 * as they are and (*level_out) is theirs. */
static uint64_t *entry_for(uintptr_t address, unsigned want,
                           unsigned *level_out)
{
    uint64_t *table = tables.root;

    for (unsigned level = LEVELS - 1;; level--) {
        uint64_t *entry = &table[index_of(address, level)];
        bool is_table =
            level > 0 && (*entry & ARCH_PAGE_PRESENT) && !(*entry & LARGE);

        if (level == 0 || (level <= want && !is_table)) {
            *level_out = level;
            return entry;
        }
        table = table_below(entry, level, address);
        if (!table)
            return NULL;
    }
}

/* Fills entries of one table, from (entry) on, while they are of (level) and
 * within its table. Returns: how many bytes of addresses they are for. */
static size_t fill(uint64_t *entry, unsigned level, uintptr_t address,
                   size_t size, uint64_t value)
{
    size_t step = (size_t)1 << shift_of(level), done = 0;
    unsigned left = ENTRIES - index_of(address, level);
    uint64_t value_step = value != 0 ? step : 0;

    do {
        store(entry, value, address + done);
        done += step;
        value += value_step;
        entry++;
        left--;
        /* A table where a large page could go stays a table. */
    } while (left > 0 && size - done >= step &&
             (level == 0 || !(*entry & ARCH_PAGE_PRESENT) || (*entry & LARGE)));
    return done;
}

lunik_result arch_page_set(uintptr_t address, size_t size, uint64_t physical,
                           enum arch_page_use use)
{
    struct protection before = protection_off();
    lunik_result result = LUNIK_OK;

    while (size > 0) {
        unsigned level;
        uint64_t *entry =
            entry_for(address, level_for(address, size, physical), &level);
        size_t done;

        if (!entry) {
            result = LUNIK_ENOMEM;
            break;
        }
        done =
            fill(entry, level, address, size, entry_of(physical, use, level));
        address += done;
        physical += done;
        size -= done;
    }
    protection_restore(before);
    return result;
}

const uint64_t *arch_page_entry(uintptr_t address)
{
    const uint64_t *table = tables.root;

    for (unsigned level = LEVELS - 1; level > 0; level--) {
        uint64_t entry = table[index_of(address, level)];

        if (!(entry & ARCH_PAGE_PRESENT) || (entry & LARGE))
            return NULL;
        table = table_at(entry);
    }
    return &table[index_of(address, 0)];
}

void arch_page_entry_store(const uint64_t *entry, uint64_t value)
{
    arch_store_protected((uint64_t *)(uintptr_t)entry, value);
}

uint64_t arch_page_data(uint64_t physical)
{
    return entry_of(physical, ARCH_PAGE_DATA, 0);
}

/* ---- Start ---- */

size_t arch_paging_pool_pages(uintptr_t ram_end)
{
    size_t huge = (ram_end + ARCH_HUGE_SIZE - 1) / ARCH_HUGE_SIZE;

    /* The root, RAM's upper table, one for each GiB, and two to divide the
     * edges of each of the few ranges; the region's upper two and two lower
     * ones; then what is kept in reserve. */
    return 2 + huge + 6 + 4 + RESERVE;
}

void arch_paging_init(const struct platform_range *ranges, size_t count,
                      struct platform_range pool)
{
    uint32_t features = cpuid_checked(0x80000001, 0).edx;

    tables.no_execute = features & (1u << 20) ? NO_EXECUTE : 0;
    tables.has_huge = features & (1u << 26);
    tables.device_next = ARCH_REGION;
    tables.pool = pool;
    /* Downwards, so that they are taken in upward order. */
    for (size_t at = pool.size; at > 0; at -= ARCH_PAGE_SIZE)
        pool_put(pool.base + at - ARCH_PAGE_SIZE);
    tables.root = pool_take();
    for (size_t i = 0; i < count; i++)
        if (arch_page_set(ranges[i].base, ranges[i].size, ranges[i].base,
                          ARCH_PAGE_DATA) != LUNIK_OK)
            lunik_panic("page tables: the memory map has too many ranges");
}

/* CR4's bits for what CPUID leaf 7 names. No page is a user's page, so SMEP
 * and SMAP stop what should never happen; they cost nothing. */
static uint64_t protections(void)
{
    struct cpuid leaf = cpuid_checked(7, 0);

    return (leaf.ebx & (1u << 7) ? CPU_CR4_SMEP : 0) |
           (leaf.ebx & (1u << 20) ? CPU_CR4_SMAP : 0) |
           (leaf.ecx & (1u << 2) ? CPU_CR4_UMIP : 0);
}

void arch_paging_start(void)
{
    if (arch_page_set(tables.pool.base, tables.pool.size, tables.pool.base,
                      ARCH_PAGE_RODATA) != LUNIK_OK)
        lunik_panic("page tables: the pool is empty");
    write_cr3((uintptr_t)tables.root);
    write_cr4(read_cr4() | protections());
    tables.in_force = true;
}

/* ---- Devices ---- */

static uintptr_t map_region(uint64_t base, size_t size, enum arch_page_use use)
{
    uint64_t first = base & ~(uint64_t)(ARCH_PAGE_SIZE - 1);
    size_t skip = (size_t)(base - first);
    uintptr_t at = tables.device_next;
    size_t length;

    if (size == 0 || size > ARCH_REGION_STACKS - ARCH_REGION ||
        base > ARCH_PAGE_ADDRESS - size)
        return 0;
    length = (skip + size + ARCH_PAGE_SIZE - 1) & ~(ARCH_PAGE_SIZE - 1);
    /* Large pages, if the addresses allow them. */
    if (length >= ARCH_LARGE_SIZE)
        at = (at + ARCH_LARGE_SIZE - 1) & ~(ARCH_LARGE_SIZE - 1);
    if (at > ARCH_REGION_STACKS || length > ARCH_REGION_STACKS - at ||
        arch_paging_reserve() != LUNIK_OK ||
        arch_page_set(at, length, first, use) != LUNIK_OK)
        return 0;
    tables.device_next = at + length;
    return at + skip;
}

/* Whether any of it is mapped where it is, as all RAM is. */
static bool is_ram(uint64_t base, size_t size)
{
    uint64_t at = base;

    while (at < ARCH_RAM_LIMIT && at - base < size) {
        unsigned level = LEVELS - 1;
        uint64_t entry = tables.root[index_of(at, level)];

        while (level > 0 && (entry & ARCH_PAGE_PRESENT) && !(entry & LARGE)) {
            level--;
            entry = table_at(entry)[index_of(at, level)];
        }
        if (entry & ARCH_PAGE_PRESENT)
            return true;
        at = (at | ((UINT64_C(1) << shift_of(level)) - 1)) + 1;
    }
    return false;
}

volatile void *arch_map_device(uint64_t base, size_t size)
{
    /* A launch line, a table or a register may say that a device is where the
     * program's text is. */
    if (is_ram(base, size))
        return NULL;
    return (volatile void *)map_region(base, size, ARCH_PAGE_DEVICE);
}

const void *arch_map_tables(uint64_t base, size_t size)
{
    return (const void *)map_region(base, size, ARCH_PAGE_RODATA);
}
