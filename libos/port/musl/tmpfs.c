/* SPDX-License-Identifier: MIT */
/* tmpfs.c: a tree of files in memory, with a bound on all of it. */
#include "tmpfs.h"
#include <errno.h>
#include <limits.h>
#include <lunik/mem.h>
#include <string.h>

/* ---- The bound ---- */

static bool charge(struct lunik_tmpfs *fs, size_t size)
{
    if (size > fs->limit - fs->used)
        return false;
    fs->used += size;
    return true;
}

static void refund(struct lunik_tmpfs *fs, size_t size)
{
    fs->used -= size;
}

/* ---- Nodes ---- */

static struct lunik_tmpfs_node *node_create(struct lunik_tmpfs *fs,
                                            const char *name, size_t name_len)
{
    struct lunik_tmpfs_node *node;

    if (!charge(fs, sizeof(*node) + name_len))
        return NULL;
    node = lunik_mem_alloc_zeroed(1, sizeof(*node));
    if (!node)
        goto refund_node;
    node->name = lunik_mem_alloc(name_len);
    if (!node->name)
        goto free_node;
    memcpy(node->name, name, name_len);
    node->name_len = name_len;
    node->number = ++fs->last_number;
    return node;

free_node:
    lunik_mem_free(node);
refund_node:
    refund(fs, sizeof(*node) + name_len);
    return NULL;
}

static void free_pages(struct lunik_tmpfs *fs, struct lunik_tmpfs_node *node,
                       size_t from)
{
    for (size_t i = from; i < node->page_slots; i++) {
        if (!node->pages[i])
            continue;
        lunik_pages_free(node->pages[i], 1);
        node->pages[i] = NULL;
        refund(fs, LUNIK_PAGE_SIZE);
    }
}

static void node_destroy(struct lunik_tmpfs *fs, struct lunik_tmpfs_node *node)
{
    free_pages(fs, node, 0);
    refund(fs, node->page_slots * sizeof(*node->pages));
    lunik_mem_free(node->pages);
    refund(fs, sizeof(*node) + node->name_len);
    lunik_mem_free(node->name);
    lunik_mem_free(node);
}

/* At the end, under a new order: so the list is in order. */
static void link_into(struct lunik_tmpfs *fs, struct lunik_tmpfs_node *folder,
                      struct lunik_tmpfs_node *node)
{
    node->order = ++fs->last_order;
    node->parent = folder;
    node->prev = folder->last;
    node->next = NULL;
    if (folder->last)
        folder->last->next = node;
    else
        folder->first = node;
    folder->last = node;
}

static void take_out(struct lunik_tmpfs_node *node)
{
    if (node->prev)
        node->prev->next = node->next;
    else
        node->parent->first = node->next;
    if (node->next)
        node->next->prev = node->prev;
    else
        node->parent->last = node->prev;
    node->parent = node->next = node->prev = NULL;
}

/* ---- Paths ---- */

static struct lunik_tmpfs_node *child(const struct lunik_tmpfs_node *folder,
                                      const char *name, size_t name_len)
{
    for (struct lunik_tmpfs_node *n = folder->first; n; n = n->next)
        if (n->name_len == name_len && memcmp(n->name, name, name_len) == 0)
            return n;
    return NULL;
}

/* Finds the folder that the last name of (path) is in; (*name_out) is that
 * name, empty for the root itself. */
static int find_folder(struct lunik_tmpfs *fs, const char *path,
                       struct lunik_tmpfs_node **out, const char **name_out)
{
    struct lunik_tmpfs_node *folder = &fs->root;

    for (;;) {
        const char *slash = strchr(path, '/');

        if (!slash)
            break;
        folder = child(folder, path, (size_t)(slash - path));
        if (!folder)
            return -ENOENT;
        if (!folder->is_folder)
            return -ENOTDIR;
        path = slash + 1;
    }
    *out = folder;
    *name_out = path;
    return 0;
}

int lunik_tmpfs_find(struct lunik_tmpfs *fs, const char *path,
                     struct lunik_tmpfs_node **out)
{
    struct lunik_tmpfs_node *folder;
    const char *name;
    int res = find_folder(fs, path, &folder, &name);

    if (res < 0)
        return res;
    *out = *name ? child(folder, name, strlen(name)) : folder;
    return *out ? 0 : -ENOENT;
}

int lunik_tmpfs_create(struct lunik_tmpfs *fs, const char *path, bool is_folder,
                       uint64_t now_ns, struct lunik_tmpfs_node **out)
{
    struct lunik_tmpfs_node *folder, *node;
    const char *name;
    int res = find_folder(fs, path, &folder, &name);

    if (res < 0)
        return res;
    if (!*name || child(folder, name, strlen(name)))
        return -EEXIST;
    if (strlen(name) > LUNIK_TMPFS_NAME_MAX)
        return -ENAMETOOLONG;
    node = node_create(fs, name, strlen(name));
    if (!node)
        return -ENOSPC;
    node->is_folder = is_folder;
    node->changed_ns = now_ns;
    link_into(fs, folder, node);
    folder->changed_ns = now_ns;
    *out = node;
    return 0;
}

static void drop(struct lunik_tmpfs *fs, struct lunik_tmpfs_node *node)
{
    take_out(node);
    if (node->open_count == 0)
        node_destroy(fs, node);
}

static int may_remove(const struct lunik_tmpfs_node *node, bool is_folder)
{
    if (is_folder && !node->is_folder)
        return -ENOTDIR;
    if (!is_folder && node->is_folder)
        return -EISDIR;
    return node->first ? -ENOTEMPTY : 0;
}

int lunik_tmpfs_remove(struct lunik_tmpfs *fs, const char *path, bool is_folder)
{
    struct lunik_tmpfs_node *node;
    int res = lunik_tmpfs_find(fs, path, &node);

    if (res < 0)
        return res;
    if (node == &fs->root)
        return is_folder ? -EBUSY : -EISDIR;
    res = may_remove(node, is_folder);
    if (res == 0)
        drop(fs, node);
    return res;
}

static bool is_below(const struct lunik_tmpfs_node *node,
                     const struct lunik_tmpfs_node *above)
{
    for (; node; node = node->parent)
        if (node == above)
            return true;
    return false;
}

/* The name is made before anything is changed, so a failure changes nothing. */
static int give_name(struct lunik_tmpfs *fs, struct lunik_tmpfs_node *node,
                     const char *name)
{
    size_t len = strlen(name);
    char *copy;

    if (len > LUNIK_TMPFS_NAME_MAX)
        return -ENAMETOOLONG;
    if (!charge(fs, len))
        return -ENOSPC;
    copy = lunik_mem_alloc(len);
    if (!copy) {
        refund(fs, len);
        return -ENOSPC;
    }
    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): it is counted */
    memcpy(copy, name, len);
    refund(fs, node->name_len);
    lunik_mem_free(node->name);
    node->name = copy;
    node->name_len = len;
    return 0;
}

int lunik_tmpfs_rename(struct lunik_tmpfs *fs, const char *from, const char *to)
{
    struct lunik_tmpfs_node *node, *folder, *old;
    const char *name;
    int res = lunik_tmpfs_find(fs, from, &node);

    if (res < 0)
        return res;
    res = find_folder(fs, to, &folder, &name);
    if (res < 0)
        return res;
    if (node == &fs->root || !*name)
        return -EBUSY;
    if (is_below(folder, node))
        return -EINVAL;
    old = child(folder, name, strlen(name));
    if (old == node)
        return 0;
    res = old ? may_remove(old, node->is_folder) : 0;
    if (res < 0)
        return res;
    res = give_name(fs, node, name);
    if (res < 0)
        return res;
    if (old)
        drop(fs, old);
    take_out(node);
    link_into(fs, folder, node);
    return 0;
}

void lunik_tmpfs_open(struct lunik_tmpfs_node *node)
{
    node->open_count++;
}

void lunik_tmpfs_close(struct lunik_tmpfs *fs, struct lunik_tmpfs_node *node)
{
    node->open_count--;
    if (node->open_count == 0 && !node->parent && node != &fs->root)
        node_destroy(fs, node);
}

struct lunik_tmpfs_node *
lunik_tmpfs_after(const struct lunik_tmpfs_node *folder, uint64_t order)
{
    struct lunik_tmpfs_node *node = folder->first;

    while (node && node->order <= order)
        node = node->next;
    return node;
}

void lunik_tmpfs_init(struct lunik_tmpfs *fs, size_t limit)
{
    memset(fs, 0, sizeof(*fs));
    fs->limit = limit;
    fs->root.is_folder = true;
    fs->root.number = ++fs->last_number;
}

void lunik_tmpfs_fini(struct lunik_tmpfs *fs)
{
    struct lunik_tmpfs_node *node = &fs->root;

    /* Leaves first, without recursion: a tree may be deep. */
    while (node->first || node != &fs->root) {
        struct lunik_tmpfs_node *parent = node->parent;

        if (node->first) {
            node = node->first;
            continue;
        }
        take_out(node);
        node_destroy(fs, node);
        node = parent;
    }
}

/* ---- Bytes ---- */

static uint8_t *page_at(const struct lunik_tmpfs_node *node, size_t index)
{
    return index < node->page_slots ? node->pages[index] : NULL;
}

/* The part of [offset, offset + size) that is in one page. */
static size_t in_page(uint64_t offset, size_t size)
{
    size_t left = LUNIK_PAGE_SIZE - (size_t)(offset % LUNIK_PAGE_SIZE);

    return size < left ? size : left;
}

size_t lunik_tmpfs_read(const struct lunik_tmpfs_node *node, void *out,
                        size_t size, uint64_t offset)
{
    size_t done = 0;

    if (offset >= node->size)
        return 0;
    if (size > node->size - offset)
        size = (size_t)(node->size - offset);
    while (done < size) {
        size_t part = in_page(offset + done, size - done);
        const uint8_t *page =
            page_at(node, (size_t)((offset + done) / LUNIK_PAGE_SIZE));

        if (page)
            memcpy((uint8_t *)out + done,
                   page + (offset + done) % LUNIK_PAGE_SIZE, part);
        else
            memset((uint8_t *)out + done, 0, part);
        done += part;
    }
    return size;
}

/* Makes room in the table for slot (index), doubling, within the bound. */
static bool grow_table(struct lunik_tmpfs *fs, struct lunik_tmpfs_node *node,
                       size_t index)
{
    size_t slots = node->page_slots ? node->page_slots : 4;
    size_t added;
    uint8_t **pages;

    while (slots <= index)
        slots *= 2;
    added = (slots - node->page_slots) * sizeof(*pages);
    if (!charge(fs, added))
        return false;
    pages = lunik_mem_resize(node->pages, slots * sizeof(*pages));
    if (!pages) {
        refund(fs, added);
        return false;
    }
    memset(pages + node->page_slots, 0, added);
    node->pages = pages;
    node->page_slots = slots;
    return true;
}

/* The page for slot (index), made if there was a hole; NULL: full. */
static uint8_t *make_page(struct lunik_tmpfs *fs, struct lunik_tmpfs_node *node,
                          size_t index)
{
    uint8_t *page = page_at(node, index);

    if (page)
        return page;
    if (index >= node->page_slots && !grow_table(fs, node, index))
        return NULL;
    if (!charge(fs, LUNIK_PAGE_SIZE))
        return NULL;
    page = lunik_pages_alloc(1);
    if (!page) {
        refund(fs, LUNIK_PAGE_SIZE);
        return NULL;
    }
    memset(page, 0, LUNIK_PAGE_SIZE);
    node->pages[index] = page;
    return page;
}

long lunik_tmpfs_write(struct lunik_tmpfs *fs, struct lunik_tmpfs_node *node,
                       const void *in, size_t size, uint64_t offset,
                       uint64_t now_ns)
{
    size_t done = 0;

    if (size == 0)
        return 0;
    if (offset >= fs->limit)
        return -EFBIG;
    if (size > fs->limit - offset)
        size = (size_t)(fs->limit - offset);
    while (done < size) {
        size_t part = in_page(offset + done, size - done);
        uint8_t *page =
            make_page(fs, node, (size_t)((offset + done) / LUNIK_PAGE_SIZE));

        if (!page)
            break;
        memcpy(page + (offset + done) % LUNIK_PAGE_SIZE,
               (const uint8_t *)in + done, part);
        done += part;
    }
    if (done == 0)
        return -ENOSPC;
    if (offset + done > node->size)
        node->size = (size_t)(offset + done);
    node->changed_ns = now_ns;
    return (long)done;
}

int lunik_tmpfs_truncate(struct lunik_tmpfs *fs, struct lunik_tmpfs_node *node,
                         uint64_t size, uint64_t now_ns)
{
    size_t keep;
    uint8_t *last;

    if (size > fs->limit)
        return -EFBIG;
    if (size < node->size) {
        keep = (size_t)((size + LUNIK_PAGE_SIZE - 1) / LUNIK_PAGE_SIZE);
        free_pages(fs, node, keep);
        /* What is cut off must not come back when the file grows again. */
        last = size % LUNIK_PAGE_SIZE ? page_at(node, keep - 1) : NULL;
        if (last)
            memset(last + size % LUNIK_PAGE_SIZE, 0,
                   LUNIK_PAGE_SIZE - (size_t)(size % LUNIK_PAGE_SIZE));
    }
    node->size = (size_t)size;
    node->changed_ns = now_ns;
    return 0;
}
