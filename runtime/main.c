/* SPDX-License-Identifier: MIT */
/* main.c: opens the Lua state, runs the main script, and ends the image. */
#include "internal.h"

#include <lauxlib.h>
#include <lualib.h>
#include <lunik/abi/seal.h>
#include <lunik/panic.h>
#include <lunik/sys.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A heap smaller than this is not worth a look for garbage. */
#define FIRST_COLLECTION_KIB 192

struct arguments {
    int argc;
    char **argv;
};

enum warn_state { WARN_OFF, WARN_ON, WARN_WITHIN };

static int unprotected(lua_State *L)
{
    const char *text = lua_tostring(L, -1);

    lunik_panic("unprotected error in Lua: %s", text != NULL ? text : "?");
}

/* warn("@on"), warn("@off") and messages in pieces, as in stand-alone Lua. */
static void warn(void *ud, const char *text, int continues)
{
    enum warn_state *state = ud;

    if (*state != WARN_WITHIN && !continues && *text == '@') {
        if (strcmp(text, "@on") == 0)
            *state = WARN_ON;
        else if (strcmp(text, "@off") == 0)
            *state = WARN_OFF;
        return;
    }
    if (*state == WARN_OFF)
        return;
    if (*state == WARN_ON)
        fputs("Lua warning: ", stderr);
    fputs(text, stderr);
    *state = continues ? WARN_WITHIN : WARN_ON;
    if (!continues)
        fputc('\n', stderr);
}

/* Sets the global `arg` and pushes its values from 1 on. Returns the count. */
static int push_arguments(lua_State *L, const char *script,
                          const struct arguments *arguments)
{
    int i;

    luaL_checkstack(L, arguments->argc + 3, "too many arguments");
    lua_createtable(L, arguments->argc, 1);
    lua_pushstring(L, script);
    lua_rawseti(L, -2, 0);
    for (i = 1; i < arguments->argc; i++) {
        lua_pushstring(L, arguments->argv[i]);
        lua_rawseti(L, -2, i);
    }
    lua_setglobal(L, "arg");
    for (i = 1; i < arguments->argc; i++)
        lua_pushstring(L, arguments->argv[i]);
    return i - 1;
}

/* run(arguments): all that may raise. */
static int run(lua_State *L)
{
    const struct arguments *arguments = lua_touserdata(L, 1);
    const char *script = "main.lua";
    size_t size;

    lua_gc(L, LUA_GCSTOP); /* nothing is garbage yet */
    luaL_openlibs(L);
    lunik_library_open(L);
    lunik_loader_open(L);
    lua_gc(L, LUA_GCRESTART);
    /* A step of less than nothing: the first collection does not come at once,
     * to look through the standard library, but when there may be garbage. */
    lua_gc(L, LUA_GCSTEP, -FIRST_COLLECTION_KIB);

    if (lunik_sys_record(LUNIK_RECORD_MAIN, 0, &script, &size))
        script = lua_pushlstring(L, script, size);
    if (lunik_loader_load(L, script, 0) != LUA_OK)
        return lua_error(L);
    lua_call(L, push_arguments(L, script, arguments), 0);
    return 0;
}

static const char *program_name(const struct arguments *arguments)
{
    return arguments->argc > 0 && *arguments->argv[0] != '\0'
               ? arguments->argv[0]
               : "lunik";
}

int lunik_main(int argc, char **argv)
{
    struct arguments arguments = { argc, argv };
    struct lunik_runtime runtime = { .program = program_name(&arguments) };
    int status;
    enum warn_state warnings = WARN_OFF;
    lua_State *L;

    runtime.memory.limit = lunik_runtime_limit();
    L = lua_newstate(lunik_runtime_alloc, &runtime.memory);
    if (L == NULL)
        lunik_panic_status(LUNIK_EXIT_NO_MEMORY,
                           "no memory for Lua: the limit is %zu bytes",
                           runtime.memory.limit);
    runtime.L = L;
    *(struct lunik_runtime **)lua_getextraspace(L) = &runtime;
    lua_atpanic(L, unprotected);
    lua_setwarnf(L, warn, &warnings);
    lunik_task_init(&runtime);
    lunik_panic_set_hook(lunik_report_panic, &runtime);

    lua_pushcfunction(L, lunik_report_handler);
    lua_pushcfunction(L, run);
    lua_pushlightuserdata(L, &arguments);
    status = lua_pcall(L, 1, 0, 1);
    if (status != LUA_OK) {
        lunik_report_uncaught(L, runtime.program);
        lunik_lua_exit(L, EXIT_FAILURE, false);
    }
    lunik_task_end_all(&runtime);
    /* Finalizers run, unless a task would see its state go away. */
    lunik_lua_exit(L, EXIT_SUCCESS, runtime.task_count == 0);
}

void lunik_lua_get_memory(lua_State *L, struct lunik_lua_memory *out)
{
    *out = lunik_runtime_of(L)->memory;
}
