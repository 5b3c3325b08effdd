/* SPDX-License-Identifier: MIT */
/* fault.c: the Lua module `fault`: C functions that commit one fault each. */
#include <lauxlib.h>
#include <lunik/attr.h>
#include <lunik/module.h>
#include <lunik/panic.h>
#include <stddef.h>

static volatile int depth;

static LUNIK_NOINLINE int commit_fault(int is_overflow)
{
    volatile char room[200] = { 0 };
    const volatile int *volatile pointer = NULL;

    if (!is_overflow)
        return pointer[3];
    depth++;
    return commit_fault(1) + room[depth & 1];
}

/* null_read() */
static int fault_null_read(lua_State *L)
{
    lua_pushinteger(L, commit_fault(0));
    return 1;
}

/* overflow() */
static int fault_overflow(lua_State *L)
{
    lua_pushinteger(L, commit_fault(1));
    return 1;
}

/* broken_promise() */
static int fault_broken_promise(lua_State *L)
{
    LUNIK_ASSERT(lua_gettop(L) == 7);
    return 0;
}

static int luaopen_fault(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "null_read", fault_null_read },
        { "overflow", fault_overflow },
        { "broken_promise", fault_broken_promise },
        { NULL, NULL },
    };

    luaL_newlibtable(L, functions);
    luaL_setfuncs(L, functions, 0);
    return 1;
}

LUNIK_MODULE(fault, "fault", luaopen_fault)
