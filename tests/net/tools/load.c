/* SPDX-License-Identifier: MIT */
/*
 * load.c: an HTTP load generator: N connections that each ask again as soon as
 * the answer is whole.
 *
 *   load --host IP [--port N] [--path /…] [--connections N]
 *        [--seconds N | --requests N] [--fresh] [--patience MS] [--parts N]
 *
 * --fresh makes a connection for each request, with "Connection: close"; the
 * server closes. --parts divides the time and gives each part's rate, so that
 * a server that slows down shows it. An answer counts when its status is 200
 * and its body is as long as it says; latencies are in microseconds.
 */
#include "tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

#define ANSWER_MAX 65536
#define PARTS_MAX 1000
#define SLOTS 4096 /* of latencies: 16 steps for each power of two */

struct connection {
    int fd; /* -1: none */
    bool is_connected, had_answer;
    size_t sent, got;
    long left; /* of the body; -1: the head is not whole */
    uint64_t began_ns;
    char head[4096];
};

static struct {
    struct sockaddr_storage to;
    socklen_t to_size;
    char request[1024];
    size_t request_size;
    bool is_fresh;
    uint64_t patience_ns, began_ns, end_ns;
    long requests_max, parts, connection_count;
    int poll;
    struct connection *connections;
    /* What happened. */
    long started, done, connects;
    long connect_errors, read_errors, status_errors, timeouts;
    long by_part[PARTS_MAX];
    long slots[SLOTS];
    uint64_t longest_ns;
} load;

/* ---- Latencies ---- */

static unsigned slot_of(uint64_t us)
{
    unsigned power;

    if (us < 16)
        return (unsigned)us;
    power = 63u - (unsigned)__builtin_clzll(us);
    return (power - 3) * 16 + (unsigned)(us >> (power - 4)) - 16;
}

static uint64_t slot_start(unsigned slot)
{
    unsigned power;

    if (slot < 16)
        return slot;
    power = slot / 16 + 3;
    return (uint64_t)(16 + slot % 16) << (power - 4);
}

static uint64_t percentile(double share)
{
    long wanted = (long)((double)load.done * share), seen = 0;

    for (unsigned i = 0; i < SLOTS; i++) {
        seen += load.slots[i];
        if (seen > wanted)
            return slot_start(i);
    }
    return load.longest_ns / 1000;
}

static void count_answer(struct connection *c, uint64_t now)
{
    uint64_t took = now - c->began_ns;
    uint64_t whole = load.end_ns - load.began_ns;
    uint64_t part = (now - load.began_ns) * (uint64_t)load.parts / whole;

    load.done++;
    load.slots[slot_of(took / 1000)]++;
    if (took > load.longest_ns)
        load.longest_ns = took;
    if (part < (uint64_t)load.parts)
        load.by_part[part]++;
}

/* ---- One connection ---- */

static void drop(struct connection *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

static bool may_start(uint64_t now)
{
    return now < load.end_ns && !tool_is_told_to_end &&
           (load.requests_max == 0 || load.started < load.requests_max);
}

static void open_connection(struct connection *c)
{
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET,
                                 .data.ptr = c };

    drop(c);
    c->fd = tool_connect(&load.to, load.to_size);
    if (c->fd < 0) {
        load.connect_errors++;
        return;
    }
    c->is_connected = c->had_answer = false;
    c->sent = load.request_size;
    load.connects++;
    if (epoll_ctl(load.poll, EPOLL_CTL_ADD, c->fd, &event) != 0)
        tool_die("epoll: %s", strerror(errno));
}

/* Writes what is left of the request. False: the connection is of no use. */
static bool push(struct connection *c)
{
    while (c->sent < load.request_size) {
        ssize_t n =
            write(c->fd, load.request + c->sent, load.request_size - c->sent);

        if (n < 0 && errno == EAGAIN)
            return true;
        if (n <= 0)
            return false;
        c->sent += (size_t)n;
    }
    return true;
}

/* Begins a request; on a new connection if each is to have its own. */
static void ask(struct connection *c, uint64_t now)
{
    if (!may_start(now)) {
        drop(c);
        return;
    }
    load.started++;
    c->began_ns = now;
    c->got = 0;
    c->left = -1;
    if (c->fd < 0 || load.is_fresh) {
        open_connection(c);
        c->sent = 0;
        return;
    }
    c->sent = 0;
    if (!push(c)) {
        load.read_errors++;
        drop(c);
    }
}

static void fail(struct connection *c, long *counter)
{
    (*counter)++;
    drop(c);
}

/* Takes the head apart once it is whole: the body's rest, or -1 not yet. */
static long body_left(struct connection *c, size_t *status)
{
    char *end, *at;
    long length = 0;

    c->head[c->got] = '\0';
    end = strstr(c->head, "\r\n\r\n");
    if (end == NULL)
        return -1;
    *status = (size_t)strtoul(c->head + 9, NULL, 10);
    at = strcasestr(c->head, "\r\ncontent-length:");
    if (at != NULL && at < end)
        length = strtol(at + 17, NULL, 10);
    return length - (long)(c->got - (size_t)(end + 4 - c->head));
}

/* The server closes first: only then does it have to remember the connection
 * (TIME-WAIT). Results as of pull(). */
static int await_end(struct connection *c)
{
    char byte;
    ssize_t n = read(c->fd, &byte, 1);

    if (n == 0)
        return 1;
    if (n < 0 && errno == EAGAIN)
        return 0;
    fail(c, n < 0 ? &load.read_errors : &load.status_errors);
    return -1;
}

/* Reads. 1: the answer is whole; 0: wait; -1: over, counted. */
static int pull(struct connection *c)
{
    static char body[ANSWER_MAX];

    if (c->left == 0)
        return await_end(c);

    for (;;) {
        bool in_head = c->left < 0;
        char *to = in_head ? c->head + c->got : body;
        size_t room = in_head ? sizeof c->head - 1 - c->got : sizeof body;
        ssize_t n = read(c->fd, to, room);

        if (n < 0 && errno == EAGAIN)
            return 0;
        if (n <= 0) {
            fail(c, &load.read_errors);
            return -1;
        }
        if (in_head) {
            size_t status = 200;

            c->got += (size_t)n;
            c->left = body_left(c, &status);
            if (status != 200 ||
                (c->left < 0 && c->got == sizeof c->head - 1)) {
                fail(c, &load.status_errors);
                return -1;
            }
        } else {
            c->left -= n;
        }
        if (c->left == 0)
            return load.is_fresh ? await_end(c) : 1;
        if (c->left < 0 && !in_head) {
            fail(c, &load.status_errors); /* more than was promised */
            return -1;
        }
    }
}

static void on_event(struct connection *c, uint32_t events)
{
    uint64_t now = tool_now_ns();

    if (c->fd < 0)
        return;
    if (!c->is_connected && (events & (EPOLLERR | EPOLLHUP)) != 0) {
        fail(c, &load.connect_errors);
        return;
    }
    if ((events & EPOLLOUT) != 0) {
        c->is_connected = true;
        if (!push(c)) {
            fail(c, &load.read_errors);
            return;
        }
    }
    if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) == 0 || !c->is_connected)
        return;
    if (pull(c) == 1) {
        count_answer(c, tool_now_ns());
        ask(c, now);
    }
}

/* ---- The whole ---- */

/* Starts idle ones again, gives up on silent ones; true while any works. */
static bool sweep(uint64_t now)
{
    bool any = false;

    for (long i = 0; i < load.connection_count; i++) {
        struct connection *c = &load.connections[i];

        if (c->fd >= 0 && now > c->began_ns + load.patience_ns)
            fail(c, &load.timeouts);
        if (c->fd < 0)
            ask(c, now);
        any = any || c->fd >= 0;
    }
    return any;
}

static void run(void)
{
    struct epoll_event events[256];
    uint64_t next_sweep = 0;

    load.began_ns = tool_now_ns();
    load.end_ns += load.began_ns;
    for (;;) {
        uint64_t now = tool_now_ns();
        int n;

        if (now >= next_sweep) {
            if (!sweep(now))
                break;
            next_sweep = now + 20000000;
        }
        /* What is on its way at the end has a moment to arrive. */
        if (now > load.end_ns + load.patience_ns)
            break;
        n = epoll_wait(load.poll, events, 256, 20);
        for (int i = 0; i < n; i++)
            on_event(events[i].data.ptr, events[i].events);
        if (load.requests_max != 0 && load.done >= load.requests_max)
            break;
    }
}

static void print_figures(void)
{
    uint64_t now = tool_now_ns();
    uint64_t until =
        now < load.end_ns || load.requests_max != 0 ? now : load.end_ns;
    double seconds = (double)(until - load.began_ns) / 1e9;

    printf("requests %ld\n", load.done);
    printf("seconds %.3f\n", seconds);
    printf("rate %.1f\n", (double)load.done / seconds);
    printf("connects %ld\n", load.connects);
    printf("connect_errors %ld\n", load.connect_errors);
    printf("read_errors %ld\n", load.read_errors);
    printf("status_errors %ld\n", load.status_errors);
    printf("timeouts %ld\n", load.timeouts);
    printf("p50 %llu\n", (unsigned long long)percentile(0.5));
    printf("p90 %llu\n", (unsigned long long)percentile(0.9));
    printf("p99 %llu\n", (unsigned long long)percentile(0.99));
    printf("longest %llu\n", (unsigned long long)(load.longest_ns / 1000));
    for (long i = 0; i < load.parts && load.parts > 1; i++)
        printf("part.%ld %.1f\n", i + 1,
               (double)load.by_part[i] * (double)load.parts / seconds);
}

int main(int argc, char **argv)
{
    const char *host = tool_word(argc, argv, "host", "127.0.0.1");
    const char *path = tool_word(argc, argv, "path", "/");
    long port = tool_number(argc, argv, "port", 8080);
    long seconds = tool_number(argc, argv, "seconds", 0);

    load.connection_count = tool_number(argc, argv, "connections", 1);
    load.requests_max = tool_number(argc, argv, "requests", 0);
    load.is_fresh = tool_flag(argc, argv, "fresh");
    load.parts = tool_number(argc, argv, "parts", 1);
    load.patience_ns =
        (uint64_t)tool_number(argc, argv, "patience", 5000) * 1000000u;
    tool_end_words(argc, argv);
    if (load.parts < 1 || load.parts > PARTS_MAX)
        tool_die("--parts is 1 to %d", PARTS_MAX);
    if (seconds == 0)
        seconds = load.requests_max != 0 ? 600 : 5;
    load.end_ns = (uint64_t)seconds * 1000000000u;
    load.to_size = tool_address(host, port, &load.to);
    load.request_size =
        (size_t)snprintf(load.request, sizeof load.request,
                         "GET %s HTTP/1.1\r\nHost: guest\r\n%s\r\n", path,
                         load.is_fresh ? "Connection: close\r\n" : "");
    tool_raise_file_limit();
    tool_catch_signals();
    load.poll = epoll_create1(EPOLL_CLOEXEC);
    load.connections =
        calloc((size_t)load.connection_count, sizeof *load.connections);
    if (load.poll < 0 || load.connections == NULL)
        tool_die("no memory");
    for (long i = 0; i < load.connection_count; i++)
        load.connections[i].fd = -1;
    run();
    print_figures();
    return 0;
}
