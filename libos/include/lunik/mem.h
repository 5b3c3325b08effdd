/* SPDX-License-Identifier: MIT */
/*
 * mem.h: pages and a heap.
 *
 * Everything here is one address space, mapped read-write and never
 * executable. Sizes are bytes, counts are pages of LUNIK_PAGE_SIZE. NULL means
 * that no memory was left; no function waits for memory.
 *
 * The heap is hardened for C callers: freeing twice, freeing what was never
 * allocated, and writing past an end are found at the free or resize at the
 * latest and stop the image with a panic that names the caller.
 *
 * Context: task. Not from interrupts.
 */
#ifndef LUNIK_MEM_H
#define LUNIK_MEM_H

#include <lunik/attr.h>
#include <stddef.h>
#include <stdint.h>

#define LUNIK_PAGE_SIZE ((size_t)4096)

/*
 * Allocates (size) bytes, aligned to 16. Contents are undefined. Size 0 gives
 * a unique pointer that may be freed.
 * Returns: the memory, owned by the caller until lunik_mem_free(); or NULL.
 */
LUNIK_MUST_CHECK void *lunik_mem_alloc(size_t size);

/* As lunik_mem_alloc, aligned to (align): a power of two, at most one page. */
LUNIK_MUST_CHECK void *lunik_mem_alloc_aligned(size_t size, size_t align);

/* As lunik_mem_alloc for (count) items of (size) bytes, zeroed. NULL also when
 * the product overflows. */
LUNIK_MUST_CHECK void *lunik_mem_alloc_zeroed(size_t count, size_t size);

/*
 * Makes (memory) (size) bytes long, moving it if it must; NULL allocates.
 * Returns: the memory at its new place; or NULL, and then the old memory is
 * untouched and still the caller's.
 */
LUNIK_MUST_CHECK void *lunik_mem_resize(void *memory, size_t size);

/* Frees what one of the functions above gave. NULL does nothing. */
void lunik_mem_free(void *memory);

/* The bytes that the caller of (memory) asked for. */
size_t lunik_mem_size(const void *memory);

/*
 * The same heap for callers that remember sizes themselves (a language
 * runtime): no header, no canary, fewer instructions. A block from here goes
 * back through here, with the size it was asked with; size 0 is not allowed.
 */
LUNIK_MUST_CHECK void *lunik_mem_alloc_sized(size_t size);
LUNIK_MUST_CHECK void *lunik_mem_resize_sized(void *memory, size_t old_size,
                                              size_t new_size);
void lunik_mem_free_sized(void *memory, size_t size);

/*
 * Allocates (count) > 0 contiguous pages, physically contiguous too on a
 * virtual machine. Contents are undefined.
 * Owns: the caller, until lunik_pages_free() of the same pages.
 */
LUNIK_MUST_CHECK void *lunik_pages_alloc(size_t count);
void lunik_pages_free(void *pages, size_t count);

struct lunik_mem_info {
    size_t total_bytes; /* what the page allocator was given at the start */
    size_t free_bytes;  /* of these, in free pages */
    size_t heap_bytes;  /* asked for from the heap and not yet freed */
    size_t stack_bytes; /* pages under fibers' stacks */
};

/* Fills (*out) with the figures of this moment. */
void lunik_mem_get_info(struct lunik_mem_info *out);

#endif
