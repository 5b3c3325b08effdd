/* SPDX-License-Identifier: MIT */
/* headers.c: the fields of a head, for Lua, without a table of them. */
#include "http.h"

#include <lauxlib.h>
#include <string.h>

static const struct lunik_http_head *check_head(lua_State *L)
{
    return *(const struct lunik_http_head **)luaL_checkudata(
        L, 1, LUNIK_HTTP_HEADERS_TYPE);
}

static bool is_same_name(const struct lunik_http_head *head, size_t i,
                         const char *name, size_t size)
{
    const char *at = head->text + head->fields[i].name.at;
    size_t k;

    if (head->fields[i].name.size != size)
        return false;
    for (k = 0; k < size; k++) {
        unsigned char a = (unsigned char)at[k], b = (unsigned char)name[k];

        if (a != b && ((a ^ b) != 0x20 || (a | 0x20) < 'a' || (a | 0x20) > 'z'))
            return false;
    }
    return true;
}

static void push_span(lua_State *L, const struct lunik_http_head *head,
                      struct lunik_http_span span)
{
    lua_pushlstring(L, head->text + span.at, span.size);
}

/* Pushes the value of (name), repeated ones joined; false: there is none. */
static bool push_value(lua_State *L, const struct lunik_http_head *head,
                       const char *name, size_t size)
{
    bool is_cookie = lunik_http_is(name, size, "cookie");
    int count = 0;
    size_t i;

    for (i = 0; i < head->count; i++) {
        if (!is_same_name(head, i, name, size))
            continue;
        if (count > 0) {
            luaL_checkstack(L, 3, NULL);
            lua_pushstring(L, is_cookie ? "; " : ", ");
            count++;
        }
        push_span(L, head, head->fields[i].value);
        count++;
    }
    if (count > 1)
        lua_concat(L, count);
    return count > 0;
}

bool lunik_http_push_method(lua_State *L, const luaL_Reg *list, int key,
                            int cache)
{
    const char *name = lua_tostring(L, key);

    for (; list->name != NULL; list++) {
        if (strcmp(list->name, name) != 0)
            continue;
        lua_pushcfunction(L, list->func);
        lua_pushvalue(L, key);
        lua_pushvalue(L, -2);
        lua_rawset(L, cache);
        return true;
    }
    return false;
}

/* headers[name]; upvalue 1: the methods */
static int headers_index(lua_State *L)
{
    const struct lunik_http_head *head = check_head(L);
    const char *name;
    size_t size;

    if (lua_type(L, 2) != LUA_TSTRING)
        return 0;
    name = lua_tolstring(L, 2, &size);
    if (push_value(L, head, name, size))
        return 1;
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(1));
    return 1;
}

/* headers:get(name) -> the first value | nil */
static int headers_get(lua_State *L)
{
    const struct lunik_http_head *head = check_head(L);
    const char *name;
    size_t size, i;

    name = luaL_checklstring(L, 2, &size);
    for (i = 0; i < head->count; i++) {
        if (is_same_name(head, i, name, size)) {
            push_span(L, head, head->fields[i].value);
            return 1;
        }
    }
    return 0;
}

/* headers:all(name) -> { value, ... } */
static int headers_all(lua_State *L)
{
    const struct lunik_http_head *head = check_head(L);
    lua_Integer count = 0;
    const char *name;
    size_t size, i;

    name = luaL_checklstring(L, 2, &size);
    lua_newtable(L);
    for (i = 0; i < head->count; i++) {
        if (is_same_name(head, i, name, size)) {
            push_span(L, head, head->fields[i].value);
            lua_rawseti(L, -2, ++count);
        }
    }
    return 1;
}

/* The iterator's step; upvalue 1: the index of the last field. */
static int headers_next(lua_State *L)
{
    const struct lunik_http_head *head = check_head(L);
    lua_Integer i = lua_tointeger(L, lua_upvalueindex(1));

    if (i >= head->count)
        return 0;
    lua_pushinteger(L, i + 1);
    lua_replace(L, lua_upvalueindex(1));
    push_span(L, head, head->fields[i].name);
    push_span(L, head, head->fields[i].value);
    return 2;
}

/* pairs(headers): in the order in which they came */
static int headers_pairs(lua_State *L)
{
    check_head(L);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, headers_next, 1);
    lua_pushvalue(L, 1);
    return 2;
}

static int headers_len(lua_State *L)
{
    lua_pushinteger(L, check_head(L)->count);
    return 1;
}

void lunik_http_push_headers(lua_State *L, int owner,
                             const struct lunik_http_head *head)
{
    const struct lunik_http_head **slot;

    owner = lua_absindex(L, owner);
    slot = lua_newuserdatauv(L, sizeof(struct lunik_http_head *), 1);
    *slot = head;
    lua_pushvalue(L, owner);
    lua_setiuservalue(L, -2, 1);
    luaL_setmetatable(L, LUNIK_HTTP_HEADERS_TYPE);
}

void lunik_http_push_trailers(lua_State *L,
                              const struct lunik_http_parser *parser)
{
    size_t i, k;

    lua_newtable(L);
    if (parser == NULL || !parser->is_complete || !parser->is_trailing)
        return;
    for (i = 0; i < parser->field_count; i++) {
        const struct lunik_http_field *field = &parser->fields[i];
        luaL_Buffer b;
        char *name = luaL_buffinitsize(L, &b, field->name.size);

        for (k = 0; k < field->name.size; k++) {
            char c = parser->trailers[field->name.at + k];

            name[k] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
        }
        luaL_pushresultsize(&b, field->name.size);
        lua_pushlstring(L, parser->trailers + field->value.at,
                        field->value.size);
        lua_pushvalue(L, -2);
        if (lua_rawget(L, -4) == LUA_TSTRING) {
            lua_pushliteral(L, ", ");
            lua_rotate(L, -3, 2);
            lua_concat(L, 3);
        } else {
            lua_pop(L, 1);
        }
        lua_rawset(L, -3);
    }
}

void lunik_http_open_headers(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "get", headers_get },
        { "all", headers_all },
        { NULL, NULL },
    };
    static const luaL_Reg metamethods[] = {
        { "__pairs", headers_pairs },
        { "__len", headers_len },
        { NULL, NULL },
    };

    if (!luaL_newmetatable(L, LUNIK_HTTP_HEADERS_TYPE)) {
        lua_pop(L, 1);
        return;
    }
    luaL_setfuncs(L, metamethods, 0);
    luaL_newlib(L, methods);
    lua_pushcclosure(L, headers_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
