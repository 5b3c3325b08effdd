/* SPDX-License-Identifier: MIT */
/* task.c: the module lunik.task: spawning, joining, sleeping, deadlines. */
#include "task.h"

#include <lauxlib.h>
#include <lunik/module.h>
#include <lunik/runtime.h>
#include <lunik/time.h>

/* ---- Tasks ---- */

/* task.spawn(fn, ...) -> task */
static int task_spawn(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lunik_lua_spawn(L, lua_gettop(L) - 1, NULL);
    return 1;
}

static bool has_ended(const struct lunik_task *task)
{
    return lunik_task_get_state(task) >= LUNIK_TASK_DONE;
}

/* task:join([timeout]) -> true, results... | false, error | nil, "timeout" */
static int task_join(lua_State *L)
{
    struct lunik_task *task = lunik_lua_check_task(L, 1);
    uint64_t deadline = lunik_lua_opt_deadline(L, 2);
    struct lunik_event *event = lunik_task_end_event(task);
    lunik_result res = LUNIK_OK;

    if (task == lunik_task_self())
        return luaL_error(L, "a task cannot join itself");
    lunik_lua_check(L);
    lunik_task_await(task, true);
    while (!has_ended(task) && res == LUNIK_OK)
        res = lunik_task_wait(&event, 1, deadline, NULL);
    lunik_task_await(task, false);
    if (!has_ended(task)) {
        if (res == LUNIK_EAGAIN)
            return lunik_lua_fail(L, res);
        lunik_lua_raise(L, res);
    }
    lua_pushboolean(L, lunik_task_get_state(task) == LUNIK_TASK_DONE);
    if (lunik_task_get_state(task) != LUNIK_TASK_CANCELLED)
        return 1 + lunik_lua_push_results(L, task);
    lunik_lua_push_cancelled(L);
    return 2;
}

static int task_cancel(lua_State *L)
{
    struct lunik_task *task = lunik_lua_check_task(L, 1);

    if (!has_ended(task))
        lunik_task_cancel(task);
    return 0;
}

static int task_status(lua_State *L)
{
    static const char *const names[] = { "ready", "running", "done", "failed",
                                         "cancelled" };
    const struct lunik_task *task = lunik_lua_check_task(L, 1);

    lua_pushstring(L, names[lunik_task_get_state(task)]);
    return 1;
}

static int task_id(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)lunik_task_id(lunik_lua_check_task(L, 1)));
    return 1;
}

static int task_tostring(lua_State *L)
{
    const struct lunik_task *task = lunik_lua_check_task(L, 1);

    lua_pushfstring(L, "task %I", (lua_Integer)lunik_task_id(task));
    return 1;
}

/* ---- Time ---- */

static int task_sleep(lua_State *L)
{
    luaL_checknumber(L, 1);
    lunik_lua_wait(L, NULL, 0, lunik_lua_opt_deadline(L, 1), NULL);
    return 0;
}

static int task_yield(lua_State *L)
{
    lunik_lua_check(L);
    lunik_fiber_yield();
    return 0;
}

static int task_check(lua_State *L)
{
    lunik_lua_check(L);
    return 0;
}

static int task_now(lua_State *L)
{
    lua_pushnumber(L,
                   (double)lunik_time_monotonic_ns() / (double)LUNIK_NS_PER_S);
    return 1;
}

/*
 * task.deadline(seconds, fn, ...) -> fn's results | nil, "timeout"
 *
 * An expired scope raises the "timeout" object inside. The scope whose
 * deadline it was answers with it; if an outer one has passed too, the object
 * goes on to that.
 */
static int task_deadline(lua_State *L)
{
    uint64_t own = lunik_lua_opt_deadline(L, 1);
    uint64_t outer = lunik_fiber_deadline(lunik_fiber_self()), now;
    int status;

    luaL_checknumber(L, 1);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lunik_lua_check(L);
    lunik_lua_push_expired(L);
    lua_replace(L, 1);
    lunik_fiber_set_deadline(own < outer ? own : outer);
    status = lunik_lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET);
    lunik_fiber_set_deadline(outer);
    if (status == LUA_OK)
        return lua_gettop(L) - 1;
    if (lua_rawequal(L, 1, -1)) {
        now = lunik_time_monotonic_ns();
        if (now >= own && now < outer)
            return lunik_lua_fail(L, LUNIK_ETIMEOUT);
    }
    lunik_lua_reraise(L);
}

/* after_body(deadline, fn, ...) */
static int after_body(lua_State *L)
{
    uint64_t deadline = (uint64_t)lua_tointeger(L, 1);

    lunik_lua_wait(L, NULL, 0, deadline, NULL);
    lua_call(L, lua_gettop(L) - 2, 0);
    return 0;
}

/* task.after(seconds, fn, ...) -> task */
static int task_after(lua_State *L)
{
    uint64_t deadline = lunik_lua_opt_deadline(L, 1);

    luaL_checknumber(L, 1);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_pushinteger(L, (lua_Integer)deadline);
    lua_replace(L, 1);
    lua_pushcfunction(L, after_body);
    lua_insert(L, 1);
    lunik_lua_spawn(L, lua_gettop(L) - 1, NULL);
    return 1;
}

/* every_body(period, fn, ...): calls are a period apart, counted from the
 * first; those that came due during a long call are left out. */
static int every_body(lua_State *L)
{
    uint64_t period = (uint64_t)lua_tointeger(L, 1);
    uint64_t next = lunik_time_after_ns(period), now;
    int top = lua_gettop(L), i;

    luaL_checkstack(L, top, NULL);
    while (!lunik_lua_wait(L, NULL, 0, next, NULL)) {
        for (i = 2; i <= top; i++)
            lua_pushvalue(L, i);
        lua_call(L, top - 2, 0);
        now = lunik_time_monotonic_ns();
        next += now < next ? period : ((now - next) / period + 1) * period;
    }
    return 0;
}

/* task.every(seconds, fn, ...) -> task */
static int task_every(lua_State *L)
{
    uint64_t period = lunik_lua_check_seconds(L, 1);

    luaL_argcheck(L, period > 0 && period != LUNIK_NEVER, 1,
                  "a period must be positive and finite");
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_pushinteger(L, (lua_Integer)period);
    lua_replace(L, 1);
    lua_pushcfunction(L, every_body);
    lua_insert(L, 1);
    lunik_lua_spawn(L, lua_gettop(L) - 1, NULL);
    return 1;
}

/* ---- The module ---- */

static const luaL_Reg methods[] = {
    { "join", task_join },
    { "cancel", task_cancel },
    { "status", task_status },
    { "id", task_id },
    { NULL, NULL },
};

static const luaL_Reg functions[] = {
    { "spawn", task_spawn }, { "sleep", task_sleep },
    { "yield", task_yield }, { "check", task_check },
    { "now", task_now },     { "deadline", task_deadline },
    { "after", task_after }, { "every", task_every },
    { NULL, NULL },
};

static int luaopen_lunik_task(lua_State *L)
{
    lunik_lua_open_tasks(L); /* the type is the runtime's */
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, task_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pop(L, 1);

    luaL_newlib(L, functions);
    lunik_lua_push_cancelled(L);
    lua_setfield(L, -2, "cancelled");
    lunik_lua_push_expired(L);
    lua_setfield(L, -2, "expired");
    lunik_task_open_nursery(L);
    lunik_task_open_channel(L);
    lunik_task_open_mutex(L);
    return 1;
}

LUNIK_MODULE(lunik_task, "lunik.task", luaopen_lunik_task)
