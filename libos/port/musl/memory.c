/* SPDX-License-Identifier: MIT */
/* memory.c: malloc and its family, on the heap of <lunik/mem.h>. */
#define _GNU_SOURCE
#include <errno.h>
#include <lunik/mem.h>
#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>

static void *or_enomem(void *memory)
{
    if (!memory)
        errno = ENOMEM;
    return memory;
}

void *malloc(size_t size)
{
    return or_enomem(lunik_mem_alloc(size));
}

void *calloc(size_t count, size_t size)
{
    return or_enomem(lunik_mem_alloc_zeroed(count, size));
}

void *realloc(void *memory, size_t size)
{
    return or_enomem(lunik_mem_resize(memory, size));
}

void free(void *memory)
{
    lunik_mem_free(memory);
}

static int is_power_of_two(size_t n)
{
    return n && !(n & (n - 1));
}

void *aligned_alloc(size_t align, size_t size)
{
    if (!is_power_of_two(align)) {
        errno = EINVAL;
        return NULL;
    }
    if (align > LUNIK_PAGE_SIZE)
        return or_enomem(NULL);
    return or_enomem(lunik_mem_alloc_aligned(size, align));
}

void *memalign(size_t align, size_t size)
{
    return aligned_alloc(align, size);
}

int posix_memalign(void **out, size_t align, size_t size)
{
    void *memory;

    if (!is_power_of_two(align) || align < sizeof(void *))
        return EINVAL;
    if (align > LUNIK_PAGE_SIZE)
        return ENOMEM;
    memory = lunik_mem_alloc_aligned(size, align);
    if (!memory)
        return ENOMEM;
    *out = memory;
    return 0;
}

size_t malloc_usable_size(void *memory)
{
    return memory ? lunik_mem_size(memory) : 0;
}

/* Upstream's own files allocate under these names. */
void *__libc_malloc(size_t) __attribute__((alias("malloc")));
void *__libc_calloc(size_t, size_t) __attribute__((alias("calloc")));
void *__libc_realloc(void *, size_t) __attribute__((alias("realloc")));
void __libc_free(void *) __attribute__((alias("free")));
