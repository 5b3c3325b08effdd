/* SPDX-License-Identifier: MIT */
/* symbols.c: which function an address is in, from the seal's symbols. */
#include "core.h"
#include "cursor.h"
#include <lunik/abi/seal.h>
#include <string.h>

/* Functions are shorter; an address further behind one is in none. */
#define FUNCTION_MAX ((uint64_t)1 << 18)

/* An unsigned LEB128: seven bits a byte, the low ones first. */
static uint64_t take_leb128(struct cursor *c)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint64_t byte = cursor_number(c, 1);

        value |= (byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return value;
    }
    c->is_bad = true;
    return 0;
}

/* The next name, up to its NUL. */
static const char *take_name(struct cursor *c)
{
    const uint8_t *end = NULL;

    if (c->at != NULL && c->left > 0)
        end = memchr(c->at, 0, c->left);
    if (end == NULL) {
        c->is_bad = true;
        return NULL;
    }
    return (const char *)cursor_take(c, (size_t)(end - c->at) + 1);
}

const char *lunik_symbols_find(const struct lunik_symbols *symbols,
                               uintptr_t address, uintptr_t *start_out)
{
    struct cursor names = cursor_over(symbols->base, symbols->size);
    uint64_t at = cursor_u64(&names);
    uint32_t count = cursor_u32(&names);
    uint32_t addresses_size = cursor_u32(&names);
    struct cursor addresses = cursor_part(&names, 0, addresses_size);
    const char *found = NULL;

    cursor_take(&names, addresses_size);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t next = at + take_leb128(&addresses);
        const char *name = take_name(&names);

        /* Out of order is only possible by a sum that wrapped. */
        if (addresses.is_bad || names.is_bad || next < at)
            return NULL;
        if (next > address)
            break;
        at = next;
        found = name;
    }
    if (found == NULL || address - at >= FUNCTION_MAX)
        return NULL;
    *start_out = at;
    return found;
}
