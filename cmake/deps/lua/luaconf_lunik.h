/* SPDX-License-Identifier: MIT */
/*
 * luaconf_lunik.h: how stock Lua is configured for an image.
 *
 * Included by the compiler before each of Lua's files; everything here is a
 * macro that Lua's own files leave to whoever builds them.
 */
#ifndef LUNIK_LUACONF_H
#define LUNIK_LUACONF_H

/* As Lua's lprefix.h has it; here because this file includes another first. */
#define _XOPEN_SOURCE 600

/* mkstemp, gmtime_r, fseeko, _longjmp; but neither dlopen nor readline. */
#define LUA_USE_POSIX

/* Scripts and C modules are sealed into the image: nothing else is searched.
 * The runtime sets both again from the manifest. */
#define LUA_PATH_DEFAULT "/?.lua;/?/init.lua"
#define LUA_CPATH_DEFAULT ""

/* Numbers are written alike everywhere. */
#define lua_getlocaledecpoint() '.'

/* There are no processes. The runtime replaces io.popen and os.execute; this
 * keeps the C library's functions out of the image. */
#define l_popen(L, command, mode) \
    ((void)(L), (void)(command), (void)(mode), errno = ENOSYS, (FILE *)0)
#define l_pclose(L, file) ((void)(L), (void)(file), -1)
#define l_system(command) ((command) == NULL ? 0 : (errno = ENOSYS, -1))

/* How deep C functions and Lua may call each other. A level of string.gsub, the
 * worst, takes 2,150 bytes of C stack; a tenth more is allowed to handlers of
 * the overflow. So 160 levels take 380 KiB of a task's LUNIK_STACK_SIZE. */
#define LUAI_MAXCCALLS 160

/* Each state has a seed of its own, from the image's generator. */
#include <lunik/random.h>
#define luai_makeseed(L) ((unsigned int)lunik_random_u64())

#endif
