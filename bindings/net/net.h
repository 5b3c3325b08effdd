/* SPDX-License-Identifier: MIT */
/* net.h: what the files of the module lunik.net tell each other. */
#ifndef LUNIK_BINDING_NET_H
#define LUNIK_BINDING_NET_H

#include <lua.h>
#include <lunik/address.h>
#include <lunik/result.h>
#include <lunik/socket.h>
#include <lunik/stream.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LUNIK_NET_TCP_TYPE "lunik.net.stream"
#define LUNIK_NET_LISTENER_TYPE "lunik.net.listener"
#define LUNIK_NET_UDP_TYPE "lunik.net.udp"

/* Addresses of one host that are tried. */
#define LUNIK_NET_ADDRESSES_MAX 8

/* A listener or a datagram socket: no stream. */
struct lunik_net_handle {
    struct lunik_socket *socket; /* NULL: closed */
    uint64_t timeout_ns;
};

/* Each adds its functions to the module's table at the top. */
void lunik_net_open_tcp(lua_State *L);
void lunik_net_open_listener(lua_State *L);
void lunik_net_open_udp(lua_State *L);

/* Pushes a closed stream; set its socket with lunik_net_tcp_take(). */
struct lunik_socket_stream *lunik_net_push_tcp(lua_State *L);
void lunik_net_tcp_take(struct lunik_socket_stream *tcp,
                        struct lunik_socket *socket);

/* Pushes a handle of (type) without a socket. */
struct lunik_net_handle *lunik_net_push_handle(lua_State *L, const char *type);
void lunik_net_handle_close(struct lunik_net_handle *handle);

/* Argument (arg) as a port. */
uint16_t lunik_net_check_port(lua_State *L, int arg);

/* Finds the addresses of (host), with (port) in each. As lunik_resolve(), its
 * results in the terms of lunik_stream_wait(). */
LUNIK_MUST_CHECK lunik_result lunik_net_find(
    const char *host, uint16_t port, unsigned families, uint64_t deadline_ns,
    struct lunik_address out[LUNIK_NET_ADDRESSES_MAX], size_t *count_out);

/* As lunik_lua_fail_wait(), for what concerns names. */
int lunik_net_fail_name(lua_State *L, lunik_result result);

/* Pushes the address and the port. Returns 2. */
int lunik_net_push_address(lua_State *L, const struct lunik_address *address);

/* socket:set(name, value) of the arguments from 2 on, and get. */
int lunik_net_set(lua_State *L, struct lunik_socket *socket);
int lunik_net_get(lua_State *L, struct lunik_socket *socket);

#endif
