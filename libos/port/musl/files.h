/* SPDX-License-Identifier: MIT */
/*
 * files.h: descriptors, paths and the three places that files are in: the
 * sealed tree at "/", memory at "/tmp", devices at "/dev".
 *
 * Knows nothing of the C library above it but errno and O_ numbers. Results are
 * 0 or more, or -errno. Context: task; reading the console waits.
 */
#ifndef LUNIK_FILES_H
#define LUNIK_FILES_H

#include "tmpfs.h"
#include <lunik/archive.h>
#include <lunik/attr.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LUNIK_FILES_MAX 65536     /* descriptors; memory bounds them sooner */
#define LUNIK_FILES_FIRST 32      /* a power of two, as LUNIK_FILES_MAX is */
#define LUNIK_FILES_PATH_MAX 1024 /* the NUL included */
#define LUNIK_FILES_CWD (-100)    /* AT_FDCWD */

struct lunik_file_kind;

struct lunik_file {
    const struct lunik_file_kind *kind;
    unsigned ref_count; /* descriptors; its offset is theirs together */
    int flags;          /* O_ACCMODE, O_APPEND, O_NONBLOCK */
    uint64_t offset;    /* of a folder: the place in its list */
    struct lunik_archive_file sealed;
    uint64_t number;
    struct lunik_tmpfs_node *node;
    char *path; /* a folder's own, as files_resolve makes it */
};

struct lunik_files {
    const struct lunik_archive *archive;
    struct lunik_tmpfs tmp;
    /* What a program needs to say that there is no memory takes none: the
     * first descriptors, and the console's three files. */
    struct lunik_file *first_table[LUNIK_FILES_FIRST];
    struct lunik_file standard[3];
    struct lunik_file **table; /* grows, to the heap */
    int table_size;
    int lowest;                     /* every descriptor below is in use */
    char cwd[LUNIK_FILES_PATH_MAX]; /* without the leading '/' */
};

struct lunik_file_stat {
    uint32_t mode; /* S_IF… and permissions */
    uint32_t device;
    uint64_t number;
    uint64_t size;
    uint64_t allocated; /* bytes */
    uint64_t changed_ns;
};

struct lunik_file_entry {
    const char *name; /* not NUL-terminated */
    size_t name_len;
    uint64_t number;
    uint64_t next; /* the place of the entry after it */
    uint32_t mode; /* S_IFDIR, S_IFREG or S_IFCHR */
};

/* Opens 0, 1 and 2 on the console. Keeps (archive). Requires the heap. */
void lunik_files_init(struct lunik_files *files,
                      const struct lunik_archive *archive, size_t tmp_limit);
void lunik_files_fini(struct lunik_files *files);

/* ---- By path, below folder (dir): a descriptor or LUNIK_FILES_CWD ---- */

/* Opens with O_ (flags): the lowest free descriptor, or -EMFILE and others. */
LUNIK_MUST_CHECK int lunik_files_open(struct lunik_files *files, int dir,
                                      const char *path, int flags);
LUNIK_MUST_CHECK int lunik_files_stat(struct lunik_files *files, int dir,
                                      const char *path,
                                      struct lunik_file_stat *out);
/* (mode): R_OK, W_OK, X_OK or F_OK. */
LUNIK_MUST_CHECK int lunik_files_access(struct lunik_files *files, int dir,
                                        const char *path, int mode);
LUNIK_MUST_CHECK int lunik_files_mkdir(struct lunik_files *files, int dir,
                                       const char *path);
LUNIK_MUST_CHECK int lunik_files_remove(struct lunik_files *files, int dir,
                                        const char *path, bool is_folder);
LUNIK_MUST_CHECK int lunik_files_rename(struct lunik_files *files, int from_dir,
                                        const char *from, int to_dir,
                                        const char *to);
LUNIK_MUST_CHECK int lunik_files_truncate_path(struct lunik_files *files,
                                               const char *path, uint64_t size);
LUNIK_MUST_CHECK int lunik_files_chdir(struct lunik_files *files, int dir,
                                       const char *path);

/* ---- By descriptor ---- */

/* What (fd) stands for; NULL: nothing. */
static inline struct lunik_file *lunik_files_get(struct lunik_files *files,
                                                 int fd)
{
    /* One comparison: negative ones are large. */
    return (unsigned)fd < (unsigned)files->table_size ? files->table[fd] : NULL;
}

LUNIK_MUST_CHECK long lunik_files_read(struct lunik_files *files, int fd,
                                       void *out, size_t size);
LUNIK_MUST_CHECK long lunik_files_write(struct lunik_files *files, int fd,
                                        const void *in, size_t size);
LUNIK_MUST_CHECK long lunik_files_read_at(struct lunik_files *files, int fd,
                                          void *out, size_t size,
                                          int64_t offset);
LUNIK_MUST_CHECK long lunik_files_write_at(struct lunik_files *files, int fd,
                                           const void *in, size_t size,
                                           int64_t offset);
LUNIK_MUST_CHECK int64_t lunik_files_seek(struct lunik_files *files, int fd,
                                          int64_t offset, int whence);
LUNIK_MUST_CHECK int lunik_files_stat_fd(struct lunik_files *files, int fd,
                                         struct lunik_file_stat *out);
LUNIK_MUST_CHECK int lunik_files_truncate(struct lunik_files *files, int fd,
                                          uint64_t size);
LUNIK_MUST_CHECK int lunik_files_close(struct lunik_files *files, int fd);

/* The lowest free descriptor from (from) on becomes another name of (fd). */
LUNIK_MUST_CHECK int lunik_files_dup(struct lunik_files *files, int fd,
                                     int from);
/* (to) becomes another name of (fd); what (to) was is closed. */
LUNIK_MUST_CHECK int lunik_files_dup_to(struct lunik_files *files, int fd,
                                        int to);
LUNIK_MUST_CHECK int lunik_files_flags(struct lunik_files *files, int fd);
/* Sets O_APPEND and O_NONBLOCK as in (flags). */
LUNIK_MUST_CHECK int lunik_files_set_flags(struct lunik_files *files, int fd,
                                           int flags);

/* Gives (take)(entry, arg) the entries of folder (fd) from its place on, and
 * moves its place past each; stops when (take) answers false: that entry comes
 * again. */
typedef bool lunik_file_take(const struct lunik_file_entry *entry, void *arg);
LUNIK_MUST_CHECK int lunik_files_list(struct lunik_files *files, int fd,
                                      lunik_file_take *take, void *arg);

#endif
