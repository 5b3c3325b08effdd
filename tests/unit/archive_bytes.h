/* SPDX-License-Identifier: MIT */
/*
 * archive_bytes.h: an archive as the SDK would write it, for tests.
 */
#ifndef LUNIK_TEST_ARCHIVE_BYTES_H
#define LUNIK_TEST_ARCHIVE_BYTES_H

#include <lunik/abi/seal.h>
#include <string.h>

struct archive_file {
    const char *path, *text;
};

/* Writes the (count) files, which are in bytewise order of their paths, to the
 * (size) bytes at (out). Returns the bytes used; 0: they do not fit. */
static size_t archive_write(uint8_t *out, size_t size,
                            const struct archive_file *files, size_t count)
{
    struct lunik_archive_header header = { LUNIK_ARCHIVE_MAGIC, (uint32_t)count,
                                           0, 0 };
    struct lunik_archive_entry entry;
    size_t paths = sizeof(header) + count * sizeof(entry), at = 0, data;

    for (size_t i = 0; i < count; i++)
        at += strlen(files[i].path);
    header.paths_size = (uint32_t)at;
    data = (paths + at + 7) & ~(size_t)7;
    memset(out, 0, size);
    memcpy(out, &header, sizeof(header));
    at = 0;
    for (size_t i = 0; i < count; i++) {
        entry.path_offset = (uint32_t)at;
        entry.path_len = (uint32_t)strlen(files[i].path);
        entry.data_offset = (uint32_t)data;
        entry.size = (uint32_t)strlen(files[i].text);
        if (data + entry.size + 8 > size)
            return 0;
        memcpy(out + sizeof(header) + i * sizeof(entry), &entry, sizeof(entry));
        memcpy(out + paths + at, files[i].path, entry.path_len);
        memcpy(out + data, files[i].text, entry.size);
        at += entry.path_len;
        data = (data + entry.size + 1 + 7) & ~(size_t)7;
    }
    return data;
}

#endif
