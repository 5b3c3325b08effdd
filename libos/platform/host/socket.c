/* SPDX-License-Identifier: MIT */
/*
 * socket.c: <lunik/socket.h> on Linux's own sockets.
 *
 * Every socket is a non-blocking descriptor that is watched for its whole life.
 * What it can do now is asked of Linux when somebody wants to know; only what
 * Linux tells once, an error, is kept. A stream's bytes lie in a buffer of ours
 * just while somebody looks at them by lunik_socket_peek().
 */
#include "host_socket.h"
#include "platform.h"
#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <lunik/log.h>
#include <lunik/panic.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_SIZE ((size_t)16 * 1024)
#define DATAGRAM_MAX 65507

/* A call of lunik_socket_wait(), on its fiber's stack. */
struct host_waiter {
    struct lunik_event event;
    struct host_waiter *next;
    bool is_closed;
};

static size_t open_count, open_max;
static uint8_t *spare_buffer;

/* ---- Errors ---- */

lunik_result platform_host_result(int number)
{
    switch (number) {
    case EAGAIN:
    case EINPROGRESS:
    case EALREADY:
        return LUNIK_EAGAIN;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
        return LUNIK_ENOMEM;
    case ETIMEDOUT:
        return LUNIK_ETIMEOUT;
    case EADDRINUSE:
        return LUNIK_EINUSE;
    case ECONNREFUSED:
        return LUNIK_EREFUSED;
    case ECONNRESET:
    case ECONNABORTED:
        return LUNIK_ERESET;
    case EPIPE:
    case ESHUTDOWN:
        return LUNIK_ECLOSED;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case EPERM: /* a firewall's answer */
        return LUNIK_EUNREACHABLE;
    default:
        return LUNIK_EINVAL;
    }
}

/* Keeps why a stream failed: Linux tells once. */
static lunik_result fail(struct lunik_socket *socket, int number)
{
    lunik_result result = platform_host_result(number);

    if (result != LUNIK_EAGAIN && result != LUNIK_ECLOSED &&
        socket->type == LUNIK_STREAM && socket->error == LUNIK_OK)
        socket->error = result;
    return result;
}

/* ---- State ---- */

/* What Linux knows is asked late; to the caller a const socket stays as it was,
 * for he could not have known. */
static struct lunik_socket *mutable(const struct lunik_socket *socket)
{
    return (struct lunik_socket *)(uintptr_t)socket;
}

static bool is_failed(const struct lunik_socket *socket)
{
    return socket->error != LUNIK_OK;
}

static unsigned ask_linux(const struct lunik_socket *socket)
{
    struct pollfd ask = { .fd = socket->fd,
                          .events = POLLIN | POLLOUT | POLLRDHUP };

    return poll(&ask, 1, 0) > 0 ? (unsigned short)ask.revents : 0;
}

/* Takes note of an error, and of the end of connecting. */
static unsigned refresh(struct lunik_socket *socket)
{
    unsigned now = ask_linux(socket);
    socklen_t size = sizeof(int);
    int number = 0;

    if (socket->type != LUNIK_STREAM)
        return now;
    if (now & POLLERR || (socket->state == LUNIK_SOCKET_CONNECTING &&
                          now & (POLLOUT | POLLHUP))) {
        getsockopt(socket->fd, SOL_SOCKET, SO_ERROR, &number, &size);
        if (number)
            fail(socket, number);
        else if (socket->state == LUNIK_SOCKET_CONNECTING)
            socket->was_connected = true;
        if (socket->state == LUNIK_SOCKET_CONNECTING)
            socket->state = LUNIK_SOCKET_CONNECTED;
    }
    return now;
}

unsigned lunik_socket_ready(const struct lunik_socket *socket)
{
    unsigned now = refresh(mutable(socket)), ready = 0;

    if (is_failed(socket))
        ready |= LUNIK_FAILED | LUNIK_READABLE | LUNIK_WRITABLE;
    if (socket->type == LUNIK_DATAGRAM) {
        ready |= now & (POLLIN | POLLERR) ? LUNIK_READABLE : 0;
        ready |= now & (POLLOUT | POLLERR) ? LUNIK_WRITABLE : 0;
    } else if (socket->state == LUNIK_SOCKET_LISTENING) {
        ready |= now & POLLIN ? LUNIK_READABLE : 0;
    } else if (socket->state == LUNIK_SOCKET_CONNECTED) {
        if (now & POLLIN || socket->buffer || socket->has_ended)
            ready |= LUNIK_READABLE;
        ready |= now & POLLOUT ? LUNIK_WRITABLE : 0;
        ready |= now & (POLLRDHUP | POLLHUP) ? LUNIK_HANGUP : 0;
    }
    return ready;
}

lunik_result lunik_socket_get_error(const struct lunik_socket *socket)
{
    (void)refresh(mutable(socket));
    return socket->error;
}

enum lunik_socket_state
lunik_socket_get_state(const struct lunik_socket *socket)
{
    if (socket->state == LUNIK_SOCKET_CONNECTING)
        (void)refresh(mutable(socket));
    return socket->state;
}

enum lunik_socket_type lunik_socket_get_type(const struct lunik_socket *socket)
{
    return socket->type;
}

unsigned lunik_socket_get_families(const struct lunik_socket *socket)
{
    return socket->families;
}

/* ---- Watches ---- */

static void on_change(struct platform_host_watch *watch, uint32_t events)
{
    struct lunik_socket *socket = (struct lunik_socket *)(void *)watch;

    (void)events;
    for (struct host_waiter *waiter = socket->waiters; waiter;
         waiter = waiter->next)
        lunik_event_signal(&waiter->event);
    socket->cursor = socket->watches;
    while (socket->cursor) {
        struct lunik_watch *called = socket->cursor;

        socket->cursor = called->next;
        called->fn(called);
    }
}

void lunik_socket_watch(struct lunik_socket *socket, struct lunik_watch *watch)
{
    LUNIK_ASSERT(watch->fn != NULL);
    LUNIK_ASSERT(watch->socket == NULL);
    watch->socket = socket;
    watch->prev = NULL;
    watch->next = socket->watches;
    if (watch->next)
        watch->next->prev = watch;
    socket->watches = watch;
}

void lunik_socket_unwatch(struct lunik_watch *watch)
{
    struct lunik_socket *socket = watch->socket;

    if (!socket)
        return;
    if (socket->cursor == watch)
        socket->cursor = watch->next;
    if (watch->prev)
        watch->prev->next = watch->next;
    else
        socket->watches = watch->next;
    if (watch->next)
        watch->next->prev = watch->prev;
    watch->socket = NULL;
    watch->next = watch->prev = NULL;
}

/* (Not inline: GCC sees the waiter stay behind in a socket that was closed,
 * and does not see that the socket is gone then.) */
static LUNIK_NOINLINE void add_waiter(struct lunik_socket *socket,
                                      struct host_waiter *waiter)
{
    waiter->next = socket->waiters;
    socket->waiters = waiter;
}

static void remove_waiter(struct lunik_socket *socket,
                          struct host_waiter *waiter)
{
    struct host_waiter **at = &socket->waiters;

    while (*at != waiter)
        at = &(*at)->next;
    *at = waiter->next;
}

lunik_result lunik_socket_wait(struct lunik_socket *socket, unsigned wanted,
                               uint64_t deadline_ns)
{
    struct host_waiter waiter = { .next = NULL };
    lunik_result result = LUNIK_OK;

    add_waiter(socket, &waiter);
    while (result == LUNIK_OK && !waiter.is_closed &&
           !(lunik_socket_ready(socket) & wanted))
        result = lunik_event_wait(&waiter.event, deadline_ns);
    if (waiter.is_closed)
        return LUNIK_ECLOSED;
    remove_waiter(socket, &waiter);
    return result;
}

/* ---- Open and close ---- */

static void init_bound(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    open_max = limit.rlim_cur < INT_MAX ? (size_t)limit.rlim_cur : INT_MAX;
}

/* Makes the socket for (fd), which it closes if it cannot. */
static lunik_result wrap(int fd, int family, enum lunik_socket_type type,
                         unsigned families, struct lunik_socket **out)
{
    struct lunik_socket *socket = calloc(1, sizeof(*socket));
    lunik_result result = LUNIK_ENOMEM;

    if (!socket)
        goto close_fd;
    socket->fd = fd;
    socket->family = family;
    socket->type = type;
    socket->families = families;
    socket->linger = -1;
    socket->linux_watch.fn = on_change;
    socket->linux_watch.fd = fd;
    socket->linux_watch.wants = EPOLLIN | EPOLLOUT | EPOLLRDHUP;
    result = platform_host_watch_add(&socket->linux_watch);
    if (result != LUNIK_OK)
        goto free_socket;
    open_count++;
    *out = socket;
    return LUNIK_OK;

free_socket:
    free(socket);
close_fd:
    close(fd);
    return result;
}

lunik_result lunik_socket_open(enum lunik_socket_type type, unsigned families,
                               struct lunik_socket **out)
{
    int family = families & LUNIK_IP6 ? AF_INET6 : AF_INET;
    int kind = (type == LUNIK_STREAM ? SOCK_STREAM : SOCK_DGRAM) |
               SOCK_NONBLOCK | SOCK_CLOEXEC;
    int only6 = families == LUNIK_IP6, fd;

    LUNIK_ASSERT(families != 0);
    LUNIK_ASSERT((families & ~(LUNIK_IP4 | LUNIK_IP6)) == 0);
    *out = NULL;
    if (!open_max)
        init_bound();
    fd = socket(family, kind, 0);
    if (fd < 0 && errno == EAFNOSUPPORT && families & LUNIK_IP4) {
        /* A Linux without IPv6. */
        family = AF_INET;
        fd = socket(family, kind, 0);
    }
    if (fd < 0)
        return errno == EAFNOSUPPORT ? LUNIK_EUNREACHABLE : LUNIK_ENOMEM;
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only6, sizeof(only6));
    return wrap(fd, family, type, families, out);
}

static void drop_buffer(struct lunik_socket *socket)
{
    if (spare_buffer)
        free(socket->buffer);
    else
        spare_buffer = socket->buffer;
    socket->buffer = NULL;
    socket->start = socket->end = 0;
}

void lunik_socket_close(struct lunik_socket *socket)
{
    if (!socket)
        return;
    while (socket->watches)
        lunik_socket_unwatch(socket->watches);
    for (struct host_waiter *waiter = socket->waiters; waiter;
         waiter = waiter->next) {
        waiter->is_closed = true;
        lunik_event_signal(&waiter->event);
    }
    platform_host_watch_remove(&socket->linux_watch);
    close(socket->fd);
    if (socket->buffer)
        drop_buffer(socket);
    free(socket->datagram);
    open_count--;
    free(socket);
}

/* ---- Addresses ---- */

lunik_result lunik_socket_bind(struct lunik_socket *socket,
                               const struct lunik_address *address)
{
    struct sockaddr_storage at;
    socklen_t size =
        platform_host_address_to_linux(address, socket->family, &at);

    if (socket->is_bound || size == 0)
        return LUNIK_EINVAL;
    if (socket->type == LUNIK_STREAM) {
        socket->is_bound =
            platform_host_adopt(socket->fd, (struct sockaddr *)&at, size);
        if (socket->is_bound)
            return LUNIK_OK;
    }
    if (bind(socket->fd, (struct sockaddr *)&at, size) != 0) {
        if (errno == EACCES)
            lunik_log(LUNIK_LOG_WARN, "port %u is for root on this host",
                      (unsigned)address->port);
        return platform_host_result(errno);
    }
    socket->is_bound = true;
    return LUNIK_OK;
}

lunik_result lunik_socket_listen(struct lunik_socket *socket, size_t backlog)
{
    int length = backlog < INT_MAX ? (int)backlog : INT_MAX;

    if (socket->type != LUNIK_STREAM || !socket->is_bound ||
        (socket->state != LUNIK_SOCKET_IDLE &&
         socket->state != LUNIK_SOCKET_LISTENING))
        return LUNIK_EINVAL;
    if (listen(socket->fd, length) != 0)
        return platform_host_result(errno);
    socket->state = LUNIK_SOCKET_LISTENING;
    platform_host_announce(socket->fd);
    return LUNIK_OK;
}

lunik_result lunik_socket_try_accept(struct lunik_socket *socket,
                                     struct lunik_socket **out)
{
    lunik_result result;
    int fd;

    *out = NULL;
    if (socket->state != LUNIK_SOCKET_LISTENING)
        return LUNIK_EINVAL;
    do {
        fd = accept4(socket->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    } while (fd < 0 && (errno == ECONNABORTED || errno == EINTR));
    if (fd < 0)
        return platform_host_result(errno);
    result = wrap(fd, socket->family, LUNIK_STREAM, socket->families, out);
    if (result != LUNIK_OK)
        return result;
    (*out)->state = LUNIK_SOCKET_CONNECTED;
    (*out)->is_bound = (*out)->was_connected = true;
    (*out)->is_no_delay = socket->is_no_delay; /* Linux hands it on, too */
    return LUNIK_OK;
}

/* Takes a datagram socket's peer away, or a stream's attempt that failed. */
static lunik_result disconnect(struct lunik_socket *socket)
{
    struct sockaddr none = { .sa_family = AF_UNSPEC };

    if (connect(socket->fd, &none, sizeof(none)) != 0)
        return LUNIK_EINVAL;
    socket->error = LUNIK_OK;
    socket->state = LUNIK_SOCKET_IDLE;
    return LUNIK_OK;
}

lunik_result lunik_socket_try_connect(struct lunik_socket *socket,
                                      const struct lunik_address *address)
{
    struct sockaddr_storage to;
    socklen_t size =
        platform_host_address_to_linux(address, socket->family, &to);
    lunik_result result;

    if (address->family == 0)
        return socket->type == LUNIK_DATAGRAM ? disconnect(socket)
                                              : LUNIK_EINVAL;
    if (lunik_socket_get_error(socket) != LUNIK_OK && !socket->was_connected &&
        disconnect(socket) != LUNIK_OK)
        return LUNIK_EINVAL;
    if (size == 0 ||
        (socket->type == LUNIK_STREAM && socket->state != LUNIK_SOCKET_IDLE))
        return LUNIK_EINVAL;
    if (connect(socket->fd, (struct sockaddr *)&to, size) == 0) {
        socket->state = LUNIK_SOCKET_CONNECTED;
        socket->is_bound = socket->was_connected = true;
        return LUNIK_OK;
    }
    if (errno == EADDRNOTAVAIL)
        return LUNIK_EINUSE; /* no port is free */
    result = fail(socket, errno);
    if (socket->type == LUNIK_STREAM)
        socket->state = result == LUNIK_EAGAIN ? LUNIK_SOCKET_CONNECTING
                                               : LUNIK_SOCKET_CONNECTED;
    socket->is_bound = true;
    return result;
}

static void get_name(const struct lunik_socket *socket,
                     int ask(int, struct sockaddr *, socklen_t *),
                     struct lunik_address *out)
{
    struct sockaddr_storage name;
    socklen_t size = sizeof(name);

    memset(&name, 0, sizeof(name));
    if (ask(socket->fd, (struct sockaddr *)&name, &size) != 0)
        memset(&name, 0, sizeof(name));
    platform_host_address_from_linux((struct sockaddr *)&name, out);
}

void lunik_socket_get_local(const struct lunik_socket *socket,
                            struct lunik_address *out)
{
    get_name(socket, getsockname, out);
}

void lunik_socket_get_peer(const struct lunik_socket *socket,
                           struct lunik_address *out)
{
    get_name(socket, getpeername, out);
}

/* ---- Receiving ---- */

static bool can_transfer(const struct lunik_socket *socket)
{
    if (socket->type == LUNIK_DATAGRAM)
        return true;
    return lunik_socket_get_state(socket) == LUNIK_SOCKET_CONNECTED;
}

static lunik_result no_transfer(const struct lunik_socket *socket)
{
    return socket->state == LUNIK_SOCKET_CONNECTING ? LUNIK_EAGAIN
                                                    : LUNIK_EINVAL;
}

/* From Linux. Of a stream, 0 bytes is the end. */
static lunik_result receive(struct lunik_socket *socket, void *out, size_t size,
                            size_t *size_out, struct lunik_address *from)
{
    struct sockaddr_storage name = { 0 };
    socklen_t name_size = sizeof(name);
    ssize_t got;

    do {
        got = recvfrom(socket->fd, out, size, 0, (struct sockaddr *)&name,
                       &name_size);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return fail(socket, errno);
    if (got == 0 && size > 0 && socket->type == LUNIK_STREAM) {
        if (is_failed(socket))
            return socket->error;
        socket->has_ended = true;
    }
    *size_out = (size_t)got;
    if (from && socket->type == LUNIK_STREAM)
        lunik_socket_get_peer(socket, from);
    else if (from)
        platform_host_address_from_linux((struct sockaddr *)&name, from);
    return LUNIK_OK;
}

lunik_result lunik_socket_try_receive(struct lunik_socket *socket, void *out,
                                      size_t size, size_t *size_out,
                                      struct lunik_address *from)
{
    size_t held = socket->end - socket->start;

    *size_out = 0;
    if (!can_transfer(socket))
        return no_transfer(socket);
    if (held == 0)
        return receive(socket, out, size, size_out, from);
    if (held > size)
        held = size;
    memcpy(out, socket->buffer + socket->start, held);
    *size_out = held;
    if (from)
        lunik_socket_get_peer(socket, from);
    lunik_socket_consume(socket, held);
    return LUNIK_OK;
}

/* The datagram itself stays with Linux until it is received. */
static lunik_result peek_datagram(struct lunik_socket *socket,
                                  const void **data_out, size_t *size_out)
{
    ssize_t got;

    if (!socket->datagram)
        socket->datagram = malloc(DATAGRAM_MAX);
    if (!socket->datagram)
        return LUNIK_ENOMEM;
    got = recv(socket->fd, socket->datagram, DATAGRAM_MAX, MSG_PEEK);
    if (got < 0)
        return platform_host_result(errno);
    *data_out = socket->datagram;
    *size_out = (size_t)got;
    return LUNIK_OK;
}

void lunik_socket_get_sender(const struct lunik_socket *socket,
                             struct lunik_address *out)
{
    struct sockaddr_storage name = { 0 };
    socklen_t size = sizeof(name);
    char none;

    if (socket->type != LUNIK_DATAGRAM ||
        recvfrom(socket->fd, &none, 0, MSG_PEEK, (struct sockaddr *)&name,
                 &size) < 0)
        memset(&name, 0, sizeof(name));
    platform_host_address_from_linux((struct sockaddr *)&name, out);
}

lunik_result lunik_socket_peek(struct lunik_socket *socket,
                               const void **data_out, size_t *size_out)
{
    lunik_result result = LUNIK_OK;

    *data_out = NULL;
    *size_out = 0;
    if (socket->type != LUNIK_STREAM)
        return peek_datagram(socket, data_out, size_out);
    if (!can_transfer(socket))
        return no_transfer(socket);
    if (!socket->buffer) {
        socket->buffer = spare_buffer ? spare_buffer : malloc(BUFFER_SIZE);
        spare_buffer = NULL;
        if (!socket->buffer)
            return LUNIK_ENOMEM;
        result =
            receive(socket, socket->buffer, BUFFER_SIZE, &socket->end, NULL);
        if (result != LUNIK_OK || socket->end == 0) {
            drop_buffer(socket);
            return result;
        }
    }
    *data_out = socket->buffer + socket->start;
    *size_out = socket->end - socket->start;
    return LUNIK_OK;
}

lunik_result lunik_socket_copy(struct lunik_socket *socket, void *out,
                               size_t size, size_t *size_out)
{
    const void *data;
    lunik_result result = lunik_socket_peek(socket, &data, size_out);
    ssize_t more;

    if (result != LUNIK_OK || *size_out == 0)
        return result;
    if (*size_out > size)
        *size_out = size;
    memcpy(out, data, *size_out);
    if (*size_out == size || socket->type != LUNIK_STREAM)
        return LUNIK_OK;
    /* And what Linux still has. */
    more = recv(socket->fd, (uint8_t *)out + *size_out, size - *size_out,
                MSG_PEEK);
    if (more > 0)
        *size_out += (size_t)more;
    return LUNIK_OK;
}

void lunik_socket_consume(struct lunik_socket *socket, size_t size)
{
    LUNIK_ASSERT(size <= socket->end - socket->start);
    socket->start += size;
    if (socket->buffer && socket->start == socket->end)
        drop_buffer(socket);
}

size_t lunik_socket_pending(const struct lunik_socket *socket)
{
    int count = 0;

    if (socket->state == LUNIK_SOCKET_LISTENING ||
        ioctl(socket->fd, FIONREAD, &count) != 0 || count < 0)
        count = 0;
    return (size_t)count + (socket->end - socket->start);
}

/* ---- Sending ---- */

lunik_result lunik_socket_try_send(struct lunik_socket *socket,
                                   const void *data, size_t size,
                                   unsigned flags,
                                   const struct lunik_address *to,
                                   size_t *size_out)
{
    bool is_stream = socket->type == LUNIK_STREAM;
    bool holds = is_stream && flags & LUNIK_SEND_MORE;
    int how = MSG_NOSIGNAL | (holds ? MSG_MORE : 0);
    struct sockaddr_storage name;
    socklen_t name_size = 0;
    ssize_t sent;

    *size_out = 0;
    if (!can_transfer(socket))
        return no_transfer(socket);
    if (is_failed(socket))
        return socket->error;
    if (socket->is_write_shut)
        return LUNIK_ECLOSED;
    if (!is_stream && to) {
        name_size = platform_host_address_to_linux(to, socket->family, &name);
        if (name_size == 0)
            return LUNIK_EINVAL;
    }
    do {
        sent = sendto(socket->fd, data, size, how,
                      name_size ? (struct sockaddr *)&name : NULL, name_size);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return fail(socket, errno);
    if (is_stream && size > 0)
        socket->is_held = holds;
    if (!is_stream)
        socket->is_bound = true;
    *size_out = (size_t)sent;
    return LUNIK_OK;
}

void lunik_socket_flush(struct lunik_socket *socket)
{
    int on = 1, off = 0;

    if (!socket->is_held)
        return;
    socket->is_held = false;
    /* Setting this sends what is held, even if it was set. */
    setsockopt(socket->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (!socket->is_no_delay)
        setsockopt(socket->fd, IPPROTO_TCP, TCP_NODELAY, &off, sizeof(off));
}

size_t lunik_socket_room(const struct lunik_socket *socket)
{
    int queued = 0, limit = 0;
    socklen_t size = sizeof(limit);

    if (!(lunik_socket_ready(socket) & LUNIK_WRITABLE) || is_failed(socket) ||
        socket->is_write_shut)
        return 0;
    if (socket->type == LUNIK_DATAGRAM)
        return DATAGRAM_MAX;
    ioctl(socket->fd, SIOCOUTQ, &queued);
    getsockopt(socket->fd, SOL_SOCKET, SO_SNDBUF, &limit, &size);
    /* Linux counts its own bookkeeping: half is a good guess. */
    return limit / 2 > queued ? (size_t)(limit / 2 - queued) : 1;
}

lunik_result lunik_socket_shutdown(struct lunik_socket *socket, unsigned how)
{
    int which = how == LUNIK_SHUT_READ    ? SHUT_RD
                : how == LUNIK_SHUT_WRITE ? SHUT_WR
                                          : SHUT_RDWR;

    LUNIK_ASSERT(how != 0);
    LUNIK_ASSERT((how & ~(LUNIK_SHUT_READ | LUNIK_SHUT_WRITE)) == 0);
    if (socket->state != LUNIK_SOCKET_CONNECTED)
        return LUNIK_EINVAL;
    /* A connection that is over already has nothing left to shut. */
    if (shutdown(socket->fd, which) != 0 && errno != ENOTCONN)
        return platform_host_result(errno);
    if (how & LUNIK_SHUT_WRITE)
        socket->is_write_shut = true;
    return LUNIK_OK;
}

void lunik_socket_get_info(struct lunik_socket_info *out)
{
    if (!open_max)
        init_bound();
    *out = (struct lunik_socket_info) {
        .open = open_count,
        .max = open_max,
        .bytes = open_count * sizeof(struct lunik_socket),
    };
}
