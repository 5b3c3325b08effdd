/* SPDX-License-Identifier: MIT */
/* cjson.c: the module cjson: its table and its settings. */
#include "cjson.h"

#include <limits.h>
#include <lunik/module.h>
#include <stdio.h>

#define NAME "cjson"
/* Of lua-cjson's, whose interface this is. */
#define VERSION "2.1.0"

int luaopen_cjson(lua_State *L);

LUNIK_MODULE(cjson, "cjson", luaopen_cjson)

const char lunik_cjson_empty_array = 0;

static const struct cjson_settings defaults = {
    .sparse_ratio = 2,
    .sparse_safe = 10,
    .encode_max_depth = 1000,
    .decode_max_depth = 1000,
    .decode_invalid = 1,
    .precision = 14,
    .keeps_buffer = 1,
    .empty_is_object = 1,
    .escapes_slash = 1,
};

/* ---- Settings ---- */

/* Each function changes what its arguments say and gives what is then in force:
 * without arguments it only asks. */
static struct cjson_settings *begin(lua_State *L, int max)
{
    luaL_argcheck(L, lua_gettop(L) <= max, max + 1, "found too many arguments");
    lua_settop(L, max);
    return lua_touserdata(L, lua_upvalueindex(1));
}

static void integer_setting(lua_State *L, int arg, int *setting, int min,
                            int max)
{
    char wanted[64];
    lua_Integer value;

    if (!lua_isnil(L, arg)) {
        value = luaL_checkinteger(L, arg);
        snprintf(wanted, sizeof(wanted), "expected integer between %d and %d",
                 min, max);
        luaL_argcheck(L, min <= value && value <= max, arg, wanted);
        *setting = (int)value;
    }
    lua_pushinteger(L, *setting);
}

/* (words): "off", "on" and perhaps others; booleans stand for the first two. */
static void word_setting(lua_State *L, int arg, int *setting,
                         const char *const *words)
{
    if (lua_isboolean(L, arg))
        *setting = lua_toboolean(L, arg);
    else if (!lua_isnil(L, arg))
        *setting = luaL_checkoption(L, arg, NULL, words);
    if (*setting <= 1)
        lua_pushboolean(L, *setting);
    else
        lua_pushstring(L, words[*setting]);
}

static void bool_setting(lua_State *L, int arg, int *setting)
{
    static const char *const words[] = { "off", "on", NULL };

    word_setting(L, arg, setting, words);
}

static int encode_sparse_array(lua_State *L)
{
    struct cjson_settings *s = begin(L, 3);

    bool_setting(L, 1, &s->sparse_converts);
    integer_setting(L, 2, &s->sparse_ratio, 0, INT_MAX);
    integer_setting(L, 3, &s->sparse_safe, 0, INT_MAX);
    return 3;
}

static int encode_max_depth(lua_State *L)
{
    integer_setting(L, 1, &begin(L, 1)->encode_max_depth, 1, INT_MAX);
    return 1;
}

static int decode_max_depth(lua_State *L)
{
    integer_setting(L, 1, &begin(L, 1)->decode_max_depth, 1, INT_MAX);
    return 1;
}

static int encode_number_precision(lua_State *L)
{
    /* 17 digits tell any two numbers apart. */
    integer_setting(L, 1, &begin(L, 1)->precision, 1, 17);
    return 1;
}

static int encode_keep_buffer(lua_State *L)
{
    bool_setting(L, 1, &begin(L, 1)->keeps_buffer);
    return 1;
}

static int encode_invalid_numbers(lua_State *L)
{
    static const char *const words[] = { "off", "on", "null", NULL };

    word_setting(L, 1, &begin(L, 1)->encode_invalid, words);
    return 1;
}

static int decode_invalid_numbers(lua_State *L)
{
    bool_setting(L, 1, &begin(L, 1)->decode_invalid);
    return 1;
}

static int encode_empty_table_as_object(lua_State *L)
{
    bool_setting(L, 1, &begin(L, 1)->empty_is_object);
    return 1;
}

static int encode_escape_forward_slash(lua_State *L)
{
    bool_setting(L, 1, &begin(L, 1)->escapes_slash);
    return 1;
}

static int decode_array_with_array_mt(lua_State *L)
{
    bool_setting(L, 1, &begin(L, 1)->marks_arrays);
    return 1;
}

/* ---- The table ---- */

/* Upvalue 1: encode or decode. */
static int call_safely(lua_State *L)
{
    int status;

    luaL_argcheck(L, lua_gettop(L) == 1, 1, "expected 1 argument");
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    status = lua_pcall(L, 1, 1, 0);
    if (status == LUA_OK)
        return 1;
    if (status == LUA_ERRMEM)
        return lua_error(L);
    luaL_pushfail(L);
    lua_insert(L, -2);
    return 2;
}

static int new_module(lua_State *L)
{
    lunik_cjson_open(L, false);
    return 1;
}

static int new_safe_module(lua_State *L)
{
    lunik_cjson_open(L, true);
    return 1;
}

/* The functions that have the settings as their upvalue. */
static const luaL_Reg functions[] = {
    { "encode", lunik_cjson_encode },
    { "decode", lunik_cjson_decode },
    { "encode_sparse_array", encode_sparse_array },
    { "encode_max_depth", encode_max_depth },
    { "decode_max_depth", decode_max_depth },
    { "encode_number_precision", encode_number_precision },
    { "encode_keep_buffer", encode_keep_buffer },
    { "encode_invalid_numbers", encode_invalid_numbers },
    { "decode_invalid_numbers", decode_invalid_numbers },
    { "encode_empty_table_as_object", encode_empty_table_as_object },
    { "encode_escape_forward_slash", encode_escape_forward_slash },
    { "decode_array_with_array_mt", decode_array_with_array_mt },
    { NULL, NULL },
};

static void wrap(lua_State *L, const char *name)
{
    lua_getfield(L, -1, name);
    lua_pushcclosure(L, call_safely, 1);
    lua_setfield(L, -2, name);
}

void lunik_cjson_open(lua_State *L, bool is_safe)
{
    struct cjson_settings *settings;

    luaL_checkstack(L, 6, NULL);
    lua_newtable(L);
    settings = lua_newuserdatauv(L, sizeof(*settings), 0);
    *settings = defaults;
    luaL_setfuncs(L, functions, 1);
    if (is_safe) {
        wrap(L, "encode");
        wrap(L, "decode");
    }
    lua_pushcfunction(L, is_safe ? new_safe_module : new_module);
    lua_setfield(L, -2, "new");
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null");
    lua_pushlightuserdata(L, (void *)(uintptr_t)&lunik_cjson_empty_array);
    lua_setfield(L, -2, "empty_array");
    luaL_newmetatable(L, CJSON_ARRAY_MT);
    lua_setfield(L, -2, "array_mt");
    luaL_newmetatable(L, CJSON_EMPTY_ARRAY_MT);
    lua_setfield(L, -2, "empty_array_mt");
    lua_pushliteral(L, NAME);
    lua_setfield(L, -2, "_NAME");
    lua_pushliteral(L, VERSION);
    lua_setfield(L, -2, "_VERSION");
}

int luaopen_cjson(lua_State *L)
{
    lunik_cjson_open(L, false);
    return 1;
}
