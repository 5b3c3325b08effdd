/* SPDX-License-Identifier: MIT */
/* test_files.c: descriptors and paths over the three places. */
#define TEST_ON_FIBER
#include "archive_bytes.h"
#include "files.h"
#include "test.h"
#include <errno.h>
#include <fcntl.h>
#include <lunik/mem.h>
#include <sys/stat.h>

#define LIMIT ((size_t)1 << 20)
#define CWD LUNIK_FILES_CWD

static struct lunik_files files;
static struct lunik_archive archive;
static uint8_t archive_bytes[4096];

/* In bytewise order, as an archive has to be. */
static const struct archive_file sealed[] = {
    { "dev/hidden", "x" },     { "lib-x.lua", "return 1" },
    { "lib.lua", "return 2" }, { "lib/a.lua", "return 'a'" },
    { "lib/b/c.lua", "c" },    { "lib/b/d.lua", "d" },
    { "lib/z.lua", "z" },      { "main.lua", "print 'hello'\n" },
};

static void begin(void)
{
    size_t size = archive_write(archive_bytes, sizeof(archive_bytes), sealed,
                                sizeof(sealed) / sizeof(*sealed));

    CHECK_EQ(lunik_archive_open(archive_bytes, size, &archive), LUNIK_OK);
    lunik_files_init(&files, &archive, LIMIT);
}

static void end(void)
{
    lunik_files_fini(&files);
    CHECK_EQ(files.tmp.used, 0);
}

static int open_at(const char *path, int flags)
{
    return lunik_files_open(&files, CWD, path, flags);
}

static void close_fd(int fd)
{
    CHECK_EQ(lunik_files_close(&files, fd), 0);
}

/* Writes (text) into a new file at (path). */
static void put(const char *path, const char *text)
{
    int fd = open_at(path, O_WRONLY | O_CREAT | O_TRUNC);
    size_t size = strlen(text);

    CHECK(fd >= 0);
    CHECK_EQ(lunik_files_write(&files, fd, text, size), size);
    close_fd(fd);
}

/* All of a file as text, or "error N". */
static const char *get(const char *path)
{
    static char text[256];
    int fd = open_at(path, O_RDONLY);
    long size;

    if (fd < 0) {
        snprintf(text, sizeof(text), "error %d", -fd);
        return text;
    }
    size = lunik_files_read(&files, fd, text, sizeof(text) - 1);
    CHECK(size >= 0);
    text[size > 0 ? size : 0] = '\0';
    close_fd(fd);
    return text;
}

static bool take_name(const struct lunik_file_entry *entry, void *arg)
{
    char *out = arg;
    size_t len = strlen(out);

    snprintf(out + len, 512 - len, "%.*s%s ", (int)entry->name_len, entry->name,
             S_ISDIR(entry->mode) ? "/" : "");
    return true;
}

/* The names in a folder, in order, each followed by a blank. */
static const char *list(const char *path)
{
    static char names[512];
    int fd = open_at(path, O_RDONLY | O_DIRECTORY);

    names[0] = '\0';
    if (fd < 0) {
        snprintf(names, sizeof(names), "error %d", -fd);
        return names;
    }
    CHECK_EQ(lunik_files_list(&files, fd, take_name, names), 0);
    close_fd(fd);
    return names;
}

TEST(a_sealed_file_reads_as_it_was_sealed)
{
    begin();
    CHECK_STR_EQ(get("/main.lua"), "print 'hello'\n");
    CHECK_STR_EQ(get("main.lua"), "print 'hello'\n");
    CHECK_STR_EQ(get("//lib/./b/../a.lua"), "return 'a'");
    CHECK_EQ(open_at("/nope", O_RDONLY), -ENOENT);
    CHECK_EQ(open_at("/main.lua/x", O_RDONLY), -ENOTDIR);
    CHECK_EQ(open_at("/main.lua/", O_RDONLY), -ENOTDIR);
    CHECK_EQ(open_at("/main.lua/..", O_RDONLY), -ENOTDIR);
    CHECK_EQ(open_at("/nope/../main.lua", O_RDONLY), -ENOENT);
    CHECK_EQ(open_at("", O_RDONLY), -ENOENT);
    CHECK_STR_EQ(get("/../../main.lua"), "print 'hello'\n");
    end();
}

TEST(the_sealed_tree_cannot_be_written)
{
    begin();
    CHECK_EQ(open_at("/main.lua", O_WRONLY), -EROFS);
    CHECK_EQ(open_at("/main.lua", O_RDWR), -EROFS);
    CHECK_EQ(open_at("/main.lua", O_RDONLY | O_TRUNC), -EROFS);
    CHECK_EQ(open_at("/new", O_WRONLY | O_CREAT), -EROFS);
    CHECK_EQ(lunik_files_remove(&files, CWD, "/main.lua", false), -EROFS);
    CHECK_EQ(lunik_files_mkdir(&files, CWD, "/d"), -EROFS);
    CHECK_EQ(lunik_files_mkdir(&files, CWD, "/lib"), -EEXIST);
    CHECK_EQ(lunik_files_truncate_path(&files, "/main.lua", 0), -EROFS);
    CHECK_EQ(lunik_files_rename(&files, CWD, "/main.lua", CWD, "/m"), -EROFS);
    CHECK_EQ(lunik_files_access(&files, CWD, "/main.lua", 2), -EROFS);
    CHECK_EQ(lunik_files_access(&files, CWD, "/main.lua", 4), 0);
    CHECK_EQ(lunik_files_access(&files, CWD, "/main.lua", 1), -EACCES);
    end();
}

TEST(folders_list_what_is_in_them_once)
{
    begin();
    CHECK_STR_EQ(list("/"),
                 "./ ../ lib-x.lua lib.lua lib/ main.lua dev/ tmp/ ");
    CHECK_STR_EQ(list("/lib"), "./ ../ a.lua b/ z.lua ");
    CHECK_STR_EQ(list("/lib/b/"), "./ ../ c.lua d.lua ");
    CHECK_STR_EQ(list("/tmp"), "./ ../ ");
    CHECK_STR_EQ(list("/dev"), "./ ../ console null random tty urandom zero ");
    CHECK_STR_EQ(list("/main.lua"), "error 20");
    CHECK_STR_EQ(list("/li"), "error 2");
    end();
}

static bool take_one(const struct lunik_file_entry *entry, void *arg)
{
    char *out = arg;

    if (*out)
        return false;
    return take_name(entry, arg);
}

TEST(a_list_goes_on_where_it_stopped)
{
    char names[512];
    int fd;

    begin();
    fd = open_at("/lib", O_RDONLY);
    for (int i = 0; i < 5; i++) {
        static const char *const wanted[] = { "./ ", "../ ", "a.lua ", "b/ ",
                                              "z.lua " };

        names[0] = '\0';
        CHECK_EQ(lunik_files_list(&files, fd, take_one, names), 0);
        CHECK_STR_EQ(names, wanted[i]);
    }
    names[0] = '\0';
    CHECK_EQ(lunik_files_list(&files, fd, take_one, names), 0);
    CHECK_STR_EQ(names, "");
    CHECK_EQ(lunik_files_seek(&files, fd, 0, SEEK_SET), 0);
    CHECK_EQ(lunik_files_list(&files, fd, take_one, names), 0);
    CHECK_STR_EQ(names, "./ ");
    close_fd(fd);
    end();
}

TEST(a_file_in_tmp_keeps_what_was_written)
{
    int fd;

    begin();
    put("/tmp/a", "one");
    CHECK_STR_EQ(get("/tmp/a"), "one");
    put("/tmp/a", "x");
    CHECK_STR_EQ(get("/tmp/a"), "x");
    fd = open_at("/tmp/a", O_WRONLY | O_APPEND);
    CHECK_EQ(lunik_files_seek(&files, fd, 0, SEEK_SET), 0);
    CHECK_EQ(lunik_files_write(&files, fd, "yz", 2), 2);
    close_fd(fd);
    CHECK_STR_EQ(get("/tmp/a"), "xyz");
    CHECK_EQ(open_at("/tmp/a", O_WRONLY | O_CREAT | O_EXCL), -EEXIST);
    CHECK_EQ(open_at("/tmp/no/a", O_WRONLY | O_CREAT), -ENOENT);
    CHECK_EQ(open_at("/tmp/a/b", O_WRONLY | O_CREAT), -ENOTDIR);
    CHECK_EQ(open_at("/tmp/b/", O_WRONLY | O_CREAT), -EISDIR);
    CHECK_EQ(open_at("/tmp", O_WRONLY), -EISDIR);
    CHECK_EQ(lunik_files_remove(&files, CWD, "/tmp/a", false), 0);
    CHECK_STR_EQ(get("/tmp/a"), "error 2");
    end();
}

TEST(a_descriptor_reads_and_writes_only_as_it_was_opened)
{
    char byte;
    int fd;

    begin();
    put("/tmp/a", "text");
    fd = open_at("/tmp/a", O_RDONLY);
    CHECK_EQ(lunik_files_write(&files, fd, "x", 1), -EBADF);
    CHECK_EQ(lunik_files_truncate(&files, fd, 0), -EINVAL);
    close_fd(fd);
    fd = open_at("/tmp/a", O_WRONLY);
    CHECK_EQ(lunik_files_read(&files, fd, &byte, 1), -EBADF);
    CHECK_EQ(lunik_files_truncate(&files, fd, 2), 0);
    close_fd(fd);
    CHECK_STR_EQ(get("/tmp/a"), "te");
    fd = open_at("/tmp", O_RDONLY);
    CHECK_EQ(lunik_files_read(&files, fd, &byte, 1), -EISDIR);
    close_fd(fd);
    CHECK_EQ(lunik_files_read(&files, fd, &byte, 1), -EBADF);
    CHECK_EQ(lunik_files_read(&files, -1, &byte, 1), -EBADF);
    CHECK_EQ(lunik_files_read(&files, LUNIK_FILES_MAX, &byte, 1), -EBADF);
    CHECK_EQ(lunik_files_close(&files, fd), -EBADF);
    end();
}

TEST(seeking_stays_at_or_after_the_start)
{
    char text[4] = { 0 };
    int fd;

    begin();
    fd = open_at("/main.lua", O_RDONLY);
    CHECK_EQ(lunik_files_seek(&files, fd, -1, SEEK_END), 13);
    CHECK_EQ(lunik_files_read(&files, fd, text, 3), 1);
    CHECK_STR_EQ(text, "\n");
    CHECK_EQ(lunik_files_seek(&files, fd, -100, SEEK_CUR), -EINVAL);
    CHECK_EQ(lunik_files_seek(&files, fd, 0, SEEK_CUR), 14);
    CHECK_EQ(lunik_files_seek(&files, fd, INT64_MAX, SEEK_CUR), -EOVERFLOW);
    CHECK_EQ(lunik_files_seek(&files, fd, 0, 7), -EINVAL);
    CHECK_EQ(lunik_files_read_at(&files, fd, text, 3, 0), 3);
    CHECK_STR_EQ(text, "pri");
    CHECK_EQ(lunik_files_read_at(&files, fd, text, 3, -1), -EINVAL);
    CHECK_EQ(lunik_files_seek(&files, fd, 0, SEEK_CUR), 14);
    CHECK_EQ(lunik_files_seek(&files, 1, 0, SEEK_CUR), -ESPIPE);
    close_fd(fd);
    end();
}

TEST(two_names_of_a_descriptor_share_one_place)
{
    char text[4] = { 0 };
    int fd, other;

    begin();
    fd = open_at("/main.lua", O_RDONLY);
    CHECK_EQ(fd, 3);
    other = lunik_files_dup(&files, fd, 10);
    CHECK_EQ(other, 10);
    CHECK_EQ(lunik_files_read(&files, fd, text, 3), 3);
    CHECK_EQ(lunik_files_read(&files, other, text, 3), 3);
    CHECK_STR_EQ(text, "nt ");
    close_fd(fd);
    CHECK_EQ(lunik_files_read(&files, other, text, 3), 3);
    CHECK_EQ(lunik_files_dup_to(&files, other, 1), 1);
    CHECK_EQ(lunik_files_dup_to(&files, other, other), other);
    CHECK_EQ(lunik_files_dup_to(&files, other, LUNIK_FILES_MAX), -EBADF);
    CHECK_EQ(lunik_files_dup(&files, other, -1), -EINVAL);
    end();
}

TEST(the_table_of_descriptors_has_a_bound)
{
    int fd = 0;

    begin();
    for (int i = 3; i < LUNIK_FILES_MAX; i++)
        fd = open_at("/main.lua", O_RDONLY);
    CHECK_EQ(fd, LUNIK_FILES_MAX - 1);
    CHECK_EQ(open_at("/main.lua", O_RDONLY), -EMFILE);
    CHECK_EQ(open_at("/tmp", O_RDONLY), -EMFILE);
    CHECK_EQ(lunik_files_dup(&files, 3, 0), -EMFILE);
    close_fd(77);
    CHECK_EQ(open_at("/main.lua", O_RDONLY), 77);
    end();
}

TEST(devices_do_what_their_names_say)
{
    uint8_t bytes[64], zeros[64] = { 0 };
    int fd;

    begin();
    fd = open_at("/dev/zero", O_RDWR);
    memset(bytes, 1, sizeof(bytes));
    CHECK_EQ(lunik_files_read(&files, fd, bytes, 64), 64);
    CHECK_MEM_EQ(bytes, zeros, 64);
    CHECK_EQ(lunik_files_write(&files, fd, bytes, 64), 64);
    close_fd(fd);
    fd = open_at("/dev/null", O_RDWR);
    CHECK_EQ(lunik_files_read(&files, fd, bytes, 64), 0);
    CHECK_EQ(lunik_files_write(&files, fd, bytes, 64), 64);
    close_fd(fd);
    CHECK_EQ(open_at("/dev/hidden", O_RDONLY), -ENOENT);
    CHECK_EQ(open_at("/dev/new", O_WRONLY | O_CREAT), -EROFS);
    CHECK_EQ(open_at("/dev/null", O_WRONLY | O_CREAT | O_TRUNC), 3);
    end();
}

TEST(a_working_folder_is_where_relative_paths_begin)
{
    int fd;

    begin();
    CHECK_EQ(lunik_files_chdir(&files, CWD, "lib/b"), 0);
    CHECK_STR_EQ(files.cwd, "lib/b");
    CHECK_STR_EQ(get("c.lua"), "c");
    CHECK_STR_EQ(get("../a.lua"), "return 'a'");
    CHECK_EQ(lunik_files_chdir(&files, CWD, "../a.lua"), -ENOTDIR);
    CHECK_EQ(lunik_files_chdir(&files, CWD, "../x"), -ENOENT);
    fd = open_at("/lib", O_RDONLY | O_DIRECTORY);
    CHECK_EQ(lunik_files_open(&files, fd, "a.lua", O_RDONLY), fd + 1);
    CHECK_EQ(lunik_files_open(&files, fd + 1, "a.lua", O_RDONLY), -ENOTDIR);
    CHECK_EQ(lunik_files_open(&files, 99, "a.lua", O_RDONLY), -EBADF);
    CHECK_EQ(lunik_files_open(&files, 99, "/main.lua", O_RDONLY), fd + 2);
    CHECK_EQ(lunik_files_chdir(&files, fd, "."), 0);
    CHECK_STR_EQ(files.cwd, "lib");
    end();
}

TEST(files_move_within_tmp_only)
{
    begin();
    put("/tmp/a", "A");
    CHECK_EQ(lunik_files_mkdir(&files, CWD, "/tmp/d"), 0);
    CHECK_EQ(lunik_files_mkdir(&files, CWD, "/tmp/d"), -EEXIST);
    CHECK_EQ(lunik_files_rename(&files, CWD, "/tmp/a", CWD, "/tmp/d/b"), 0);
    CHECK_STR_EQ(get("/tmp/d/b"), "A");
    CHECK_STR_EQ(list("/tmp/d"), "./ ../ b ");
    CHECK_EQ(lunik_files_rename(&files, CWD, "/tmp/d/b", CWD, "/b"), -EXDEV);
    CHECK_EQ(lunik_files_rename(&files, CWD, "/tmp/d/b", CWD, "/tmp/c/"),
             -ENOTDIR);
    CHECK_EQ(lunik_files_rename(&files, CWD, "/main.lua", CWD, "/tmp/m"),
             -EXDEV);
    CHECK_EQ(lunik_files_remove(&files, CWD, "/tmp/d", true), -ENOTEMPTY);
    CHECK_EQ(lunik_files_remove(&files, CWD, "/tmp", true), -ENOTEMPTY);
    CHECK_EQ(lunik_files_remove(&files, CWD, "/tmp/d/b", false), 0);
    CHECK_EQ(lunik_files_remove(&files, CWD, "/tmp/d", true), 0);
    CHECK_EQ(lunik_files_remove(&files, CWD, "/tmp", true), -EBUSY);
    end();
}

TEST(stat_tells_kind_size_and_place)
{
    struct lunik_file_stat stat, other;
    int fd;

    begin();
    CHECK_EQ(lunik_files_stat(&files, CWD, "/main.lua", &stat), 0);
    CHECK_EQ(stat.mode, S_IFREG | 0444);
    CHECK_EQ(stat.size, 14);
    fd = open_at("/main.lua", O_RDONLY);
    CHECK_EQ(lunik_files_stat_fd(&files, fd, &other), 0);
    CHECK_EQ(other.number, stat.number);
    CHECK_EQ(other.device, stat.device);
    close_fd(fd);
    CHECK_EQ(lunik_files_stat(&files, CWD, "/lib/", &stat), 0);
    CHECK_EQ(stat.mode, S_IFDIR | 0555);
    put("/tmp/a", "12345");
    CHECK_EQ(lunik_files_stat(&files, CWD, "/tmp/a", &stat), 0);
    CHECK_EQ(stat.mode, S_IFREG | 0644);
    CHECK_EQ(stat.size, 5);
    CHECK_EQ(stat.allocated, LUNIK_PAGE_SIZE);
    CHECK(stat.changed_ns > 0);
    CHECK_EQ(lunik_files_stat(&files, CWD, "/dev/null", &stat), 0);
    CHECK(S_ISCHR(stat.mode));
    CHECK_EQ(lunik_files_stat_fd(&files, 1, &stat), 0);
    CHECK(S_ISCHR(stat.mode));
    CHECK_EQ(lunik_files_stat(&files, CWD, "/nope", &stat), -ENOENT);
    end();
}

TEST(a_path_that_is_too_long_is_refused)
{
    static char path[2 * LUNIK_FILES_PATH_MAX];

    begin();
    memset(path, 'p', sizeof(path) - 1);
    path[0] = '/';
    CHECK_EQ(open_at(path, O_RDONLY), -ENAMETOOLONG);
    path[LUNIK_FILES_PATH_MAX - 1] = '\0';
    CHECK_EQ(open_at(path, O_RDONLY), -ENOENT);
    /* Short once it is resolved. */
    for (size_t i = 0; i + 4 < sizeof(path); i += 2)
        memcpy(path + i, "./", 3);
    CHECK_EQ(open_at(path, O_RDONLY | O_DIRECTORY), 3);
    end();
}

TEST(a_file_that_is_open_outlives_its_name)
{
    char text[4] = { 0 };
    int fd;

    begin();
    put("/tmp/a", "abc");
    fd = open_at("/tmp/a", O_RDONLY);
    CHECK_EQ(lunik_files_remove(&files, CWD, "/tmp/a", false), 0);
    put("/tmp/a", "new");
    CHECK_EQ(lunik_files_read(&files, fd, text, 3), 3);
    CHECK_STR_EQ(text, "abc");
    close_fd(fd);
    CHECK_STR_EQ(get("/tmp/a"), "new");
    end();
}

TEST(append_and_nonblock_can_be_set_later)
{
    int fd;

    begin();
    put("/tmp/a", "abc");
    fd = open_at("/tmp/a", O_WRONLY);
    CHECK_EQ(lunik_files_flags(&files, fd), O_WRONLY);
    CHECK_EQ(lunik_files_set_flags(&files, fd, O_APPEND), 0);
    CHECK_EQ(lunik_files_flags(&files, fd), O_WRONLY | O_APPEND);
    CHECK_EQ(lunik_files_write(&files, fd, "d", 1), 1);
    CHECK_EQ(lunik_files_set_flags(&files, 99, 0), -EBADF);
    close_fd(fd);
    CHECK_STR_EQ(get("/tmp/a"), "abcd");
    end();
}
