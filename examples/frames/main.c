/* SPDX-License-Identifier: MIT */
/*
 * main.c: a host that does nothing but answer: ARP for its address, and ICMP
 * echo ("ping"). It has the network device to itself, below any IP stack.
 *
 * An answer is written over the question, in the buffer in which the device
 * put it, and sent from there; the buffer goes back when that is done. So no
 * byte is copied.
 *
 * The address is the first argument, 10.0.2.15 without one.
 */
#include <lunik/net.h>
#include <lunik/time.h>
#include <stdio.h>
#include <string.h>

#define ETHERNET_SIZE 14
#define ARP_SIZE 28
#define IP_SIZE 20
#define ECHO_SIZE 8

#define TYPE_IP 0x0800
#define TYPE_ARP 0x0806
#define PROTOCOL_ICMP 1

struct host {
    struct lunik_net *net;
    struct lunik_net_info info;
    uint8_t address[4];
    unsigned long arps, echoes;
};

static struct host host;

static unsigned get16(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

static void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* The sum of RFC 1071; of bytes that hold their own checksum, 0xffff. */
static unsigned sum_of(const uint8_t *bytes, size_t size)
{
    unsigned long sum = 0;

    for (size_t i = 0; i < size; i++)
        sum += (unsigned long)bytes[i] << (i % 2 ? 0 : 8);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (unsigned)sum;
}

static void swap(uint8_t *a, uint8_t *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = a[i];

        a[i] = b[i];
        b[i] = byte;
    }
}

/* "Who has our address?": it is here. */
static bool answer_arp(uint8_t *arp, size_t size)
{
    static const uint8_t question[8] = { 0, 1, 8, 0, 6, 4, 0, 1 };

    if (size < ARP_SIZE || memcmp(arp, question, sizeof(question)) != 0 ||
        memcmp(arp + 24, host.address, 4) != 0)
        return false;
    put16(arp + 6, 2);             /* an answer */
    memcpy(arp + 18, arp + 8, 10); /* to who asked */
    memcpy(arp + 8, host.info.address, 6);
    memcpy(arp + 14, host.address, 4);
    host.arps++;
    return true;
}

static bool answer_echo(uint8_t *ip, size_t size)
{
    size_t head, total;
    uint8_t *icmp;

    if (size < IP_SIZE || ip[0] >> 4 != 4)
        return false;
    head = (size_t)(ip[0] & 15) * 4;
    total = get16(ip + 2);
    if (head < IP_SIZE || total < head + ECHO_SIZE || total > size ||
        sum_of(ip, head) != 0xffff || (get16(ip + 6) & 0x3fff) != 0 ||
        ip[9] != PROTOCOL_ICMP || memcmp(ip + 16, host.address, 4) != 0)
        return false;
    icmp = ip + head;
    if (icmp[0] != 8 || icmp[1] != 0 || sum_of(icmp, total - head) != 0xffff)
        return false;
    swap(ip + 12, ip + 16, 4); /* which leaves the sum as it is */
    icmp[0] = 0;
    put16(icmp + 2, 0);
    put16(icmp + 2, ~sum_of(icmp, total - head) & 0xffff);
    host.echoes++;
    return true;
}

/* Makes an answer of the frame. False: there is none. */
static bool answer(uint8_t *frame, size_t size)
{
    uint8_t *packet = frame + ETHERNET_SIZE;
    unsigned type = get16(frame + 12);
    bool is_answer = false;

    if (type == TYPE_ARP)
        is_answer = answer_arp(packet, size - ETHERNET_SIZE);
    else if (type == TYPE_IP)
        is_answer = answer_echo(packet, size - ETHERNET_SIZE);
    if (is_answer) {
        memcpy(frame, frame + 6, 6);
        memcpy(frame + 6, host.info.address, 6);
    }
    return is_answer;
}

static void on_sent(void *arg)
{
    lunik_net_release(host.net, (uint32_t)(uintptr_t)arg);
}

static void take(const struct lunik_net_frame *in)
{
    /* Only frames in one piece: a ping of up to 1,472 bytes is. */
    if (in->count == 1 && answer(in->parts[0].data, in->size) &&
        lunik_net_send(host.net, in->parts, 1, NULL, on_sent,
                       (void *)(uintptr_t)in->tokens[0]) == LUNIK_OK)
        return;
    for (size_t i = 0; i < in->count; i++)
        lunik_net_release(host.net, in->tokens[i]);
}

static bool parse_address(const char *text)
{
    unsigned bytes[4];
    char rest;

    if (sscanf(text, "%3u.%3u.%3u.%3u%c", &bytes[0], &bytes[1], &bytes[2],
               &bytes[3], &rest) != 4)
        return false;
    for (int i = 0; i < 4; i++) {
        if (bytes[i] > 255)
            return false;
        host.address[i] = (uint8_t)bytes[i];
    }
    return true;
}

int lunik_main(int argc, char **argv)
{
    const char *address = argc > 1 ? argv[1] : "10.0.2.15";
    lunik_result result;

    if (!parse_address(address)) {
        printf("not an address: %s\n", address);
        return 1;
    }
    result = lunik_net_open("net0", &host.net);
    if (result != LUNIK_OK) {
        printf("net0: %s\n", lunik_result_text(result));
        return 1;
    }
    lunik_net_get_info(host.net, &host.info);
    printf("%s is at %02x:%02x:%02x:%02x:%02x:%02x\n", address,
           host.info.address[0], host.info.address[1], host.info.address[2],
           host.info.address[3], host.info.address[4], host.info.address[5]);
    fflush(stdout);
    for (;;) {
        struct lunik_net_frame in;

        while ((result = lunik_net_receive(host.net, &in)) == LUNIK_OK)
            take(&in);
        if (result != LUNIK_EAGAIN)
            break;
        lunik_net_flush(host.net);
        if (lunik_net_wait(host.net, LUNIK_NEVER) != LUNIK_OK)
            break;
    }
    printf("the device is gone, after %lu and %lu answers\n", host.arps,
           host.echoes);
    return 1;
}
