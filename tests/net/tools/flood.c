/* SPDX-License-Identifier: MIT */
/*
 * flood.c: sends frames of one kind at a given rate.
 *
 *   flood --device tap0 --kind KIND --mac GUEST'S --to IP [--to6 IP]
 *         [--port N] [--rate PER-SECOND] [--seconds N] [--near]
 *
 * Kinds, each frame with other random values:
 *   syn ack       to the port, from forged addresses
 *   udp ping      likewise; udp to ports where nobody listens
 *   icmp          errors about connections that the guest does not have
 *   fragment      first pieces of datagrams whose rest never comes
 *   arp           questions and answers from hosts that do not exist
 *   nd            the same for IPv6
 *   ra            router advertisements with prefixes, from routers of no name
 *   noise         random bytes behind an Ethernet header
 *
 * Forged addresses are far away (198.18/15), or, with --near, on the link.
 */
#include "frame.h"
#include "tool.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <string.h>

struct flood {
    struct frame_port device;
    uint8_t mac[6];
    in_addr_t to;
    struct in6_addr to6;
    in_port_t port;
    bool is_near;
};

static const uint8_t everybody[6] = { 255, 255, 255, 255, 255, 255 };

static in_addr_t forged(const struct flood *f)
{
    uint32_t r = tool_random();

    if (f->is_near) /* 100 to 227 of the guest's own net */
        return htonl((ntohl(f->to) & 0xffffff00u) | (100 + r % 128));
    return htonl(0xc6120000u | (r & 0x1ffffu));
}

static void random_bytes(uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)tool_random();
}

/* An Ethernet and an IPv4 header before (size) bytes of (protocol). */
static size_t wrap(const struct flood *f, uint8_t *out, uint8_t protocol,
                   size_t size)
{
    size_t at = frame_write_ethernet(out, f->mac, f->device.mac, ETH_P_IP);

    at += frame_write_ip4(out + at, forged(f), f->to, protocol, size);
    return at + size;
}

static size_t write_tcp(const struct flood *f, uint8_t *out, uint8_t flags)
{
    struct frame_tcp tcp = {
        .to_mac = f->mac,
        .from_mac = f->device.mac,
        .from = forged(f),
        .to = f->to,
        .from_port = (in_port_t)tool_random(),
        .to_port = f->port,
        .seq = tool_random(),
        .ack = flags == FRAME_SYN ? 0 : tool_random(),
        .flags = flags,
    };

    return frame_write_tcp(out, &tcp);
}

static size_t write_syn(const struct flood *f, uint8_t *out)
{
    return write_tcp(f, out, FRAME_SYN);
}

static size_t write_ack(const struct flood *f, uint8_t *out)
{
    return write_tcp(f, out, FRAME_ACK);
}

static size_t write_udp(const struct flood *f, uint8_t *out)
{
    uint8_t *udp = out + 34;

    random_bytes(udp, 40);
    udp[4] = 0, udp[5] = 40;
    udp[6] = udp[7] = 0; /* no checksum */
    return wrap(f, out, IPPROTO_UDP, 40);
}

static size_t write_ping(const struct flood *f, uint8_t *out)
{
    uint8_t *icmp = out + 34;
    uint16_t sum;

    random_bytes(icmp, 64);
    memcpy(icmp, "\x08\0\0\0", 4);
    sum = htons(frame_sum(icmp, 64, 0));
    memcpy(icmp + 2, &sum, 2);
    return wrap(f, out, IPPROTO_ICMP, 64);
}

/* An error of a random code about a segment that the guest might have sent:
 * port unreachable, needs fragmentation with a tiny MTU, time exceeded. */
static size_t write_icmp(const struct flood *f, uint8_t *out)
{
    static const uint8_t kinds[][2] = { { 3, 0 }, { 3, 1 },  { 3, 3 },
                                        { 3, 4 }, { 11, 0 }, { 5, 1 } };
    uint8_t *icmp = out + 34, *quoted = icmp + 8;
    const uint8_t *kind = kinds[tool_random() % 6];
    uint16_t sum;

    memset(icmp, 0, 36);
    icmp[0] = kind[0], icmp[1] = kind[1];
    icmp[7] = 68; /* the next hop's MTU, if it is that */
    frame_write_ip4(quoted, f->to, forged(f), IPPROTO_TCP, 20);
    memcpy(quoted + 20, &f->port, 2);
    random_bytes(quoted + 22, 6);
    sum = htons(frame_sum(icmp, 36, 0));
    memcpy(icmp + 2, &sum, 2);
    return wrap(f, out, IPPROTO_ICMP, 36);
}

static size_t write_fragment(const struct flood *f, uint8_t *out)
{
    uint8_t *ip = out + 14;
    size_t size = 64 + (tool_random() % 150) * 8;
    uint16_t sum;

    random_bytes(ip + 20, size);
    size = wrap(f, out, IPPROTO_UDP, size);
    /* More fragments follow; half of them begin in the middle. */
    ip[6] = 0x20;
    if (tool_random() % 2 != 0) {
        ip[6] |= (uint8_t)(tool_random() % 32);
        ip[7] = (uint8_t)tool_random();
    }
    ip[10] = ip[11] = 0;
    sum = htons(frame_sum(ip, 20, 0));
    memcpy(ip + 10, &sum, 2);
    return size;
}

static size_t write_arp(const struct flood *f, uint8_t *out)
{
    uint8_t mac[6], *arp = out + 14;
    in_addr_t from = forged(f);
    bool is_answer = tool_random() % 2 != 0;

    frame_random_mac(mac);
    frame_write_ethernet(out, is_answer ? f->mac : everybody, mac, ETH_P_ARP);
    memcpy(arp, "\0\1\x08\0\6\4\0\1", 8);
    arp[7] = is_answer ? 2 : 1;
    memcpy(arp + 8, mac, 6);
    memcpy(arp + 14, &from, 4);
    memcpy(arp + 18, f->mac, 6);
    memcpy(arp + 24, &f->to, 4);
    memset(arp + 28, 0, 18); /* to the least size of a frame */
    return 60;
}

static void link_local(struct in6_addr *out)
{
    memset(out, 0, 16);
    out->s6_addr[0] = 0xfe, out->s6_addr[1] = 0x80;
    random_bytes(out->s6_addr + 8, 8);
}

static size_t write_nd(const struct flood *f, uint8_t *out)
{
    uint8_t mac[6], *message = out + 54;
    struct in6_addr from;
    bool is_answer = tool_random() % 2 != 0;

    frame_random_mac(mac);
    link_local(&from);
    frame_write_ethernet(out, f->mac, mac, ETH_P_IPV6);
    memset(message, 0, 32);
    message[0] = is_answer ? 136 : 135;
    message[4] = is_answer ? 0x60 : 0;
    memcpy(message + 8, is_answer ? &from : &f->to6, 16);
    message[24] = is_answer ? 2 : 1; /* its hardware address */
    message[25] = 1;
    memcpy(message + 26, mac, 6);
    return 14 + frame_write_icmp6(out + 14, &from, &f->to6, 32) + 32;
}

static size_t write_ra(const struct flood *f, uint8_t *out)
{
    static const uint8_t all_nodes_mac[6] = { 0x33, 0x33, 0, 0, 0, 1 };
    uint8_t mac[6], *message = out + 54, *option = message + 16;
    struct in6_addr from, all_nodes;

    (void)f;
    frame_random_mac(mac);
    link_local(&from);
    inet_pton(AF_INET6, "ff02::1", &all_nodes);
    frame_write_ethernet(out, all_nodes_mac, mac, ETH_P_IPV6);
    memset(message, 0, 80);
    message[0] = 134;
    message[4] = 64;
    message[6] = 0x07, message[7] = 0x08; /* a router for 1,800 s */
    option[0] = 3, option[1] = 4, option[2] = 64, option[3] = 0xc0;
    option[5] = 1, option[9] = 1; /* lifetimes of 65,536 s */
    option[16] = 0xfd;
    random_bytes(option + 17, 7);
    option[32] = 25, option[33] = 3; /* a name server, for as long */
    option[37] = 1;
    memcpy(option + 40, &from, 16);
    return 14 + frame_write_icmp6(out + 14, &from, &all_nodes, 72) + 72;
}

static size_t write_noise(const struct flood *f, uint8_t *out)
{
    static const uint16_t types[] = { ETH_P_IP, ETH_P_ARP, ETH_P_IPV6, 0x88cc };
    size_t size = 46 + tool_random() % 1400;

    frame_write_ethernet(out, f->mac, f->device.mac, types[tool_random() % 4]);
    random_bytes(out + 14, size);
    /* Half look like IP at first sight. */
    if (tool_random() % 2 != 0)
        out[14] = out[13] == 0xdd ? 0x60 : 0x45;
    return 14 + size;
}

static const struct kind {
    const char *name;
    size_t (*write)(const struct flood *f, uint8_t *out);
} kinds[] = {
    { "syn", write_syn },   { "ack", write_ack },
    { "udp", write_udp },   { "ping", write_ping },
    { "icmp", write_icmp }, { "fragment", write_fragment },
    { "arp", write_arp },   { "nd", write_nd },
    { "ra", write_ra },     { "noise", write_noise },
};

static const struct kind *find_kind(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    tool_die("no kind %s", name);
}

/* A tick of a millisecond sends what is due, so that the rate is even. */
static long run(struct flood *f, const struct kind *kind, long rate,
                long seconds)
{
    static uint8_t frame[4096];
    uint64_t began = tool_now_ns();
    uint64_t whole = (uint64_t)seconds * 1000000000u;
    long sent = 0;

    while (!tool_is_told_to_end) {
        uint64_t at = tool_now_ns() - began;
        long due =
            (long)((double)(at < whole ? at : whole) / 1e9 * (double)rate);

        for (; sent < due; sent++)
            frame_send(&f->device, frame, kind->write(f, frame));
        if (at >= whole)
            break;
        tool_sleep_until(began + at + 1000000u);
    }
    return sent;
}

int main(int argc, char **argv)
{
    struct flood f = { 0 };
    const char *device = tool_word(argc, argv, "device", "tap0");
    const char *mac = tool_word(argc, argv, "mac", "52:54:00:77:00:02");
    const char *to = tool_word(argc, argv, "to", "10.77.0.2");
    const char *to6 = tool_word(argc, argv, "to6", "fd77::2");
    const struct kind *kind = find_kind(tool_word(argc, argv, "kind", "syn"));
    long rate = tool_number(argc, argv, "rate", 10000);
    long seconds = tool_number(argc, argv, "seconds", 5);
    uint64_t began;
    long sent;

    f.port = htons((uint16_t)tool_number(argc, argv, "port", 8080));
    f.is_near = tool_flag(argc, argv, "near");
    tool_end_words(argc, argv);
    if (inet_pton(AF_INET, to, &f.to) != 1 ||
        inet_pton(AF_INET6, to6, &f.to6) != 1)
        tool_die("not an address");
    frame_mac(mac, f.mac);
    frame_open(device, &f.device);
    tool_catch_signals();
    began = tool_now_ns();
    sent = run(&f, kind, rate, seconds);
    printf("sent %ld\n", sent);
    printf("seconds %.3f\n", (double)(tool_now_ns() - began) / 1e9);
    return 0;
}
