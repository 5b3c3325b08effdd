/* SPDX-License-Identifier: MIT */
/*
 * fuzz_files.c: any order of calls on files, against a flat model of one file's
 * bytes, and against what must always hold: the bound, and that closing and
 * removing everything gives everything back.
 *
 * Each call is three bytes: which, on what, how much.
 */
#include "core.h"
#include "files.h"
#include "platform.h"
#include <errno.h>
#include <fcntl.h>
#include <lunik/mem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIMIT ((size_t)96 * 1024)
#define MODEL_MAX ((size_t)80 * 1024)
#define CWD LUNIK_FILES_CWD

static const char *const paths[] = {
    "/tmp/m",     "/tmp/a", "/tmp/a/b",  "/tmp/a/../m",
    "/tmp/a/b/c", "/tmp/d", "/tmp/d/",   "/tmp/d/e",
    "/tmp",       "/",      "/dev/null", "/dev/zero",
    "/dev/none",  "/none",  "m",         "../tmp/m",
};
#define PATH_COUNT (sizeof(paths) / sizeof(*paths))

static struct lunik_files files;

/* The file that the descriptor below names, which nothing else writes to. */
static uint8_t model[MODEL_MAX];
static size_t model_size;
static int model_fd;

static void must(bool is_so, const char *what)
{
    if (is_so)
        return;
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

static void model_write(size_t at, size_t size, uint8_t with)
{
    static uint8_t block[8192];
    long put;

    if (size > sizeof(block))
        size = sizeof(block);
    memset(block, with, size);
    put = lunik_files_write_at(&files, model_fd, block, size, (int64_t)at);
    must(put <= (long)size, "no more is written than was given");
    if (put <= 0) {
        must(put == 0 || put == -ENOSPC || put == -EFBIG, "why it failed");
        return;
    }
    must(at + (size_t)put <= MODEL_MAX, "the model is as long as can be");
    if (at > model_size)
        memset(model + model_size, 0, at - model_size);
    memset(model + at, with, (size_t)put);
    if (at + (size_t)put > model_size)
        model_size = at + (size_t)put;
}

static void model_truncate(size_t to)
{
    if (lunik_files_truncate(&files, model_fd, to) < 0)
        return;
    if (to > model_size)
        memset(model + model_size, 0, to - model_size);
    model_size = to;
}

static void model_compare(void)
{
    static uint8_t out[MODEL_MAX + 1];
    struct lunik_file_stat stat;
    long got = lunik_files_read_at(&files, model_fd, out, sizeof(out), 0);

    must(got == (long)model_size, "the size that was written");
    must(memcmp(out, model, model_size) == 0, "the bytes that were written");
    must(lunik_files_stat_fd(&files, model_fd, &stat) == 0, "stat");
    must(stat.size == model_size, "the size that stat tells");
}

static bool count_name(const struct lunik_file_entry *entry, void *arg)
{
    must(entry->name_len > 0, "an entry has a name");
    must(memchr(entry->name, '/', entry->name_len) == NULL, "one name");
    return ++*(unsigned *)arg < 1000;
}

static void list(const char *path)
{
    unsigned count = 0;
    int fd = lunik_files_open(&files, CWD, path, O_RDONLY | O_DIRECTORY);

    if (fd < 0)
        return;
    must(lunik_files_list(&files, fd, count_name, &count) == 0, "it lists");
    must(count >= 2 && count < 1000, "a list has an end");
    must(lunik_files_close(&files, fd) == 0, "it closes");
}

/* Calls whose result is any; they must only leave things as they should be. */
static void call(uint8_t which, uint8_t on, uint8_t how_much)
{
    const char *path = paths[on % PATH_COUNT];
    const char *other = paths[how_much % PATH_COUNT];
    static uint8_t block[4096];
    struct lunik_file_stat stat;
    int64_t result = 0;

    switch (which % 13) {
    case 0:
        model_write((size_t)on * 256, (size_t)how_much * 64, how_much);
        break;
    case 1:
        model_truncate((size_t)on * 256 + how_much);
        break;
    case 2:
        result =
            lunik_files_open(&files, CWD, path,
                             O_RDWR | O_CREAT | (how_much & 1 ? O_APPEND : 0) |
                                 (how_much & 2 ? O_EXCL : 0));
        break;
    case 3:
        if (on != (uint8_t)model_fd)
            result = lunik_files_close(&files, on);
        break;
    case 4:
        if (on != (uint8_t)model_fd && on > 2)
            result = lunik_files_write(&files, on, block, how_much * 16u);
        break;
    case 5:
        if (on > 2)
            result = lunik_files_read(&files, on, block, how_much * 16u);
        break;
    case 6:
        result = lunik_files_mkdir(&files, CWD, path);
        break;
    case 7:
        result = lunik_files_remove(&files, CWD, path, how_much & 1);
        break;
    case 8:
        result = lunik_files_rename(&files, CWD, path, CWD, other);
        break;
    case 9:
        result = lunik_files_stat(&files, CWD, path, &stat);
        break;
    case 10:
        if (how_much != model_fd && on > 2) /* not the console */
            result = lunik_files_dup_to(&files, on, how_much);
        break;
    case 11:
        list(path);
        break;
    default:
        result = lunik_files_chdir(&files, CWD, path);
        break;
    }
    must(result > -4096, "an error is an errno");
    must(files.tmp.used <= files.tmp.limit, "the bound holds");
}

static void start_once(void)
{
    static bool is_started;

    if (is_started)
        return;
    is_started = true;
    platform_init_early();
    lunik_mem_init();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct lunik_archive empty;

    start_once();
    lunik_files_init(&files, &empty, LIMIT);
    model_size = 0;
    /* Without a name: no other call reaches it. */
    model_fd = lunik_files_open(&files, CWD, "/tmp/model", O_RDWR | O_CREAT);
    must(model_fd == 3, "the first descriptor after the console's");
    must(lunik_files_remove(&files, CWD, "/tmp/model", false) == 0, "it goes");
    for (; size >= 3; data += 3, size -= 3) {
        uint8_t on = data[1];

        /* Another name of the model's descriptor would write behind it. */
        if (data[0] % 13 == 10 && on == model_fd)
            continue;
        call(data[0], on, data[2]);
    }
    model_compare();
    lunik_files_fini(&files);
    must(files.tmp.used == 0, "all is given back");
    return 0;
}
