/* SPDX-License-Identifier: MIT */
/*
 * runtime.h: what C modules for Lua need beside <lua.h>: waiting, tasks,
 * deadlines and errors, all in one manner.
 *
 * A task is a fiber of <lunik/event.h> with a Lua thread of its own. A C
 * function called from Lua may wait at any place, by lunik_lua_wait() and
 * nothing else; the task's whole C stack stays where it is, so metamethods,
 * comparators and iterators may wait too. Never use lua_yield() to wait.
 *
 * Functions named lunik_lua_… may raise Lua errors, as luaL_… do. The others
 * do not. Lua threads of one state only; context: task.
 */
#ifndef LUNIK_RUNTIME_H
#define LUNIK_RUNTIME_H

#include <lua.h>
#include <lunik/attr.h>
#include <lunik/event.h>
#include <lunik/result.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Waiting ---- */

/*
 * Waits as lunik_event_wait_any() does; only the calling task stands still.
 * Returns: true with the index in (*which_out) (may be NULL): signalled, look
 *   at your condition again. false: (deadline_ns) passed.
 * Raises: the "cancelled" object if the task is cancelled, the "timeout"
 *   object if a deadline scope around the call expired, and a plain error
 *   where waiting is not possible: inside a finalizer.
 */
bool lunik_lua_wait(lua_State *L, struct lunik_event *const *events,
                    size_t count, uint64_t deadline_ns, size_t *which_out);

/*
 * The same without raising, for callers with something to undo first: gives
 * LUNIK_OK, LUNIK_EAGAIN (the caller's own deadline passed), LUNIK_ETIMEOUT (a
 * deadline scope's), LUNIK_ECANCELED. Hand the last two to lunik_lua_raise().
 * Call lunik_lua_check() before you set up what must be undone.
 */
LUNIK_MUST_CHECK lunik_result lunik_task_wait(struct lunik_event *const *events,
                                              size_t count,
                                              uint64_t deadline_ns,
                                              size_t *which_out);

/* Raises what lunik_lua_wait() would raise at once. Every blocking function
 * calls this first, also when it will not have to wait: cancelling is sticky.
 */
void lunik_lua_check(lua_State *L);

/* Raises the error object for LUNIK_ECANCELED or LUNIK_ETIMEOUT, or a string
 * for any other (result). */
LUNIK_NORETURN void lunik_lua_raise(lua_State *L, lunik_result result);

/* Pushes the object that cancelling, or an expired scope, raises. */
void lunik_lua_push_cancelled(lua_State *L);
void lunik_lua_push_expired(lua_State *L);

/* ---- Arguments and answers ---- */

/* Argument (arg), seconds from now, as a deadline: nil, none and math.huge
 * are LUNIK_NEVER, nothing below 0 or NaN is taken. */
uint64_t lunik_lua_opt_deadline(lua_State *L, int arg);

/* Argument (arg), a finite number of seconds >= 0, in nanoseconds; more than
 * fits is LUNIK_NEVER. */
uint64_t lunik_lua_check_seconds(lua_State *L, int arg);

/* Pushes nil and the word for (result): "timeout", "closed" … Returns 2. */
int lunik_lua_fail(lua_State *L, lunik_result result);

/* ---- Tasks ---- */

enum lunik_task_state {
    LUNIK_TASK_READY, /* spawned, has not run yet */
    LUNIK_TASK_RUNNING,
    LUNIK_TASK_DONE,      /* its results are on its thread's stack */
    LUNIK_TASK_FAILED,    /* its error is on its thread's stack */
    LUNIK_TASK_CANCELLED, /* ended by the "cancelled" error */
};

struct lunik_task;

/* A group of tasks that is told of each task's end. See lunik_task_spawn(). */
struct lunik_task_group {
    /* Called in the ending task's fiber, when the task is out of the group's
     * list; must not wait or raise. Returns: whether to keep the task's object
     * and error alive until lunik_lua_forget_task(). */
    bool (*ended)(struct lunik_task_group *group, struct lunik_task *task);
    struct lunik_task *first; /* tasks that have not ended */
};

/* The task after (task) in its group. */
struct lunik_task *lunik_task_next(const struct lunik_task *task);

/*
 * Spawns a task that calls the function below the top (nargs) values, and pops
 * both; pushes the task's object. It runs once the caller waits or yields.
 * (group) NULL: a detached task; an error in it that no one awaits ends the
 * program with a traceback and exit code 1.
 * Raises: an error when memory ran out.
 */
struct lunik_task *lunik_lua_spawn(lua_State *L, int nargs,
                                   struct lunik_task_group *group);

/* Pushes the metatable of tasks' objects, to which a module adds methods. */
void lunik_lua_open_tasks(lua_State *L);

/* The running task; the main script is a task too. */
struct lunik_task *lunik_task_self(void);

/* The task at index (arg); raises if it is not one. */
struct lunik_task *lunik_lua_check_task(lua_State *L, int arg);

/* Pushes the object of (task), which has not ended or is kept. */
void lunik_lua_push_task(lua_State *L, struct lunik_task *task);

/* Cancels (task): its waits raise the "cancelled" object from now on. Nothing
 * happens to a task that has ended. */
void lunik_task_cancel(struct lunik_task *task);

/* A second reason to be cancelled, for scopes: it can be taken back, which the
 * first cannot. Balanced calls; may be nested. Of the running task or another.
 */
void lunik_task_hold_cancelled(struct lunik_task *task);
void lunik_task_release_cancelled(struct lunik_task *task);

/* Suspends cancelling for the running task, so that it can wait for others to
 * end. Returns what to hand to lunik_task_unmask(). */
bool lunik_task_mask(void);
void lunik_task_unmask(bool masked);

enum lunik_task_state lunik_task_get_state(const struct lunik_task *task);
bool lunik_task_is_cancelled(const struct lunik_task *task);
struct lunik_event *lunik_task_end_event(struct lunik_task *task);

/* Tasks that have not ended, the main script among them. */
size_t lunik_lua_task_count(lua_State *L);

/* A number that no other task of this image has or had. */
uint64_t lunik_task_id(const struct lunik_task *task);

/* Counts one who waits for the end, so that a failure is his to handle. */
void lunik_task_await(struct lunik_task *task, bool awaits);

/* Pushes the results, or the error, of an ended task. Returns the count. */
int lunik_lua_push_results(lua_State *L, struct lunik_task *task);

/* Lets go of a task that its group kept. */
void lunik_lua_forget_task(lua_State *L, struct lunik_task *task);

/*
 * As lua_pcall(), and notes where an error was raised: for scopes that catch an
 * error, tidy up, and raise it again.
 */
int lunik_lua_pcall(lua_State *L, int nargs, int nresults);

/* Raises the error at the top again, after lunik_lua_pcall() or of an ended
 * task, so that a traceback shows the lines where it came from, too. */
LUNIK_NORETURN void lunik_lua_reraise(lua_State *L);

/* ---- The state ---- */

struct lunik_lua_memory {
    size_t used, peak, limit; /* bytes */
};
void lunik_lua_get_memory(lua_State *L, struct lunik_lua_memory *out);

/* Has (observer)(ns) called after each step of the garbage collection, with the
 * time that it took; NULL: nobody is told, and no clock is read. It must not
 * touch a Lua state. */
void lunik_lua_set_gc_observer(void (*observer)(uint64_t ns));

/* Ends the image as os.exit does. */
LUNIK_NORETURN void lunik_lua_exit(lua_State *L, int code, bool close);

#endif
