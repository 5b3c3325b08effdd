/* SPDX-License-Identifier: MIT */
/*
 * tmpfs.h: a tree of files in memory, with a bound on all of it.
 *
 * Paths are relative to the tree's root ("" is the root), with single '/'
 * between names and neither "." nor "..". Everything that is kept counts
 * against the bound: pages, tables of pages, nodes, names. A file's holes take
 * nothing. No file is longer than the bound.
 *
 * Results are 0 or more, or -errno. Context: task.
 */
#ifndef LUNIK_TMPFS_H
#define LUNIK_TMPFS_H

#include <lunik/attr.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LUNIK_TMPFS_NAME_MAX 255

struct lunik_tmpfs_node {
    struct lunik_tmpfs_node *parent;       /* NULL: the root, or unlinked */
    struct lunik_tmpfs_node *first, *last; /* a folder's, by rising order */
    struct lunik_tmpfs_node *next, *prev;
    uint64_t order;  /* a new one for each place it was put into */
    uint64_t number; /* one for its life */
    uint64_t changed_ns;
    char *name;
    size_t name_len;
    bool is_folder;
    unsigned open_count;
    size_t size;
    uint8_t **pages; /* NULL: a hole */
    size_t page_slots;
};

struct lunik_tmpfs {
    struct lunik_tmpfs_node root;
    size_t limit, used; /* bytes */
    uint64_t last_order, last_number;
};

void lunik_tmpfs_init(struct lunik_tmpfs *fs, size_t limit);

/* Frees all of it. No file may be open. */
void lunik_tmpfs_fini(struct lunik_tmpfs *fs);

/* -ENOENT, -ENOTDIR. */
LUNIK_MUST_CHECK int lunik_tmpfs_find(struct lunik_tmpfs *fs, const char *path,
                                      struct lunik_tmpfs_node **out);

/* Makes a file or folder. -EEXIST, -ENOENT, -ENOTDIR, -ENAMETOOLONG,
 * -ENOSPC. */
LUNIK_MUST_CHECK int lunik_tmpfs_create(struct lunik_tmpfs *fs,
                                        const char *path, bool is_folder,
                                        uint64_t now_ns,
                                        struct lunik_tmpfs_node **out);

/* Takes a file, or an empty folder, out of the tree. An open file lives until
 * it is closed. -EISDIR, -ENOTDIR, -ENOTEMPTY, -EBUSY for the root. */
LUNIK_MUST_CHECK int lunik_tmpfs_remove(struct lunik_tmpfs *fs,
                                        const char *path, bool is_folder);

/* As rename() of POSIX. */
LUNIK_MUST_CHECK int lunik_tmpfs_rename(struct lunik_tmpfs *fs,
                                        const char *from, const char *to);

void lunik_tmpfs_open(struct lunik_tmpfs_node *node);
void lunik_tmpfs_close(struct lunik_tmpfs *fs, struct lunik_tmpfs_node *node);

/* The bytes read: 0 at the end. */
size_t lunik_tmpfs_read(const struct lunik_tmpfs_node *node, void *out,
                        size_t size, uint64_t offset);

/* The bytes written, fewer than (size) if it got full; -ENOSPC, -EFBIG if none
 * could be. */
LUNIK_MUST_CHECK long lunik_tmpfs_write(struct lunik_tmpfs *fs,
                                        struct lunik_tmpfs_node *node,
                                        const void *in, size_t size,
                                        uint64_t offset, uint64_t now_ns);

/* -EFBIG. What is added reads as zeros. */
LUNIK_MUST_CHECK int lunik_tmpfs_truncate(struct lunik_tmpfs *fs,
                                          struct lunik_tmpfs_node *node,
                                          uint64_t size, uint64_t now_ns);

/* The first of a folder's nodes with an order above (order); NULL: no more. A
 * walk that takes nodes away as it goes misses none. */
struct lunik_tmpfs_node *
lunik_tmpfs_after(const struct lunik_tmpfs_node *folder, uint64_t order);

#endif
