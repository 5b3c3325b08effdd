/* SPDX-License-Identifier: MIT */
/* mutex.c: mutual exclusion of tasks, first come, first served. */
#include "task.h"

#include <lauxlib.h>
#include <lunik/runtime.h>

#define MUTEX_TYPE "lunik.task.mutex"

/* One task in the queue; lives on its C stack. */
struct waiter {
    struct waiter *next;
    uint64_t id;
    struct lunik_event wake;
};

struct mutex {
    uint64_t owner; /* a task's id; 0: free */
    struct waiter *first, *last;
};

static void remove_waiter(struct mutex *mutex, struct waiter *waiter)
{
    struct waiter **link = &mutex->first, *before = NULL;

    while (*link != NULL && *link != waiter) {
        before = *link;
        link = &before->next;
    }
    if (*link == NULL)
        return;
    *link = waiter->next;
    if (mutex->last == waiter)
        mutex->last = before;
}

/* mutex:lock([timeout]) -> mutex | nil, "timeout" */
static int mutex_lock(lua_State *L)
{
    struct mutex *mutex = luaL_checkudata(L, 1, MUTEX_TYPE);
    uint64_t deadline = lunik_lua_opt_deadline(L, 2);
    struct waiter self = { .id = lunik_task_id(lunik_task_self()) };
    struct lunik_event *event = &self.wake;
    lunik_result res = LUNIK_OK;

    lunik_lua_check(L);
    lua_settop(L, 1);
    if (mutex->owner == self.id)
        return luaL_error(L, "the mutex is locked by this task already");
    if (mutex->owner == 0) {
        mutex->owner = self.id;
        return 1;
    }
    if (mutex->last != NULL)
        mutex->last->next = &self;
    else
        mutex->first = &self;
    mutex->last = &self;
    while (mutex->owner != self.id && res == LUNIK_OK)
        res = lunik_task_wait(&event, 1, deadline, NULL);
    if (mutex->owner == self.id)
        return 1;
    remove_waiter(mutex, &self);
    if (res == LUNIK_EAGAIN)
        return lunik_lua_fail(L, res);
    lunik_lua_raise(L, res);
}

static int mutex_unlock(lua_State *L)
{
    struct mutex *mutex = luaL_checkudata(L, 1, MUTEX_TYPE);
    struct waiter *next = mutex->first;

    if (mutex->owner != lunik_task_id(lunik_task_self()))
        return luaL_error(L, "the mutex is not locked by this task");
    /* Hands it over, so that the one who waited longest has it next. */
    mutex->owner = 0;
    if (next != NULL) {
        mutex->owner = next->id;
        remove_waiter(mutex, next);
        lunik_event_signal(&next->wake);
    }
    return 0;
}

static int mutex_new(lua_State *L)
{
    struct mutex *mutex = lua_newuserdatauv(L, sizeof(*mutex), 0);

    *mutex = (struct mutex) { 0 };
    luaL_setmetatable(L, MUTEX_TYPE);
    return 1;
}

void lunik_task_open_mutex(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "lock", mutex_lock },
        { "unlock", mutex_unlock },
        { NULL, NULL },
    };

    luaL_newmetatable(L, MUTEX_TYPE);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, mutex_unlock);
    lua_setfield(L, -2, "__close");
    lua_pop(L, 1);
    lua_pushcfunction(L, mutex_new);
    lua_setfield(L, -2, "mutex");
}
