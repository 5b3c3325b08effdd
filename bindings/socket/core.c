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
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CALLS_WITHOUT_WAIT 8

int luaopen_socket_core(lua_State *L);

LUNIK_MODULE(socket_core, "socket.core", luaopen_socket_core)

static bool may_wait(const char *name, size_t len)
{
    /* "bind" and its like look up names. */
    static const struct {
        uint8_t len;
        char name[12];
    } calls[] = {
        { 6, "accept" },       { 4, "bind" },         { 7, "connect" },
        { 11, "getaddrinfo" }, { 11, "getnameinfo" }, { 7, "receive" },
        { 11, "receivefrom" }, { 4, "send" },         { 6, "sendto" },
        { 11, "setpeername" }, { 11, "setsockname" }, { 5, "sleep" },
        { 10, "tohostname" },  { 4, "toip" },
    };
    /* The letters that they begin with; most names have another one. */
    const uint32_t letters = 1u << ('a' & 31) | 1u << ('b' & 31) |
                             1u << ('c' & 31) | 1u << ('g' & 31) |
                             1u << ('r' & 31) | 1u << ('s' & 31) |
                             1u << ('t' & 31);
    size_t i;

    if (!(letters >> (name[0] & 31) & 1))
        return false;
    for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        if (calls[i].len == len && calls[i].name[0] == name[0] &&
            memcmp(calls[i].name, name, len) == 0)
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
    size_t len = 0;
    bool is_wrapped = false;

    if (lua_type(L, -1) == LUA_TSTRING) {
        const char *name = lua_tolstring(L, -1, &len);

        is_wrapped = may_wait(name, len);
    }

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
