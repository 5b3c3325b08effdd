/* SPDX-License-Identifier: MIT */
/* lwip_peer.c: frames to and from an IP stack under test. */
#include "lwip_peer.h"

#include "core.h"
#include "host.h"
#include <lunik/event.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const uint8_t peer_hardware[6] = { 2, 0, 0, 0, 0, 1 };
unsigned peer_bad_sums;
bool peer_answers_arp = true;

static uint8_t guest_hardware[6];

void peer_launch(const char *word, ...)
{
    static char *argv[16] = { (char *)(uintptr_t) "test" };
    int argc = 1;
    va_list args;

    va_start(args, word);
    for (; word && argc < 15; word = va_arg(args, const char *))
        argv[argc++] = strdup(word);
    va_end(args);
    platform_host_arguments(argc, argv);
    lunik_random_init();
}

void peer_run(unsigned ms)
{
    uint64_t deadline_ns = lunik_time_after_ns(ms * LUNIK_NS_PER_MS);

    /* Twice: what a poll caused is done, too. */
    for (int i = 0; i < 3; i++)
        if (lunik_sleep_until(lunik_time_after_ns(1)) != LUNIK_OK)
            abort();
    if (ms && lunik_sleep_until(deadline_ns) != LUNIK_OK)
        abort();
}

static uint32_t get(const uint8_t *at, size_t bytes)
{
    uint32_t value = 0;

    while (bytes--)
        value = value << 8 | *at++;
    return value;
}

static void put(uint8_t *at, size_t bytes, uint32_t value)
{
    while (bytes--) {
        at[bytes] = (uint8_t)value;
        value >>= 8;
    }
}

uint16_t peer_sum(const void *data, size_t size, uint32_t start)
{
    const uint8_t *at = data;
    uint64_t sum = start;

    for (size_t i = 0; i + 1 < size; i += 2)
        sum += get(at + i, 2);
    if (size % 2)
        sum += (uint32_t)at[size - 1] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

void peer_send_frame(uint16_t type, const void *data, size_t size)
{
    uint8_t *frame = malloc(14 + size);

    memcpy(frame, guest_hardware, 6);
    memcpy(frame + 6, peer_hardware, 6);
    put(frame + 12, 2, type);
    memcpy(frame + 14, data, size);
    fake_net_inject(0, frame, 14 + size, LUNIK_NET_UNCHECKED);
    free(frame);
}

static void answer_arp(const uint8_t *question)
{
    uint8_t answer[28];

    memcpy(answer, question, 28);
    answer[7] = 2;
    memcpy(answer + 8, peer_hardware, 6);
    memcpy(answer + 14, question + 24, 4);
    memcpy(answer + 18, question + 8, 10);
    peer_send_frame(0x0806, answer, sizeof(answer));
}

size_t peer_take(uint8_t *out, size_t max)
{
    for (;;) {
        size_t size = fake_net_take(1, out, max);
        bool is_question =
            size >= 42 && get(out + 12, 2) == 0x0806 && out[21] == 1;

        if (size == 0)
            return 0;
        memcpy(guest_hardware, out + 6, 6);
        /* A probe or announcement has no sender, or asks for itself. */
        if (!is_question || !peer_answers_arp || get(out + 28, 4) == 0 ||
            get(out + 28, 4) == get(out + 38, 4))
            return size;
        answer_arp(out + 14);
        peer_run(0);
    }
}

/* The payload of an IPv4 frame of (protocol); its sums are checked. */
static uint8_t *open_ip(uint8_t *frame, size_t size, uint8_t protocol,
                        size_t *size_out)
{
    uint8_t *ip = frame + 14;
    size_t len;

    if (size < 34 || get(frame + 12, 2) != 0x0800 || ip[9] != protocol)
        return NULL;
    len = get(ip + 2, 2);
    if (len < 20 || len + 14 > size || peer_sum(ip, 20, 0) != 0) {
        peer_bad_sums++;
        return NULL;
    }
    *size_out = len - 20;
    if (peer_sum(ip + 20, len - 20,
                 get(ip + 12, 2) + get(ip + 14, 2) + get(ip + 16, 2) +
                     get(ip + 18, 2) + protocol + (uint32_t)(len - 20)) != 0)
        peer_bad_sums++;
    return ip + 20;
}

static uint16_t find_mss(const uint8_t *tcp, size_t header)
{
    for (size_t at = 20; at + 4 <= header;) {
        if (tcp[at] == 2)
            return (uint16_t)get(tcp + at + 2, 2);
        if (tcp[at] == 0)
            break;
        at += tcp[at] == 1 || tcp[at + 1] == 0 ? 1 : tcp[at + 1];
    }
    return 0;
}

bool peer_take_segment(struct peer_segment *out)
{
    static uint8_t frame[70000];
    size_t size, len, header;

    while ((size = peer_take(frame, sizeof(frame))) > 0) {
        const uint8_t *tcp = open_ip(frame, size, 6, &len);

        if (!tcp || len < 20)
            continue;
        header = (size_t)(tcp[12] >> 4) * 4;
        out->from = get(frame + 26, 4);
        out->to = get(frame + 30, 4);
        out->from_port = (uint16_t)get(tcp, 2);
        out->to_port = (uint16_t)get(tcp + 2, 2);
        out->sequence = get(tcp + 4, 4);
        out->acknowledged = get(tcp + 8, 4);
        out->flags = tcp[13];
        out->window = (uint16_t)get(tcp + 14, 2);
        out->mss = find_mss(tcp, header);
        out->size = len - header;
        memcpy(out->data, tcp + header, out->size);
        return true;
    }
    return false;
}

bool peer_take_datagram(struct peer_datagram *out)
{
    static uint8_t frame[70000];
    size_t size, len;

    while ((size = peer_take(frame, sizeof(frame))) > 0) {
        const uint8_t *udp = open_ip(frame, size, 17, &len);

        if (!udp || len < 8 || len - 8 > sizeof(out->data))
            continue;
        out->from = get(frame + 26, 4);
        out->to = get(frame + 30, 4);
        out->from_port = (uint16_t)get(udp, 2);
        out->to_port = (uint16_t)get(udp + 2, 2);
        out->is_broadcast = frame[0] == 255;
        out->size = len - 8;
        memcpy(out->data, udp + 8, out->size);
        return true;
    }
    return false;
}

void peer_drop_all(void)
{
    static uint8_t frame[70000];

    while (peer_take(frame, sizeof(frame)) > 0)
        continue;
}

static void send_ip(uint32_t from, uint32_t to, uint8_t protocol,
                    uint8_t *packet, size_t size, size_t sum_at)
{
    put(packet, 4, 0x45000000u | (uint32_t)size);
    put(packet + 4, 4, 0);
    put(packet + 8, 4, 0x40000000u | (uint32_t)protocol << 16);
    put(packet + 12, 4, from);
    put(packet + 16, 4, to);
    put(packet + 10, 2, peer_sum(packet, 20, 0));
    put(packet + 20 + sum_at, 2,
        peer_sum(packet + 20, size - 20,
                 (from >> 16) + (from & 0xffff) + (to >> 16) + (to & 0xffff) +
                     protocol + (uint32_t)(size - 20)));
    peer_send_frame(0x0800, packet, size);
}

void peer_send_segment(const struct peer_segment *segment)
{
    size_t header = segment->mss ? 24 : 20;
    uint8_t *packet = calloc(1, 20 + header + segment->size);
    uint8_t *tcp = packet + 20;

    put(tcp, 2, segment->from_port);
    put(tcp + 2, 2, segment->to_port);
    put(tcp + 4, 4, segment->sequence);
    put(tcp + 8, 4, segment->acknowledged);
    tcp[12] = (uint8_t)(header / 4 << 4);
    tcp[13] = segment->flags;
    put(tcp + 14, 2, segment->window);
    if (segment->mss)
        put(tcp + 20, 4, 0x02040000u | segment->mss);
    memcpy(tcp + header, segment->data, segment->size);
    send_ip(segment->from, segment->to, 6, packet, 20 + header + segment->size,
            16);
    free(packet);
}

void peer_send_datagram(const struct peer_datagram *datagram)
{
    uint8_t *packet = calloc(1, 28 + datagram->size);
    uint8_t *udp = packet + 20;

    put(udp, 2, datagram->from_port);
    put(udp + 2, 2, datagram->to_port);
    put(udp + 4, 2, (uint32_t)(8 + datagram->size));
    memcpy(udp + 8, datagram->data, datagram->size);
    send_ip(datagram->from, datagram->to, 17, packet, 28 + datagram->size, 6);
    free(packet);
}
