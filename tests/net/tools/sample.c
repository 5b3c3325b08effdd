/* SPDX-License-Identifier: MIT */
/*
 * sample.c: collects the numbers of a guest that nobody may foresee.
 *
 *   sample --device tap0 --kind KIND [--mac GUEST'S] [--to IP] [--port N]
 *          [--count N] [--seconds N]
 *
 *   answers    asks the port to open (SYN), each time from another port, and
 *              prints the number that the answer begins with: "isn NUMBER"
 *   connects   listens for connections that the guest opens: "isn NUMBER" and
 *              "port NUMBER" of each
 *
 * Says "ready" first.
 */
#include "frame.h"
#include "tool.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static struct {
    struct frame_port device;
    uint8_t mac[6];
    in_addr_t to, from;
    in_port_t port;
    uint64_t end_ns;
} sample;

static uint8_t frame[FRAME_MAX];

static void send_segment(in_port_t from_port, uint8_t flags, uint32_t seq)
{
    uint8_t out[64];
    struct frame_tcp tcp = {
        .to_mac = sample.mac,
        .from_mac = sample.device.mac,
        .from = sample.from,
        .to = sample.to,
        .from_port = from_port,
        .to_port = sample.port,
        .seq = seq,
        .flags = flags,
    };

    frame_send(&sample.device, out, frame_write_tcp(out, &tcp));
}

/* Waits for the answer to a SYN from (port): false after half a second. */
static bool find_answer(in_port_t port, struct frame_seen *out)
{
    uint64_t until = tool_now_ns() + 500000000u;

    while (tool_now_ns() < until) {
        size_t size = frame_receive(&sample.device, frame, sizeof frame, 100);

        if (size > 0 && frame_read_tcp(frame, size, out) &&
            out->from == sample.to && out->to_port == port &&
            out->flags == (FRAME_SYN | FRAME_ACK))
            return true;
    }
    return false;
}

static long take_answers(long count)
{
    long taken = 0;

    for (long i = 0; i < count && tool_now_ns() < sample.end_ns; i++) {
        in_port_t port = htons((uint16_t)(20000 + i % 40000));
        struct frame_seen seen;

        send_segment(port, FRAME_SYN, tool_random());
        if (!find_answer(port, &seen))
            continue;
        printf("isn %u\n", seen.seq);
        taken++;
        send_segment(port, FRAME_RST, seen.ack); /* forget it */
    }
    return taken;
}

static long take_connects(long count)
{
    long taken = 0;

    while (taken < count && tool_now_ns() < sample.end_ns &&
           !tool_is_told_to_end) {
        size_t size = frame_receive(&sample.device, frame, sizeof frame, 100);
        struct frame_seen seen;

        if (size == 0 || !frame_read_tcp(frame, size, &seen) ||
            seen.from != sample.to || seen.flags != FRAME_SYN)
            continue;
        printf("isn %u\nport %u\n", seen.seq, ntohs(seen.from_port));
        taken++;
    }
    return taken;
}

int main(int argc, char **argv)
{
    const char *device = tool_word(argc, argv, "device", "tap0");
    const char *mac = tool_word(argc, argv, "mac", "52:54:00:77:00:02");
    const char *to = tool_word(argc, argv, "to", "10.77.0.2");
    const char *from = tool_word(argc, argv, "from", "198.18.7.7");
    const char *kind = tool_word(argc, argv, "kind", "answers");
    long count = tool_number(argc, argv, "count", 1000);
    long seconds = tool_number(argc, argv, "seconds", 60);

    sample.port = htons((uint16_t)tool_number(argc, argv, "port", 8080));
    tool_end_words(argc, argv);
    if (inet_pton(AF_INET, to, &sample.to) != 1 ||
        inet_pton(AF_INET, from, &sample.from) != 1)
        tool_die("not an address");
    frame_mac(mac, sample.mac);
    frame_open(device, &sample.device);
    tool_catch_signals();
    sample.end_ns = tool_now_ns() + (uint64_t)seconds * 1000000000u;
    printf("ready\n");
    fflush(stdout);
    printf("taken %ld\n", strcmp(kind, "answers") == 0 ? take_answers(count)
                                                       : take_connects(count));
    return 0;
}
