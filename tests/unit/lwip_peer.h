/* SPDX-License-Identifier: MIT */
/*
 * lwip_peer.h: the other end of the cable of an IP stack under test, by hand.
 *
 * The stack has "net0"; the test plays 10.9.0.1 (and any other address of the
 * link) at the other end, frame by frame. The clock is fake.h's: waiting takes
 * no time.
 */
#ifndef LUNIK_TEST_LWIP_PEER_H
#define LUNIK_TEST_LWIP_PEER_H

#include "fake_net.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEER_IP 0x0a090001u
#define GUEST_IP 0x0a090002u

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

struct peer_segment {
    uint32_t from, to; /* IPv4 */
    uint16_t from_port, to_port;
    uint32_t sequence, acknowledged;
    uint8_t flags;
    uint16_t window, mss; /* mss 0: no option */
    size_t size;          /* of data */
    uint8_t data[65536];
};

struct peer_datagram {
    uint32_t from, to;
    uint16_t from_port, to_port;
    bool is_broadcast; /* of Ethernet */
    size_t size;
    uint8_t data[1500];
};

/* Has the launch line be these words, until NULL. Before the stack starts. */
void peer_launch(const char *word, ...);

/* Lets the stack run, for (ms) of the fake clock. */
void peer_run(unsigned ms);

/* The next frame that the stack sent, but ARP questions for addresses of the
 * peer's, which are answered. 0: none. */
size_t peer_take(uint8_t *out, size_t max);

/* The next TCP segment (or UDP datagram, other frames are dropped); its
 * checksums are checked. False: there is none. */
bool peer_take_segment(struct peer_segment *out);
bool peer_take_datagram(struct peer_datagram *out);

void peer_send_segment(const struct peer_segment *segment);
void peer_send_datagram(const struct peer_datagram *datagram);

/* Sends an Ethernet frame of (type) with (size) bytes. */
void peer_send_frame(uint16_t type, const void *data, size_t size);

/* Drops all that the stack has sent. */
void peer_drop_all(void);

extern const uint8_t peer_hardware[6];
/* Frames seen with a wrong checksum. */
extern unsigned peer_bad_sums;
/* Whether the peer answers ARP for all addresses but the guest's (true). */
extern bool peer_answers_arp;

uint16_t peer_sum(const void *data, size_t size, uint32_t start);

#endif
