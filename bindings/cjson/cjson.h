/* SPDX-License-Identifier: MIT */
/* cjson.h: what the files of the module cjson tell each other. */
#ifndef LUNIK_BINDING_CJSON_H
#define LUNIK_BINDING_CJSON_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>

/* What encode_invalid_numbers takes, in the order of its words. */
enum cjson_invalid { CJSON_REFUSED, CJSON_AS_IS, CJSON_AS_NULL };

/* Upvalue 1 of every function of one module table. */
struct cjson_settings {
    int sparse_converts;
    int sparse_ratio;
    int sparse_safe;
    int encode_max_depth;
    int decode_max_depth;
    int encode_invalid; /* enum cjson_invalid */
    int decode_invalid;
    int precision;
    int keeps_buffer; /* has no effect */
    int empty_is_object;
    int escapes_slash;
    int marks_arrays; /* decoded arrays get array_mt */
};

/* Tables with these metatables are arrays: always, or when they are empty. */
#define CJSON_ARRAY_MT "cjson.array_mt"
#define CJSON_EMPTY_ARRAY_MT "cjson.empty_array_mt"

/* The light userdata cjson.empty_array is this one's address. */
extern const char lunik_cjson_empty_array;

/* encode(value) -> text, and decode(text) -> value, as Lua functions. */
int lunik_cjson_encode(lua_State *L);
int lunik_cjson_decode(lua_State *L);

/* Pushes a new module table; (is_safe): one whose two functions give nil and a
 * message. */
void lunik_cjson_open(lua_State *L, bool is_safe);

#endif
