/* SPDX-License-Identifier: MIT */
/*
 * frame.h: frames sent and seen on a network device, as they are on the wire:
 * what an attacker on the same link, or one who forges addresses, can send.
 */
#ifndef LUNIK_TESTS_NET_FRAME_H
#define LUNIK_TESTS_NET_FRAME_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX 70000 /* a joined segment is longer than the MTU */

#define FRAME_FIN 0x01
#define FRAME_SYN 0x02
#define FRAME_RST 0x04
#define FRAME_PSH 0x08
#define FRAME_ACK 0x10

struct frame_port {
    int fd;
    int index;
    uint8_t mac[6];
};

/* Ends the program when that cannot be had. */
void frame_open(const char *device, struct frame_port *out);

void frame_send(struct frame_port *port, const void *frame, size_t size);

/* The next frame that came in or went out, its size; 0 after (timeout_ms). */
size_t frame_receive(struct frame_port *port, void *out, size_t room,
                     int timeout_ms);

/* A hardware address from text. */
void frame_mac(const char *text, uint8_t out[6]);
void frame_random_mac(uint8_t out[6]);

/* Addresses and ports are in network order. */
struct frame_tcp {
    const uint8_t *to_mac, *from_mac;
    in_addr_t from, to;
    in_port_t from_port, to_port;
    uint32_t seq, ack;
    uint8_t flags;
    const void *data;
    size_t size;
};

/* Each of these writes a frame with its checksums to (out); its size. */
size_t frame_write_tcp(uint8_t *out, const struct frame_tcp *tcp);
size_t frame_write_ethernet(uint8_t *out, const uint8_t to[6],
                            const uint8_t from[6], uint16_t type);
/* The header before (size) bytes that are there already, behind it. */
size_t frame_write_ip4(uint8_t *out, in_addr_t from, in_addr_t to,
                       uint8_t protocol, size_t size);
/* Also sums an ICMPv6 message that is there already. */
size_t frame_write_icmp6(uint8_t *out, const struct in6_addr *from,
                         const struct in6_addr *to, size_t size);
uint16_t frame_sum(const void *data, size_t size, uint32_t before);

/* What a TCP segment over IPv4 says. */
struct frame_seen {
    in_addr_t from, to;
    in_port_t from_port, to_port;
    uint32_t seq, ack;
    uint8_t flags;
    size_t size; /* of its data */
};

/* False when the frame is nothing like that. */
bool frame_read_tcp(const uint8_t *frame, size_t size, struct frame_seen *out);

#endif
