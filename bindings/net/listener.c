/* SPDX-License-Identifier: MIT */
/* listener.c: listening sockets of lunik.net. */
#include "net.h"

#include <lauxlib.h>
#include <lunik/runtime.h>
#include <string.h>

#define BACKLOG 128
#define BACKLOG_MAX 4096

struct options {
    size_t backlog;
    bool only_ip6, reuse;
};

static void read_options(lua_State *L, int arg, struct options *out)
{
    lua_Integer backlog = BACKLOG;

    *out = (struct options) { .reuse = true };
    if (!lua_isnoneornil(L, arg)) {
        luaL_checktype(L, arg, LUA_TTABLE);
        if (lua_getfield(L, arg, "backlog") != LUA_TNIL)
            backlog = luaL_checkinteger(L, -1);
        luaL_argcheck(L, backlog >= 1 && backlog <= BACKLOG_MAX, arg,
                      "a backlog is 1 to 4096");
        lua_getfield(L, arg, "v6only");
        out->only_ip6 = lua_toboolean(L, -1);
        if (lua_getfield(L, arg, "reuse") != LUA_TNIL)
            out->reuse = lua_toboolean(L, -1);
        lua_pop(L, 3);
    }
    out->backlog = (size_t)backlog;
}

static lunik_result open_listener(const struct lunik_address *address,
                                  unsigned families,
                                  const struct options *options,
                                  struct lunik_socket **out)
{
    struct lunik_socket *socket;
    lunik_result res;

    res = lunik_socket_open(LUNIK_STREAM, families, &socket);
    if (res != LUNIK_OK)
        return res;
    res = lunik_socket_set(socket, LUNIK_SOCKET_REUSE_ADDRESS, options->reuse);
    if (res == LUNIK_OK && options->only_ip6 && (families & LUNIK_IP6))
        res = lunik_socket_set(socket, LUNIK_SOCKET_ONLY_IP6, 1);
    if (res == LUNIK_OK)
        res = lunik_socket_bind(socket, address);
    if (res == LUNIK_OK)
        res = lunik_socket_listen(socket, options->backlog);
    if (res != LUNIK_OK) {
        lunik_socket_close(socket);
        return res;
    }
    *out = socket;
    return LUNIK_OK;
}

/* net.listen(host | nil, port [, options]) -> listener | nil, err */
static int net_listen(lua_State *L)
{
    const char *host = luaL_optstring(L, 1, "*");
    uint16_t port = lunik_net_check_port(L, 2);
    struct lunik_address found[LUNIK_NET_ADDRESSES_MAX] = { 0 };
    struct lunik_net_handle *handle;
    struct options options;
    unsigned families = LUNIK_IP4 | LUNIK_IP6;
    size_t count;
    lunik_result res;

    read_options(L, 3, &options);
    lunik_lua_check(L);
    if (strcmp(host, "*") == 0) {
        if (options.only_ip6)
            families = LUNIK_IP6;
        found[0].family = LUNIK_IP6;
        found[0].port = port;
    } else {
        res = lunik_net_find(host, port, families, LUNIK_NEVER, found, &count);
        if (res != LUNIK_OK)
            return lunik_net_fail_name(L, res);
        families = found[0].family;
    }
    handle = lunik_net_push_handle(L, LUNIK_NET_LISTENER_TYPE);
    res = open_listener(&found[0], families, &options, &handle->socket);
    if (res != LUNIK_OK)
        return lunik_lua_fail(L, res);
    return 1;
}

static struct lunik_net_handle *check_listener(lua_State *L)
{
    return luaL_checkudata(L, 1, LUNIK_NET_LISTENER_TYPE);
}

/* listener:accept([timeout]) -> stream | nil, err */
static int listener_accept(lua_State *L)
{
    struct lunik_net_handle *handle = check_listener(L);
    uint64_t deadline = lunik_lua_opt_deadline(L, 2);
    struct lunik_socket *socket;
    struct lunik_socket_stream *tcp;
    lunik_result res;

    lunik_lua_check(L);
    tcp = lunik_net_push_tcp(L);
    for (;;) {
        if (handle->socket == NULL)
            return lunik_lua_fail(L, LUNIK_ECLOSED);
        res = lunik_socket_try_accept(handle->socket, &socket);
        if (res == LUNIK_OK)
            break;
        if (res == LUNIK_EAGAIN)
            res = lunik_task_wait_result(
                lunik_socket_wait(handle->socket, LUNIK_READABLE, deadline));
        if (res != LUNIK_OK)
            return lunik_lua_fail_wait(L, res);
    }
    lunik_net_tcp_take(tcp, socket);
    return 1;
}

/* listener:address() -> address, port | nil, err */
static int listener_address(lua_State *L)
{
    struct lunik_net_handle *handle = check_listener(L);
    struct lunik_address address;

    if (handle->socket == NULL)
        return lunik_lua_fail(L, LUNIK_ECLOSED);
    lunik_socket_get_local(handle->socket, &address);
    return lunik_net_push_address(L, &address);
}

static int listener_close(lua_State *L)
{
    lunik_net_handle_close(check_listener(L));
    return 0;
}

void lunik_net_open_listener(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "accept", listener_accept },
        { "address", listener_address },
        { "close", listener_close },
        { NULL, NULL },
    };
    static const luaL_Reg metamethods[] = {
        { "__gc", listener_close },
        { "__close", listener_close },
        { NULL, NULL },
    };

    luaL_newmetatable(L, LUNIK_NET_LISTENER_TYPE);
    luaL_setfuncs(L, metamethods, 0);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    lua_pushcfunction(L, net_listen);
    lua_setfield(L, -2, "listen");
}
