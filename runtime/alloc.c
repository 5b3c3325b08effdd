/* SPDX-License-Identifier: MIT */
/* alloc.c: Lua's memory, from the library OS's heap and under one limit. */
#include "internal.h"

#include <lunik/mem.h>
#include <lunik/sys.h>

/* What is left to C and to fibers' stacks when no limit was given. */
#define RESERVE_SHARE 16
#define RESERVE_LEAST ((size_t)64 * 1024)

static void *take(struct lunik_lua_memory *m, void *p, size_t old_size,
                  size_t size)
{
    if (p == NULL)
        return NULL;
    m->used = m->used - old_size + size;
    if (m->used > m->peak)
        m->peak = m->used;
    return p;
}

/* Lua runs through here for every object: each case has a path of its own. */
void *lunik_runtime_alloc(void *ud, void *memory, size_t old_size, size_t size)
{
    struct lunik_lua_memory *m = ud;

    if (memory == NULL) { /* (Lua tells the kind of object in the old size.) */
        if (size > m->limit - m->used || size == 0)
            return NULL;
        return take(m, lunik_mem_alloc_sized(size), 0, size);
    }
    if (size == 0) {
        m->used -= old_size;
        lunik_mem_free_sized(memory, old_size);
        return NULL;
    }
    if (size > old_size && size - old_size > m->limit - m->used)
        return NULL;
    return take(m, lunik_mem_resize_sized(memory, old_size, size), old_size,
                size);
}

size_t lunik_runtime_limit(void)
{
    size_t limit = lunik_sys_heap_limit();
    struct lunik_mem_info info;
    size_t reserve;

    if (limit != SIZE_MAX)
        return limit;
    lunik_mem_get_info(&info);
    reserve = info.free_bytes / RESERVE_SHARE;
    if (reserve < RESERVE_LEAST)
        reserve = RESERVE_LEAST;
    return info.free_bytes > reserve ? info.free_bytes - reserve : 0;
}
