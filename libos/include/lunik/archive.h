/* SPDX-License-Identifier: MIT */
/*
 * archive.h: the sealed read-only tree of files. Bytes: <lunik/abi/seal.h>.
 *
 * Paths here are relative, without a leading '/', "." or ".."; folders exist
 * by the files below them. Nothing is copied: data is lent for the image's
 * life. Context: any.
 */
#ifndef LUNIK_ARCHIVE_H
#define LUNIK_ARCHIVE_H

#include <lunik/attr.h>
#include <lunik/result.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A parsed archive. Zeroed memory is an archive without files. */
struct lunik_archive {
    const uint8_t *base;
    size_t size;
    uint32_t count;
};

struct lunik_archive_file {
    const char *path; /* not NUL-terminated */
    size_t path_len;
    const void *data; /* followed by a NUL that does not count */
    size_t size;
};

/*
 * Checks all of the (size) bytes at (base): magic, bounds, order and names, so
 * that the functions below need not check again.
 * Returns: LUNIK_EINVAL for anything that is not a whole, well-formed archive;
 * (*out) is then an empty archive. Keeps (base) for the life of (*out).
 */
LUNIK_MUST_CHECK lunik_result lunik_archive_open(const void *base, size_t size,
                                                 struct lunik_archive *out);

/* Finds the file at (path). Returns: false if there is none. */
bool lunik_archive_find(const struct lunik_archive *archive, const char *path,
                        size_t path_len, struct lunik_archive_file *out);

/* The (index)th file in bytewise path order; index < archive->count. */
void lunik_archive_get(const struct lunik_archive *archive, uint32_t index,
                       struct lunik_archive_file *out);

/* The first index whose path is not below (path) bytewise; count if none.
 * Folder "a/b" has its files together from the lower bound of "a/b/". */
uint32_t lunik_archive_lower_bound(const struct lunik_archive *archive,
                                   const char *path, size_t path_len);

/* The running image's own archive. */
const struct lunik_archive *lunik_archive_sealed(void);

#endif
