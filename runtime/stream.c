/* SPDX-License-Identifier: MIT */
/* stream.c: the methods of streams, on the few functions that each brings. */
#include <lunik/stream.h>

#include <lauxlib.h>
#include <lunik/event.h>
#include <lunik/runtime.h>
#include <lunik/socket.h>
#include <lunik/time.h>
#include <string.h>

/* Bytes that one read() gives at most, whatever it is asked for. */
#define READ_MAX ((size_t)64 * 1024)

#define DELIMITER_MAX 64

/* What read_all() takes when nothing is said. */
#define READ_ALL_MAX ((lua_Integer)16 * 1024 * 1024)

/* Key in metatables, by address. */
static const char stream_key = 0;

/* ---- Waiting ---- */

lunik_result lunik_task_wait_result(lunik_result result)
{
    uint64_t bound;

    if (result != LUNIK_ETIMEOUT)
        return result;
    bound = lunik_fiber_deadline(lunik_fiber_self());
    if (bound != LUNIK_NEVER && lunik_time_monotonic_ns() >= bound)
        return LUNIK_ETIMEOUT;
    return LUNIK_EAGAIN;
}

lunik_result lunik_stream_wait(struct lunik_stream *stream, unsigned wanted,
                               uint64_t deadline_ns)
{
    return lunik_task_wait_result(
        stream->ops->wait(stream, wanted, deadline_ns));
}

int lunik_lua_fail_wait(lua_State *L, lunik_result result)
{
    if (result == LUNIK_ETIMEOUT || result == LUNIK_ECANCELED)
        lunik_lua_raise(L, result);
    return lunik_lua_fail(L, result);
}

uint64_t lunik_lua_stream_deadline(lua_State *L, int arg,
                                   const struct lunik_stream *stream)
{
    if (!lua_isnoneornil(L, arg))
        return lunik_lua_opt_deadline(L, arg);
    return stream->timeout_ns == LUNIK_NEVER
               ? LUNIK_NEVER
               : lunik_time_after_ns(stream->timeout_ns);
}

/* ---- Which userdata is a stream ---- */

struct lunik_stream *lunik_lua_test_stream(lua_State *L, int arg)
{
    struct lunik_stream *stream = lua_touserdata(L, arg);
    bool is_stream;

    if (stream == NULL || !lua_getmetatable(L, arg))
        return NULL;
    is_stream = lua_rawgetp(L, -1, &stream_key) == LUA_TBOOLEAN;
    lua_pop(L, 2);
    return is_stream ? stream : NULL;
}

struct lunik_stream *lunik_lua_check_stream(lua_State *L, int arg)
{
    struct lunik_stream *stream = lunik_lua_test_stream(L, arg);

    if (stream == NULL)
        luaL_typeerror(L, arg, "stream");
    return stream;
}

void lunik_stream_close(struct lunik_stream *stream)
{
    const struct lunik_stream_ops *ops = stream->ops;

    stream->ops = NULL;
    if (ops != NULL)
        ops->close(stream);
}

/* ---- Reading ---- */

/* What is there now. LUNIK_ECLOSED: closed by ourselves. */
static lunik_result lend(struct lunik_stream *stream, const char **data,
                         size_t *size)
{
    const void *lent = NULL;
    lunik_result res;

    *size = 0;
    if (stream->ops == NULL || stream->ops->peek == NULL)
        return LUNIK_ECLOSED;
    res = stream->ops->peek(stream, &lent, size);
    *data = lent;
    return res;
}

/* Lends what is there, and waits until something is; nothing at the end. */
static lunik_result get_piece(struct lunik_stream *stream, uint64_t deadline_ns,
                              const char **data, size_t *size)
{
    lunik_result res;

    for (;;) {
        res = lend(stream, data, size);
        if (res != LUNIK_EAGAIN)
            return res;
        res = lunik_stream_wait(stream, LUNIK_READABLE, deadline_ns);
        if (res != LUNIK_OK)
            return res;
    }
}

/*
 * As get_piece(), up to (max) bytes, and (b) has room for them. Making room may
 * collect garbage, and a finalizer may close the stream or read from it: so
 * what is lent is looked at again.
 */
static lunik_result get_for(luaL_Buffer *b, struct lunik_stream *stream,
                            uint64_t deadline_ns, size_t max, const char **data,
                            size_t *size)
{
    lunik_result res;
    size_t room;

    do {
        res = get_piece(stream, deadline_ns, data, size);
        if (res != LUNIK_OK || *size == 0)
            return res;
        room = *size < max ? *size : max;
        luaL_prepbuffsize(b, room);
        res = lend(stream, data, size);
        if (*size > room)
            *size = room;
    } while (res == LUNIK_EAGAIN);
    return res;
}

/* The end is LUNIK_ECLOSED, where more was wanted. */
static lunik_result want_more(lunik_result res, size_t size)
{
    return res == LUNIK_OK && size == 0 ? LUNIK_ECLOSED : res;
}

static size_t check_count(lua_State *L, int arg, lua_Integer otherwise)
{
    lua_Integer count = luaL_optinteger(L, arg, otherwise);

    luaL_argcheck(L, count > 0, arg, "must be at least 1");
    return (size_t)count;
}

/* stream:read([max [, timeout]]) -> data | nil, err */
static int stream_read(lua_State *L)
{
    struct lunik_stream *stream = lunik_lua_check_stream(L, 1);
    size_t max = check_count(L, 2, (lua_Integer)READ_MAX), size, left;
    uint64_t deadline = lunik_lua_stream_deadline(L, 3, stream);
    const char *data;
    lunik_result res;

    lunik_lua_check(L);
    res = get_piece(stream, deadline, &data, &size);
    res = want_more(res, size);
    if (res != LUNIK_OK)
        return lunik_lua_fail_wait(L, res);
    if (max > READ_MAX)
        max = READ_MAX;
    if (size > max)
        size = max;
    lua_pushlstring(L, data, size);
    /* That may have run a finalizer: see get_for(). */
    if (lend(stream, &data, &left) == LUNIK_OK && left >= size)
        stream->ops->consume(stream, size);
    return 1;
}

/* Answers nil, the word, and what (b) has. */
static int fail_partial(lua_State *L, luaL_Buffer *b, const char *word,
                        lunik_result res)
{
    luaL_pushresult(b);
    if (word == NULL)
        lunik_lua_fail_wait(L, res);
    else {
        luaL_pushfail(L);
        lua_pushstring(L, word);
    }
    lua_rotate(L, -3, 2);
    return 3;
}

/* stream:read_exactly(count [, timeout]) -> data | nil, err, partial */
static int stream_read_exactly(lua_State *L)
{
    struct lunik_stream *stream = lunik_lua_check_stream(L, 1);
    lua_Integer wanted = luaL_checkinteger(L, 2);
    uint64_t deadline = lunik_lua_stream_deadline(L, 3, stream);
    const char *data;
    luaL_Buffer b;
    lunik_result res;
    size_t left, size;

    luaL_argcheck(L, wanted >= 0, 2, "must not be negative");
    lunik_lua_check(L);
    luaL_buffinit(L, &b);
    for (left = (size_t)wanted; left > 0; left -= size) {
        res = get_for(&b, stream, deadline, left, &data, &size);
        res = want_more(res, size);
        if (res != LUNIK_OK)
            return fail_partial(L, &b, NULL, res);
        luaL_addlstring(&b, data, size);
        stream->ops->consume(stream, size);
    }
    luaL_pushresult(&b);
    return 1;
}

/* stream:read_all([limit [, timeout]]) -> data | nil, err, partial */
static int stream_read_all(lua_State *L)
{
    struct lunik_stream *stream = lunik_lua_check_stream(L, 1);
    size_t limit = check_count(L, 2, READ_ALL_MAX), size;
    uint64_t deadline = lunik_lua_stream_deadline(L, 3, stream);
    const char *data;
    luaL_Buffer b;
    lunik_result res;

    lunik_lua_check(L);
    if (stream->ops == NULL)
        return lunik_lua_fail(L, LUNIK_ECLOSED);
    luaL_buffinit(L, &b);
    for (;;) {
        res = get_for(&b, stream, deadline, READ_MAX, &data, &size);
        if (res != LUNIK_OK)
            return fail_partial(L, &b, NULL, res);
        if (size == 0)
            break;
        if (size > limit)
            return fail_partial(L, &b, "too long", LUNIK_OK);
        limit -= size;
        luaL_addlstring(&b, data, size);
        stream->ops->consume(stream, size);
    }
    luaL_pushresult(&b);
    return 1;
}

struct delimiter {
    const char *text;
    size_t len;
};

/* Where the delimiter ends for the first time in (data); 0: nowhere. */
static size_t find_end(const struct delimiter *d, const char *data, size_t size)
{
    const char *at = data, *end = data + size;

    while ((size_t)(end - at) >= d->len) {
        at = memchr(at, d->text[0], (size_t)(end - at) - d->len + 1);
        if (at == NULL)
            return 0;
        if (memcmp(at, d->text, d->len) == 0)
            return (size_t)(at - data) + d->len;
        at++;
    }
    return 0;
}

/* How many of the next (size) bytes end the delimiter, of which the first lie
 * at the end of what (b) has; 0: it is not so. */
static size_t find_straddling(const struct delimiter *d, luaL_Buffer *b,
                              const char *data, size_t size)
{
    char joint[2 * DELIMITER_MAX];
    size_t before = luaL_bufflen(b), end;

    if (before > d->len - 1)
        before = d->len - 1;
    if (size > d->len - 1)
        size = d->len - 1;
    memcpy(joint, luaL_buffaddr(b) + luaL_bufflen(b) - before, before);
    memcpy(joint + before, data, size);
    end = find_end(d, joint, before + size);
    return end > before ? end - before : 0;
}

/* stream:read_until(delimiter, max [, timeout]) -> data | nil, err, partial */
static int stream_read_until(lua_State *L)
{
    struct lunik_stream *stream = lunik_lua_check_stream(L, 1);
    struct delimiter d;
    size_t max, size, end;
    uint64_t deadline;
    const char *data;
    luaL_Buffer b;
    lunik_result res;

    d.text = luaL_checklstring(L, 2, &d.len);
    luaL_argcheck(L, d.len > 0 && d.len <= DELIMITER_MAX, 2,
                  "a delimiter has 1 to 64 bytes");
    luaL_checkinteger(L, 3);
    max = check_count(L, 3, 1);
    deadline = lunik_lua_stream_deadline(L, 4, stream);
    lunik_lua_check(L);
    luaL_buffinit(L, &b);
    do {
        res =
            get_for(&b, stream, deadline, max - luaL_bufflen(&b), &data, &size);
        res = want_more(res, size);
        if (res != LUNIK_OK)
            return fail_partial(L, &b, NULL, res);
        end = find_straddling(&d, &b, data, size);
        if (end == 0)
            end = find_end(&d, data, size);
        luaL_addlstring(&b, data, end > 0 ? end : size);
        stream->ops->consume(stream, end > 0 ? end : size);
    } while (end == 0 && luaL_bufflen(&b) < max);
    if (end == 0)
        return fail_partial(L, &b, "too long", LUNIK_OK);
    luaL_pushresult(&b);
    return 1;
}

/* ---- Writing ---- */

static lunik_result write_all(struct lunik_stream *stream, const char *data,
                              size_t size, unsigned flags, uint64_t *deadline,
                              size_t *sent)
{
    lunik_result res;
    size_t done;

    while (size > 0) {
        if (stream->ops == NULL || stream->ops->write == NULL)
            return LUNIK_ECLOSED;
        res = stream->ops->write(stream, data, size, flags, &done);
        if (res == LUNIK_OK) {
            data += done;
            size -= done;
            *sent += done;
            continue;
        }
        if (res != LUNIK_EAGAIN)
            return res;
        if (*deadline == LUNIK_NEVER && stream->timeout_ns != LUNIK_NEVER)
            *deadline = lunik_time_after_ns(stream->timeout_ns);
        res = lunik_stream_wait(stream, LUNIK_WRITABLE, *deadline);
        if (res != LUNIK_OK)
            return res;
    }
    return LUNIK_OK;
}

/* stream:write(data...) -> true | nil, err, sent */
static int stream_write(lua_State *L)
{
    struct lunik_stream *stream = lunik_lua_check_stream(L, 1);
    int i, count = lua_gettop(L);
    uint64_t deadline = LUNIK_NEVER;
    size_t size, sent = 0;
    const char *data;
    lunik_result res;

    for (i = 2; i <= count; i++)
        luaL_checkstring(L, i);
    lunik_lua_check(L);
    if (stream->ops == NULL) {
        lunik_lua_fail(L, LUNIK_ECLOSED);
        lua_pushinteger(L, 0);
        return 3;
    }
    for (i = 2; i <= count; i++) {
        data = lua_tolstring(L, i, &size);
        res = write_all(stream, data, size, i < count ? LUNIK_SEND_MORE : 0,
                        &deadline, &sent);
        if (res != LUNIK_OK) {
            lunik_lua_fail_wait(L, res);
            lua_pushinteger(L, (lua_Integer)sent);
            return 3;
        }
    }
    lua_pushboolean(L, true);
    return 1;
}

/* ---- The rest ---- */

static int stream_close(lua_State *L)
{
    lunik_stream_close(lunik_lua_check_stream(L, 1));
    lua_pushboolean(L, true);
    return 1;
}

static int stream_collect(lua_State *L)
{
    lunik_stream_close(lunik_lua_check_stream(L, 1));
    return 0;
}

/* stream:settimeout(seconds | nil) */
static int stream_settimeout(lua_State *L)
{
    struct lunik_stream *stream = lunik_lua_check_stream(L, 1);

    stream->timeout_ns =
        lua_isnoneornil(L, 2) ? LUNIK_NEVER : lunik_lua_check_seconds(L, 2);
    return 0;
}

const luaL_Reg lunik_stream_methods[] = {
    { "read", stream_read },
    { "read_exactly", stream_read_exactly },
    { "read_until", stream_read_until },
    { "read_all", stream_read_all },
    { "write", stream_write },
    { "close", stream_close },
    { "settimeout", stream_settimeout },
    { NULL, NULL },
};

void lunik_lua_mark_stream(lua_State *L)
{
    lua_pushboolean(L, true);
    lua_rawsetp(L, -2, &stream_key);
}

void lunik_lua_set_stream_methods(lua_State *L)
{
    luaL_checkstack(L, 4, NULL);
    lunik_lua_mark_stream(L);
    lua_pushcfunction(L, stream_collect);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, stream_collect);
    lua_setfield(L, -2, "__close");
    lua_pushvalue(L, -2);
    luaL_setfuncs(L, lunik_stream_methods, 0);
    lua_pop(L, 1);
}
