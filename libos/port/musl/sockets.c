/* SPDX-License-Identifier: MIT */
/* sockets.c: the system calls on sockets, over <lunik/socket.h>. */
#define _GNU_SOURCE
#include "sockets.h"
#include "port.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <lunik/event.h>
#include <lunik/mem.h>
#include <lunik/panic.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>

/* These need the types of the above, or hide their names. */
#include "syscall.h"

/* Programs ask for short queues, from times of little memory; a burst of
 * connections then fails for nothing. */
#define BACKLOG_MIN 1024

/* So many calls may find nothing before others get a turn. */
#define TRIES_PER_TURN 64

static const struct lunik_file_kind kind;

/* ---- Errors ---- */

int lunik_sockets_errno(lunik_result result)
{
    switch (result) {
    case LUNIK_OK:
        return 0;
    case LUNIK_EAGAIN:
        return EAGAIN;
    case LUNIK_ENOENT:
        return ENOENT;
    case LUNIK_ENOMEM:
        return ENOBUFS;
    case LUNIK_ETIMEOUT:
        return ETIMEDOUT;
    case LUNIK_ECANCELED:
        /* Not EINTR: that is tried again, and a cancelled task's waits end at
         * once. */
        return ECANCELED;
    case LUNIK_ECLOSED:
        return EPIPE;
    case LUNIK_EIO:
        return EIO;
    case LUNIK_EINUSE:
        return EADDRINUSE;
    case LUNIK_EREFUSED:
        return ECONNREFUSED;
    case LUNIK_ERESET:
        return ECONNRESET;
    case LUNIK_EUNREACHABLE:
        return ENETUNREACH;
    default:
        return EINVAL;
    }
}

int lunik_sockets_take_error(struct lunik_socket_file *file)
{
    lunik_result error = lunik_socket_get_error(file->socket);

    if (error == LUNIK_OK || file->is_told)
        return 0;
    file->is_told = true;
    return lunik_sockets_errno(error);
}

/* ---- Descriptors ---- */

long lunik_sockets_get(long fd, struct lunik_socket_file **out)
{
    struct lunik_file *file = lunik_files_get(lunik_port_files(), (int)fd);

    if (!file)
        return -EBADF;
    if (file->kind != &kind)
        return -ENOTSOCK;
    *out = (struct lunik_socket_file *)file;
    return 0;
}

static bool is_stream(const struct lunik_socket_file *file)
{
    return lunik_socket_get_type(file->socket) == LUNIK_STREAM;
}

/* A descriptor for (socket), which is closed if there is none. */
static long install(struct lunik_socket *socket, sa_family_t family, long flags)
{
    struct lunik_socket_file *file =
        lunik_mem_alloc_zeroed(1, sizeof(struct lunik_socket_file));
    int fd;

    if (!file) {
        lunik_socket_close(socket);
        return -ENOMEM;
    }
    file->file.kind = &kind;
    file->file.flags = O_RDWR | (flags & SOCK_NONBLOCK ? O_NONBLOCK : 0);
    file->socket = socket;
    file->family = family;
    fd = lunik_files_install(lunik_port_files(), &file->file);
    if (fd < 0) {
        lunik_socket_close(socket);
        lunik_mem_free(file);
    }
    return fd;
}

static void close_file(struct lunik_file *any)
{
    struct lunik_socket_file *file = (struct lunik_socket_file *)any;
    struct lunik_socket *socket = file->socket;

    file->socket = NULL;
    lunik_socket_close(socket);
    for (struct lunik_look *look = file->looks; look; look = look->next) {
        look->file = NULL;
        lunik_event_signal(look->event);
    }
    if (file->waiting == 0)
        lunik_mem_free(file);
}

/* Who asks and asks, and never waits, must not keep the answer from coming. */
static long nothing_now(void)
{
    static unsigned count;

    if (++count % TRIES_PER_TURN == 0)
        lunik_port_yield();
    return -EAGAIN;
}

/*
 * Waits until the socket may do what is (wanted), at most (limit_ns) and never
 * if (flags) or the descriptor say so.
 * 0, or -EAGAIN, -EBADF (closed meanwhile: (file) is gone), or the task's own
 * end.
 */
static long wait_for(struct lunik_socket_file *file, unsigned wanted,
                     uint64_t limit_ns, long flags)
{
    uint64_t deadline = LUNIK_NEVER;
    lunik_result result;
    int mine;

    if ((flags & MSG_DONTWAIT) || (file->file.flags & O_NONBLOCK))
        return nothing_now();
    if (limit_ns)
        deadline = lunik_time_after_ns(limit_ns);
    file->waiting++;
    mine = lunik_port_wait_begin();
    result = lunik_socket_wait(file->socket, wanted, deadline);
    lunik_port_wait_end(mine);
    file->waiting--;
    if (!file->socket) {
        if (file->waiting == 0)
            lunik_mem_free(file);
        return -EBADF;
    }
    if (result == LUNIK_ETIMEOUT &&
        deadline <= lunik_fiber_deadline(lunik_fiber_self()))
        return -EAGAIN;
    return -lunik_sockets_errno(result);
}

/* ---- Addresses ---- */

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool is_link_local(const uint8_t *bytes)
{
    return (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80) ||
           (bytes[0] == 0xff && (bytes[1] & 0x0f) <= 2);
}

static void from_in6(const struct sockaddr_in6 *in, struct lunik_address *out)
{
    const uint8_t *bytes = in->sin6_addr.s6_addr;

    out->port = ntohs(in->sin6_port);
    if (memcmp(bytes, mapped, sizeof(mapped)) == 0) {
        out->family = LUNIK_IP4;
        memcpy(out->bytes, bytes + 12, 4);
        return;
    }
    out->family = LUNIK_IP6;
    memcpy(out->bytes, bytes, 16);
    if (is_link_local(bytes))
        out->zone = in->sin6_scope_id;
}

long lunik_sockets_address(const struct lunik_socket_file *file, const void *in,
                           size_t len, struct lunik_address *out)
{
    struct sockaddr_in6 in6;
    struct sockaddr_in in4;

    memset(out, 0, sizeof(*out));
    if (file->family == AF_INET6) {
        if (!in || len < sizeof(in6))
            return -EINVAL;
        memcpy(&in6, in, sizeof(in6));
        if (in6.sin6_family != AF_INET6)
            return -EAFNOSUPPORT;
        from_in6(&in6, out);
        return 0;
    }
    if (!in || len < sizeof(in4))
        return -EINVAL;
    memcpy(&in4, in, sizeof(in4));
    if (in4.sin_family != AF_INET)
        return -EAFNOSUPPORT;
    out->family = LUNIK_IP4;
    out->port = ntohs(in4.sin_port);
    memcpy(out->bytes, &in4.sin_addr, 4);
    return 0;
}

void lunik_sockets_put_address(sa_family_t family,
                               const struct lunik_address *address, void *out,
                               socklen_t *len)
{
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
    struct sockaddr_in in4 = { .sin_family = AF_INET };
    socklen_t size = family == AF_INET6 ? sizeof(in6) : sizeof(in4);
    const void *from = &in4;

    if (!out || !len)
        return;
    if (family == AF_INET6) {
        in6.sin6_port = htons(address->port);
        in6.sin6_scope_id = address->zone;
        if (address->family == LUNIK_IP4) {
            memcpy(in6.sin6_addr.s6_addr, mapped, sizeof(mapped));
            memcpy(in6.sin6_addr.s6_addr + 12, address->bytes, 4);
        } else {
            memcpy(in6.sin6_addr.s6_addr, address->bytes, 16);
        }
        from = &in6;
    } else {
        in4.sin_port = htons(address->port);
        memcpy(&in4.sin_addr, address->bytes, 4);
    }
    memcpy(out, from, *len < size ? *len : size);
    *len = size;
}

/* ---- Making ---- */

long lunik_sys_socket(long domain, long type, long protocol)
{
    long base = type & ~(long)(SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct lunik_socket *socket;
    lunik_result result;

    if (domain != AF_INET && domain != AF_INET6)
        return -EAFNOSUPPORT;
    if (base != SOCK_STREAM && base != SOCK_DGRAM)
        return base == SOCK_RAW ? -EPERM : -EINVAL;
    if (protocol != 0 &&
        protocol != (base == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP))
        return -EPROTONOSUPPORT;
    result = lunik_socket_open(
        base == SOCK_STREAM ? LUNIK_STREAM : LUNIK_DATAGRAM,
        domain == AF_INET ? LUNIK_IP4 : LUNIK_IP4 | LUNIK_IP6, &socket);
    if (result == LUNIK_ENOMEM)
        return -ENFILE;
    if (result != LUNIK_OK)
        return -lunik_sockets_errno(result);
    return install(socket, (sa_family_t)domain, type);
}

static uint16_t local_port(const struct lunik_socket_file *file)
{
    struct lunik_address local;

    lunik_socket_get_local(file->socket, &local);
    return local.port;
}

static long bind_to(struct lunik_socket_file *file,
                    const struct lunik_address *address)
{
    lunik_result result;

    if (local_port(file))
        return -EINVAL;
    result = lunik_socket_bind(file->socket, address);
    return result == LUNIK_EINVAL ? -EADDRNOTAVAIL
                                  : -lunik_sockets_errno(result);
}

long lunik_sys_bind(long fd, const void *in, unsigned long len)
{
    struct lunik_socket_file *file;
    struct lunik_address address;
    long res = lunik_sockets_get(fd, &file);

    if (res == 0)
        res = lunik_sockets_address(file, in, len, &address);
    return res < 0 ? res : bind_to(file, &address);
}

long lunik_sys_listen(long fd, long backlog)
{
    struct lunik_socket_file *file;
    struct lunik_address any = { .family = LUNIK_IP4 };
    long res = lunik_sockets_get(fd, &file);

    if (res < 0)
        return res;
    if (!is_stream(file))
        return -EOPNOTSUPP;
    if (local_port(file) == 0) {
        if (file->family == AF_INET6)
            any.family = LUNIK_IP6;
        res = bind_to(file, &any);
        if (res < 0)
            return res;
    }
    return -lunik_sockets_errno(lunik_socket_listen(
        file->socket, backlog < BACKLOG_MIN ? BACKLOG_MIN : (size_t)backlog));
}

long lunik_sys_accept4(long fd, void *address, void *len, long flags)
{
    struct lunik_socket_file *file;
    struct lunik_socket *socket;
    struct lunik_address peer;
    sa_family_t family;
    lunik_result result;
    long res = lunik_sockets_get(fd, &file);

    if (res < 0)
        return res;
    if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
        return -EINVAL;
    if (!is_stream(file))
        return -EOPNOTSUPP;
    for (;;) {
        result = lunik_socket_try_accept(file->socket, &socket);
        if (result != LUNIK_EAGAIN)
            break;
        res = wait_for(file, LUNIK_READABLE, file->receive_ns, 0);
        if (res < 0)
            return res;
    }
    if (result != LUNIK_OK)
        return -lunik_sockets_errno(result);
    lunik_socket_get_peer(socket, &peer);
    family = file->family;
    res = install(socket, family, flags);
    if (res >= 0)
        lunik_sockets_put_address(family, &peer, address, len);
    return res;
}

/* ---- Connecting ---- */

static bool is_disconnect(const void *in, size_t len)
{
    sa_family_t family;

    if (!in || len < sizeof(family))
        return false;
    memcpy(&family, in, sizeof(family));
    return family == AF_UNSPEC;
}

/* Why a socket cannot be connected now. */
static long not_now(struct lunik_socket_file *file,
                    const struct lunik_address *address)
{
    switch (lunik_socket_get_state(file->socket)) {
    case LUNIK_SOCKET_CONNECTING:
        return -EALREADY;
    case LUNIK_SOCKET_IDLE:
        /* Nobody is at port 0, and an IPv6 address is no IPv4 one. */
        return address->port == 0 ? -ECONNREFUSED : -ENETUNREACH;
    default:
        return -EISCONN;
    }
}

static long connect_to(struct lunik_socket_file *file,
                       const struct lunik_address *address)
{
    lunik_result result;
    long res = -lunik_sockets_take_error(file);

    /* An attempt before failed, and this call is to learn of it. */
    if (res < 0)
        return res;
    result = lunik_socket_try_connect(file->socket, address);
    if (result == LUNIK_EINVAL)
        return not_now(file, address);
    if (result != LUNIK_EAGAIN)
        return -lunik_sockets_errno(result);
    file->is_told = false;
    res = wait_for(file, LUNIK_WRITABLE | LUNIK_FAILED, file->send_ns, 0);
    if (res == -EAGAIN)
        return -EINPROGRESS;
    return res < 0 ? res : -lunik_sockets_take_error(file);
}

long lunik_sys_connect(long fd, const void *in, unsigned long len)
{
    static const struct lunik_address none;
    struct lunik_socket_file *file;
    struct lunik_address address;
    long res = lunik_sockets_get(fd, &file);

    if (res < 0)
        return res;
    if (!is_stream(file) && is_disconnect(in, len))
        return -lunik_sockets_errno(
            lunik_socket_try_connect(file->socket, &none));
    res = lunik_sockets_address(file, in, len, &address);
    return res < 0 ? res : connect_to(file, &address);
}

long lunik_sys_shutdown(long fd, long how)
{
    static const unsigned bits[] = { LUNIK_SHUT_READ, LUNIK_SHUT_WRITE,
                                     LUNIK_SHUT_READ | LUNIK_SHUT_WRITE };
    struct lunik_socket_file *file;
    long res = lunik_sockets_get(fd, &file);

    if (res < 0)
        return res;
    if (how < SHUT_RD || how > SHUT_RDWR)
        return -EINVAL;
    if (lunik_socket_shutdown(file->socket, bits[how]) != LUNIK_OK)
        return -ENOTCONN;
    file->is_shut_write |= how != SHUT_RD;
    return 0;
}

long lunik_sys_getsockname(long fd, void *out, void *len)
{
    struct lunik_socket_file *file;
    struct lunik_address local;
    long res = lunik_sockets_get(fd, &file);

    if (res < 0)
        return res;
    lunik_socket_get_local(file->socket, &local);
    lunik_sockets_put_address(file->family, &local, out, len);
    return 0;
}

long lunik_sys_getpeername(long fd, void *out, void *len)
{
    struct lunik_socket_file *file;
    struct lunik_address peer;
    long res = lunik_sockets_get(fd, &file);

    if (res < 0)
        return res;
    lunik_socket_get_peer(file->socket, &peer);
    if (peer.family == 0 || lunik_socket_get_error(file->socket))
        return -ENOTCONN;
    lunik_sockets_put_address(file->family, &peer, out, len);
    return 0;
}

/* ---- Receiving ---- */

struct incoming {
    void *data;
    size_t size;
    long flags;
    struct lunik_address from;
    size_t full_size; /* of the datagram */
};

static long peek(struct lunik_socket_file *file, struct incoming *in)
{
    size_t size;
    lunik_result result;

    in->full_size = is_stream(file) ? 0 : lunik_socket_pending(file->socket);
    lunik_socket_get_sender(file->socket, &in->from);
    result = lunik_socket_copy(file->socket, in->data, in->size, &size);
    return result == LUNIK_OK ? (long)size : -lunik_sockets_errno(result);
}

/* Once, without waiting. */
static long try_receive(struct lunik_socket_file *file, struct incoming *in)
{
    lunik_result result;
    size_t got;

    if (in->flags & MSG_PEEK)
        return peek(file, in);
    in->full_size = is_stream(file) ? 0 : lunik_socket_pending(file->socket);
    result = lunik_socket_try_receive(file->socket, in->data, in->size, &got,
                                      is_stream(file) ? NULL : &in->from);
    return result == LUNIK_OK ? (long)got : -lunik_sockets_errno(result);
}

/* What a failed or idle socket answers, given what it just said. */
static long end_of(struct lunik_socket_file *file, long res)
{
    int error = lunik_sockets_take_error(file);

    if (error)
        return -error;
    if (lunik_socket_get_state(file->socket) != LUNIK_SOCKET_CONNECTED)
        return -ENOTCONN;
    /* The failure was reported; after that it is an end. */
    return lunik_socket_get_error(file->socket) ? 0 : res;
}

static long receive(struct lunik_socket_file *file, struct incoming *in)
{
    bool wants_all =
        (in->flags & MSG_WAITALL) && !(in->flags & MSG_PEEK) && is_stream(file);
    size_t done = 0, size = in->size;
    long res;

    if (in->flags & MSG_OOB)
        return -EINVAL;
    for (;;) {
        res = try_receive(file, in);
        if (res > 0 && wants_all && (size_t)res < in->size) {
            done += (size_t)res;
            in->data = (uint8_t *)in->data + res;
            in->size = size - done;
            continue;
        }
        if (res >= 0)
            return (long)done + res;
        if (res != -EAGAIN)
            return done ? (long)done : end_of(file, res);
        if (size == 0 && is_stream(file))
            return 0;
        res = wait_for(file, LUNIK_READABLE, file->receive_ns, in->flags);
        if (res < 0)
            return done ? (long)done : res;
    }
}

static long read_file(struct lunik_files *files, struct lunik_file *file,
                      void *out, size_t size, uint64_t offset)
{
    struct incoming in = { .data = out, .size = size };

    (void)files;
    (void)offset;
    return receive((struct lunik_socket_file *)file, &in);
}

long lunik_sys_recvfrom(long fd, void *out, unsigned long size, long flags,
                        void *address, void *len)
{
    struct incoming in = { .data = out, .size = size, .flags = flags };
    struct lunik_socket_file *file;
    sa_family_t family;
    long res = lunik_sockets_get(fd, &file);

    if (res < 0)
        return res;
    if (in.size > INT32_MAX)
        in.size = INT32_MAX;
    family = file->family;
    res = receive(file, &in);
    if (res < 0)
        return res;
    if (in.from.family)
        lunik_sockets_put_address(family, &in.from, address, len);
    else if (address && len)
        *(socklen_t *)len = 0;
    return (flags & MSG_TRUNC) && in.full_size ? (long)in.full_size : res;
}

/* ---- Sending ---- */

/* Why a datagram was not sent. */
static long refusal(const struct lunik_socket_file *file, size_t size,
                    const struct lunik_address *to)
{
    struct lunik_address peer;

    lunik_socket_get_peer(file->socket, &peer);
    if (!to && peer.family == 0)
        return -EDESTADDRREQ;
    if (size > 0xffff - 28)
        return -EMSGSIZE;
    return to && to->port == 0 ? -EINVAL : -EACCES;
}

static long send_datagram(struct lunik_socket_file *file, const void *data,
                          size_t size, const struct lunik_address *to)
{
    size_t sent;
    lunik_result result =
        lunik_socket_try_send(file->socket, data, size, 0, to, &sent);

    if (result == LUNIK_EINVAL)
        return refusal(file, size, to);
    return result == LUNIK_OK ? (long)sent : -lunik_sockets_errno(result);
}

static long send_stream(struct lunik_socket_file *file, const void *data,
                        size_t size, long flags)
{
    unsigned how = flags & MSG_MORE ? LUNIK_SEND_MORE : 0;
    size_t done = 0, sent;
    lunik_result result;
    long res;

    for (;;) {
        result = lunik_socket_try_send(file->socket, (const char *)data + done,
                                       size - done, how, NULL, &sent);
        done += sent;
        if (done == size && result == LUNIK_OK)
            return (long)done;
        if (result == LUNIK_EINVAL)
            return -EPIPE;
        if (result != LUNIK_OK && result != LUNIK_EAGAIN) {
            if (done)
                return (long)done;
            res = lunik_sockets_take_error(file);
            return res ? -res : -EPIPE;
        }
        res = wait_for(file, LUNIK_WRITABLE, file->send_ns, flags);
        if (res < 0)
            return done ? (long)done : res;
    }
}

static long send_to(struct lunik_socket_file *file, const void *data,
                    size_t size, long flags, const struct lunik_address *to)
{
    if (flags & MSG_OOB)
        return -EOPNOTSUPP;
    return is_stream(file) ? send_stream(file, data, size, flags)
                           : send_datagram(file, data, size, to);
}

static long write_file(struct lunik_files *files, struct lunik_file *file,
                       const void *in, size_t size, uint64_t offset)
{
    (void)files;
    (void)offset;
    return send_to((struct lunik_socket_file *)file, in, size, 0, NULL);
}

long lunik_sys_sendto(long fd, const void *in, unsigned long size, long flags,
                      const void *to, unsigned long len)
{
    struct lunik_socket_file *file;
    struct lunik_address address;
    long res = lunik_sockets_get(fd, &file);

    if (res < 0)
        return res;
    if (size > INT32_MAX)
        size = INT32_MAX;
    /* A stream knows where it goes. */
    if (!to || is_stream(file))
        return send_to(file, in, size, flags, NULL);
    res = lunik_sockets_address(file, to, len, &address);
    return res < 0 ? res : send_to(file, in, size, flags, &address);
}

/* ---- Messages of many parts ---- */

/* Their sum; -EINVAL, -EMSGSIZE. */
static long size_of_parts(const struct iovec *parts, long count)
{
    size_t size = 0;

    if (count < 0 || count > IOV_MAX)
        return -EMSGSIZE;
    for (long i = 0; i < count; i++) {
        if (parts[i].iov_len > INT32_MAX - size)
            return -EINVAL;
        size += parts[i].iov_len;
    }
    return (long)size;
}

static void scatter(const char *from, size_t size, const struct iovec *parts)
{
    for (; size > 0; parts++) {
        size_t part = size < parts->iov_len ? size : parts->iov_len;

        if (part)
            memcpy(parts->iov_base, from, part);
        from += part;
        size -= part;
    }
}

static void gather(char *to, const struct iovec *parts, long count)
{
    for (long i = 0; i < count; i++) {
        if (parts[i].iov_len)
            memcpy(to, parts[i].iov_base, parts[i].iov_len);
        to += parts[i].iov_len;
    }
}

static long send_parts_of_stream(struct lunik_socket_file *file,
                                 const struct iovec *parts, long count,
                                 long flags)
{
    long done = 0;

    for (long i = 0; i < count; i++) {
        bool is_last = i == count - 1;
        long res;

        if (parts[i].iov_len == 0 && !is_last)
            continue;
        res = send_stream(file, parts[i].iov_base, parts[i].iov_len,
                          is_last ? flags : flags | MSG_MORE);
        if (res < 0)
            return done ? done : res;
        done += res;
        if ((size_t)res < parts[i].iov_len)
            break;
    }
    return done;
}

static long send_parts(struct lunik_socket_file *file,
                       const struct iovec *parts, long count, long flags,
                       const struct lunik_address *to)
{
    long size = size_of_parts(parts, count);
    char *whole;
    long res;

    if (size < 0)
        return size;
    if (is_stream(file) && !(flags & MSG_OOB))
        return send_parts_of_stream(file, parts, count, flags);
    if (count == 1)
        return send_to(file, parts->iov_base, (size_t)size, flags, to);
    if (size > 0xffff)
        return -EMSGSIZE;
    whole = lunik_mem_alloc((size_t)size);
    if (!whole)
        return -ENOBUFS;
    gather(whole, parts, count);
    res = send_to(file, whole, (size_t)size, flags, to);
    lunik_mem_free(whole);
    return res;
}

/* At most this much of a stream in one call of many parts. */
#define WHOLE_MAX 65536

static long receive_parts(struct lunik_socket_file *file,
                          const struct iovec *parts, long count,
                          struct incoming *in)
{
    long size = size_of_parts(parts, count);
    char *whole;
    long res;

    if (size < 0)
        return size;
    if (count == 1) {
        in->data = parts->iov_base;
        in->size = (size_t)size;
        return receive(file, in);
    }
    if (size > WHOLE_MAX)
        size = WHOLE_MAX;
    whole = lunik_mem_alloc((size_t)size);
    if (!whole)
        return -ENOBUFS;
    in->data = whole;
    in->size = (size_t)size;
    res = receive(file, in);
    if (res > 0)
        scatter(whole, (size_t)res, parts);
    lunik_mem_free(whole);
    return res;
}

static long vector(struct lunik_file *any, const void *parts, long count,
                   bool is_write)
{
    struct lunik_socket_file *file = (struct lunik_socket_file *)any;
    struct incoming in = { 0 };

    return is_write ? send_parts(file, parts, count, 0, NULL)
                    : receive_parts(file, parts, count, &in);
}

long lunik_sys_sendmsg(long fd, const void *message, long flags)
{
    const struct msghdr *msg = message;
    struct lunik_socket_file *file;
    struct lunik_address to;
    long res = lunik_sockets_get(fd, &file);

    if (res < 0)
        return res;
    /* Nothing can be passed beside the data. */
    if (msg->msg_controllen)
        return -EINVAL;
    if (!msg->msg_name || is_stream(file))
        return send_parts(file, msg->msg_iov, msg->msg_iovlen, flags, NULL);
    res = lunik_sockets_address(file, msg->msg_name, msg->msg_namelen, &to);
    return res < 0
               ? res
               : send_parts(file, msg->msg_iov, msg->msg_iovlen, flags, &to);
}

long lunik_sys_recvmsg(long fd, void *message, long flags)
{
    struct incoming in = { .flags = flags };
    struct msghdr *msg = message;
    struct lunik_socket_file *file;
    sa_family_t family;
    long res = lunik_sockets_get(fd, &file);

    if (res < 0)
        return res;
    family = file->family;
    res = receive_parts(file, msg->msg_iov, msg->msg_iovlen, &in);
    if (res < 0)
        return res;
    msg->msg_controllen = 0;
    msg->msg_flags = in.full_size > (size_t)res ? MSG_TRUNC : 0;
    if (in.from.family)
        lunik_sockets_put_address(family, &in.from, msg->msg_name,
                                  &msg->msg_namelen);
    else
        msg->msg_namelen = 0;
    return (flags & MSG_TRUNC) && in.full_size ? (long)in.full_size : res;
}

/* ---- As a file ---- */

static void stat_file(const struct lunik_file *file,
                      struct lunik_file_stat *out)
{
    (void)file;
    out->mode = S_IFSOCK | 0777;
}

/* A socket that has not begun is at an end, as Linux has it. */
static short poll_idle(const struct lunik_socket_file *file)
{
    return (short)(is_stream(file) ? POLLOUT | POLLHUP : POLLOUT);
}

static short poll_file(const struct lunik_file *any)
{
    const struct lunik_socket_file *file =
        (const struct lunik_socket_file *)any;
    unsigned ready = lunik_socket_ready(file->socket);
    int bits = 0;

    if ((ready & LUNIK_FAILED) && file->is_told)
        return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLHUP;
    if (ready == 0 && lunik_socket_get_state(file->socket) == LUNIK_SOCKET_IDLE)
        return poll_idle(file);
    if (ready & LUNIK_READABLE)
        bits |= POLLIN | POLLRDNORM;
    if (ready & LUNIK_WRITABLE)
        bits |= POLLOUT | POLLWRNORM;
    if (ready & LUNIK_HANGUP)
        bits |= file->is_shut_write ? POLLRDHUP | POLLHUP : POLLRDHUP;
    if (ready & LUNIK_FAILED)
        bits |= POLLERR | POLLHUP;
    return (short)bits;
}

static void watch_file(struct lunik_file *any, struct lunik_look *look)
{
    struct lunik_socket_file *file = (struct lunik_socket_file *)any;

    look->file = any;
    look->prev = NULL;
    look->next = file->looks;
    if (look->next)
        look->next->prev = look;
    file->looks = look;
    lunik_socket_watch(file->socket, &look->watch);
}

/* The descriptor may be another's by now, or the whole file be gone. */
static void unwatch_file(struct lunik_look *look)
{
    struct lunik_socket_file *file = (struct lunik_socket_file *)look->file;

    if (!file)
        return;
    lunik_socket_unwatch(&look->watch);
    if (look->prev)
        look->prev->next = look->next;
    else
        file->looks = look->next;
    if (look->next)
        look->next->prev = look->prev;
}

static long control(struct lunik_file *any, long request, void *arg)
{
    struct lunik_socket_file *file = (struct lunik_socket_file *)any;

    if (request != FIONREAD)
        return -ENOTTY;
    *(int *)arg = (int)lunik_socket_pending(file->socket);
    return 0;
}

static const struct lunik_file_kind kind = { .close = close_file,
                                             .read = read_file,
                                             .write = write_file,
                                             .stat = stat_file,
                                             .vector = vector,
                                             .poll = poll_file,
                                             .watch = watch_file,
                                             .unwatch = unwatch_file,
                                             .control = control };
