/* SPDX-License-Identifier: MIT */
/*
 * decode.c: cjson.decode: yyjson reads the text, and its values become Lua's.
 *
 * Neither step uses the C stack for nesting: yyjson's values lie in one array,
 * in the order of the text, and open tables wait on Lua's stack. All memory is
 * Lua's allocator's and so under Lua's limit. Lua may raise an error while the
 * values are made; a protected call lets the document be freed first.
 */
#include "cjson.h"

#include <stdint.h>
#include <string.h>
#include <yyjson.h>

/* ---- Memory ---- */

/* yyjson frees without a size; Lua's allocator wants one. */
union header {
    size_t size;
    max_align_t align;
};

static void *resize(void *ctx, void *memory, size_t old_size, size_t size)
{
    union header *old = memory == NULL ? NULL : (union header *)memory - 1;
    union header *block;
    lua_State *L = ctx;
    lua_Alloc alloc;
    void *ud;

    (void)old_size;
    if (size > SIZE_MAX - sizeof(*block))
        return NULL;
    alloc = lua_getallocf(L, &ud);
    block = alloc(ud, old, old == NULL ? 0 : old->size, sizeof(*block) + size);
    if (block == NULL)
        return NULL;
    block->size = sizeof(*block) + size;
    return block + 1;
}

static void *allocate(void *ctx, size_t size)
{
    return resize(ctx, NULL, 0, size);
}

static void release(void *ctx, void *memory)
{
    union header *block = (union header *)memory - 1;
    lua_State *L = ctx;
    lua_Alloc alloc;
    void *ud;

    alloc = lua_getallocf(L, &ud);
    alloc(ud, block, block->size, 0);
}

/* ---- Values ---- */

/* Where the walk is: in an array behind (index) items, or in an object. The
 * walks around it wait on Lua's stack, below the table of the inner one. */
struct walk {
    yyjson_val *end;
    lua_Integer index; /* -1: an object */
};

struct job {
    const struct cjson_settings *settings;
    yyjson_doc *doc;
};

static void push_number(lua_State *L, yyjson_val *value)
{
    uint64_t number;

    switch (unsafe_yyjson_get_subtype(value)) {
    case YYJSON_SUBTYPE_UINT:
        number = unsafe_yyjson_get_uint(value);
        if (number <= (uint64_t)LUA_MAXINTEGER)
            lua_pushinteger(L, (lua_Integer)number);
        else
            lua_pushnumber(L, (lua_Number)number);
        return;
    case YYJSON_SUBTYPE_SINT:
        lua_pushinteger(L, unsafe_yyjson_get_sint(value));
        return;
    default:
        lua_pushnumber(L, unsafe_yyjson_get_real(value));
        return;
    }
}

static void push_scalar(lua_State *L, yyjson_val *value)
{
    switch (unsafe_yyjson_get_type(value)) {
    case YYJSON_TYPE_STR:
        lua_pushlstring(L, unsafe_yyjson_get_str(value),
                        unsafe_yyjson_get_len(value));
        return;
    case YYJSON_TYPE_NUM:
        push_number(L, value);
        return;
    case YYJSON_TYPE_BOOL:
        lua_pushboolean(L, unsafe_yyjson_get_bool(value));
        return;
    default:
        lua_pushlightuserdata(L, NULL);
        return;
    }
}

/* How many items are prepared for before the first one is there. */
static int expected(yyjson_val *value)
{
    size_t count = unsafe_yyjson_get_len(value);

    return count < 1u << 20 ? (int)count : 1 << 20;
}

/* Pushes the table for the array or object (value), and begins to walk it. */
static struct walk enter(lua_State *L, const struct cjson_settings *settings,
                         yyjson_val *value)
{
    bool is_array = unsafe_yyjson_get_type(value) == YYJSON_TYPE_ARR;

    if (is_array)
        lua_createtable(L, expected(value), 0);
    else
        lua_createtable(L, 0, expected(value));
    if (is_array && settings->marks_arrays)
        luaL_setmetatable(L, CJSON_ARRAY_MT);
    return (struct walk) {
        .end = unsafe_yyjson_get_next(value),
        .index = is_array ? 0 : -1,
    };
}

/* Puts the value at the top where the walk is. */
static void store(lua_State *L, struct walk *walk)
{
    if (walk->index < 0)
        lua_rawset(L, -3); /* its key is below it */
    else
        lua_rawseti(L, -2, ++walk->index);
}

/* Leaves the outer walk on the stack; the inner one's table follows. */
static void suspend(lua_State *L, const struct walk *walk)
{
    luaL_checkstack(L, 8, "JSON is nested too deeply");
    lua_pushlightuserdata(L, walk->end);
    lua_pushinteger(L, walk->index);
}

/* Back to it: [..., end, index, inner table] become [..., inner table]. */
static struct walk resume(lua_State *L)
{
    struct walk walk = { .end = lua_touserdata(L, -3),
                         .index = lua_tointeger(L, -2) };

    lua_replace(L, -3);
    lua_pop(L, 1);
    return walk;
}

static void push_tree(lua_State *L, const struct cjson_settings *settings,
                      yyjson_val *root)
{
    struct walk walk = enter(L, settings, root);
    yyjson_val *at = unsafe_yyjson_get_first(root);
    int depth = 1;

    for (;;) {
        if (at == walk.end) {
            if (--depth == 0)
                return;
            walk = resume(L);
            store(L, &walk);
            continue;
        }
        if (walk.index < 0) {
            push_scalar(L, at); /* the key */
            at = at + 1;
        }
        if (!unsafe_yyjson_is_ctn(at)) {
            push_scalar(L, at);
            store(L, &walk);
            at = at + 1;
            continue;
        }
        if (depth++ == settings->decode_max_depth)
            luaL_error(L, "Found too many nested data structures (%d)", depth);
        suspend(L, &walk);
        walk = enter(L, settings, at);
        at = unsafe_yyjson_get_first(at);
    }
}

/* push_document(job) -> value */
static int push_document(lua_State *L)
{
    const struct job *job = lua_touserdata(L, 1);
    yyjson_val *root = yyjson_doc_get_root(job->doc);

    if (unsafe_yyjson_is_ctn(root))
        push_tree(L, job->settings, root);
    else
        push_scalar(L, root);
    return 1;
}

/* ---- decode ---- */

static yyjson_doc *read_text(lua_State *L,
                             const struct cjson_settings *settings,
                             yyjson_read_err *error)
{
    yyjson_alc alc = { allocate, resize, release, L };
    yyjson_read_flag flags = YYJSON_READ_ALLOW_INVALID_UNICODE;
    yyjson_doc *doc;
    const char *text;
    size_t size;

    text = luaL_checklstring(L, 1, &size);
    if (size >= 2 && (text[0] == '\0' || text[1] == '\0'))
        luaL_error(L, "JSON parser does not support UTF-16 or UTF-32");
    if (settings->decode_invalid)
        flags |= YYJSON_READ_ALLOW_INF_AND_NAN;
    /* (Without the flag that allows it, the text is not written to.) */
    doc = yyjson_read_opts((char *)(uintptr_t)text, size, flags, &alc, error);
    if (doc != NULL || error->code != YYJSON_READ_ERROR_MEMORY_ALLOCATION)
        return doc;
    lua_gc(L, LUA_GCCOLLECT);
    return yyjson_read_opts((char *)(uintptr_t)text, size, flags, &alc, error);
}

static int raise(lua_State *L, const yyjson_read_err *error)
{
    if (error->code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
        lua_pushliteral(L, "not enough memory");
    else if (error->code == YYJSON_READ_ERROR_EMPTY_CONTENT ||
             error->code == YYJSON_READ_ERROR_INVALID_PARAMETER)
        lua_pushliteral(L, "Expected value but found the end at character 1");
    else
        lua_pushfstring(L, "Expected JSON but found %s at character %I",
                        error->msg, (lua_Integer)error->pos + 1);
    return lua_error(L);
}

int lunik_cjson_decode(lua_State *L)
{
    struct job job = { .settings = lua_touserdata(L, lua_upvalueindex(1)) };
    yyjson_read_err error;
    int status;

    luaL_argcheck(L, lua_gettop(L) == 1, 1, "expected 1 argument");
    job.doc = read_text(L, job.settings, &error);
    if (job.doc == NULL)
        return raise(L, &error);
    lua_pushcfunction(L, push_document);
    lua_pushlightuserdata(L, &job);
    status = lua_pcall(L, 1, 1, 0);
    yyjson_doc_free(job.doc);
    return status == LUA_OK ? 1 : lua_error(L);
}
