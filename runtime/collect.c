/* SPDX-License-Identifier: MIT */
/*
 * collect.c: how long steps of the garbage collection take.
 *
 * Lua's files are compiled so that what they call as luaC_step() is
 * lunik_lua_collect_step() here (cmake/deps/lua.cmake); the file that defines
 * luaC_step() is not.
 */
#include "internal.h"

#include <lunik/time.h>

extern void luaC_step(lua_State *L);

static void (*observer)(uint64_t ns);

void lunik_lua_set_gc_observer(void (*fn)(uint64_t ns))
{
    observer = fn;
}

void lunik_lua_collect_step(lua_State *L)
{
    uint64_t began;

    if (LUNIK_LIKELY(observer == NULL)) {
        luaC_step(L);
        return;
    }
    began = lunik_time_monotonic_ns();
    luaC_step(L);
    if (observer != NULL)
        observer(lunik_time_monotonic_ns() - began);
}
