/* SPDX-License-Identifier: MIT */
/*
 * sandbox.c: runs a project file in a Lua state that has nothing and that can
 * use up nothing.
 */
#include "host.h"

#include <lauxlib.h>
#include <stddef.h>
#include <stdlib.h>

/* Deeper tables, and so cycles, are refused. */
#define DEPTH_MAX 16

/* Values that are copied at most. Tables that share tables grow by copying: a
 * few lines make more than any memory holds. */
#define COPIES_MAX 100000

struct budget {
    size_t used, limit;
};

static void *limited_alloc(void *ud, void *ptr, size_t old, size_t size)
{
    struct budget *budget = ud;
    if (ptr == NULL) {
        old = 0; /* Lua passes a kind there, not a size */
    }
    if (size > old && size - old > budget->limit - budget->used) {
        return NULL;
    }
    void *moved = NULL;
    if (size == 0) {
        free(ptr);
    } else if ((moved = realloc(ptr, size)) == NULL) {
        return NULL;
    }
    budget->used = budget->used - old + size;
    return moved;
}

static void stop(lua_State *S, lua_Debug *ar)
{
    (void)ar;
    luaL_error(S, "it runs for too long: only simple values belong in it");
}

/* Pushes a copy of (S)'s value at (index) to (L); false: it cannot be copied.
 */
static int copy(lua_State *S, int index, lua_State *L, int depth, int *left)
{
    index = lua_absindex(S, index);
    if ((*left)-- == 0) {
        return 0;
    }
    switch (lua_type(S, index)) {
    case LUA_TNIL:
        lua_pushnil(L);
        return 1;
    case LUA_TBOOLEAN:
        lua_pushboolean(L, lua_toboolean(S, index));
        return 1;
    case LUA_TNUMBER:
        if (lua_isinteger(S, index)) {
            lua_pushinteger(L, lua_tointeger(S, index));
        } else {
            lua_pushnumber(L, lua_tonumber(S, index));
        }
        return 1;
    case LUA_TSTRING: {
        size_t size;
        const char *text = lua_tolstring(S, index, &size);
        lua_pushlstring(L, text, size);
        return 1;
    }
    case LUA_TTABLE:
        break;
    default:
        return 0;
    }
    if (depth == DEPTH_MAX || !lua_checkstack(S, 4) || !lua_checkstack(L, 4)) {
        return 0;
    }
    lua_newtable(L);
    for (lua_pushnil(S); lua_next(S, index); lua_pop(S, 1)) {
        if (!copy(S, -2, L, depth + 1, left) ||
            !copy(S, -1, L, depth + 1, left)) {
            return 0;
        }
        lua_rawset(L, -3);
    }
    return 1;
}

int lunik_host_sandbox(lua_State *L)
{
    size_t size;
    const char *text = luaL_checklstring(L, 1, &size);
    const char *name = luaL_checkstring(L, 2);
    lua_Integer instructions = luaL_checkinteger(L, 3);
    struct budget budget = { .limit = (size_t)luaL_checkinteger(L, 4) };
    lua_State *S = lua_newstate(limited_alloc, &budget);
    if (S == NULL) {
        return luaL_error(L, "not enough memory");
    }
    lua_sethook(S, stop, LUA_MASKCOUNT, (int)instructions);
    int left = COPIES_MAX;
    int status = luaL_loadbufferx(S, text, size, name, "t");
    if (status == LUA_OK) {
        status = lua_pcall(S, 0, 1, 0);
    }
    lua_settop(L, 0);
    if (status != LUA_OK) {
        lua_pushnil(L);
        const char *message = lua_tostring(S, -1);
        lua_pushstring(L, message ? message : "an error without a message");
    } else if (!copy(S, -1, L, 0, &left)) {
        lua_settop(L, 0);
        lua_pushnil(L);
        lua_pushliteral(L, "it holds a function, or tables too deep or too "
                           "large: only simple values belong in it");
    }
    lua_close(S);
    return lua_gettop(L);
}
