/* SPDX-License-Identifier: MIT */
/*
 * archive.c: the sealed tree of files.
 *
 *     | header | entry 0 | entry 1 | ... | path 0 path 1 ... | data ... |
 *              ^ ENTRIES                 ^ ENTRIES + count * sizeof entry
 */
#include "cursor.h"
#include <lunik/abi/seal.h>
#include <lunik/archive.h>
#include <lunik/panic.h>
#include <string.h>

#define ENTRIES sizeof(struct lunik_archive_header)
#define ENTRY_SIZE sizeof(struct lunik_archive_entry)

/* An archive taken apart, and the checks on it so far. */
struct reader {
    struct cursor all, entries, paths;
    size_t data_start;
    const uint8_t *last_path;
    size_t last_len;
};

static int compare(const void *a, size_t a_len, const void *b, size_t b_len)
{
    size_t len = a_len < b_len ? a_len : b_len;

    if (len > 0 && a != NULL && b != NULL) {
        int order = memcmp(a, b, len);

        if (order != 0)
            return order;
    }
    return a_len < b_len ? -1 : a_len > b_len;
}

/* One name between slashes. */
static bool is_part(const uint8_t *part, size_t len)
{
    if (len == 0 || (len == 1 && part[0] == '.') ||
        (len == 2 && part[0] == '.' && part[1] == '.'))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (part[i] < 0x20)
            return false;
    }
    return true;
}

static bool is_path(const uint8_t *path, size_t len)
{
    size_t start = 0;

    for (size_t i = 0; i <= len; i++) {
        if (i < len && path[i] != '/')
            continue;
        if (!is_part(path + start, i - start))
            return false;
        start = i + 1;
    }
    return len <= LUNIK_ARCHIVE_PATH_MAX;
}

static bool split(const void *base, size_t size, uint32_t *count_out,
                  struct reader *out)
{
    struct cursor head = cursor_over(base, size);
    uint32_t magic = cursor_u32(&head);
    uint32_t count = cursor_u32(&head);
    uint32_t paths_size = cursor_u32(&head);
    uint32_t reserved = cursor_u32(&head);
    size_t entries_size = (size_t)count * ENTRY_SIZE;

    *out = (struct reader) { .all = cursor_over(base, size) };
    out->entries = cursor_part(&out->all, ENTRIES, entries_size);
    out->paths = cursor_part(&out->all, ENTRIES + entries_size, paths_size);
    out->data_start = ENTRIES + entries_size + paths_size;
    *count_out = count;
    return magic == LUNIK_ARCHIVE_MAGIC && reserved == 0 && !head.is_bad &&
           !out->entries.is_bad && !out->paths.is_bad;
}

/* Checks the next entry against the one before. */
static bool check_entry(struct reader *r, size_t *path_at)
{
    uint32_t path_offset = cursor_u32(&r->entries);
    uint32_t path_len = cursor_u32(&r->entries);
    uint32_t data_offset = cursor_u32(&r->entries);
    uint32_t size = cursor_u32(&r->entries);
    const uint8_t *path = cursor_take(&r->paths, path_len);
    struct cursor data = cursor_part(&r->all, data_offset, (size_t)size + 1);

    if (path_offset != *path_at || path == NULL || !is_path(path, path_len))
        return false;
    if (r->last_path != NULL &&
        compare(r->last_path, r->last_len, path, path_len) >= 0)
        return false;
    if (data.is_bad || data_offset % 8 != 0 || data_offset < r->data_start ||
        data.at[size] != 0)
        return false;
    *path_at += path_len;
    r->last_path = path;
    r->last_len = path_len;
    return true;
}

lunik_result lunik_archive_open(const void *base, size_t size,
                                struct lunik_archive *out)
{
    struct reader r;
    uint32_t count;
    size_t path_at = 0;

    *out = (struct lunik_archive) { 0 };
    if (!split(base, size, &count, &r))
        return LUNIK_EINVAL;
    for (uint32_t i = 0; i < count; i++) {
        if (!check_entry(&r, &path_at))
            return LUNIK_EINVAL;
    }
    if (r.paths.left != 0)
        return LUNIK_EINVAL;
    *out = (struct lunik_archive) { base, size, count };
    return LUNIK_OK;
}

void lunik_archive_get(const struct lunik_archive *archive, uint32_t index,
                       struct lunik_archive_file *out)
{
    struct cursor all = cursor_over(archive->base, archive->size);
    struct cursor entry = all;
    uint32_t path_offset, data_offset;
    size_t paths = ENTRIES + (size_t)archive->count * ENTRY_SIZE;

    LUNIK_ASSERT(index < archive->count);
    cursor_take(&entry, ENTRIES + (size_t)index * ENTRY_SIZE);
    path_offset = cursor_u32(&entry);
    out->path_len = cursor_u32(&entry);
    data_offset = cursor_u32(&entry);
    out->size = cursor_u32(&entry);
    out->path =
        (const char *)cursor_part(&all, paths + path_offset, out->path_len).at;
    out->data = cursor_part(&all, data_offset, out->size).at;
}

uint32_t lunik_archive_lower_bound(const struct lunik_archive *archive,
                                   const char *path, size_t path_len)
{
    uint32_t low = 0, high = archive->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct lunik_archive_file file;

        lunik_archive_get(archive, middle, &file);
        if (compare(file.path, file.path_len, path, path_len) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool lunik_archive_find(const struct lunik_archive *archive, const char *path,
                        size_t path_len, struct lunik_archive_file *out)
{
    uint32_t index = lunik_archive_lower_bound(archive, path, path_len);

    if (index == archive->count)
        return false;
    lunik_archive_get(archive, index, out);
    return compare(out->path, out->path_len, path, path_len) == 0;
}
