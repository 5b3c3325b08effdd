/* SPDX-License-Identifier: MIT */
/* sys.c: the module lunik.sys: the image, its launch, and its end. */
#include <lauxlib.h>
#include <lua.h>
#include <lunik/abi/seal.h>
#include <lunik/mem.h>
#include <lunik/module.h>
#include <lunik/random.h>
#include <lunik/runtime.h>
#include <lunik/sys.h>
#include <lunik/time.h>
#include <string.h>

/* Bytes that one call of random() gives at most. */
#define RANDOM_MAX ((lua_Integer)1 << 24)

static void set_size(lua_State *L, const char *name, size_t size)
{
    lua_pushinteger(L, (lua_Integer)size);
    lua_setfield(L, -2, name);
}

static void set_string(lua_State *L, const char *name, const char *text)
{
    lua_pushstring(L, text);
    lua_setfield(L, -2, name);
}

/* sys.memory() -> { total, free, heap, stacks, lua, lua_peak, lua_limit } */
static int sys_memory(lua_State *L)
{
    struct lunik_mem_info info;
    struct lunik_lua_memory lua;

    lunik_mem_get_info(&info);
    lunik_lua_get_memory(L, &lua);
    lua_createtable(L, 0, 7);
    set_size(L, "total", info.total_bytes);
    set_size(L, "free", info.free_bytes);
    set_size(L, "heap", info.heap_bytes);
    set_size(L, "stacks", info.stack_bytes);
    set_size(L, "lua", lua.used);
    set_size(L, "lua_peak", lua.peak);
    set_size(L, "lua_limit", lua.limit);
    return 1;
}

/* sys.random(count) -> a string of unpredictable bytes */
static int sys_random(lua_State *L)
{
    lua_Integer count = luaL_checkinteger(L, 1);
    luaL_Buffer b;

    luaL_argcheck(L, count >= 0 && count <= RANDOM_MAX, 1,
                  "0 to 16777216 bytes");
    lunik_random_fill(luaL_buffinitsize(L, &b, (size_t)count), (size_t)count);
    luaL_pushresultsize(&b, (size_t)count);
    return 1;
}

static int sys_random_integer(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)lunik_random_u64());
    return 1;
}

static void push_seconds(lua_State *L, uint64_t ns)
{
    lua_pushnumber(L, (lua_Number)ns / (lua_Number)LUNIK_NS_PER_S);
}

static int sys_clock(lua_State *L)
{
    push_seconds(L, lunik_time_monotonic_ns());
    return 1;
}

static int sys_time(lua_State *L)
{
    push_seconds(L, lunik_time_wall_ns());
    return 1;
}

/* sys.sources() -> { clock, time, random }: asking starts the clocks. */
static int sys_sources(lua_State *L)
{
    lua_createtable(L, 0, 3);
    (void)lunik_time_monotonic_ns();
    (void)lunik_time_wall_ns();
    set_string(L, "clock", lunik_time_source());
    set_string(L, "time", lunik_time_wall_source());
    set_string(L, "random", lunik_random_sources());
    return 1;
}

static int sys_exit(lua_State *L)
{
    lua_Integer code = luaL_optinteger(L, 1, 0);

    luaL_argcheck(L, code >= 0 && code <= 15, 1, "an exit code is 0 to 15");
    lunik_lua_exit(L, (int)code, lua_toboolean(L, 2));
}

/* ---- The orderly stop ---- */

/* Registry key: the list of functions, and whether their task runs. */
static const char handlers_key = 0;

/* stop_body(): the task that waits for the stop, calls the functions in order,
 * and ends the image. */
static int stop_body(lua_State *L)
{
    struct lunik_event *event = lunik_sys_stop_event();
    lua_Unsigned i;

    while (!lunik_sys_is_stopping())
        lunik_lua_wait(L, &event, 1, LUNIK_NEVER, NULL);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &handlers_key);
    for (i = 1; i <= lua_rawlen(L, -1); i++) {
        lua_rawgeti(L, -1, (lua_Integer)i);
        lua_call(L, 0, 0);
    }
    lunik_lua_exit(L, 0, false);
}

/* sys.on_shutdown(fn) */
static int sys_on_shutdown(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &handlers_key) != LUA_TTABLE) {
        /* The table comes last of what may lack memory: with it, the task is
         * there. Its slot in the registry is made before. */
        lua_newtable(L);
        lua_pushboolean(L, false);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &handlers_key);
        lua_pushcfunction(L, stop_body);
        lunik_lua_spawn(L, 0, NULL);
        lua_pop(L, 1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &handlers_key);
        lunik_sys_hold_shutdown(true);
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, &handlers_key);
    lua_pushvalue(L, 1);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    return 0;
}

static int sys_is_stopping(lua_State *L)
{
    lua_pushboolean(L, lunik_sys_is_stopping());
    return 1;
}

/* ---- The module ---- */

static void set_record(lua_State *L, const char *name, unsigned type)
{
    const char *text;
    size_t size;

    if (!lunik_sys_record(type, 0, &text, &size))
        return;
    lua_pushlstring(L, text, size);
    lua_setfield(L, -2, name);
}

static void push_build(lua_State *L)
{
    lua_createtable(L, 0, 5);
    set_record(L, "name", LUNIK_RECORD_NAME);
    set_record(L, "version", LUNIK_RECORD_VERSION);
    set_record(L, "sdk", LUNIK_RECORD_SDK);
    set_string(L, "hypervisor", lunik_sys_hypervisor());
    set_string(L, "lua", LUA_RELEASE);
}

static void push_env(lua_State *L)
{
    const char *text, *equals;
    size_t i;

    lua_newtable(L);
    for (i = 0; (text = lunik_env_get(i)) != NULL; i++) {
        equals = strchr(text, '=');
        if (equals == NULL)
            continue;
        lua_pushlstring(L, text, (size_t)(equals - text));
        /* The first of a name counts: the launch line's. */
        lua_pushvalue(L, -1);
        if (lua_rawget(L, -3) == LUA_TNIL) {
            lua_pop(L, 1);
            lua_pushstring(L, equals + 1);
            lua_rawset(L, -3);
        } else {
            lua_pop(L, 2);
        }
    }
}

static int luaopen_lunik_sys(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "memory", sys_memory },
        { "random", sys_random },
        { "random_integer", sys_random_integer },
        { "clock", sys_clock },
        { "time", sys_time },
        { "sources", sys_sources },
        { "exit", sys_exit },
        { "on_shutdown", sys_on_shutdown },
        { "is_stopping", sys_is_stopping },
        { NULL, NULL },
    };

    luaL_newlib(L, functions);
    lua_getglobal(L, "arg");
    lua_setfield(L, -2, "args");
    push_build(L);
    lua_setfield(L, -2, "build");
    push_env(L);
    lua_setfield(L, -2, "env");
    return 1;
}

LUNIK_MODULE(lunik_sys, "lunik.sys", luaopen_lunik_sys)
