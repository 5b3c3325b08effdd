/* SPDX-License-Identifier: MIT */
/*
 * count.c: the Lua module `count`: count() answers the time-stamp counter.
 *
 * QEMU with -icount shift=0 advances it by one for each instruction.
 */
#include <lauxlib.h>
#include <lunik/module.h>
#include <stdint.h>

static int count(lua_State *L)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    lua_pushinteger(L, (lua_Integer)((uint64_t)high << 32 | low));
    return 1;
}

static int luaopen_count(lua_State *L)
{
    lua_pushcfunction(L, count);
    return 1;
}

LUNIK_MODULE(count, "count", luaopen_count)
