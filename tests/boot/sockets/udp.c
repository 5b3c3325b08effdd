/* SPDX-License-Identifier: MIT */
/* udp.c: datagrams. */
#define _GNU_SOURCE
#include "check.h"
#include <lunik/event.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

static int bound_at(int family, union any_address *address)
{
    socklen_t len = loopback(family, 0, address);
    int fd = socket(family, SOCK_DGRAM, 0);

    CHECK(fd >= 0);
    CHECK_EQ(bind(fd, &address->any, len), 0);
    loopback(family, port_of(fd), address);
    return fd;
}

static socklen_t len_of(int family)
{
    return family == AF_INET ? sizeof(struct sockaddr_in)
                             : sizeof(struct sockaddr_in6);
}

static void test_there_and_back(int family)
{
    union any_address server_at, from;
    int server = bound_at(family, &server_at), waiting;
    int client = socket(family, SOCK_DGRAM, 0);
    socklen_t len = sizeof(from);
    char text[16];

    FAILS(send(client, "x", 1, 0), EDESTADDRREQ);
    FAILS(recv(client, text, 1, MSG_DONTWAIT), EAGAIN);
    CHECK_EQ(sendto(client, "question", 8, 0, &server_at.any, len_of(family)),
             8);
    CHECK_EQ(sendto(client, "", 0, 0, &server_at.any, len_of(family)), 0);
    CHECK_EQ(recvfrom(server, text, 4, MSG_PEEK, &from.any, &len), 4);
    CHECK_EQ(len, len_of(family));
    CHECK_EQ(ntohs(from.in.sin_port), port_of(client));
    CHECK_EQ(ioctl(server, FIONREAD, &waiting), 0);
    CHECK_EQ(waiting, 8);
    len = sizeof(from);
    CHECK_EQ(recvfrom(server, text, 4, MSG_TRUNC, &from.any, &len), 8);
    CHECK_EQ(memcmp(text, "ques", 4), 0);
    /* An empty one is one, too; the rest of the one before is gone. */
    CHECK_EQ(recv(server, text, sizeof(text), 0), 0);
    FAILS(recv(server, text, sizeof(text), MSG_DONTWAIT), EAGAIN);
    CHECK_EQ(sendto(server, "answer", 6, 0, &from.any, len), 6);
    CHECK_EQ(recv(client, text, sizeof(text), 0), 6);
    FAILS(listen(server, 1), EOPNOTSUPP);
    FAILS(accept(server, NULL, NULL), EOPNOTSUPP);
    close(client);
    close(server);
}

/* A socket of IPv6's kind hears and answers IPv4, too. */
static void test_both_families(void)
{
    union any_address at = { .in6 = { .sin6_family = AF_INET6 } }, to, from;
    int server = socket(AF_INET6, SOCK_DGRAM, 0);
    int client = socket(AF_INET, SOCK_DGRAM, 0);
    socklen_t len = sizeof(from);
    char text[8];

    CHECK_EQ(bind(server, &at.any, sizeof(at.in6)), 0);
    loopback(AF_INET, port_of(server), &to);
    CHECK_EQ(connect(client, &to.any, sizeof(to.in)), 0);
    CHECK_EQ(send(client, "four", 4, 0), 4);
    CHECK_EQ(recvfrom(server, text, sizeof(text), 0, &from.any, &len), 4);
    CHECK_EQ(len, sizeof(from.in6));
    CHECK(IN6_IS_ADDR_V4MAPPED(&from.in6.sin6_addr));
    CHECK_EQ(sendto(server, "back", 4, 0, &from.any, len), 4);
    CHECK_EQ(recv(client, text, sizeof(text), 0), 4);
    /* And as a connection. */
    CHECK_EQ(connect(server, &from.any, len), 0);
    CHECK_EQ(send(server, "again", 5, 0), 5);
    CHECK_EQ(recv(client, text, sizeof(text), 0), 5);
    close(client);
    close(server);
}

static void test_connected(int family)
{
    static const struct sockaddr nobody = { .sa_family = AF_UNSPEC };
    union any_address a_at, b_at, c_at, peer;
    int a = bound_at(family, &a_at), b = bound_at(family, &b_at);
    int c = bound_at(family, &c_at);
    socklen_t len = len_of(family);
    char text[8];

    CHECK_EQ(connect(a, &b_at.any, len), 0);
    CHECK_EQ(getpeername(a, &peer.any, &len), 0);
    CHECK_EQ(peer.in.sin_port, b_at.in.sin_port);
    CHECK_EQ(send(a, "to b", 4, 0), 4);
    CHECK_EQ(recv(b, text, sizeof(text), 0), 4);
    /* Others are not heard. */
    CHECK_EQ(sendto(c, "c", 1, 0, &a_at.any, len), 1);
    CHECK_EQ(sendto(b, "bb", 2, 0, &a_at.any, len), 2);
    CHECK_EQ(recv(a, text, sizeof(text), 0), 2);
    FAILS(recv(a, text, sizeof(text), MSG_DONTWAIT), EAGAIN);
    CHECK_EQ(connect(a, &nobody, sizeof(nobody)), 0);
    FAILS(getpeername(a, &peer.any, &len), ENOTCONN);
    CHECK_EQ(sendto(c, "c", 1, 0, &a_at.any, len), 1);
    CHECK_EQ(recv(a, text, sizeof(text), 0), 1);
    CHECK_EQ(connect(a, &c_at.any, len), 0);
    CHECK_EQ(shutdown(a, SHUT_RD), 0);
    CHECK_EQ(recv(a, text, sizeof(text), 0), 0);
    close(a);
    close(b);
    close(c);
}

static void test_parts(void)
{
    union any_address at, from;
    int server = bound_at(AF_INET, &at);
    char text[4] = { 0 }, rest[2] = { 0 };
    struct iovec out_parts[] = { { "one ", 4 }, { "two", 3 } };
    struct iovec in_parts[] = { { text, 4 }, { rest, 2 } };
    struct msghdr out = { .msg_name = &at,
                          .msg_namelen = sizeof(at.in),
                          .msg_iov = out_parts,
                          .msg_iovlen = 2 };
    struct msghdr in = { .msg_name = &from,
                         .msg_namelen = sizeof(from),
                         .msg_iov = in_parts,
                         .msg_iovlen = 2 };

    CHECK_EQ(sendmsg(server, &out, 0), 7);
    CHECK_EQ(recvmsg(server, &in, 0), 6);
    CHECK_EQ(in.msg_flags, MSG_TRUNC);
    CHECK_EQ(memcmp(text, "one ", 4), 0);
    CHECK_EQ(memcmp(rest, "tw", 2), 0);
    CHECK_EQ(from.in.sin_port, at.in.sin_port);
    close(server);
}

static void test_sizes(void)
{
    static char block[70000];
    union any_address at;
    int fd = bound_at(AF_INET, &at), one = 1;
    socklen_t len = sizeof(one);

    CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, len), 0);
    one = 0;
    CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, &len), 0);
    CHECK_EQ(one, 1);
    CHECK_EQ(sendto(fd, block, 9000, 0, &at.any, sizeof(at.in)), 9000);
    CHECK_EQ(recv(fd, block, sizeof(block), 0), 9000);
    FAILS(sendto(fd, block, 70000, 0, &at.any, sizeof(at.in)), EMSGSIZE);
    at.in.sin_addr.s_addr = htonl(INADDR_BROADCAST);
    FAILS(sendto(fd, block, 1, 0, &at.any, sizeof(at.in)), ENETUNREACH);
    close(fd);
}

/* What a program does not fetch is lost, and takes no memory. */
static void test_flood(void)
{
    union any_address at;
    int fd = bound_at(AF_INET, &at), got = 0;
    char byte;

    for (int i = 0; i < 1000; i++)
        CHECK_EQ(sendto(fd, "f", 1, 0, &at.any, sizeof(at.in)), 1);
    sleep_ms(5);
    while (recv(fd, &byte, 1, MSG_DONTWAIT) == 1)
        got++;
    CHECK(got >= 16 && got <= 256);
    close(fd);
}

static void test_ports(void)
{
    union any_address at;
    int fd = bound_at(AF_INET, &at), other, one = 1;

    other = socket(AF_INET, SOCK_DGRAM, 0);
    FAILS(bind(other, &at.any, sizeof(at.in)), EADDRINUSE);
    CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
    CHECK_EQ(setsockopt(other, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
    CHECK_EQ(bind(other, &at.any, sizeof(at.in)), 0);
    close(other);
    close(fd);
}

static void test_groups(void)
{
    struct ip_mreq group = { 0 };
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    unsigned char hops = 3;
    socklen_t len = sizeof(hops);

    CHECK_EQ(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &hops, 1), 0);
    CHECK_EQ(getsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &hops, &len), 0);
    CHECK_EQ(hops, 3);
    group.imr_multiaddr.s_addr = htonl(0x0a000001);
    FAILS(setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)),
          EINVAL);
    group.imr_multiaddr.s_addr = htonl(0xe0000005);
    FAILS(setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, 4), EINVAL);
    group.imr_interface.s_addr = htonl(0x01020304);
    FAILS(setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)),
          ENODEV);
    close(fd);
}

void test_udp(void)
{
    test_there_and_back(AF_INET);
    test_there_and_back(AF_INET6);
    test_both_families();
    test_connected(AF_INET);
    test_connected(AF_INET6);
    test_parts();
    test_sizes();
    test_flood();
    test_ports();
    test_groups();
}
