/* SPDX-License-Identifier: MIT */
/*
 * load.c: a load generator for HTTP/1.1: many connections, one thread, one
 * request at a time on each.
 *
 * Times go into a histogram whose buckets are 1/32 wide of their value, so a
 * figure from it is off by 3 % at most.
 */
#include "answer.h"
#include "host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <lauxlib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)
#define CONNECTIONS_MAX 65536
#define READ_SIZE ((size_t)64 * 1024)
#define EVENTS 256
/* A server that is gone: so many errors in a row end the run. */
#define HOPELESS 2000
/* Between an attempt to connect that failed and the next. */
#define RETRY_NS (NS_PER_S / 100)
#define LOOK_NS (NS_PER_S / 20)

/* Buckets: 32 for each power of two of nanoseconds. */
#define SUB_BITS 5
#define BUCKETS ((64 - SUB_BITS) << SUB_BITS)

struct connection {
    int fd;          /* -1: to be opened at (began) */
    uint64_t began;  /* the request; with fresh connections, the connect */
    size_t sent;     /* of the request */
    bool is_new;     /* the connect has not been confirmed */
    bool is_waiting; /* for an answer */
    struct lunik_answer answer;
};

struct run {
    struct sockaddr_storage address;
    socklen_t address_size;
    const char *request;
    size_t request_size;
    bool is_fresh;  /* each request on a connection of its own */
    uint64_t limit; /* of requests; 0: none */
    uint64_t timeout_ns;
    int events;
    size_t count;
    struct connection *connections;
    char *heads, *in;
    uint64_t started, done, bytes, opened;
    uint64_t statuses[6]; /* by the first digit; 0: others */
    uint64_t connect_errors, read_errors, format_errors, timeouts;
    unsigned in_a_row;
    uint64_t slowest, fastest, total_ns;
    uint64_t buckets[BUCKETS];
};

static uint64_t now_ns(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * NS_PER_S + (uint64_t)at.tv_nsec;
}

/* ---- Histogram ---- */

static size_t bucket_of(uint64_t ns)
{
    unsigned top;

    if (ns < 1u << SUB_BITS)
        return (size_t)ns;
    top = 63u - (unsigned)__builtin_clzll(ns);
    return ((size_t)(top - SUB_BITS + 1) << SUB_BITS) +
           (size_t)(ns >> (top - SUB_BITS) & ((1u << SUB_BITS) - 1));
}

/* The smallest value of the bucket after (index). */
static uint64_t bucket_end(size_t index)
{
    size_t row = index >> SUB_BITS, sub = (index & ((1u << SUB_BITS) - 1)) + 1;

    if (row == 0)
        return sub;
    return ((uint64_t)1 << (row + SUB_BITS - 1)) + ((uint64_t)sub << (row - 1));
}

static void count_answer(struct run *run, const struct connection *c,
                         uint64_t now)
{
    uint64_t took = now - c->began;
    size_t bucket = bucket_of(took);

    run->buckets[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
    run->total_ns += took;
    if (run->done == 0 || took < run->fastest)
        run->fastest = took;
    if (took > run->slowest)
        run->slowest = took;
    run->done++;
    run->statuses[c->answer.kind]++;
    run->in_a_row = 0;
}

/* ---- Connections ---- */

static void drop(struct connection *c, uint64_t again)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    c->is_waiting = false;
    c->began = again;
}

static void set_events(struct run *run, struct connection *c, int operation,
                       uint32_t wants)
{
    struct epoll_event event = { .events = wants, .data.ptr = c };

    epoll_ctl(run->events, operation, c->fd, &event);
}

static bool has_more(const struct run *run)
{
    return run->limit == 0 || run->started < run->limit;
}

static void start_connect(struct run *run, struct connection *c, uint64_t now)
{
    int on = 1;

    c->fd = socket(run->address.ss_family,
                   SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) {
        run->connect_errors++;
        run->in_a_row++;
        c->began = now + RETRY_NS;
        return;
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    c->is_new = true;
    c->is_waiting = false;
    c->sent = 0;
    c->began = now;
    run->opened++;
    run->started++;
    if (connect(c->fd, (struct sockaddr *)&run->address, run->address_size) !=
            0 &&
        errno != EINPROGRESS) {
        run->connect_errors++;
        run->in_a_row++;
        run->started--;
        drop(c, now + RETRY_NS);
        return;
    }
    set_events(run, c, EPOLL_CTL_ADD, EPOLLOUT);
}

/* The request was lost. */
static void fail_request(struct run *run, struct connection *c, uint64_t now,
                         uint64_t *counter)
{
    (*counter)++;
    run->in_a_row++;
    run->started--;
    drop(c, now + RETRY_NS);
}

static void begin_request(struct connection *c, uint64_t now)
{
    c->began = now;
    c->sent = 0;
    c->is_waiting = true;
    lunik_answer_begin(&c->answer);
}

static void send_request(struct run *run, struct connection *c, uint64_t now)
{
    while (c->sent < run->request_size) {
        ssize_t n = send(c->fd, run->request + c->sent,
                         run->request_size - c->sent, MSG_NOSIGNAL);

        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            set_events(run, c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
            return;
        }
        if (n < 0) {
            fail_request(run, c, now, &run->read_errors);
            return;
        }
        c->sent += (size_t)n;
    }
}

/* ---- Answers ---- */

static void finish_answer(struct run *run, struct connection *c, uint64_t now)
{
    count_answer(run, c, now);
    c->is_waiting = false;
    if (c->answer.closes || run->is_fresh) {
        drop(c, now);
        if (has_more(run))
            start_connect(run, c, now);
    } else if (has_more(run)) {
        run->started++;
        begin_request(c, now);
        send_request(run, c, now);
    }
}

static void receive(struct run *run, struct connection *c, uint64_t now)
{
    ssize_t n = recv(c->fd, run->in, READ_SIZE, 0);
    int complete;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (!c->is_waiting) { /* the server closes an idle connection */
        drop(c, now);
        return;
    }
    if (n == 0 && lunik_answer_ends_at_close(&c->answer)) {
        finish_answer(run, c, now);
        return;
    }
    if (n <= 0) {
        fail_request(run, c, now, &run->read_errors);
        return;
    }
    run->bytes += (uint64_t)n;
    complete = lunik_answer_take(&c->answer, run->in, (size_t)n);
    if (complete > 0)
        finish_answer(run, c, now_ns());
    else if (complete < 0)
        fail_request(run, c, now, &run->format_errors);
}

static void on_event(struct run *run, struct connection *c, uint32_t events)
{
    uint64_t now = now_ns();

    if (c->fd < 0)
        return;
    if (c->is_new) {
        int number = 0;
        socklen_t size = sizeof(number);
        uint64_t began = c->began;

        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &number, &size);
        if (number) {
            fail_request(run, c, now, &run->connect_errors);
            return;
        }
        c->is_new = false;
        begin_request(c, run->is_fresh ? began : now);
        set_events(run, c, EPOLL_CTL_MOD, EPOLLIN);
        send_request(run, c, now);
        return;
    }
    if (events & EPOLLOUT && c->sent < run->request_size) {
        set_events(run, c, EPOLL_CTL_MOD, EPOLLIN);
        send_request(run, c, now);
    }
    if (c->fd >= 0 && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        receive(run, c, now);
}

/* ---- The run ---- */

/* Gives up what takes too long, and opens again what failed. */
static void look_at_all(struct run *run, uint64_t now)
{
    for (size_t i = 0; i < run->count; i++) {
        struct connection *c = &run->connections[i];

        if (c->fd < 0 && c->began <= now && has_more(run))
            start_connect(run, c, now);
        else if (c->fd >= 0 && (c->is_new || c->is_waiting) &&
                 now - c->began > run->timeout_ns)
            fail_request(run, c, now, &run->timeouts);
    }
}

/* The signal that came while (drive) ran. */
static volatile sig_atomic_t came;

static void on_signal(int number)
{
    came = number;
}

/* Returns: why it ended. */
static const char *drive(struct run *run, uint64_t end)
{
    struct epoll_event events[EVENTS];
    uint64_t next_look = 0;

    for (;;) {
        uint64_t now = now_ns();
        int count;

        if (came)
            return "interrupted";
        if (now >= end)
            return "time";
        if (run->limit && run->done >= run->limit)
            return "requests";
        if (run->in_a_row >= HOPELESS)
            return "errors";
        if (now >= next_look) {
            look_at_all(run, now);
            next_look = now + LOOK_NS;
        }
        count = epoll_wait(run->events, events, EVENTS, 10);
        for (int i = 0; i < count; i++)
            on_event(run, events[i].data.ptr, events[i].events);
    }
}

/* As drive(). What asks for the end does so here, and then once more for those
 * who handled it before. */
static const char *drive_interruptibly(struct run *run, uint64_t end)
{
    static const int numbers[] = { SIGINT, SIGTERM };
    struct sigaction ours = { .sa_handler = on_signal }, before[2];
    const char *why;

    came = 0;
    for (size_t i = 0; i < 2; i++)
        sigaction(numbers[i], &ours, &before[i]);
    why = drive(run, end);
    for (size_t i = 0; i < 2; i++)
        sigaction(numbers[i], &before[i], NULL);
    if (came)
        raise(came);
    return why;
}

static void set_integer(lua_State *L, const char *name, uint64_t value)
{
    lua_pushinteger(L, (lua_Integer)value);
    lua_setfield(L, -2, name);
}

/* Pushes the table of what came of it. */
static void push_result(lua_State *L, const struct run *run, uint64_t took,
                        const char *why)
{
    lua_Integer n = 0;

    lua_newtable(L);
    lua_pushnumber(L, (lua_Number)took / (lua_Number)NS_PER_S);
    lua_setfield(L, -2, "seconds");
    lua_pushstring(L, why);
    lua_setfield(L, -2, "ended");
    set_integer(L, "requests", run->done);
    set_integer(L, "bytes", run->bytes);
    set_integer(L, "opened", run->opened);
    set_integer(L, "connect_errors", run->connect_errors);
    set_integer(L, "read_errors", run->read_errors);
    set_integer(L, "format_errors", run->format_errors);
    set_integer(L, "timeouts", run->timeouts);
    set_integer(L, "fastest", run->fastest);
    set_integer(L, "slowest", run->slowest);
    set_integer(L, "mean", run->done ? run->total_ns / run->done : 0);
    lua_newtable(L);
    for (int i = 0; i < 6; i++) {
        lua_pushinteger(L, (lua_Integer)run->statuses[i]);
        lua_rawseti(L, -2, i);
    }
    lua_setfield(L, -2, "statuses");
    lua_newtable(L);
    for (size_t i = 0; i < BUCKETS; i++) {
        if (!run->buckets[i])
            continue;
        lua_createtable(L, 0, 2);
        set_integer(L, "below", bucket_end(i));
        set_integer(L, "count", run->buckets[i]);
        lua_rawseti(L, -2, ++n);
    }
    lua_setfield(L, -2, "buckets");
}

static bool set_address(struct run *run, const char *text, int port)
{
    struct sockaddr_in *in4 = (struct sockaddr_in *)&run->address;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&run->address;

    if (inet_pton(AF_INET, text, &in4->sin_addr) == 1) {
        in4->sin_family = AF_INET;
        in4->sin_port = htons((uint16_t)port);
        run->address_size = sizeof(*in4);
        return true;
    }
    if (inet_pton(AF_INET6, text, &in6->sin6_addr) != 1)
        return false;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons((uint16_t)port);
    run->address_size = sizeof(*in6);
    return true;
}

static void free_run(struct run *run)
{
    for (size_t i = 0; run->connections && i < run->count; i++)
        if (run->connections[i].fd >= 0)
            close(run->connections[i].fd);
    if (run->events >= 0)
        close(run->events);
    free(run->connections);
    free(run->heads);
    free(run->in);
    free(run);
}

static struct run *make_run(size_t count)
{
    struct run *run = calloc(1, sizeof(*run));

    if (!run)
        return NULL;
    run->events = epoll_create1(EPOLL_CLOEXEC);
    run->count = count;
    run->connections = calloc(count, sizeof(*run->connections));
    run->heads = malloc(count * LUNIK_ANSWER_HEAD_MAX);
    run->in = malloc(READ_SIZE);
    for (size_t i = 0; run->connections && i < count; i++) {
        run->connections[i].fd = -1;
        run->connections[i].answer.head =
            run->heads + i * LUNIK_ANSWER_HEAD_MAX;
    }
    if (run->events >= 0 && run->connections && run->heads && run->in)
        return run;
    free_run(run);
    return NULL;
}

static lua_Integer integer_field(lua_State *L, const char *name,
                                 lua_Integer least, lua_Integer most)
{
    lua_Integer value;

    lua_getfield(L, 1, name);
    value = lua_tointeger(L, -1);
    luaL_argcheck(L, value >= least && value <= most, 1, name);
    lua_pop(L, 1);
    return value;
}

int lunik_host_load(lua_State *L)
{
    lua_Integer count, port, limit, timeout_ms, duration_ms;
    uint64_t began, end;
    struct run *run;
    const char *why;

    luaL_checktype(L, 1, LUA_TTABLE);
    count = integer_field(L, "connections", 1, CONNECTIONS_MAX);
    port = integer_field(L, "port", 1, 65535);
    limit = integer_field(L, "requests", 0, INT64_MAX);
    timeout_ms = integer_field(L, "timeout_ms", 1, 3600000);
    duration_ms = integer_field(L, "duration_ms", 1, 86400000);
    lua_settop(L, 1);
    lua_getfield(L, 1, "address");
    lua_getfield(L, 1, "request");
    lua_getfield(L, 1, "is_fresh");
    luaL_argcheck(L, lua_isstring(L, 2) && lua_isstring(L, 3), 1, "texts");
    run = make_run((size_t)count);
    if (!run)
        return luaL_error(L, "out of memory");
    if (!set_address(run, lua_tostring(L, 2), (int)port)) {
        free_run(run);
        return luaL_argerror(L, 1, "not an address");
    }
    run->request = lua_tolstring(L, 3, &run->request_size);
    run->is_fresh = lua_toboolean(L, 4);
    run->limit = (uint64_t)limit;
    run->timeout_ns = (uint64_t)timeout_ms * (NS_PER_S / 1000);
    began = now_ns();
    end = began + (uint64_t)duration_ms * (NS_PER_S / 1000);
    why = drive_interruptibly(run, end);
    push_result(L, run, now_ns() - began, why);
    free_run(run);
    return 1;
}
