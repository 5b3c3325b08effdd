/* SPDX-License-Identifier: MIT */
/* safe.c: the module cjson.safe: errors as nil and a message. */
#include "cjson.h"

#include <lunik/module.h>

int luaopen_cjson_safe(lua_State *L);

LUNIK_MODULE(cjson_safe, "cjson.safe", luaopen_cjson_safe)

int luaopen_cjson_safe(lua_State *L)
{
    lunik_cjson_open(L, true);
    return 1;
}
