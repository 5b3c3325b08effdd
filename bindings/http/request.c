/* SPDX-License-Identifier: MIT */
/* request.c: a request, for its handler. */
#include "http.h"
#include "text.h"

#include <lauxlib.h>
#include <lunik/runtime.h>
#include <lunik/time.h>
#include <string.h>

/* User values of the object. */
#define VALUES 1  /* a table of what was set, and of what was made */
#define HEADERS 2 /* the object of the fields */

/* The object holds all that the head said, so it outlives the request. */
struct lunik_http_request {
    struct lunik_stream stream;    /* of the body */
    struct lunik_http_exchange *x; /* NULL: answered */
    const char *method;
    struct lunik_http_head head;
    struct lunik_http_span target, path, query, host;
    bool is_minor_1, is_plain, has_query;
    struct lunik_http_field fields[];
};

const char lunik_http_request_key = 0;

static struct lunik_http_request *check_request(lua_State *L)
{
    return luaL_checkudata(L, 1, LUNIK_HTTP_REQUEST_TYPE);
}

/* For the functions that only __index calls, which no one else can reach. */
static struct lunik_http_request *to_request(lua_State *L)
{
    return lua_touserdata(L, 1);
}

/* ---- The body as a stream ---- */

static struct lunik_http_body *body_of(struct lunik_stream *stream)
{
    return &((struct lunik_http_request *)stream)->x->body;
}

static lunik_result request_peek(struct lunik_stream *stream,
                                 const void **data_out, size_t *size_out)
{
    return lunik_http_body_peek(body_of(stream), data_out, size_out);
}

static void request_consume(struct lunik_stream *stream, size_t size)
{
    lunik_http_body_consume(body_of(stream), size);
}

static lunik_result request_wait(struct lunik_stream *stream, unsigned wanted,
                                 uint64_t deadline_ns)
{
    const struct lunik_http_request *request =
        (struct lunik_http_request *)stream;
    struct lunik_http_body *body = body_of(stream);
    struct lunik_stream *io = body->io;
    uint64_t bound;
    lunik_result res;

    if (io == NULL || io->ops == NULL)
        return LUNIK_ECLOSED;
    bound = lunik_http_body_deadline(body);
    res = io->ops->wait(io, wanted, bound < deadline_ns ? bound : deadline_ns);
    /* If the handler, another task's, has ended, there is no body any more. */
    if (res == LUNIK_ETIMEOUT && bound <= deadline_ns && request->x != NULL &&
        body->io != NULL && lunik_time_monotonic_ns() >= bound)
        lunik_http_body_expire(body);
    return res;
}

static void request_close(struct lunik_stream *stream)
{
    (void)stream;
}

static const struct lunik_stream_ops request_ops = {
    .peek = request_peek,
    .consume = request_consume,
    .wait = request_wait,
    .close = request_close,
};

/* ---- Making it ---- */

void lunik_http_push_request(lua_State *L, struct lunik_http_exchange *x)
{
    const struct lunik_http_parser *parser = x->body.parser;
    size_t fields = parser->field_count * sizeof(parser->fields[0]);
    struct lunik_http_request *request =
        lua_newuserdatauv(L, sizeof(*request) + fields + parser->head_size, 2);
    char *text = (char *)request->fields + fields;

    request->stream.timeout_ns = LUNIK_NEVER;
    request->stream.ops = &request_ops;
    request->x = x;
    request->method =
        llhttp_method_name((llhttp_method_t)parser->llhttp.method);
    request->head = (struct lunik_http_head) {
        .count = parser->field_count,
        .size = parser->head_size,
        .text = text,
        .fields = request->fields,
    };
    request->target = parser->target;
    request->path = parser->path;
    request->query = parser->query;
    request->host = parser->host;
    request->is_minor_1 = parser->facts.is_minor_1;
    request->is_plain = parser->facts.is_plain;
    request->has_query = parser->query.at != 0;
    memcpy(request->fields, parser->fields, fields);
    memcpy(text, x->head, parser->head_size);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &lunik_http_request_key);
    lua_setmetatable(L, -2);
    x->request = request;
}

void lunik_http_request_detach(struct lunik_http_request *request)
{
    request->stream.ops = NULL;
    request->x = NULL;
}

/* ---- What it is asked ---- */

/* Pushes the table of values, making it if (makes). */
static bool push_values(lua_State *L, bool makes)
{
    if (lua_getiuservalue(L, 1, VALUES) == LUA_TTABLE)
        return true;
    lua_pop(L, 1);
    if (!makes)
        return false;
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, VALUES);
    return true;
}

static int push_span(lua_State *L, const struct lunik_http_request *request,
                     struct lunik_http_span span)
{
    lua_pushlstring(L, request->head.text + span.at, span.size);
    return 1;
}

static int get_method(lua_State *L)
{
    lua_pushstring(L, to_request(L)->method);
    return 1;
}

static int get_target(lua_State *L)
{
    const struct lunik_http_request *request = to_request(L);

    return push_span(L, request, request->target);
}

static int get_path(lua_State *L)
{
    const struct lunik_http_request *request = to_request(L);
    const char *path = request->head.text + request->path.at;
    size_t size = request->path.size;
    luaL_Buffer b;
    char *out;

    if (size == 0) {
        lua_pushliteral(L, "/");
    } else if (request->is_plain) {
        lua_pushlstring(L, path, size);
    } else {
        out = luaL_buffinitsize(L, &b, size + 2);
        luaL_pushresultsize(&b, lunik_http_decode_path(path, size, out));
    }
    return 1;
}

static int get_query(lua_State *L)
{
    const struct lunik_http_request *request = to_request(L);

    return request->has_query ? push_span(L, request, request->query) : 0;
}

static int get_version(lua_State *L)
{
    lua_pushstring(L, to_request(L)->is_minor_1 ? "1.1" : "1.0");
    return 1;
}

static int get_headers(lua_State *L)
{
    const struct lunik_http_request *request = to_request(L);

    if (lua_getiuservalue(L, 1, HEADERS) == LUA_TUSERDATA)
        return 1;
    lunik_http_push_headers(L, 1, &request->head);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, HEADERS);
    return 1;
}

static int get_remote(lua_State *L)
{
    const struct lunik_http_request *request = to_request(L);
    struct lunik_socket *socket;
    struct lunik_address address;
    char text[LUNIK_ADDRESS_TEXT_MAX];

    if (request->x == NULL)
        return 0;
    socket = request->x->connection->own.socket;
    if (socket == NULL)
        return 0;
    lunik_socket_get_peer(socket, &address);
    if (address.family == 0)
        return 0;
    lua_pushlstring(L, text, lunik_address_format(&address, text));
    return 1;
}

static int get_scheme(lua_State *L)
{
    lua_pushliteral(L, "http");
    return 1;
}

static int get_host(lua_State *L)
{
    const struct lunik_http_request *request = to_request(L);

    return request->host.size > 0 ? push_span(L, request, request->host) : 0;
}

static int get_trailers(lua_State *L)
{
    const struct lunik_http_request *request = to_request(L);

    lunik_http_push_trailers(L, request->x != NULL ? request->x->body.parser
                                                   : NULL);
    return 1;
}

static int get_state(lua_State *L)
{
    push_values(L, true);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "state");
    return 1;
}

static const luaL_Reg getters[] = {
    { "method", get_method },   { "target", get_target },
    { "path", get_path },       { "query", get_query },
    { "version", get_version }, { "headers", get_headers },
    { "remote", get_remote },   { "scheme", get_scheme },
    { "host", get_host },       { "trailers", get_trailers },
    { "state", get_state },     { NULL, NULL },
};

static int request_query_table(lua_State *L);
static int request_body(lua_State *L);

static const luaL_Reg methods[] = {
    { "query_table", request_query_table },
    { "body", request_body },
    { NULL, NULL },
};

/* request[key]: what was set; else a method; else a field that is made.
 * Upvalue 1: the methods, 2: the getters, as far as they were used. */
static int request_index(lua_State *L)
{
    lua_CFunction getter;

    if (push_values(L, false)) {
        lua_pushvalue(L, 2);
        if (lua_rawget(L, -2) != LUA_TNIL)
            return 1;
        lua_settop(L, 2);
    }
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(2)) == LUA_TFUNCTION)
        goto get;
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
        return 1;
    if (lua_type(L, 2) != LUA_TSTRING)
        return 0;
    if (lunik_http_push_method(L, getters, 2, lua_upvalueindex(2)))
        goto get;
    return lunik_http_push_method(L, methods, 2, lua_upvalueindex(1)) ||
           lunik_http_push_method(L, lunik_stream_methods, 2,
                                  lua_upvalueindex(1));

get:
    getter = lua_tocfunction(L, -1);
    lua_settop(L, 1);
    return getter(L);
}

static int request_newindex(lua_State *L)
{
    check_request(L);
    push_values(L, true);
    lua_insert(L, 2);
    lua_rawset(L, 2);
    return 0;
}

/* ---- Methods ---- */

/* Adds the piece of a query between (at) and (end), decoded, to (b). */
static void add_decoded(luaL_Buffer *b, const char *at, const char *end)
{
    for (; at < end; at++) {
        int high, low;

        if (*at == '+') {
            luaL_addchar(b, ' ');
            continue;
        }
        if (*at == '%' && end - at > 2) {
            high = lunik_http_hex((unsigned char)at[1]);
            low = lunik_http_hex((unsigned char)at[2]);
            if (high >= 0 && low >= 0) {
                luaL_addchar(b, (char)(high * 16 + low));
                at += 2;
                continue;
            }
        }
        luaL_addchar(b, *at);
    }
}

static void push_decoded(lua_State *L, const char *at, const char *end)
{
    luaL_Buffer b;

    luaL_buffinit(L, &b);
    add_decoded(&b, at, end);
    luaL_pushresult(&b);
}

/* Pushes the table of name=value&...; the first of a name counts, and all of
 * them are in its list. */
static void push_query(lua_State *L, const char *at, size_t size)
{
    const char *end = at + size, *pair_end, *equals;

    lua_newtable(L);
    for (; at < end; at = pair_end + 1) {
        pair_end = memchr(at, '&', (size_t)(end - at));
        if (pair_end == NULL)
            pair_end = end;
        if (pair_end == at)
            continue;
        equals = memchr(at, '=', (size_t)(pair_end - at));
        push_decoded(L, at, equals != NULL ? equals : pair_end);
        lua_pushvalue(L, -1);
        if (lua_rawget(L, -3) != LUA_TNIL) {
            lua_pop(L, 2);
            continue;
        }
        lua_pop(L, 1);
        push_decoded(L, equals != NULL ? equals + 1 : pair_end, pair_end);
        lua_rawset(L, -3);
    }
}

/* request:query_table() -> { name = value } */
static int request_query_table(lua_State *L)
{
    const struct lunik_http_request *request = check_request(L);

    push_query(L, request->head.text + request->query.at,
               request->has_query ? request->query.size : 0);
    return 1;
}

/* http.parse_query(text) -> { name = value } */
static int http_parse_query(lua_State *L)
{
    size_t size;
    const char *text = luaL_checklstring(L, 1, &size);

    push_query(L, text, size);
    return 1;
}

/* request:body([limit [, timeout]]) -> text | nil, err */
static int request_body(lua_State *L)
{
    struct lunik_http_request *request = check_request(L);
    uint64_t limit = UINT64_MAX, deadline;
    struct lunik_http_body *body;
    const void *data;
    luaL_Buffer b;
    lunik_result res;
    size_t size;

    if (!lua_isnoneornil(L, 2))
        limit = (uint64_t)luaL_checkinteger(L, 2);
    deadline = lunik_lua_stream_deadline(L, 3, &request->stream);
    lunik_lua_check(L);
    luaL_buffinit(L, &b);
    for (;;) {
        if (request->x == NULL || request->stream.ops == NULL)
            return lunik_lua_fail(L, LUNIK_ECLOSED);
        body = &request->x->body;
        res = lunik_http_body_peek(body, &data, &size);
        if (res == LUNIK_EAGAIN) {
            res = lunik_stream_wait(&request->stream, LUNIK_READABLE, deadline);
            if (res == LUNIK_OK)
                continue;
        }
        if (res == LUNIK_ENOMEM || (res == LUNIK_OK && size > limit)) {
            luaL_pushfail(L);
            lua_pushliteral(L, "too long");
            return 2;
        }
        if (res != LUNIK_OK)
            return lunik_lua_fail_wait(L, res);
        if (size == 0)
            break;
        limit -= size;
        luaL_addlstring(&b, data, size);
        lunik_http_body_consume(body, size);
    }
    luaL_pushresult(&b);
    return 1;
}

void lunik_http_open_request(lua_State *L)
{
    luaL_newmetatable(L, LUNIK_HTTP_REQUEST_TYPE);
    /* (Nothing is to be closed: a finalizer for each request would cost.) */
    lunik_lua_mark_stream(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &lunik_http_request_key);
    lua_newtable(L);
    lua_newtable(L);
    lua_pushcclosure(L, request_index, 2);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, request_newindex);
    lua_setfield(L, -2, "__newindex");
    /* __index trusts what it is given. */
    lua_pushliteral(L, LUNIK_HTTP_REQUEST_TYPE);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    lua_pushcfunction(L, http_parse_query);
    lua_setfield(L, -2, "parse_query");
}
