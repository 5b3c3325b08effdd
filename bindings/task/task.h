/* SPDX-License-Identifier: MIT */
/*
 * task.h: the parts of the module lunik.task.
 */
#ifndef LUNIK_BINDING_TASK_H
#define LUNIK_BINDING_TASK_H

#include <lua.h>

/* Each part adds its functions to the module's table at the top. */
void lunik_task_open_nursery(lua_State *L);
void lunik_task_open_channel(lua_State *L);
void lunik_task_open_mutex(lua_State *L);

#endif
