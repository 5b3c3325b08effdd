/* SPDX-License-Identifier: MIT */
/* path.c: the module lunik.http.path: a request's target as decoded segments.
 */
#include <lauxlib.h>
#include <lua.h>
#include <lunik/module.h>
#include <stdbool.h>
#include <string.h>

/* Of a path; more are refused with 414. */
#define SEGMENTS_MAX 64

/* Bytes of a segment that can be decoded without memory of its own. */
#define SEGMENT_ROOM 256

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool is_scheme_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '+' || c == '.' || c == '-';
}

/* Skips "http://host" of a proxy's form. NULL: it is none. */
static const char *skip_authority(const char *at, const char *end)
{
    const char *mark = at;

    if (at == end ||
        !((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z')))
        return NULL;
    while (mark < end && is_scheme_byte(*mark))
        mark++;
    if (end - mark < 3 || memcmp(mark, "://", 3) != 0)
        return NULL;
    for (mark += 3; mark < end && *mark != '/'; mark++)
        continue;
    return mark;
}

/* Pushes the segment from (at) to (end), decoded. False: nothing was pushed, it
 * has an escape that is none, or stands for NUL, "." or "..". */
static bool push_segment(lua_State *L, const char *at, const char *end)
{
    size_t size = (size_t)(end - at), length = 0;
    char room[SEGMENT_ROOM] = { 0 }, *out = room;
    int high, low;

    if (memchr(at, '%', size) == NULL) {
        if ((size == 1 && at[0] == '.') ||
            (size == 2 && at[0] == '.' && at[1] == '.'))
            return false;
        lua_pushlstring(L, at, size);
        return true;
    }
    if (size > sizeof(room))
        out = lua_newuserdatauv(L, size, 0);
    for (; at < end; at++) {
        char c = *at;

        if (c == '%') {
            high = end - at > 2 ? hex_value(at[1]) : -1;
            low = end - at > 2 ? hex_value(at[2]) : -1;
            if (high < 0 || low < 0 || high + low == 0)
                return false;
            c = (char)(high * 16 + low);
            at += 2;
        }
        out[length++] = c;
    }
    if ((length == 1 && out[0] == '.') ||
        (length == 2 && out[0] == '.' && out[1] == '.'))
        return false;
    lua_pushlstring(L, out, length);
    if (out != room)
        lua_remove(L, -2);
    return true;
}

static int fail(lua_State *L, int status)
{
    luaL_pushfail(L);
    lua_pushinteger(L, status);
    return 2;
}

/* path.split(target) -> the list of its path's segments | nil, status */
static int path_split(lua_State *L)
{
    size_t size, length;
    const char *at = luaL_checklstring(L, 1, &size), *end, *stop;
    lua_Integer count = 0;
    int slashes = 0;

    length = strcspn(at, "?#");
    /* (It also stops at a NUL: one in the path is refused, one behind it is
     * of the query.) */
    if (length < size && at[length] == '\0')
        return fail(L, 400);
    end = at + length;
    if (at == end || *at != '/') {
        at = skip_authority(at, end);
        if (at == NULL)
            return fail(L, 400);
    }
    if (at == end) {
        lua_createtable(L, 1, 0);
        lua_pushliteral(L, "");
        lua_rawseti(L, -2, 1);
        return 1;
    }
    for (stop = at; stop < end && slashes <= SEGMENTS_MAX; stop++)
        slashes += *stop == '/';
    if (slashes > SEGMENTS_MAX)
        return fail(L, 414);
    lua_createtable(L, slashes, 0);
    while (at < end) {
        at++; /* the "/" */
        stop = memchr(at, '/', (size_t)(end - at));
        if (stop == NULL)
            stop = end;
        if (!push_segment(L, at, stop))
            return fail(L, 400);
        lua_rawseti(L, 2, ++count);
        at = stop;
    }
    return 1;
}

static int luaopen_lunik_http_path(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "split", path_split },
        { NULL, NULL },
    };

    luaL_newlib(L, functions);
    return 1;
}

LUNIK_MODULE(lunik_http_path, "lunik.http.path", luaopen_lunik_http_path)
