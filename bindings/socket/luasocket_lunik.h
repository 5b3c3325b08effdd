/* SPDX-License-Identifier: MIT */
/*
 * luasocket_lunik.h: included by the compiler before each of LuaSocket's files,
 * which stay as they are.
 *
 * Calls that wait go through functions of our own, which never say EINTR: the
 * loops around them would go on for ever in a cancelled task. They say
 * "timeout" instead, and the Lua functions that may wait are wrapped, so that
 * what ended the wait is then raised as everywhere else.
 */
#ifndef LUNIK_LUASOCKET_H
#define LUNIK_LUASOCKET_H

#include "calls.h"

#undef lua_pushcfunction
#define lua_pushcfunction(L, function) lunik_luasocket_push(L, function)
#define luaL_setfuncs(L, list, upvalues) \
    lunik_luasocket_set_functions(L, list, upvalues)
#define select_open lunik_luasocket_open_select
#define poll(fds, count, timeout_ms) \
    lunik_luasocket_poll(fds, count, timeout_ms)
#define nanosleep(duration, left) lunik_luasocket_nanosleep(duration, left)
#define getaddrinfo(node, service, hints, out) \
    lunik_luasocket_getaddrinfo(node, service, hints, out)
#define gethostbyname(name) lunik_luasocket_gethostbyname(name)
#define gethostbyaddr(address, size, family) \
    lunik_luasocket_gethostbyaddr(address, size, family)

#endif
