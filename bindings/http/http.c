/* SPDX-License-Identifier: MIT */
/* http.c: the module lunik.http: its table, and the functions on texts. */
#include "http.h"
#include "text.h"

#include <lauxlib.h>
#include <lunik/archive.h>
#include <lunik/module.h>
#include <lunik/runtime.h>
#include <lunik/time.h>
#include <string.h>

/* ---- Texts ---- */

static int http_status_text(lua_State *L)
{
    lua_Integer status = luaL_checkinteger(L, 1);

    lua_pushstring(L, lunik_http_status_text(
                          status >= 0 && status < 1000 ? (unsigned)status : 0));
    return 1;
}

/* http.date([seconds]) -> text */
static int http_date(lua_State *L)
{
    char text[LUNIK_HTTP_DATE_SIZE];
    uint64_t now = lunik_time_wall_ns() / LUNIK_NS_PER_S;
    lua_Number seconds = luaL_optnumber(L, 1, (lua_Number)now);

    luaL_argcheck(L, seconds >= 0 && seconds < 253402300800.0, 1,
                  "a year of four digits");
    lunik_http_format_date((uint64_t)seconds, text);
    lua_pushstring(L, text);
    return 1;
}

/* http.parse_date(text) -> seconds | nil */
static int http_parse_date(lua_State *L)
{
    size_t size;
    const char *text = luaL_checklstring(L, 1, &size);
    int64_t seconds;

    if (!lunik_http_parse_date(text, size, &seconds)) {
        luaL_pushfail(L);
        return 1;
    }
    lua_pushinteger(L, (lua_Integer)seconds);
    return 1;
}

static bool is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
           c == '~';
}

/* http.escape(text [, keeps]) -> text; bytes of (keeps) stay as they are */
static int http_escape(lua_State *L)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t size, i;
    const char *text = luaL_checklstring(L, 1, &size);
    const char *keeps = luaL_optstring(L, 2, "");
    luaL_Buffer b;

    luaL_buffinit(L, &b);
    for (i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];

        if (is_unreserved(c) || (c != '\0' && strchr(keeps, c) != NULL)) {
            luaL_addchar(&b, (char)c);
            continue;
        }
        luaL_addchar(&b, '%');
        luaL_addchar(&b, digits[c >> 4]);
        luaL_addchar(&b, digits[c & 15]);
    }
    luaL_pushresult(&b);
    return 1;
}

/* http.unescape(text) -> text | nil, err */
static int http_unescape(lua_State *L)
{
    size_t size, i;
    const char *text = luaL_checklstring(L, 1, &size);
    int high, low;
    luaL_Buffer b;

    luaL_buffinit(L, &b);
    for (i = 0; i < size; i++) {
        if (text[i] != '%') {
            luaL_addchar(&b, text[i]);
            continue;
        }
        high = i + 2 < size ? lunik_http_hex((unsigned char)text[i + 1]) : -1;
        low = i + 2 < size ? lunik_http_hex((unsigned char)text[i + 2]) : -1;
        if (high < 0 || low < 0) {
            luaL_pushfail(L);
            lua_pushliteral(L, "bad percent sign");
            return 2;
        }
        luaL_addchar(&b, (char)(high * 16 + low));
        i += 2;
    }
    luaL_pushresult(&b);
    return 1;
}

/* http.is_token(text), http.is_value(text): may it be a field's name, value? */
static int http_is_token(lua_State *L)
{
    size_t size;
    const char *text = luaL_checklstring(L, 1, &size);

    lua_pushboolean(L, lunik_http_is_token(text, size));
    return 1;
}

static int http_is_value(lua_State *L)
{
    size_t size;
    const char *text = luaL_checklstring(L, 1, &size);

    lua_pushboolean(L, lunik_http_is_value(text, size));
    return 1;
}

/* ---- URLs ---- */

static void set_part(lua_State *L, const char *name, const char *at,
                     const char *end)
{
    lua_pushlstring(L, at, (size_t)(end - at));
    lua_setfield(L, -2, name);
}

/* The port behind the last colon of the host; false: there is a bad one. */
static bool split_port(const char *at, const char **end, lua_Integer *port)
{
    const char *colon = *end, *p;

    while (colon > at && colon[-1] != ':' && colon[-1] != ']')
        colon--;
    if (colon == at || colon[-1] == ']')
        return true;
    *port = 0;
    for (p = colon; p < *end; p++) {
        if (*p < '0' || *p > '9')
            return false;
        *port = *port * 10 + (*p - '0');
        if (*port > 65535)
            return false;
    }
    if (p == colon)
        return false;
    *end = colon - 1;
    return true;
}

static int bad_url(lua_State *L)
{
    luaL_pushfail(L);
    lua_pushliteral(L, "bad URL");
    return 2;
}

static const char *find_any(const char *at, const char *end, const char *set)
{
    while (at < end && strchr(set, *at) == NULL)
        at++;
    return at;
}

/* http.parse_url(text) -> { scheme, user, host, port, path, query, fragment }
 * | nil, err; an absolute one */
static int http_parse_url(lua_State *L)
{
    size_t size, i;
    const char *at = luaL_checklstring(L, 1, &size), *end = at + size;
    const char *part, *host_end, *user_end;
    lua_Integer port;

    for (i = 0; i < size; i++)
        if ((unsigned char)at[i] <= ' ' || (unsigned char)at[i] >= 0x7f)
            return bad_url(L);
    part = find_any(at, end, ":/?#");
    if (part == at || end - part < 3 || memcmp(part, "://", 3) != 0)
        return bad_url(L);
    lua_createtable(L, 0, 7);
    luaL_Buffer b;

    luaL_buffinit(L, &b);
    for (; at < part; at++)
        luaL_addchar(&b, *at >= 'A' && *at <= 'Z' ? (char)(*at | 0x20) : *at);
    luaL_pushresult(&b);
    port = strcmp(lua_tostring(L, -1), "https") == 0 ? 443 : 80;
    lua_setfield(L, -2, "scheme");
    at = part + 3;
    part = host_end = find_any(at, end, "/?#");
    user_end = at;
    for (i = 0; at + i < part; i++)
        if (at[i] == '@')
            user_end = at + i;
    if (user_end > at) {
        set_part(L, "user", at, user_end);
        at = user_end + 1;
    }
    if (!split_port(at, &host_end, &port) || host_end == at)
        return bad_url(L);
    for (i = 0; at + i < host_end; i++)
        if ((lunik_http_classes[(unsigned char)at[i]] & 2) == 0)
            return bad_url(L);
    set_part(L, "host", at, host_end);
    lua_pushinteger(L, port);
    lua_setfield(L, -2, "port");
    at = part;
    part = find_any(at, end, "?#");
    if (part > at) {
        set_part(L, "path", at, part);
    } else {
        lua_pushliteral(L, "/");
        lua_setfield(L, -2, "path");
    }
    if (part < end && *part == '?') {
        at = part + 1;
        part = find_any(at, end, "#");
        set_part(L, "query", at, part);
    }
    if (part < end)
        set_part(L, "fragment", part + 1, end);
    return 1;
}

/* http.normalize_path(path) -> path | nil: as request.path is made */
static int http_normalize_path(lua_State *L)
{
    size_t size, length;
    const char *path = luaL_checklstring(L, 1, &size);
    luaL_Buffer b;
    char *out = luaL_buffinitsize(L, &b, size + 2);

    length = lunik_http_decode_path(path, size, out);
    if (length == LUNIK_HTTP_BAD_PATH) {
        luaL_pushfail(L);
        return 1;
    }
    luaL_pushresultsize(&b, length);
    return 1;
}

/* ---- Sealed files ---- */

static int file_len(lua_State *L)
{
    const struct lunik_http_file *file =
        luaL_checkudata(L, 1, LUNIK_HTTP_FILE_TYPE);

    lua_pushinteger(L, (lua_Integer)file->size);
    return 1;
}

static int file_tostring(lua_State *L)
{
    const struct lunik_http_file *file =
        luaL_checkudata(L, 1, LUNIK_HTTP_FILE_TYPE);

    lua_pushlstring(L, file->data, file->size);
    return 1;
}

/* Gives the object at the top the type of files. */
static void set_file_type(lua_State *L)
{
    if (luaL_newmetatable(L, LUNIK_HTTP_FILE_TYPE)) {
        lua_pushcfunction(L, file_len);
        lua_setfield(L, -2, "__len");
        lua_pushcfunction(L, file_tostring);
        lua_setfield(L, -2, "__tostring");
    }
    lua_setmetatable(L, -2);
}

/* http.file(path [, first [, last]]) -> a body of these bytes, from 0 on, that
 * is sent without a copy | nil, err */
static int http_file(lua_State *L)
{
    size_t size;
    const char *path = luaL_checklstring(L, 1, &size);
    struct lunik_archive_file found;
    struct lunik_http_file *file;
    lua_Integer first, last;

    if (size > 0 && path[0] == '/') {
        path++;
        size--;
    }
    if (!lunik_archive_find(lunik_archive_sealed(), path, size, &found))
        return lunik_lua_fail(L, LUNIK_ENOENT);
    first = luaL_optinteger(L, 2, 0);
    last = luaL_optinteger(L, 3, (lua_Integer)found.size - 1);
    luaL_argcheck(L, first >= 0 && first <= (lua_Integer)found.size, 2,
                  "outside the file");
    luaL_argcheck(L, last >= first - 1 && last < (lua_Integer)found.size, 3,
                  "outside the file");
    file = lua_newuserdatauv(L, sizeof(*file), 0);
    file->data = (const char *)found.data + first;
    file->size = (size_t)(last - first + 1);
    set_file_type(L);
    lua_pushinteger(L, (lua_Integer)found.size);
    return 2;
}

static int error_tostring(lua_State *L)
{
    lua_getfield(L, 1, "status");
    lua_getfield(L, 1, "message");
    lua_pushfstring(L, "http error %d: %s", (int)lua_tointeger(L, -2),
                    luaL_tolstring(L, -1, NULL));
    return 1;
}

/* ---- The module ---- */

void lunik_http_push_error_type(lua_State *L)
{
    if (luaL_newmetatable(L, LUNIK_HTTP_ERROR_TYPE)) {
        lua_pushcfunction(L, error_tostring);
        lua_setfield(L, -2, "__tostring");
    }
}

static void open_serving(lua_State *L)
{
    lunik_http_open_headers(L);
    lunik_http_open_request(L);
    lunik_http_open_response(L);
    lunik_http_open_server(L);
}

/* Each of these adds its functions to a table, and makes its types. They are
 * only opened when somebody asks for one of their functions: a start is to
 * cost little. */
static const struct part {
    void (*open)(lua_State *L);
    const char *names; /* with a blank around each */
} parts[] = {
    { open_serving, " server serve stats parse_query " },
    { lunik_http_open_client, " read_response " },
};

static const luaL_Reg functions[] = {
    { "error", lunik_http_error },   { "status_text", http_status_text },
    { "date", http_date },           { "parse_date", http_parse_date },
    { "escape", http_escape },       { "unescape", http_unescape },
    { "is_token", http_is_token },   { "is_value", http_is_value },
    { "parse_url", http_parse_url }, { "normalize_path", http_normalize_path },
    { "file", http_file },           { NULL, NULL },
};

/* Pushes what the client in Lua offers under (key); false: nothing. */
static bool push_of_client(lua_State *L, const char *key)
{
    static const char *const names[] = { "request", "get", "post", "client" };
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], key) != 0)
            continue;
        lua_getglobal(L, "require");
        lua_pushliteral(L, "lunik.http.client");
        lua_call(L, 1, 1);
        lua_getfield(L, -1, key);
        return true;
    }
    return false;
}

/* module[key], the first time: it is there from then on */
static int module_index(lua_State *L)
{
    const luaL_Reg *function = functions;
    const char *key, *at;
    size_t size, i;

    if (lua_type(L, 2) != LUA_TSTRING)
        return 0;
    key = lua_tolstring(L, 2, &size);
    while (function->name != NULL && strcmp(function->name, key) != 0)
        function++;
    if (function->name != NULL) {
        lua_pushcfunction(L, function->func);
    } else if (!push_of_client(L, key)) {
        for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
            at = strstr(parts[i].names, key);
            if (at > parts[i].names && at[-1] == ' ' && at[size] == ' ')
                break;
        }
        if (size == 0 || i == sizeof(parts) / sizeof(parts[0]))
            return 0;
        lua_settop(L, 2);
        lua_pushvalue(L, 1);
        parts[i].open(L);
        lua_pushvalue(L, 2);
        lua_rawget(L, 1);
        return 1;
    }
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, 1);
    return 1;
}

/* pairs(module): all of it, for people who look */
static int module_pairs(lua_State *L)
{
    static const char *const all[] = { "server", "read_response", NULL };
    size_t i;

    for (i = 0; functions[i].name != NULL; i++) {
        lua_getfield(L, 1, functions[i].name);
        lua_pop(L, 1);
    }
    for (i = 0; all[i] != NULL; i++) {
        lua_getfield(L, 1, all[i]);
        lua_pop(L, 1);
    }
    lua_getglobal(L, "next");
    lua_pushvalue(L, 1);
    return 2;
}

static int luaopen_lunik_http(lua_State *L)
{
    lua_newtable(L);
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, module_index);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, module_pairs);
    lua_setfield(L, -2, "__pairs");
    lua_setmetatable(L, -2);
    return 1;
}

LUNIK_MODULE(lunik_http, "lunik.http", luaopen_lunik_http)
