/* SPDX-License-Identifier: MIT */
/* report.c: tracebacks: of uncaught errors, and of a panic without the heap. */
#include "internal.h"

#include <lauxlib.h>
#include <lunik/panic.h>
#include <stdio.h>

/* The levels that a panic prints, from the top and from the bottom. */
#define PANIC_LEVELS_TOP 12
#define PANIC_LEVELS_BOTTOM 6
/* Coroutines within coroutines that a panic follows. */
#define PANIC_DEPTH 8

/* ---- Errors ---- */

/* Registry key of the last error and its traceback: { error, text }. */
static const char last_key = 0;

/* record(error): keeps the traceback of the function that raised. */
static int record(lua_State *L)
{
    struct lunik_runtime *runtime = lunik_runtime_of(L);

    luaL_traceback(L, L, NULL, 2); /* 0 is record, 1 the handler */
    if (runtime->is_reraised &&
        lua_rawgetp(L, LUA_REGISTRYINDEX, &last_key) == LUA_TTABLE) {
        lua_rawgeti(L, -1, 1);
        if (lua_rawequal(L, -1, 1)) {
            lua_rawgeti(L, -2, 2);
            lua_pushliteral(L, "\nraised again at:\n");
            lua_pushvalue(L, 2);
            lua_concat(L, 3);
            lua_replace(L, 2);
        }
    }
    lua_settop(L, 2);
    runtime->is_reraised = false;
    lua_createtable(L, 2, 0);
    lua_insert(L, 1);
    lua_rawseti(L, 1, 2);
    lua_rawseti(L, 1, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &last_key);
    return 0;
}

int lunik_report_handler(lua_State *L)
{
    lua_settop(L, 1);
    /* Cancelling is no error; many tasks end by it at once. */
    if (lua_touserdata(L, 1) != NULL &&
        lua_touserdata(L, 1) == lunik_runtime_of(L)->cancelled)
        return 1;
    lua_pushcfunction(L, record);
    lua_pushvalue(L, 1);
    /* Without memory there is no traceback, but the error goes on. */
    if (lua_pcall(L, 1, 0, 0) != LUA_OK)
        lua_settop(L, 1);
    return 1;
}

static int to_text(lua_State *L)
{
    if (lua_type(L, 1) != LUA_TSTRING && !luaL_getmetafield(L, 1, "__tostring"))
        lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
    else
        luaL_tolstring(L, 1, NULL);
    return 1;
}

void lunik_report_uncaught(lua_State *L, const char *program)
{
    int error = lua_gettop(L);
    const char *text;
    size_t size;

    fflush(stdout);
    lua_pushcfunction(L, to_text);
    lua_pushvalue(L, error);
    lua_pcall(L, 1, 1, 0);
    text = lua_tolstring(L, -1, &size);
    fprintf(stderr, "%s: ", program);
    if (text == NULL)
        fputs("(an error without a message)", stderr);
    else
        fwrite(text, 1, size, stderr);
    fputc('\n', stderr);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &last_key) == LUA_TTABLE) {
        lua_rawgeti(L, -1, 1);
        lua_rawgeti(L, -2, 2);
        if (lua_rawequal(L, -2, error) && lua_isstring(L, -1))
            fprintf(stderr, "%s\n", lua_tostring(L, -1));
    }
    fflush(stderr);
    lua_settop(L, error);
}

/* ---- Panics: nothing below here may allocate ---- */

static void print_level(lua_State *L, lua_Debug *ar)
{
    lua_getinfo(L, "Sln", ar);
    if (ar->currentline > 0)
        lunik_panic_print("    %s:%d: in ", ar->short_src, ar->currentline);
    else
        lunik_panic_print("    %s: in ", ar->short_src);
    if (*ar->namewhat != '\0')
        lunik_panic_print("%s '%s'\n", ar->namewhat, ar->name);
    else if (*ar->what == 'm')
        lunik_panic_print("main chunk\n");
    else if (*ar->what == 'C')
        lunik_panic_print("?\n");
    else
        lunik_panic_print("function <%s:%d>\n", ar->short_src, ar->linedefined);
}

static int count_levels(lua_State *L)
{
    lua_Debug ar;
    int low = 0, high = 1;

    while (lua_getstack(L, high, &ar)) {
        low = high;
        high *= 2;
    }
    while (low < high) {
        int middle = low + (high - low) / 2;

        if (lua_getstack(L, middle, &ar))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void print_stack(lua_State *L)
{
    int count = count_levels(L), level;
    lua_Debug ar;

    for (level = 0; level < count; level++) {
        if (level == PANIC_LEVELS_TOP && count - PANIC_LEVELS_BOTTOM > level) {
            lunik_panic_print("    ... %d more ...\n",
                              count - PANIC_LEVELS_BOTTOM - level);
            level = count - PANIC_LEVELS_BOTTOM;
        }
        if (lua_getstack(L, level, &ar))
            print_level(L, &ar);
    }
}

/* The coroutine that (L) runs just now: the first argument of
 * coroutine.resume, or the upvalue of a coroutine.wrap function. A C function
 * has free stack for the one value; nothing here grows it. */
static lua_State *running_coroutine(lua_State *L)
{
    lua_State *inner = NULL;
    lua_Debug ar;

    if (!lua_getstack(L, 0, &ar) || !lua_getinfo(L, "S", &ar) ||
        *ar.what != 'C')
        return NULL;
    if (lua_getlocal(L, &ar, 1) != NULL) {
        inner = lua_tothread(L, -1);
        lua_pop(L, 1);
    }
    if (inner == NULL) {
        lua_getinfo(L, "f", &ar);
        if (lua_getupvalue(L, -1, 1) != NULL) {
            inner = lua_tothread(L, -1);
            lua_pop(L, 1);
        }
        lua_pop(L, 1);
    }
    if (inner == NULL || inner == L || lua_status(inner) != LUA_OK)
        return NULL;
    return lua_getstack(inner, 0, &ar) ? inner : NULL;
}

void lunik_report_panic(void *runtime)
{
    const struct lunik_task *task = lunik_fiber_data(lunik_fiber_self());
    lua_State *chain[PANIC_DEPTH];
    size_t depth = 0;

    (void)runtime;
    if (task == NULL)
        return;
    lunik_panic_print("Lua traceback of task %u:\n", (unsigned)task->id);
    chain[0] = task->L;
    while (depth + 1 < PANIC_DEPTH && chain[depth] != NULL) {
        chain[depth + 1] = running_coroutine(chain[depth]);
        depth++;
    }
    if (chain[depth] != NULL)
        depth++;
    while (depth-- > 0) {
        print_stack(chain[depth]);
        if (depth > 0)
            lunik_panic_print("  resumed by:\n");
    }
}
