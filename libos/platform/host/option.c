/* SPDX-License-Identifier: MIT */
/* option.c: a socket's options, in Linux's words. */
#include "host_socket.h"
#include <lunik/panic.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

/* The two that are not Linux's: their value is kept here. */
#define OURS (-1)

struct option {
    int level4, name4; /* IPv6 sockets have some under a second name */
    int level6, name6; /* 0: none */
    int min, max;
    unsigned types; /* bits: 1 << lunik_socket_type */
};

#define STREAMS (1u << LUNIK_STREAM)
#define DATAGRAMS (1u << LUNIK_DATAGRAM)
#define BOTH (STREAMS | DATAGRAMS)

static const struct option options[] = {
    [LUNIK_SOCKET_REUSE_ADDRESS] = { SOL_SOCKET, SO_REUSEADDR, 0, 0, 0, 1,
                                     BOTH },
    [LUNIK_SOCKET_NO_DELAY] = { IPPROTO_TCP, TCP_NODELAY, 0, 0, 0, 1, STREAMS },
    [LUNIK_SOCKET_KEEP_ALIVE] = { SOL_SOCKET, SO_KEEPALIVE, 0, 0, 0, 1,
                                  STREAMS },
    [LUNIK_SOCKET_KEEP_IDLE] = { IPPROTO_TCP, TCP_KEEPIDLE, 0, 0, 1, 32767,
                                 STREAMS },
    [LUNIK_SOCKET_KEEP_INTERVAL] = { IPPROTO_TCP, TCP_KEEPINTVL, 0, 0, 1, 32767,
                                     STREAMS },
    [LUNIK_SOCKET_KEEP_COUNT] = { IPPROTO_TCP, TCP_KEEPCNT, 0, 0, 1, 127,
                                  STREAMS },
    [LUNIK_SOCKET_LINGER] = { OURS, 0, 0, 0, -1, 32767, STREAMS },
    [LUNIK_SOCKET_BROADCAST] = { SOL_SOCKET, SO_BROADCAST, 0, 0, 0, 1, BOTH },
    [LUNIK_SOCKET_ONLY_IP6] = { OURS, 0, 0, 0, 0, 1, BOTH },
    [LUNIK_SOCKET_HOPS] = { IPPROTO_IP, IP_TTL, IPPROTO_IPV6, IPV6_UNICAST_HOPS,
                            1, 255, BOTH },
    [LUNIK_SOCKET_MULTICAST_HOPS] = { IPPROTO_IP, IP_MULTICAST_TTL,
                                      IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 0, 255,
                                      DATAGRAMS },
    [LUNIK_SOCKET_MULTICAST_LOOP] = { IPPROTO_IP, IP_MULTICAST_LOOP,
                                      IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0, 1,
                                      DATAGRAMS },
};

static const struct option *find(const struct lunik_socket *socket,
                                 enum lunik_socket_option name)
{
    const struct option *option = &options[name];

    LUNIK_ASSERT((size_t)name < sizeof(options) / sizeof(*options));
    return option->types & 1u << socket->type ? option : NULL;
}

static lunik_result set_linger(struct lunik_socket *socket, int seconds)
{
    /* Closing delivers the rest in any case, and must not wait for it: what
     * Linux has to know is only whether to reset. */
    struct linger linger = { .l_onoff = seconds == 0 };

    if (setsockopt(socket->fd, SOL_SOCKET, SO_LINGER, &linger,
                   sizeof(linger)) != 0)
        return LUNIK_EINVAL;
    socket->linger = seconds;
    return LUNIK_OK;
}

static lunik_result set_only_ip6(struct lunik_socket *socket, int value)
{
    if (socket->family != AF_INET6 || socket->is_bound ||
        setsockopt(socket->fd, IPPROTO_IPV6, IPV6_V6ONLY, &value,
                   sizeof(value)) != 0)
        return LUNIK_EINVAL;
    socket->families = LUNIK_IP6 | (value ? 0 : LUNIK_IP4);
    return LUNIK_OK;
}

lunik_result lunik_socket_set(struct lunik_socket *socket,
                              enum lunik_socket_option name, int value)
{
    const struct option *option = find(socket, name);
    bool is_set = false;

    if (!option || value < option->min || value > option->max)
        return LUNIK_EINVAL;
    if (name == LUNIK_SOCKET_LINGER)
        return set_linger(socket, value);
    if (name == LUNIK_SOCKET_ONLY_IP6)
        return set_only_ip6(socket, value);
    if (option->level6 && socket->family == AF_INET6)
        is_set = setsockopt(socket->fd, option->level6, option->name6, &value,
                            sizeof(value)) == 0;
    /* An IPv6 socket has IPv4's for the addresses that it maps. */
    if (setsockopt(socket->fd, option->level4, option->name4, &value,
                   sizeof(value)) == 0)
        is_set = true;
    if (!is_set)
        return LUNIK_EINVAL;
    if (name == LUNIK_SOCKET_NO_DELAY)
        socket->is_no_delay = value != 0;
    return LUNIK_OK;
}

lunik_result lunik_socket_get(const struct lunik_socket *socket,
                              enum lunik_socket_option name, int *value_out)
{
    const struct option *option = find(socket, name);
    socklen_t size = sizeof(*value_out);
    bool is_six;
    int failed;

    *value_out = 0;
    if (!option)
        return LUNIK_EINVAL;
    if (name == LUNIK_SOCKET_LINGER)
        *value_out = socket->linger;
    else if (name == LUNIK_SOCKET_ONLY_IP6)
        *value_out = socket->families == LUNIK_IP6;
    if (option->level4 == OURS)
        return LUNIK_OK;
    is_six = option->level6 && socket->family == AF_INET6;
    failed =
        getsockopt(socket->fd, is_six ? option->level6 : option->level4,
                   is_six ? option->name6 : option->name4, value_out, &size);
    if (failed)
        return LUNIK_EINVAL;
    if (option->max == 1)
        *value_out = *value_out != 0;
    return LUNIK_OK;
}

static bool is_multicast(const struct lunik_address *group)
{
    return group->family == LUNIK_IP4   ? group->bytes[0] >> 4 == 0xe
           : group->family == LUNIK_IP6 ? group->bytes[0] == 0xff
                                        : false;
}

lunik_result lunik_socket_join(struct lunik_socket *socket,
                               const struct lunik_address *group, bool joins)
{
    struct ip_mreqn four = { 0 };
    struct ipv6_mreq six = { 0 };
    int failed;

    if (socket->type != LUNIK_DATAGRAM || !is_multicast(group) ||
        !(group->family & socket->families))
        return LUNIK_EINVAL;
    if (group->family == LUNIK_IP4) {
        memcpy(&four.imr_multiaddr, group->bytes, 4);
        four.imr_ifindex = (int)platform_host_zone_to_linux(group->zone);
        failed = setsockopt(socket->fd, IPPROTO_IP,
                            joins ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP,
                            &four, sizeof(four));
    } else {
        memcpy(&six.ipv6mr_multiaddr, group->bytes, 16);
        six.ipv6mr_interface = platform_host_zone_to_linux(group->zone);
        failed = setsockopt(socket->fd, IPPROTO_IPV6,
                            joins ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP, &six,
                            sizeof(six));
    }
    return failed ? LUNIK_EINVAL : LUNIK_OK;
}
