/* SPDX-License-Identifier: MIT */
/*
 * log.c: the module lunik.log: lines of fields, as logfmt or JSON.
 *
 * Logging never raises because of what is logged: a value that cannot be
 * shown is named in its place. Where even the line's memory is missing, a
 * fixed line says so.
 */
#include <lauxlib.h>
#include <lua.h>
#include <lunik/format.h>
#include <lunik/log.h>
#include <lunik/module.h>
#include <lunik/time.h>
#include <lunik/utf8.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define LOGGER_TYPE "lunik.log.logger"

/* Tables in tables that JSON shows; deeper ones, and cycles, are named. */
#define DEPTH_MAX 4

/* Shared by all loggers of a state: upvalue 1 of every function. */
struct settings {
    bool is_json;
};

/* ---- Escaping ---- */

static void add_escape(luaL_Buffer *b, unsigned char c)
{
    static const char plain[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    const char *at = strchr(plain, c);
    char text[8];

    if (c != '\0' && at != NULL) {
        luaL_addchar(b, '\\');
        luaL_addchar(b, letters[at - plain]);
        return;
    }
    lunik_format(text, sizeof(text), "\\u%04x", c);
    luaL_addstring(b, text);
}

/* A quoted string; the same in JSON and logfmt. One bad byte, one U+FFFD. */
static void add_quoted(luaL_Buffer *b, const char *text, size_t size)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t i, length;

    luaL_addchar(b, '"');
    for (i = 0; i < size; i += length) {
        length = lunik_utf8_length(s + i, size - i);
        if (length == 0) {
            luaL_addstring(b, "\\ufffd");
            length = 1;
        } else if (s[i] < 0x20 || s[i] == '"' || s[i] == '\\' || s[i] == 0x7F) {
            add_escape(b, s[i]);
        } else {
            luaL_addlstring(b, text + i, length);
        }
    }
    luaL_addchar(b, '"');
}

static bool is_plain(const char *text, size_t size)
{
    size_t i;

    for (i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c <= ' ' || c >= 0x7F || c == '"' || c == '=' || c == '\\')
            return false;
    }
    return size > 0;
}

/* ---- Values ---- */

/* Buffers keep a slot at the top of the stack, so a value is read where it
 * lies, by its absolute index, and texts are made before the buffer starts. */

static int protected_tostring(lua_State *L)
{
    luaL_tolstring(L, 1, NULL);
    return 1;
}

/* Pushes the text of the value at (index), whatever it is. */
static const char *push_text(lua_State *L, int index, size_t *size)
{
    index = lua_absindex(L, index);
    lua_pushcfunction(L, protected_tostring);
    lua_pushvalue(L, index);
    if (lua_pcall(L, 1, 1, 0) != LUA_OK || lua_type(L, -1) != LUA_TSTRING) {
        lua_pop(L, 1);
        lua_pushfstring(L, "(%s without text)", luaL_typename(L, index));
    }
    return lua_tolstring(L, -1, size);
}

static void push_json(lua_State *L, int index, int depth);

/* Pushes the keys of the table at (index), as texts in order, with each key
 * itself: a list of { text, key }. Texts that are equal stay apart. */
static int compare_entries(lua_State *L)
{
    lua_rawgeti(L, 1, 1);
    lua_rawgeti(L, 2, 1);
    lua_pushboolean(L, lua_compare(L, -2, -1, LUA_OPLT));
    return 1;
}

static void push_sorted(lua_State *L, int index)
{
    lua_Integer count = 0;
    int list;

    lua_newtable(L);
    list = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pop(L, 1);
        lua_createtable(L, 2, 0);
        push_text(L, -2, NULL);
        lua_rawseti(L, -2, 1);
        lua_pushvalue(L, -2);
        lua_rawseti(L, -2, 2);
        lua_rawseti(L, list, ++count);
    }
    lua_pushvalue(L, lua_upvalueindex(2)); /* table.sort */
    lua_pushvalue(L, list);
    lua_pushcfunction(L, compare_entries);
    lua_call(L, 2, 0);
}

/* Appends the string at the top to the list at (list), popping it. */
static void append(lua_State *L, int list)
{
    lua_rawseti(L, list, (lua_Integer)lua_rawlen(L, list) + 1);
}

static void push_joined(lua_State *L, int list)
{
    luaL_Buffer b;
    lua_Integer i, count = (lua_Integer)lua_rawlen(L, list);

    luaL_buffinit(L, &b);
    for (i = 1; i <= count; i++) {
        lua_rawgeti(L, list, i);
        luaL_addvalue(&b);
    }
    luaL_pushresult(&b);
}

static void push_quoted(lua_State *L, const char *text, size_t size)
{
    luaL_Buffer b;

    luaL_buffinit(L, &b);
    add_quoted(&b, text, size);
    luaL_pushresult(&b);
}

/* Replaces the text at the top by its quoted form. */
static void quote_top(lua_State *L)
{
    size_t size;
    const char *text = lua_tolstring(L, -1, &size);

    push_quoted(L, text, size);
    lua_remove(L, -2);
}

static void push_json_array(lua_State *L, int index, lua_Integer count,
                            int depth)
{
    lua_Integer i;
    int list;

    lua_newtable(L);
    list = lua_gettop(L);
    for (i = 1; i <= count; i++) {
        lua_pushstring(L, i == 1 ? "[" : ",");
        append(L, list);
        lua_rawgeti(L, index, i);
        push_json(L, lua_gettop(L), depth + 1);
        append(L, list);
        lua_settop(L, list); /* also of what push_json() left below */
    }
    lua_pushliteral(L, "]");
    append(L, list);
    push_joined(L, list);
    lua_remove(L, list);
}

static void push_json_object(lua_State *L, int index, int depth)
{
    lua_Integer i, count;
    int list, keys;

    lua_newtable(L);
    list = lua_gettop(L);
    push_sorted(L, index);
    keys = lua_gettop(L);
    count = (lua_Integer)lua_rawlen(L, keys);
    lua_pushliteral(L, "{");
    append(L, list);
    for (i = 1; i <= count; i++) {
        lua_rawgeti(L, keys, i);
        lua_rawgeti(L, keys + 1, 1);
        quote_top(L);
        lua_pushfstring(L, i > 1 ? ",%s:" : "%s:", lua_tostring(L, -1));
        append(L, list);
        lua_rawgeti(L, keys + 1, 2);
        lua_rawget(L, index);
        push_json(L, lua_gettop(L), depth + 1);
        append(L, list);
        lua_settop(L, keys);
    }
    lua_pushliteral(L, "}");
    append(L, list);
    push_joined(L, list);
    lua_replace(L, list);
    lua_settop(L, list);
}

static void push_json_table(lua_State *L, int index, int depth)
{
    lua_Integer count = (lua_Integer)lua_rawlen(L, index);

    luaL_checkstack(L, 20, NULL);
    if (depth >= DEPTH_MAX || luaL_getmetafield(L, index, "__tostring")) {
        push_text(L, index, NULL);
        quote_top(L);
    } else if (count > 0) {
        push_json_array(L, index, count, depth);
    } else {
        push_json_object(L, index, depth);
    }
}

/* JSON has no numbers that are not finite. */
static bool is_finite_number(lua_State *L, int index)
{
    lua_Number n = lua_tonumber(L, index);

    return lua_isinteger(L, index) || n - n == 0;
}

/* Pushes the value at (index), an absolute one, as JSON. */
static void push_json(lua_State *L, int index, int depth)
{
    switch (lua_type(L, index)) {
    case LUA_TTABLE:
        push_json_table(L, index, depth);
        return;
    case LUA_TNIL:
        lua_pushliteral(L, "null");
        return;
    case LUA_TBOOLEAN:
        lua_pushstring(L, lua_toboolean(L, index) ? "true" : "false");
        return;
    default:
        push_text(L, index, NULL);
        if (lua_type(L, index) != LUA_TNUMBER || !is_finite_number(L, index))
            quote_top(L);
        return;
    }
}

/* Pushes the value at (index) as logfmt: bare where it can be. */
static void push_logfmt(lua_State *L, int index)
{
    const char *text;
    size_t size;

    if (lua_type(L, index) == LUA_TTABLE &&
        luaL_getmetafield(L, index, "__tostring") == LUA_TNIL)
        push_json_table(L, index, 1);
    else
        push_text(L, index, NULL);
    text = lua_tolstring(L, -1, &size);
    if (!is_plain(text, size))
        quote_top(L);
}

/* ---- Lines ---- */

/* Pushes a logfmt key: no blank, '=' or quote; '_' stands for each. */
static void push_key(lua_State *L, const char *text, size_t size)
{
    luaL_Buffer b;
    size_t i;

    luaL_buffinit(L, &b);
    for (i = 0; i < size; i++)
        luaL_addchar(&b, is_plain(text + i, 1) ? text[i] : '_');
    if (size == 0)
        luaL_addchar(&b, '_');
    luaL_pushresult(&b);
}

/* Appends field (key text, value), the top two, to the list at (list). */
static void append_field(lua_State *L, int list, bool is_json)
{
    int value = lua_gettop(L), key = value - 1;
    const char *text;
    size_t size;

    text = lua_tolstring(L, key, &size);
    if (is_json)
        push_quoted(L, text, size);
    else
        push_key(L, text, size);
    lua_pushfstring(L, is_json ? ",%s:" : " %s=", lua_tostring(L, -1));
    append(L, list);
    if (is_json)
        push_json(L, value, 0);
    else
        push_logfmt(L, value);
    append(L, list);
    lua_settop(L, key - 1);
}

/* Appends all fields of the table at (fields), in order of their names; those
 * that (over) has, too, are left to it. 0: there is no such table. */
static void append_fields(lua_State *L, int list, int fields, int over,
                          bool is_json)
{
    lua_Integer i, count;
    int keys;

    push_sorted(L, fields);
    keys = lua_gettop(L);
    count = (lua_Integer)lua_rawlen(L, keys);
    for (i = 1; i <= count; i++) {
        lua_rawgeti(L, keys, i);
        lua_rawgeti(L, keys + 1, 2);
        if (over != 0) {
            lua_pushvalue(L, -1);
            if (lua_rawget(L, over) != LUA_TNIL) {
                lua_settop(L, keys);
                continue;
            }
            lua_pop(L, 1);
        }
        lua_rawget(L, fields); /* the value */
        lua_rawgeti(L, keys + 1, 1);
        lua_insert(L, -2);
        append_field(L, list, is_json);
        lua_settop(L, keys);
    }
    lua_pop(L, 1);
}

/* make_line(level, message, own fields | nil, bound fields | nil) -> text */
static int make_line(lua_State *L)
{
    const struct settings *settings = lua_touserdata(L, lua_upvalueindex(1));
    uint64_t ms = lunik_time_monotonic_ns() / LUNIK_NS_PER_MS;
    bool is_json = settings->is_json;
    char head[64];
    int list;

    lua_settop(L, 4);
    lua_newtable(L);
    list = lua_gettop(L);
    lunik_format(head, sizeof(head),
                 is_json ? "{\"ts\":%lu.%03u,\"level\":\"%s\""
                         : "ts=%lu.%03u level=%s",
                 (unsigned long)(ms / 1000), (unsigned)(ms % 1000),
                 lunik_log_level_name((lunik_log_level)lua_tointeger(L, 1)));
    lua_pushstring(L, head);
    append(L, list);
    lua_pushliteral(L, "msg");
    push_text(L, 2, NULL);
    append_field(L, list, is_json);
    if (lua_istable(L, 4))
        append_fields(L, list, 4, lua_istable(L, 3) ? 3 : 0, is_json);
    if (lua_istable(L, 3)) {
        append_fields(L, list, 3, 0, is_json);
    } else if (!lua_isnil(L, 3)) {
        lua_pushliteral(L, "fields");
        lua_pushvalue(L, 3);
        append_field(L, list, is_json);
    }
    lua_pushstring(L, is_json ? "}\n" : "\n");
    append(L, list);
    push_joined(L, list);
    return 1;
}

/* Writes a line of (level): [message, fields, bound fields] from (first) on. */
static void write_line(lua_State *L, lunik_log_level level, int first)
{
    const char *text;
    size_t size;

    if (level < lunik_log_get_level())
        return;
    lua_pushvalue(L, lua_upvalueindex(3)); /* make_line */
    lua_pushinteger(L, level);
    lua_pushvalue(L, first);
    lua_pushvalue(L, first + 1);
    lua_pushvalue(L, first + 2);
    if (lua_pcall(L, 4, 1, 0) == LUA_OK) {
        text = lua_tolstring(L, -1, &size);
        fwrite(text, 1, size, stderr);
    } else {
        fputs("level=error msg=\"a log line could not be made\"\n", stderr);
    }
    fflush(stderr);
}

/* log.<level>(message [, fields]); upvalue 4: the level. */
static int log_write(lua_State *L)
{
    lua_settop(L, 3);
    lua_pushnil(L);
    lua_replace(L, 3);
    write_line(L, (lunik_log_level)lua_tointeger(L, lua_upvalueindex(4)), 1);
    return 0;
}

/* logger:<level>(message [, fields]) */
static int logger_write(lua_State *L)
{
    luaL_checkudata(L, 1, LOGGER_TYPE);
    lua_settop(L, 3);
    lua_getiuservalue(L, 1, 1);
    write_line(L, (lunik_log_level)lua_tointeger(L, lua_upvalueindex(4)), 2);
    return 0;
}

/* Pushes the line for (level name, message, fields) from (first) on and the
 * bound fields at (bound), 0 for none. */
static int render(lua_State *L, int first, int bound)
{
    const char *name = luaL_checkstring(L, first);
    lunik_log_level level;

    luaL_argcheck(L, lunik_log_level_find(name, &level), first,
                  "debug, info, warn, error or none");
    lua_settop(L, first + 2);
    lua_pushvalue(L, lua_upvalueindex(3));
    lua_pushinteger(L, level);
    lua_pushvalue(L, first + 1);
    lua_pushvalue(L, first + 2);
    if (bound != 0)
        lua_getiuservalue(L, bound, 1);
    else
        lua_pushnil(L);
    lua_call(L, 4, 1);
    return 1;
}

/* log.render(level, message [, fields]) -> the line, and writes nothing */
static int log_render(lua_State *L)
{
    return render(L, 1, 0);
}

static int logger_render(lua_State *L)
{
    luaL_checkudata(L, 1, LOGGER_TYPE);
    return render(L, 2, 1);
}

/* ---- Loggers ---- */

/* Copies the fields of the table at (from) into the one at the top. */
static void copy_fields(lua_State *L, int from)
{
    lua_pushnil(L);
    while (lua_next(L, from)) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -4);
    }
}

/* log.with(fields), logger:with(fields) -> logger */
static int log_with(lua_State *L)
{
    int fields = luaL_testudata(L, 1, LOGGER_TYPE) != NULL ? 2 : 1;

    luaL_checktype(L, fields, LUA_TTABLE);
    lua_settop(L, fields);
    lua_newuserdatauv(L, 0, 1);
    lua_newtable(L);
    if (fields == 2) {
        lua_getiuservalue(L, 1, 1);
        lua_insert(L, -2);
        copy_fields(L, lua_gettop(L) - 1);
        lua_remove(L, -2);
    }
    copy_fields(L, fields);
    lua_setiuservalue(L, -2, 1);
    luaL_setmetatable(L, LOGGER_TYPE);
    return 1;
}

/* log.level([name]) -> the name of the level that was in force */
static int log_level(lua_State *L)
{
    const char *name = luaL_optstring(L, 1, NULL);
    lunik_log_level level;

    lua_pushstring(L, lunik_log_level_name(lunik_log_get_level()));
    if (name != NULL) {
        luaL_argcheck(L, lunik_log_level_find(name, &level), 1,
                      "debug, info, warn, error or none");
        lunik_log_set_level(level);
    }
    return 1;
}

/* log.format([name]) -> the name of the format that was in force */
static int log_format(lua_State *L)
{
    static const char *const names[] = { "logfmt", "json", NULL };
    struct settings *settings = lua_touserdata(L, lua_upvalueindex(1));

    lua_pushstring(L, names[settings->is_json]);
    if (!lua_isnoneornil(L, 1))
        settings->is_json = luaL_checkoption(L, 1, NULL, names) == 1;
    return 1;
}

/* ---- The module ---- */

/* Sets the functions of a logger in the table at (at): those of levels each has
 * upvalues settings, table.sort, make_line (from the stack at 1 to 3) and its
 * level. */
static void set_levels(lua_State *L, int at, lua_CFunction write,
                       lua_CFunction make)
{
    lunik_log_level level;

    for (level = LUNIK_LOG_DEBUG; level < LUNIK_LOG_NONE; level++) {
        lua_pushvalue(L, 1);
        lua_pushvalue(L, 2);
        lua_pushvalue(L, 3);
        lua_pushinteger(L, level);
        lua_pushcclosure(L, write, 4);
        lua_setfield(L, at, lunik_log_level_name(level));
    }
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 3);
    lua_pushcclosure(L, make, 3);
    lua_setfield(L, at, "render");
    lua_pushcfunction(L, log_with);
    lua_setfield(L, at, "with");
}

static int luaopen_lunik_log(lua_State *L)
{
    struct settings *settings;

    lua_settop(L, 0);
    settings = lua_newuserdatauv(L, sizeof(*settings), 0);
    *settings = (struct settings) { 0 };
    lua_getglobal(L, "table");
    lua_getfield(L, -1, "sort");
    lua_replace(L, 2);
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, make_line, 2);

    luaL_newmetatable(L, LOGGER_TYPE);
    lua_newtable(L);
    set_levels(L, 5, logger_write, logger_render);
    lua_setfield(L, 4, "__index");
    lua_settop(L, 3);

    lua_newtable(L);
    set_levels(L, 4, log_write, log_render);
    lua_pushcfunction(L, log_level);
    lua_setfield(L, 4, "level");
    lua_pushvalue(L, 1);
    lua_pushcclosure(L, log_format, 1);
    lua_setfield(L, 4, "format");
    return 1;
}

LUNIK_MODULE(lunik_log, "lunik.log", luaopen_lunik_log)
