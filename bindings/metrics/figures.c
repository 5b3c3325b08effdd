/* SPDX-License-Identifier: MIT */
/* figures.c: what the library OS and the runtime count by themselves. */
#include "metrics.h"

#include <lauxlib.h>
#include <lunik/event.h>
#include <lunik/runtime.h>
#include <lunik/socket.h>
#include <lunik/time.h>

/* Weak: an image that has no sockets gets none by counting them. */
#pragma weak lunik_socket_get_info

static void set_figure(lua_State *L, const char *name, uint64_t value)
{
    lua_pushnumber(L, (lua_Number)value);
    lua_setfield(L, -2, name);
}

/* core.figures() -> { name = value }; those of parts that are not linked are
 * left out */
int lunik_metrics_figures(lua_State *L)
{
    struct lunik_fiber_info fibers;
    struct lunik_socket_info sockets;

    lua_createtable(L, 0, 8);
    lunik_fiber_get_info(&fibers);
    set_figure(L, "tasks", lunik_lua_task_count(L));
    set_figure(L, "switches", fibers.switches);
    if (lunik_socket_get_info != NULL) {
        lunik_socket_get_info(&sockets);
        set_figure(L, "sockets", sockets.open);
        set_figure(L, "sockets_max", sockets.max);
        set_figure(L, "sockets_half_open", sockets.half_open);
        set_figure(L, "socket_bytes", sockets.bytes);
    }
    return 1;
}

/* ---- Pauses ---- */

/* Of the one state that was set last; its registry keeps it. */
static struct lunik_metrics_series *pauses;

static void on_pause(uint64_t ns)
{
    if (pauses != NULL)
        lunik_metrics_add(pauses, (double)ns / (double)LUNIK_NS_PER_S);
}

static int keeper_gc(lua_State *L)
{
    (void)L;
    lunik_lua_set_gc_observer(NULL);
    pauses = NULL;
    return 0;
}

/* core.set_pauses(series): a histogram's, which it keeps alive. */
int lunik_metrics_set_pauses(lua_State *L)
{
    static const char key = 0;

    pauses = lunik_metrics_keep(L, &key, keeper_gc);
    lunik_lua_set_gc_observer(on_pause);
    return 0;
}

/* Anchors the series at 1, a histogram's, in the registry under (key), until
 * the state is closed: then (gc) is called. */
struct lunik_metrics_series *lunik_metrics_keep(lua_State *L, const void *key,
                                                lua_CFunction gc)
{
    struct lunik_metrics_series *series =
        luaL_checkudata(L, 1, LUNIK_METRICS_SERIES);

    luaL_argcheck(L, series->family->kind == LUNIK_METRICS_HISTOGRAM, 1,
                  "not a histogram");
    lua_newuserdatauv(L, 0, 1);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, key);
    return series;
}
