/* SPDX-License-Identifier: MIT */
/*
 * internal.h: what the files of the runtime tell each other.
 */
#ifndef LUNIK_RUNTIME_INTERNAL_H
#define LUNIK_RUNTIME_INTERNAL_H

#include <lua.h>
#include <lunik/archive.h>
#include <lunik/event.h>
#include <lunik/runtime.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lunik_task {
    lua_State *L;              /* anchored by the task's user value */
    struct lunik_fiber *fiber; /* NULL unless RUNNING */
    struct lunik_runtime *runtime;
    struct lunik_task *next, *prev; /* of all tasks that have not ended */
    struct lunik_task_group *group;
    struct lunik_task *group_next, *group_prev;
    struct lunik_event ended;
    uint64_t id;
    unsigned awaiters;
    unsigned held_cancelled;
    enum lunik_task_state state;
    bool is_cancelled;
    bool is_masked;
};

/* A fiber that runs one task after another. */
struct lunik_worker {
    struct lunik_runtime *runtime;
    struct lunik_worker *next; /* of the idle ones */
    struct lunik_task *task;   /* what to run next */
    struct lunik_event wake;
};

/* One Lua state and what belongs to it. Per-core when there are more cores. */
struct lunik_runtime {
    lua_State *L;
    const char *program; /* argv[0], in front of error messages */
    struct lunik_lua_memory memory;
    struct lunik_task main;
    struct lunik_task *tasks; /* all but main */
    size_t task_count;
    struct lunik_event task_ended;
    struct lunik_worker *idle;
    size_t idle_count;
    uint64_t next_id;
    const void *cancelled; /* the error objects, once they exist */
    const void *expired;
    lua_State *book;  /* a thread for the bookkeeping of tasks' ends */
    bool is_ending;   /* the main script has returned */
    bool is_closing;  /* lua_close() is under way: nothing may wait */
    bool is_reraised; /* the error under way came from another task */
};

/* The runtime of (L), kept in each thread's extra space. */
struct lunik_runtime *lunik_runtime_of(lua_State *L);

/* alloc.c */
void *lunik_runtime_alloc(void *ud, void *memory, size_t old_size, size_t size);
size_t lunik_runtime_limit(void);

/* collect.c: called by Lua for each step of its garbage collection. */
void lunik_lua_collect_step(lua_State *L);

/* loader.c, library.c: change the standard libraries that are open in (L). */
void lunik_loader_open(lua_State *L);
void lunik_library_open(lua_State *L);

/* Loads (path), from the archive or, if it is absolute, from the C library's
 * files: LUA_OK or a status with a message on the stack. */
int lunik_loader_load(lua_State *L, const char *path, int env_index);

/* report.c */
int lunik_report_handler(lua_State *L);
void lunik_report_uncaught(lua_State *L, const char *program);
void lunik_report_panic(void *runtime);

/* task.c */
void lunik_task_init(struct lunik_runtime *runtime);
void lunik_task_end_all(struct lunik_runtime *runtime);

#endif
