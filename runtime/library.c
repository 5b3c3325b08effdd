/* SPDX-License-Identifier: MIT */
/* library.c: what of Lua's io and os libraries is different in an image. */
#include "internal.h"

#include <lauxlib.h>
#include <lualib.h>
#include <lunik/sys.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int not_supported(lua_State *L)
{
    luaL_pushfail(L);
    lua_pushliteral(L, "not supported in a Lunik image");
    return 2;
}

/* Upvalue 1: the standard function. There is one locale, "C"; the C library
 * would take any name. */
static int os_setlocale(lua_State *L)
{
    const char *name = luaL_optstring(L, 1, NULL);

    if (name != NULL && *name != '\0' && strcmp(name, "C") != 0 &&
        strcmp(name, "POSIX") != 0) {
        luaL_pushfail(L);
        return 1;
    }
    lua_settop(L, 2);
    if (name != NULL) {
        lua_pushliteral(L, "C");
        lua_replace(L, 1);
    }
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    /* Passing on a nil for the category would be an error. */
    if (lua_isnil(L, 3))
        lua_settop(L, 2);
    lua_call(L, lua_gettop(L) - 1, 1);
    return 1;
}

static int os_getenv(lua_State *L)
{
    lua_pushstring(L, lunik_env_find(luaL_checkstring(L, 1)));
    return 1;
}

static int os_exit(lua_State *L)
{
    lua_Integer code;

    if (lua_isboolean(L, 1))
        code = lua_toboolean(L, 1) ? EXIT_SUCCESS : EXIT_FAILURE;
    else
        code = luaL_optinteger(L, 1, EXIT_SUCCESS);
    if (code < 0 || code > 255)
        code = 255; /* out of range either way; lunik_exit() says so */
    lunik_lua_exit(L, (int)code, lua_toboolean(L, 2));
}

void lunik_lua_exit(lua_State *L, int code, bool close)
{
    struct lunik_runtime *runtime = lunik_runtime_of(L);

    lunik_exit_begin();
    if (close && !runtime->is_closing) {
        runtime->is_closing = true;
        lua_close(L);
    }
    fflush(NULL);
    lunik_exit(code);
}

void lunik_library_open(lua_State *L)
{
    lua_getglobal(L, LUA_IOLIBNAME);
    lua_pushcfunction(L, not_supported);
    lua_setfield(L, -2, "popen");
    lua_pop(L, 1);

    lua_getglobal(L, LUA_OSLIBNAME);
    lua_pushcfunction(L, not_supported);
    lua_setfield(L, -2, "execute");
    lua_pushcfunction(L, os_exit);
    lua_setfield(L, -2, "exit");
    lua_pushcfunction(L, os_getenv);
    lua_setfield(L, -2, "getenv");
    lua_getfield(L, -1, "setlocale");
    lua_pushcclosure(L, os_setlocale, 1);
    lua_setfield(L, -2, "setlocale");
    lua_pop(L, 1);
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
}
