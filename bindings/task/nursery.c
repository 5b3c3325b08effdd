/* SPDX-License-Identifier: MIT */
/* nursery.c: a scope that does not end before the tasks spawned in it. */
#include "task.h"

#include <lauxlib.h>
#include <lunik/runtime.h>

#define NURSERY_TYPE "lunik.task.nursery"

/*
 * The parent runs the body, then waits for the children. The first error, of
 * the body or a child, cancels all others, the body included. The parent's
 * being cancelled by its own nursery is taken back at the end of the body.
 */
struct nursery {
    struct lunik_task_group group; /* first: the group's address is ours */
    struct lunik_task *parent;
    struct lunik_task *failed; /* the first child that failed; kept */
    struct lunik_event empty;
    bool is_cancelled;
    bool is_body_running;
    bool is_body_held; /* the parent is cancelled by us */
    bool has_ended;
};

static void cancel_all(struct nursery *nursery)
{
    struct lunik_task *child;

    if (nursery->is_cancelled)
        return;
    nursery->is_cancelled = true;
    for (child = nursery->group.first; child != NULL;
         child = lunik_task_next(child))
        lunik_task_cancel(child);
    if (nursery->is_body_running) {
        nursery->is_body_held = true;
        lunik_task_hold_cancelled(nursery->parent);
    }
}

static bool child_ended(struct lunik_task_group *group,
                        struct lunik_task *child)
{
    struct nursery *nursery = (struct nursery *)group;
    bool keep = false;

    if (lunik_task_get_state(child) == LUNIK_TASK_FAILED &&
        nursery->failed == NULL) {
        nursery->failed = child;
        keep = true;
        cancel_all(nursery);
    }
    if (group->first == NULL)
        lunik_event_signal(&nursery->empty);
    return keep;
}

/* Waits until no child is left. LUNIK_ECANCELED, LUNIK_ETIMEOUT: the parent
 * was interrupted, and so the children were cancelled. */
static lunik_result wait_for_children(struct nursery *nursery)
{
    struct lunik_event *event = &nursery->empty;
    lunik_result res = LUNIK_OK;
    uint64_t bound;
    bool masked;

    while (nursery->group.first != NULL && res == LUNIK_OK)
        res = lunik_task_wait(&event, 1, LUNIK_NEVER, NULL);
    if (nursery->group.first == NULL)
        return LUNIK_OK;
    cancel_all(nursery);
    masked = lunik_task_mask();
    bound = lunik_fiber_set_deadline(LUNIK_NEVER);
    while (nursery->group.first != NULL)
        (void)!lunik_event_wait(event, LUNIK_NEVER);
    lunik_fiber_set_deadline(bound);
    lunik_task_unmask(masked);
    return res;
}

/* Runs the body: [nursery, fn, args...]. Returns its status. */
static int run_body(lua_State *L, struct nursery *nursery)
{
    int status;

    lua_pushvalue(L, 1);
    lua_insert(L, 3);
    nursery->is_body_running = true;
    status = lunik_lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET);
    nursery->is_body_running = false;
    if (nursery->is_body_held)
        lunik_task_release_cancelled(nursery->parent);
    nursery->is_body_held = false;
    return status;
}

static void raise_child_error(lua_State *L, struct nursery *nursery)
{
    lua_settop(L, 1);
    lunik_lua_push_results(L, nursery->failed);
    lunik_lua_forget_task(L, nursery->failed);
    lunik_lua_reraise(L);
}

/* task.nursery(fn, ...) -> the results of fn(nursery, ...)
 *                        | nil, "cancelled" after nursery:cancel() */
static int nursery_run(lua_State *L)
{
    struct nursery *nursery;
    bool is_body_first, is_cancelled_error;
    lunik_result res;
    int status;

    luaL_checktype(L, 1, LUA_TFUNCTION);
    lunik_lua_check(L);
    nursery = lua_newuserdatauv(L, sizeof(*nursery), 0);
    *nursery = (struct nursery) { .group = { .ended = child_ended },
                                  .parent = lunik_task_self() };
    luaL_setmetatable(L, NURSERY_TYPE);
    lua_insert(L, 1);

    status = run_body(L, nursery);
    is_body_first = status != LUA_OK && nursery->failed == NULL;
    if (status != LUA_OK) {
        lunik_lua_push_cancelled(L);
        is_cancelled_error = lua_rawequal(L, -1, -2);
        lua_pop(L, 1);
        /* Its own nursery cancelled it: that is no error of the body. */
        if (is_cancelled_error && nursery->is_cancelled &&
            !lunik_task_is_cancelled(nursery->parent))
            is_body_first = false;
        cancel_all(nursery);
    }
    res = wait_for_children(nursery);
    nursery->has_ended = true;
    if (is_body_first) {
        /* A child that failed while it was cancelled comes second. */
        if (nursery->failed != NULL)
            lunik_lua_forget_task(L, nursery->failed);
        lunik_lua_reraise(L);
    }
    if (nursery->failed != NULL)
        raise_child_error(L, nursery);
    if (res != LUNIK_OK)
        lunik_lua_raise(L, res);
    if (status != LUA_OK)
        return lunik_lua_fail(L, LUNIK_ECANCELED);
    return lua_gettop(L) - 1;
}

static struct nursery *check_nursery(lua_State *L)
{
    struct nursery *nursery = luaL_checkudata(L, 1, NURSERY_TYPE);

    if (nursery->has_ended)
        luaL_error(L, "the nursery has ended");
    return nursery;
}

/* nursery:spawn(fn, ...) -> task */
static int nursery_spawn(lua_State *L)
{
    struct nursery *nursery = check_nursery(L);
    struct lunik_task *child;

    luaL_checktype(L, 2, LUA_TFUNCTION);
    child = lunik_lua_spawn(L, lua_gettop(L) - 2, &nursery->group);
    if (nursery->is_cancelled)
        lunik_task_cancel(child);
    return 1;
}

static int nursery_cancel(lua_State *L)
{
    cancel_all(check_nursery(L));
    return 0;
}

void lunik_task_open_nursery(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "spawn", nursery_spawn },
        { "cancel", nursery_cancel },
        { NULL, NULL },
    };

    luaL_newmetatable(L, NURSERY_TYPE);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    lua_pushcfunction(L, nursery_run);
    lua_setfield(L, -2, "nursery");
}
