/* SPDX-License-Identifier: MIT */
/* paths.c: what a path names, and all that is done by path. */
#include "paths.h"
#include <errno.h>
#include <fcntl.h>
#include <lunik/mem.h>
#include <lunik/time.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Resolving ---- */

/* Appends one name. ".." takes one away; there are no links to follow. */
static int append(struct lunik_path *path, const char *name, size_t len)
{
    if (len == 1 && name[0] == '.')
        return 0;
    if (len == 2 && name[0] == '.' && name[1] == '.') {
        while (path->len > 0 && path->text[path->len - 1] != '/')
            path->len--;
        if (path->len > 0)
            path->len--;
        path->text[path->len] = '\0';
        return 0;
    }
    if (path->len + 1 + len >= LUNIK_FILES_PATH_MAX)
        return -ENAMETOOLONG;
    if (path->len > 0)
        path->text[path->len++] = '/';
    memcpy(path->text + path->len, name, len);
    path->len += len;
    path->text[path->len] = '\0';
    return 0;
}

static int start_at(struct lunik_files *files, int dir, struct lunik_path *out)
{
    const char *from = files->cwd;

    if (dir != LUNIK_FILES_CWD) {
        const struct lunik_file *file = lunik_files_get(files, dir);

        if (!file)
            return -EBADF;
        from = file->path;
        if (!from)
            return -ENOTDIR;
    }
    out->len = strlen(from);
    memcpy(out->text, from, out->len + 1);
    return 0;
}

int lunik_path_resolve(struct lunik_files *files, int dir, const char *path,
                       struct lunik_path *out)
{
    int res;

    out->len = 0;
    out->text[0] = '\0';
    out->is_folder = false;
    if (!*path)
        return -ENOENT;
    if (*path != '/') {
        res = start_at(files, dir, out);
        if (res < 0)
            return res;
    }
    while (*path) {
        size_t len = strcspn(path, "/");

        if (len > 0) {
            struct lunik_place place;

            /* Only a folder has a "." or a "..". */
            if (path[0] == '.' && out->len > 0) {
                res = lunik_path_find(files, out, &place);
                if (res == 0 && !S_ISDIR(place.mode) &&
                    (len == 1 || (len == 2 && path[1] == '.')))
                    return -ENOTDIR;
                if (res < 0 && (len == 1 || (len == 2 && path[1] == '.')))
                    return res;
            }
            res = append(out, path, len);
            if (res < 0)
                return res;
        }
        path += len;
        out->is_folder = *path == '/';
        path += strspn(path, "/");
    }
    return 0;
}

/* ---- The three places ---- */

static const struct {
    const char *name;
    const struct lunik_file_kind *kind;
} devices[] = {
    { "console", &lunik_file_console }, { "null", &lunik_file_null },
    { "random", &lunik_file_random },   { "tty", &lunik_file_console },
    { "urandom", &lunik_file_random },  { "zero", &lunik_file_zero },
};
#define DEVICE_COUNT (sizeof(devices) / sizeof(devices[0]))

const char *lunik_path_device(size_t index)
{
    return index < DEVICE_COUNT ? devices[index].name : NULL;
}

/* The part of (path) below (folder); NULL if it is elsewhere. */
static const char *below(const char *path, const char *folder)
{
    size_t len = strlen(folder);

    if (strncmp(path, folder, len) != 0)
        return NULL;
    if (path[len] == '/')
        return path + len + 1;
    return path[len] == '\0' ? path + len : NULL;
}

static int find_device(const char *name, struct lunik_place *out)
{
    if (!*name) {
        out->kind = &lunik_file_folder;
        out->mode = S_IFDIR | 0555;
        return 0;
    }
    for (size_t i = 0; i < DEVICE_COUNT; i++) {
        if (strcmp(devices[i].name, name) != 0)
            continue;
        out->kind = devices[i].kind;
        out->mode = S_IFCHR | 0666;
        out->number = i + 1;
        return 0;
    }
    return -ENOENT;
}

static bool has_files_below(const struct lunik_archive *archive,
                            const struct lunik_path *path)
{
    char text[LUNIK_FILES_PATH_MAX + 1];
    struct lunik_archive_file file;
    uint32_t at;

    if (path->len == 0)
        return true;
    memcpy(text, path->text, path->len);
    text[path->len] = '/';
    at = lunik_archive_lower_bound(archive, text, path->len + 1);
    if (at >= archive->count)
        return false;
    lunik_archive_get(archive, at, &file);
    return file.path_len > path->len &&
           memcmp(file.path, text, path->len + 1) == 0;
}

static int find_sealed(const struct lunik_archive *archive,
                       const struct lunik_path *path, struct lunik_place *out)
{
    struct lunik_archive_file above;

    if (lunik_archive_find(archive, path->text, path->len, &out->sealed)) {
        out->kind = &lunik_file_sealed;
        out->mode = S_IFREG | 0444;
        out->number =
            lunik_archive_lower_bound(archive, path->text, path->len) + 1;
        return 0;
    }
    if (has_files_below(archive, path)) {
        out->kind = &lunik_file_folder;
        out->mode = S_IFDIR | 0555;
        return 0;
    }
    for (size_t i = 1; i < path->len; i++)
        if (path->text[i] == '/' &&
            lunik_archive_find(archive, path->text, i, &above))
            return -ENOTDIR;
    return -ENOENT;
}

int lunik_path_find(struct lunik_files *files, const struct lunik_path *path,
                    struct lunik_place *out)
{
    const char *rest;
    int res;

    memset(out, 0, sizeof(*out));
    rest = below(path->text, "tmp");
    if (rest) {
        out->tmp_path = rest;
        res = lunik_tmpfs_find(&files->tmp, rest, &out->node);
        if (res < 0)
            return res;
        out->kind =
            out->node->is_folder ? &lunik_file_tmp_folder : &lunik_file_tmp;
        out->mode = out->node->is_folder ? S_IFDIR | 0755 : S_IFREG | 0644;
        out->number = out->node->number;
    } else {
        rest = below(path->text, "dev");
        res = rest ? find_device(rest, out)
                   : find_sealed(files->archive, path, out);
        if (res < 0)
            return res;
    }
    return path->is_folder && !S_ISDIR(out->mode) ? -ENOTDIR : 0;
}

static int look_up(struct lunik_files *files, int dir, const char *text,
                   struct lunik_path *path, struct lunik_place *place)
{
    int res = lunik_path_resolve(files, dir, text, path);

    memset(place, 0, sizeof(*place));
    return res < 0 ? res : lunik_path_find(files, path, place);
}

/* ---- Opening ---- */

static int may_open(const struct lunik_place *place, int flags)
{
    bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);

    if ((flags & O_CREAT) && (flags & O_EXCL))
        return -EEXIST;
    if ((flags & O_DIRECTORY) && !S_ISDIR(place->mode))
        return -ENOTDIR;
    if (S_ISDIR(place->mode) && (writes || (flags & O_CREAT)))
        return -EISDIR;
    if (place->kind == &lunik_file_sealed && writes)
        return -EROFS;
    return 0;
}

static int make_file(struct lunik_files *files, const struct lunik_path *path,
                     const struct lunik_place *place, int flags)
{
    struct lunik_file *file = lunik_mem_alloc_zeroed(1, sizeof(*file));
    int fd;

    if (!file)
        return -ENOMEM;
    file->kind = place->kind;
    file->flags = flags & (O_ACCMODE | O_APPEND | O_NONBLOCK);
    file->sealed = place->sealed;
    file->number = place->number;
    fd = -ENOMEM;
    if (S_ISDIR(place->mode)) {
        file->path = lunik_mem_alloc(path->len + 1);
        if (!file->path)
            goto free_file;
        memcpy(file->path, path->text, path->len + 1);
    }
    fd = lunik_files_install(files, file);
    if (fd < 0)
        goto free_path;
    if (place->node) {
        lunik_tmpfs_open(place->node);
        file->node = place->node;
    }
    return fd;

free_path:
    lunik_mem_free(file->path);
free_file:
    lunik_mem_free(file);
    return fd;
}

int lunik_files_open(struct lunik_files *files, int dir, const char *text,
                     int flags)
{
    struct lunik_path path;
    struct lunik_place place;
    int res = look_up(files, dir, text, &path, &place);
    int fd;

    if (res == 0) {
        res = may_open(&place, flags);
    } else if (res == -ENOENT && (flags & O_CREAT) && *text) {
        if (!place.tmp_path)
            return -EROFS;
        if (path.is_folder)
            return -EISDIR;
        res = lunik_tmpfs_create(&files->tmp, place.tmp_path, false,
                                 lunik_time_wall_ns(), &place.node);
        place.kind = &lunik_file_tmp;
        place.mode = S_IFREG;
        flags &= ~O_TRUNC;
    }
    if (res < 0)
        return res;
    fd = make_file(files, &path, &place, flags);
    if (fd >= 0 && (flags & O_TRUNC) && place.kind == &lunik_file_tmp) {
        res = lunik_tmpfs_truncate(&files->tmp, place.node, 0,
                                   lunik_time_wall_ns());
        return res < 0 ? res : fd;
    }
    return fd;
}

/* ---- The rest ---- */

int lunik_files_stat(struct lunik_files *files, int dir, const char *text,
                     struct lunik_file_stat *out)
{
    struct lunik_path path;
    struct lunik_place place;
    struct lunik_file file;
    int res = look_up(files, dir, text, &path, &place);

    if (res < 0)
        return res;
    memset(&file, 0, sizeof(file));
    file.kind = place.kind;
    file.sealed = place.sealed;
    file.number = place.number;
    file.node = place.node;
    lunik_file_get_stat(&file, out);
    return 0;
}

int lunik_files_access(struct lunik_files *files, int dir, const char *text,
                       int mode)
{
    struct lunik_path path;
    struct lunik_place place;
    int res = look_up(files, dir, text, &path, &place);

    if (res < 0)
        return res;
    if ((mode & W_OK) && (place.mode & 0222) == 0)
        return -EROFS;
    if ((mode & X_OK) && !S_ISDIR(place.mode))
        return -EACCES;
    return 0;
}

int lunik_files_mkdir(struct lunik_files *files, int dir, const char *text)
{
    struct lunik_path path;
    struct lunik_place place;
    int res = look_up(files, dir, text, &path, &place);

    if (res == 0)
        return -EEXIST;
    if (res != -ENOENT || !*text)
        return res;
    if (!place.tmp_path)
        return -EROFS;
    return lunik_tmpfs_create(&files->tmp, place.tmp_path, true,
                              lunik_time_wall_ns(), &place.node);
}

int lunik_files_remove(struct lunik_files *files, int dir, const char *text,
                       bool is_folder)
{
    struct lunik_path path;
    struct lunik_place place;
    int res = look_up(files, dir, text, &path, &place);

    if (res < 0)
        return res;
    if (!place.tmp_path)
        return -EROFS;
    return lunik_tmpfs_remove(&files->tmp, place.tmp_path, is_folder);
}

int lunik_files_rename(struct lunik_files *files, int from_dir,
                       const char *from, int to_dir, const char *to)
{
    struct lunik_path from_path, to_path;
    struct lunik_place from_place, to_place;
    int res = look_up(files, from_dir, from, &from_path, &from_place);

    if (res < 0)
        return res;
    res = look_up(files, to_dir, to, &to_path, &to_place);
    if (res < 0 && res != -ENOENT)
        return res;
    if (res == -ENOENT && !*to)
        return res;
    if (!from_place.tmp_path || !to_place.tmp_path)
        return !from_place.tmp_path == !to_place.tmp_path ? -EROFS : -EXDEV;
    if (to_path.is_folder && !S_ISDIR(from_place.mode))
        return -ENOTDIR;
    return lunik_tmpfs_rename(&files->tmp, from_place.tmp_path,
                              to_place.tmp_path);
}

int lunik_files_truncate_path(struct lunik_files *files, const char *text,
                              uint64_t size)
{
    struct lunik_path path;
    struct lunik_place place;
    int res = look_up(files, LUNIK_FILES_CWD, text, &path, &place);

    if (res < 0)
        return res;
    if (S_ISDIR(place.mode))
        return -EISDIR;
    if (place.kind == &lunik_file_sealed)
        return -EROFS;
    if (!place.node)
        return -EINVAL;
    return lunik_tmpfs_truncate(&files->tmp, place.node, size,
                                lunik_time_wall_ns());
}

int lunik_files_chdir(struct lunik_files *files, int dir, const char *text)
{
    struct lunik_path path;
    struct lunik_place place;
    int res = look_up(files, dir, text, &path, &place);

    if (res < 0)
        return res;
    if (!S_ISDIR(place.mode))
        return -ENOTDIR;
    memcpy(files->cwd, path.text, path.len + 1);
    return 0;
}
