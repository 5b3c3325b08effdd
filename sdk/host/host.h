/* SPDX-License-Identifier: MIT */
/*
 * host.h: the C parts of the `lunik` command.
 */
#ifndef LUNIK_HOST_H
#define LUNIK_HOST_H

#include <lua.h>

/* Lua: sha256(text) gives 32 bytes, crc32c(text) an integer. */
int lunik_host_sha256(lua_State *L);
int lunik_host_crc32c(lua_State *L);

/*
 * Lua: sandbox(text, chunk_name, instructions, bytes) runs (text) in a state of
 * its own: no library, no string methods, at most so many instructions and so
 * much memory. Gives a copy of the value it returns, or nil and a message.
 */
int lunik_host_sandbox(lua_State *L);

/* Lua: receive_fd(fd), stamp(path), interface(name): see files.c. */
int lunik_host_receive_fd(lua_State *L);
int lunik_host_stamp(lua_State *L);
int lunik_host_interface(lua_State *L);

/*
 * Lua: load{ address, port, request, connections, requests (0: no bound),
 * is_fresh, duration_ms, timeout_ms } drives load and gives a table of what
 * came of it; or nil and why.
 */
int lunik_host_load(lua_State *L);

#endif
