/* SPDX-License-Identifier: MIT */
/* http.h: what the files of the module lunik.http tell each other. */
#ifndef LUNIK_BINDING_HTTP_H
#define LUNIK_BINDING_HTTP_H

#include "message.h"

#include <lua.h>
#include <lunik/event.h>
#include <lunik/socket.h>
#include <lunik/stream.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LUNIK_HTTP_REQUEST_TYPE "lunik.http.request"
#define LUNIK_HTTP_RESPONSE_TYPE "lunik.http.response"
#define LUNIK_HTTP_SERVER_TYPE "lunik.http.server"
#define LUNIK_HTTP_HEADERS_TYPE "lunik.http.headers"
#define LUNIK_HTTP_ANSWER_TYPE "lunik.http.answer"
#define LUNIK_HTTP_UPGRADED_TYPE "lunik.http.stream"
#define LUNIK_HTTP_FILE_TYPE "lunik.http.file"
#define LUNIK_HTTP_ERROR_TYPE "lunik.http.error"

/* Keys in the registry of the metatables that every request needs. */
extern const char lunik_http_request_key, lunik_http_response_key;

/* ---- Bodies ---- */

/* A message's body, read from (io) as the parser says. */
struct lunik_http_body {
    struct lunik_stream *io; /* NULL: no longer there */
    struct lunik_http_parser *parser;
    uint64_t limit;      /* bytes of it at most */
    uint64_t received;   /* bytes taken */
    uint64_t begun_ns;   /* when somebody first waited for it; 0: not yet */
    uint64_t idle_ns;    /* how long nothing may come */
    size_t left;         /* bytes of a piece that (io) has, or will have */
    unsigned status;     /* of the answer, if it is wrong; 0 */
    bool wants_continue; /* "100 Continue" is still to be sent */
    bool is_complete;
};

/* As the functions of struct lunik_stream_ops. */
lunik_result lunik_http_body_peek(struct lunik_http_body *body,
                                  const void **data_out, size_t *size_out);
void lunik_http_body_consume(struct lunik_http_body *body, size_t size);

/* When waiting for more has taken too long, and what that makes of the body. */
uint64_t lunik_http_body_deadline(struct lunik_http_body *body);
void lunik_http_body_expire(struct lunik_http_body *body);

/* When (bytes) since (begun_ns) are too few: the later of a grace time and
 * what the least rate allows. */
uint64_t lunik_http_rate_deadline(uint64_t begun_ns, uint64_t bytes);

/* ---- Heads in Lua ---- */

/* A head that outlives its connection: the text follows the fields. */
struct lunik_http_head {
    uint16_t count;
    uint16_t size;
    const char *text;
    const struct lunik_http_field *fields;
};

/* Pushes an object for (head), which lies in the userdata at (owner). */
void lunik_http_push_headers(lua_State *L, int owner,
                             const struct lunik_http_head *head);

/* Pushes the trailers that (parser) has, as a table of lists' joined text. */
void lunik_http_push_trailers(lua_State *L,
                              const struct lunik_http_parser *parser);

/* ---- Out ---- */

/* Text that is put together to be sent at once. */
struct lunik_http_out {
    char *data;
    size_t size, capacity;
    char first[1792];
};

void lunik_http_out_init(struct lunik_http_out *out);
void lunik_http_out_fini(struct lunik_http_out *out);
/* False: no memory; (*out) is as before. */
LUNIK_MUST_CHECK bool lunik_http_out_reserve(struct lunik_http_out *out,
                                             size_t size);
void lunik_http_out_add(struct lunik_http_out *out, const char *text,
                        size_t size);
void lunik_http_out_add_number(struct lunik_http_out *out, uint64_t number);

/* ---- The server ---- */

#define LUNIK_HTTP_BUCKETS 12

struct lunik_http_counts {
    uint64_t requests, accepted, received_bytes, sent_bytes;
    uint64_t classes[6];   /* answers by the first digit of their status */
    uint64_t bad_requests; /* answered without the handler */
    uint64_t timeouts, refused, duration_ns;
    uint64_t connections; /* open now; of all servers only */
    uint64_t buckets[LUNIK_HTTP_BUCKETS + 1];
};

struct lunik_http_limits {
    size_t head, fields, connections, workers;
    uint64_t body;
    uint64_t head_ns, body_idle_ns, keep_alive_ns;
};

enum lunik_http_state {
    LUNIK_HTTP_WAITING, /* for a head: in one of the lists by time */
    LUNIK_HTTP_QUEUED,
    LUNIK_HTTP_SERVED,    /* a worker has it */
    LUNIK_HTTP_SENDING,   /* the rest of an answer, as room comes */
    LUNIK_HTTP_LINGERING, /* closed by us, what still comes is thrown away */
};

struct lunik_http_list;
struct lunik_http_server;

struct lunik_http_connection {
    struct lunik_watch watch; /* first: the watch is the connection */
    struct lunik_socket_stream own;
    struct lunik_stream *io; /* &own.stream, or somebody else's */
    struct lunik_http_server *server;
    struct lunik_http_connection *next, *prev; /* in (list) */
    struct lunik_http_connection *queue_next;
    struct lunik_http_connection *all_next, *all_prev;
    struct lunik_http_list *list;
    uint64_t deadline_ns;
    struct lunik_http_parser *parser; /* while a message is under way */
    char *head;                       /* of a head that came in pieces */
    const char *rest;                 /* of an answer: */
    size_t rest_size;
    uint64_t rest_begun_ns, rest_sent;
    int rest_ref; /* keeps the string that it is of */
    unsigned rest_flags;
    uint32_t head_size, head_capacity;
    uint8_t state;  /* enum lunik_http_state */
    uint8_t before; /* what it was queued from */
    bool is_expired, closes, has_served, is_whole;
};

/* Connections with the same time to live, so in the order of their deadlines.
 */
struct lunik_http_list {
    struct lunik_http_connection *first, *last;
    uint64_t time_ns;
};

struct lunik_http_listener {
    struct lunik_watch watch;
    struct lunik_http_server *server;
    struct lunik_socket *socket;
};

#define LUNIK_HTTP_LISTENERS_MAX 4

struct lunik_http_worker;

struct lunik_http_server {
    struct lunik_http_limits limits;
    struct lunik_http_counts counts;
    struct lunik_http_counts *total; /* of all servers of the state */
    struct lunik_http_listener listeners[LUNIK_HTTP_LISTENERS_MAX];
    size_t listener_count, connection_count;
    struct lunik_http_list heads, idle, sending, lingering;
    struct lunik_http_connection *queue_first, *queue_last;
    struct lunik_http_connection *all; /* by all_next */
    bool accepts;                      /* a listener may have somebody */
    bool is_woken;                     /* a worker is on its way to the queue */
    bool is_running, is_draining, has_log, logs_lines;
    struct lunik_http_worker *workers, *idle_workers;
    size_t idle_count, worker_count;
    struct lunik_timer timer;
    struct lunik_event changed; /* for run(): a connection or worker ended */
    struct lunik_http_parser *spare; /* one parser, kept for the next */
    uint64_t drain_ns;
    uint64_t date_until_ns;
    char date[40]; /* the whole field */
    int handler_arguments;
};

/* server.c: the pool of workers calls these of connection.c. */
void lunik_http_serve(lua_State *L, struct lunik_http_connection *connection);
void lunik_http_accept(lua_State *L, struct lunik_http_server *server);
/* Serves (io), which is no socket, until it ends; waits in between. */
void lunik_http_serve_stream(lua_State *L, struct lunik_http_server *server,
                             struct lunik_stream *io);
void lunik_http_connection_close(lua_State *L,
                                 struct lunik_http_connection *connection);

/* connection.c calls these of server.c. */
void lunik_http_queue_add(struct lunik_http_connection *connection);
void lunik_http_list_add(struct lunik_http_list *list,
                         struct lunik_http_connection *connection,
                         uint64_t now_ns);
void lunik_http_list_remove(struct lunik_http_connection *connection);
struct lunik_http_parser *
lunik_http_parser_take(struct lunik_http_server *server);
void lunik_http_parser_give(struct lunik_http_server *server,
                            struct lunik_http_parser *parser);
/* Sees to it that somebody else serves while the handler may wait. */
void lunik_http_before_handler(lua_State *L, struct lunik_http_server *server);
const char *lunik_http_date(struct lunik_http_server *server, uint64_t now_ns);

/* ---- One request and its answer ---- */

struct lunik_http_request;

/* On the stack of the worker that serves it. */
struct lunik_http_exchange {
    struct lunik_http_server *server;
    struct lunik_http_connection *connection;
    struct lunik_http_request *request;    /* NULL: the handler takes none */
    struct lunik_http_exchange **response; /* in the object of the answer */
    struct lunik_http_body body;
    const char *head; /* the request's, as long as it lies there */
    uint64_t begun_ns, sent_bytes, length;
    struct lunik_http_out out, fields;
    unsigned status;
    bool is_head, is_minor_1, keeps_alive, wants_upgrade;
    bool is_begun;    /* some of the answer may have been sent */
    bool is_finished; /* all of it has */
    bool is_writing;  /* a task waits until it can send more */
    bool is_chunked, has_length, has_type, has_date, is_upgraded, is_broken;
};

/* User values of the keeper: what the handler is given stays as long as the
 * exchange, which it points to, and which points to it. */
#define LUNIK_HTTP_KEPT_REQUEST 1
#define LUNIK_HTTP_KEPT_RESPONSE 2
#define LUNIK_HTTP_KEPT 2

/*
 * Serves the request whose head the parser has, at (head): lent by the stream,
 * which still has it, if (is_lent). Says in (connection->closes) whether it was
 * the last. At 1 to 4 of L's stack: the server, the handler of errors, the
 * server's handler, the keeper: a userdata with LUNIK_HTTP_KEPT user values.
 * Returns: false when the task is cancelled.
 */
LUNIK_MUST_CHECK bool
lunik_http_exchange_run(lua_State *L, struct lunik_http_connection *connection,
                        const char *head, bool is_lent);

/* The handler of errors: adds a traceback to all but what http.error() made. */
int lunik_http_error_handler(lua_State *L);
/* Pushes the metatable of what http.error() raises. */
void lunik_http_push_error_type(lua_State *L);
/* http.error(status [, message [, headers]]) */
int lunik_http_error(lua_State *L);

/* Counts an answer in the server and in all of them. */
void lunik_http_count(struct lunik_http_server *server, unsigned status,
                      uint64_t bytes, uint64_t duration_ns);

/* Pushes the objects that the handler is given. */
void lunik_http_push_request(lua_State *L, struct lunik_http_exchange *x);
void lunik_http_push_response(lua_State *L, struct lunik_http_exchange *x);
/* The objects outlive the exchange. */
void lunik_http_request_detach(struct lunik_http_request *request);

/* Writes all, and waits if it must. Raises when the task is cancelled, and when
 * the exchange, which another task runs, has ended meanwhile. */
lunik_result lunik_http_write(lua_State *L, struct lunik_http_exchange *x,
                              const char *data, size_t size, unsigned flags);

/* The same with what is in (x->out). */
lunik_result lunik_http_flush(lua_State *L, struct lunik_http_exchange *x,
                              unsigned flags);

/* Adds a field to the answer; raises if it is none. */
void lunik_http_add_field(lua_State *L, struct lunik_http_exchange *x,
                          const char *name, size_t name_size, const char *value,
                          size_t value_size);
/* Adds the fields of the table at (index). */
void lunik_http_add_fields(lua_State *L, struct lunik_http_exchange *x,
                           int index);
void lunik_http_remove_field(struct lunik_http_exchange *x, const char *name,
                             size_t size);

/* Puts the answer's head, with (length) or chunked, into (x->out). */
void lunik_http_put_head(lua_State *L, struct lunik_http_exchange *x);

/* Sends the answer: the status is set, the body is at (index) or 0. */
void lunik_http_respond(lua_State *L, struct lunik_http_exchange *x, int index);

/* Takes what came of a body that nobody read, without waiting. If that is not
 * all of it, the connection is not kept. */
void lunik_http_settle_body(struct lunik_http_exchange *x);

/* Begins a streamed answer, sends a piece of it, ends it. */
lunik_result lunik_http_begin(lua_State *L, struct lunik_http_exchange *x);
lunik_result lunik_http_send_piece(lua_State *L, struct lunik_http_exchange *x,
                                   const char *data, size_t size);
lunik_result lunik_http_finish(lua_State *L, struct lunik_http_exchange *x);

/* A sealed file's bytes, which stay for ever. */
struct lunik_http_file {
    const char *data;
    size_t size;
};

/* Pushes the function of (list) called as the string at (key), and keeps it in
 * the table at (cache); false: there is none. So a type's methods cost nothing
 * until they are used. */
bool lunik_http_push_method(lua_State *L, const luaL_Reg *list, int key,
                            int cache);

/* Each adds its types and functions to the module's table at the top. */
void lunik_http_open_headers(lua_State *L);
void lunik_http_open_request(lua_State *L);
void lunik_http_open_response(lua_State *L);
void lunik_http_open_server(lua_State *L);
void lunik_http_open_client(lua_State *L);

#endif
