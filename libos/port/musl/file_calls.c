/* SPDX-License-Identifier: MIT */
/* file_calls.c: the system calls about files, on files.h. */
#define _GNU_SOURCE
#include "files.h"
#include "paths.h"
#include "port.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <lunik/archive.h>
#include <lunik/console.h>
#include <lunik/mem.h>
#include <lunik/time.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* These need the types of the above, or hide their names. */
#include "kstat.h"
#include "syscall.h"

/* NOLINTNEXTLINE(misc-redundant-expression): two macros that must agree */
_Static_assert(LUNIK_FILES_CWD == AT_FDCWD, "passed through");

/* Files in memory may take this part of what the image started with. */
#define TMP_PART 8

/* Made when first asked for: an image that opens nothing pays nothing. */
struct lunik_files *lunik_port_files(void)
{
    static struct lunik_files files;
    struct lunik_mem_info mem;

    if (!files.archive) {
        lunik_mem_get_info(&mem);
        lunik_files_init(&files, lunik_archive_sealed(),
                         mem.total_bytes / TMP_PART);
    }
    return &files;
}

/* ---- Reading and writing ---- */

long lunik_sys_read(long fd, void *out, unsigned long size)
{
    int mine = lunik_port_wait_begin();
    long got = lunik_files_read(lunik_port_files(), (int)fd, out, size);

    lunik_port_wait_end(mine);
    return got;
}

long lunik_sys_write(long fd, const void *in, unsigned long size)
{
    return lunik_files_write(lunik_port_files(), (int)fd, in, size);
}

/* The file under (fd), if its kind takes many parts as one. */
static struct lunik_file *file_of_vectors(long fd)
{
    struct lunik_file *file = lunik_files_get(lunik_port_files(), (int)fd);

    return file && file->kind->vector ? file : NULL;
}

/* A short part ends the call. What came before an error counts. */
long lunik_sys_readv(long fd, const void *parts, long count)
{
    struct lunik_file *file = file_of_vectors(fd);
    const struct iovec *part = parts;
    long done = 0;

    if (count < 0 || count > IOV_MAX)
        return -EINVAL;
    if (file)
        return file->kind->vector(file, parts, count, false);
    for (long i = 0; i < count; i++) {
        long got;

        if (part[i].iov_len == 0)
            continue;
        got = lunik_sys_read(fd, part[i].iov_base, part[i].iov_len);
        if (got < 0)
            return done ? done : got;
        done += got;
        if ((size_t)got < part[i].iov_len)
            break;
    }
    return done;
}

long lunik_sys_writev(long fd, const void *parts, long count)
{
    struct lunik_file *file = file_of_vectors(fd);
    const struct iovec *part = parts;
    long done = 0;

    if (count < 0 || count > IOV_MAX)
        return -EINVAL;
    if (file)
        return file->kind->vector(file, parts, count, true);
    for (long i = 0; i < count; i++) {
        long put = lunik_sys_write(fd, part[i].iov_base, part[i].iov_len);

        if (put < 0)
            return done ? done : put;
        done += put;
        if ((size_t)put < part[i].iov_len)
            break;
    }
    return done;
}

long lunik_sys_pread(long fd, void *out, unsigned long size, long offset)
{
    return lunik_files_read_at(lunik_port_files(), (int)fd, out, size, offset);
}

long lunik_sys_pwrite(long fd, const void *in, unsigned long size, long offset)
{
    return lunik_files_write_at(lunik_port_files(), (int)fd, in, size, offset);
}

long lunik_sys_lseek(long fd, long offset, long whence)
{
    return lunik_files_seek(lunik_port_files(), (int)fd, offset, (int)whence);
}

/* ---- Descriptors ---- */

long lunik_sys_openat(long dir, const char *path, long flags)
{
    return lunik_files_open(lunik_port_files(), (int)dir, path, (int)flags);
}

long lunik_sys_close(long fd)
{
    return lunik_files_close(lunik_port_files(), (int)fd);
}

long lunik_sys_dup(long fd)
{
    return lunik_files_dup(lunik_port_files(), (int)fd, 0);
}

/* (flags) -1 is dup2(), which allows the same descriptor twice. */
long lunik_sys_dup3(long fd, long to, long flags)
{
    if (fd == to && flags != -1)
        return -EINVAL;
    return lunik_files_dup_to(lunik_port_files(), (int)fd, (int)to);
}

/* Nothing is ever executed, so FD_CLOEXEC is not remembered; nobody else is
 * there, so a lock is always granted. */
long lunik_sys_fcntl(long fd, long command, long arg)
{
    int flags = lunik_files_flags(lunik_port_files(), (int)fd);

    if (flags < 0)
        return flags;
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return lunik_files_dup(lunik_port_files(), (int)fd, (int)arg);
    case F_GETFL:
        return flags;
    case F_SETFL:
        return lunik_files_set_flags(lunik_port_files(), (int)fd, (int)arg);
    case F_GETFD:
    case F_SETFD:
    case F_SETLK:
    case F_SETLKW:
        return 0;
    case F_GETLK:
        ((struct flock *)arg)->l_type = F_UNLCK;
        return 0;
    default:
        return -EINVAL;
    }
}

/* The console is a line, not a terminal with a size. */
long lunik_sys_ioctl(long fd, long request, void *arg)
{
    struct lunik_file *file = lunik_files_get(lunik_port_files(), (int)fd);

    if (!file)
        return -EBADF;
    if (request == FIONBIO) {
        int flags = file->flags & ~O_NONBLOCK;

        return lunik_files_set_flags(lunik_port_files(), (int)fd,
                                     *(int *)arg ? flags | O_NONBLOCK : flags);
    }
    return file->kind->control ? file->kind->control(file, request, arg)
                               : -ENOTTY;
}

long lunik_sys_ftruncate(long fd, long size)
{
    if (size < 0)
        return -EINVAL;
    return lunik_files_truncate(lunik_port_files(), (int)fd, (uint64_t)size);
}

/* ---- What a file is ---- */

static void fill_kstat(const struct lunik_file_stat *in, void *out)
{
    struct kstat *stat = out;

    memset(stat, 0, sizeof(*stat));
    stat->st_dev = in->device;
    stat->st_ino = in->number;
    stat->st_nlink = 1;
    stat->st_mode = in->mode;
    stat->st_size = (off_t)in->size;
    stat->st_blksize = (blksize_t)LUNIK_PAGE_SIZE;
    stat->st_blocks = (blkcnt_t)((in->allocated + 511) / 512);
    stat->st_mtime_sec = (long)(in->changed_ns / LUNIK_NS_PER_S);
    stat->st_mtime_nsec = (long)(in->changed_ns % LUNIK_NS_PER_S);
    stat->st_atime_sec = stat->st_ctime_sec = stat->st_mtime_sec;
    stat->st_atime_nsec = stat->st_ctime_nsec = stat->st_mtime_nsec;
}

long lunik_sys_fstat(long fd, void *out)
{
    struct lunik_file_stat stat;
    int res = lunik_files_stat_fd(lunik_port_files(), (int)fd, &stat);

    if (res == 0)
        fill_kstat(&stat, out);
    return res;
}

long lunik_sys_fstatat(long dir, const char *path, void *out, long flags)
{
    struct lunik_file_stat stat;
    int res;

    if ((flags & AT_EMPTY_PATH) && !*path)
        return lunik_sys_fstat(dir, out);
    res = lunik_files_stat(lunik_port_files(), (int)dir, path, &stat);
    if (res == 0)
        fill_kstat(&stat, out);
    return res;
}

long lunik_sys_faccessat(long dir, const char *path, long mode)
{
    return lunik_files_access(lunik_port_files(), (int)dir, path, (int)mode);
}

int faccessat(int dir, const char *path, int mode, int flags)
{
    if (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW))
        return (int)__syscall_ret((unsigned long)-EINVAL);
    return (int)__syscall_ret(
        (unsigned long)lunik_sys_faccessat(dir, path, mode));
}

/* There are no links. */
long lunik_sys_readlinkat(long dir, const char *path)
{
    struct lunik_file_stat stat;
    int res = lunik_files_stat(lunik_port_files(), (int)dir, path, &stat);

    return res < 0 ? res : -EINVAL;
}

/* Times are when a file was last written, and cannot be set. */
long lunik_sys_utimensat(long dir, const char *path, const void *times)
{
    struct lunik_file_stat stat;

    (void)times;
    if (!path)
        return lunik_files_stat_fd(lunik_port_files(), (int)dir, &stat);
    return lunik_files_stat(lunik_port_files(), (int)dir, path, &stat);
}

/* ---- The tree ---- */

long lunik_sys_mkdirat(long dir, const char *path)
{
    return lunik_files_mkdir(lunik_port_files(), (int)dir, path);
}

long lunik_sys_unlinkat(long dir, const char *path, long flags)
{
    return lunik_files_remove(lunik_port_files(), (int)dir, path,
                              flags & AT_REMOVEDIR);
}

long lunik_sys_renameat(long from_dir, const char *from, long to_dir,
                        const char *to)
{
    return lunik_files_rename(lunik_port_files(), (int)from_dir, from,
                              (int)to_dir, to);
}

long lunik_sys_truncate(const char *path, long size)
{
    if (size < 0)
        return -EINVAL;
    return lunik_files_truncate_path(lunik_port_files(), path, (uint64_t)size);
}

long lunik_sys_chdir(const char *path)
{
    return lunik_files_chdir(lunik_port_files(), LUNIK_FILES_CWD, path);
}

long lunik_sys_fchdir(long fd)
{
    return lunik_files_chdir(lunik_port_files(), (int)fd, ".");
}

/* As Linux: the bytes with the NUL. */
long lunik_sys_getcwd(char *out, unsigned long size)
{
    const char *cwd = lunik_port_files()->cwd;
    size_t len = strlen(cwd);

    if (size < len + 2)
        return -ERANGE;
    out[0] = '/';
    memcpy(out + 1, cwd, len + 1);
    return (long)(len + 2);
}

struct listing {
    char *out;
    size_t size, used;
    bool is_full;
};

static bool put_entry(const struct lunik_file_entry *entry, void *arg)
{
    struct listing *list = arg;
    size_t size = offsetof(struct dirent, d_name) + entry->name_len + 1;
    struct dirent *out = (struct dirent *)(list->out + list->used);

    size = (size + 7) & ~(size_t)7;
    if (size > list->size - list->used) {
        list->is_full = true;
        return false;
    }
    memset(out, 0, size);
    out->d_ino = entry->number;
    out->d_off = (off_t)entry->next;
    out->d_reclen = (unsigned short)size;
    out->d_type = (unsigned char)(entry->mode >> 12);
    memcpy(out->d_name, entry->name, entry->name_len);
    list->used += size;
    return true;
}

long lunik_sys_getdents(long fd, void *out, unsigned long size)
{
    struct listing list = { .out = out, .size = size };
    int res = lunik_files_list(lunik_port_files(), (int)fd, put_entry, &list);

    if (res < 0)
        return res;
    if (list.used == 0 && list.is_full)
        return -EINVAL;
    return (long)list.used;
}
