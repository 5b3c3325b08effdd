/* SPDX-License-Identifier: MIT */
/*
 * dhcp.c: a DHCP server for one client, with times as short as a test needs.
 *
 *   dhcp --device tap0 [--address IP] [--next IP] [--lease N] [--renew N]
 *        [--rebind N] [--grants N] [--refuse-after N]
 *
 * Gives (--address), with the host 10.77.0.1 as router and name server; after a
 * DHCPDECLINE or a refusal (--next). The times are in seconds. After (--grants)
 * it is silent; after (--refuse-after) grants it refuses once. Says "ready",
 * and for each message "discover", "request", "renew", "decline", "release",
 * and for its own "offer", "grant", "refuse".
 */
#include "tool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OPTIONS 240 /* where they begin, after the magic number */

enum { DISCOVER = 1, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE };

static struct {
    int fd;
    in_addr_t ours, address, next;
    uint32_t lease, renew, rebind;
    long grants, grants_max, refuse_after;
} dhcp;

/* The value of option (code), of at least (size) bytes; NULL: not there. */
static const uint8_t *find(const uint8_t *message, size_t length, uint8_t code,
                           size_t size)
{
    size_t at = OPTIONS;

    while (at + 2 <= length && message[at] != 255) {
        if (message[at] == 0) {
            at++;
            continue;
        }
        if (at + 2 + message[at + 1] > length)
            return NULL;
        if (message[at] == code)
            return message[at + 1] >= size ? message + at + 2 : NULL;
        at += 2u + message[at + 1];
    }
    return NULL;
}

static size_t put(uint8_t *out, size_t at, uint8_t code, const void *value,
                  uint8_t size)
{
    out[at] = code;
    out[at + 1] = size;
    memcpy(out + at + 2, value, size);
    return at + 2 + size;
}

static size_t put_seconds(uint8_t *out, size_t at, uint8_t code,
                          uint32_t seconds)
{
    uint32_t value = htonl(seconds);

    return put(out, at, code, &value, 4);
}

static void reply(const uint8_t *question, uint8_t kind)
{
    uint8_t out[576] = { 0 };
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(68) };
    size_t at = OPTIONS;

    memcpy(out, question, OPTIONS);
    out[0] = 2;
    memset(out + 16, 0, 4);
    if (kind != NAK)
        memcpy(out + 16, &dhcp.address, 4);
    at = put(out, at, 53, &kind, 1);
    at = put(out, at, 54, &dhcp.ours, 4);
    if (kind != NAK) {
        at = put_seconds(out, at, 51, dhcp.lease);
        at = put_seconds(out, at, 58, dhcp.renew);
        at = put_seconds(out, at, 59, dhcp.rebind);
        at = put(out, at, 1, "\xff\xff\xff\0", 4);
        at = put(out, at, 3, &dhcp.ours, 4);
        at = put(out, at, 6, &dhcp.ours, 4);
    }
    out[at] = 255;
    memcpy(&to.sin_addr, question + 12, 4); /* the one it has */
    if (to.sin_addr.s_addr == 0 || kind == NAK)
        to.sin_addr.s_addr = htonl(INADDR_BROADCAST);
    if (sendto(dhcp.fd, out, 300 > at ? 300 : at + 1, 0, (struct sockaddr *)&to,
               sizeof to) < 0)
        perror("dhcp");
    puts(kind == OFFER ? "offer" : kind == ACK ? "grant" : "refuse");
}

static void on_request(const uint8_t *message, size_t size)
{
    const uint8_t *wanted = find(message, size, 50, 4);
    in_addr_t has;

    memcpy(&has, message + 12, 4);
    puts(has != 0 ? "renew" : "request");
    if (wanted != NULL)
        memcpy(&has, wanted, 4);
    if (dhcp.grants >= dhcp.grants_max)
        return;
    if (dhcp.grants == dhcp.refuse_after) {
        dhcp.refuse_after = -1;
        dhcp.address = dhcp.next;
        reply(message, NAK);
    } else if (has != dhcp.address) {
        reply(message, NAK);
    } else {
        dhcp.grants++;
        reply(message, ACK);
    }
}

static void take(const uint8_t *message, size_t size)
{
    const uint8_t *kind = find(message, size, 53, 1);

    if (size < OPTIONS || message[0] != 1 || kind == NULL)
        return;
    switch (*kind) {
    case DISCOVER:
        puts("discover");
        if (dhcp.grants < dhcp.grants_max)
            reply(message, OFFER);
        break;
    case REQUEST:
        on_request(message, size);
        break;
    case DECLINE:
        /* RFC 2131 wants the server named that is meant. */
        puts(find(message, size, 54, 4) != NULL ? "decline"
                                                : "decline without server");
        dhcp.address = dhcp.next;
        break;
    case RELEASE:
        puts("release");
        break;
    }
    fflush(stdout);
}

static in_addr_t address_word(int argc, char **argv, const char *name,
                              const char *fallback)
{
    in_addr_t address;

    if (inet_pton(AF_INET, tool_word(argc, argv, name, fallback), &address) !=
        1)
        tool_die("--%s is an IPv4 address", name);
    return address;
}

int main(int argc, char **argv)
{
    static uint8_t message[2048];
    const char *device = tool_word(argc, argv, "device", "tap0");
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(67) };
    int one = 1;

    dhcp.ours = address_word(argc, argv, "ours", "10.77.0.1");
    dhcp.address = address_word(argc, argv, "address", "10.77.0.105");
    dhcp.next = address_word(argc, argv, "next", "10.77.0.106");
    dhcp.lease = (uint32_t)tool_number(argc, argv, "lease", 120);
    dhcp.renew = (uint32_t)tool_number(argc, argv, "renew", dhcp.lease / 2);
    dhcp.rebind =
        (uint32_t)tool_number(argc, argv, "rebind", dhcp.lease * 7 / 8);
    dhcp.grants_max = tool_number(argc, argv, "grants", 1000000);
    dhcp.refuse_after = tool_number(argc, argv, "refuse-after", 1000000);
    tool_end_words(argc, argv);
    dhcp.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    setsockopt(dhcp.fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof one);
    setsockopt(dhcp.fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(dhcp.fd, SOL_SOCKET, SO_BINDTODEVICE, device,
               (socklen_t)strlen(device) + 1);
    if (bind(dhcp.fd, (struct sockaddr *)&at, sizeof at) != 0)
        tool_die("cannot take port 67: %s", strerror(errno));
    tool_catch_signals();
    puts("ready");
    fflush(stdout);
    while (!tool_is_told_to_end) {
        ssize_t n = recv(dhcp.fd, message, sizeof message, 0);

        if (n > 0)
            take(message, (size_t)n);
    }
    return 0;
}
