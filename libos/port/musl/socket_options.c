/* SPDX-License-Identifier: MIT */
/* socket_options.c: getsockopt() and setsockopt(). */
#define _GNU_SOURCE
#include "port.h"
#include "sockets.h"
#include <errno.h>
#include <lunik/interface.h>
#include <lunik/time.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/time.h>

#include "syscall.h"

/* What programs are told; the buffers follow from the memory. */
#define BUFFER_SIZE (64 * 1024)

/* Options that are a number here and there. */
struct same {
    int level, name;
    enum lunik_socket_option option;
    bool is_switch; /* any number but 0 is 1 */
};

static const struct same sames[] = {
    { SOL_SOCKET, SO_REUSEADDR, LUNIK_SOCKET_REUSE_ADDRESS, true },
    { SOL_SOCKET, SO_KEEPALIVE, LUNIK_SOCKET_KEEP_ALIVE, true },
    { IPPROTO_TCP, TCP_NODELAY, LUNIK_SOCKET_NO_DELAY, true },
    { IPPROTO_TCP, TCP_KEEPIDLE, LUNIK_SOCKET_KEEP_IDLE, false },
    { IPPROTO_TCP, TCP_KEEPINTVL, LUNIK_SOCKET_KEEP_INTERVAL, false },
    { IPPROTO_TCP, TCP_KEEPCNT, LUNIK_SOCKET_KEEP_COUNT, false },
    { IPPROTO_IP, IP_TTL, LUNIK_SOCKET_HOPS, false },
    { IPPROTO_IP, IP_MULTICAST_TTL, LUNIK_SOCKET_MULTICAST_HOPS, false },
    { IPPROTO_IP, IP_MULTICAST_LOOP, LUNIK_SOCKET_MULTICAST_LOOP, true },
    { IPPROTO_IPV6, IPV6_V6ONLY, LUNIK_SOCKET_ONLY_IP6, true },
    { IPPROTO_IPV6, IPV6_UNICAST_HOPS, LUNIK_SOCKET_HOPS, false },
    { IPPROTO_IPV6, IPV6_MULTICAST_HOPS, LUNIK_SOCKET_MULTICAST_HOPS, false },
    { IPPROTO_IPV6, IPV6_MULTICAST_LOOP, LUNIK_SOCKET_MULTICAST_LOOP, true },
};

static const struct same *find(const struct lunik_socket_file *file, long level,
                               long name)
{
    for (size_t i = 0; i < sizeof(sames) / sizeof(sames[0]); i++) {
        const struct same *same = &sames[i];

        if (same->level != level || same->name != name)
            continue;
        if (level == IPPROTO_IPV6 && file->family != AF_INET6)
            return NULL;
        return same;
    }
    return NULL;
}

/* Numbers are ints; the multicast ones of IPv4 may be bytes, too. */
static long read_int(const void *in, unsigned long len, bool may_be_byte,
                     int *out)
{
    if (!in)
        return -EFAULT;
    if (len >= sizeof(*out))
        memcpy(out, in, sizeof(*out));
    else if (may_be_byte && len == 1)
        *out = *(const uint8_t *)in;
    else
        return -EINVAL;
    return 0;
}

static long set_same(struct lunik_socket_file *file, const struct same *same,
                     const void *in, unsigned long len)
{
    int value;
    long res = read_int(in, len, same->level == IPPROTO_IP, &value);

    if (res < 0)
        return res;
    if (same->is_switch)
        value = value != 0;
    /* -1 is the usual number. */
    if (value == -1 && same->option == LUNIK_SOCKET_HOPS)
        value = 64;
    if (value == -1 && same->option == LUNIK_SOCKET_MULTICAST_HOPS)
        value = 1;
    if (lunik_socket_set(file->socket, same->option, value) == LUNIK_OK)
        return 0;
    return same->level == IPPROTO_TCP &&
                   lunik_socket_get_type(file->socket) != LUNIK_STREAM
               ? -ENOPROTOOPT
               : -EINVAL;
}

/* ---- Of the level of all sockets ---- */

static long set_timeout(uint64_t *out, const void *in, unsigned long len)
{
    struct timeval tv;

    if (len < sizeof(tv))
        return -EINVAL;
    memcpy(&tv, in, sizeof(tv));
    if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
        return -EDOM;
    /* As Linux: a time before now is no time at all, the least there is. */
    if (tv.tv_sec < 0)
        *out = 1;
    else if ((uint64_t)tv.tv_sec > LUNIK_NEVER / LUNIK_NS_PER_S / 2)
        *out = 0;
    else
        *out =
            (uint64_t)tv.tv_sec * LUNIK_NS_PER_S + (uint64_t)tv.tv_usec * 1000;
    return 0;
}

static long set_linger(struct lunik_socket_file *file, const void *in,
                       unsigned long len)
{
    struct linger linger;
    int seconds;

    if (len < sizeof(linger))
        return -EINVAL;
    memcpy(&linger, in, sizeof(linger));
    seconds = !linger.l_onoff ? -1 : linger.l_linger < 0 ? 0 : linger.l_linger;
    if (seconds > INT16_MAX)
        seconds = INT16_MAX;
    return -lunik_sockets_errno(
        lunik_socket_set(file->socket, LUNIK_SOCKET_LINGER, seconds));
}

/* Streams have it, too, though it means nothing to them. */
static long set_broadcast(struct lunik_socket_file *file, const void *in,
                          unsigned long len)
{
    int value;
    long res = read_int(in, len, false, &value);

    if (res < 0 || lunik_socket_get_type(file->socket) == LUNIK_STREAM)
        return res;
    return -lunik_sockets_errno(
        lunik_socket_set(file->socket, LUNIK_SOCKET_BROADCAST, value != 0));
}

static long set_socket_level(struct lunik_socket_file *file, long name,
                             const void *in, unsigned long len)
{
    switch (name) {
    case SO_RCVTIMEO:
        return set_timeout(&file->receive_ns, in, len);
    case SO_SNDTIMEO:
        return set_timeout(&file->send_ns, in, len);
    case SO_LINGER:
        return set_linger(file, in, len);
    case SO_BROADCAST:
        return set_broadcast(file, in, len);
    /* Granted: there is nothing to choose. */
    case SO_RCVBUF:
    case SO_SNDBUF:
    case SO_REUSEPORT:
    case SO_DONTROUTE:
    case SO_OOBINLINE:
    case SO_PRIORITY:
    case SO_RCVLOWAT:
        return len < sizeof(int) ? -EINVAL : 0;
    case SO_ERROR:
    case SO_TYPE:
    default:
        return -ENOPROTOOPT;
    }
}

/* ---- Multicast groups ---- */

/* The zone of an interface of this IPv4 address; 0: any. -ENODEV. */
static long zone_of(const struct in_addr *address, uint32_t *out)
{
    struct lunik_interface interface;

    *out = 0;
    if (address->s_addr == INADDR_ANY)
        return 0;
    for (size_t i = 0; lunik_interface_get(i, &interface) == LUNIK_OK; i++)
        for (size_t j = 0; j < interface.address_count; j++)
            if (interface.addresses[j].address.family == LUNIK_IP4 &&
                memcmp(interface.addresses[j].address.bytes, address, 4) == 0) {
                *out = (uint32_t)i + 1;
                return 0;
            }
    return -ENODEV;
}

static long change_group(struct lunik_socket_file *file,
                         const struct lunik_address *group, bool joins)
{
    switch (lunik_socket_join(file->socket, group, joins)) {
    case LUNIK_OK:
        return 0;
    case LUNIK_EINUSE:
        return -EADDRINUSE;
    case LUNIK_EUNREACHABLE:
        return -ENODEV;
    case LUNIK_ENOMEM:
        return -ENOBUFS;
    default:
        return joins ? -EINVAL : -EADDRNOTAVAIL;
    }
}

static long set_group4(struct lunik_socket_file *file, const void *in,
                       unsigned long len, bool joins)
{
    struct lunik_address group = { .family = LUNIK_IP4 };
    struct ip_mreqn request = { 0 };
    long res;

    if (len < sizeof(struct ip_mreq))
        return -EINVAL;
    memcpy(&request, in, len < sizeof(request) ? len : sizeof(request));
    memcpy(group.bytes, &request.imr_multiaddr, 4);
    if (len >= sizeof(request) && request.imr_ifindex > 0) {
        group.zone = (uint32_t)request.imr_ifindex;
    } else {
        res = zone_of(&request.imr_address, &group.zone);
        if (res < 0)
            return res;
    }
    return change_group(file, &group, joins);
}

static long set_group6(struct lunik_socket_file *file, const void *in,
                       unsigned long len, bool joins)
{
    struct lunik_address group = { .family = LUNIK_IP6 };
    struct ipv6_mreq request;

    if (len < sizeof(request))
        return -EINVAL;
    memcpy(&request, in, sizeof(request));
    memcpy(group.bytes, &request.ipv6mr_multiaddr, 16);
    group.zone = request.ipv6mr_interface;
    return change_group(file, &group, joins);
}

static long set_ip_level(struct lunik_socket_file *file, long level, long name,
                         const void *in, unsigned long len)
{
    if (level == IPPROTO_IPV6 && file->family == AF_INET6) {
        switch (name) {
        case IPV6_JOIN_GROUP:
            return set_group6(file, in, len, true);
        case IPV6_LEAVE_GROUP:
            return set_group6(file, in, len, false);
        case IPV6_MULTICAST_IF:
        case IPV6_TCLASS:
            return 0;
        default:
            return -ENOPROTOOPT;
        }
    }
    switch (level == IPPROTO_IP ? name : -1) {
    case IP_ADD_MEMBERSHIP:
        return set_group4(file, in, len, true);
    case IP_DROP_MEMBERSHIP:
        return set_group4(file, in, len, false);
    case IP_MULTICAST_IF:
    case IP_TOS:
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

long lunik_sys_setsockopt(long fd, long level, long name, const void *in,
                          unsigned long len)
{
    struct lunik_socket_file *file;
    const struct same *same;
    long res = lunik_sockets_get(fd, &file);

    if (res < 0)
        return res;
    same = find(file, level, name);
    if (same)
        return set_same(file, same, in, len);
    if (!in)
        return -EFAULT;
    switch (level) {
    case SOL_SOCKET:
        return set_socket_level(file, name, in, len);
    case IPPROTO_IP:
    case IPPROTO_IPV6:
        return set_ip_level(file, level, name, in, len);
    default:
        return -ENOPROTOOPT;
    }
}

/* ---- Reading ---- */

static long put(void *out, socklen_t *len, const void *value, socklen_t size)
{
    if (!out || !len)
        return -EFAULT;
    if (*len < size)
        size = *len;
    memcpy(out, value, size);
    *len = size;
    return 0;
}

static long put_int(void *out, socklen_t *len, int value)
{
    return put(out, len, &value, sizeof(value));
}

static long put_timeout(void *out, socklen_t *len, uint64_t ns)
{
    struct timeval tv = { .tv_sec = (time_t)(ns / LUNIK_NS_PER_S),
                          .tv_usec =
                              (suseconds_t)(ns % LUNIK_NS_PER_S / 1000) };

    return put(out, len, &tv, sizeof(tv));
}

static long get_linger(struct lunik_socket_file *file, void *out,
                       socklen_t *len)
{
    struct linger linger = { 0 };
    int seconds;

    if (lunik_socket_get(file->socket, LUNIK_SOCKET_LINGER, &seconds) !=
        LUNIK_OK)
        return -ENOPROTOOPT;
    linger.l_onoff = seconds >= 0;
    linger.l_linger = seconds >= 0 ? seconds : 0;
    return put(out, len, &linger, sizeof(linger));
}

static long get_socket_level(struct lunik_socket_file *file, long name,
                             void *out, socklen_t *len)
{
    bool is_stream = lunik_socket_get_type(file->socket) == LUNIK_STREAM;
    int value = 0;

    switch (name) {
    case SO_ERROR:
        return put_int(out, len, lunik_sockets_take_error(file));
    case SO_TYPE:
        return put_int(out, len, is_stream ? SOCK_STREAM : SOCK_DGRAM);
    case SO_PROTOCOL:
        return put_int(out, len, is_stream ? IPPROTO_TCP : IPPROTO_UDP);
    case SO_DOMAIN:
        return put_int(out, len, file->family);
    case SO_ACCEPTCONN:
        return put_int(out, len,
                       lunik_socket_get_state(file->socket) ==
                           LUNIK_SOCKET_LISTENING);
    case SO_BROADCAST:
        /* Left at 0 where there is none. */
        (void)!lunik_socket_get(file->socket, LUNIK_SOCKET_BROADCAST, &value);
        return put_int(out, len, value);
    case SO_RCVBUF:
    case SO_SNDBUF:
        return put_int(out, len, BUFFER_SIZE);
    case SO_RCVTIMEO:
        return put_timeout(out, len, file->receive_ns);
    case SO_SNDTIMEO:
        return put_timeout(out, len, file->send_ns);
    case SO_LINGER:
        return get_linger(file, out, len);
    case SO_REUSEPORT:
    case SO_DONTROUTE:
    case SO_OOBINLINE:
    case SO_PRIORITY:
        return put_int(out, len, 0);
    case SO_RCVLOWAT:
    case SO_SNDLOWAT:
        return put_int(out, len, 1);
    default:
        return -ENOPROTOOPT;
    }
}

long lunik_sys_getsockopt(long fd, long level, long name, void *out, void *len)
{
    struct lunik_socket_file *file;
    const struct same *same;
    int value;
    long res = lunik_sockets_get(fd, &file);

    if (res < 0)
        return res;
    same = find(file, level, name);
    if (same) {
        if (lunik_socket_get(file->socket, same->option, &value) != LUNIK_OK)
            return -ENOPROTOOPT;
        return put_int(out, len, value);
    }
    if (level == SOL_SOCKET)
        return get_socket_level(file, name, out, len);
    if (level == IPPROTO_TCP && name == TCP_MAXSEG)
        return put_int(out, len, 1460);
    return -ENOPROTOOPT;
}
