/* SPDX-License-Identifier: MIT */
/*
 * encode.c: cjson.encode: from Lua's values to text.
 *
 * Tables are read raw. Nesting uses Lua's stack, not C's: an open table waits
 * there as three slots: the table, its length (-1: an object), and the index
 * or the key that was written last.
 */
#include "cjson.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* What fits in here needs no memory but the result's. */
#define SMALL_SIZE 512
/* The longest number: a float with 17 digits, or an integer. */
#define NUMBER_SIZE 32
/* The slot of the buffer, once it is Lua's memory. */
#define BOX 2

struct encoder {
    lua_State *L;
    const struct cjson_settings *settings;
    const void *array_mt, *empty_array_mt;
    char *text;
    size_t used, room;
    int depth;
    char small[SMALL_SIZE];
};

/* ---- Text ---- */

/* Makes room for (size) more bytes. */
static void reserve(struct encoder *e, size_t size)
{
    size_t room = e->room;
    char *text;

    if (e->room - e->used >= size)
        return;
    if (size > SIZE_MAX / 4 - e->used || room > SIZE_MAX / 4)
        luaL_error(e->L, "the JSON text would be too long");
    while (room - e->used < size)
        room *= 2;
    text = lua_newuserdatauv(e->L, room, 0);
    memcpy(text, e->text, e->used);
    lua_replace(e->L, BOX);
    e->text = text;
    e->room = room;
}

static void add(struct encoder *e, const char *text, size_t size)
{
    reserve(e, size);
    memcpy(e->text + e->used, text, size);
    e->used += size;
}

static void add_char(struct encoder *e, char c)
{
    reserve(e, 1);
    e->text[e->used++] = c;
}

static bool is_escaped(const struct encoder *e, unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\' || c == 0x7F ||
           (c == '/' && e->settings->escapes_slash);
}

static void add_escape(struct encoder *e, unsigned char c)
{
    static const char plain[] = "\"\\/\b\f\n\r\t";
    static const char letters[] = "\"\\/bfnrt";
    static const char digits[] = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(plain, c);
    char text[6] = { '\\', 'u', '0', '0', digits[c >> 4], digits[c & 15] };

    if (at != NULL) {
        text[1] = letters[at - plain];
        add(e, text, 2);
    } else {
        add(e, text, sizeof(text));
    }
}

/* The string at (index), which is one. All bytes above 7F are as they are. */
static void add_string(struct encoder *e, int index)
{
    size_t size, from = 0, i;
    const char *text = lua_tolstring(e->L, index, &size);

    reserve(e, size + 2);
    add_char(e, '"');
    for (i = 0; i < size; i++) {
        if (!is_escaped(e, (unsigned char)text[i]))
            continue;
        add(e, text + from, i - from);
        add_escape(e, (unsigned char)text[i]);
        from = i + 1;
    }
    add(e, text + from, size - from);
    add_char(e, '"');
}

static void add_integer(struct encoder *e, lua_Integer number)
{
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    char text[NUMBER_SIZE];
    size_t at = sizeof(text);

    do
        text[--at] = (char)('0' + left % 10);
    while ((left /= 10) != 0);
    if (number < 0)
        text[--at] = '-';
    add(e, text + at, sizeof(text) - at);
}

static void refuse(struct encoder *e, int index, const char *why)
{
    luaL_error(e->L, "Cannot serialise %s: %s", luaL_typename(e->L, index),
               why);
}

static void add_float(struct encoder *e, int index)
{
    double number = lua_tonumber(e->L, index);

    if (!isfinite(number) && e->settings->encode_invalid == CJSON_REFUSED)
        refuse(e, index, "must not be NaN or Inf");
    if (!isfinite(number) && e->settings->encode_invalid == CJSON_AS_NULL) {
        add(e, "null", 4);
        return;
    }
    if (isnan(number)) {
        add(e, "nan", 3); /* never "-nan" */
        return;
    }
    reserve(e, NUMBER_SIZE);
    e->used += (size_t)snprintf(e->text + e->used, NUMBER_SIZE, "%.*g",
                                e->settings->precision, number);
}

static void add_number(struct encoder *e, int index)
{
    if (lua_isinteger(e->L, index))
        add_integer(e, lua_tointeger(e->L, index));
    else
        add_float(e, index);
}

/* ---- Tables ---- */

/* The length of the table at the top if all of its keys are indexes, 0 if it is
 * empty, else -1. */
static lua_Integer list_length(struct encoder *e)
{
    const struct cjson_settings *s = e->settings;
    lua_State *L = e->L;
    lua_Integer max = 0, items = 0, key;

    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        lua_pop(L, 1);
        key = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : 0;
        if (key < 1) {
            lua_pop(L, 1);
            return -1;
        }
        if (key > max)
            max = key;
        items++;
    }
    if (s->sparse_ratio > 0 && max > s->sparse_safe &&
        max / s->sparse_ratio >= items && max > items * s->sparse_ratio) {
        if (!s->sparse_converts)
            refuse(e, -1, "excessively sparse array");
        return -1;
    }
    return max;
}

/* What the table at the top is written as: its length as an array, or -1. */
static lua_Integer table_length(struct encoder *e)
{
    const void *metatable = NULL;
    lua_Integer length;

    if (lua_getmetatable(e->L, -1)) {
        metatable = lua_topointer(e->L, -1);
        lua_pop(e->L, 1);
    }
    if (metatable != NULL && metatable == e->array_mt)
        return (lua_Integer)lua_rawlen(e->L, -1);
    length = list_length(e);
    if (length == 0 && e->settings->empty_is_object &&
        (metatable == NULL || metatable != e->empty_array_mt))
        return -1;
    return length;
}

/* Opens the table at the top, which stays there. */
static void open_table(struct encoder *e)
{
    lua_Integer length;

    if (++e->depth > e->settings->encode_max_depth || !lua_checkstack(e->L, 10))
        luaL_error(e->L, "Cannot serialise, excessive nesting (%d)", e->depth);
    length = table_length(e);
    lua_pushinteger(e->L, length);
    if (length < 0)
        lua_pushnil(e->L);
    else
        lua_pushinteger(e->L, 0);
    add_char(e, length < 0 ? '{' : '[');
}

static void close_table(struct encoder *e, char bracket)
{
    add_char(e, bracket);
    e->depth--;
}

/* Nothing that was written ends with an opening bracket but an open table. */
static void add_comma(struct encoder *e, char bracket)
{
    if (e->text[e->used - 1] != bracket)
        add_char(e, ',');
}

/* Pushes the next value of the innermost table, an object, behind its key's
 * text; or closes it. */
static bool next_field(struct encoder *e)
{
    lua_State *L = e->L;

    if (lua_next(L, -3) == 0) {
        lua_pop(L, 2);
        close_table(e, '}');
        return false;
    }
    add_comma(e, '{');
    switch (lua_type(L, -2)) {
    case LUA_TSTRING:
        add_string(e, -2);
        break;
    case LUA_TNUMBER:
        add_char(e, '"');
        add_number(e, -2);
        add_char(e, '"');
        break;
    default:
        refuse(e, -2, "table key must be a number or string");
    }
    add_char(e, ':');
    return true;
}

/* The same for an array. */
static bool next_item(struct encoder *e, lua_Integer length)
{
    lua_State *L = e->L;
    lua_Integer index = lua_tointeger(L, -1) + 1;

    lua_pop(L, 1);
    if (index > length) {
        lua_pop(L, 2);
        close_table(e, ']');
        return false;
    }
    add_comma(e, '[');
    lua_pushinteger(L, index);
    lua_rawgeti(L, -3, index);
    return true;
}

static bool next_value(struct encoder *e)
{
    lua_Integer length = lua_tointeger(e->L, -2);

    return length < 0 ? next_field(e) : next_item(e, length);
}

/* The light userdata at the top: cjson.null or cjson.empty_array. */
static void add_constant(struct encoder *e)
{
    const void *value = lua_touserdata(e->L, -1);

    if (value == NULL)
        add(e, "null", 4);
    else if (value == (const void *)&lunik_cjson_empty_array)
        add(e, "[]", 2);
    else
        refuse(e, -1, "type not supported");
}

/* Writes the value at the top and pops it; a table is opened instead. */
static void add_value(struct encoder *e)
{
    lua_State *L = e->L;

    switch (lua_type(L, -1)) {
    case LUA_TTABLE:
        open_table(e);
        return;
    case LUA_TSTRING:
        add_string(e, -1);
        break;
    case LUA_TNUMBER:
        add_number(e, -1);
        break;
    case LUA_TBOOLEAN:
        if (lua_toboolean(L, -1))
            add(e, "true", 4);
        else
            add(e, "false", 5);
        break;
    case LUA_TNIL:
        add(e, "null", 4);
        break;
    case LUA_TLIGHTUSERDATA:
        add_constant(e);
        break;
    default:
        refuse(e, -1, "type not supported");
    }
    lua_pop(L, 1);
}

static const void *metatable_of(lua_State *L, const char *name)
{
    const void *metatable;

    luaL_getmetatable(L, name);
    metatable = lua_topointer(L, -1);
    lua_pop(L, 1);
    return metatable;
}

int lunik_cjson_encode(lua_State *L)
{
    struct encoder e;

    luaL_argcheck(L, lua_gettop(L) == 1, 1, "expected 1 argument");
    e.L = L;
    e.settings = lua_touserdata(L, lua_upvalueindex(1));
    e.array_mt = metatable_of(L, CJSON_ARRAY_MT);
    e.empty_array_mt = metatable_of(L, CJSON_EMPTY_ARRAY_MT);
    e.text = e.small;
    e.used = 0;
    e.room = SMALL_SIZE;
    e.depth = 0;
    lua_settop(L, BOX);
    lua_pushvalue(L, 1);
    add_value(&e);
    while (e.depth > 0)
        if (next_value(&e))
            add_value(&e);
    lua_pushlstring(L, e.text, e.used);
    return 1;
}
