/* SPDX-License-Identifier: MIT */
/*
 * main.c: the `lunik` command: a Lua interpreter that runs
 * share/lunik/sdk/main.lua of the prefix that this executable is in.
 */
#include "host.h"

#include <fcntl.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int luaopen_posix_dirent(lua_State *L);
int luaopen_posix_errno(lua_State *L);
int luaopen_posix_fcntl(lua_State *L);
int luaopen_posix_poll(lua_State *L);
int luaopen_posix_pwd(lua_State *L);
int luaopen_posix_signal(lua_State *L);
int luaopen_posix_stdio(lua_State *L);
int luaopen_posix_stdlib(lua_State *L);
int luaopen_posix_sys_socket(lua_State *L);
int luaopen_posix_sys_stat(lua_State *L);
int luaopen_posix_sys_wait(lua_State *L);
int luaopen_posix_time(lua_State *L);
int luaopen_posix_unistd(lua_State *L);

static const luaL_Reg linked[] = {
    { "posix.dirent", luaopen_posix_dirent },
    { "posix.errno", luaopen_posix_errno },
    { "posix.fcntl", luaopen_posix_fcntl },
    { "posix.poll", luaopen_posix_poll },
    { "posix.pwd", luaopen_posix_pwd },
    { "posix.signal", luaopen_posix_signal },
    { "posix.stdio", luaopen_posix_stdio },
    { "posix.stdlib", luaopen_posix_stdlib },
    { "posix.sys.socket", luaopen_posix_sys_socket },
    { "posix.sys.stat", luaopen_posix_sys_stat },
    { "posix.sys.wait", luaopen_posix_sys_wait },
    { "posix.time", luaopen_posix_time },
    { "posix.unistd", luaopen_posix_unistd },
    { NULL, NULL },
};

static const luaL_Reg host[] = {
    { "sha256", lunik_host_sha256 },   { "crc32c", lunik_host_crc32c },
    { "sandbox", lunik_host_sandbox }, { "receive_fd", lunik_host_receive_fd },
    { "stamp", lunik_host_stamp },     { "interface", lunik_host_interface },
    { "load", lunik_host_load },       { NULL, NULL },
};

/* Pushes the folder above this executable's: PREFIX of PREFIX/bin/lunik. */
static void push_prefix(lua_State *L)
{
    char path[4096];
    ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (size < 0) {
        luaL_error(L, "cannot read /proc/self/exe");
    }
    path[size] = '\0';
    for (int levels = 0; levels < 2; levels++) {
        char *slash = strrchr(path, '/');
        if (slash != NULL) {
            *slash = '\0';
        }
    }
    lua_pushstring(L, path);
}

static int traceback(lua_State *L)
{
    const char *message = lua_tostring(L, 1);
    if (message == NULL) {
        return 1; /* an exit request, or another object: main.lua's affair */
    }
    luaL_traceback(L, L, message, 1);
    return 1;
}

/* Arguments: argc, argv. Runs main.lua, which gives the exit status. */
static int run(lua_State *L)
{
    int argc = (int)lua_tointeger(L, 1);
    char **argv = lua_touserdata(L, 2);
    luaL_openlibs(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    luaL_setfuncs(L, linked, 0);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    luaL_newlib(L, host);
    push_prefix(L);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "prefix");
    lua_insert(L, -2);
    lua_setfield(L, -3, "lunik.host");
    const char *prefix = lua_tostring(L, -1);
    lua_getglobal(L, "package");
    lua_pushfstring(L, "%s/share/lunik/sdk/?.lua", prefix);
    lua_setfield(L, -2, "path");
    lua_pushliteral(L, "");
    lua_setfield(L, -2, "cpath");
    lua_createtable(L, argc, 0);
    for (int i = 0; i < argc; i++) {
        lua_pushstring(L, argv[i]);
        lua_rawseti(L, -2, i);
    }
    lua_setglobal(L, "arg");
    lua_pushcfunction(L, traceback);
    if (luaL_loadfile(L, lua_pushfstring(L, "%s/share/lunik/sdk/main.lua",
                                         prefix)) != LUA_OK) {
        return lua_error(L);
    }
    lua_remove(L, -2);
    if (lua_pcall(L, 0, 1, -2) != LUA_OK) {
        return lua_error(L);
    }
    return 1;
}

/* Sockets and pipes must not get the numbers 0 to 2: children would take them
 * for their input and output. */
static void open_standard_files(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) {
        close(fd);
    }
}

int main(int argc, char **argv)
{
    open_standard_files();
    lua_State *L = luaL_newstate();
    if (L == NULL) {
        fputs("lunik: not enough memory\n", stderr);
        return EXIT_FAILURE;
    }
    lua_pushcfunction(L, run);
    lua_pushinteger(L, argc);
    lua_pushlightuserdata(L, argv);
    int status = EXIT_FAILURE;
    if (lua_pcall(L, 2, 1, 0) == LUA_OK) {
        status = (int)lua_tointeger(L, -1);
    } else {
        fprintf(stderr, "lunik: %s\n", lua_tostring(L, -1));
        status = 70; /* EX_SOFTWARE: a mistake in the SDK itself */
    }
    lua_close(L);
    return status;
}
