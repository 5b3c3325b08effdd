/* SPDX-License-Identifier: MIT */
/* net.c: the module lunik.net: names, addresses, options, interfaces. */
#include "net.h"

#include <lauxlib.h>
#include <lunik/format.h>
#include <lunik/interface.h>
#include <lunik/module.h>
#include <lunik/runtime.h>
#include <string.h>

/* ---- Addresses ---- */

uint16_t lunik_net_check_port(lua_State *L, int arg)
{
    lua_Integer port = luaL_checkinteger(L, arg);

    luaL_argcheck(L, port >= 0 && port <= UINT16_MAX, arg,
                  "a port is 0 to 65535");
    return (uint16_t)port;
}

int lunik_net_push_address(lua_State *L, const struct lunik_address *address)
{
    char text[LUNIK_ADDRESS_TEXT_MAX];

    if (address->family == 0)
        return lunik_lua_fail(L, LUNIK_ECLOSED);
    lua_pushlstring(L, text, lunik_address_format(address, text));
    lua_pushinteger(L, address->port);
    return 2;
}

lunik_result lunik_net_find(const char *host, uint16_t port, unsigned families,
                            uint64_t deadline_ns,
                            struct lunik_address out[LUNIK_NET_ADDRESSES_MAX],
                            size_t *count_out)
{
    lunik_result res = LUNIK_OK;
    size_t i;

    if (lunik_address_parse(host, &out[0]))
        *count_out = 1;
    else
        res = lunik_resolve(host, families, deadline_ns, out,
                            LUNIK_NET_ADDRESSES_MAX, count_out);
    if (res != LUNIK_OK)
        return lunik_task_wait_result(res);
    for (i = 0; i < *count_out; i++)
        out[i].port = port;
    return LUNIK_OK;
}

int lunik_net_fail_name(lua_State *L, lunik_result result)
{
    if (result != LUNIK_ENOENT && result != LUNIK_EINVAL)
        return lunik_lua_fail_wait(L, result);
    luaL_pushfail(L);
    lua_pushliteral(L, "host or service not provided, or not known");
    return 2;
}

/* net.resolve(name [, timeout]) -> { address, ... } | nil, err */
static int net_resolve(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    uint64_t deadline = lunik_lua_opt_deadline(L, 2);
    struct lunik_address found[LUNIK_NET_ADDRESSES_MAX];
    size_t count, i;
    lunik_result res;

    lunik_lua_check(L);
    res =
        lunik_net_find(name, 0, LUNIK_IP4 | LUNIK_IP6, deadline, found, &count);
    if (res != LUNIK_OK)
        return lunik_net_fail_name(L, res);
    lua_createtable(L, (int)count, 0);
    for (i = 0; i < count; i++) {
        lunik_net_push_address(L, &found[i]);
        lua_pop(L, 1);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* ---- Options ---- */

static const struct {
    const char *name;
    enum lunik_socket_option option;
    bool is_flag;
} options[] = {
    { "nodelay", LUNIK_SOCKET_NO_DELAY, true },
    { "keepalive", LUNIK_SOCKET_KEEP_ALIVE, true },
    { "keepalive_idle", LUNIK_SOCKET_KEEP_IDLE, false },
    { "keepalive_interval", LUNIK_SOCKET_KEEP_INTERVAL, false },
    { "keepalive_count", LUNIK_SOCKET_KEEP_COUNT, false },
    { "linger", LUNIK_SOCKET_LINGER, false },
    { "reuse", LUNIK_SOCKET_REUSE_ADDRESS, true },
    { "broadcast", LUNIK_SOCKET_BROADCAST, true },
    { "hops", LUNIK_SOCKET_HOPS, false },
    { "multicast_hops", LUNIK_SOCKET_MULTICAST_HOPS, false },
    { "multicast_loop", LUNIK_SOCKET_MULTICAST_LOOP, true },
};

static size_t check_option(lua_State *L, int arg)
{
    const char *name = luaL_checkstring(L, arg);
    size_t i;

    for (i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (strcmp(options[i].name, name) == 0)
            return i;
    luaL_argerror(L, arg, lua_pushfstring(L, "no option called '%s'", name));
    return 0;
}

int lunik_net_set(lua_State *L, struct lunik_socket *socket)
{
    size_t i = check_option(L, 2);
    lua_Integer value;
    lunik_result res;

    if (options[i].is_flag)
        value = lua_toboolean(L, 3);
    else
        value = luaL_checkinteger(L, 3);
    luaL_argcheck(L, value >= -1 && value <= INT32_MAX, 3, "out of range");
    if (socket == NULL)
        return lunik_lua_fail(L, LUNIK_ECLOSED);
    res = lunik_socket_set(socket, options[i].option, (int)value);
    if (res != LUNIK_OK)
        return lunik_lua_fail(L, res);
    lua_pushboolean(L, true);
    return 1;
}

int lunik_net_get(lua_State *L, struct lunik_socket *socket)
{
    size_t i = check_option(L, 2);
    lunik_result res;
    int value;

    if (socket == NULL)
        return lunik_lua_fail(L, LUNIK_ECLOSED);
    res = lunik_socket_get(socket, options[i].option, &value);
    if (res != LUNIK_OK)
        return lunik_lua_fail(L, res);
    if (options[i].is_flag)
        lua_pushboolean(L, value);
    else
        lua_pushinteger(L, value);
    return 1;
}

/* ---- Handles ---- */

struct lunik_net_handle *lunik_net_push_handle(lua_State *L, const char *type)
{
    struct lunik_net_handle *handle = lua_newuserdatauv(L, sizeof(*handle), 0);

    *handle = (struct lunik_net_handle) { .timeout_ns = LUNIK_NEVER };
    luaL_setmetatable(L, type);
    return handle;
}

void lunik_net_handle_close(struct lunik_net_handle *handle)
{
    struct lunik_socket *socket = handle->socket;

    handle->socket = NULL;
    lunik_socket_close(socket);
}

/* ---- Interfaces ---- */

static void push_addresses(lua_State *L,
                           const struct lunik_interface *interface)
{
    const struct lunik_interface_address *address;
    size_t i;

    lua_createtable(L, (int)interface->address_count, 0);
    for (i = 0; i < interface->address_count; i++) {
        address = &interface->addresses[i];
        lua_createtable(L, 0, 5);
        lunik_net_push_address(L, &address->address);
        lua_pop(L, 1);
        lua_setfield(L, -2, "address");
        lua_pushinteger(L, address->prefix_len);
        lua_setfield(L, -2, "prefix");
        lua_pushstring(L, address->source == 's'   ? "static"
                          : address->source == 'd' ? "dhcp"
                          : address->source == 'r' ? "router"
                                                   : "local");
        lua_setfield(L, -2, "source");
        lua_pushboolean(L, address->is_tentative);
        lua_setfield(L, -2, "tentative");
        lua_pushboolean(L, address->is_duplicate);
        lua_setfield(L, -2, "duplicate");
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static void set_address(lua_State *L, const char *name,
                        const struct lunik_address *address)
{
    if (address->family == 0)
        return;
    lunik_net_push_address(L, address);
    lua_pop(L, 1);
    lua_setfield(L, -2, name);
}

static void push_interface(lua_State *L,
                           const struct lunik_interface *interface)
{
    const uint8_t *h = interface->hardware;
    char text[24];

    lua_createtable(L, 0, 8);
    lua_pushstring(L, interface->name);
    lua_setfield(L, -2, "name");
    lunik_format(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", h[0],
                 h[1], h[2], h[3], h[4], h[5]);
    lua_pushstring(L, text);
    lua_setfield(L, -2, "hardware");
    lua_pushinteger(L, interface->mtu);
    lua_setfield(L, -2, "mtu");
    lua_pushboolean(L, interface->has_link);
    lua_setfield(L, -2, "link");
    lua_pushboolean(L, interface->is_broken);
    lua_setfield(L, -2, "broken");
    push_addresses(L, interface);
    lua_setfield(L, -2, "addresses");
    set_address(L, "gateway4", &interface->gateway4);
    set_address(L, "gateway6", &interface->gateway6);
}

/* net.interfaces() -> list */
static int net_interfaces(lua_State *L)
{
    struct lunik_interface interface;
    size_t i;

    lua_newtable(L);
    for (i = 0; lunik_interface_get(i, &interface) == LUNIK_OK; i++) {
        push_interface(L, &interface);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* net.nameservers() -> list */
static int net_nameservers(lua_State *L)
{
    struct lunik_address servers[LUNIK_NAMESERVERS_MAX];
    size_t i, count = lunik_interface_nameservers(servers);

    lua_createtable(L, (int)count, 0);
    for (i = 0; i < count; i++) {
        lunik_net_push_address(L, &servers[i]);
        lua_pop(L, 1);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* net.wait([timeout]) -> true | nil, err */
static int net_wait(lua_State *L)
{
    uint64_t deadline = lunik_lua_opt_deadline(L, 1);
    lunik_result res;

    lunik_lua_check(L);
    res = lunik_interface_wait(LUNIK_IP4 | LUNIK_IP6, deadline);
    if (res == LUNIK_ENOENT)
        res = LUNIK_EUNREACHABLE;
    if (res != LUNIK_OK)
        return lunik_lua_fail_wait(L, lunik_task_wait_result(res));
    lua_pushboolean(L, true);
    return 1;
}

static int luaopen_lunik_net(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "resolve", net_resolve },
        { "interfaces", net_interfaces },
        { "nameservers", net_nameservers },
        { "wait", net_wait },
        { NULL, NULL },
    };

    luaL_newlib(L, functions);
    lunik_net_open_tcp(L);
    lunik_net_open_listener(L);
    lunik_net_open_udp(L);
    return 1;
}

LUNIK_MODULE(lunik_net, "lunik.net", luaopen_lunik_net)
