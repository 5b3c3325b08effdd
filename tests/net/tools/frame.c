/* SPDX-License-Identifier: MIT */
/* frame.c: frames sent and seen on a network device, as on the wire. */
#include "frame.h"

#include "tool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ETHERNET 14
#define IP4 20
#define IP6 40
#define TCP 20

/* ---- The device ---- */

void frame_open(const char *device, struct frame_port *out)
{
    struct ifreq request = { 0 };
    struct sockaddr_ll address = { .sll_family = AF_PACKET,
                                   .sll_protocol = htons(ETH_P_ALL) };
    int room = 8 << 20;

    out->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
    if (out->fd < 0)
        tool_die("a packet socket needs root: %s", strerror(errno));
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", device);
    if (ioctl(out->fd, SIOCGIFINDEX, &request) != 0)
        tool_die("no device %s", device);
    out->index = address.sll_ifindex = request.ifr_ifindex;
    if (ioctl(out->fd, SIOCGIFHWADDR, &request) != 0)
        tool_die("%s has no hardware address", device);
    memcpy(out->mac, request.ifr_hwaddr.sa_data, 6);
    if (bind(out->fd, (struct sockaddr *)&address, sizeof address) != 0)
        tool_die("cannot listen on %s: %s", device, strerror(errno));
    setsockopt(out->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
}

void frame_send(struct frame_port *port, const void *frame, size_t size)
{
    /* A full queue is the network's, as on a real one: the frame is lost. */
    if (send(port->fd, frame, size, 0) < 0 && errno != ENOBUFS &&
        errno != EAGAIN && errno != ENETDOWN)
        tool_die("cannot send a frame of %zu: %s", size, strerror(errno));
}

size_t frame_receive(struct frame_port *port, void *out, size_t room,
                     int timeout_ms)
{
    struct pollfd one = { .fd = port->fd, .events = POLLIN };
    ssize_t n;

    if (poll(&one, 1, timeout_ms) != 1)
        return 0;
    n = recv(port->fd, out, room, 0);
    return n > 0 ? (size_t)n : 0;
}

void frame_mac(const char *text, uint8_t out[6])
{
    unsigned byte[6];

    if (sscanf(text, "%x:%x:%x:%x:%x:%x", &byte[0], &byte[1], &byte[2],
               &byte[3], &byte[4], &byte[5]) != 6)
        tool_die("%s is not a hardware address", text);
    for (int i = 0; i < 6; i++)
        out[i] = (uint8_t)byte[i];
}

void frame_random_mac(uint8_t out[6])
{
    uint32_t a = tool_random(), b = tool_random();

    memcpy(out, &a, 4);
    memcpy(out + 4, &b, 2);
    out[0] = (uint8_t)((out[0] & 0xfc) | 0x02); /* of one host, and local */
}

/* ---- Writing ---- */

static void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
           (uint32_t)at[2] << 8 | at[3];
}

/* The unfinished sum of 16-bit words. */
static uint32_t add(const uint8_t *data, size_t size, uint32_t sum)
{
    for (size_t i = 0; i + 1 < size; i += 2)
        sum += (uint32_t)data[i] << 8 | data[i + 1];
    if (size % 2 != 0)
        sum += (uint32_t)data[size - 1] << 8;
    return sum;
}

uint16_t frame_sum(const void *data, size_t size, uint32_t before)
{
    uint32_t sum = add(data, size, before);

    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

size_t frame_write_ethernet(uint8_t *out, const uint8_t to[6],
                            const uint8_t from[6], uint16_t type)
{
    memcpy(out, to, 6);
    memcpy(out + 6, from, 6);
    put16(out + 12, type);
    return ETHERNET;
}

size_t frame_write_ip4(uint8_t *out, in_addr_t from, in_addr_t to,
                       uint8_t protocol, size_t size)
{
    memset(out, 0, IP4);
    out[0] = 0x45;
    put16(out + 2, (unsigned)(IP4 + size));
    put16(out + 4, tool_random() & 0xffff);
    out[8] = 64;
    out[9] = protocol;
    memcpy(out + 12, &from, 4);
    memcpy(out + 16, &to, 4);
    put16(out + 10, frame_sum(out, IP4, 0));
    return IP4;
}

size_t frame_write_icmp6(uint8_t *out, const struct in6_addr *from,
                         const struct in6_addr *to, size_t size)
{
    uint8_t *message = out + IP6;

    memset(out, 0, IP6);
    out[0] = 0x60;
    put16(out + 4, (unsigned)size);
    out[6] = IPPROTO_ICMPV6;
    out[7] = 255; /* anything less came through a router, and is not ND */
    memcpy(out + 8, from, 16);
    memcpy(out + 24, to, 16);
    put16(message + 2, 0);
    put16(message + 2,
          frame_sum(message, size,
                    add(out + 8, 32, 0) + IPPROTO_ICMPV6 + (uint32_t)size));
    return IP6;
}

size_t frame_write_tcp(uint8_t *out, const struct frame_tcp *tcp)
{
    uint8_t *ip = out + ETHERNET, *at = ip + IP4;
    size_t size = TCP + tcp->size;

    frame_write_ethernet(out, tcp->to_mac, tcp->from_mac, ETH_P_IP);
    memset(at, 0, TCP);
    memcpy(at, &tcp->from_port, 2);
    memcpy(at + 2, &tcp->to_port, 2);
    put32(at + 4, tcp->seq);
    put32(at + 8, tcp->ack);
    at[12] = TCP / 4 << 4;
    at[13] = tcp->flags;
    put16(at + 14, 64240);
    if (tcp->size > 0)
        memcpy(at + TCP, tcp->data, tcp->size);
    frame_write_ip4(ip, tcp->from, tcp->to, IPPROTO_TCP, size);
    put16(
        at + 16,
        frame_sum(at, size, add(ip + 12, 8, 0) + IPPROTO_TCP + (uint32_t)size));
    return ETHERNET + IP4 + size;
}

/* ---- Reading ---- */

bool frame_read_tcp(const uint8_t *frame, size_t size, struct frame_seen *out)
{
    const uint8_t *ip = frame + ETHERNET, *at;
    size_t head, whole, tcp_head;

    if (size < ETHERNET + IP4 || frame[12] != 0x08 || frame[13] != 0 ||
        ip[0] >> 4 != 4 || ip[9] != IPPROTO_TCP)
        return false;
    head = (size_t)(ip[0] & 15) * 4;
    whole = (size_t)ip[2] << 8 | ip[3];
    if (head < IP4 || whole > size - ETHERNET || whole < head + TCP)
        return false;
    at = ip + head;
    tcp_head = (size_t)(at[12] >> 4) * 4;
    if (tcp_head < TCP || whole < head + tcp_head)
        return false;
    memcpy(&out->from, ip + 12, 4);
    memcpy(&out->to, ip + 16, 4);
    memcpy(&out->from_port, at, 2);
    memcpy(&out->to_port, at + 2, 2);
    out->seq = get32(at + 4);
    out->ack = get32(at + 8);
    out->flags = at[13];
    out->size = whole - head - tcp_head;
    return true;
}
