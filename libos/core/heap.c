/* SPDX-License-Identifier: MIT */
/*
 * heap.c: blocks of memory, small ones in slabs and large ones in page runs.
 *
 * A slab is one page: a header, then slots of one size class.
 *
 *     | struct slab (64) | slot 0 | slot 1 | ... | unused |
 *
 * A block's slab is at its address with the low 12 bits cleared, and no slot
 * begins at a page; so an address tells small from large. A large block of the
 * sized family is bare pages.
 *
 * A block of the hardened family has a tail at the end of its slot or run:
 *
 *     | gap | caller's bytes | canary, 0 to 16 | ... | canary (4) | sizes (4) |
 *     ^ slot                                         ^ struct tail
 *
 * The gap is not 0 only for alignments over 16. The canary follows the caller's
 * last byte directly. Both words of the tail are mixed with a secret and the
 * slot's address. The bit of a slot, the kind of a page (pages.h) and the tail
 * together tell a block from everything else.
 */
#include "bits.h"
#include "pages.h"
#include "platform.h"
#include <lunik/panic.h>
#include <string.h>

#define GRAIN ((size_t)16)
#define SLAB_HEADER 64
#define SLAB_ROOM (LUNIK_PAGE_SIZE - SLAB_HEADER)
#define SLAB_WORDS 4
#define SMALL_MAX ((size_t)2016)
#define POISON 0xdd
#define CANARY_MAX 16
#define NO_ZERO_BYTES UINT64_C(0x0101010101010101)

struct slab {
    struct slab *next, *prev; /* among the slabs with a free slot */
    uint64_t free[SLAB_WORDS];
    uint16_t used;
    uint16_t class;
    uint32_t check; /* says that this header is whole */
};
_Static_assert(sizeof(struct slab) <= SLAB_HEADER, "slots come after it");

struct tail {
    uint32_t canary;
    uint32_t sizes; /* gap / GRAIN << 16 | bytes between caller's and tail */
};
_Static_assert(sizeof(struct tail) == 8, "as drawn above");

/* (reciprocal) replaces the division that finds a slot: for offsets below
 * SLAB_ROOM, in grains, x * reciprocal >> 16 is exact. */
struct class
{
    uint16_t size, slots;
    uint32_t reciprocal;
};
#define CLASS(grains)                                                        \
    {                                                                        \
        (grains) * GRAIN, SLAB_ROOM / ((grains)*GRAIN), 65536 / (grains) + 1 \
    }

/* Fine steps where most blocks are, then about two for each doubling, chosen to
 * divide SLAB_ROOM: every class that is in use holds at least one page. */
static const struct class classes[] = {
    CLASS(1),  CLASS(2),  CLASS(3),  CLASS(4),   CLASS(5),
    CLASS(6),  CLASS(7),  CLASS(8),  CLASS(10),  CLASS(12),
    CLASS(14), CLASS(16), CLASS(21), CLASS(28),  CLASS(36),
    CLASS(50), CLASS(63), CLASS(84), CLASS(126),
};
#define CLASS_COUNT (sizeof(classes) / sizeof(classes[0]))

static struct {
    struct slab *partial[CLASS_COUNT]; /* slabs with a free slot */
    struct slab *spare[CLASS_COUNT];   /* at most one that is empty */
    uint8_t class_of[SMALL_MAX / GRAIN + 1];
    size_t asked_bytes;
    size_t spare_pages;
    uint64_t secret;
    bool is_seeded;
    void *early[LUNIK_HEAP_EARLY_MAX]; /* hardened blocks before the seed */
    size_t early_count;
    size_t early_lost; /* alive, but not in the table */
} heap;

/* ---- Slabs ---- */

static unsigned class_for(size_t size)
{
    return heap.class_of[(size + GRAIN - 1) / GRAIN];
}

static size_t pages_for(size_t size)
{
    return (size + LUNIK_PAGE_SIZE - 1) / LUNIK_PAGE_SIZE;
}

static struct slab *slab_of(uintptr_t address)
{
    return (struct slab *)(address & ~(uintptr_t)(LUNIK_PAGE_SIZE - 1));
}

static uint32_t slab_check(const struct slab *slab)
{
    return ((uint32_t)((uintptr_t)slab >> 12) ^ slab->class) *
           UINT32_C(0x9e3779b1);
}

static void link_slab(struct slab *slab)
{
    struct slab **head = &heap.partial[slab->class];

    slab->prev = NULL;
    slab->next = *head;
    if (slab->next != NULL)
        slab->next->prev = slab;
    *head = slab;
}

static void unlink_slab(struct slab *slab)
{
    if (slab->next != NULL)
        slab->next->prev = slab->prev;
    if (slab->prev != NULL)
        slab->prev->next = slab->next;
    else
        heap.partial[slab->class] = slab->next;
}

/* Pages for the heap; its own spare ones are given up before it says no. */
static void *pages_get(size_t count, enum page_kind kind)
{
    void *memory = lunik_pages_take(count, kind);

    if (memory == NULL && lunik_heap_trim() > 0)
        memory = lunik_pages_take(count, kind);
    return memory;
}

/* Puts a slab with free slots into the list of (class). NULL: no page left. */
static LUNIK_NOINLINE struct slab *slab_add(unsigned class)
{
    struct slab *slab = heap.spare[class];
    size_t slots = classes[class].slots;

    if (slab != NULL) {
        heap.spare[class] = NULL;
        heap.spare_pages--;
        link_slab(slab);
        return slab;
    }
    slab = pages_get(1, PAGE_SLAB);
    if (slab == NULL)
        return NULL;
    *slab = (struct slab) { .class = (uint16_t) class };
    slab->check = slab_check(slab);
    for (size_t i = 0; slots > 0; i++) {
        size_t n = slots < WORD_BITS ? slots : WORD_BITS;

        slab->free[i] = bit_mask(0, n);
        slots -= n;
    }
    link_slab(slab);
    return slab;
}

/* Takes the last block's slab out of use. */
static void slab_retire(struct slab *slab)
{
    unlink_slab(slab);
    if (heap.spare[slab->class] == NULL) {
        heap.spare[slab->class] = slab;
        heap.spare_pages++;
        return;
    }
    lunik_pages_give(slab, 1, PAGE_SLAB);
}

/* Takes a free slot of (slab), which has one. */
static inline void *slot_pop(struct slab *slab, unsigned class)
{
    size_t at = 0;
    size_t slot;

    while (slab->free[at] == 0)
        at++;
    slot = at * WORD_BITS + lowest_bit(slab->free[at]);
    slab->free[at] &= slab->free[at] - 1;
    slab->used++;
    return (char *)slab + SLAB_HEADER + slot * classes[class].size;
}

static void *slot_take(unsigned class)
{
    struct slab *slab = heap.partial[class];
    void *memory;

    if (slab == NULL)
        slab = slab_add(class);
    if (slab == NULL)
        return NULL;
    memory = slot_pop(slab, class);
    if (slab->used == classes[class].slots)
        unlink_slab(slab);
    return memory;
}

/* The slot that (address) is in; it may be past the last one. */
static inline size_t slot_of(const struct slab *slab, uintptr_t address)
{
    size_t grain = (address - (uintptr_t)slab - SLAB_HEADER) / GRAIN;

    return grain * classes[slab->class].reciprocal >> 16;
}

/* After a free: a slab that was full has room now; one that is empty goes. */
static LUNIK_NOINLINE void slab_move(struct slab *slab)
{
    if (slab->used == 0)
        slab_retire(slab);
    else
        link_slab(slab);
}

static inline void slot_give(struct slab *slab, size_t slot)
{
    size_t used = slab->used;

    slab->free[slot / WORD_BITS] |= UINT64_C(1) << slot % WORD_BITS;
    slab->used = (uint16_t)(used - 1);
    if (LUNIK_UNLIKELY(used == classes[slab->class].slots || used == 1))
        slab_move(slab);
}

/* ---- The sized family ---- */

/*
 * The fast paths below call nothing that returns to them, so that they need to
 * save no registers.
 */
static LUNIK_NOINLINE void *sized_run(size_t size)
{
    void *memory = NULL;

    LUNIK_ASSERT(size > 0);
    if (size <= SIZE_MAX / 2)
        memory = pages_get(pages_for(size), PAGE_RAW);
    if (memory != NULL)
        heap.asked_bytes += size;
    return memory;
}

static LUNIK_NOINLINE void *sized_from_new_slab(size_t size)
{
    return slab_add(class_for(size)) ? lunik_mem_alloc_sized(size) : NULL;
}

static LUNIK_NOINLINE void *sized_last_slot(struct slab *slab, void *memory)
{
    unlink_slab(slab);
    return memory;
}

void *lunik_mem_alloc_sized(size_t size)
{
    struct slab *slab;
    unsigned class;
    void *memory;

    if (LUNIK_UNLIKELY(size - 1 >= SMALL_MAX))
        return sized_run(size);
    class = class_for(size);
    slab = heap.partial[class];
    if (LUNIK_UNLIKELY(slab == NULL))
        return sized_from_new_slab(size);
    heap.asked_bytes += size;
    memory = slot_pop(slab, class);
    if (LUNIK_UNLIKELY(slab->used == classes[class].slots))
        return sized_last_slot(slab, memory);
    return memory;
}

static LUNIK_NOINLINE void sized_run_free(void *memory, size_t size)
{
    if (memory == NULL)
        return;
    heap.asked_bytes -= size;
    lunik_pages_give(memory, pages_for(size), PAGE_RAW);
}

void lunik_mem_free_sized(void *memory, size_t size)
{
    uintptr_t address = (uintptr_t)memory;

    if (LUNIK_UNLIKELY(address % LUNIK_PAGE_SIZE == 0)) {
        sized_run_free(memory, size);
        return;
    }
    heap.asked_bytes -= size;
    slot_give(slab_of(address), slot_of(slab_of(address), address));
}

/* Whether (memory) can be (new_size) bytes long where it is. Pages past the
 * new end are given back. */
static bool resize_in_place(void *memory, size_t old_size, size_t new_size)
{
    uintptr_t address = (uintptr_t)memory;
    size_t old_pages = pages_for(old_size);
    size_t new_pages = pages_for(new_size);

    if (address % LUNIK_PAGE_SIZE != 0)
        return new_size <= SMALL_MAX &&
               class_for(new_size) == slab_of(address)->class;
    if (new_size <= SMALL_MAX)
        return false;
    if (new_pages > old_pages)
        return lunik_pages_grow(memory, old_pages, new_pages - old_pages);
    if (new_pages < old_pages)
        lunik_pages_give((char *)memory + new_pages * LUNIK_PAGE_SIZE,
                         old_pages - new_pages, PAGE_RAW);
    return true;
}

/* With no memory to move to, a block that shrinks stays: a language runtime
 * counts on that. The slab's header and the page's address tell the free what
 * it is, whatever its size says. */
static void shrink_where_it_is(void *memory, size_t old_size, size_t new_size)
{
    size_t old_pages = pages_for(old_size);

    if ((uintptr_t)memory % LUNIK_PAGE_SIZE == 0 &&
        pages_for(new_size) < old_pages)
        lunik_pages_give((char *)memory + pages_for(new_size) * LUNIK_PAGE_SIZE,
                         old_pages - pages_for(new_size), PAGE_RAW);
}

void *lunik_mem_resize_sized(void *memory, size_t old_size, size_t new_size)
{
    void *moved;

    if (memory == NULL)
        return lunik_mem_alloc_sized(new_size);
    LUNIK_ASSERT(new_size > 0);
    if (new_size > SIZE_MAX / 2)
        return NULL;
    if (!resize_in_place(memory, old_size, new_size)) {
        moved = lunik_mem_alloc_sized(new_size);
        if (moved != NULL) {
            memcpy(moved, memory, old_size < new_size ? old_size : new_size);
            lunik_mem_free_sized(memory, old_size);
            return moved;
        }
        if (new_size > old_size)
            return NULL;
        shrink_where_it_is(memory, old_size, new_size);
    }
    heap.asked_bytes += new_size - old_size;
    return memory;
}

/* ---- The hardened family ---- */

/* A slot or run that holds a block. */
struct block {
    uintptr_t base;
    size_t room;
    size_t gap, size;  /* the caller's bytes */
    struct slab *slab; /* NULL: a run of pages */
    size_t slot;
};

static struct tail *tail_of(const struct block *b)
{
    return (struct tail *)(b->base + b->room - sizeof(struct tail));
}

/* Two words that only who knows the secret can tell. */
static uint64_t key_of(const struct block *b, uint32_t *sizes_out)
{
    uint64_t x = (b->base ^ heap.secret) * UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 29 ^ heap.secret) * UINT64_C(0xbf58476d1ce4e5b9);
    *sizes_out = (uint32_t)(x >> 13);
    /* No byte of a canary is 0, so a string's NUL never fits by chance. */
    return (x ^ x >> 32) | NO_ZERO_BYTES;
}

static size_t canary_len(const struct block *b)
{
    size_t slack = b->room - sizeof(struct tail) - b->gap - b->size;

    return slack < CANARY_MAX ? slack : CANARY_MAX;
}

static void tail_write(const struct block *b)
{
    struct tail *tail = tail_of(b);
    uint8_t *canary = (uint8_t *)(b->base + b->gap + b->size);
    size_t len = canary_len(b);
    uint32_t sizes;
    uint64_t key = key_of(b, &sizes);
    size_t slack = b->room - sizeof(struct tail) - b->gap - b->size;

    for (size_t i = 0; i < len; i++)
        canary[i] = (uint8_t)(key >> i % 8 * 8);
    tail->canary = (uint32_t)(key >> 32);
    tail->sizes = (uint32_t)(b->gap / GRAIN << 16 | slack) ^ sizes;
}

/* Reads gap and size back. Returns: false if the tail or canary is not what
 * was written; (b->size) is then a guess, or SIZE_MAX. */
static bool tail_read(struct block *b)
{
    const struct tail *tail = tail_of(b);
    const uint8_t *canary;
    uint32_t sizes;
    uint64_t key = key_of(b, &sizes);
    size_t slack;
    size_t len;

    sizes ^= tail->sizes;
    b->gap = (size_t)(sizes >> 16) * GRAIN;
    slack = sizes & 0xffff;
    b->size = SIZE_MAX;
    if (b->gap + slack > b->room - sizeof(struct tail))
        return false;
    b->size = b->room - sizeof(struct tail) - b->gap - slack;
    canary = (const uint8_t *)(b->base + b->gap + b->size);
    len = canary_len(b);
    for (size_t i = 0; i < len; i++) {
        if (canary[i] != (uint8_t)(key >> i % 8 * 8))
            return false;
    }
    return tail->canary == (uint32_t)(key >> 32);
}

static LUNIK_NORETURN LUNIK_COLD void not_a_block(uintptr_t address)
{
    lunik_panic("heap: 0x%zx is not a block of the heap: freed twice, or never "
                "allocated",
                (size_t)address);
}

/* Finds the slot or run that (address) is in. What is no block ends the image.
 */
static void place_find(uintptr_t address, struct block *out)
{
    enum page_kind kind = lunik_pages_kind(address);
    struct slab *slab = slab_of(address);

    *out = (struct block) { .base = (uintptr_t)slab };
    if (kind == PAGE_RUN) {
        out->room = lunik_pages_run_count(address) * LUNIK_PAGE_SIZE;
        return;
    }
    if (kind != PAGE_SLAB)
        not_a_block(address);
    if (slab->class >= CLASS_COUNT || slab->check != slab_check(slab))
        lunik_panic("heap: the slab at 0x%zx was overwritten", out->base);
    out->slab = slab;
    out->room = classes[slab->class].size;
    out->slot = slot_of(slab, address);
    if (address < out->base + SLAB_HEADER ||
        out->slot >= classes[slab->class].slots)
        not_a_block(address);
    out->base += SLAB_HEADER + out->slot * out->room;
    if (slab->free[out->slot / WORD_BITS] >> out->slot % WORD_BITS & 1)
        lunik_panic("heap: block 0x%zx freed twice", (size_t)address);
}

/* The same, and checks its tail. */
static void block_find(const void *memory, struct block *out)
{
    uintptr_t address = (uintptr_t)memory;

    place_find(address, out);
    if (!tail_read(out)) {
        if (out->size == SIZE_MAX || address != out->base + out->gap)
            lunik_panic("heap: the end of the block at 0x%zx was overwritten, "
                        "or it came from the sized calls",
                        (size_t)address);
        lunik_panic("heap: 1 byte or more written past the end of the block of "
                    "%zu bytes at 0x%zx",
                    out->size, (size_t)address);
    }
    if (address != out->base + out->gap)
        lunik_panic("heap: 0x%zx is inside the block at 0x%zx, not its start",
                    (size_t)address, out->base + out->gap);
}

/* Blocks from before the seed are few; lunik_heap_seed() writes their tails
 * anew. */
static void early_add(void *memory)
{
    if (heap.early_count < LUNIK_HEAP_EARLY_MAX)
        heap.early[heap.early_count++] = memory;
    else
        heap.early_lost++;
}

static void early_remove(const void *memory)
{
    for (size_t i = 0; i < heap.early_count; i++) {
        if (heap.early[i] == memory) {
            heap.early[i] = heap.early[--heap.early_count];
            return;
        }
    }
    heap.early_lost--;
}

/* Size (size) at a multiple of (align) > 0, a power of two. */
static void *block_new(size_t size, size_t align)
{
    size_t over = align > GRAIN ? align - GRAIN : 0;
    size_t need = size + over + sizeof(struct tail);
    struct block b = { .size = size };
    void *memory;

    if (size > SIZE_MAX / 2)
        return NULL;
    if (need <= SMALL_MAX) {
        unsigned class = class_for(need);

        b.base = (uintptr_t)slot_take(class);
        b.room = classes[class].size;
        b.gap = (0 - b.base) & (align - 1);
    } else {
        size_t count = pages_for(size + sizeof(struct tail));

        b.base = (uintptr_t)pages_get(count, PAGE_RUN);
        b.room = count * LUNIK_PAGE_SIZE;
    }
    if (b.base == 0)
        return NULL;
    tail_write(&b);
    heap.asked_bytes += size;
    memory = (void *)(b.base + b.gap);
    if (LUNIK_UNLIKELY(!heap.is_seeded))
        early_add(memory);
    return memory;
}

static void block_free(const struct block *b)
{
    heap.asked_bytes -= b->size;
    if (LUNIK_UNLIKELY(!heap.is_seeded))
        early_remove((void *)(b->base + b->gap));
    if (b->slab == NULL) {
        lunik_pages_give((void *)b->base, b->room / LUNIK_PAGE_SIZE, PAGE_RUN);
        return;
    }
    memset((void *)b->base, POISON, b->room);
    slot_give(b->slab, b->slot);
}

void *lunik_mem_alloc(size_t size)
{
    return block_new(size, GRAIN);
}

void *lunik_mem_alloc_aligned(size_t size, size_t align)
{
    LUNIK_ASSERT(align > 0 && (align & (align - 1)) == 0);
    LUNIK_ASSERT(align <= LUNIK_PAGE_SIZE);
    return block_new(size, align < GRAIN ? GRAIN : align);
}

void *lunik_mem_alloc_zeroed(size_t count, size_t size)
{
    void *memory;

    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    memory = block_new(count * size, GRAIN);
    if (memory != NULL)
        memset(memory, 0, count * size);
    return memory;
}

/* A block stays where it is if (size) would get as much room as it has, or in
 * a slot not much less. */
static bool fits_in_place(const struct block *b, size_t size)
{
    size_t need = size + sizeof(struct tail);

    if (b->slab == NULL)
        return need > SMALL_MAX && pages_for(need) == b->room / LUNIK_PAGE_SIZE;
    return b->gap + need <= b->room && need > b->room / 2;
}

void *lunik_mem_resize(void *memory, size_t size)
{
    struct block b;
    void *moved;

    if (memory == NULL)
        return lunik_mem_alloc(size);
    block_find(memory, &b);
    if (size > SIZE_MAX / 2)
        return NULL;
    if (fits_in_place(&b, size)) {
        heap.asked_bytes += size - b.size;
        b.size = size;
        tail_write(&b);
        return memory;
    }
    moved = lunik_mem_alloc(size);
    if (moved == NULL)
        return NULL;
    memcpy(moved, memory, size < b.size ? size : b.size);
    block_free(&b);
    return moved;
}

void lunik_mem_free(void *memory)
{
    struct block b;

    if (memory == NULL)
        return;
    block_find(memory, &b);
    block_free(&b);
}

size_t lunik_mem_size(const void *memory)
{
    struct block b;

    block_find(memory, &b);
    return b.size;
}

/* ---- For pages.c and random.c ---- */

void lunik_heap_init(void)
{
    unsigned class = 0;

    memset(&heap, 0, sizeof(heap));
    for (size_t grains = 0; grains <= SMALL_MAX / GRAIN; grains++) {
        if (grains * GRAIN > classes[class].size)
            class ++;
        heap.class_of[grains] = (uint8_t) class;
    }
}

void lunik_heap_seed(uint64_t secret)
{
    struct block early[LUNIK_HEAP_EARLY_MAX];

    LUNIK_ASSERT(!heap.is_seeded);
    LUNIK_ASSERT(heap.early_lost == 0);
    for (size_t i = 0; i < heap.early_count; i++)
        block_find(heap.early[i], &early[i]);
    heap.secret = secret;
    heap.is_seeded = true;
    for (size_t i = 0; i < heap.early_count; i++)
        tail_write(&early[i]);
}

size_t lunik_heap_trim(void)
{
    size_t count = heap.spare_pages;

    for (size_t i = 0; i < CLASS_COUNT; i++) {
        if (heap.spare[i] != NULL)
            lunik_pages_give(heap.spare[i], 1, PAGE_SLAB);
        heap.spare[i] = NULL;
    }
    heap.spare_pages = 0;
    return count;
}

void lunik_heap_get_info(struct heap_info *out)
{
    out->asked_bytes = heap.asked_bytes;
    out->spare_pages = heap.spare_pages;
}
