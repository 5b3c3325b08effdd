/* SPDX-License-Identifier: MIT */
/* loader.c: require, load, loadfile and dofile over the sealed archive. */
#include "internal.h"

#include <lauxlib.h>
#include <lualib.h>
#include <lunik/abi/seal.h>
#include <lunik/module.h>
#include <lunik/sys.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_PATH "?.lua;?/init.lua"

/* The bounds that the linker gives to the table of C modules. Weak: an image
 * without C modules has no table. */
extern const struct lunik_module __start_lunik_modules[] LUNIK_WEAK;
extern const struct lunik_module __stop_lunik_modules[] LUNIK_WEAK;

/* Paths in the archive have no leading "/" or "./". */
static bool find_sealed(const char *path, struct lunik_archive_file *out)
{
    while (path[0] == '/' || (path[0] == '.' && path[1] == '/'))
        path += path[0] == '/' ? 1 : 2;
    return lunik_archive_find(lunik_archive_sealed(), path, strlen(path), out);
}

/*
 * The bytecode that the SDK sealed beside the script at (path), spelt as in the
 * archive: the name inside it is that one. It is as much a part of the image as
 * the interpreter is, and was checked with it; no other bytecode is loaded.
 */
static bool find_compiled(const char *path, struct lunik_archive_file *out)
{
    static const char folder[] = LUNIK_ARCHIVE_BYTECODE;
    char name[LUNIK_ARCHIVE_PATH_MAX];
    size_t len = strlen(path);

    if (len > sizeof(name) - (sizeof(folder) - 1))
        return false;
    memcpy(name, folder, sizeof(folder)); /* its NUL is written over */
    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): it has a length */
    memcpy(name + sizeof(folder) - 1, path, len);
    return lunik_archive_find(lunik_archive_sealed(), name,
                              len + sizeof(folder) - 1, out);
}

static bool can_read(const char *path)
{
    struct lunik_archive_file file;
    FILE *f;

    if (find_sealed(path, &file))
        return true;
    /* Only an absolute path means a file that is not sealed: "/tmp/x.lua". */
    if (path[0] != '/')
        return false;
    f = fopen(path, "r");
    if (f == NULL)
        return false;
    fclose(f);
    return true;
}

/* A byte order mark and a first line "#!…" are no Lua; the line's end stays,
 * so that lines keep their numbers. */
static void skip_preamble(const char **text, size_t *size)
{
    const char *end;

    if (*size >= 3 && memcmp(*text, "\xEF\xBB\xBF", 3) == 0) {
        *text += 3;
        *size -= 3;
    }
    if (*size == 0 || **text != '#')
        return;
    end = memchr(*text, '\n', *size);
    *size = end == NULL ? 0 : *size - (size_t)(end - *text);
    *text = end == NULL ? "" : end;
}

int lunik_loader_load(lua_State *L, const char *path, int env_index)
{
    struct lunik_archive_file file;
    const char *text;
    size_t size;
    int status;

    if (find_compiled(path, &file)) {
        status = luaL_loadbufferx(L, file.data, file.size, path, "b");
    } else if (find_sealed(path, &file)) {
        text = file.data;
        size = file.size;
        skip_preamble(&text, &size);
        lua_pushfstring(L, "@%s", path);
        status = luaL_loadbufferx(L, text, size, lua_tostring(L, -1), "t");
        lua_remove(L, -2);
    } else {
        status = luaL_loadfilex(L, path, "t");
    }
    if (status == LUA_OK && env_index != 0) {
        lua_pushvalue(L, env_index);
        if (lua_setupvalue(L, -2, 1) == NULL)
            lua_pop(L, 1);
    }
    return status;
}

/* ---- load, loadfile, dofile ---- */

static int load_result(lua_State *L, int status)
{
    if (status == LUA_OK)
        return 1;
    luaL_pushfail(L);
    lua_insert(L, -2);
    return 2;
}

static int fail_binary(lua_State *L)
{
    luaL_pushfail(L);
    lua_pushliteral(L, "binary chunks are not supported in a Lunik image");
    return 2;
}

/* Upvalue 1: the standard function, which gets mode "t" from here. */
static int text_load(lua_State *L)
{
    const char *mode = luaL_optstring(L, 3, "bt");

    if (strchr(mode, 't') == NULL)
        return fail_binary(L);
    if (lua_type(L, 1) == LUA_TSTRING &&
        lua_tostring(L, 1)[0] == LUA_SIGNATURE[0])
        return fail_binary(L);
    if (lua_gettop(L) < 3)
        lua_settop(L, 3);
    lua_pushliteral(L, "t");
    lua_replace(L, 3);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

static int text_loadfile(lua_State *L)
{
    const char *path = luaL_optstring(L, 1, NULL);
    const char *mode = luaL_optstring(L, 2, "bt");
    int env_index = lua_isnone(L, 3) ? 0 : 3;

    if (strchr(mode, 't') == NULL)
        return fail_binary(L);
    if (path == NULL)
        return load_result(L, luaL_loadfilex(L, NULL, "t"));
    return load_result(L, lunik_loader_load(L, path, env_index));
}

static int dofile_end(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    return lua_gettop(L) - 1;
}

static int text_dofile(lua_State *L)
{
    const char *path = luaL_optstring(L, 1, NULL);
    int status;

    lua_settop(L, 1);
    status = path == NULL ? luaL_loadfilex(L, NULL, "t")
                          : lunik_loader_load(L, path, 0);
    if (status != LUA_OK)
        return lua_error(L);
    lua_callk(L, 0, LUA_MULTRET, 0, dofile_end);
    return dofile_end(L, 0, 0);
}

/* ---- require ---- */

/* Pushes the first readable file that a template of (path) makes of (name);
 * false: pushes where it looked instead. */
static bool search_path(lua_State *L, const char *name, const char *path)
{
    luaL_Buffer tried;
    const char *end, *file;

    luaL_buffinit(L, &tried);
    for (; *path != '\0'; path = *end == '\0' ? end : end + 1) {
        end = path + strcspn(path, LUA_PATH_SEP);
        if (end == path)
            continue;
        lua_pushlstring(L, path, (size_t)(end - path));
        file = luaL_gsub(L, lua_tostring(L, -1), LUA_PATH_MARK, name);
        lua_remove(L, -2);
        if (can_read(file))
            return true; /* the buffer's own slot stays below */
        lua_pushfstring(L, "%sno file '%s'",
                        luaL_bufflen(&tried) > 0 ? "\n\t" : "", file);
        lua_remove(L, -2);
        luaL_addvalue(&tried);
    }
    luaL_pushresult(&tried);
    return false;
}

/* package.searchpath(name, path [, sep [, rep]]) */
static int package_searchpath(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const char *path = luaL_checkstring(L, 2);
    const char *separator = luaL_optstring(L, 3, ".");
    const char *with = luaL_optstring(L, 4, LUA_DIRSEP);

    if (*separator != '\0')
        name = luaL_gsub(L, name, separator, with);
    if (search_path(L, name, path))
        return 1;
    luaL_pushfail(L);
    lua_insert(L, -2);
    return 2;
}

/* Upvalue 1: the table `package`. */
static int search_archive(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const char *path, *file;

    lua_getfield(L, lua_upvalueindex(1), "path");
    path = lua_tostring(L, -1);
    if (path == NULL)
        return luaL_error(L, "'package.path' must be a string");
    if (!search_path(L, luaL_gsub(L, name, ".", LUA_DIRSEP), path))
        return 1;
    file = lua_tostring(L, -1);
    if (lunik_loader_load(L, file, 0) != LUA_OK)
        return luaL_error(L, "error loading module '%s' from file '%s':\n\t%s",
                          name, file, lua_tostring(L, -1));
    lua_pushstring(L, file);
    return 2;
}

static int search_linked(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const struct lunik_module *module;

    for (module = __start_lunik_modules; module != __stop_lunik_modules;
         module++) {
        if (strcmp(module->name, name) != 0)
            continue;
        lua_pushcfunction(L, module->open);
        lua_pushliteral(L, ":linked:");
        return 2;
    }
    lua_pushfstring(L, "no C module '%s' in the image", name);
    return 1;
}

static int package_loadlib(lua_State *L)
{
    luaL_pushfail(L);
    lua_pushliteral(L, "not supported in a Lunik image");
    return 2;
}

/* ---- Opening ---- */

static void push_sealed_path(lua_State *L)
{
    luaL_Buffer b;
    const char *template;
    size_t size, i;

    luaL_buffinit(L, &b);
    for (i = 0; lunik_sys_record(LUNIK_RECORD_PATH, i, &template, &size); i++) {
        if (i > 0)
            luaL_addchar(&b, ';');
        luaL_addlstring(&b, template, size);
    }
    if (i == 0)
        luaL_addstring(&b, DEFAULT_PATH);
    luaL_pushresult(&b);
}

/* Changes `package`: the table at the top. */
static void open_package(lua_State *L)
{
    push_sealed_path(L);
    lua_setfield(L, -2, "path");
    lua_pushliteral(L, "");
    lua_setfield(L, -2, "cpath");
    lua_pushcfunction(L, package_loadlib);
    lua_setfield(L, -2, "loadlib");
    lua_pushcfunction(L, package_searchpath);
    lua_setfield(L, -2, "searchpath");
    /* In place: require has the table itself. Of the standard four, the
     * first (package.preload) stays. */
    lua_getfield(L, -1, "searchers");
    lua_pushvalue(L, -2);
    lua_pushcclosure(L, search_archive, 1);
    lua_rawseti(L, -2, 2);
    lua_pushcfunction(L, search_linked);
    lua_rawseti(L, -2, 3);
    lua_pushnil(L);
    lua_rawseti(L, -2, 4);
    lua_pop(L, 1);
}

void lunik_loader_open(lua_State *L)
{
    lua_getglobal(L, LUA_LOADLIBNAME);
    open_package(L);
    lua_pop(L, 1);

    lua_getglobal(L, "load");
    lua_pushcclosure(L, text_load, 1);
    lua_setglobal(L, "load");
    lua_register(L, "loadfile", text_loadfile);
    lua_register(L, "dofile", text_dofile);
}
