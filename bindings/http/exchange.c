/* SPDX-License-Identifier: MIT */
/* exchange.c: runs the handler for one request and sees to its answer. */
#include "http.h"
#include "text.h"

#include <lauxlib.h>
#include <lunik/log.h>
#include <lunik/runtime.h>
#include <lunik/time.h>
#include <stdio.h>
#include <string.h>

/* What is read and thrown away of a body that no handler wanted. */
#define SETTLE_MAX ((size_t)64 * 1024)

/* Where the worker has its things; see http.h. */
#define SERVER 1
#define ERROR_HANDLER 2
#define HANDLER 3
#define KEEPER 4

/* ---- Errors ---- */

/* The error is one of http.error(). */
static bool is_http_error(lua_State *L, int index)
{
    bool is_one;

    index = lua_absindex(L, index);
    if (!lua_istable(L, index) || !lua_getmetatable(L, index))
        return false;
    lunik_http_push_error_type(L);
    is_one = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return is_one;
}

/* This task is cancelled, and the error says so. From another task that a
 * handler waited for, it is an error as any other. */
static bool is_cancelled(lua_State *L, int index)
{
    bool is_one;

    if (!lunik_task_is_cancelled(lunik_task_self()))
        return false;
    index = lua_absindex(L, index);
    lunik_lua_push_cancelled(L);
    is_one = lua_rawequal(L, -1, index);
    lua_pop(L, 1);
    return is_one;
}

int lunik_http_error_handler(lua_State *L)
{
    lua_settop(L, 1);
    if (is_http_error(L, 1) || is_cancelled(L, 1))
        return 1;
    luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
    return 1;
}

int lunik_http_error(lua_State *L)
{
    lua_Integer status = luaL_checkinteger(L, 1);

    luaL_argcheck(L, status >= 400 && status <= 599, 1,
                  "an error's status is 400 to 599");
    lua_settop(L, 3);
    lua_createtable(L, 0, 3);
    lua_pushinteger(L, status);
    lua_setfield(L, -2, "status");
    lua_pushvalue(L, 2);
    lua_setfield(L, -2, "message");
    lua_pushvalue(L, 3);
    lua_setfield(L, -2, "headers");
    lunik_http_push_error_type(L);
    lua_setmetatable(L, -2);
    return lua_error(L);
}

/* ---- The body that nobody wanted ---- */

void lunik_http_settle_body(struct lunik_http_exchange *x)
{
    struct lunik_http_body *body = &x->body;
    const void *data;
    size_t size, taken = 0;

    if (body->is_complete)
        return;
    if (body->wants_continue) {
        body->wants_continue = false;
        x->keeps_alive = false;
        return;
    }
    while (taken < SETTLE_MAX && body->io != NULL &&
           lunik_http_body_peek(body, &data, &size) == LUNIK_OK && size > 0) {
        taken += size;
        lunik_http_body_consume(body, size);
    }
    if (!body->is_complete || body->status != 0)
        x->keeps_alive = false;
}

/* ---- Running the handler ---- */

/* Answers with what is wrong, in words that say nothing of the inside. */
static void answer_error(lua_State *L, struct lunik_http_exchange *x,
                         unsigned status)
{
    const char *text = lunik_http_status_text(status);

    x->status = status;
    lua_pushfstring(L, "%s\n", text);
    lunik_http_respond(L, x, lua_gettop(L));
}

/* What the handler returned lies at 3, 4 and 5. */
static void answer_results(lua_State *L, struct lunik_http_exchange *x)
{
    lua_Integer status;
    int is_number;

    if (x->body.status != 0 && !x->is_begun) {
        x->fields.size = 0;
        x->keeps_alive = false;
        answer_error(L, x, x->body.status);
        return;
    }
    switch (lua_type(L, 3)) {
    case LUA_TNIL:
        if (x->is_begun) {
            lunik_http_finish(L, x);
        } else {
            if (x->status == 0)
                x->status = 204;
            lunik_http_respond(L, x, 0);
        }
        return;
    case LUA_TNUMBER:
        status = lua_tointegerx(L, 3, &is_number);
        if (!is_number || status < 200 || status > 599)
            luaL_error(L, "a handler's status is 200 to 599");
        x->status = (unsigned)status;
        lunik_http_add_fields(L, x, 5);
        lunik_http_respond(L, x, 4);
        return;
    default:
        if (x->status == 0)
            x->status = 200;
        lunik_http_respond(L, x, 3);
        return;
    }
}

/* run(keeper, exchange, handler, is_lent) */
static int run_handler(lua_State *L)
{
    struct lunik_http_exchange *x = lua_touserdata(L, 2);
    bool is_lent = lua_toboolean(L, 4);
    struct lunik_stream *io = x->connection->io;
    int arguments = x->server->handler_arguments;

    lua_settop(L, 3);
    if (arguments > 0 || x->server->has_log) {
        lunik_http_push_request(L, x);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, 1, LUNIK_HTTP_KEPT_REQUEST);
    }
    if (arguments > 1) {
        lunik_http_push_response(L, x);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, 1, LUNIK_HTTP_KEPT_RESPONSE);
    }
    lua_settop(L, 3 + arguments);
    if (is_lent)
        io->ops->consume(io, x->body.parser->head_size);
    x->head = NULL;
    lua_call(L, arguments, 3);
    if (x->is_finished)
        return 0;
    answer_results(L, x);
    return 0;
}

/* answer(error, exchange): the error becomes an answer. */
static int run_error(lua_State *L)
{
    struct lunik_http_exchange *x = lua_touserdata(L, 2);
    lua_Integer status;

    if (!is_http_error(L, 1)) {
        answer_error(L, x, x->body.status != 0 ? x->body.status : 500);
        return 0;
    }
    lua_getfield(L, 1, "status");
    status = lua_tointeger(L, -1);
    x->status = status >= 400 && status <= 599 ? (unsigned)status : 500;
    lua_getfield(L, 1, "headers");
    lunik_http_add_fields(L, x, -1);
    lua_getfield(L, 1, "message");
    if (lua_isnil(L, -1))
        answer_error(L, x, x->status);
    else
        lunik_http_respond(L, x, lua_gettop(L));
    return 0;
}

static void log_error(lua_State *L, const struct lunik_http_exchange *x)
{
    const char *text = lua_tostring(L, -1);

    lunik_log(LUNIK_LOG_ERROR, "http: error in a handler: %s",
              text != NULL ? text : "(without text)");
    (void)x;
}

/* The handler raised; the error is at the top. True: it was cancelled, and the
 * error still has to be raised. */
static bool answer_raised(lua_State *L, struct lunik_http_exchange *x)
{
    int error = lua_gettop(L);

    if (is_cancelled(L, error)) {
        x->is_broken = true;
        return true;
    }
    if (!is_http_error(L, error))
        log_error(L, x);
    if (x->is_begun) {
        /* Too late for another answer: the peer sees that it is cut off. */
        x->is_broken = true;
        return false;
    }
    x->fields.size = 0;
    x->out.size = 0;
    x->has_length = x->has_type = x->has_date = x->is_chunked = false;
    lua_pushcfunction(L, run_error);
    lua_pushvalue(L, error);
    lua_pushlightuserdata(L, x);
    if (lua_pcall(L, 2, 0, 0) == LUA_OK)
        return false;
    x->is_broken = true;
    return is_cancelled(L, -1);
}

/* ---- Afterwards ---- */

static void log_line(struct lunik_http_exchange *x, const char *method,
                     const char *target, size_t size, uint64_t duration_ns)
{
    char text[LUNIK_ADDRESS_TEXT_MAX] = "-";
    struct lunik_address peer = { 0 };

    if (x->connection->own.socket != NULL)
        lunik_socket_get_peer(x->connection->own.socket, &peer);
    if (peer.family != 0)
        lunik_address_format(&peer, text);
    fprintf(stderr,
            "ts=%lu.%03u level=info msg=request method=%s target=\"%.*s\" "
            "status=%u bytes=%lu us=%lu remote=%s\n",
            (unsigned long)(x->begun_ns / LUNIK_NS_PER_S),
            (unsigned)(x->begun_ns / LUNIK_NS_PER_MS % 1000), method, (int)size,
            target, x->status,
            (unsigned long)(x->sent_bytes + x->connection->rest_size),
            (unsigned long)(duration_ns / 1000), text);
    fflush(stderr);
}

/* Tells whoever wants to know: log(request, status, bytes, seconds). */
static void call_log(lua_State *L, struct lunik_http_exchange *x,
                     uint64_t duration_ns)
{
    int top = lua_gettop(L);

    if (lua_getiuservalue(L, SERVER, 2) == LUA_TFUNCTION) {
        lua_getiuservalue(L, KEEPER, LUNIK_HTTP_KEPT_REQUEST);
        lua_pushinteger(L, x->status);
        lua_pushinteger(L, (lua_Integer)x->sent_bytes);
        lua_pushnumber(L, (lua_Number)duration_ns / (lua_Number)LUNIK_NS_PER_S);
        if (lua_pcall(L, 4, 0, ERROR_HANDLER) != LUA_OK)
            log_error(L, x);
    }
    lua_settop(L, top);
}

static void init(struct lunik_http_exchange *x,
                 struct lunik_http_connection *connection, const char *head)
{
    struct lunik_http_server *server = connection->server;
    struct lunik_http_parser *parser = connection->parser;
    const struct lunik_http_facts *facts = &parser->facts;

    /* The texts begin empty; clearing their room would cost more than all of
     * the rest. */
    memset(x, 0, offsetof(struct lunik_http_exchange, out));
    memset(&x->status, 0,
           sizeof(*x) - offsetof(struct lunik_http_exchange, status));
    lunik_http_out_init(&x->out);
    lunik_http_out_init(&x->fields);
    x->server = server;
    x->connection = connection;
    x->head = head;
    x->begun_ns = lunik_time_monotonic_ns();
    x->is_minor_1 = facts->is_minor_1;
    x->is_head = parser->llhttp.method == HTTP_HEAD;
    x->keeps_alive = facts->keeps_alive && !server->is_draining;
    x->wants_upgrade = facts->wants_upgrade;
    x->body.io = connection->io;
    x->body.parser = parser;
    x->body.limit = server->limits.body;
    x->body.idle_ns = server->limits.body_idle_ns;
    x->body.is_complete =
        !facts->is_chunked &&
        !(facts->has_length && parser->llhttp.content_length > 0);
    x->body.wants_continue = facts->expects_continue && facts->is_minor_1;
}

static void let_go(lua_State *L, int kept)
{
    lua_pushnil(L);
    lua_setiuservalue(L, KEEPER, kept);
}

static void finish(lua_State *L, struct lunik_http_exchange *x)
{
    struct lunik_http_connection *connection = x->connection;
    uint64_t duration_ns = lunik_time_monotonic_ns() - x->begun_ns;

    if (x->response != NULL) {
        *x->response = NULL;
        let_go(L, LUNIK_HTTP_KEPT_RESPONSE);
    }
    if (x->is_writing)
        x->is_broken = true;
    if (!x->is_upgraded)
        lunik_http_settle_body(x);
    x->sent_bytes += connection->rest_size;
    lunik_http_count(x->server, x->status, x->sent_bytes, duration_ns);
    x->server->counts.received_bytes += x->body.received;
    x->server->total->received_bytes += x->body.received;
    if (x->server->has_log)
        call_log(L, x, duration_ns);
    if (x->request != NULL) {
        lunik_http_request_detach(x->request);
        let_go(L, LUNIK_HTTP_KEPT_REQUEST);
    }
    connection->closes = !x->keeps_alive || x->is_broken || !x->is_finished ||
                         !x->body.is_complete;
    connection->has_served = true;
    connection->is_whole = x->body.is_complete;
    if (x->is_broken)
        connection->is_expired = true;
    lunik_http_out_fini(&x->out);
    lunik_http_out_fini(&x->fields);
}

/* A body that is longer than allowed is not waited for. */
static bool is_too_long(const struct lunik_http_exchange *x)
{
    return x->body.parser->facts.has_length &&
           x->body.parser->llhttp.content_length > x->body.limit;
}

bool lunik_http_exchange_run(lua_State *L,
                             struct lunik_http_connection *connection,
                             const char *head, bool is_lent)
{
    struct lunik_http_exchange x;
    bool is_cancelled_now = false;
    int top = lua_gettop(L);
    char target[128];
    const char *method;
    size_t size;

    init(&x, connection, head);
    method =
        llhttp_method_name((llhttp_method_t)connection->parser->llhttp.method);
    size = 0;
    if (x.server->logs_lines) {
        size = connection->parser->target.size;
        size = size < sizeof(target) ? size : sizeof(target);
        memcpy(target, head + connection->parser->target.at, size);
    }
    if (is_too_long(&x))
        x.body.status = 413;
    if (x.body.status != 0) {
        x.keeps_alive = false;
        if (is_lent)
            connection->io->ops->consume(connection->io,
                                         connection->parser->head_size);
        lua_pushcfunction(L, run_error);
        lua_pushnil(L);
        lua_pushlightuserdata(L, &x);
        if (lua_pcall(L, 2, 0, ERROR_HANDLER) != LUA_OK)
            is_cancelled_now = answer_raised(L, &x);
        goto end;
    }
    lua_pushcfunction(L, run_handler);
    lua_pushvalue(L, KEEPER);
    lua_pushlightuserdata(L, &x);
    lua_pushvalue(L, HANDLER);
    lua_pushboolean(L, is_lent);
    if (lua_pcall(L, 4, 0, ERROR_HANDLER) != LUA_OK) {
        if (x.head != NULL) /* before the handler began: no memory */
            x.is_broken = true;
        is_cancelled_now = answer_raised(L, &x);
    }
end:
    if (x.server->logs_lines)
        log_line(&x, method, target, size,
                 lunik_time_monotonic_ns() - x.begun_ns);
    finish(L, &x);
    lua_settop(L, top);
    return !is_cancelled_now;
}
