/* SPDX-License-Identifier: MIT */
/*
 * seal.h: writes a seal, for tests that start an image.
 *
 *     struct seal_maker maker;
 *
 *     seal_begin(&maker);
 *     seal_text(&maker, LUNIK_RECORD_NAME, "shop");
 *     size = seal_end(&maker);      maker.bytes has them
 *
 * The archive and the symbols are empty.
 */
#ifndef LUNIK_TEST_SEAL_H
#define LUNIK_TEST_SEAL_H

#include "arch.h"
#include <lunik/abi/seal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct seal_maker {
    uint8_t bytes[16384];
    size_t size;
};

static inline void seal_bytes(struct seal_maker *maker, const void *data,
                              size_t size)
{
    if (maker->size + size + 4 > sizeof(maker->bytes))
        abort();
    memcpy(maker->bytes + maker->size, data, size);
    maker->size += size;
}

/* Room for the seal's and the note's header. */
static inline void seal_begin(struct seal_maker *maker)
{
    memset(maker, 0, sizeof(*maker));
    maker->size =
        sizeof(struct lunik_seal_header) + LUNIK_SEAL_NOTE_HEADER_SIZE;
}

static inline void seal_record(struct seal_maker *maker, uint16_t type,
                               const void *data, size_t size)
{
    static const uint8_t zeros[4];
    struct lunik_record_header header = { .type = type,
                                          .size = (uint32_t)size };

    seal_bytes(maker, &header, sizeof(header));
    seal_bytes(maker, data, size);
    seal_bytes(maker, zeros, (0 - size) & 3);
}

static inline void seal_text(struct seal_maker *maker, uint16_t type,
                             const char *text)
{
    seal_record(maker, type, text, strlen(text));
}

static inline void seal_u64(struct seal_maker *maker, uint16_t type,
                            uint64_t value)
{
    seal_record(maker, type, &value, sizeof(value));
}

/* Returns: the size of the whole. */
static inline size_t seal_end(struct seal_maker *maker)
{
    struct lunik_archive_header archive = { .magic = LUNIK_ARCHIVE_MAGIC };
    struct lunik_seal_header header = { .magic = LUNIK_SEAL_MAGIC };
    uint32_t note[3] = { sizeof(LUNIK_SEAL_NOTE_NAME), 0,
                         LUNIK_SEAL_NOTE_TYPE };

    header.manifest_offset = sizeof(header);
    header.manifest_size = (uint32_t)(maker->size - sizeof(header));
    note[1] = header.manifest_size - LUNIK_SEAL_NOTE_HEADER_SIZE;
    memcpy(maker->bytes + sizeof(header), note, sizeof(note));
    memcpy(maker->bytes + sizeof(header) + sizeof(note), LUNIK_SEAL_NOTE_NAME,
           sizeof(LUNIK_SEAL_NOTE_NAME));
    header.archive_offset = (uint32_t)maker->size;
    header.archive_size = sizeof(archive);
    seal_bytes(maker, &archive, sizeof(archive));
    header.symbols_offset = (uint32_t)maker->size;
    header.checked_size = header.total_size = (uint32_t)maker->size;
    memcpy(maker->bytes, &header, sizeof(header));
    header.crc = arch_crc32c(0, maker->bytes, maker->size);
    memcpy(maker->bytes, &header, sizeof(header));
    return maker->size;
}

#endif
