/* SPDX-License-Identifier: MIT */
/*
 * fuzz_dhcp.c: any options in the answers of a DHCP server.
 *
 * The input is a list of messages, each with one byte in front that says how
 * long it is, or that time passes. The header is written by us, with the
 * number of the client's last question, so that the options are read.
 */
#include "lwip_machine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OPTIONS 240 /* where they begin, in a message */

static uint8_t number[4]; /* of the client's last question */

static void look_at_sent(void)
{
    static uint8_t frame[2048];
    size_t size;

    while ((size = fake_net_take(1, frame, sizeof(frame))) > 0)
        if (size > 14 + 28 + OPTIONS && frame[12] == 8 && frame[13] == 0 &&
            frame[23] == 17 && frame[37] == 67)
            memcpy(number, frame + 46, 4);
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

static void answer(const uint8_t *options, size_t size)
{
    static uint8_t frame[14 + 28 + OPTIONS + 256];
    uint8_t *ip = frame + 14, *dhcp = frame + 42;
    size_t total = 28 + OPTIONS + size;
    uint16_t checksum;

    memset(frame, 0, sizeof(frame));
    memset(frame, 255, 6);
    memcpy(frame + 6, "\2\0\0\0\0\1\x08\0", 8);
    ip[0] = 0x45;
    ip[2] = (uint8_t)(total >> 8);
    ip[3] = (uint8_t)total;
    ip[8] = 64;
    ip[9] = 17;
    memcpy(ip + 12, "\x0a\x09\x00\x01\xff\xff\xff\xff", 8);
    checksum = sum(ip, 20);
    ip[10] = (uint8_t)(checksum >> 8);
    ip[11] = (uint8_t)checksum;
    ip[21] = 67;
    ip[23] = 68;
    ip[24] = (uint8_t)((total - 20) >> 8);
    ip[25] = (uint8_t)(total - 20);
    dhcp[0] = 2;
    dhcp[1] = 1;
    dhcp[2] = 6;
    memcpy(dhcp + 4, number, 4);
    memcpy(dhcp + 16, "\x0a\x09\x00\x07", 4);
    memcpy(dhcp + 28, fake_net_ends[0].net.info.address, 6);
    memcpy(dhcp + 236, "\x63\x82\x53\x63", 4);
    memcpy(dhcp + OPTIONS, options, size);
    fake_net_inject(0, frame, 14 + total, LUNIK_NET_CHECKED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_ready;

    if (!is_ready) {
        is_ready = true;
        machine_start("net0.ip=dhcp", LUNIK_NET_CHECKSUM_RECEIVE);
        machine_run(100);
    }
    while (size > 0) {
        size_t len = data[0] < size - 1 ? data[0] : size - 1;

        look_at_sent();
        if (data[0] == 255)
            machine_run(3000);
        else
            answer(data + 1, len);
        machine_run(1);
        data += 1 + len;
        size -= 1 + len;
    }
    look_at_sent();
    return 0;
}
