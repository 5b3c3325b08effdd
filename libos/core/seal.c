/* SPDX-License-Identifier: MIT */
/* seal.c: checks a seal and finds its parts. */
#include "arch.h"
#include "core.h"
#include "cursor.h"
#include <lunik/abi/seal.h>
#include <string.h>

/* The header as numbers of this machine. */
static struct lunik_seal_header read_header(struct cursor *c)
{
    struct lunik_seal_header h;

    h.magic = cursor_u64(c);
    h.total_size = cursor_u32(c);
    h.checked_size = cursor_u32(c);
    h.crc = cursor_u32(c);
    h.manifest_offset = cursor_u32(c);
    h.manifest_size = cursor_u32(c);
    h.archive_offset = cursor_u32(c);
    h.archive_size = cursor_u32(c);
    h.symbols_offset = cursor_u32(c);
    h.symbols_size = cursor_u32(c);
    h.symbols_crc = cursor_u32(c);
    h.reserved = cursor_u64(c);
    return h;
}

/* The sum of (size) bytes with the crc field taken as 0. */
static uint32_t sum_of(const uint8_t *base, size_t size)
{
    static const uint8_t zero[sizeof(uint32_t)];
    size_t at = offsetof(struct lunik_seal_header, crc);
    uint32_t crc = arch_crc32c(0, base, at);

    crc = arch_crc32c(crc, zero, sizeof(zero));
    at += sizeof(zero);
    return arch_crc32c(crc, base + at, size - at);
}

/* The manifest's records, behind the header of the note around them. */
static bool open_note(struct cursor note, struct cursor *out)
{
    uint32_t name_size = cursor_u32(&note);
    uint32_t size = cursor_u32(&note);
    uint32_t type = cursor_u32(&note);
    const uint8_t *name = cursor_take(&note, 8);

    *out = note;
    return name != NULL && name_size == sizeof(LUNIK_SEAL_NOTE_NAME) &&
           type == LUNIK_SEAL_NOTE_TYPE && size == note.left &&
           memcmp(name, LUNIK_SEAL_NOTE_NAME "\0\0", 8) == 0;
}

static const char *open_parts(const struct lunik_seal_header *h,
                              const struct cursor *all, struct lunik_seal *out)
{
    struct cursor checked = cursor_part(all, 0, h->checked_size);
    struct cursor manifest =
        cursor_part(&checked, h->manifest_offset, h->manifest_size);
    struct cursor archive =
        cursor_part(&checked, h->archive_offset, h->archive_size);
    struct cursor symbols =
        cursor_part(all, h->symbols_offset, h->symbols_size);
    struct cursor records;

    if (manifest.is_bad || archive.is_bad || symbols.is_bad)
        return "a part of it lies outside";
    if (!open_note(manifest, &records) ||
        lunik_manifest_open(records.at, records.left, &out->manifest) !=
            LUNIK_OK)
        return "its manifest is malformed";
    if (lunik_archive_open(archive.at, archive.left, &out->archive) != LUNIK_OK)
        return "its archive is malformed";
    out->symbols =
        (struct lunik_symbols) { symbols.at, symbols.left, h->symbols_crc };
    return NULL;
}

static const char *open_all(const void *base, size_t size,
                            struct lunik_seal *out)
{
    struct cursor c = cursor_over(base, size);
    struct lunik_seal_header h = read_header(&c);
    struct cursor all = cursor_over(base, h.total_size);

    if (c.is_bad || h.magic != LUNIK_SEAL_MAGIC)
        return "there is no seal";
    if (h.total_size > size)
        return "the seal is cut off";
    if (h.checked_size > h.total_size || h.checked_size < sizeof(h) ||
        h.reserved != 0)
        return "the seal's header is malformed";
    if (sum_of(base, h.checked_size) != h.crc)
        return "its checksum is wrong";
    return open_parts(&h, &all, out);
}

lunik_result lunik_seal_open(const void *base, size_t size,
                             struct lunik_seal *out, const char **why_out)
{
    struct lunik_seal seal = { 0 };
    const char *why = open_all(base, size, &seal);

    if (why != NULL) {
        *out = (struct lunik_seal) { 0 };
        *why_out = why;
        return LUNIK_EINVAL;
    }
    *out = seal;
    return LUNIK_OK;
}
