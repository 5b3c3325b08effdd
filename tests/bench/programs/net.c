/* SPDX-License-Identifier: MIT */
/*
 * net.c: an image in C that prints what frames cost.
 *
 * It has two network devices with a hub between them, and sends itself frames
 * in bursts. Each line is "NAME COUNT": instructions per frame, as QEMU with
 * -icount shift=0 counts them in the time-stamp counter.
 */
#include <lunik/attr.h>
#include <lunik/event.h>
#include <lunik/net.h>
#include <lunik/time.h>
#include <stdio.h>
#include <string.h>

#define BURST 32
#define TURNS 64

static struct lunik_net *sender, *receiver;
static uint8_t frame[1514];
static uint64_t received, spent_receiving;

static uint64_t now(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

static void take_all(void *arg)
{
    struct lunik_net_frame in;
    uint64_t began = now();

    (void)arg;
    while (lunik_net_receive(receiver, &in) == LUNIK_OK) {
        for (size_t i = 0; i < in.count; i++)
            lunik_net_release(receiver, in.tokens[i]);
        received++;
    }
    spent_receiving += now() - began;
}

static void drop_all(void *arg)
{
    struct lunik_net_frame in;

    (void)arg;
    while (lunik_net_receive(sender, &in) == LUNIK_OK)
        for (size_t i = 0; i < in.count; i++)
            lunik_net_release(sender, in.tokens[i]);
}

static void report(const char *name, uint64_t total, uint64_t count)
{
    printf("%s %llu\n", name,
           (unsigned long long)((total + count / 2) / (count ? count : 1)));
}

/* Sends bursts of (burst) frames of (size) bytes in (count) parts. */
static bool measure(const char *name, size_t size, size_t count, unsigned burst)
{
    struct lunik_net_part parts[4];
    uint64_t spent_sending = 0, spent_flushing = 0;
    char text[40];

    received = spent_receiving = 0;
    for (size_t i = 0; i < count; i++)
        parts[i] = (struct lunik_net_part) { frame + i * (size / count),
                                             size / count };
    for (unsigned turn = 0; turn < TURNS; turn++) {
        uint64_t until = lunik_time_after_ns(LUNIK_NS_PER_S);
        uint64_t wanted = received + burst, began = now();

        for (unsigned i = 0; i < burst; i++)
            if (lunik_net_send(sender, parts, count, NULL, NULL, NULL))
                return false;
        spent_sending += now() - began;
        began = now();
        lunik_net_flush(sender);
        spent_flushing += now() - began;
        while (received < wanted) {
            if (lunik_time_monotonic_ns() > until)
                return false;
            if (lunik_sleep_until(lunik_time_after_ns(100000)) != LUNIK_OK)
                return false;
        }
    }
    snprintf(text, sizeof(text), "receive_%s", name);
    report(text, spent_receiving, received);
    snprintf(text, sizeof(text), "send_%s", name);
    report(text, spent_sending, (uint64_t)burst * TURNS);
    snprintf(text, sizeof(text), "flush_%s", name);
    report(text, spent_flushing, TURNS);
    return true;
}

int lunik_main(int argc, char **argv)
{
    struct lunik_net_info info;

    (void)argc;
    (void)argv;
    if (lunik_net_open("net0", &sender) != LUNIK_OK ||
        lunik_net_open("net1", &receiver) != LUNIK_OK) {
        puts("two devices are needed");
        return 1;
    }
    lunik_net_set_handler(receiver, take_all, NULL);
    lunik_net_set_handler(sender, drop_all, NULL);
    lunik_net_get_info(sender, &info);
    memset(frame, 0xff, 6);
    memcpy(frame + 6, info.address, 6);
    frame[12] = 0x88;
    frame[13] = 0xb5; /* for experiments */
    if (!measure("64", 64, 1, BURST) || !measure("1500", 1500, 2, BURST) ||
        !measure("single", 64, 1, 1)) {
        puts("frames were lost");
        return 1;
    }
    return 0;
}
