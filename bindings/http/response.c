/* SPDX-License-Identifier: MIT */
/* response.c: the answer, for its handler, and what a handler may return. */
#include "http.h"
#include "text.h"

#include <lauxlib.h>
#include <lunik/runtime.h>
#include <string.h>

/* Bytes that are asked of a body with a read method of its own. */
#define PIECE_SIZE 16384

/* ---- Bodies ---- */

const char lunik_http_response_key = 0;

static struct lunik_http_file *test_file(lua_State *L, int index)
{
    return luaL_testudata(L, index, LUNIK_HTTP_FILE_TYPE);
}

/* The connection goes on sending (data) by itself; the value at (index) stays
 * until then. */
static void leave_rest(lua_State *L, struct lunik_http_exchange *x,
                       const char *data, size_t size, unsigned flags, int index)
{
    struct lunik_http_connection *connection = x->connection;

    lua_pushvalue(L, index);
    connection->rest_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    connection->rest = data;
    connection->rest_size = size;
    connection->rest_flags = flags;
}

/* Sends all of an answer: its head with the body behind it. */
static void send_whole(lua_State *L, struct lunik_http_exchange *x,
                       const char *data, size_t size, unsigned flags, int index)
{
    struct lunik_http_out *out = &x->out;
    struct lunik_stream *io = x->connection->io;
    lunik_result res;
    size_t sent;

    lunik_http_settle_body(x);
    if (x->has_length && x->length != size && !x->is_head && x->status != 304)
        luaL_error(L, "Content-Length is not the body's length");
    /* (What a 304 says of the length is said of what it does not send.) */
    if (!(size == 0 && (x->has_length || x->status == 304))) {
        x->has_length = true;
        x->length = size;
    }
    lunik_http_put_head(L, x);
    if (x->is_head || x->status == 204 || x->status == 304)
        size = 0;
    if (size <= out->capacity - out->size) {
        lunik_http_out_add(out, data, size);
        size = 0;
    }
    x->is_begun = true;
    x->is_finished = true;
    res = lunik_http_write(L, x, out->data, out->size,
                           size > 0 ? LUNIK_SEND_MORE : 0);
    if (res != LUNIK_OK || size == 0)
        return;
    while (size > 0) {
        res = io->ops->write(io, data, size, flags, &sent);
        if (res == LUNIK_EAGAIN && x->connection->own.socket != NULL) {
            leave_rest(L, x, data, size, flags, index);
            return;
        }
        if (res == LUNIK_EAGAIN) {
            lunik_http_write(L, x, data, size, flags);
            return;
        }
        if (res != LUNIK_OK) {
            x->is_broken = true;
            return;
        }
        data += sent;
        size -= sent;
        x->sent_bytes += sent;
    }
}

/* Calls the function at (index) for the pieces until it gives none. */
static lunik_result send_iterated(lua_State *L, struct lunik_http_exchange *x,
                                  int index)
{
    lunik_result res = LUNIK_OK;
    const char *data;
    size_t size;

    while (res == LUNIK_OK) {
        lua_pushvalue(L, index);
        lua_call(L, 0, 1);
        if (lua_isnil(L, -1)) {
            lua_pop(L, 1);
            break;
        }
        data = lua_tolstring(L, -1, &size);
        if (data == NULL)
            luaL_error(L, "a body's iterator gave a %s", luaL_typename(L, -1));
        res = lunik_http_send_piece(L, x, data, size);
        lua_pop(L, 1);
    }
    return res;
}

/* Anything with a method read(size) -> text | nil. */
static lunik_result send_read(lua_State *L, struct lunik_http_exchange *x,
                              int index)
{
    lunik_result res = LUNIK_OK;
    const char *data;
    size_t size;

    while (res == LUNIK_OK) {
        lua_getfield(L, index, "read");
        lua_pushvalue(L, index);
        lua_pushinteger(L, PIECE_SIZE);
        lua_call(L, 2, 2);
        if (lua_isnil(L, -2)) {
            if (lua_type(L, -1) == LUA_TSTRING &&
                strcmp(lua_tostring(L, -1), "closed") != 0)
                luaL_error(L, "a body's read failed: %s", lua_tostring(L, -1));
            lua_pop(L, 2);
            break;
        }
        data = luaL_checklstring(L, -2, &size);
        res = lunik_http_send_piece(L, x, data, size);
        lua_pop(L, 2);
    }
    return res;
}

static void send_streamed(lua_State *L, struct lunik_http_exchange *x,
                          int index)
{
    lunik_result res;

    if (lua_type(L, index) == LUA_TFUNCTION)
        res = send_iterated(L, x, index);
    else
        res = send_read(L, x, index);
    if (res == LUNIK_OK)
        lunik_http_finish(L, x);
}

void lunik_http_respond(lua_State *L, struct lunik_http_exchange *x, int index)
{
    const struct lunik_http_file *file;
    const char *data = "";
    size_t size = 0;

    if (x->is_begun)
        luaL_error(L, "the response has begun already");
    switch (index == 0 ? LUA_TNIL : lua_type(L, index)) {
    case LUA_TSTRING:
    case LUA_TNUMBER:
        data = lua_tolstring(L, index, &size);
        send_whole(L, x, data, size, 0, index);
        return;
    case LUA_TNIL:
        send_whole(L, x, data, 0, 0, index);
        return;
    case LUA_TFUNCTION:
    case LUA_TTABLE:
        send_streamed(L, x, index);
        return;
    case LUA_TUSERDATA:
        file = test_file(L, index);
        if (file != NULL)
            send_whole(L, x, file->data, file->size, LUNIK_SEND_LENT, index);
        else
            send_streamed(L, x, index);
        return;
    default:
        luaL_error(L, "a %s is no body", luaL_typename(L, index));
    }
}

/* ---- The object ---- */

static struct lunik_http_exchange *check_response(lua_State *L)
{
    struct lunik_http_exchange **slot =
        luaL_checkudata(L, 1, LUNIK_HTTP_RESPONSE_TYPE);

    if (*slot == NULL)
        luaL_error(L, "the request is over");
    return *slot;
}

void lunik_http_push_response(lua_State *L, struct lunik_http_exchange *x)
{
    struct lunik_http_exchange **slot =
        lua_newuserdatauv(L, sizeof(struct lunik_http_exchange *), 0);

    *slot = x;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &lunik_http_response_key);
    lua_setmetatable(L, -2);
    x->response = slot;
}

static void set_status(lua_State *L, struct lunik_http_exchange *x, int arg)
{
    lua_Integer status = luaL_checkinteger(L, arg);

    luaL_argcheck(L, status >= 200 && status <= 599, arg,
                  "a status is 200 to 599");
    x->status = (unsigned)status;
}

static void check_unsent(lua_State *L, const struct lunik_http_exchange *x)
{
    if (x->is_begun)
        luaL_error(L, "the response has begun already");
}

/* response:status(code) -> response */
static int response_status(lua_State *L)
{
    struct lunik_http_exchange *x = check_response(L);

    check_unsent(L, x);
    set_status(L, x, 2);
    lua_settop(L, 1);
    return 1;
}

static int put_field(lua_State *L, bool replaces)
{
    struct lunik_http_exchange *x = check_response(L);
    const char *name, *value;
    size_t name_size, value_size;

    check_unsent(L, x);
    name = luaL_checklstring(L, 2, &name_size);
    if (replaces)
        lunik_http_remove_field(x, name, name_size);
    if (!replaces || !lua_isnoneornil(L, 3)) {
        value = luaL_checklstring(L, 3, &value_size);
        lunik_http_add_field(L, x, name, name_size, value, value_size);
    }
    lua_settop(L, 1);
    return 1;
}

/* response:set(name, value | nil) -> response: instead of what was there */
static int response_set(lua_State *L)
{
    return put_field(L, true);
}

/* response:add(name, value) -> response: beside what was there */
static int response_add(lua_State *L)
{
    return put_field(L, false);
}

static int answer(lua_State *L, lunik_result res)
{
    if (res != LUNIK_OK)
        return lunik_lua_fail_wait(L, res);
    lua_pushboolean(L, true);
    return 1;
}

/* response:write(piece, ...) -> true | nil, err */
static int response_write(lua_State *L)
{
    struct lunik_http_exchange *x = check_response(L);
    int i, count = lua_gettop(L);
    lunik_result res = LUNIK_OK;
    const char *data;
    size_t size;

    lunik_lua_check(L);
    if (x->is_finished)
        return lunik_lua_fail(L, LUNIK_ECLOSED);
    for (i = 2; i <= count && res == LUNIK_OK; i++) {
        data = luaL_checklstring(L, i, &size);
        res = lunik_http_send_piece(L, x, data, size);
    }
    return answer(L, res);
}

/* response:flush() -> true | nil, err: sends the head now */
static int response_flush(lua_State *L)
{
    struct lunik_http_exchange *x = check_response(L);
    lunik_result res;

    lunik_lua_check(L);
    if (x->is_finished)
        return lunik_lua_fail(L, LUNIK_ECLOSED);
    res = lunik_http_begin(L, x);
    if (res == LUNIK_OK)
        res = lunik_http_flush(L, x, 0);
    return answer(L, res);
}

/* response:finish() -> true | nil, err */
static int response_finish(lua_State *L)
{
    struct lunik_http_exchange *x = check_response(L);

    lunik_lua_check(L);
    return answer(L, lunik_http_finish(L, x));
}

/* response:send(status [, body [, headers]]) -> true | nil, err */
static int response_send(lua_State *L)
{
    struct lunik_http_exchange *x = check_response(L);

    lunik_lua_check(L);
    check_unsent(L, x);
    lua_settop(L, 4);
    set_status(L, x, 2);
    lunik_http_add_fields(L, x, 4);
    lunik_http_respond(L, x, 3);
    return answer(L, x->is_broken ? LUNIK_ECLOSED : LUNIK_OK);
}

/* The socket goes over to a stream of its own. */
static void push_upgraded(lua_State *L, struct lunik_http_exchange *x)
{
    struct lunik_socket_stream *stream =
        lua_newuserdatauv(L, sizeof(*stream), 0);

    *stream = (struct lunik_socket_stream) { .stream.timeout_ns = LUNIK_NEVER };
    lua_newtable(L);
    if (luaL_newmetatable(L, LUNIK_HTTP_UPGRADED_TYPE)) {
        lunik_lua_set_stream_methods(L);
        lua_pushvalue(L, -2);
        lua_setfield(L, -2, "__index");
    }
    lua_setmetatable(L, -3);
    lua_pop(L, 1);
    lunik_socket_unwatch(&x->connection->watch);
    stream->socket = x->connection->own.socket;
    stream->stream.ops = &lunik_socket_stream_ops;
    x->connection->own.socket = NULL;
    x->connection->own.stream.ops = NULL;
    x->body.io = NULL;
}

/* response:upgrade(protocol [, headers]) -> stream | nil, err */
static int response_upgrade(lua_State *L)
{
    struct lunik_http_exchange *x = check_response(L);
    size_t size;
    const char *protocol = luaL_checklstring(L, 2, &size);
    lunik_result res;

    lunik_lua_check(L);
    check_unsent(L, x);
    lua_settop(L, 3);
    if (!x->wants_upgrade || x->connection->own.socket == NULL ||
        !x->body.is_complete) {
        luaL_pushfail(L);
        lua_pushliteral(L, "the request asks for no upgrade");
        return 2;
    }
    x->fields.size = 0;
    x->is_upgraded = true;
    x->status = 101;
    lunik_http_add_field(L, x, "Upgrade", 7, protocol, size);
    lunik_http_add_field(L, x, "Connection", 10, "Upgrade", 7);
    lunik_http_add_fields(L, x, 3);
    lunik_http_put_head(L, x);
    x->is_begun = true;
    x->is_finished = true;
    x->keeps_alive = false;
    res = lunik_http_write(L, x, x->out.data, x->out.size, 0);
    if (res != LUNIK_OK)
        return lunik_lua_fail_wait(L, res);
    push_upgraded(L, x);
    return 1;
}

static const luaL_Reg methods[] = {
    { "status", response_status },
    { "set", response_set },
    { "add", response_add },
    { "write", response_write },
    { "flush", response_flush },
    { "finish", response_finish },
    { "send", response_send },
    { "upgrade", response_upgrade },
    { NULL, NULL },
};

/* response.sent, or a method; upvalue 1: the methods, as far as they were
 * used, and what other modules have added */
static int response_index(lua_State *L)
{
    struct lunik_http_exchange **slot =
        luaL_checkudata(L, 1, LUNIK_HTTP_RESPONSE_TYPE);

    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
        return 1;
    if (lua_type(L, 2) != LUA_TSTRING)
        return 0;
    if (lunik_http_push_method(L, methods, 2, lua_upvalueindex(1)))
        return 1;
    if (strcmp(lua_tostring(L, 2), "sent") == 0) {
        lua_pushboolean(L, *slot == NULL || (*slot)->is_begun);
        return 1;
    }
    return 0;
}

void lunik_http_open_response(lua_State *L)
{
    luaL_newmetatable(L, LUNIK_HTTP_RESPONSE_TYPE);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &lunik_http_response_key);
    lua_newtable(L);
    /* Other modules may add to the methods. */
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__methods");
    lua_pushcclosure(L, response_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
