/* SPDX-License-Identifier: MIT */
/* udp.c: datagram sockets of lunik.net. */
#include "net.h"

#include <lauxlib.h>
#include <lunik/runtime.h>
#include <lunik/time.h>
#include <string.h>

/* The largest datagram. */
#define DATAGRAM_MAX 65535

static struct lunik_net_handle *check_udp(lua_State *L)
{
    return luaL_checkudata(L, 1, LUNIK_NET_UDP_TYPE);
}

static unsigned check_families(lua_State *L, int arg)
{
    static const char *const names[] = { "any", "ip4", "ip6", NULL };
    static const unsigned families[] = { LUNIK_IP4 | LUNIK_IP6, LUNIK_IP4,
                                         LUNIK_IP6 };
    unsigned chosen;

    lua_getfield(L, arg, "family");
    chosen = families[luaL_checkoption(L, -1, "any", names)];
    lua_pop(L, 1);
    return chosen;
}

/* net.udp([options]) -> udp | nil, err */
static int net_udp(lua_State *L)
{
    struct lunik_address found[LUNIK_NET_ADDRESSES_MAX] = { 0 };
    struct lunik_net_handle *handle;
    const char *host = NULL;
    unsigned families = LUNIK_IP4 | LUNIK_IP6;
    bool binds = false;
    uint16_t port = 0;
    size_t count;
    lunik_result res;

    lunik_lua_check(L);
    lua_settop(L, 1);
    if (!lua_isnil(L, 1)) {
        luaL_checktype(L, 1, LUA_TTABLE);
        families = check_families(L, 1);
        if (lua_getfield(L, 1, "port") != LUA_TNIL) {
            port = lunik_net_check_port(L, 2);
            binds = true;
        }
        lua_getfield(L, 1, "host");
        host = luaL_optstring(L, 3, NULL);
    }
    found[0].family = families & LUNIK_IP6 ? LUNIK_IP6 : LUNIK_IP4;
    found[0].port = port;
    if (host != NULL && strcmp(host, "*") != 0) {
        res = lunik_net_find(host, port, families, LUNIK_NEVER, found, &count);
        if (res != LUNIK_OK)
            return lunik_net_fail_name(L, res);
        families = found[0].family;
        binds = true;
    }
    handle = lunik_net_push_handle(L, LUNIK_NET_UDP_TYPE);
    res = lunik_socket_open(LUNIK_DATAGRAM, families, &handle->socket);
    if (res == LUNIK_OK && binds)
        res = lunik_socket_bind(handle->socket, &found[0]);
    if (res != LUNIK_OK)
        return lunik_lua_fail(L, res);
    return 1;
}

static int send_to(lua_State *L, const struct lunik_address *to)
{
    struct lunik_net_handle *handle = check_udp(L);
    size_t size, sent;
    const char *data = luaL_checklstring(L, 2, &size);
    lunik_result res;

    for (;;) {
        if (handle->socket == NULL)
            return lunik_lua_fail(L, LUNIK_ECLOSED);
        res = lunik_socket_try_send(handle->socket, data, size, 0, to, &sent);
        if (res == LUNIK_OK)
            break;
        if (res == LUNIK_EAGAIN)
            res = lunik_task_wait_result(lunik_socket_wait(
                handle->socket, LUNIK_WRITABLE,
                handle->timeout_ns == LUNIK_NEVER
                    ? LUNIK_NEVER
                    : lunik_time_after_ns(handle->timeout_ns)));
        if (res != LUNIK_OK)
            return lunik_lua_fail_wait(L, res);
    }
    lua_pushboolean(L, true);
    return 1;
}

/* udp:sendto(data, host, port) -> true | nil, err */
static int udp_sendto(lua_State *L)
{
    struct lunik_net_handle *handle = check_udp(L);
    struct lunik_address to[LUNIK_NET_ADDRESSES_MAX];
    const char *host = luaL_checkstring(L, 3);
    uint16_t port = lunik_net_check_port(L, 4);
    size_t count;
    lunik_result res;

    luaL_checkstring(L, 2);
    lunik_lua_check(L);
    if (handle->socket == NULL)
        return lunik_lua_fail(L, LUNIK_ECLOSED);
    res = lunik_net_find(host, port, lunik_socket_get_families(handle->socket),
                         LUNIK_NEVER, to, &count);
    if (res != LUNIK_OK)
        return lunik_net_fail_name(L, res);
    return send_to(L, &to[0]);
}

/* udp:send(data) -> true | nil, err */
static int udp_send(lua_State *L)
{
    lunik_lua_check(L);
    return send_to(L, NULL);
}

/* udp:connect(host, port [, timeout]) -> true | nil, err */
static int udp_connect(lua_State *L)
{
    struct lunik_net_handle *handle = check_udp(L);
    const char *host = luaL_checkstring(L, 2);
    uint16_t port = lunik_net_check_port(L, 3);
    struct lunik_address to[LUNIK_NET_ADDRESSES_MAX];
    size_t count;
    lunik_result res;

    lunik_lua_check(L);
    if (handle->socket == NULL)
        return lunik_lua_fail(L, LUNIK_ECLOSED);
    res = lunik_net_find(host, port, lunik_socket_get_families(handle->socket),
                         lunik_lua_opt_deadline(L, 4), to, &count);
    if (res != LUNIK_OK)
        return lunik_net_fail_name(L, res);
    if (handle->socket == NULL)
        return lunik_lua_fail(L, LUNIK_ECLOSED);
    res = lunik_socket_try_connect(handle->socket, &to[0]);
    if (res != LUNIK_OK)
        return lunik_lua_fail(L, res);
    lua_pushboolean(L, true);
    return 1;
}

/* Pushes the next datagram of at most (max) bytes. */
static int receive(lua_State *L, bool wants_from)
{
    struct lunik_net_handle *handle = check_udp(L);
    lua_Integer max = luaL_optinteger(L, 2, DATAGRAM_MAX);
    uint64_t deadline = lunik_lua_opt_deadline(L, 3);
    struct lunik_address from;
    size_t size;
    lunik_result res;
    luaL_Buffer b;
    char *room;

    luaL_argcheck(L, max >= 1 && max <= DATAGRAM_MAX, 2,
                  "a datagram has 1 to 65535 bytes");
    if (lua_isnoneornil(L, 3) && handle->timeout_ns != LUNIK_NEVER)
        deadline = lunik_time_after_ns(handle->timeout_ns);
    lunik_lua_check(L);
    while (handle->socket != NULL &&
           !(lunik_socket_ready(handle->socket) & LUNIK_READABLE)) {
        res = lunik_task_wait_result(
            lunik_socket_wait(handle->socket, LUNIK_READABLE, deadline));
        if (res != LUNIK_OK)
            return lunik_lua_fail_wait(L, res);
    }
    if (handle->socket == NULL)
        return lunik_lua_fail(L, LUNIK_ECLOSED);
    size = lunik_socket_pending(handle->socket);
    if (size < (size_t)max)
        max = size > 0 ? (lua_Integer)size : 1;
    room = luaL_buffinitsize(L, &b, (size_t)max);
    res = lunik_socket_try_receive(handle->socket, room, (size_t)max, &size,
                                   &from);
    if (res != LUNIK_OK)
        return lunik_lua_fail(L, res);
    luaL_pushresultsize(&b, size);
    return wants_from ? 1 + lunik_net_push_address(L, &from) : 1;
}

/* udp:recvfrom([max [, timeout]]) -> data, address, port | nil, err */
static int udp_recvfrom(lua_State *L)
{
    return receive(L, true);
}

/* udp:recv([max [, timeout]]) -> data | nil, err */
static int udp_recv(lua_State *L)
{
    return receive(L, false);
}

static int join(lua_State *L, bool joins)
{
    struct lunik_net_handle *handle = check_udp(L);
    struct lunik_address group;
    lunik_result res;

    luaL_argcheck(L, lunik_address_parse(luaL_checkstring(L, 2), &group), 2,
                  "not an address");
    if (handle->socket == NULL)
        return lunik_lua_fail(L, LUNIK_ECLOSED);
    res = lunik_socket_join(handle->socket, &group, joins);
    if (res != LUNIK_OK)
        return lunik_lua_fail(L, res);
    lua_pushboolean(L, true);
    return 1;
}

static int udp_join(lua_State *L)
{
    return join(L, true);
}

static int udp_leave(lua_State *L)
{
    return join(L, false);
}

static int udp_settimeout(lua_State *L)
{
    check_udp(L)->timeout_ns =
        lua_isnoneornil(L, 2) ? LUNIK_NEVER : lunik_lua_check_seconds(L, 2);
    return 0;
}

static int udp_local_address(lua_State *L)
{
    struct lunik_net_handle *handle = check_udp(L);
    struct lunik_address address;

    if (handle->socket == NULL)
        return lunik_lua_fail(L, LUNIK_ECLOSED);
    lunik_socket_get_local(handle->socket, &address);
    return lunik_net_push_address(L, &address);
}

static int udp_peer_address(lua_State *L)
{
    struct lunik_net_handle *handle = check_udp(L);
    struct lunik_address address;

    if (handle->socket == NULL)
        return lunik_lua_fail(L, LUNIK_ECLOSED);
    lunik_socket_get_peer(handle->socket, &address);
    return lunik_net_push_address(L, &address);
}

static int udp_set(lua_State *L)
{
    return lunik_net_set(L, check_udp(L)->socket);
}

static int udp_get(lua_State *L)
{
    return lunik_net_get(L, check_udp(L)->socket);
}

static int udp_close(lua_State *L)
{
    lunik_net_handle_close(check_udp(L));
    return 0;
}

void lunik_net_open_udp(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "sendto", udp_sendto },
        { "send", udp_send },
        { "connect", udp_connect },
        { "recvfrom", udp_recvfrom },
        { "recv", udp_recv },
        { "join", udp_join },
        { "leave", udp_leave },
        { "set", udp_set },
        { "get", udp_get },
        { "settimeout", udp_settimeout },
        { "local_address", udp_local_address },
        { "peer_address", udp_peer_address },
        { "close", udp_close },
        { NULL, NULL },
    };
    static const luaL_Reg metamethods[] = {
        { "__gc", udp_close },
        { "__close", udp_close },
        { NULL, NULL },
    };

    luaL_newmetatable(L, LUNIK_NET_UDP_TYPE);
    luaL_setfuncs(L, metamethods, 0);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    lua_pushcfunction(L, net_udp);
    lua_setfield(L, -2, "udp");
}
