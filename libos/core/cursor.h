/* SPDX-License-Identifier: MIT */
/*
 * cursor.h: reads little-endian bytes without ever passing their end.
 *
 * A read past the end gives 0 and marks the cursor bad, for good; so a parser
 * may read several fields and look once.
 */
#ifndef LUNIK_CORE_CURSOR_H
#define LUNIK_CORE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
    const uint8_t *at;
    size_t left;
    bool is_bad;
};

static inline struct cursor cursor_over(const void *data, size_t size)
{
    return (struct cursor) { .at = data, .left = size };
}

/* The next (size) bytes; NULL: there are not as many. */
static inline const uint8_t *cursor_take(struct cursor *c, size_t size)
{
    const uint8_t *data = c->at;

    if (c->is_bad || size > c->left) {
        c->is_bad = true;
        return NULL;
    }
    c->at += size;
    c->left -= size;
    return data;
}

static inline uint64_t cursor_number(struct cursor *c, size_t size)
{
    const uint8_t *data = cursor_take(c, size);
    uint64_t value = 0;

    for (size_t i = size; data != NULL && i > 0; i--)
        value = value << 8 | data[i - 1];
    return value;
}

static inline uint16_t cursor_u16(struct cursor *c)
{
    return (uint16_t)cursor_number(c, 2);
}

static inline uint32_t cursor_u32(struct cursor *c)
{
    return (uint32_t)cursor_number(c, 4);
}

static inline uint64_t cursor_u64(struct cursor *c)
{
    return cursor_number(c, 8);
}

/* A cursor over [offset, offset + size) of what is left; bad if that is not
 * all there. */
static inline struct cursor cursor_part(const struct cursor *c, size_t offset,
                                        size_t size)
{
    struct cursor part = *c;
    const uint8_t *data;

    cursor_take(&part, offset);
    data = cursor_take(&part, size);
    return (struct cursor) { data, data ? size : 0, data == NULL };
}

#endif
