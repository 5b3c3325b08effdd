/* SPDX-License-Identifier: MIT */
/* calls.h: what LuaSocket calls in the place of Lua's and the C library's. */
#ifndef LUNIK_LUASOCKET_CALLS_H
#define LUNIK_LUASOCKET_CALLS_H

#include <lauxlib.h>
#include <lua.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <time.h>

/* Pushes (function), wrapped if the string at the top, which is its name, is
 * one of those that wait. */
void lunik_luasocket_push(lua_State *L, lua_CFunction function);

/* luaL_setfuncs() with lunik_luasocket_push(). */
void lunik_luasocket_set_functions(lua_State *L, const luaL_Reg *list,
                                   int upvalues);

/* To be called around what may wait, as the wrapper does it: before, and when
 * nothing came of it. Both may raise. */
void lunik_luasocket_begin(lua_State *L);
void lunik_luasocket_failed(lua_State *L);

/* Adds select to the module at the top; LuaSocket's classes are there. */
int lunik_luasocket_open_select(lua_State *L);

/* As the C library's, but for a wait that was cut short: 0, a timeout. */
int lunik_luasocket_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int lunik_luasocket_nanosleep(const struct timespec *duration,
                              struct timespec *left);

/* As the C library's; only the calling task waits. */
int lunik_luasocket_getaddrinfo(const char *node, const char *service,
                                const struct addrinfo *hints,
                                struct addrinfo **out);

/* By lunik_luasocket_getaddrinfo(), IPv4 alone. An address's name is its text
 * ("localhost" for 127.0.0.1): nobody is asked. Lent until the next call. */
struct hostent *lunik_luasocket_gethostbyname(const char *name);
struct hostent *lunik_luasocket_gethostbyaddr(const void *address,
                                              socklen_t size, int family);

#endif
