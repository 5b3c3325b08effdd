/* SPDX-License-Identifier: MIT */
/*
 * pages.c: the page allocator.
 *
 * For each range of memory there is a row of bits, one per page, 1 = free, and
 * a row of kinds, two bits per page (pages.h). Both lie in one block at the
 * start of the largest range:
 *
 *     | free, kinds of range 0 | free, kinds of range 1 | ... | pages ...
 *
 * The rows are filled in bit by bit, EXTEND_WORDS at a time, when the pages
 * before are used up: so the start costs the same whatever the memory's size,
 * and memory that nobody needs is never touched.
 *
 * A stack that grows asks for its page from within a trap, perhaps in the
 * middle of an allocation. (busy) tells it so, and it then takes a page of the
 * reserve: slots that only a trap empties and only a task fills, so neither
 * can get between the other's read and write.
 */
#include "pages.h"
#include "bits.h"
#include "core.h"
#include "platform.h"
#include <lunik/panic.h>
#include <stdatomic.h>
#include <string.h>

#define RANGE_MAX 16
#define EXTEND_WORDS 64 /* 4,096 pages, 16 MiB */
#define RECENT_MAX 16
#define RESERVE_MAX 16
#define RESERVE_MIN 2
#define RESERVE_SHARE 64 /* one page in so many */
#define KIND_BITS 2
#define KINDS_PER_WORD (WORD_BITS / KIND_BITS)
#define KIND_WORDS (WORD_BITS / KINDS_PER_WORD) /* per word of free bits */
#define NO_PAGE SIZE_MAX

struct range {
    uintptr_t base;
    size_t count;      /* pages */
    uint64_t *free;    /* a bit per page */
    uint64_t *kinds;   /* two bits per page */
    size_t words;      /* of free */
    size_t ready;      /* of these, filled in */
    size_t ready_free; /* free pages in ready words */
    size_t hint;       /* < ready: where to look first */
    /* Single pages freed last: warm, and found at once. An entry may be out of
     * date; the bit decides. */
    uint32_t recent[RECENT_MAX];
    size_t recent_count;
};

static struct {
    struct range ranges[RANGE_MAX];
    size_t range_count;
    size_t total_bytes;
    size_t free_count; /* reserve not counted */
    size_t reserve_count;
    _Atomic(uintptr_t) reserve[RESERVE_MAX];
    atomic_bool reserve_is_short;
    atomic_bool busy;
} pages;

/* ---- Rows ---- */

static struct range *range_find(uintptr_t address)
{
    for (size_t i = 0; i < pages.range_count; i++) {
        struct range *r = &pages.ranges[i];

        if (address - r->base < r->count * LUNIK_PAGE_SIZE)
            return r;
    }
    return NULL;
}

static enum page_kind kind_get(const struct range *r, size_t page)
{
    uint64_t word = r->kinds[page / KINDS_PER_WORD];

    return (enum page_kind)(word >> (page % KINDS_PER_WORD * KIND_BITS) & 3);
}

static void kind_set(struct range *r, size_t page, enum page_kind kind)
{
    unsigned shift = (unsigned)(page % KINDS_PER_WORD * KIND_BITS);
    uint64_t *word = &r->kinds[page / KINDS_PER_WORD];

    *word = (*word & ~(UINT64_C(3) << shift)) | (uint64_t)kind << shift;
}

/* Fills in the next words. Returns: false if there are none. */
static bool extend(struct range *r)
{
    size_t end = r->ready + EXTEND_WORDS;
    size_t first = r->ready * WORD_BITS;

    if (r->ready == r->words)
        return false;
    if (end > r->words)
        end = r->words;
    for (size_t i = r->ready; i < end; i++)
        r->free[i] = ~UINT64_C(0);
    for (size_t i = r->ready * KIND_WORDS; i < end * KIND_WORDS; i++)
        r->kinds[i] = 0;
    if (end == r->words && r->count % WORD_BITS != 0)
        r->free[end - 1] = bit_mask(0, r->count % WORD_BITS);
    r->ready = end;
    r->ready_free += (end == r->words ? r->count : end * WORD_BITS) - first;
    return true;
}

/* Whether pages [page, page + count) are all free, or all in use. */
static bool all_free(const struct range *r, size_t page, size_t count,
                     bool is_free)
{
    while (count > 0) {
        unsigned first = (unsigned)(page % WORD_BITS);
        size_t n = WORD_BITS - first < count ? WORD_BITS - first : count;
        uint64_t mask = bit_mask(first, n);

        if ((r->free[page / WORD_BITS] & mask) != (is_free ? mask : 0))
            return false;
        page += n;
        count -= n;
    }
    return true;
}

static void set_free(struct range *r, size_t page, size_t count, bool is_free)
{
    r->ready_free += is_free ? count : 0 - count;
    pages.free_count += is_free ? count : 0 - count;
    while (count > 0) {
        unsigned first = (unsigned)(page % WORD_BITS);
        size_t n = WORD_BITS - first < count ? WORD_BITS - first : count;
        uint64_t mask = bit_mask(first, n);

        if (is_free)
            r->free[page / WORD_BITS] |= mask;
        else
            r->free[page / WORD_BITS] &= ~mask;
        page += n;
        count -= n;
    }
}

/* ---- Finding ---- */

static size_t find_recent(struct range *r)
{
    while (r->recent_count > 0) {
        size_t page = r->recent[--r->recent_count];

        if (all_free(r, page, 1, true))
            return page;
    }
    return NO_PAGE;
}

/* One page. New words are preferred to searching for the last few free pages
 * in the old ones, so a search looks at one or two words on average. */
static size_t find_one(struct range *r)
{
    size_t page = find_recent(r);
    size_t at = r->ready;

    if (page != NO_PAGE)
        return page;
    if (r->ready_free <= r->ready && extend(r))
        r->hint = at;
    if (r->ready_free == 0)
        return NO_PAGE;
    for (at = r->hint; r->free[at] == 0;)
        at = at + 1 == r->ready ? 0 : at + 1;
    r->hint = at;
    return at * WORD_BITS + lowest_bit(r->free[at]);
}

/* The first run of (count) free pages at or after word (at). */
static size_t find_run(const struct range *r, size_t at, size_t count)
{
    size_t run = 0;

    for (; at < r->ready; at++) {
        uint64_t word = r->free[at];
        unsigned bit = 0;

        while (bit < WORD_BITS) {
            uint64_t rest = word >> bit;
            unsigned n;

            if ((rest & 1) == 0) {
                run = 0;
                bit = rest == 0 ? WORD_BITS : bit + lowest_bit(rest);
                continue;
            }
            n = rest == ~UINT64_C(0) ? WORD_BITS : lowest_bit(~rest);
            run += n;
            bit += n;
            if (run >= count)
                return at * WORD_BITS + bit - run;
        }
    }
    return NO_PAGE;
}

static size_t find_many(struct range *r, size_t count)
{
    size_t at = 0;

    if (count > r->count)
        return NO_PAGE;
    for (;;) {
        size_t page = r->ready_free < count ? NO_PAGE : find_run(r, at, count);
        size_t back = count / WORD_BITS + 1;

        if (page != NO_PAGE)
            return page;
        /* A run may begin in the words that were there before. */
        at = r->ready > back ? r->ready - back : 0;
        if (!extend(r))
            return NO_PAGE;
    }
}

static void *take(size_t count, enum page_kind kind)
{
    if (count > pages.free_count)
        return NULL;
    for (size_t i = 0; i < pages.range_count; i++) {
        struct range *r = &pages.ranges[i];
        size_t page = count == 1 ? find_one(r) : find_many(r, count);

        if (page == NO_PAGE)
            continue;
        set_free(r, page, count, false);
        if (kind != PAGE_RAW) {
            kind_set(r, page, kind);
            for (size_t more = 1; more < count; more++)
                kind_set(r, page + more, PAGE_MORE);
        }
        return (void *)(r->base + page * LUNIK_PAGE_SIZE);
    }
    return NULL;
}

/* ---- The reserve ---- */

static void enter(void)
{
    atomic_store_explicit(&pages.busy, true, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
}

static void refill(void)
{
    atomic_store_explicit(&pages.reserve_is_short, false, memory_order_relaxed);
    for (size_t i = 0; i < pages.reserve_count; i++) {
        uintptr_t page;

        if (atomic_load_explicit(&pages.reserve[i], memory_order_relaxed) != 0)
            continue;
        page = (uintptr_t)take(1, PAGE_RAW);
        if (page == 0) {
            atomic_store_explicit(&pages.reserve_is_short, true,
                                  memory_order_relaxed);
            break;
        }
        atomic_store_explicit(&pages.reserve[i], page, memory_order_relaxed);
    }
}

static void leave(void)
{
    if (LUNIK_UNLIKELY(atomic_load_explicit(&pages.reserve_is_short,
                                            memory_order_relaxed)))
        refill();
    atomic_signal_fence(memory_order_seq_cst);
    atomic_store_explicit(&pages.busy, false, memory_order_relaxed);
}

void *lunik_mem_reserve_page(void)
{
    void *page = NULL;

    /* Between two calls of the task the allocator is whole. */
    if (!atomic_load_explicit(&pages.busy, memory_order_relaxed))
        page = take(1, PAGE_RAW);
    for (size_t i = 0; page == NULL && i < pages.reserve_count; i++) {
        page = (void *)atomic_load_explicit(&pages.reserve[i],
                                            memory_order_relaxed);
        if (page == NULL)
            continue;
        atomic_store_explicit(&pages.reserve[i], 0, memory_order_relaxed);
        atomic_store_explicit(&pages.reserve_is_short, true,
                              memory_order_relaxed);
    }
    return page;
}

/* ---- Calls ---- */

void *lunik_pages_take(size_t count, enum page_kind kind)
{
    void *memory;

    enter();
    memory = take(count, kind);
    leave();
    return memory;
}

/* Finds the range and number of pages that a caller names. Pages that are not
 * in use end the image. */
static struct range *locate(uintptr_t address, size_t count, size_t *page_out)
{
    struct range *r = range_find(address);
    size_t page;

    if (r == NULL || count == 0 || address % LUNIK_PAGE_SIZE != 0)
        lunik_panic("pages: %zu at 0x%zx are not pages of the allocator", count,
                    (size_t)address);
    page = (address - r->base) / LUNIK_PAGE_SIZE;
    if (count > r->count - page || page + count > r->ready * WORD_BITS)
        lunik_panic("pages: %zu at 0x%zx are not pages of the allocator", count,
                    (size_t)address);
    if (!all_free(r, page, count, false))
        lunik_panic("pages: %zu at 0x%zx freed twice", count, (size_t)address);
    *page_out = page;
    return r;
}

void lunik_pages_give(void *memory, size_t count, enum page_kind kind)
{
    struct range *r;
    size_t page;

    enter();
    r = locate((uintptr_t)memory, count, &page);
    if (kind_get(r, page) != kind)
        lunik_panic("pages: 0x%zx belongs to the heap", (size_t)memory);
    for (size_t i = 0; kind != PAGE_RAW && i < count; i++)
        kind_set(r, page + i, PAGE_RAW);
    set_free(r, page, count, true);
    if (count == 1 && r->recent_count < RECENT_MAX)
        r->recent[r->recent_count++] = (uint32_t)page;
    leave();
}

bool lunik_pages_grow(void *memory, size_t count, size_t more)
{
    bool is_done;
    struct range *r;
    size_t page;

    enter();
    r = locate((uintptr_t)memory, count, &page);
    is_done = more <= r->count - page - count &&
              page + count + more <= r->ready * WORD_BITS &&
              all_free(r, page + count, more, true);
    if (is_done)
        set_free(r, page + count, more, false);
    leave();
    return is_done;
}

enum page_kind lunik_pages_kind(uintptr_t address)
{
    const struct range *r = range_find(address);
    size_t page;

    if (r == NULL)
        return PAGE_RAW;
    page = (address - r->base) / LUNIK_PAGE_SIZE;
    return page < r->ready * WORD_BITS ? kind_get(r, page) : PAGE_RAW;
}

size_t lunik_pages_run_count(uintptr_t address)
{
    const struct range *r = range_find(address);
    size_t page = (address - r->base) / LUNIK_PAGE_SIZE;
    size_t end =
        r->ready * WORD_BITS < r->count ? r->ready * WORD_BITS : r->count;
    size_t count = 1;

    while (page + count < end && kind_get(r, page + count) == PAGE_MORE)
        count++;
    return count;
}

void *lunik_pages_alloc(size_t count)
{
    void *memory;

    LUNIK_ASSERT(count > 0);
    memory = lunik_pages_take(count, PAGE_RAW);
    if (memory == NULL && lunik_heap_trim() > 0)
        memory = lunik_pages_take(count, PAGE_RAW);
    return memory;
}

void lunik_pages_free(void *memory, size_t count)
{
    lunik_pages_give(memory, count, PAGE_RAW);
}

void lunik_mem_get_info(struct lunik_mem_info *out)
{
    struct heap_info info;

    lunik_heap_get_info(&info);
    *out = (struct lunik_mem_info) {
        .total_bytes = pages.total_bytes,
        .free_bytes = (pages.free_count + info.spare_pages) * LUNIK_PAGE_SIZE,
        .heap_bytes = info.asked_bytes,
        .stack_bytes = platform_stack_bytes(),
    };
}

/* ---- Start ---- */

static size_t words_of(const struct platform_range *range)
{
    size_t count = range->size / LUNIK_PAGE_SIZE;

    return (count + WORD_BITS - 1) / WORD_BITS;
}

/* Adds the range left over from (given) after (used) bytes for the rows, whose
 * next free word is at (rows). Returns: the word after this range's. */
static uint64_t *range_add(const struct platform_range *given, size_t used,
                           uint64_t *rows)
{
    struct range *r = &pages.ranges[pages.range_count++];
    size_t words = words_of(given);

    *r = (struct range) {
        .base = given->base + used,
        .count = (given->size - used) / LUNIK_PAGE_SIZE,
        .free = rows,
        .kinds = rows + words,
    };
    r->words = (r->count + WORD_BITS - 1) / WORD_BITS;
    pages.total_bytes += given->size;
    pages.free_count += r->count;
    return rows + words * (1 + KIND_WORDS);
}

void lunik_mem_init(void)
{
    struct platform_range given[RANGE_MAX];
    size_t count = platform_memory(given, RANGE_MAX);
    size_t largest = 0;
    size_t bytes = 0;
    uint64_t *rows;

    memset(&pages, 0, sizeof(pages));
    for (size_t i = 0; i < count; i++) {
        bytes += words_of(&given[i]) * (1 + KIND_WORDS) * sizeof(uint64_t);
        if (given[i].size > given[largest].size)
            largest = i;
    }
    bytes = (bytes + LUNIK_PAGE_SIZE - 1) & ~(LUNIK_PAGE_SIZE - 1);
    if (count == 0 || given[largest].size <= bytes)
        lunik_panic_status(LUNIK_EXIT_NO_MEMORY,
                           "the machine has too little memory to start");
    rows = (uint64_t *)given[largest].base;
    for (size_t i = 0; i < count; i++)
        rows = range_add(&given[i], i == largest ? bytes : 0, rows);

    pages.reserve_count = pages.free_count / RESERVE_SHARE;
    if (pages.reserve_count < RESERVE_MIN)
        pages.reserve_count = RESERVE_MIN;
    if (pages.reserve_count > RESERVE_MAX)
        pages.reserve_count = RESERVE_MAX;
    enter();
    refill();
    leave();
    lunik_heap_init();
}
