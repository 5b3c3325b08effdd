/* SPDX-License-Identifier: MIT */
/*
 * core.c: the module socket.core: LuaSocket's C, wrapped where it waits.
 *
 * LuaSocket knows no tasks. A wait that is cut short, because its task was
 * cancelled or a deadline around the call passed, looks to it like a timeout
 * of its own; the wrapper then raises what the other modules raise.
 */
#include "calls.h"

#include <lunik/event.h>
#include <lunik/module.h>
#include <lunik/runtime.h>
#include <stdbool.h>
#include <string.h>

#define CALLS_WITHOUT_WAIT 8

int luaopen_socket_core(lua_State *L);

LUNIK_MODULE(socket_core, "socket.core", luaopen_socket_core)

static bool may_wait(const char *name)
{
    /* "bind" and its like look up names. In ASCII order. */
    static const char *const names[] = {
        "accept",      "bind",        "connect",     "getaddrinfo",
        "getnameinfo", "receive",     "receivefrom", "send",
        "sendto",      "setpeername", "setsockname", "sleep",
        "tohostname",  "toip",
    };
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* Who only asks again and again, with a timeout of 0, must let the others run,
 * the network among them: every so many times that nothing came of it. */
static void lose_patience(void)
{
    static unsigned calls;
    lunik_result result;

    if (++calls % CALLS_WITHOUT_WAIT != 0)
        return;
    result = lunik_sleep_until(0);
    (void)result; /* the check that follows raises */
}

void lunik_luasocket_begin(lua_State *L)
{
    lunik_lua_check(L);
}

void lunik_luasocket_failed(lua_State *L)
{
    lose_patience();
    if (lunik_fiber_is_limited(lunik_fiber_self()))
        lunik_lua_check(L);
}

/* Upvalue 1: LuaSocket's function. What was done stays done: a connection that
 * was accepted is not lost because the next wait will raise. */
static int call_checked(lua_State *L)
{
    lua_CFunction function = lua_tocfunction(L, lua_upvalueindex(1));
    int results;

    lunik_luasocket_begin(L);
    results = function(L);
    if (results == 0 || lua_isnil(L, -results))
        lunik_luasocket_failed(L);
    return results;
}

void lunik_luasocket_push(lua_State *L, lua_CFunction function)
{
    bool is_wrapped =
        lua_type(L, -1) == LUA_TSTRING && may_wait(lua_tostring(L, -1));

    lua_pushcclosure(L, function, 0);
    if (is_wrapped)
        lua_pushcclosure(L, call_checked, 1);
}

void lunik_luasocket_set_functions(lua_State *L, const luaL_Reg *list,
                                   int upvalues)
{
    if (upvalues > 0) {
        luaL_setfuncs(L, list, upvalues);
        return;
    }
    for (; list->name != NULL; list++) {
        lua_pushstring(L, list->name);
        lunik_luasocket_push(L, list->func);
        lua_settable(L, -3);
    }
}
