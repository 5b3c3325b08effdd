/* SPDX-License-Identifier: MIT */
/* sealer.c: builds seals for tests. */
#include "sealer.h"
#include "arch.h"
#include <lunik/abi/seal.h>
#include <stdlib.h>
#include <string.h>

void bytes_put(struct bytes *out, const void *data, size_t size)
{
    if (size > sizeof(out->at) - out->size)
        abort();
    if (size > 0)
        memcpy(out->at + out->size, data, size);
    out->size += size;
}

void bytes_patch(struct bytes *out, size_t at, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out->at[at + i] = (uint8_t)(value >> 8 * i);
}

void bytes_number(struct bytes *out, uint64_t value, size_t size)
{
    bytes_put(out, "\0\0\0\0\0\0\0", size);
    bytes_patch(out, out->size - size, value, size);
}

void bytes_align(struct bytes *out, size_t to)
{
    while (out->size % to != 0)
        bytes_number(out, 0, 1);
}

void sealer_record(struct bytes *out, uint16_t type, const void *data,
                   size_t size)
{
    bytes_number(out, type, 2);
    bytes_number(out, 0, 2);
    bytes_number(out, size, 4);
    bytes_put(out, data, size);
    bytes_align(out, 4);
}

void sealer_text(struct bytes *out, uint16_t type, const char *text)
{
    sealer_record(out, type, text, strlen(text));
}

void sealer_archive(struct bytes *out, const struct sealer_file *files,
                    size_t count)
{
    size_t paths_size = 0;
    size_t data_at;

    for (size_t i = 0; i < count; i++)
        paths_size += strlen(files[i].path);
    bytes_number(out, LUNIK_ARCHIVE_MAGIC, 4);
    bytes_number(out, count, 4);
    bytes_number(out, paths_size, 4);
    bytes_number(out, 0, 4);
    data_at = (16 + count * 16 + paths_size + 7) & ~(size_t)7;
    for (size_t i = 0, path_at = 0; i < count; i++) {
        bytes_number(out, path_at, 4);
        bytes_number(out, strlen(files[i].path), 4);
        bytes_number(out, data_at, 4);
        bytes_number(out, files[i].size, 4);
        path_at += strlen(files[i].path);
        data_at = (data_at + files[i].size + 1 + 7) & ~(size_t)7;
    }
    for (size_t i = 0; i < count; i++)
        bytes_put(out, files[i].path, strlen(files[i].path));
    for (size_t i = 0; i < count; i++) {
        bytes_align(out, 8);
        bytes_put(out, files[i].data, files[i].size);
        bytes_number(out, 0, 1);
    }
}

void sealer_symbols(struct bytes *out, uint64_t text_start,
                    const struct sealer_symbol *symbols, size_t count)
{
    size_t start = out->size;
    uint64_t last = text_start;

    bytes_number(out, text_start, 8);
    bytes_number(out, count, 4);
    bytes_number(out, 0, 4);
    for (size_t i = 0; i < count; i++) {
        uint64_t left = symbols[i].address - last;

        for (; left > 0x7f; left >>= 7)
            bytes_number(out, (left & 0x7f) | 0x80, 1);
        bytes_number(out, left, 1);
        last = symbols[i].address;
    }
    bytes_patch(out, start + 12, out->size - start - 16, 4);
    for (size_t i = 0; i < count; i++)
        bytes_put(out, symbols[i].name, strlen(symbols[i].name) + 1);
}

void sealer_sum(struct bytes *seal)
{
    size_t at = offsetof(struct lunik_seal_header, crc);
    size_t checked = seal->at[12] | (size_t)seal->at[13] << 8 |
                     (size_t)seal->at[14] << 16 | (size_t)seal->at[15] << 24;

    if (checked > sizeof(seal->at))
        return;
    bytes_patch(seal, at, 0, 4);
    bytes_patch(seal, at, arch_crc32c(0, seal->at, checked), 4);
}

void sealer_seal(struct bytes *out, const struct bytes *records,
                 const struct bytes *archive, const struct bytes *symbols)
{
    size_t manifest_at = sizeof(struct lunik_seal_header);
    size_t manifest_size = LUNIK_SEAL_NOTE_HEADER_SIZE + records->size;
    size_t archive_at = (manifest_at + manifest_size + 7) & ~(size_t)7;
    size_t checked = archive_at + archive->size;
    size_t symbols_at = (checked + 7) & ~(size_t)7;

    out->size = 0;
    bytes_number(out, LUNIK_SEAL_MAGIC, 8);
    bytes_number(out, symbols_at + symbols->size, 4);
    bytes_number(out, checked, 4);
    bytes_number(out, 0, 4);
    bytes_number(out, manifest_at, 4);
    bytes_number(out, manifest_size, 4);
    bytes_number(out, archive_at, 4);
    bytes_number(out, archive->size, 4);
    bytes_number(out, symbols_at, 4);
    bytes_number(out, symbols->size, 4);
    bytes_number(out, arch_crc32c(0, symbols->at, symbols->size), 4);
    bytes_number(out, 0, 8);
    bytes_number(out, 6, 4);
    bytes_number(out, records->size, 4);
    bytes_number(out, LUNIK_SEAL_NOTE_TYPE, 4);
    bytes_put(out, "Lunik\0\0", 8);
    bytes_put(out, records->at, records->size);
    bytes_align(out, 8);
    bytes_put(out, archive->at, archive->size);
    bytes_align(out, 8);
    bytes_put(out, symbols->at, symbols->size);
    sealer_sum(out);
}
