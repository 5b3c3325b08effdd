/* SPDX-License-Identifier: MIT */
/*
 * pages.h: what the heap needs from the page allocator, and the other way.
 *
 * The page allocator remembers for each page what it is used for, away from the
 * page itself. So the heap can tell its own pages from all others without
 * trusting anything that a program might have overwritten.
 */
#ifndef LUNIK_CORE_PAGES_H
#define LUNIK_CORE_PAGES_H

#include <lunik/attr.h>
#include <lunik/mem.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum page_kind {
    PAGE_RAW,  /* free, or lent as pages */
    PAGE_SLAB, /* a heap page of small blocks */
    PAGE_RUN,  /* the first page of a large block */
    PAGE_MORE, /* a further page of that block */
};

/* Allocates (count) > 0 pages; the first is marked (kind) and, if that is
 * PAGE_RUN, the others PAGE_MORE. NULL: no such run is free. */
void *lunik_pages_take(size_t count, enum page_kind kind);

/* Frees pages that were taken as (kind). */
void lunik_pages_give(void *pages, size_t count, enum page_kind kind);

/* Makes (count) PAGE_RAW pages (more) pages longer in place. False: the pages
 * behind are not free. */
bool lunik_pages_grow(void *pages, size_t count, size_t more);

/* What the page at or around (address) is; PAGE_RAW also for addresses that
 * are not ours. */
enum page_kind lunik_pages_kind(uintptr_t address);

/* The pages of the large block whose PAGE_RUN page is at (address). */
size_t lunik_pages_run_count(uintptr_t address);

/* Heap: empty again. Only lunik_mem_init() may do so. */
void lunik_heap_init(void);

/* Heap: gives back pages kept in reserve. Returns: how many. */
size_t lunik_heap_trim(void);

struct heap_info {
    size_t asked_bytes; /* by callers */
    size_t spare_pages; /* held, but empty */
};
void lunik_heap_get_info(struct heap_info *out);

/* Heap: replaces the secret that canaries are made of. Blocks made before are
 * rewritten; there may be at most LUNIK_HEAP_EARLY_MAX of them. */
#define LUNIK_HEAP_EARLY_MAX 64
void lunik_heap_seed(uint64_t secret);

#endif
