/* SPDX-License-Identifier: MIT */
/*
 * fuzz_frames.c: any frames into the IP stack as images have it, with sockets
 * that listen.
 *
 * The input is a list of frames, each with two bytes in front: what is put
 * right about it (its Ethernet header, addresses, checksums), and its length.
 */
#include "lwip_machine.h"

#include <lunik/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    WITH_ETHERNET = 1, /* we write that header: */
    AS_IP6 = 2,
    AS_ARP = 4,
    WITH_CHECKSUMS = 8, /* the device says that they are good */
    TO_US = 16,         /* put our address in */
    LATER = 32,         /* let half a second pass afterwards */
    READ = 64,          /* accept and read what there is */
};

static struct lunik_socket *listener, *datagram;

static void open_sockets(void)
{
    struct lunik_address any = { .family = LUNIK_IP6, .port = 80 };

    if (lunik_socket_open(LUNIK_STREAM, LUNIK_IP4 | LUNIK_IP6, &listener) !=
            LUNIK_OK ||
        lunik_socket_bind(listener, &any) != LUNIK_OK ||
        lunik_socket_listen(listener, 8) != LUNIK_OK ||
        lunik_socket_open(LUNIK_DATAGRAM, LUNIK_IP4 | LUNIK_IP6, &datagram) !=
            LUNIK_OK ||
        lunik_socket_bind(datagram, &any) != LUNIK_OK)
        abort();
}

static uint16_t sum(const uint8_t *at, size_t size)
{
    uint32_t total = 0;

    for (size_t i = 0; i + 1 < size; i += 2)
        total += (uint32_t)at[i] << 8 | at[i + 1];
    while (total >> 16)
        total = (total & 0xffff) + (total >> 16);
    return (uint16_t)~total;
}

static void put_right(uint8_t *ip, size_t size, unsigned how)
{
    static const uint8_t ours[4] = { 10, 9, 0, 2 };
    static const uint8_t ours6[16] = { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0,
                                       0,    0, 0,   0,    0, 0, 0, 2 };
    uint16_t checksum;

    if (how & AS_IP6) {
        if ((how & TO_US) && size >= 40)
            memcpy(ip + 24, ours6, sizeof(ours6));
        return;
    }
    if ((how & AS_ARP) || size < 20)
        return;
    if (how & TO_US)
        memcpy(ip + 16, ours, sizeof(ours));
    ip[10] = ip[11] = 0;
    checksum = sum(ip, 20);
    ip[10] = (uint8_t)(checksum >> 8);
    ip[11] = (uint8_t)checksum;
}

static void inject(const uint8_t *data, size_t size, unsigned how)
{
    static const uint8_t broadcast[6] = { 255, 255, 255, 255, 255, 255 };
    uint8_t frame[14 + 255];
    size_t front = 0;

    if (how & WITH_ETHERNET) {
        front = 14;
        memcpy(frame, broadcast, 6);
        if (how & TO_US)
            memcpy(frame, fake_net_ends[0].net.info.address, 6);
        memcpy(frame + 6, "\2\0\0\0\0\1", 6);
        memcpy(frame + 12,
               how & AS_IP6   ? "\x86\xdd"
               : how & AS_ARP ? "\x08\x06"
                              : "\x08\x00",
               2);
    }
    memcpy(frame + front, data, size);
    if (front)
        put_right(frame + front, size, how);
    if (front + size > 0)
        fake_net_inject(0, frame, front + size,
                        how & WITH_CHECKSUMS ? LUNIK_NET_CHECKED
                                             : LUNIK_NET_UNCHECKED);
}

static void use_sockets(void)
{
    struct lunik_socket *socket;
    uint8_t buffer[64];
    size_t got;

    (void)!lunik_socket_try_receive(datagram, buffer, sizeof(buffer), &got,
                                    NULL);
    while (lunik_socket_try_accept(listener, &socket) == LUNIK_OK) {
        (void)!lunik_socket_try_receive(socket, buffer, sizeof(buffer), &got,
                                        NULL);
        (void)!lunik_socket_try_send(socket, buffer, 8, 0, NULL, &got);
        lunik_socket_close(socket);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t sent[2048];
    static bool is_ready;

    if (!is_ready) {
        is_ready = true;
        machine_start("net0.ip=10.9.0.2/24,gw=10.9.0.1,2001:db8::2/64,slaac",
                      LUNIK_NET_CHECKSUM_SEND | LUNIK_NET_CHECKSUM_RECEIVE);
        open_sockets();
        machine_run(5000);
    }
    while (size >= 2) {
        unsigned how = data[0];
        size_t len = data[1] < size - 2 ? data[1] : size - 2;

        inject(data + 2, len, how);
        data += 2 + len;
        size -= 2 + len;
        if (how & LATER)
            machine_run(500);
        if (how & READ)
            use_sockets();
    }
    machine_run(1);
    while (fake_net_take(1, sent, sizeof(sent)) > 0)
        continue;
    return 0;
}
