/* SPDX-License-Identifier: MIT */
/* task.c: tasks: fibers with a Lua thread each, and how they wait and end. */
#include "internal.h"

#include <lauxlib.h>
#include <lunik/mem.h>
#include <lunik/panic.h>
#include <lunik/sys.h>
#include <lunik/time.h>

/* Fibers kept for the next spawn; each holds at least one page of stack. */
#define IDLE_MAX 32

/* How long other tasks may take to end once the main script has returned. */
#define END_GRACE_NS LUNIK_NS_PER_S

/* The name in the registry of the tasks' metatable. Modules add methods. */
#define TASK_TYPE "lunik.task.task"

/* Registry keys, by address. */
static const char anchors_key = 0; /* task pointer -> task object */
static const char cancelled_key = 0;
static const char expired_key = 0;

struct lunik_runtime *lunik_runtime_of(lua_State *L)
{
    return *(struct lunik_runtime **)lua_getextraspace(L);
}

struct lunik_task *lunik_task_self(void)
{
    struct lunik_task *task = lunik_fiber_data(lunik_fiber_self());

    LUNIK_ASSERT(task != NULL);
    return task;
}

/* ---- Error objects ---- */

static int object_tostring(lua_State *L)
{
    luaL_getmetafield(L, 1, "__name");
    return 1;
}

/* Pushes the one object called (name), and keeps its address in (*out). */
static void push_object(lua_State *L, const char *key, const char *name,
                        const void **out)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) == LUA_TUSERDATA)
        return;
    lua_pop(L, 1);
    lua_newuserdatauv(L, 0, 0);
    lua_createtable(L, 0, 2);
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__name");
    lua_pushcfunction(L, object_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, key);
    *out = lua_touserdata(L, -1);
}

void lunik_lua_push_cancelled(lua_State *L)
{
    push_object(L, &cancelled_key, "cancelled",
                &lunik_runtime_of(L)->cancelled);
}

void lunik_lua_push_expired(lua_State *L)
{
    push_object(L, &expired_key, "timeout", &lunik_runtime_of(L)->expired);
}

void lunik_lua_raise(lua_State *L, lunik_result result)
{
    luaL_checkstack(L, 4, NULL);
    if (result == LUNIK_ECANCELED)
        lunik_lua_push_cancelled(L);
    else if (result == LUNIK_ETIMEOUT)
        lunik_lua_push_expired(L);
    else
        lua_pushstring(L, lunik_result_text(result));
    lua_error(L);
    lunik_panic("lua_error returned");
}

void lunik_lua_reraise(lua_State *L)
{
    lunik_runtime_of(L)->is_reraised = true;
    lua_error(L);
    lunik_panic("lua_error returned");
}

int lunik_lua_pcall(lua_State *L, int nargs, int nresults)
{
    int handler = lua_gettop(L) - nargs, status;

    lua_pushcfunction(L, lunik_report_handler);
    lua_insert(L, handler);
    status = lua_pcall(L, nargs, nresults, handler);
    lua_remove(L, handler);
    return status;
}

/* ---- Waiting ---- */

static bool is_expired(const struct lunik_fiber *fiber)
{
    uint64_t bound = lunik_fiber_deadline(fiber);

    return bound != LUNIK_NEVER && lunik_time_monotonic_ns() >= bound;
}

/* Others run first: a loop that catches every error, and so never ends, must
 * not keep them from it. */
static void raise_later(lua_State *L, lunik_result result)
{
    lunik_fiber_yield();
    lunik_lua_raise(L, result);
}

void lunik_lua_check(lua_State *L)
{
    const struct lunik_fiber *fiber = lunik_fiber_self();

    /* -1 is Lua's answer while it runs a finalizer or closes its state. What
     * a finalizer interrupted must not see other tasks run. */
    if (lua_gc(L, LUA_GCISRUNNING) < 0 || lunik_runtime_of(L)->is_closing)
        luaL_error(L, "cannot wait inside a finalizer");
    if (!lunik_fiber_is_limited(fiber))
        return;
    if (lunik_fiber_is_cancelled(fiber))
        raise_later(L, LUNIK_ECANCELED);
    if (is_expired(fiber))
        raise_later(L, LUNIK_ETIMEOUT);
}

lunik_result lunik_task_wait(struct lunik_event *const *events, size_t count,
                             uint64_t deadline_ns, size_t *which_out)
{
    lunik_result res =
        lunik_event_wait_any(events, count, deadline_ns, which_out);

    if (res == LUNIK_ETIMEOUT && !is_expired(lunik_fiber_self()))
        return LUNIK_EAGAIN;
    return res;
}

bool lunik_lua_wait(lua_State *L, struct lunik_event *const *events,
                    size_t count, uint64_t deadline_ns, size_t *which_out)
{
    lunik_result res;

    lunik_lua_check(L);
    res = lunik_task_wait(events, count, deadline_ns, which_out);
    if (res != LUNIK_OK && res != LUNIK_EAGAIN)
        lunik_lua_raise(L, res);
    return res == LUNIK_OK;
}

/* ---- Arguments and answers ---- */

static uint64_t nanoseconds(double seconds)
{
    double ns = seconds * (double)LUNIK_NS_PER_S;

    /* 2^63 ns are 292 years; above, the cast would not be defined. */
    return ns < 9223372036854775808.0 ? (uint64_t)ns : LUNIK_NEVER;
}

uint64_t lunik_lua_check_seconds(lua_State *L, int arg)
{
    double seconds = luaL_checknumber(L, arg);

    luaL_argcheck(L, seconds >= 0, arg, "seconds must not be negative");
    return nanoseconds(seconds);
}

uint64_t lunik_lua_opt_deadline(lua_State *L, int arg)
{
    uint64_t duration;

    if (lua_isnoneornil(L, arg))
        return LUNIK_NEVER;
    duration = lunik_lua_check_seconds(L, arg);
    return duration == LUNIK_NEVER ? LUNIK_NEVER
                                   : lunik_time_after_ns(duration);
}

int lunik_lua_fail(lua_State *L, lunik_result result)
{
    luaL_pushfail(L);
    if (result == LUNIK_EAGAIN || result == LUNIK_ETIMEOUT)
        lua_pushliteral(L, "timeout");
    else if (result == LUNIK_ECANCELED)
        lua_pushliteral(L, "cancelled");
    else
        lua_pushstring(L, lunik_result_text(result));
    return 2;
}

/* ---- A task's life ---- */

size_t lunik_lua_task_count(lua_State *L)
{
    return lunik_runtime_of(L)->task_count + 1;
}

static void link_task(struct lunik_task *task)
{
    struct lunik_runtime *runtime = task->runtime;
    struct lunik_task_group *group = task->group;

    task->next = runtime->tasks;
    if (task->next != NULL)
        task->next->prev = task;
    runtime->tasks = task;
    runtime->task_count++;
    if (group == NULL)
        return;
    task->group_next = group->first;
    if (task->group_next != NULL)
        task->group_next->group_prev = task;
    group->first = task;
}

static void unlink_task(struct lunik_task *task)
{
    struct lunik_runtime *runtime = task->runtime;

    if (task->next != NULL)
        task->next->prev = task->prev;
    if (task->prev != NULL)
        task->prev->next = task->next;
    else
        runtime->tasks = task->next;
    if (--runtime->task_count == 0)
        lunik_event_signal(&runtime->task_ended);
    if (task->group == NULL)
        return;
    if (task->group_next != NULL)
        task->group_next->group_prev = task->group_prev;
    if (task->group_prev != NULL)
        task->group_prev->group_next = task->group_next;
    else
        task->group->first = task->group_next;
}

/* Needs no memory: the key is there already. */
static void drop_anchor(lua_State *L, struct lunik_task *task)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &anchors_key);
    lua_pushnil(L);
    lua_rawsetp(L, -2, task);
    lua_pop(L, 1);
}

/* Calls the task's function: [handler, function, arguments...] are on its
 * thread. Leaves the results or the error there. */
static enum lunik_task_state call_task(struct lunik_task *task)
{
    lua_State *L = task->L;
    int status;

    if (task->is_cancelled || task->held_cancelled > 0) {
        lua_settop(L, 0);
        return LUNIK_TASK_CANCELLED;
    }
    task->state = LUNIK_TASK_RUNNING;
    status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 1);
    lua_remove(L, 1);
    if (status == LUA_OK)
        return LUNIK_TASK_DONE;
    if (lua_touserdata(L, -1) != NULL &&
        lua_touserdata(L, -1) == task->runtime->cancelled &&
        (task->is_cancelled || task->held_cancelled > 0))
        return LUNIK_TASK_CANCELLED;
    return LUNIK_TASK_FAILED;
}

static void run_task(struct lunik_task *task)
{
    struct lunik_runtime *runtime = task->runtime;
    enum lunik_task_state state;

    task->fiber = lunik_fiber_self();
    lunik_fiber_set_data(task->fiber, task);
    state = call_task(task);
    if (state == LUNIK_TASK_FAILED && task->group == NULL &&
        task->awaiters == 0) {
        lunik_report_uncaught(task->L, runtime->program);
        lunik_lua_exit(task->L, 1, false);
    }
    lunik_fiber_set_cancelled(false);
    lunik_fiber_set_deadline(LUNIK_NEVER);
    lunik_fiber_set_data(task->fiber, NULL);
    task->fiber = NULL;
    task->state = state;
    unlink_task(task);
    lunik_event_signal(&task->ended);
    /* Then the collector may take it, unless somebody else holds it. */
    if (task->group == NULL || !task->group->ended(task->group, task))
        drop_anchor(runtime->book, task);
}

static void worker_main(void *arg)
{
    struct lunik_worker *worker = arg;
    struct lunik_runtime *runtime = worker->runtime;
    struct lunik_task *task;

    for (;;) {
        while (worker->task == NULL)
            if (lunik_event_wait(&worker->wake, LUNIK_NEVER) != LUNIK_OK)
                lunik_panic("an idle worker was cancelled");
        task = worker->task;
        worker->task = NULL;
        run_task(task);
        if (runtime->idle_count == IDLE_MAX)
            break;
        runtime->idle_count++;
        worker->next = runtime->idle;
        runtime->idle = worker;
    }
    lunik_mem_free(worker);
}

/* Has some fiber run (task) soon. */
static lunik_result start_task(struct lunik_runtime *runtime,
                               struct lunik_task *task)
{
    struct lunik_worker *worker = runtime->idle;
    struct lunik_fiber *fiber;
    lunik_result res;

    if (worker != NULL) {
        runtime->idle = worker->next;
        runtime->idle_count--;
        worker->task = task;
        lunik_event_signal(&worker->wake);
        return LUNIK_OK;
    }
    worker = lunik_mem_alloc_zeroed(1, sizeof(*worker));
    if (worker == NULL)
        return LUNIK_ENOMEM;
    worker->runtime = runtime;
    worker->task = task;
    res = lunik_fiber_create("task", worker_main, worker, &fiber);
    if (res != LUNIK_OK)
        lunik_mem_free(worker);
    return res;
}

/* What the first spawn needs once. */
static void prepare(lua_State *L, struct lunik_runtime *runtime)
{
    if (runtime->book != NULL)
        return;
    lunik_lua_push_cancelled(L);
    lunik_lua_push_expired(L);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &anchors_key);
    lua_newthread(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &runtime->book);
    runtime->book = lua_tothread(L, -1);
    lua_pop(L, 3);
}

void lunik_lua_open_tasks(lua_State *L)
{
    luaL_newmetatable(L, TASK_TYPE);
}

/* Pushes a new object for a task, with a thread of its own. */
static struct lunik_task *new_task(lua_State *L, struct lunik_runtime *runtime)
{
    struct lunik_task *task = lua_newuserdatauv(L, sizeof(*task), 1);

    *task =
        (struct lunik_task) { .runtime = runtime, .id = ++runtime->next_id };
    lunik_lua_open_tasks(L);
    lua_setmetatable(L, -2);
    task->L = lua_newthread(L);
    lua_setiuservalue(L, -2, 1);
    return task;
}

struct lunik_task *lunik_lua_spawn(lua_State *L, int nargs,
                                   struct lunik_task_group *group)
{
    struct lunik_runtime *runtime = lunik_runtime_of(L);
    struct lunik_task *task;

    luaL_checkstack(L, 6, NULL);
    prepare(L, runtime);
    task = new_task(L, runtime);
    task->group = group;
    task->is_cancelled = runtime->is_ending;
    lua_insert(L, -(nargs + 2));
    if (!lua_checkstack(task->L, nargs + 3))
        lunik_lua_raise(L, LUNIK_ENOMEM);
    lua_pushcfunction(task->L, lunik_report_handler);
    lua_xmove(L, task->L, nargs + 1);

    lua_rawgetp(L, LUA_REGISTRYINDEX, &anchors_key);
    lua_pushvalue(L, -2);
    lua_rawsetp(L, -2, task);
    lua_pop(L, 1);
    if (start_task(runtime, task) != LUNIK_OK) {
        drop_anchor(L, task);
        lua_pushliteral(L, "not enough memory");
        lua_error(L);
    }
    link_task(task);
    return task;
}

/* ---- Cancelling ---- */

/* Makes the fiber's own flag what the task's reasons say. */
static void apply_cancelled(struct lunik_task *task)
{
    bool cancelled =
        !task->is_masked && (task->is_cancelled || task->held_cancelled > 0);

    if (task->fiber == NULL)
        return;
    if (task->fiber == lunik_fiber_self())
        lunik_fiber_set_cancelled(cancelled);
    else if (cancelled)
        lunik_fiber_cancel(task->fiber);
}

void lunik_task_cancel(struct lunik_task *task)
{
    task->is_cancelled = true;
    apply_cancelled(task);
}

void lunik_task_hold_cancelled(struct lunik_task *task)
{
    task->held_cancelled++;
    apply_cancelled(task);
}

void lunik_task_release_cancelled(struct lunik_task *task)
{
    LUNIK_ASSERT(task->held_cancelled > 0);
    LUNIK_ASSERT(task->fiber == lunik_fiber_self());
    task->held_cancelled--;
    apply_cancelled(task);
}

bool lunik_task_mask(void)
{
    struct lunik_task *task = lunik_task_self();
    bool masked = task->is_masked;

    task->is_masked = true;
    apply_cancelled(task);
    return masked;
}

void lunik_task_unmask(bool masked)
{
    struct lunik_task *task = lunik_task_self();

    task->is_masked = masked;
    apply_cancelled(task);
}

/* ---- What modules ask of a task ---- */

struct lunik_task *lunik_lua_check_task(lua_State *L, int arg)
{
    return luaL_checkudata(L, arg, TASK_TYPE);
}

void lunik_lua_push_task(lua_State *L, struct lunik_task *task)
{
    prepare(L, task->runtime);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &anchors_key);
    lua_rawgetp(L, -1, task);
    lua_remove(L, -2);
}

enum lunik_task_state lunik_task_get_state(const struct lunik_task *task)
{
    return task->state;
}

bool lunik_task_is_cancelled(const struct lunik_task *task)
{
    return task->is_cancelled || task->held_cancelled > 0;
}

struct lunik_task *lunik_task_next(const struct lunik_task *task)
{
    return task->group_next;
}

struct lunik_event *lunik_task_end_event(struct lunik_task *task)
{
    return &task->ended;
}

uint64_t lunik_task_id(const struct lunik_task *task)
{
    return task->id;
}

void lunik_task_await(struct lunik_task *task, bool awaits)
{
    task->awaiters += awaits ? 1 : -1U;
}

int lunik_lua_push_results(lua_State *L, struct lunik_task *task)
{
    int count = lua_gettop(task->L), i;

    luaL_checkstack(L, count, "too many results");
    if (!lua_checkstack(task->L, 1))
        lunik_lua_raise(L, LUNIK_ENOMEM);
    for (i = 1; i <= count; i++) {
        lua_pushvalue(task->L, i);
        lua_xmove(task->L, L, 1);
    }
    return count;
}

void lunik_lua_forget_task(lua_State *L, struct lunik_task *task)
{
    luaL_checkstack(L, 3, NULL);
    drop_anchor(L, task);
}

/* ---- The main task ---- */

void lunik_task_init(struct lunik_runtime *runtime)
{
    struct lunik_task *main = &runtime->main;

    main->L = runtime->L;
    main->runtime = runtime;
    main->id = ++runtime->next_id;
    main->fiber = lunik_fiber_self();
    main->state = LUNIK_TASK_RUNNING;
    lunik_fiber_set_data(main->fiber, main);
}

void lunik_task_end_all(struct lunik_runtime *runtime)
{
    uint64_t deadline = lunik_time_after_ns(END_GRACE_NS);
    struct lunik_task *task;

    runtime->is_ending = true;
    runtime->main.is_masked = true;
    apply_cancelled(&runtime->main);
    lunik_fiber_set_deadline(LUNIK_NEVER);
    for (task = runtime->tasks; task != NULL; task = task->next)
        lunik_task_cancel(task);
    while (runtime->task_count > 0)
        if (lunik_event_wait(&runtime->task_ended, deadline) != LUNIK_OK)
            return;
}
