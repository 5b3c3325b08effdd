/* SPDX-License-Identifier: MIT */
/* manifest.c: what an image says about itself. */
#include "core.h"
#include "cursor.h"
#include <lunik/abi/seal.h>

#define NAME_MAX 64

/* Takes the next record. Returns: false at the end, or where the rest is not a
 * whole record (then c->is_bad). */
static bool take_record(struct cursor *c, uint16_t *type_out,
                        struct cursor *data_out)
{
    uint16_t reserved;
    size_t size;

    if (c->left == 0)
        return false;
    *type_out = cursor_u16(c);
    reserved = cursor_u16(c);
    size = cursor_u32(c);
    *data_out = cursor_part(c, 0, size);
    cursor_take(c, size);
    if (cursor_number(c, (0 - size) & 3) != 0 || reserved != 0)
        c->is_bad = true;
    return !c->is_bad;
}

static bool is_text(const struct cursor *data)
{
    for (size_t i = 0; i < data->left; i++) {
        if (data->at[i] < 0x20)
            return false;
    }
    return data->left > 0;
}

static bool is_name(const struct cursor *data)
{
    for (size_t i = 0; i < data->left; i++) {
        uint8_t c = data->at[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' &&
            c != '-')
            return false;
    }
    return data->left > 0 && data->left <= NAME_MAX;
}

static bool is_variable(const struct cursor *data)
{
    if (!is_text(data) || data->at[0] == '=')
        return false;
    for (size_t i = 0; i < data->left; i++) {
        if (data->at[i] == '=')
            return true;
    }
    return false;
}

static bool is_known_and_sound(uint16_t type, const struct cursor *data)
{
    switch (type) {
    case LUNIK_RECORD_NAME:
        return is_name(data);
    case LUNIK_RECORD_VERSION:
    case LUNIK_RECORD_MAIN:
    case LUNIK_RECORD_HYPERVISOR:
    case LUNIK_RECORD_PATH:
        return is_text(data);
    case LUNIK_RECORD_ENV:
        return is_variable(data);
    case LUNIK_RECORD_MEMORY:
    case LUNIK_RECORD_HEAP:
        return data->left == sizeof(uint64_t);
    default:
        return (type & LUNIK_RECORD_OPTIONAL) != 0;
    }
}

static bool is_once(uint16_t type)
{
    return type >= LUNIK_RECORD_NAME && type <= LUNIK_RECORD_HEAP;
}

lunik_result lunik_manifest_open(const void *records, size_t size,
                                 struct lunik_manifest *out)
{
    struct cursor c = cursor_over(records, size);
    struct lunik_manifest manifest = { .records = records, .size = size };
    struct cursor data;
    uint32_t seen = 0;
    uint16_t type;

    *out = (struct lunik_manifest) { 0 };
    while (take_record(&c, &type, &data)) {
        if (!is_known_and_sound(type, &data))
            return LUNIK_EINVAL;
        if (is_once(type)) {
            if (seen & UINT32_C(1) << type)
                return LUNIK_EINVAL;
            seen |= UINT32_C(1) << type;
        }
        if (type == LUNIK_RECORD_MEMORY)
            manifest.memory_bytes = cursor_u64(&data);
        else if (type == LUNIK_RECORD_HEAP)
            manifest.heap_bytes = cursor_u64(&data);
    }
    /* Every image has a name. The rest may be missing: an image in C has no
     * main script. */
    if (c.is_bad || (seen & UINT32_C(1) << LUNIK_RECORD_NAME) == 0)
        return LUNIK_EINVAL;
    *out = manifest;
    return LUNIK_OK;
}

bool lunik_manifest_find(const struct lunik_manifest *manifest, uint16_t type,
                         size_t nth, const uint8_t **data_out, size_t *size_out)
{
    struct cursor c = cursor_over(manifest->records, manifest->size);
    struct cursor data;
    uint16_t found;

    while (take_record(&c, &found, &data)) {
        if (found != type || nth-- > 0)
            continue;
        *data_out = data.at;
        *size_out = data.left;
        return true;
    }
    return false;
}
