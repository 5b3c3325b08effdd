/* SPDX-License-Identifier: MIT */
/* tree.c: the module lunik.http.tree: sealed files as bytes, for serving. */
#include <lauxlib.h>
#include <lua.h>
#include <lunik/abi/seal.h>
#include <lunik/archive.h>
#include <lunik/format.h>
#include <lunik/module.h>
#include <lunik/sys.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Of a record of a file: its SHA-256, its size, its path. */
#define SUM_SIZE 32
#define RECORD_HEAD (SUM_SIZE + 8)

/* Bytes of the sum that a tag shows. */
#define TAG_BYTES 12

/* Pushes the path at (arg) and finds its file. */
static bool find_file(lua_State *L, int arg, struct lunik_archive_file *out)
{
    size_t size;
    const char *path = luaL_checklstring(L, arg, &size);

    return lunik_archive_find(lunik_archive_sealed(), path, size, out);
}

/* The file's sum in the manifest, or NULL: a seal need not have records. */
static const uint8_t *find_sum(const struct lunik_archive_file *file)
{
    const char *data;
    size_t size, nth;

    for (nth = 0; lunik_sys_record(LUNIK_RECORD_FILE, nth, &data, &size); nth++)
        if (size == RECORD_HEAD + file->path_len &&
            memcmp(data + RECORD_HEAD, file->path, file->path_len) == 0)
            return (const uint8_t *)data;
    return NULL;
}

/* FNV-1a, 64 bits: tells versions apart where nobody means harm. */
static uint64_t sum_up(const uint8_t *data, size_t size)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    size_t i;

    for (i = 0; i < size; i++)
        sum = (sum ^ data[i]) * UINT64_C(0x100000001b3);
    return sum;
}

/* tree.find(path) -> size, tag | nil: a tag differs where the bytes do */
static int tree_find(lua_State *L)
{
    struct lunik_archive_file file;
    char tag[2 * TAG_BYTES + 1];
    const uint8_t *sum;
    size_t i;

    if (!find_file(L, 1, &file)) {
        luaL_pushfail(L);
        return 1;
    }
    lua_pushinteger(L, (lua_Integer)file.size);
    sum = find_sum(&file);
    if (sum == NULL) {
        lunik_format(tag, sizeof(tag), "%016lx",
                     (unsigned long)sum_up(file.data, file.size));
    } else {
        for (i = 0; i < TAG_BYTES; i++)
            lunik_format(tag + 2 * i, 3, "%02x", (unsigned)sum[i]);
    }
    lua_pushstring(L, tag);
    return 2;
}

/* tree.read(path [, from [, to]]) -> bytes from..to, both counted from 0, as
 * HTTP has them | nil */
static int tree_read(lua_State *L)
{
    struct lunik_archive_file file;
    lua_Integer from = luaL_optinteger(L, 2, 0), to;

    if (!find_file(L, 1, &file)) {
        luaL_pushfail(L);
        return 1;
    }
    to = luaL_optinteger(L, 3, (lua_Integer)file.size - 1);
    if (to >= (lua_Integer)file.size)
        to = (lua_Integer)file.size - 1;
    if (from < 0 || from > to)
        lua_pushliteral(L, "");
    else
        lua_pushlstring(L, (const char *)file.data + from,
                        (size_t)(to - from + 1));
    return 1;
}

/* tree.has_folder(path) -> whether a file lies below it */
static int tree_has_folder(lua_State *L)
{
    const struct lunik_archive *archive = lunik_archive_sealed();
    struct lunik_archive_file file;
    size_t size;
    const char *path;
    uint32_t at;

    luaL_checkstring(L, 1);
    lua_settop(L, 1);
    lua_pushliteral(L, "/");
    lua_concat(L, 2);
    path = lua_tolstring(L, 1, &size);
    at = lunik_archive_lower_bound(archive, path, size);
    if (at < archive->count)
        lunik_archive_get(archive, at, &file);
    lua_pushboolean(L, at < archive->count && file.path_len >= size &&
                           memcmp(file.path, path, size) == 0);
    return 1;
}

static const luaL_Reg functions[] = {
    { "find", tree_find },
    { "read", tree_read },
    { "has_folder", tree_has_folder },
    { NULL, NULL },
};

static int luaopen_lunik_http_tree(lua_State *L)
{
    luaL_newlib(L, functions);
    return 1;
}

LUNIK_MODULE(lunik_http_tree, "lunik.http.tree", luaopen_lunik_http_tree)
