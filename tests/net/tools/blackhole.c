/* SPDX-License-Identifier: MIT */
/*
 * blackhole.c: a host that is there and takes everything, and never answers.
 *
 *   blackhole --device tap0 [--ip IP] [--ip6 IP]
 *
 * Answers who asks for its hardware address, over ARP and neighbour discovery,
 * and nothing else. Says "ready", and at SIGTERM how many "frames" came for it,
 * and how many of them were TCP "syns".
 */
#include "frame.h"
#include "tool.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <string.h>

static struct {
    struct frame_port device;
    uint8_t mac[6];
    in_addr_t ip;
    struct in6_addr ip6;
    long frames, syns;
} hole;

static void answer_arp(const uint8_t *question)
{
    uint8_t frame[60] = { 0 }, *arp = frame + 14;

    frame_write_ethernet(frame, question + 6, hole.mac, ETH_P_ARP);
    memcpy(arp, question + 14, 8);
    arp[7] = 2;
    memcpy(arp + 8, hole.mac, 6);
    memcpy(arp + 14, &hole.ip, 4);
    memcpy(arp + 18, question + 22, 10); /* whoever asked */
    frame_send(&hole.device, frame, sizeof frame);
}

static void answer_solicitation(const uint8_t *question)
{
    uint8_t frame[86] = { 0 }, *message = frame + 54;
    struct in6_addr to;

    memcpy(&to, question + 22, 16);
    frame_write_ethernet(frame, question + 6, hole.mac, ETH_P_IPV6);
    message[0] = 136;
    message[4] = 0x60; /* asked for, and final */
    memcpy(message + 8, &hole.ip6, 16);
    message[24] = 2, message[25] = 1;
    memcpy(message + 26, hole.mac, 6);
    frame_write_icmp6(frame + 14, &hole.ip6, &to, 32);
    frame_send(&hole.device, frame, sizeof frame);
}

static void take(const uint8_t *frame, size_t size)
{
    struct frame_seen seen;

    if (size >= 42 && frame[12] == 0x08 && frame[13] == 0x06) {
        if (frame[21] == 1 && memcmp(frame + 38, &hole.ip, 4) == 0)
            answer_arp(frame);
    } else if (size >= 78 && frame[12] == 0x86 && frame[13] == 0xdd &&
               frame[20] == IPPROTO_ICMPV6 && frame[54] == 135 &&
               memcmp(frame + 62, &hole.ip6, 16) == 0) {
        answer_solicitation(frame);
    } else if (size >= 14 && memcmp(frame, hole.mac, 6) == 0) {
        hole.frames++;
        hole.syns +=
            frame_read_tcp(frame, size, &seen) && seen.flags == FRAME_SYN;
    }
}

int main(int argc, char **argv)
{
    static uint8_t frame[FRAME_MAX];
    const char *device = tool_word(argc, argv, "device", "tap0");
    const char *ip = tool_word(argc, argv, "ip", "10.77.0.66");
    const char *ip6 = tool_word(argc, argv, "ip6", "fd77::66");

    tool_end_words(argc, argv);
    if (inet_pton(AF_INET, ip, &hole.ip) != 1 ||
        inet_pton(AF_INET6, ip6, &hole.ip6) != 1)
        tool_die("not an address");
    frame_random_mac(hole.mac);
    frame_open(device, &hole.device);
    tool_catch_signals();
    printf("ready\n");
    fflush(stdout);
    while (!tool_is_told_to_end) {
        size_t size = frame_receive(&hole.device, frame, sizeof frame, 500);

        if (size > 0)
            take(frame, size);
    }
    printf("frames %ld\n", hole.frames);
    printf("syns %ld\n", hole.syns);
    return 0;
}
