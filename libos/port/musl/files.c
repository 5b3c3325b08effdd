/* SPDX-License-Identifier: MIT */
/* files.c: descriptors, and what each kind of file does. */
#include "files.h"
#include "paths.h"
#include <errno.h>
#include <fcntl.h>
#include <lunik/console.h>
#include <lunik/mem.h>
#include <lunik/panic.h>
#include <lunik/random.h>
#include <lunik/time.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEVICE_SEALED = 1, DEVICE_TMP, DEVICE_DEV };

/* ---- Devices ---- */

static long console_read(struct lunik_files *files, struct lunik_file *file,
                         void *out, size_t size, uint64_t offset)
{
    uint64_t deadline = file->flags & O_NONBLOCK ? 0 : LUNIK_NEVER;
    size_t got;

    (void)files;
    (void)offset;
    if (size == 0)
        return 0;
    switch (lunik_console_read(out, size, deadline, &got)) {
    case LUNIK_OK:
        return (long)got;
    case LUNIK_ECLOSED:
        return 0;
    case LUNIK_ETIMEOUT:
        return file->flags & O_NONBLOCK ? -EAGAIN : -EINTR;
    case LUNIK_ECANCELED:
        return -EINTR;
    default:
        return -EIO;
    }
}

static long console_write(struct lunik_files *files, struct lunik_file *file,
                          const void *in, size_t size, uint64_t offset)
{
    (void)files;
    (void)file;
    (void)offset;
    lunik_console_write(in, size);
    return (long)size;
}

static long null_read(struct lunik_files *files, struct lunik_file *file,
                      void *out, size_t size, uint64_t offset)
{
    (void)files;
    (void)file;
    (void)out;
    (void)size;
    (void)offset;
    return 0;
}

static long null_write(struct lunik_files *files, struct lunik_file *file,
                       const void *in, size_t size, uint64_t offset)
{
    (void)files;
    (void)file;
    (void)in;
    (void)offset;
    return (long)size;
}

static long zero_read(struct lunik_files *files, struct lunik_file *file,
                      void *out, size_t size, uint64_t offset)
{
    (void)files;
    (void)file;
    (void)offset;
    memset(out, 0, size);
    return (long)size;
}

static long random_read(struct lunik_files *files, struct lunik_file *file,
                        void *out, size_t size, uint64_t offset)
{
    (void)files;
    (void)file;
    (void)offset;
    lunik_random_fill(out, size);
    return (long)size;
}

static void device_stat(const struct lunik_file *file,
                        struct lunik_file_stat *out)
{
    out->mode = S_IFCHR | 0666;
    out->device = DEVICE_DEV;
    out->number = file->number;
}

const struct lunik_file_kind lunik_file_console = { .read = console_read,
                                                    .write = console_write,
                                                    .stat = device_stat };
const struct lunik_file_kind lunik_file_null = { .read = null_read,
                                                 .write = null_write,
                                                 .stat = device_stat };
const struct lunik_file_kind lunik_file_zero = { .read = zero_read,
                                                 .write = null_write,
                                                 .stat = device_stat };
const struct lunik_file_kind lunik_file_random = { .read = random_read,
                                                   .write = null_write,
                                                   .stat = device_stat };

/* ---- The sealed tree ---- */

static long sealed_read(struct lunik_files *files, struct lunik_file *file,
                        void *out, size_t size, uint64_t offset)
{
    (void)files;
    if (offset >= file->sealed.size)
        return 0;
    if (size > file->sealed.size - offset)
        size = (size_t)(file->sealed.size - offset);
    memcpy(out, (const uint8_t *)file->sealed.data + offset, size);
    return (long)size;
}

static void sealed_stat(const struct lunik_file *file,
                        struct lunik_file_stat *out)
{
    out->mode = S_IFREG | 0444;
    out->device = DEVICE_SEALED;
    out->number = file->number;
    out->size = file->sealed.size;
    out->allocated = file->sealed.size;
}

static void folder_stat(const struct lunik_file *file,
                        struct lunik_file_stat *out)
{
    (void)file;
    out->mode = S_IFDIR | 0555;
    out->device = DEVICE_SEALED;
    /* Folders are in the archive by their files only; none has a number. */
    out->number = 1;
}

static int device_entry(uint64_t at, struct lunik_file_entry *out)
{
    const char *name = lunik_path_device((size_t)at);

    if (!name)
        return 0;
    out->name = name;
    out->name_len = strlen(name);
    out->number = at + 1;
    out->next = at + 1;
    out->mode = S_IFCHR;
    return 1;
}

/* The two folders at the root that are not in the archive. */
static int mount_entry(const struct lunik_archive *archive, uint64_t at,
                       struct lunik_file_entry *out)
{
    if (at > (uint64_t)archive->count + 1)
        return 0;
    out->name = at == archive->count ? "dev" : "tmp";
    out->name_len = 3;
    out->number = 1;
    out->next = at + 1;
    out->mode = S_IFDIR;
    return 1;
}

static bool is_mount(const char *name, size_t len)
{
    return len == 3 &&
           (memcmp(name, "dev", 3) == 0 || memcmp(name, "tmp", 3) == 0);
}

/* The first file after (at) that is not below folder (name) of (prefix). */
static uint32_t skip_folder(const struct lunik_archive *archive, uint32_t at,
                            size_t whole_len)
{
    struct lunik_archive_file first, file;

    lunik_archive_get(archive, at, &first);
    do {
        if (++at >= archive->count)
            return at;
        lunik_archive_get(archive, at, &file);
    } while (file.path_len > whole_len &&
             memcmp(file.path, first.path, whole_len) == 0 &&
             file.path[whole_len] == '/');
    return at;
}

/* The entry that begins with archive file (at), below the (len) bytes and '/'
 * of (path). Places are indices into the archive. */
static int sealed_entry(const struct lunik_archive *archive, const char *path,
                        size_t len, uint64_t at, struct lunik_file_entry *out)
{
    size_t skip = len ? len + 1 : 0;
    struct lunik_archive_file file;
    const char *slash;

    for (; at < archive->count; at = out->next) {
        lunik_archive_get(archive, (uint32_t)at, &file);
        if (file.path_len <= skip || memcmp(file.path, path, len) != 0 ||
            (len && file.path[len] != '/'))
            return 0;
        out->name = file.path + skip;
        slash = memchr(out->name, '/', file.path_len - skip);
        out->name_len =
            slash ? (size_t)(slash - out->name) : file.path_len - skip;
        out->number = slash ? 1 : at + 1;
        out->mode = slash ? S_IFDIR : S_IFREG;
        out->next =
            slash ? skip_folder(archive, (uint32_t)at, skip + out->name_len)
                  : (uint32_t)at + 1;
        if (len || !is_mount(out->name, out->name_len))
            return 1;
    }
    return len ? 0 : mount_entry(archive, at, out);
}

static int folder_entry(struct lunik_files *files,
                        const struct lunik_file *file, uint64_t at,
                        struct lunik_file_entry *out)
{
    char prefix[LUNIK_FILES_PATH_MAX + 1];
    size_t len = strlen(file->path);

    if (strcmp(file->path, "dev") == 0)
        return device_entry(at, out);
    if (at == 0 && len > 0) {
        memcpy(prefix, file->path, len);
        prefix[len] = '/';
        at = lunik_archive_lower_bound(files->archive, prefix, len + 1);
    }
    return sealed_entry(files->archive, file->path, len, at, out);
}

const struct lunik_file_kind lunik_file_sealed = { .is_seekable = true,
                                                   .read = sealed_read,
                                                   .stat = sealed_stat };
const struct lunik_file_kind lunik_file_folder = { .is_seekable = true,
                                                   .stat = folder_stat,
                                                   .entry = folder_entry };

/* ---- Files in memory ---- */

static long tmp_read(struct lunik_files *files, struct lunik_file *file,
                     void *out, size_t size, uint64_t offset)
{
    (void)files;
    return (long)lunik_tmpfs_read(file->node, out, size, offset);
}

static long tmp_write(struct lunik_files *files, struct lunik_file *file,
                      const void *in, size_t size, uint64_t offset)
{
    return lunik_tmpfs_write(&files->tmp, file->node, in, size, offset,
                             lunik_time_wall_ns());
}

static void tmp_stat(const struct lunik_file *file, struct lunik_file_stat *out)
{
    const struct lunik_tmpfs_node *node = file->node;

    out->mode = node->is_folder ? S_IFDIR | 0755 : S_IFREG | 0644;
    out->device = DEVICE_TMP;
    out->number = node->number;
    out->size = node->size;
    out->changed_ns = node->changed_ns;
    for (size_t i = 0; i < node->page_slots; i++)
        out->allocated += node->pages[i] ? LUNIK_PAGE_SIZE : 0;
}

static int tmp_entry(struct lunik_files *files, const struct lunik_file *file,
                     uint64_t at, struct lunik_file_entry *out)
{
    const struct lunik_tmpfs_node *node = lunik_tmpfs_after(file->node, at);

    (void)files;
    if (!node)
        return 0;
    out->name = node->name;
    out->name_len = node->name_len;
    out->number = node->number;
    out->next = node->order;
    out->mode = node->is_folder ? S_IFDIR : S_IFREG;
    return 1;
}

const struct lunik_file_kind lunik_file_tmp = {
    .is_seekable = true, .read = tmp_read, .write = tmp_write, .stat = tmp_stat
};
const struct lunik_file_kind lunik_file_tmp_folder = { .is_seekable = true,
                                                       .stat = tmp_stat,
                                                       .entry = tmp_entry };

/* ---- Descriptors ---- */

static bool make_room(struct lunik_files *files, int fd)
{
    struct lunik_file **table = files->table;
    int size = files->table_size;

    while (size <= fd)
        size *= 2;
    if (size > LUNIK_FILES_MAX)
        return false;
    if (size == files->table_size)
        return true;
    if (table == files->first_table)
        table = NULL;
    table = lunik_mem_resize(table, (size_t)size * sizeof(struct lunik_file *));
    if (!table)
        return false;
    if (files->table == files->first_table)
        memcpy(table, files->first_table, sizeof(files->first_table));
    memset(table + files->table_size, 0,
           (size_t)(size - files->table_size) * sizeof(struct lunik_file *));
    files->table = table;
    files->table_size = size;
    return true;
}

static int install_from(struct lunik_files *files, struct lunik_file *file,
                        int from)
{
    int fd = from > files->lowest ? from : files->lowest;

    while (lunik_files_get(files, fd))
        fd++;
    if (!make_room(files, fd))
        return -EMFILE;
    if (from <= files->lowest)
        files->lowest = fd + 1;
    files->table[fd] = file;
    file->ref_count++;
    return fd;
}

int lunik_files_install(struct lunik_files *files, struct lunik_file *file)
{
    return install_from(files, file, 0);
}

/* The number that a look-up of "/dev/console" finds. */
static uint64_t console_number(void)
{
    for (size_t i = 0; lunik_path_device(i); i++)
        if (strcmp(lunik_path_device(i), "console") == 0)
            return i + 1;
    return 0;
}

void lunik_files_init(struct lunik_files *files,
                      const struct lunik_archive *archive, size_t tmp_limit)
{
    static const int flags[] = { O_RDONLY, O_WRONLY, O_WRONLY };

    memset(files, 0, sizeof(*files));
    files->archive = archive;
    lunik_tmpfs_init(&files->tmp, tmp_limit);
    files->table = files->first_table;
    files->table_size = LUNIK_FILES_FIRST;
    for (int fd = 0; fd < 3; fd++) {
        struct lunik_file *file = &files->standard[fd];
        int res;

        file->kind = &lunik_file_console;
        file->flags = flags[fd];
        file->number = console_number();
        file->ref_count = 1; /* ours: it is never freed */
        res = lunik_files_install(files, file);
        LUNIK_ASSERT(res == fd);
    }
}

void lunik_files_fini(struct lunik_files *files)
{
    for (int fd = 0; fd < files->table_size; fd++) {
        if (files->table[fd]) {
            int res = lunik_files_close(files, fd);

            LUNIK_ASSERT(res == 0);
        }
    }
    if (files->table != files->first_table)
        lunik_mem_free(files->table);
    files->table = NULL;
    files->table_size = files->lowest = 0;
    lunik_tmpfs_fini(&files->tmp);
}

int lunik_files_close(struct lunik_files *files, int fd)
{
    struct lunik_file *file = lunik_files_get(files, fd);

    if (!file)
        return -EBADF;
    files->table[fd] = NULL;
    if (fd < files->lowest)
        files->lowest = fd;
    if (--file->ref_count > 0)
        return 0;
    if (file->kind->close) {
        file->kind->close(file);
        return 0;
    }
    if (file->node)
        lunik_tmpfs_close(&files->tmp, file->node);
    lunik_mem_free(file->path);
    lunik_mem_free(file);
    return 0;
}

int lunik_files_dup(struct lunik_files *files, int fd, int from)
{
    struct lunik_file *file = lunik_files_get(files, fd);

    if (!file)
        return -EBADF;
    if (from < 0 || from >= LUNIK_FILES_MAX)
        return -EINVAL;
    return install_from(files, file, from);
}

int lunik_files_dup_to(struct lunik_files *files, int fd, int to)
{
    struct lunik_file *file = lunik_files_get(files, fd);

    if (!file || to < 0 || to >= LUNIK_FILES_MAX)
        return -EBADF;
    if (fd == to)
        return to;
    if (lunik_files_get(files, to)) {
        int res = lunik_files_close(files, to);

        LUNIK_ASSERT(res == 0);
    }
    return install_from(files, file, to);
}

int lunik_files_flags(struct lunik_files *files, int fd)
{
    struct lunik_file *file = lunik_files_get(files, fd);

    return file ? file->flags : -EBADF;
}

int lunik_files_set_flags(struct lunik_files *files, int fd, int flags)
{
    struct lunik_file *file = lunik_files_get(files, fd);
    int settable = O_APPEND | O_NONBLOCK;

    if (!file)
        return -EBADF;
    file->flags = (file->flags & ~settable) | (flags & settable);
    return 0;
}

/* ---- Reading and writing ---- */

static bool may_read(const struct lunik_file *file)
{
    return file && (file->flags & O_ACCMODE) != O_WRONLY;
}

static bool may_write(const struct lunik_file *file)
{
    return file && (file->flags & O_ACCMODE) != O_RDONLY;
}

/* A result must fit beside the errors. */
static size_t bounded(size_t size)
{
    return size < INT32_MAX ? size : INT32_MAX;
}

long lunik_files_read(struct lunik_files *files, int fd, void *out, size_t size)
{
    struct lunik_file *file = lunik_files_get(files, fd);
    long got;

    if (!may_read(file))
        return -EBADF;
    if (!file->kind->read)
        return -EISDIR;
    if (file->kind->close)
        return file->kind->read(files, file, out, bounded(size), 0);
    /* The descriptor may be closed while its reader waits. */
    file->ref_count++;
    got = file->kind->read(files, file, out, bounded(size), file->offset);
    if (got > 0)
        file->offset += (uint64_t)got;
    if (--file->ref_count == 0)
        lunik_mem_free(file);
    return got;
}

/* Only the console waits, and it has neither node nor path: that is why the
 * last reference above frees the structure alone. */

long lunik_files_write(struct lunik_files *files, int fd, const void *in,
                       size_t size)
{
    struct lunik_file *file = lunik_files_get(files, fd);
    long put;

    if (!may_write(file) || !file->kind->write)
        return -EBADF;
    if (file->kind->close)
        return file->kind->write(files, file, in, bounded(size), 0);
    if ((file->flags & O_APPEND) && file->node)
        file->offset = file->node->size;
    put = file->kind->write(files, file, in, bounded(size), file->offset);
    if (put > 0)
        file->offset += (uint64_t)put;
    return put;
}

long lunik_files_read_at(struct lunik_files *files, int fd, void *out,
                         size_t size, int64_t offset)
{
    struct lunik_file *file = lunik_files_get(files, fd);

    if (!may_read(file))
        return -EBADF;
    if (!file->kind->read)
        return -EISDIR;
    if (!file->kind->is_seekable)
        return -ESPIPE;
    if (offset < 0)
        return -EINVAL;
    return file->kind->read(files, file, out, bounded(size), (uint64_t)offset);
}

long lunik_files_write_at(struct lunik_files *files, int fd, const void *in,
                          size_t size, int64_t offset)
{
    struct lunik_file *file = lunik_files_get(files, fd);

    if (!may_write(file) || !file->kind->write)
        return -EBADF;
    if (!file->kind->is_seekable)
        return -ESPIPE;
    if (offset < 0)
        return -EINVAL;
    return file->kind->write(files, file, in, bounded(size), (uint64_t)offset);
}

void lunik_file_get_stat(const struct lunik_file *file,
                         struct lunik_file_stat *out)
{
    memset(out, 0, sizeof(*out));
    file->kind->stat(file, out);
}

int lunik_files_stat_fd(struct lunik_files *files, int fd,
                        struct lunik_file_stat *out)
{
    struct lunik_file *file = lunik_files_get(files, fd);

    if (!file)
        return -EBADF;
    lunik_file_get_stat(file, out);
    return 0;
}

int64_t lunik_files_seek(struct lunik_files *files, int fd, int64_t offset,
                         int whence)
{
    struct lunik_file *file = lunik_files_get(files, fd);
    struct lunik_file_stat stat;
    int64_t from, to;

    if (!file)
        return -EBADF;
    if (!file->kind->is_seekable)
        return -ESPIPE;
    lunik_file_get_stat(file, &stat);
    switch (whence) {
    case SEEK_SET:
        from = 0;
        break;
    case SEEK_CUR:
        from = (int64_t)file->offset;
        break;
    case SEEK_END:
        from = (int64_t)stat.size;
        break;
    default:
        return -EINVAL;
    }
    if (__builtin_add_overflow(from, offset, &to))
        return -EOVERFLOW;
    if (to < 0)
        return -EINVAL;
    file->offset = (uint64_t)to;
    return to;
}

int lunik_files_truncate(struct lunik_files *files, int fd, uint64_t size)
{
    struct lunik_file *file = lunik_files_get(files, fd);

    if (!file)
        return -EBADF;
    if (!may_write(file) || !file->node)
        return -EINVAL;
    return lunik_tmpfs_truncate(&files->tmp, file->node, size,
                                lunik_time_wall_ns());
}

/* ---- Folders ---- */

/* Places 0 and 1 are "." and ".."; the kind's own begin at 2. */
static int entry_at(struct lunik_files *files, const struct lunik_file *file,
                    struct lunik_file_entry *out)
{
    int res;

    if (file->offset < 2) {
        out->name = "..";
        out->name_len = file->offset == 0 ? 1 : 2;
        out->number = 1;
        out->next = file->offset + 1;
        out->mode = S_IFDIR;
        return 1;
    }
    res = file->kind->entry(files, file, file->offset - 2, out);
    out->next += 2;
    return res;
}

int lunik_files_list(struct lunik_files *files, int fd, lunik_file_take *take,
                     void *arg)
{
    struct lunik_file *file = lunik_files_get(files, fd);
    struct lunik_file_entry entry = { 0 };
    int res;

    if (!file)
        return -EBADF;
    if (!file->kind->entry)
        return -ENOTDIR;
    for (;;) {
        res = entry_at(files, file, &entry);
        if (res <= 0)
            return res;
        if (!take(&entry, arg))
            return 0;
        file->offset = entry.next;
    }
}
