/* SPDX-License-Identifier: MIT */
/* test_tmpfs.c: files in memory: names, bytes, holes and the bound. */
#define TEST_ON_FIBER
#include "test.h"
#include "tmpfs.h"
#include <errno.h>
#include <lunik/mem.h>

#define LIMIT ((size_t)256 * 1024)

static struct lunik_tmpfs fs;

static struct lunik_tmpfs_node *make(const char *path, bool is_folder)
{
    struct lunik_tmpfs_node *node = NULL;

    CHECK_EQ(lunik_tmpfs_create(&fs, path, is_folder, 1, &node), 0);
    return node;
}

static int try_create(const char *path)
{
    struct lunik_tmpfs_node *node;

    return lunik_tmpfs_create(&fs, path, false, 1, &node);
}

static int try_find(const char *path)
{
    struct lunik_tmpfs_node *node;

    return lunik_tmpfs_find(&fs, path, &node);
}

/* Everything that was charged is refunded. */
static void end(void)
{
    lunik_tmpfs_fini(&fs);
    CHECK_EQ(fs.used, 0);
}

TEST(a_new_tree_has_only_its_root)
{
    lunik_tmpfs_init(&fs, LIMIT);
    CHECK_EQ(try_find(""), 0);
    CHECK_EQ(try_find("a"), -ENOENT);
    CHECK_EQ(try_find("a/b"), -ENOENT);
    CHECK(lunik_tmpfs_after(&fs.root, 0) == NULL);
    end();
}

TEST(a_file_is_found_where_it_was_made)
{
    struct lunik_tmpfs_node *node, *found;

    lunik_tmpfs_init(&fs, LIMIT);
    make("d", true);
    node = make("d/f", false);
    CHECK_EQ(lunik_tmpfs_find(&fs, "d/f", &found), 0);
    CHECK(found == node);
    CHECK_EQ(try_create("d/f"), -EEXIST);
    CHECK_EQ(try_create(""), -EEXIST);
    CHECK_EQ(try_create("e/f"), -ENOENT);
    CHECK_EQ(try_create("d/f/g"), -ENOTDIR);
    end();
}

TEST(a_name_of_256_bytes_is_too_long)
{
    char name[LUNIK_TMPFS_NAME_MAX + 2];

    lunik_tmpfs_init(&fs, LIMIT);
    memset(name, 'n', sizeof(name));
    name[LUNIK_TMPFS_NAME_MAX + 1] = '\0';
    CHECK_EQ(try_create(name), -ENAMETOOLONG);
    name[LUNIK_TMPFS_NAME_MAX] = '\0';
    CHECK_EQ(try_create(name), 0);
    CHECK_EQ(try_find(name), 0);
    end();
}

TEST(a_folder_goes_only_when_it_is_empty)
{
    lunik_tmpfs_init(&fs, LIMIT);
    make("d", true);
    make("d/f", false);
    CHECK_EQ(lunik_tmpfs_remove(&fs, "d", true), -ENOTEMPTY);
    CHECK_EQ(lunik_tmpfs_remove(&fs, "d", false), -EISDIR);
    CHECK_EQ(lunik_tmpfs_remove(&fs, "d/f", true), -ENOTDIR);
    CHECK_EQ(lunik_tmpfs_remove(&fs, "d/f", false), 0);
    CHECK_EQ(lunik_tmpfs_remove(&fs, "d", true), 0);
    CHECK_EQ(lunik_tmpfs_remove(&fs, "d", true), -ENOENT);
    CHECK_EQ(lunik_tmpfs_remove(&fs, "", true), -EBUSY);
    CHECK_EQ(fs.used, 0);
    end();
}

TEST(an_open_file_lives_on_without_its_name)
{
    struct lunik_tmpfs_node *node;
    char text[4] = { 0 };

    lunik_tmpfs_init(&fs, LIMIT);
    node = make("f", false);
    lunik_tmpfs_open(node);
    CHECK_EQ(lunik_tmpfs_remove(&fs, "f", false), 0);
    CHECK_EQ(try_find("f"), -ENOENT);
    CHECK_EQ(lunik_tmpfs_write(&fs, node, "abc", 3, 0, 2), 3);
    CHECK_EQ(lunik_tmpfs_read(node, text, 3, 0), 3);
    CHECK_STR_EQ(text, "abc");
    lunik_tmpfs_close(&fs, node);
    CHECK_EQ(fs.used, 0);
    end();
}

TEST(rename_replaces_a_file_and_an_empty_folder_only)
{
    struct lunik_tmpfs_node *node, *found;

    lunik_tmpfs_init(&fs, LIMIT);
    node = make("a", false);
    make("b", false);
    make("d", true);
    make("d/x", false);
    make("e", true);
    CHECK_EQ(lunik_tmpfs_rename(&fs, "a", "b"), 0);
    CHECK_EQ(lunik_tmpfs_find(&fs, "b", &found), 0);
    CHECK(found == node);
    CHECK_EQ(try_find("a"), -ENOENT);
    CHECK_EQ(lunik_tmpfs_rename(&fs, "b", "b"), 0);
    CHECK_EQ(lunik_tmpfs_rename(&fs, "b", "d"), -EISDIR);
    CHECK_EQ(lunik_tmpfs_rename(&fs, "d", "b"), -ENOTDIR);
    CHECK_EQ(lunik_tmpfs_rename(&fs, "e", "d"), -ENOTEMPTY);
    CHECK_EQ(lunik_tmpfs_rename(&fs, "d", "e"), 0);
    CHECK_EQ(try_find("e/x"), 0);
    CHECK_EQ(lunik_tmpfs_rename(&fs, "nope", "f"), -ENOENT);
    CHECK_EQ(lunik_tmpfs_rename(&fs, "b", "nope/f"), -ENOENT);
    CHECK_EQ(lunik_tmpfs_rename(&fs, "", "f"), -EBUSY);
    end();
}

TEST(a_folder_cannot_move_below_itself)
{
    lunik_tmpfs_init(&fs, LIMIT);
    make("a", true);
    make("a/b", true);
    CHECK_EQ(lunik_tmpfs_rename(&fs, "a", "a/b/c"), -EINVAL);
    CHECK_EQ(lunik_tmpfs_rename(&fs, "a", "a/c"), -EINVAL);
    CHECK_EQ(try_find("a/b"), 0);
    end();
}

TEST(bytes_come_back_across_pages)
{
    static uint8_t in[3 * 4096 + 77], out[sizeof(in)];
    struct lunik_tmpfs_node *node;

    lunik_tmpfs_init(&fs, LIMIT);
    node = make("f", false);
    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (uint8_t)(i * 31 + i / 251);
    /* In odd pieces, over the page borders. */
    for (size_t at = 0; at < sizeof(in); at += 777) {
        size_t size = sizeof(in) - at < 777 ? sizeof(in) - at : 777;

        CHECK_EQ(lunik_tmpfs_write(&fs, node, in + at, size, at, 2), size);
    }
    CHECK_EQ(node->size, sizeof(in));
    CHECK_EQ(lunik_tmpfs_read(node, out, sizeof(out), 0), sizeof(out));
    CHECK_MEM_EQ(out, in, sizeof(in));
    CHECK_EQ(lunik_tmpfs_read(node, out, 100, 4090), 100);
    CHECK_MEM_EQ(out, in + 4090, 100);
    CHECK_EQ(lunik_tmpfs_read(node, out, 100, sizeof(in) - 5), 5);
    CHECK_EQ(lunik_tmpfs_read(node, out, 100, sizeof(in)), 0);
    CHECK_EQ(lunik_tmpfs_read(node, out, 100, UINT64_MAX), 0);
    end();
}

TEST(a_hole_takes_no_page_and_reads_as_zeros)
{
    struct lunik_tmpfs_node *node;
    uint8_t out[64], zeros[64] = { 0 };
    size_t before;

    lunik_tmpfs_init(&fs, LIMIT);
    node = make("f", false);
    before = fs.used;
    CHECK_EQ(lunik_tmpfs_write(&fs, node, "x", 1, 100000, 2), 1);
    CHECK_EQ(node->size, 100001);
    CHECK(fs.used - before < 2 * LUNIK_PAGE_SIZE);
    memset(out, 0xff, sizeof(out));
    CHECK_EQ(lunik_tmpfs_read(node, out, sizeof(out), 50000), sizeof(out));
    CHECK_MEM_EQ(out, zeros, sizeof(out));
    end();
}

TEST(what_was_cut_off_does_not_come_back)
{
    struct lunik_tmpfs_node *node;
    char out[10], zeros[10] = { 0 };

    lunik_tmpfs_init(&fs, LIMIT);
    node = make("f", false);
    CHECK_EQ(lunik_tmpfs_write(&fs, node, "0123456789", 10, 4090, 2), 10);
    CHECK_EQ(lunik_tmpfs_truncate(&fs, node, 4092, 3), 0);
    CHECK_EQ(lunik_tmpfs_truncate(&fs, node, 4100, 4), 0);
    CHECK_EQ(node->size, 4100);
    CHECK_EQ(lunik_tmpfs_read(node, out, 10, 4090), 10);
    CHECK_MEM_EQ(out, "01", 2);
    CHECK_MEM_EQ(out + 2, zeros, 8);
    CHECK_EQ(lunik_tmpfs_truncate(&fs, node, 0, 5), 0);
    CHECK_EQ(lunik_tmpfs_read(node, out, 10, 0), 0);
    end();
}

TEST(a_full_tree_says_so_and_keeps_what_it_took)
{
    static uint8_t block[64 * 1024];
    struct lunik_tmpfs_node *node;
    uint64_t at = 0;
    long put;

    lunik_tmpfs_init(&fs, LIMIT);
    node = make("f", false);
    while ((put = lunik_tmpfs_write(&fs, node, block, sizeof(block), at, 2)) >
           0)
        at += (uint64_t)put;
    CHECK_EQ(put, -ENOSPC);
    CHECK(at > LIMIT / 2);
    CHECK(fs.used <= fs.limit);
    CHECK_EQ(node->size, at);
    /* Removing gives all of it back. */
    CHECK_EQ(lunik_tmpfs_remove(&fs, "f", false), 0);
    CHECK_EQ(fs.used, 0);
    end();
}

TEST(names_alone_fill_a_tree)
{
    char name[32];
    int res = 0;
    unsigned count = 0;

    lunik_tmpfs_init(&fs, 16 * 1024);
    while (res == 0 && count < 10000) {
        snprintf(name, sizeof(name), "file%u", count++);
        res = try_create(name);
    }
    CHECK_EQ(res, -ENOSPC);
    CHECK(fs.used <= fs.limit);
    end();
}

TEST(no_file_is_longer_than_the_bound)
{
    struct lunik_tmpfs_node *node;

    lunik_tmpfs_init(&fs, LIMIT);
    node = make("f", false);
    CHECK_EQ(lunik_tmpfs_write(&fs, node, "x", 1, LIMIT, 2), -EFBIG);
    CHECK_EQ(lunik_tmpfs_write(&fs, node, "x", 1, UINT64_MAX, 2), -EFBIG);
    CHECK_EQ(lunik_tmpfs_write(&fs, node, "x", 0, UINT64_MAX, 2), 0);
    CHECK_EQ(lunik_tmpfs_truncate(&fs, node, LIMIT + 1, 2), -EFBIG);
    CHECK_EQ(lunik_tmpfs_truncate(&fs, node, LIMIT, 2), 0);
    CHECK_EQ(lunik_tmpfs_write(&fs, node, "xy", 2, LIMIT - 1, 2), 1);
    end();
}

TEST(a_walk_that_removes_as_it_goes_misses_nothing)
{
    char name[16];
    unsigned seen = 0;
    uint64_t order = 0;
    struct lunik_tmpfs_node *node;

    lunik_tmpfs_init(&fs, LIMIT);
    for (unsigned i = 0; i < 50; i++) {
        snprintf(name, sizeof(name), "f%u", i);
        make(name, false);
    }
    while ((node = lunik_tmpfs_after(&fs.root, order))) {
        order = node->order;
        snprintf(name, sizeof(name), "%.*s", (int)node->name_len, node->name);
        CHECK_EQ(lunik_tmpfs_remove(&fs, name, false), 0);
        seen++;
    }
    CHECK_EQ(seen, 50);
    CHECK_EQ(fs.used, 0);
    end();
}

TEST(a_deep_tree_is_freed_without_a_deep_stack)
{
    static char path[40000];
    size_t len = 0;

    lunik_tmpfs_init(&fs, (size_t)16 << 20);
    while (len + 2 < sizeof(path)) {
        path[len++] = 'd';
        path[len] = '\0';
        make(path, true);
        path[len++] = '/';
        if (len > 4000)
            break;
    }
    end();
}
