/* SPDX-License-Identifier: MIT */
/*
 * connection.c: one connection: accepted, its heads read, its requests served
 * one after the other, closed. While it waits it is this object and a watch,
 * and has neither fiber nor buffer.
 */
#include "http.h"
#include "text.h"

#include <lauxlib.h>
#include <lunik/mem.h>
#include <lunik/runtime.h>
#include <lunik/time.h>
#include <string.h>

/* Connections that are accepted at a time, and requests of one connection
 * that are served at a time, before others have their turn. */
#define ACCEPT_MAX 64
#define SERVE_MAX 32

/* What is thrown away of a connection that we have closed. */
#define LINGER_BYTES ((size_t)1024 * 1024)

#define HEAD_ROOM_MIN 512

/* ---- Life ---- */

static void on_ready(struct lunik_watch *watch)
{
    struct lunik_http_connection *c = (struct lunik_http_connection *)watch;

    /* SERVED and QUEUED: somebody looks anyway. */
    if (c->state == LUNIK_HTTP_SERVED || c->state == LUNIK_HTTP_QUEUED)
        return;
    if (c->state == LUNIK_HTTP_SENDING ||
        (lunik_socket_ready(c->own.socket) &
         (LUNIK_READABLE | LUNIK_HANGUP | LUNIK_FAILED)))
        lunik_http_queue_add(c);
}

static void link_all(struct lunik_http_server *server,
                     struct lunik_http_connection *c)
{
    c->server = server;
    c->all_next = server->all;
    if (c->all_next != NULL)
        c->all_next->all_prev = c;
    server->all = c;
    server->connection_count++;
    server->total->connections++;
}

static void unlink_all(struct lunik_http_connection *c)
{
    struct lunik_http_server *server = c->server;

    if (c->all_next != NULL)
        c->all_next->all_prev = c->all_prev;
    if (c->all_prev != NULL)
        c->all_prev->all_next = c->all_next;
    else
        server->all = c->all_next;
    server->connection_count--;
    server->total->connections--;
}

static void drop_message(struct lunik_http_connection *c)
{
    if (c->parser != NULL)
        lunik_http_parser_give(c->server, c->parser);
    c->parser = NULL;
    lunik_mem_free(c->head);
    c->head = NULL;
    c->head_size = c->head_capacity = 0;
}

static void drop_rest(lua_State *L, struct lunik_http_connection *c)
{
    if (c->rest == NULL)
        return;
    luaL_unref(L, LUA_REGISTRYINDEX, c->rest_ref);
    c->rest = NULL;
    c->rest_size = 0;
}

void lunik_http_connection_close(lua_State *L, struct lunik_http_connection *c)
{
    struct lunik_http_server *server = c->server;

    lunik_http_list_remove(c);
    drop_message(c);
    drop_rest(L, c);
    if (c->own.socket != NULL) {
        lunik_socket_unwatch(&c->watch);
        lunik_socket_close(c->own.socket);
    }
    unlink_all(c);
    lunik_mem_free(c);
    if (server->is_draining)
        lunik_event_signal(&server->changed);
}

/* Goes back to waiting, in (list). */
static void park(struct lunik_http_connection *c, struct lunik_http_list *list,
                 enum lunik_http_state state)
{
    c->state = (uint8_t)state;
    if (c->list != list) {
        lunik_http_list_remove(c);
        lunik_http_list_add(list, c, lunik_time_monotonic_ns());
    }
}

/* ---- Closing ---- */

/* Tells the peer that no more comes, and gives it time to read that before
 * what it still sends is answered by a reset. */
static void linger(lua_State *L, struct lunik_http_connection *c)
{
    drop_message(c);
    if (c->own.socket == NULL ||
        lunik_socket_shutdown(c->own.socket, LUNIK_SHUT_WRITE) != LUNIK_OK) {
        lunik_http_connection_close(L, c);
        return;
    }
    c->rest_sent = 0;
    lunik_http_queue_add(c);
    c->before = LUNIK_HTTP_LINGERING;
}

static void serve_lingering(lua_State *L, struct lunik_http_connection *c)
{
    const void *data;
    lunik_result res;
    size_t size;

    while (c->rest_sent < LINGER_BYTES) {
        res = lunik_socket_peek(c->own.socket, &data, &size);
        if (res == LUNIK_EAGAIN) {
            park(c, &c->server->lingering, LUNIK_HTTP_LINGERING);
            return;
        }
        if (res != LUNIK_OK || size == 0)
            break;
        c->rest_sent += size;
        lunik_socket_consume(c->own.socket, size);
    }
    lunik_http_connection_close(L, c);
}

/* Answers without a handler, and closes. */
static void reject(lua_State *L, struct lunik_http_connection *c,
                   unsigned status)
{
    static const char fields[] =
        "Content-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n";
    const char *text = lunik_http_status_text(status);
    struct lunik_http_server *server = c->server;
    struct lunik_http_out out;
    size_t sent = 0;

    lunik_http_out_init(&out);
    lunik_http_out_add(&out, "HTTP/1.1 ", 9);
    lunik_http_out_add_number(&out, status);
    lunik_http_out_add(&out, " ", 1);
    lunik_http_out_add(&out, text, strlen(text));
    lunik_http_out_add(&out, "\r\n", 2);
    lunik_http_out_add(&out, lunik_http_date(server, lunik_time_monotonic_ns()),
                       37);
    lunik_http_out_add(&out, "Content-Length: ", 16);
    lunik_http_out_add_number(&out, strlen(text) + 1);
    lunik_http_out_add(&out, "\r\n", 2);
    lunik_http_out_add(&out, fields, sizeof(fields) - 1);
    lunik_http_out_add(&out, text, strlen(text));
    lunik_http_out_add(&out, "\n", 1);
    /* If there is no room for so little, the peer reads nothing anyway. */
    (void)!c->io->ops->write(c->io, out.data, out.size, 0, &sent);
    server->counts.bad_requests++;
    server->total->bad_requests++;
    lunik_http_count(server, status, sent, 0);
    linger(L, c);
}

/* ---- The rest of an answer ---- */

/* True: it was sent. False: the connection waits, or is closed. */
static bool send_rest(lua_State *L, struct lunik_http_connection *c)
{
    lunik_result res;
    size_t sent;

    while (c->rest_size > 0) {
        res = lunik_socket_try_send(c->own.socket, c->rest, c->rest_size,
                                    c->rest_flags, NULL, &sent);
        if (res == LUNIK_EAGAIN) {
            /* What moves, however slowly, moves to the end of the list; but
             * not below the least rate. */
            if (lunik_time_monotonic_ns() >
                lunik_http_rate_deadline(c->rest_begun_ns, c->rest_sent)) {
                lunik_http_connection_close(L, c);
                return false;
            }
            park(c, &c->server->sending, LUNIK_HTTP_SENDING);
            return false;
        }
        if (res != LUNIK_OK) {
            lunik_http_connection_close(L, c);
            return false;
        }
        lunik_http_list_remove(c);
        c->rest += sent;
        c->rest_size -= sent;
        c->rest_sent += sent;
    }
    lunik_http_list_remove(c);
    drop_rest(L, c);
    return true;
}

/* ---- Heads ---- */

/* Keeps the (size) bytes at (data) behind what came of the head before. */
static bool keep_head(struct lunik_http_connection *c, const char *data,
                      size_t size)
{
    size_t capacity = c->head_capacity, needed = c->head_size + size;
    char *head;

    if (needed > capacity) {
        capacity = capacity == 0 ? HEAD_ROOM_MIN : 2 * capacity;
        capacity = capacity < needed ? needed : capacity;
        head = lunik_mem_resize(c->head, capacity);
        if (head == NULL)
            return false;
        c->head = head;
        c->head_capacity = (uint32_t)capacity;
    }
    memcpy(c->head + c->head_size, data, size);
    c->head_size += (uint32_t)size;
    return true;
}

/* A head that came before in part: goes on with the (size) bytes at (data). */
static enum lunik_http_outcome read_more(struct lunik_http_connection *c,
                                         const char *data, size_t size)
{
    size_t before = c->head_size, room = c->parser->head_max - before;
    enum lunik_http_outcome outcome;

    if (size > room)
        size = room;
    if (!keep_head(c, data, size)) {
        c->parser->status = 503;
        return LUNIK_HTTP_FAILED;
    }
    outcome = lunik_http_parse_head(c->parser, c->head, c->head_size);
    if (outcome == LUNIK_HTTP_DONE)
        size = c->parser->head_size - before;
    c->io->ops->consume(c->io, size);
    return outcome;
}

/*
 * Reads on in the head. DONE: it is at (*head_out), and the stream still has
 * it if (*is_lent_out). MORE: wait. FAILED with a status in the parser, or
 * without one (no parser): the connection has ended.
 */
static enum lunik_http_outcome read_head(struct lunik_http_connection *c,
                                         const char **head_out,
                                         bool *is_lent_out)
{
    enum lunik_http_outcome outcome = LUNIK_HTTP_MORE;
    const void *data;
    lunik_result res;
    size_t size;

    while (outcome == LUNIK_HTTP_MORE) {
        res = c->io->ops->peek(c->io, &data, &size);
        if (res == LUNIK_EAGAIN)
            return LUNIK_HTTP_MORE;
        if (res == LUNIK_OK && size > 0 && c->parser == NULL)
            c->parser = lunik_http_parser_take(c->server);
        if (res != LUNIK_OK || size == 0 || c->parser == NULL) {
            drop_message(c);
            return LUNIK_HTTP_FAILED;
        }
        *is_lent_out = c->head_size == 0;
        if (c->head_size > 0) {
            outcome = read_more(c, data, size);
            *head_out = c->head;
            continue;
        }
        *head_out = data;
        outcome = lunik_http_parse_head(c->parser, data, size);
        if (outcome != LUNIK_HTTP_MORE)
            break;
        if (!keep_head(c, data, size)) {
            c->parser->status = 503;
            return LUNIK_HTTP_FAILED;
        }
        c->io->ops->consume(c->io, size);
    }
    return outcome;
}

/* ---- Serving ---- */

/* After an answer. True: the next request may be read. */
static bool settle(lua_State *L, struct lunik_http_connection *c)
{
    if (c->own.socket == NULL && c->io == &c->own.stream) {
        lunik_http_connection_close(L, c); /* it was upgraded */
        return false;
    }
    if (c->is_expired) { /* cut off */
        if (c->own.socket != NULL)
            (void)!lunik_socket_set(c->own.socket, LUNIK_SOCKET_LINGER, 0);
        lunik_http_connection_close(L, c);
        return false;
    }
    if (c->is_whole)
        drop_message(c);
    if (c->rest != NULL && c->rest_begun_ns == 0) {
        c->rest_begun_ns = lunik_time_monotonic_ns();
        c->rest_sent = 0;
        if (!send_rest(L, c))
            return false;
    }
    c->rest_begun_ns = 0;
    if (!c->closes)
        return true;
    if (c->is_whole && c->own.socket != NULL &&
        lunik_socket_pending(c->own.socket) == 0)
        lunik_http_connection_close(L, c);
    else
        linger(L, c);
    return false;
}

/* Serves what has come. False: the connection waits for more in a list of its
 * server's, or is no more. */
static bool serve_one(lua_State *L, struct lunik_http_connection *c)
{
    struct lunik_http_server *server = c->server;
    const char *head = NULL;
    bool is_lent = false;

    switch (read_head(c, &head, &is_lent)) {
    case LUNIK_HTTP_MORE:
        if (server->is_draining && c->head_size == 0)
            lunik_http_connection_close(L, c);
        else if (c->head_size > 0 || !c->has_served)
            park(c, &server->heads, LUNIK_HTTP_WAITING);
        else
            park(c, &server->idle, LUNIK_HTTP_WAITING);
        return false;
    case LUNIK_HTTP_FAILED:
        if (c->parser == NULL)
            lunik_http_connection_close(L, c);
        else
            reject(L, c, c->parser->status);
        return false;
    case LUNIK_HTTP_DONE:
        break;
    }
    lunik_http_list_remove(c);
    lunik_http_before_handler(L, server);
    if (!lunik_http_exchange_run(L, c, head, is_lent)) {
        lunik_http_connection_close(L, c);
        lunik_lua_raise(L, LUNIK_ECANCELED);
    }
    return settle(L, c);
}

static void serve_expired(lua_State *L, struct lunik_http_connection *c)
{
    c->server->counts.timeouts++;
    c->server->total->timeouts++;
    if (c->before == LUNIK_HTTP_WAITING && c->head_size > 0) {
        c->is_expired = false; /* it lingers like others */
        reject(L, c, 408);
    } else {
        lunik_http_connection_close(L, c);
    }
}

void lunik_http_serve(lua_State *L, struct lunik_http_connection *c)
{
    int i;

    c->state = LUNIK_HTTP_SERVED;
    if (c->before == LUNIK_HTTP_LINGERING) {
        if (c->is_expired)
            lunik_http_connection_close(L, c);
        else
            serve_lingering(L, c);
        return;
    }
    if (c->is_expired) {
        serve_expired(L, c);
        return;
    }
    if (c->before == LUNIK_HTTP_SENDING && (!send_rest(L, c) || !settle(L, c)))
        return;
    for (i = 0; i < SERVE_MAX; i++)
        if (!serve_one(L, c))
            return;
    c->state = LUNIK_HTTP_WAITING;
    lunik_http_queue_add(c);
}

/* ---- Accepting ---- */

static struct lunik_http_connection *
new_connection(struct lunik_http_server *server)
{
    struct lunik_http_connection *c = lunik_mem_alloc_zeroed(1, sizeof(*c));

    if (c == NULL)
        return NULL;
    link_all(server, c);
    c->state = LUNIK_HTTP_WAITING;
    return c;
}

/* Time in which a head should have come: those that are slower go first. */
#define PROMPT_NS LUNIK_NS_PER_S

/* Of (list), the one that has waited longest. */
static struct lunik_http_connection *
first_waiting(const struct lunik_http_list *list)
{
    struct lunik_http_connection *c = list->first;

    while (c != NULL && c->state != LUNIK_HTTP_WAITING)
        c = c->next;
    return c;
}

/* When (c) was put into its list. */
static uint64_t waits_since(const struct lunik_http_connection *c)
{
    return c->deadline_ns - c->list->time_ns;
}

/*
 * There are as many as may be: one goes. Best one that was slow with its head,
 * so that clients who open and say nothing keep nobody out; then the one that
 * has waited longest, which is never one at work.
 */
static bool make_room(lua_State *L, struct lunik_http_server *server)
{
    struct lunik_http_connection *c, *idle;

    if (server->connection_count < server->limits.connections)
        return true;
    c = first_waiting(&server->heads);
    idle = first_waiting(&server->idle);
    if (c == NULL || (idle != NULL && waits_since(idle) < waits_since(c) &&
                      waits_since(c) + PROMPT_NS > lunik_time_monotonic_ns()))
        c = idle;
    if (c == NULL)
        return false;
    /* At once: a peer that never closes its end would keep ours for long. */
    (void)!lunik_socket_set(c->own.socket, LUNIK_SOCKET_LINGER, 0);
    lunik_http_connection_close(L, c);
    return true;
}

static void refuse(struct lunik_http_server *server,
                   struct lunik_socket *socket)
{
    static const char text[] =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n"
        "Retry-After: 1\r\nConnection: close\r\n\r\n";
    size_t sent;

    server->counts.refused++;
    server->total->refused++;
    (void)!lunik_socket_try_send(socket, text, sizeof(text) - 1, 0, NULL,
                                 &sent);
    lunik_socket_close(socket);
}

static void accept_one(lua_State *L, struct lunik_http_server *server,
                       struct lunik_socket *socket)
{
    struct lunik_http_connection *c;

    if (server->is_draining || !make_room(L, server) ||
        (c = new_connection(server)) == NULL) {
        refuse(server, socket);
        return;
    }
    server->counts.accepted++;
    server->total->accepted++;
    /* An answer goes out whole; nothing is gained by holding its end back. */
    (void)!lunik_socket_set(socket, LUNIK_SOCKET_NO_DELAY, 1);
    c->own.socket = socket;
    c->own.stream.ops = &lunik_socket_stream_ops;
    c->own.stream.timeout_ns = LUNIK_NEVER;
    c->io = &c->own.stream;
    c->watch.fn = on_ready;
    lunik_socket_watch(socket, &c->watch);
    lunik_http_list_add(&server->heads, c, lunik_time_monotonic_ns());
    if (lunik_socket_ready(socket) &
        (LUNIK_READABLE | LUNIK_HANGUP | LUNIK_FAILED))
        lunik_http_queue_add(c);
}

void lunik_http_accept(lua_State *L, struct lunik_http_server *server)
{
    struct lunik_socket *socket;
    size_t i;
    int n;

    server->accepts = false;
    for (i = 0; i < server->listener_count; i++) {
        for (n = 0; n < ACCEPT_MAX; n++) {
            if (server->listeners[i].socket == NULL ||
                lunik_socket_try_accept(server->listeners[i].socket, &socket) !=
                    LUNIK_OK)
                break;
            accept_one(L, server, socket);
        }
        if (n == ACCEPT_MAX)
            server->accepts = true;
    }
}

/* ---- Streams that are no sockets ---- */

void lunik_http_serve_stream(lua_State *L, struct lunik_http_server *server,
                             struct lunik_stream *io)
{
    struct lunik_http_connection *c = new_connection(server);
    const struct lunik_http_limits *limits = &server->limits;
    lunik_result res = LUNIK_OK;
    uint64_t deadline;

    if (c == NULL)
        lunik_lua_raise(L, LUNIK_ENOMEM);
    c->io = io;
    deadline = lunik_time_after_ns(limits->head_ns);
    for (;;) {
        const char *head;
        bool is_lent;

        c->state = LUNIK_HTTP_SERVED;
        switch (io->ops == NULL ? LUNIK_HTTP_FAILED
                                : read_head(c, &head, &is_lent)) {
        case LUNIK_HTTP_MORE:
            res = lunik_stream_wait(io, LUNIK_READABLE, deadline);
            break;
        case LUNIK_HTTP_FAILED:
            res = LUNIK_ECLOSED;
            if (io->ops != NULL && c->parser != NULL) {
                reject(L, c, c->parser->status);
                return;
            }
            break;
        case LUNIK_HTTP_DONE:
            if (!lunik_http_exchange_run(L, c, head, is_lent))
                res = LUNIK_ECANCELED;
            else
                res = c->closes ? LUNIK_ECLOSED : LUNIK_OK;
            drop_message(c);
            deadline = lunik_time_after_ns(limits->keep_alive_ns);
            break;
        }
        if (res != LUNIK_OK)
            break;
    }
    lunik_http_connection_close(L, c);
    if (res == LUNIK_ECANCELED || res == LUNIK_ETIMEOUT)
        lunik_lua_raise(L, res);
}
