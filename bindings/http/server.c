/* SPDX-License-Identifier: MIT */
/*
 * server.c: a server: its listeners, the queue of connections that have
 * something to say, and the tasks that serve them.
 *
 * A task that finds the queue empty waits among the idle ones, and the one
 * that came last is woken first: so one warm task serves all requests as long
 * as no handler waits. Before a handler is called, which may wait, there must
 * be another one idle.
 */
#include "http.h"
#include "text.h"

#include <lauxlib.h>
#include <lunik/mem.h>
#include <lunik/runtime.h>
#include <lunik/sys.h>
#include <lunik/time.h>
#include <math.h>
#include <string.h>

#define SERVER LUNIK_HTTP_SERVER_TYPE

/* Idle tasks that are kept. */
#define IDLE_MAX 16

/* What a connection and a task may take of the memory that is free. */
#define CONNECTION_BYTES ((size_t)8 * 1024)
#define WORKER_BYTES ((size_t)48 * 1024)

#define BACKLOG 256

/* User values: the handler, the function for the log, the address's host. */
#define HANDLER 1
#define LOG 2

static const char total_key = 0; /* in the registry: the counts of all */

struct lunik_http_worker {
    struct lunik_http_worker *next;     /* of the idle ones */
    struct lunik_http_worker *all_next; /* of the server's */
    struct lunik_task *task;
    struct lunik_event wake;
    bool is_idle;
};

static struct lunik_http_server *check_server(lua_State *L)
{
    return luaL_checkudata(L, 1, SERVER);
}

/* ---- Counting ---- */

static void count_in(struct lunik_http_counts *counts, unsigned status,
                     uint64_t bytes, uint64_t duration_ns)
{
    uint64_t bound = 256000; /* ns: the first bucket's; each is 4 times */
    size_t i;

    counts->requests++;
    counts->sent_bytes += bytes;
    counts->duration_ns += duration_ns;
    if (status / 100 < 6)
        counts->classes[status / 100]++;
    for (i = 0; i < LUNIK_HTTP_BUCKETS && duration_ns > bound; i++)
        bound *= 4;
    counts->buckets[i]++;
}

void lunik_http_count(struct lunik_http_server *server, unsigned status,
                      uint64_t bytes, uint64_t duration_ns)
{
    count_in(&server->counts, status, bytes, duration_ns);
    count_in(server->total, status, bytes, duration_ns);
}

static void set_count(lua_State *L, const char *name, uint64_t value)
{
    lua_pushinteger(L, (lua_Integer)value);
    lua_setfield(L, -2, name);
}

/* Pushes a table of the figures. */
static void push_counts(lua_State *L, const struct lunik_http_counts *counts)
{
    lua_Number bound = 0.000256;
    lua_Integer i;

    lua_createtable(L, 0, 14);
    set_count(L, "requests", counts->requests);
    set_count(L, "accepted", counts->accepted);
    set_count(L, "received_bytes", counts->received_bytes);
    set_count(L, "sent_bytes", counts->sent_bytes);
    set_count(L, "bad_requests", counts->bad_requests);
    set_count(L, "timeouts", counts->timeouts);
    set_count(L, "refused", counts->refused);
    lua_pushnumber(L, (lua_Number)counts->duration_ns /
                          (lua_Number)LUNIK_NS_PER_S);
    lua_setfield(L, -2, "seconds");
    lua_createtable(L, 5, 0);
    for (i = 1; i <= 5; i++) {
        lua_pushinteger(L, (lua_Integer)counts->classes[i]);
        lua_rawseti(L, -2, i);
    }
    lua_setfield(L, -2, "classes");
    lua_createtable(L, LUNIK_HTTP_BUCKETS + 1, 0);
    for (i = 0; i <= LUNIK_HTTP_BUCKETS; i++) {
        lua_createtable(L, 0, 2);
        lua_pushnumber(L,
                       i < LUNIK_HTTP_BUCKETS ? bound : (lua_Number)HUGE_VAL);
        lua_setfield(L, -2, "le");
        set_count(L, "count", counts->buckets[i]);
        lua_rawseti(L, -2, i + 1);
        bound *= 4;
    }
    lua_setfield(L, -2, "buckets");
}

/* http.stats() -> the figures of all servers */
static int http_stats(lua_State *L)
{
    const struct lunik_http_counts *total;

    lua_rawgetp(L, LUA_REGISTRYINDEX, &total_key);
    total = lua_touserdata(L, -1);
    push_counts(L, total);
    set_count(L, "connections", total->connections);
    return 1;
}

/* ---- The lists by time ---- */

static void set_timer(struct lunik_http_server *server, uint64_t deadline_ns)
{
    if (!server->timer.is_set || deadline_ns < server->timer.deadline_ns)
        lunik_timer_set(&server->timer, deadline_ns);
}

void lunik_http_list_add(struct lunik_http_list *list,
                         struct lunik_http_connection *c, uint64_t now_ns)
{
    c->list = list;
    c->deadline_ns = list->time_ns < LUNIK_NEVER - now_ns
                         ? now_ns + list->time_ns
                         : LUNIK_NEVER;
    c->next = NULL;
    c->prev = list->last;
    if (list->last != NULL)
        list->last->next = c;
    else
        list->first = c;
    list->last = c;
    set_timer(c->server, c->deadline_ns);
}

void lunik_http_list_remove(struct lunik_http_connection *c)
{
    struct lunik_http_list *list = c->list;

    if (list == NULL)
        return;
    if (c->next != NULL)
        c->next->prev = c->prev;
    else
        list->last = c->prev;
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        list->first = c->next;
    c->list = NULL;
}

static void expire_list(struct lunik_http_server *server,
                        struct lunik_http_list *list, uint64_t now_ns)
{
    struct lunik_http_connection *c;

    while ((c = list->first) != NULL && c->deadline_ns <= now_ns) {
        lunik_http_list_remove(c);
        c->is_expired = true;
        if (c->state != LUNIK_HTTP_QUEUED && c->state != LUNIK_HTTP_SERVED)
            lunik_http_queue_add(c);
    }
    if (c != NULL)
        set_timer(server, c->deadline_ns);
}

static void on_timer(void *arg)
{
    struct lunik_http_server *server = arg;
    uint64_t now = lunik_time_monotonic_ns();

    expire_list(server, &server->heads, now);
    expire_list(server, &server->idle, now);
    expire_list(server, &server->sending, now);
    expire_list(server, &server->lingering, now);
}

/* ---- What workers share ---- */

struct lunik_http_parser *
lunik_http_parser_take(struct lunik_http_server *server)
{
    struct lunik_http_parser *parser = server->spare;

    server->spare = NULL;
    if (parser == NULL)
        parser = lunik_mem_alloc(sizeof(*parser));
    if (parser != NULL)
        lunik_http_parser_begin(parser, false, server->limits.head,
                                server->limits.fields);
    return parser;
}

void lunik_http_parser_give(struct lunik_http_server *server,
                            struct lunik_http_parser *parser)
{
    lunik_http_parser_end(parser);
    if (server->spare == NULL)
        server->spare = parser;
    else
        lunik_mem_free(parser);
}

const char *lunik_http_date(struct lunik_http_server *server, uint64_t now_ns)
{
    uint64_t wall;

    if (now_ns >= server->date_until_ns) {
        wall = lunik_time_wall_ns();
        memcpy(server->date, "Date: ", 6);
        lunik_http_format_date(wall / LUNIK_NS_PER_S, server->date + 6);
        memcpy(server->date + 35, "\r\n", 3);
        server->date_until_ns = now_ns + LUNIK_NS_PER_S - wall % LUNIK_NS_PER_S;
    }
    return server->date;
}

/* ---- The queue ---- */

static void wake_worker(struct lunik_http_server *server)
{
    struct lunik_http_worker *worker = server->idle_workers;

    if (server->is_woken || worker == NULL)
        return;
    server->is_woken = true;
    server->idle_workers = worker->next;
    server->idle_count--;
    worker->is_idle = false;
    lunik_event_signal(&worker->wake);
}

void lunik_http_queue_add(struct lunik_http_connection *c)
{
    struct lunik_http_server *server = c->server;

    c->before = c->state;
    c->state = LUNIK_HTTP_QUEUED;
    c->queue_next = NULL;
    if (server->queue_last != NULL)
        server->queue_last->queue_next = c;
    else
        server->queue_first = c;
    server->queue_last = c;
    wake_worker(server);
}

static struct lunik_http_connection *
queue_take(struct lunik_http_server *server)
{
    struct lunik_http_connection *c = server->queue_first;

    if (c == NULL)
        return NULL;
    server->queue_first = c->queue_next;
    if (server->queue_first == NULL)
        server->queue_last = NULL;
    return c;
}

static void on_accept(struct lunik_watch *watch)
{
    struct lunik_http_server *server =
        ((struct lunik_http_listener *)watch)->server;

    server->accepts = true;
    wake_worker(server);
}

/* ---- Workers ---- */

static bool has_work(const struct lunik_http_server *server)
{
    return server->queue_first != NULL || server->accepts;
}

static void serve_queue(lua_State *L, struct lunik_http_server *server)
{
    struct lunik_http_connection *c;

    while (server->is_running && has_work(server)) {
        if (server->accepts)
            lunik_http_accept(L, server);
        c = queue_take(server);
        if (c != NULL)
            lunik_http_serve(L, c);
    }
}

static void unlink_worker(struct lunik_http_server *server,
                          struct lunik_http_worker *worker)
{
    struct lunik_http_worker **at = &server->idle_workers;

    if (!worker->is_idle)
        return;
    while (*at != worker)
        at = &(*at)->next;
    *at = worker->next;
    server->idle_count--;
    worker->is_idle = false;
}

/* worker(server, error handler, handler, worker) */
static int worker_body(lua_State *L)
{
    struct lunik_http_server *server = lua_touserdata(L, 1);
    struct lunik_http_worker *worker = lua_touserdata(L, 4);
    struct lunik_event *event = &worker->wake;
    lunik_result res;

    lua_settop(L, 3);
    lua_newuserdatauv(L, 0, LUNIK_HTTP_KEPT);
    for (;;) {
        server->is_woken = false;
        serve_queue(L, server);
        if (!server->is_running || server->idle_count >= IDLE_MAX)
            return 0;
        worker->is_idle = true;
        worker->next = server->idle_workers;
        server->idle_workers = worker;
        server->idle_count++;
        res = LUNIK_OK;
        while (worker->is_idle && res == LUNIK_OK)
            res = lunik_task_wait(&event, 1, LUNIK_NEVER, NULL);
        if (res != LUNIK_OK) {
            unlink_worker(server, worker);
            lunik_lua_raise(L, res);
        }
    }
}

/* worker(server): counts itself out, however it ends. */
static int worker_main(lua_State *L)
{
    struct lunik_http_server *server = lua_touserdata(L, 1);
    struct lunik_http_worker worker = { .task = lunik_task_self() }, **at;
    int status;

    worker.all_next = server->workers;
    server->workers = &worker;
    lua_pushcfunction(L, worker_body);
    lua_pushvalue(L, 1);
    lua_pushcfunction(L, lunik_http_error_handler);
    lua_getiuservalue(L, 1, HANDLER);
    lua_pushlightuserdata(L, &worker);
    status = lua_pcall(L, 4, 0, 0);
    for (at = &server->workers; *at != &worker;)
        at = &(*at)->all_next;
    *at = worker.all_next;
    server->worker_count--;
    server->is_woken = false;
    lunik_event_signal(&server->changed);
    if (status == LUA_OK)
        return 0;
    lunik_lua_push_cancelled(L);
    if (!lua_rawequal(L, -1, -2))
        lua_insert(L, -2);
    lua_pop(L, 1);
    return lua_error(L);
}

/* spawn(server) */
static int spawn_worker(lua_State *L)
{
    lua_pushcfunction(L, worker_main);
    lua_pushvalue(L, 1);
    lunik_lua_spawn(L, 1, NULL);
    return 0;
}

void lunik_http_before_handler(lua_State *L, struct lunik_http_server *server)
{
    int top;

    if (LUNIK_LIKELY(server->idle_workers != NULL)) {
        if (has_work(server))
            wake_worker(server);
        return;
    }
    if (server->is_woken || server->worker_count >= server->limits.workers)
        return;
    /* Without memory for one more, the others serve on. */
    top = lua_gettop(L);
    server->worker_count++;
    lua_pushcfunction(L, spawn_worker);
    lua_pushvalue(L, 1);
    if (lua_pcall(L, 1, 0, 0) == LUA_OK)
        server->is_woken = true; /* it looks at the queue first */
    else
        server->worker_count--;
    lua_settop(L, top);
}

/* ---- Making a server ---- */

static lua_Number check_limit(lua_State *L, const char *name, lua_Number value,
                              lua_Number low, lua_Number high)
{
    if (lua_getfield(L, -1, name) != LUA_TNIL) {
        value = lua_isnumber(L, -1) ? lua_tonumber(L, -1) : -1;
        if (!(value >= low && value <= high))
            luaL_error(L, "limits.%s: must be %f to %f", name, low, high);
    }
    lua_pop(L, 1);
    return value;
}

static uint64_t check_time(lua_State *L, const char *name, lua_Number seconds)
{
    seconds = check_limit(L, name, seconds, 0.001, 1e9);
    return (uint64_t)(seconds * (lua_Number)LUNIK_NS_PER_S);
}

static size_t clamp(size_t value, size_t low, size_t high)
{
    return value < low ? low : value > high ? high : value;
}

static void read_limits(lua_State *L, struct lunik_http_limits *limits)
{
    struct lunik_mem_info memory;
    struct lunik_socket_info sockets;

    lunik_mem_get_info(&memory);
    lunik_socket_get_info(&sockets);
    limits->connections =
        clamp(memory.free_bytes / CONNECTION_BYTES, 16, 65536);
    if (sockets.max > 64)
        limits->connections =
            clamp(limits->connections, 16, sockets.max - sockets.max / 16);
    limits->workers = clamp(memory.free_bytes / WORKER_BYTES, 4, 1024);
    if (lua_getfield(L, 1, "limits") == LUA_TNIL) {
        lua_pop(L, 1);
        lua_newtable(L);
    }
    luaL_checktype(L, -1, LUA_TTABLE);
    limits->head = (size_t)check_limit(L, "head", 16384, 128, 65535);
    limits->fields = (size_t)check_limit(L, "fields", 64, 1, 128);
    limits->body = (uint64_t)check_limit(L, "body", 1048576, 0, 1e15);
    limits->connections = (size_t)check_limit(
        L, "connections", (lua_Number)limits->connections, 1, 1e6);
    limits->workers = (size_t)check_limit(
        L, "workers", (lua_Number)limits->workers, 1, 65536);
    limits->head_ns = check_time(L, "head_time", 10);
    limits->body_idle_ns = check_time(L, "body_idle", 30);
    limits->keep_alive_ns = check_time(L, "keep_alive", 30);
    lua_pop(L, 1);
}

/* The number of arguments that a handler in Lua has: those that it has not
 * need not be made. */
static int count_arguments(lua_State *L, int index)
{
    lua_Debug ar;

    if (lua_type(L, index) != LUA_TFUNCTION)
        return 2; /* called by way of __call */
    lua_pushvalue(L, index);
    lua_getinfo(L, ">u", &ar);
    return ar.isvararg || ar.nparams > 2 ? 2 : ar.nparams;
}

static void check_handler(lua_State *L)
{
    lua_getfield(L, 1, "handler");
    if (lua_type(L, -1) != LUA_TFUNCTION &&
        luaL_getmetafield(L, -1, "__call") == LUA_TNIL)
        luaL_error(L, "http.server: handler must be a function");
    lua_getfield(L, 1, "handler");
}

/* http.server{ handler =, host =, port =, limits =, log =, drain = } */
static int http_server(lua_State *L)
{
    struct lunik_http_server *server;
    int type;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    server = lua_newuserdatauv(L, sizeof(*server), 3);
    memset(server, 0, sizeof(*server));
    luaL_setmetatable(L, SERVER);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &total_key);
    server->total = lua_touserdata(L, -1);
    check_handler(L);
    server->handler_arguments = count_arguments(L, -1);
    lua_setiuservalue(L, 2, HANDLER);
    type = lua_getfield(L, 1, "log");
    server->logs_lines = type == LUA_TBOOLEAN && lua_toboolean(L, -1);
    server->has_log = type == LUA_TFUNCTION;
    lua_setiuservalue(L, 2, LOG);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, 2, 3);
    read_limits(L, &server->limits);
    server->heads.time_ns = server->limits.head_ns;
    server->idle.time_ns = server->limits.keep_alive_ns;
    server->sending.time_ns = server->limits.body_idle_ns;
    server->lingering.time_ns = 2 * LUNIK_NS_PER_S;
    server->timer.fn = on_timer;
    server->timer.arg = server;
    server->drain_ns = 10 * LUNIK_NS_PER_S;
    if (lua_getfield(L, 1, "drain") != LUA_TNIL)
        server->drain_ns = lunik_lua_check_seconds(L, -1);
    lua_settop(L, 2);
    return 1;
}

/* ---- Listening ---- */

static lunik_result add_listener(struct lunik_http_server *server,
                                 const struct lunik_address *address,
                                 unsigned families)
{
    struct lunik_http_listener *listener;
    struct lunik_socket *socket;
    lunik_result res;

    if (server->listener_count == LUNIK_HTTP_LISTENERS_MAX)
        return LUNIK_ENOMEM;
    res = lunik_socket_open(LUNIK_STREAM, families, &socket);
    if (res != LUNIK_OK)
        return res;
    res = lunik_socket_set(socket, LUNIK_SOCKET_REUSE_ADDRESS, 1);
    if (res == LUNIK_OK)
        res = lunik_socket_bind(socket, address);
    if (res == LUNIK_OK)
        res = lunik_socket_listen(socket, BACKLOG);
    if (res != LUNIK_OK) {
        lunik_socket_close(socket);
        return res;
    }
    listener = &server->listeners[server->listener_count++];
    *listener = (struct lunik_http_listener) {
        .server = server,
        .socket = socket,
        .watch.fn = on_accept,
    };
    lunik_socket_watch(socket, &listener->watch);
    server->accepts = true;
    return LUNIK_OK;
}

static lunik_result listen_on(struct lunik_http_server *server,
                              const char *host, uint16_t port)
{
    struct lunik_address address = { .port = port };
    lunik_result res;
    size_t count;

    if (host == NULL || strcmp(host, "*") == 0) {
        address.family = LUNIK_IP6;
        return add_listener(server, &address, LUNIK_IP4 | LUNIK_IP6);
    }
    if (!lunik_address_parse(host, &address)) {
        res = lunik_task_wait_result(lunik_resolve(
            host, LUNIK_IP4 | LUNIK_IP6, LUNIK_NEVER, &address, 1, &count));
        if (res != LUNIK_OK)
            return res;
    }
    address.port = port;
    return add_listener(server, &address, address.family);
}

/* server:listen([host,] [port]) -> true | nil, err */
static int server_listen(lua_State *L)
{
    struct lunik_http_server *server = check_server(L);
    const char *host;
    lua_Integer port;
    lunik_result res;

    lua_settop(L, 3);
    if (lua_type(L, 2) == LUA_TNUMBER && lua_isnil(L, 3))
        lua_insert(L, 2);
    lua_getiuservalue(L, 1, 3);
    lua_getfield(L, 4, "host");
    lua_getfield(L, 4, "port");
    host = luaL_optstring(L, lua_isnil(L, 2) ? 5 : 2, NULL);
    port = luaL_optinteger(L, lua_isnil(L, 3) ? 6 : 3, 8080);
    luaL_argcheck(L, port >= 0 && port <= 65535, 3, "a port is 0 to 65535");
    lunik_lua_check(L);
    res = listen_on(server, host, (uint16_t)port);
    if (res != LUNIK_OK)
        return lunik_lua_fail_wait(L, res);
    lua_pushboolean(L, true);
    return 1;
}

/* server:address([index]) -> address, port */
static int server_address(lua_State *L)
{
    struct lunik_http_server *server = check_server(L);
    lua_Integer i = luaL_optinteger(L, 2, 1);
    char text[LUNIK_ADDRESS_TEXT_MAX];
    struct lunik_address address;

    if (i < 1 || (size_t)i > server->listener_count ||
        server->listeners[i - 1].socket == NULL)
        return lunik_lua_fail(L, LUNIK_ECLOSED);
    lunik_socket_get_local(server->listeners[i - 1].socket, &address);
    lua_pushlstring(L, text, lunik_address_format(&address, text));
    lua_pushinteger(L, address.port);
    return 2;
}

static void close_listeners(struct lunik_http_server *server)
{
    size_t i;

    for (i = 0; i < server->listener_count; i++) {
        if (server->listeners[i].socket == NULL)
            continue;
        lunik_socket_unwatch(&server->listeners[i].watch);
        lunik_socket_close(server->listeners[i].socket);
        server->listeners[i].socket = NULL;
    }
    server->listener_count = 0;
}

/* ---- Running ---- */

/* Connections that wait for a request have no answer to get. */
static void close_idle(lua_State *L, struct lunik_http_server *server)
{
    struct lunik_http_connection *c, *next;

    for (c = server->all; c != NULL; c = next) {
        next = c->all_next;
        if (c->state == LUNIK_HTTP_WAITING && c->head_size == 0)
            lunik_http_connection_close(L, c);
    }
}

/* Ends all that is left: no task serves it any more. */
static void close_all(lua_State *L, struct lunik_http_server *server)
{
    struct lunik_http_connection *c, *next;

    for (c = server->all; c != NULL; c = next) {
        next = c->all_next;
        if (c->state != LUNIK_HTTP_SERVED)
            lunik_http_connection_close(L, c);
    }
    server->queue_first = server->queue_last = NULL;
    lunik_timer_clear(&server->timer);
    if (server->spare != NULL) {
        lunik_http_parser_end(server->spare);
        lunik_mem_free(server->spare);
        server->spare = NULL;
    }
}

/* Wakes all idle workers, which then see that it is over. */
static void end_workers(struct lunik_http_server *server)
{
    server->is_running = false;
    do
        server->is_woken = false, wake_worker(server);
    while (server->is_woken && server->idle_workers != NULL);
    server->is_woken = false;
}

/* Ends the handlers that were given all the time there is. */
static void cancel_workers(struct lunik_http_server *server)
{
    struct lunik_http_worker *worker;

    for (worker = server->workers; worker != NULL; worker = worker->all_next)
        lunik_task_cancel(worker->task);
}

/* Waits until the server is to stop. */
static lunik_result wait_for_stop(struct lunik_http_server *server)
{
    struct lunik_event *events[] = { &server->changed, lunik_sys_stop_event() };
    lunik_result res = LUNIK_OK;

    while (res == LUNIK_OK && !server->is_draining && !lunik_sys_is_stopping())
        res = lunik_task_wait(events, 2, LUNIK_NEVER, NULL);
    return res;
}

/* Lets the answers that are under way go out. */
static lunik_result drain(lua_State *L, struct lunik_http_server *server)
{
    struct lunik_event *event = &server->changed;
    uint64_t deadline = lunik_time_after_ns(server->drain_ns);
    lunik_result res = LUNIK_OK;

    server->is_draining = true;
    close_listeners(server);
    close_idle(L, server);
    while (res == LUNIK_OK && server->connection_count > 0)
        res = lunik_task_wait(&event, 1, deadline, NULL);
    return res == LUNIK_EAGAIN ? LUNIK_OK : res;
}

/* server:run() -> true: serves until the server or the image is stopped */
static int server_run(lua_State *L)
{
    struct lunik_http_server *server = check_server(L);
    lunik_result res;

    lunik_lua_check(L);
    if (server->is_running || server->worker_count > 0)
        luaL_error(L, "the server runs already");
    if (server->listener_count == 0)
        luaL_error(L, "the server does not listen");
    lua_settop(L, 1);
    server->is_running = true;
    server->is_draining = false;
    server->worker_count = 1;
    lua_pushcfunction(L, spawn_worker);
    lua_pushvalue(L, 1);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
        server->is_running = false;
        server->worker_count = 0;
        return lua_error(L);
    }
    lunik_sys_hold_shutdown(true);
    res = wait_for_stop(server);
    if (res == LUNIK_OK)
        res = drain(L, server);
    close_listeners(server);
    end_workers(server);
    if (server->connection_count > 0)
        cancel_workers(server);
    close_all(L, server);
    if (res == LUNIK_ETIMEOUT || res == LUNIK_ECANCELED)
        lunik_lua_raise(L, res);
    lua_pushboolean(L, true);
    return 1;
}

/* server:stop([seconds]): ends run(), which gives what is under way so long */
static int server_stop(lua_State *L)
{
    struct lunik_http_server *server = check_server(L);

    if (!lua_isnoneornil(L, 2))
        server->drain_ns = lunik_lua_check_seconds(L, 2);
    server->is_draining = true;
    lunik_event_signal(&server->changed);
    return 0;
}

/* server:serve(stream) -> true: serves one connection that is no socket's, in
 * the calling task */
static int server_serve(lua_State *L)
{
    struct lunik_http_server *server = check_server(L);
    struct lunik_stream *io = lunik_lua_check_stream(L, 2);

    lunik_lua_check(L);
    lua_settop(L, 2);
    lua_pushcfunction(L, lunik_http_error_handler);
    lua_insert(L, 2); /* [server, error handler, stream] */
    lua_getiuservalue(L, 1, HANDLER);
    lua_insert(L, 3);
    lua_newuserdatauv(L, 0, LUNIK_HTTP_KEPT);
    lua_insert(L, 4); /* [server, error handler, handler, keeper, stream] */
    lunik_http_serve_stream(L, server, io);
    lua_pushboolean(L, true);
    return 1;
}

static int server_collect(lua_State *L)
{
    struct lunik_http_server *server = check_server(L);

    close_listeners(server);
    lunik_timer_clear(&server->timer);
    /* If its tasks hold it, the state is being closed, and with it the image.
     */
    if (!server->is_running)
        close_all(L, server);
    return 0;
}

/* __close: as stop() */
static int server_close(lua_State *L)
{
    struct lunik_http_server *server = check_server(L);

    close_listeners(server);
    server->is_draining = true;
    lunik_event_signal(&server->changed);
    return 0;
}

static const luaL_Reg methods[] = {
    { "listen", server_listen }, { "address", server_address },
    { "run", server_run },       { "stop", server_stop },
    { "serve", server_serve },   { NULL, NULL },
};

/* server.stats, or a method; upvalue 1: the methods that were used */
static int server_index(lua_State *L)
{
    struct lunik_http_server *server = check_server(L);

    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
        return 1;
    if (lua_type(L, 2) != LUA_TSTRING)
        return 0;
    if (lunik_http_push_method(L, methods, 2, lua_upvalueindex(1)))
        return 1;
    if (strcmp(lua_tostring(L, 2), "stats") != 0)
        return 0;
    push_counts(L, &server->counts);
    set_count(L, "connections", server->connection_count);
    set_count(L, "workers", server->worker_count);
    set_count(L, "idle_workers", server->idle_count);
    return 1;
}

/* http.serve{ ... } -> true | nil, err */
static int http_serve(lua_State *L)
{
    lua_settop(L, 1);
    lua_pushcfunction(L, http_server);
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    lua_pushcfunction(L, server_listen);
    lua_pushvalue(L, 2);
    lua_call(L, 1, 2);
    if (!lua_toboolean(L, 3))
        return 2;
    lua_pushcfunction(L, server_run);
    lua_pushvalue(L, 2);
    lua_call(L, 1, 1);
    return 1;
}

void lunik_http_open_server(lua_State *L)
{
    static const luaL_Reg metamethods[] = {
        { "__gc", server_collect },
        { "__close", server_close },
        { NULL, NULL },
    };
    static const luaL_Reg functions[] = {
        { "server", http_server },
        { "serve", http_serve },
        { "stats", http_stats },
        { NULL, NULL },
    };

    memset(lua_newuserdatauv(L, sizeof(struct lunik_http_counts), 0), 0,
           sizeof(struct lunik_http_counts));
    lua_rawsetp(L, LUA_REGISTRYINDEX, &total_key);
    luaL_newmetatable(L, SERVER);
    luaL_setfuncs(L, metamethods, 0);
    lua_newtable(L);
    lua_pushcclosure(L, server_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
