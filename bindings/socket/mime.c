/* SPDX-License-Identifier: MIT */
/* mime.c: the module mime.core: LuaSocket's C, as it is. */
#include <lunik/module.h>

int luaopen_mime_core(lua_State *L);

LUNIK_MODULE(mime_core, "mime.core", luaopen_mime_core)
