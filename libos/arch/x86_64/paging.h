/* SPDX-License-Identifier: MIT */
/*
 * paging.h: the page tables.
 *
 *   0 … 64 KiB          nothing, so that null pointers fault
 *   64 KiB … 512 GiB    RAM at its own address, pages as large as they can be
 *   ARCH_REGION         device registers and firmware tables, by request
 *   ARCH_REGION_STACKS  slots of LUNIK_STACK_SIZE; slot 0 holds the fixed ones
 *
 * A page is never both writable and executable, and the tables themselves are
 * mapped read-only: a store to one clears CR0.WP for that moment, with
 * interrupts off. Context: task and trap, not interrupt.
 */
#ifndef LUNIK_ARCH_PAGING_H
#define LUNIK_ARCH_PAGING_H

#include "platform.h"
#include <lunik/attr.h>
#include <lunik/result.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARCH_PAGE_SIZE ((uintptr_t)4096)
#define ARCH_LARGE_SIZE ((uintptr_t)1 << 21)
#define ARCH_HUGE_SIZE ((uintptr_t)1 << 30)

#define ARCH_NULL_SIZE ((uintptr_t)64 * 1024)
#define ARCH_RAM_LIMIT ((uintptr_t)1 << 39)
#define ARCH_REGION ((uintptr_t)1 << 46)
#define ARCH_REGION_STACKS (ARCH_REGION + ((uintptr_t)1 << 29))
#define ARCH_REGION_END (ARCH_REGION + ((uintptr_t)1 << 34))

/* What a page may be used for. */
enum arch_page_use {
    ARCH_PAGE_NONE,
    ARCH_PAGE_TEXT,
    ARCH_PAGE_RODATA,
    ARCH_PAGE_DATA,
    ARCH_PAGE_DEVICE,
};

/* The pages of tables that arch_paging_init() needs for RAM that ends at
 * (ram_end): for the tables themselves and some to go on with. */
size_t arch_paging_pool_pages(uintptr_t ram_end);

/*
 * Takes (pool), of arch_paging_pool_pages() pages, makes tables that map the
 * RAM of (ranges) read-write and nothing else, and remembers the processor's
 * features. Nothing is in force before arch_paging_start().
 */
void arch_paging_init(const struct platform_range *ranges, size_t count,
                      struct platform_range pool);

/* Has the processor use the tables, with every protection that it knows. The
 * pool is read-only from here on. */
void arch_paging_start(void);

/*
 * Maps (size) bytes at (address) to physical memory at (physical); any of the
 * three may need any multiple of the page size. ARCH_PAGE_NONE unmaps. Large
 * pages on the way are divided as needed.
 * Returns: LUNIK_ENOMEM when the pool of tables is empty: call
 *   arch_paging_reserve() before.
 */
LUNIK_MUST_CHECK lunik_result arch_page_set(uintptr_t address, size_t size,
                                            uint64_t physical,
                                            enum arch_page_use use);

/* Sees to it that the pool has tables for the next few calls of
 * arch_page_set(), taking pages from the page allocator. Context: task. */
LUNIK_MUST_CHECK lunik_result arch_paging_reserve(void);

/* Gives memory that nobody uses to the pool, for the image's life. */
void arch_paging_donate(struct platform_range range);

/*
 * The lowest-level entry for (address), and a store to it. Entries without
 * bit 0 are the caller's to use as he likes.
 * arch_page_entry returns NULL where there is no table.
 */
const uint64_t *arch_page_entry(uintptr_t address);
void arch_page_entry_store(const uint64_t *entry, uint64_t value);

#define ARCH_PAGE_PRESENT UINT64_C(1)
#define ARCH_PAGE_ADDRESS UINT64_C(0x000ffffffffff000)

/* The entry of a read-write page at (physical). */
uint64_t arch_page_data(uint64_t physical);

/* Maps (size) bytes of firmware's tables at physical (base), read-only, for
 * life. Returns: their address; NULL if no room is left. Context: task. */
const void *arch_map_tables(uint64_t base, size_t size);

/* Stores (value) in read-only memory of our own. */
void arch_store_protected(uint64_t *at, uint64_t value);

#endif
