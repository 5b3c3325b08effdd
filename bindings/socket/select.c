/* SPDX-License-Identifier: MIT */
/*
 * select.c: socket.select, in the place of LuaSocket's.
 *
 * That one calls two methods of every socket through Lua each time, and makes
 * its sets anew. This one reads LuaSocket's own sockets as they are, and calls
 * the methods of other objects alone: those of LuaSec, or a program's.
 */
#include "calls.h"

#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* LuaSocket's. */
#include <luasocket.h>
#include <tcp.h>
#include <udp.h>

/* So many need no memory of their own. */
#define FEW 32

/* Descriptors from here on are refused: more than an image gives out. With a
 * bound below that, as FD_SETSIZE is, whoever opens enough connections to a
 * server would stop it. */
#define SET_SIZE 65536

/* Upvalue 1: the metatables of LuaSocket's classes, by their addresses. */
struct classes {
    const void *tcp[3], *udp[2];
};

/* One call: an entry for each object of the first list, then of the second. */
struct call {
    lua_State *L;
    const struct classes *classes;
    struct pollfd *fds;
    size_t room, used;
    bool has_dirty; /* one has data that it has read already */
    struct pollfd few[FEW];
};

enum { ARG_READ = 1, ARG_WRITE, ARG_TIMEOUT, SLOT_ROOM };

/* ---- One object ---- */

/* Pushes what (method) of the object at the top gives; nil if it has none. */
static void call_method(lua_State *L, const char *method)
{
    if (lua_getfield(L, -1, method) == LUA_TNIL)
        return;
    lua_pushvalue(L, -2);
    lua_call(L, 1, 1);
}

static int examine_other(lua_State *L, bool *is_dirty)
{
    double fd = -1;

    call_method(L, "getfd");
    if (lua_isnumber(L, -1))
        fd = lua_tonumber(L, -1);
    lua_pop(L, 1);
    if (!(fd >= 0 && fd <= INT_MAX))
        return -1;
    call_method(L, "dirty");
    *is_dirty = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return (int)fd;
}

/* The descriptor of the object at the top, -1 for none; and whether it has data
 * already. */
static int examine(struct call *call, bool *is_dirty)
{
    const struct classes *classes = call->classes;
    lua_State *L = call->L;
    const void *object = lua_touserdata(L, -1), *metatable = NULL;

    *is_dirty = false;
    if (object != NULL && lua_getmetatable(L, -1)) {
        metatable = lua_topointer(L, -1);
        lua_pop(L, 1);
    }
    if (metatable == NULL)
        return examine_other(L, is_dirty);
    if (metatable == classes->tcp[0] || metatable == classes->tcp[1] ||
        metatable == classes->tcp[2]) {
        const t_tcp *tcp = object;

        *is_dirty = tcp->buf.first < tcp->buf.last;
        return tcp->sock;
    }
    if (metatable == classes->udp[0] || metatable == classes->udp[1])
        return ((const t_udp *)object)->sock;
    return examine_other(L, is_dirty);
}

/* ---- The lists ---- */

static struct pollfd *add(struct call *call, int fd, short events)
{
    struct pollfd *more;
    size_t i;

    if (call->used == call->room) {
        more = lua_newuserdatauv(call->L, 2 * call->room * sizeof(*more), 0);
        for (i = 0; i < call->used; i++)
            more[i] = call->fds[i];
        lua_replace(call->L, SLOT_ROOM);
        call->fds = more;
        call->room *= 2;
    }
    more = &call->fds[call->used++];
    *more = (struct pollfd) { .fd = fd, .events = events };
    return more;
}

/* Adds an entry for every object of the list at (arg). One without a
 * descriptor, or with data at hand, is not waited for. */
static void collect(struct call *call, int arg, short events)
{
    lua_State *L = call->L;
    lua_Integer i;
    bool is_dirty;
    int fd;

    if (lua_isnil(L, arg))
        return;
    luaL_checktype(L, arg, LUA_TTABLE);
    for (i = 1; lua_geti(L, arg, i) != LUA_TNIL; i++) {
        fd = examine(call, &is_dirty);
        if (fd >= SET_SIZE)
            luaL_argerror(L, arg, "descriptor too large for set size");
        is_dirty = is_dirty && fd >= 0 && events == POLLIN;
        add(call, is_dirty ? -1 : fd, events)->revents = is_dirty ? POLLIN : 0;
        call->has_dirty = call->has_dirty || is_dirty;
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

/* poll() forgets the results of those it need not look at. */
static int wait_for_all(struct call *call, int timeout_ms)
{
    size_t i;
    int ready;

    for (i = 0; i < call->used; i++)
        if (call->fds[i].revents != 0)
            call->fds[i].events = 0;
    ready = lunik_luasocket_poll(call->fds, (nfds_t)call->used, timeout_ms);
    for (i = 0; i < call->used; i++) {
        if (call->fds[i].events == 0)
            call->fds[i].revents = POLLIN;
        if (call->fds[i].revents & POLLNVAL)
            ready = -1;
    }
    return ready;
}

/* Pushes the objects of the list at (arg), whose entries are those from (first)
 * up to (end), that have one of (results): by number, and their numbers by
 * them. */
static void push_ready(struct call *call, int arg, size_t first, size_t end,
                       short results)
{
    lua_State *L = call->L;
    lua_Integer count = 0;
    size_t i;

    lua_newtable(L);
    for (i = first; i < end; i++) {
        if ((call->fds[i].revents & results) == 0)
            continue;
        lua_geti(L, arg, (lua_Integer)(i - first) + 1);
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, ++count);
        lua_pushinteger(L, count);
        lua_rawset(L, -3);
    }
}

/* Argument (arg), seconds or nil, for poll(): a part of a millisecond is one.
 */
static int check_timeout(lua_State *L, int arg)
{
    double seconds = luaL_optnumber(L, arg, -1);

    if (!(seconds >= 0))
        return -1;
    return seconds < INT_MAX / 1000 ? (int)ceil(seconds * 1000) : INT_MAX;
}

/* socket.select(readable, writable [, timeout]) */
static int socket_select_lua(lua_State *L)
{
    struct call call;
    size_t readable;
    int timeout_ms, ready;

    lunik_luasocket_begin(L);
    timeout_ms = check_timeout(L, ARG_TIMEOUT);
    lua_settop(L, SLOT_ROOM);
    call.L = L;
    call.classes = lua_touserdata(L, lua_upvalueindex(1));
    call.fds = call.few;
    call.room = FEW;
    call.used = 0;
    call.has_dirty = false;
    collect(&call, ARG_READ, POLLIN);
    readable = call.used;
    collect(&call, ARG_WRITE, POLLOUT);
    ready = wait_for_all(&call, call.has_dirty ? 0 : timeout_ms);
    if (ready < 0)
        return luaL_error(L, "select failed");
    push_ready(&call, ARG_READ, 0, readable, POLLIN | POLLHUP | POLLERR);
    push_ready(&call, ARG_WRITE, readable, call.used, POLLOUT | POLLERR);
    if (ready > 0 || call.has_dirty)
        return 2;
    lunik_luasocket_failed(L);
    lua_pushliteral(L, "timeout");
    return 3;
}

static const void *class_of(lua_State *L, const char *name)
{
    const void *metatable;

    luaL_getmetatable(L, name);
    metatable = lua_topointer(L, -1);
    lua_pop(L, 1);
    return metatable;
}

/* Called by LuaSocket when the classes are there; the module is at the top. */
int lunik_luasocket_open_select(lua_State *L)
{
    struct classes *classes;

    lua_pushinteger(L, SET_SIZE);
    lua_setfield(L, -2, "_SETSIZE");
    lua_pushinteger(L, SOCKET_INVALID);
    lua_setfield(L, -2, "_SOCKETINVALID");
    classes = lua_newuserdatauv(L, sizeof(*classes), 0);
    *classes = (struct classes) {
        .tcp = { class_of(L, "tcp{master}"), class_of(L, "tcp{client}"),
                 class_of(L, "tcp{server}") },
        .udp = { class_of(L, "udp{unconnected}"),
                 class_of(L, "udp{connected}") },
    };
    lua_pushcclosure(L, socket_select_lua, 1);
    lua_setfield(L, -2, "select");
    return 0;
}
