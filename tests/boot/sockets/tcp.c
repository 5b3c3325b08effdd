/* SPDX-License-Identifier: MIT */
/* tcp.c: streams. */
#define _GNU_SOURCE
#include "check.h"
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>

static void test_making(void)
{
    struct stat stat;
    int fds[2];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);

    CHECK(fd >= 3);
    CHECK_EQ(fstat(fd, &stat), 0);
    CHECK(S_ISSOCK(stat.st_mode));
    FAILS(lseek(fd, 0, SEEK_SET), ESPIPE);
    FAILS(pread(fd, fds, 1, 0), ESPIPE);
    CHECK_EQ(close(fd), 0);
    FAILS(close(fd), EBADF);
    fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
    CHECK_EQ(close(fd), 0);
    FAILS(socket(AF_UNIX, SOCK_STREAM, 0), EAFNOSUPPORT);
    FAILS(socket(AF_INET, SOCK_RAW, 0), EPERM);
    FAILS(socket(AF_INET, 77, 0), EINVAL);
    FAILS(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
    FAILS(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), EAFNOSUPPORT);
    FAILS(listen(1, 1), ENOTSOCK);
    FAILS(listen(-1, 1), EBADF);
    FAILS(listen(1000000, 1), EBADF);
}

static void test_addresses(int family)
{
    union any_address address, peer;
    socklen_t len = loopback(family, 0, &address);
    unsigned port;
    int listener = listener_at(family, &port), other, client, served;

    other = socket(family, SOCK_STREAM, 0);
    len = loopback(family, port, &address);
    FAILS(bind(other, &address.any, len), EADDRINUSE);
    FAILS(bind(listener, &address.any, len), EINVAL);
    FAILS(bind(other, &address.any, len - 1), EINVAL);
    address.any.sa_family = AF_UNIX;
    FAILS(bind(other, &address.any, len), EAFNOSUPPORT);
    FAILS(getpeername(other, &address.any, &len), ENOTCONN);
    client = client_of(family, port);
    len = sizeof(peer);
    served = accept(listener, &peer.any, &len);
    CHECK(served >= 0);
    CHECK_EQ(peer.any.sa_family, family);
    CHECK_EQ(ntohs(peer.in.sin_port), port_of(client));
    CHECK_EQ(port_of(served), port);
    len = sizeof(peer);
    CHECK_EQ(getpeername(client, &peer.any, &len), 0);
    CHECK_EQ(ntohs(peer.in.sin_port), port);
    /* Cut where the room ends. */
    len = 2;
    peer.in.sin_port = 0;
    CHECK_EQ(getpeername(client, &peer.any, &len), 0);
    CHECK(len > 2);
    CHECK_EQ(peer.in.sin_port, 0);
    len = loopback(family, port, &address);
    FAILS(connect(client, &address.any, len), EISCONN);
    FAILS(connect(listener, &address.any, len), EISCONN);
    FAILS(accept(client, NULL, NULL), EINVAL);
    FAILS(accept4(listener, NULL, NULL, 1), EINVAL);
    close(other);
    close(client);
    close(served);
    close(listener);
}

static void test_foreign_addresses(void)
{
    union any_address address;
    socklen_t len = loopback(AF_INET, 0, &address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.in.sin_addr.s_addr = htonl(0xc0000201);
    FAILS(bind(fd, &address.any, len), EADDRNOTAVAIL);
    len = loopback(AF_INET, 0, &address);
    FAILS(connect(fd, &address.any, len), ECONNREFUSED);
    FAILS(connect(fd, NULL, 0), EINVAL);
    len = loopback(AF_INET6, 1, &address);
    FAILS(connect(fd, &address.any, len), EAFNOSUPPORT);
    FAILS(send(fd, "x", 1, 0), EPIPE);
    FAILS(recv(fd, &address, 1, 0), ENOTCONN);
    FAILS(shutdown(fd, SHUT_WR), ENOTCONN);
    FAILS(shutdown(fd, 9), EINVAL);
    close(fd);
}

/* IPv4 clients of a socket of both families have mapped addresses. */
static void test_both_families(void)
{
    union any_address address = { .in6 = { .sin6_family = AF_INET6 } }, peer;
    int listener = socket(AF_INET6, SOCK_STREAM, 0), one = 1, client, served;
    socklen_t len = sizeof(peer);
    unsigned port;

    CHECK_EQ(bind(listener, &address.any, sizeof(address.in6)), 0);
    CHECK_EQ(listen(listener, 4), 0);
    FAILS(setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)),
          EINVAL);
    port = port_of(listener);
    client = client_of(AF_INET, port);
    served = accept(listener, &peer.any, &len);
    CHECK_EQ(len, sizeof(peer.in6));
    CHECK(IN6_IS_ADDR_V4MAPPED(&peer.in6.sin6_addr));
    CHECK_EQ(peer.in6.sin6_addr.s6_addr[12], 127);
    close(client);
    close(served);
    client = client_of(AF_INET6, port);
    len = sizeof(peer);
    served = accept(listener, &peer.any, &len);
    CHECK(IN6_IS_ADDR_LOOPBACK(&peer.in6.sin6_addr));
    close(client);
    close(served);
    /* Both are taken now. */
    client = socket(AF_INET, SOCK_STREAM, 0);
    len = loopback(AF_INET, port, &address);
    address.in.sin_addr.s_addr = 0;
    FAILS(bind(client, &address.any, len), EADDRINUSE);
    close(client);
    close(listener);
    /* A client of IPv6's kind reaches an IPv4 server. */
    listener = listener_at(AF_INET, &port);
    client = socket(AF_INET6, SOCK_STREAM, 0);
    memset(&address, 0, sizeof(address));
    address.in6.sin6_family = AF_INET6;
    address.in6.sin6_port = htons((uint16_t)port);
    memcpy(&address.in6.sin6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1",
           16);
    CHECK_EQ(connect(client, &address.any, sizeof(address.in6)), 0);
    close(client);
    close(listener);
}

static void test_only_ip6(void)
{
    union any_address address = { .in6 = { .sin6_family = AF_INET6 } };
    int listener = socket(AF_INET6, SOCK_STREAM, 0), one = 1, other;
    socklen_t len;
    unsigned port;

    CHECK_EQ(setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)),
             0);
    CHECK_EQ(bind(listener, &address.any, sizeof(address.in6)), 0);
    CHECK_EQ(listen(listener, 4), 0);
    port = port_of(listener);
    other = socket(AF_INET, SOCK_STREAM, 0);
    len = loopback(AF_INET, port, &address);
    FAILS(connect(other, &address.any, len), ECONNREFUSED);
    close(other);
    other = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(bind(other, &address.any, len), 0);
    close(other);
    close(listener);
}

/* ---- Data ---- */

static void test_data(int family)
{
    char text[16] = { 0 };
    struct iovec parts[3] = { { "ab", 2 }, { "", 0 }, { "cde", 3 } };
    int ends[2], waiting = -1;

    make_pair(family, ends);
    CHECK_EQ(send(ends[0], "hello", 5, MSG_NOSIGNAL), 5);
    CHECK_EQ(recv(ends[1], text, 2, MSG_PEEK), 2);
    CHECK_EQ(recv(ends[1], text, 3, 0), 3);
    CHECK_EQ(memcmp(text, "hel", 3), 0);
    CHECK_EQ(ioctl(ends[1], FIONREAD, &waiting), 0);
    CHECK_EQ(waiting, 2);
    CHECK_EQ(read(ends[1], text, sizeof(text)), 2);
    FAILS(recv(ends[1], text, 1, MSG_DONTWAIT), EAGAIN);
    CHECK_EQ(recv(ends[1], text, 0, MSG_DONTWAIT), 0);
    CHECK_EQ(writev(ends[1], parts, 3), 5);
    CHECK_EQ(recv(ends[0], text, 5, MSG_WAITALL), 5);
    CHECK_EQ(memcmp(text, "abcde", 5), 0);
    CHECK_EQ(write(ends[1], "12345678", 8), 8);
    parts[0] = (struct iovec) { text, 3 };
    parts[2] = (struct iovec) { text + 3, 10 };
    CHECK_EQ(readv(ends[0], parts, 3), 8);
    CHECK_EQ(memcmp(text, "12345678", 8), 0);
    FAILS(send(ends[0], "x", 1, MSG_OOB), EOPNOTSUPP);
    FAILS(recv(ends[0], text, 1, MSG_OOB), EINVAL);
    close(ends[0]);
    close(ends[1]);
}

/* A look reaches over everything that came, in however many pieces. */
static void test_long_look(void)
{
    static char out[5000], in[6000];
    int ends[2], one = 1;

    for (size_t i = 0; i < sizeof(out); i++)
        out[i] = (char)(i * 7);
    make_pair(AF_INET, ends);
    CHECK_EQ(setsockopt(ends[0], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)),
             0);
    CHECK_EQ(send(ends[0], out, 1000, 0), 1000);
    sleep_ms(2);
    CHECK_EQ(send(ends[0], out + 1000, 4000, 0), 4000);
    sleep_ms(2);
    CHECK_EQ(recv(ends[1], in, sizeof(in), MSG_PEEK), 5000);
    CHECK_EQ(memcmp(in, out, 5000), 0);
    CHECK_EQ(recv(ends[1], in, 3000, MSG_PEEK), 3000);
    CHECK_EQ(recv(ends[1], in, sizeof(in), 0), 5000);
    FAILS(recv(ends[1], in, 1, MSG_PEEK | MSG_DONTWAIT), EAGAIN);
    close(ends[0]);
    CHECK_EQ(recv(ends[1], in, 1, MSG_PEEK), 0);
    close(ends[1]);
}

static void test_messages(void)
{
    char text[16] = { 0 };
    union any_address from;
    struct iovec part = { "message", 7 }, room = { text, sizeof(text) };
    struct msghdr out = { .msg_iov = &part, .msg_iovlen = 1 };
    struct msghdr in = { .msg_iov = &room,
                         .msg_iovlen = 1,
                         .msg_name = &from,
                         .msg_namelen = sizeof(from) };
    int ends[2];

    make_pair(AF_INET, ends);
    CHECK_EQ(sendmsg(ends[0], &out, 0), 7);
    CHECK_EQ(recvmsg(ends[1], &in, 0), 7);
    CHECK_EQ(memcmp(text, "message", 7), 0);
    CHECK_EQ(in.msg_namelen, 0);
    CHECK_EQ(in.msg_flags, 0);
    close(ends[0]);
    close(ends[1]);
}

/* Half-closed connections still carry data the other way. */
static void test_ends(int family)
{
    char text[8];
    int ends[2];

    make_pair(family, ends);
    CHECK_EQ(shutdown(ends[0], SHUT_WR), 0);
    FAILS(send(ends[0], "x", 1, MSG_NOSIGNAL), EPIPE);
    CHECK_EQ(recv(ends[1], text, sizeof(text), 0), 0);
    CHECK_EQ(recv(ends[1], text, sizeof(text), 0), 0);
    CHECK_EQ(send(ends[1], "late", 4, 0), 4);
    CHECK_EQ(recv(ends[0], text, sizeof(text), 0), 4);
    CHECK_EQ(close(ends[1]), 0);
    CHECK_EQ(recv(ends[0], text, sizeof(text), 0), 0);
    CHECK_EQ(close(ends[0]), 0);
    make_pair(family, ends);
    CHECK_EQ(send(ends[1], "lost", 4, 0), 4);
    CHECK_EQ(shutdown(ends[0], SHUT_RD), 0);
    CHECK_EQ(recv(ends[0], text, sizeof(text), 0), 0);
    CHECK_EQ(shutdown(ends[0], SHUT_RDWR), 0);
    CHECK_EQ(recv(ends[1], text, sizeof(text), 0), 0);
    close(ends[0]);
    close(ends[1]);
}

/* Unread data makes the close a reset. */
static void test_resets(void)
{
    struct linger linger = { .l_onoff = 1 };
    socklen_t len = sizeof(int);
    char text[8];
    int ends[2], error = -1;

    make_pair(AF_INET, ends);
    CHECK_EQ(send(ends[0], "unread", 6, 0), 6);
    sleep_ms(5);
    close(ends[1]);
    FAILS(recv(ends[0], text, sizeof(text), 0), ECONNRESET);
    CHECK_EQ(recv(ends[0], text, sizeof(text), 0), 0);
    FAILS(send(ends[0], "x", 1, 0), EPIPE);
    FAILS(getpeername(ends[0], NULL, NULL), ENOTCONN);
    close(ends[0]);
    make_pair(AF_INET, ends);
    CHECK_EQ(
        setsockopt(ends[1], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    close(ends[1]);
    sleep_ms(5);
    CHECK_EQ(getsockopt(ends[0], SOL_SOCKET, SO_ERROR, &error, &len), 0);
    CHECK_EQ(error, ECONNRESET);
    CHECK_EQ(getsockopt(ends[0], SOL_SOCKET, SO_ERROR, &error, &len), 0);
    CHECK_EQ(error, 0);
    CHECK_EQ(recv(ends[0], text, sizeof(text), 0), 0);
    close(ends[0]);
}

static void test_refusal(void)
{
    union any_address address;
    unsigned port;
    int listener = listener_at(AF_INET, &port), fd;
    socklen_t len = loopback(AF_INET, port, &address);
    char byte;

    close(listener);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    FAILS(connect(fd, &address.any, len), ECONNREFUSED);
    FAILS(recv(fd, &byte, 1, 0), ENOTCONN);
    /* The same socket may try again. */
    FAILS(connect(fd, &address.any, len), ECONNREFUSED);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(bind(listener, &address.any, len), 0);
    CHECK_EQ(listen(listener, 1), 0);
    CHECK_EQ(connect(fd, &address.any, len), 0);
    close(fd);
    close(listener);
}

/* ---- Waiting ---- */

static void read_all(void *arg)
{
    int *ends = arg;
    char *block = malloc(70000);
    size_t done = 0;
    ssize_t got;

    CHECK(block != NULL);
    while ((got = recv(ends[1], block, 70000, 0)) > 0) {
        for (ssize_t i = 0; i < got; i++)
            if (block[i] != (char)((done + (size_t)i) * 7))
                CHECK(false && "the bytes in their order");
        done += (size_t)got;
    }
    CHECK_EQ(got, 0);
    CHECK_EQ(done, 3000000);
    free(block);
}

static void test_much_data(int family)
{
    char *block = malloc(3000000);
    struct task task;
    int ends[2];

    CHECK(block != NULL);
    for (size_t i = 0; i < 3000000; i++)
        block[i] = (char)(i * 7);
    make_pair(family, ends);
    start_task(&task, read_all, ends);
    CHECK_EQ(send(ends[0], block, 3000000, 0), 3000000);
    CHECK_EQ(shutdown(ends[0], SHUT_WR), 0);
    join_task(&task);
    close(ends[0]);
    close(ends[1]);
    free(block);
}

static void fill(int fd)
{
    static char block[8192];
    size_t sent = 0;
    ssize_t put;

    while ((put = send(fd, block, sizeof(block), MSG_DONTWAIT)) > 0)
        sent += (size_t)put;
    CHECK_EQ(put, -1);
    CHECK_EQ(errno, EAGAIN);
    CHECK(sent > 8192);
    /* What is under way still moves to the peer's side. */
    sleep_ms(5);
    while (send(fd, block, sizeof(block), MSG_DONTWAIT) > 0)
        ;
}

static void test_timeouts(void)
{
    struct timeval tv = { .tv_usec = 20000 }, back;
    socklen_t len = sizeof(back);
    char byte;
    int ends[2], listener;
    unsigned port;

    make_pair(AF_INET, ends);
    CHECK_EQ(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
    CHECK_EQ(setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)), 0);
    CHECK_EQ(getsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &back, &len), 0);
    CHECK_EQ(back.tv_usec, 20000);
    FAILS(recv(ends[0], &byte, 1, 0), EAGAIN);
    fill(ends[0]);
    FAILS(send(ends[0], &byte, 1, 0), EAGAIN);
    tv.tv_usec = 1000000;
    FAILS(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), EDOM);
    FAILS(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &tv, 3), EINVAL);
    close(ends[0]);
    close(ends[1]);
    listener = listener_at(AF_INET, &port);
    tv.tv_usec = 1000;
    CHECK_EQ(setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
    FAILS(accept(listener, NULL, NULL), EAGAIN);
    close(listener);
}

static void read_one(void *arg)
{
    int fd = *(int *)arg;
    char byte;

    FAILS(recv(fd, &byte, 1, 0), EBADF);
}

static void test_close_under_a_reader(void)
{
    struct task tasks[2];
    int ends[2];

    make_pair(AF_INET, ends);
    start_task(&tasks[0], read_one, &ends[0]);
    start_task(&tasks[1], read_one, &ends[0]);
    sleep_ms(5);
    CHECK_EQ(close(ends[0]), 0);
    join_task(&tasks[0]);
    join_task(&tasks[1]);
    close(ends[1]);
}

static void read_until_cancelled(void *arg)
{
    int fd = *(int *)arg;
    char byte;

    FAILS(recv(fd, &byte, 1, 0), ECANCELED);
}

static void test_cancelled_reader(void)
{
    struct task task;
    int ends[2];

    make_pair(AF_INET, ends);
    start_task(&task, read_until_cancelled, &ends[0]);
    sleep_ms(5);
    lunik_fiber_cancel(task.fiber);
    join_task(&task);
    close(ends[0]);
    close(ends[1]);
}

static void test_without_waiting(void)
{
    union any_address address;
    unsigned port;
    int listener = listener_at(AF_INET, &port), one = 1, fd, served, error;
    socklen_t len = loopback(AF_INET, port, &address);

    CHECK_EQ(ioctl(listener, FIONBIO, &one), 0);
    FAILS(accept(listener, NULL, NULL), EAGAIN);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    FAILS(connect(fd, &address.any, len), EINPROGRESS);
    FAILS(connect(fd, &address.any, len), EALREADY);
    sleep_ms(5);
    FAILS(connect(fd, &address.any, len), EISCONN);
    len = sizeof(error);
    CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len), 0);
    CHECK_EQ(error, 0);
    served = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    CHECK(served >= 0);
    CHECK(fcntl(served, F_GETFL) & O_NONBLOCK);
    FAILS(recv(served, &error, 1, 0), EAGAIN);
    close(served);
    close(fd);
    close(listener);
    /* One that fails later. */
    fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    len = loopback(AF_INET, port, &address);
    FAILS(connect(fd, &address.any, len), EINPROGRESS);
    sleep_ms(5);
    FAILS(recv(fd, &error, 0, 0), ECONNREFUSED);
    close(fd);
}

/* Asks again and again, and never waits. */
static void test_asking_for_ever(void)
{
    int ends[2], tries = 0;
    char byte;

    make_pair(AF_INET, ends);
    CHECK_EQ(send(ends[0], "x", 1, 0), 1);
    while (recv(ends[1], &byte, 1, MSG_DONTWAIT) < 0 && tries < 100000)
        tries++;
    CHECK(tries < 100000);
    close(ends[0]);
    close(ends[1]);
}

/* ---- Descriptors ---- */

static void test_duplicates(void)
{
    int ends[2], copy;
    char byte;

    make_pair(AF_INET, ends);
    copy = dup(ends[0]);
    CHECK(copy >= 0);
    CHECK_EQ(close(ends[0]), 0);
    CHECK_EQ(send(copy, "y", 1, 0), 1);
    CHECK_EQ(recv(ends[1], &byte, 1, 0), 1);
    CHECK_EQ(dup2(copy, 700), 700);
    CHECK_EQ(close(copy), 0);
    CHECK_EQ(send(700, "z", 1, 0), 1);
    CHECK_EQ(close(700), 0);
    CHECK_EQ(recv(ends[1], &byte, 1, 0), 1);
    CHECK_EQ(recv(ends[1], &byte, 1, 0), 0);
    close(ends[1]);
}

#define MANY 300

static void test_many(void)
{
    unsigned port;
    int listener = listener_at(AF_INET6, &port), ends[2 * MANY];
    char byte;

    for (int i = 0; i < MANY; i++) {
        ends[i] = client_of(AF_INET6, port);
        ends[MANY + i] = accept(listener, NULL, NULL);
        CHECK(ends[MANY + i] >= 0);
    }
    for (int i = 0; i < MANY; i++)
        CHECK_EQ(send(ends[i], "m", 1, 0), 1);
    for (int i = 0; i < MANY; i++)
        CHECK_EQ(recv(ends[MANY + i], &byte, 1, 0), 1);
    for (int i = 0; i < 2 * MANY; i++)
        CHECK_EQ(close(ends[i]), 0);
    close(listener);
}

static void test_backlog(void)
{
    unsigned port;
    int listener = listener_at(AF_INET, &port), clients[40], served;

    /* As many as the program asked for wait, and have sent their data. */
    for (int i = 0; i < 40; i++) {
        clients[i] = client_of(AF_INET, port);
        CHECK_EQ(send(clients[i], "early", 5, 0), 5);
    }
    sleep_ms(5);
    for (int i = 0; i < 40; i++) {
        char text[8];

        served = accept(listener, NULL, NULL);
        CHECK_EQ(recv(served, text, sizeof(text), MSG_DONTWAIT), 5);
        close(served);
        close(clients[i]);
    }
    /* Those that nobody accepts are reset with the listener. */
    clients[0] = client_of(AF_INET, port);
    sleep_ms(5);
    close(listener);
    FAILS(recv(clients[0], &served, 1, 0), ECONNRESET);
    close(clients[0]);
}

/* ---- Options ---- */

static void set_and_get(int fd, int level, int name, int value)
{
    int back = -7;
    socklen_t len = sizeof(back);

    CHECK_EQ(setsockopt(fd, level, name, &value, sizeof(value)), 0);
    CHECK_EQ(getsockopt(fd, level, name, &back, &len), 0);
    CHECK_EQ(back, value);
    CHECK_EQ(len, sizeof(back));
}

static int get_int(int fd, int name)
{
    int value = -7;
    socklen_t len = sizeof(value);

    CHECK_EQ(getsockopt(fd, SOL_SOCKET, name, &value, &len), 0);
    return value;
}

static void test_options(void)
{
    int fd = socket(AF_INET6, SOCK_STREAM, 0), value = 0;
    struct linger linger = { 1, 5 }, back = { 0 };
    socklen_t len = sizeof(back);

    CHECK_EQ(get_int(fd, SO_TYPE), SOCK_STREAM);
    CHECK_EQ(get_int(fd, SO_DOMAIN), AF_INET6);
    CHECK_EQ(get_int(fd, SO_PROTOCOL), IPPROTO_TCP);
    CHECK_EQ(get_int(fd, SO_ACCEPTCONN), 0);
    CHECK_EQ(get_int(fd, SO_ERROR), 0);
    CHECK(get_int(fd, SO_RCVBUF) > 0);
    set_and_get(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    set_and_get(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_and_get(fd, SOL_SOCKET, SO_BROADCAST, 0);
    set_and_get(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_and_get(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60);
    set_and_get(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
    set_and_get(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
    set_and_get(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    set_and_get(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 3);
    CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_LINGER, &back, &len), 0);
    CHECK_EQ(back.l_onoff, 1);
    CHECK_EQ(back.l_linger, 5);
    FAILS(setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &value, sizeof(value)),
          EINVAL);
    FAILS(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, 1), EINVAL);
    FAILS(setsockopt(fd, SOL_SOCKET, SO_TYPE, &value, sizeof(value)),
          ENOPROTOOPT);
    FAILS(setsockopt(fd, 77, 1, &value, sizeof(value)), ENOPROTOOPT);
    FAILS(getsockopt(fd, 77, 1, &value, &len), ENOPROTOOPT);
    FAILS(setsockopt(1, SOL_SOCKET, SO_TYPE, &value, sizeof(value)), ENOTSOCK);
    close(fd);
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    value = 1;
    FAILS(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value)),
          ENOPROTOOPT);
    FAILS(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &value, sizeof(value)),
          ENOPROTOOPT);
    close(fd);
}

void test_tcp(void)
{
    test_making();
    test_addresses(AF_INET);
    test_addresses(AF_INET6);
    test_foreign_addresses();
    test_both_families();
    test_only_ip6();
    test_data(AF_INET);
    test_data(AF_INET6);
    test_long_look();
    test_messages();
    test_ends(AF_INET);
    test_ends(AF_INET6);
    test_resets();
    test_refusal();
    test_much_data(AF_INET);
    test_much_data(AF_INET6);
    test_timeouts();
    test_close_under_a_reader();
    test_cancelled_reader();
    test_without_waiting();
    test_asking_for_ever();
    test_duplicates();
    test_many();
    test_backlog();
    test_options();
}
