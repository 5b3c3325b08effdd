/* SPDX-License-Identifier: MIT */
/*
 * paths.h: what paths.c and files.c tell each other.
 */
#ifndef LUNIK_PATHS_H
#define LUNIK_PATHS_H

#include "files.h"
#include <lunik/event.h>
#include <lunik/socket.h>

/* A wait for a file: (event) is signalled when there is something new, or the
 * file is closed. (poll.c makes them; the rest is the kind's.) */
struct lunik_look {
    struct lunik_watch watch; /* first */
    struct lunik_event *event;
    struct lunik_file *file; /* NULL: closed meanwhile */
    struct lunik_look *next, *prev;
};

/* What the descriptors of one kind of file do. A kind without a function
 * answers -EBADF or what its comment says. */
struct lunik_file_kind {
    bool is_seekable;
    /* With it, the file's structure is the kind's own: this is called when the
     * last descriptor is closed, and frees it. Its reads and writes may wait,
     * and then look after the structure themselves. */
    void (*close)(struct lunik_file *file);
    long (*read)(struct lunik_files *files, struct lunik_file *file, void *out,
                 size_t size, uint64_t offset);
    long (*write)(struct lunik_files *files, struct lunik_file *file,
                  const void *in, size_t size, uint64_t offset);
    void (*stat)(const struct lunik_file *file, struct lunik_file_stat *out);
    /* The entry at place (at), 0 first: 1, or 0 past the last. -ENOTDIR. */
    int (*entry)(struct lunik_files *files, const struct lunik_file *file,
                 uint64_t at, struct lunik_file_entry *out);
    /* Reads or writes (count) parts (struct iovec) as one; missing: one after
     * the other. */
    long (*vector)(struct lunik_file *file, const void *parts, long count,
                   bool is_write);
    /* What may be done without waiting, as poll() has it; missing: all. */
    short (*poll)(const struct lunik_file *file);
    /* Hangs (look) on what the file rests on, and takes it off again. */
    void (*watch)(struct lunik_file *file, struct lunik_look *look);
    void (*unwatch)(struct lunik_look *look);
    /* Answers ioctl(); missing: -ENOTTY. */
    long (*control)(struct lunik_file *file, long request, void *arg);
};

extern const struct lunik_file_kind lunik_file_console, lunik_file_folder,
    lunik_file_null, lunik_file_random, lunik_file_sealed, lunik_file_tmp,
    lunik_file_tmp_folder, lunik_file_zero;

/* An absolute path without its first '/', without ".", ".." and "//". */
struct lunik_path {
    size_t len;
    bool is_folder; /* it ended with '/' */
    char text[LUNIK_FILES_PATH_MAX];
};

/* What is at a path. With -ENOENT (tmp_path) still says if it is in /tmp. */
struct lunik_place {
    const struct lunik_file_kind *kind;
    uint32_t mode;
    uint64_t number;
    struct lunik_archive_file sealed;
    const char *tmp_path; /* lent from the path; NULL: elsewhere */
    struct lunik_tmpfs_node *node;
};

LUNIK_MUST_CHECK int lunik_path_resolve(struct lunik_files *files, int dir,
                                        const char *path,
                                        struct lunik_path *out);
LUNIK_MUST_CHECK int lunik_path_find(struct lunik_files *files,
                                     const struct lunik_path *path,
                                     struct lunik_place *out);

/* The (index)th name in /dev; NULL past the last. */
const char *lunik_path_device(size_t index);

/* Puts (file) under the lowest free descriptor; -EMFILE, also when there
 * is no memory for a larger table. */
LUNIK_MUST_CHECK int lunik_files_install(struct lunik_files *files,
                                         struct lunik_file *file);

void lunik_file_get_stat(const struct lunik_file *file,
                         struct lunik_file_stat *out);

#endif
