/* SPDX-License-Identifier: MIT */
/*
 * net.c: what network devices must do on every platform.
 *
 * Needs two devices, "net0" and "net1", with a cable between them and nobody
 * else on it; without them there is nothing to look at.
 */
#include "contract.h"

#include <lunik/event.h>
#include <lunik/net.h>
#include <lunik/time.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SECOND LUNIK_NS_PER_S
#define BURST 20

static struct lunik_net *left, *right;
static uint8_t out[1514], got[2048];
static unsigned finished, called;

static void on_done(void *arg)
{
    (void)arg;
    finished++;
}

static void on_news(void *arg)
{
    (void)arg;
    called++;
}

/* Fills (out) with a frame to everybody that is like no other. */
static void make_frame(unsigned number)
{
    for (size_t i = 0; i < sizeof(out); i++)
        out[i] = (uint8_t)(i * 7 + number * 13 + i / 256);
    memset(out, 0xff, 6);
    memset(out + 6, 2, 6);
    out[12] = 0x88;
    out[13] = 0xb5; /* a type for experiments */
}

/* Waits for a frame, puts it together, and gives its buffers back, the last
 * one first. Returns its size, 0: none came. */
static size_t take(struct lunik_net *net)
{
    uint64_t until = lunik_time_after_ns(SECOND);
    struct lunik_net_frame frame;
    size_t at = 0;
    lunik_result result;

    while ((result = lunik_net_receive(net, &frame)) == LUNIK_EAGAIN)
        if (lunik_net_wait(net, until) != LUNIK_OK)
            return 0;
    if (result != LUNIK_OK)
        return 0;
    for (size_t i = 0; i < frame.count; i++) {
        if (at + frame.parts[i].size <= sizeof(got))
            memcpy(got + at, frame.parts[i].data, frame.parts[i].size);
        at += frame.parts[i].size;
    }
    for (size_t i = frame.count; i-- > 0;)
        lunik_net_release(net, frame.tokens[i]);
    return at == frame.size ? at : 0;
}

/* Whether the next frame is (size) bytes of (out). Short ones may have been
 * filled up. */
static bool arrives(struct lunik_net *net, size_t size)
{
    size_t have = take(net);

    return have >= size && (have == size || size < 60) &&
           memcmp(got, out, size) == 0;
}

static unsigned check_names(void)
{
    struct lunik_net *net;
    struct lunik_net_info info;
    unsigned failed = 0;

    failed += contract_check(strcmp(lunik_net_name(0), "net0") == 0 &&
                                 strcmp(lunik_net_name(1), "net1") == 0,
                             "devices are called net0, net1");
    failed += contract_check(lunik_net_open("net9", &net) == LUNIK_ENOENT,
                             "a name that is none is not found");
    failed += contract_check(lunik_net_open("net0", &net) == LUNIK_EINUSE,
                             "who has a device has it alone");
    lunik_net_get_info(left, &info);
    failed += contract_check(info.mtu >= 1500 && info.parts_max >= 18 &&
                                 (info.address[0] & 1) == 0,
                             "a device says what it is");
    failed +=
        contract_check(lunik_net_has_link(left) && !lunik_net_is_broken(left),
                       "a device begins with a link");
    return failed;
}

static unsigned check_sizes(void)
{
    static const uint16_t sizes[] = { 14, 59, 60, 61, 128, 1500, 1513, 1514 };
    unsigned failed = 0;

    for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        make_frame(i);
        failed += contract_check(lunik_net_send_copy(left, out, sizes[i]) ==
                                         LUNIK_OK &&
                                     arrives(right, sizes[i]),
                                 "what one device sends the other receives");
        failed += contract_check(lunik_net_send_copy(right, out, sizes[i]) ==
                                         LUNIK_OK &&
                                     arrives(left, sizes[i]),
                                 "and the other way");
    }
    failed += contract_check(lunik_net_send_copy(left, out, 13) == LUNIK_EINVAL,
                             "a frame has a header");
    return failed;
}

static unsigned check_parts(void)
{
    struct lunik_net_part parts[18];
    uint64_t until = lunik_time_after_ns(SECOND);
    unsigned failed = 0;

    make_frame(99);
    for (size_t i = 0; i < 18; i++)
        parts[i] = (struct lunik_net_part) { out + 10 * i, 10 };
    finished = 0;
    failed += contract_check(
        lunik_net_send(left, parts, 18, NULL, on_done, NULL) == LUNIK_OK,
        "a frame may have 18 parts");
    failed += contract_check(finished == 0, "done comes later");
    lunik_net_flush(left);
    failed += contract_check(arrives(right, 180), "parts arrive as one frame");
    while (finished == 0 && lunik_time_monotonic_ns() < until)
        if (lunik_sleep_until(lunik_time_after_ns(LUNIK_NS_PER_MS)) != LUNIK_OK)
            break;
    failed += contract_check(finished == 1,
                             "done comes without anything being received");
    return failed;
}

/* More than a queue holds, by waiting for room. */
static unsigned check_many(void)
{
    struct lunik_net_part part = { out, 600 };
    uint64_t until = lunik_time_after_ns(10 * SECOND);
    unsigned sent = 0, arrived = 0, failed = 0;

    make_frame(7);
    finished = 0;
    while (arrived < 40 * BURST && lunik_time_monotonic_ns() < until) {
        lunik_result result = LUNIK_OK;

        while (sent < arrived + BURST && result == LUNIK_OK) {
            result = lunik_net_send(left, &part, 1, NULL, on_done, NULL);
            sent += result == LUNIK_OK;
        }
        lunik_net_flush(left);
        if (sent > arrived && !arrives(right, 600))
            break;
        if (sent == arrived && lunik_net_wait(left, until) != LUNIK_OK)
            break;
        arrived += sent > arrived;
    }
    failed += contract_check(arrived == 40 * BURST, "no frame of many is lost");
    until = lunik_time_after_ns(SECOND);
    while (finished < sent && lunik_time_monotonic_ns() < until)
        if (lunik_sleep_until(lunik_time_after_ns(LUNIK_NS_PER_MS)) != LUNIK_OK)
            break;
    failed += contract_check(finished == sent, "each frame is told of once");
    while (arrived++ < sent)
        failed += contract_check(arrives(right, 600), "the last ones, too");
    return failed;
}

/* Lets a device that does not throw frames away get on. */
static void drain(struct lunik_net *net)
{
    struct lunik_net_frame frame;

    while (lunik_net_receive(net, &frame) == LUNIK_OK)
        for (size_t i = 0; i < frame.count; i++)
            lunik_net_release(net, frame.tokens[i]);
}

static unsigned check_full(void)
{
    struct lunik_net_part part = { out, 60 };
    uint64_t until = lunik_time_after_ns(5 * SECOND);
    unsigned sent = 0;
    lunik_result result = LUNIK_OK;

    make_frame(8);
    finished = 0;
    while (sent < 5000 && result == LUNIK_OK) {
        result = lunik_net_send(left, &part, 1, NULL, on_done, NULL);
        sent += result == LUNIK_OK;
    }
    if (contract_check(result == LUNIK_EAGAIN && sent >= 16,
                       "a queue has room for some, and an end"))
        return 1;
    while (result == LUNIK_EAGAIN && lunik_time_monotonic_ns() < until) {
        drain(right);
        result =
            lunik_net_wait(left, lunik_time_after_ns(100 * LUNIK_NS_PER_MS));
        if (result != LUNIK_OK && result != LUNIK_ETIMEOUT)
            break;
        result = lunik_net_send(left, &part, 1, NULL, on_done, NULL);
        sent += result == LUNIK_OK;
    }
    lunik_net_flush(left);
    while (take(right) > 0)
        ; /* some may be lost: the receiver was not looking */
    while (finished < sent && lunik_time_monotonic_ns() < until)
        if (lunik_sleep_until(lunik_time_after_ns(LUNIK_NS_PER_MS)) != LUNIK_OK)
            break;
    return contract_check(result == LUNIK_OK, "a full queue has room again") +
           contract_check(finished == sent, "and all is told of");
}

static unsigned check_waiting(void)
{
    uint64_t start;
    unsigned failed = 0;

    while (lunik_net_wait(right, 0) == LUNIK_OK)
        ;
    start = lunik_time_monotonic_ns();
    failed += contract_check(
        lunik_net_wait(right, start + 20 * LUNIK_NS_PER_MS) == LUNIK_ETIMEOUT &&
            lunik_time_monotonic_ns() - start >= 20 * LUNIK_NS_PER_MS,
        "a wait for nothing ends in time");
    lunik_fiber_cancel(lunik_fiber_self());
    failed +=
        contract_check(lunik_net_wait(right, LUNIK_NEVER) == LUNIK_ECANCELED,
                       "a cancelled wait ends");
    lunik_fiber_set_cancelled(false);
    called = 0;
    lunik_net_set_handler(right, on_news, NULL);
    make_frame(3);
    failed += contract_check(lunik_net_send_copy(left, out, 100) == LUNIK_OK,
                             "a frame is sent");
    start = lunik_time_after_ns(SECOND);
    while (called == 0 && lunik_time_monotonic_ns() < start)
        if (lunik_sleep_until(lunik_time_after_ns(LUNIK_NS_PER_MS)) != LUNIK_OK)
            break;
    failed += contract_check(called > 0, "the handler is called for a frame");
    lunik_net_set_handler(right, NULL, NULL);
    failed += contract_check(arrives(right, 100), "which is there");
    return failed;
}

static bool open_both(void)
{
    return lunik_net_open("net0", &left) == LUNIK_OK &&
           lunik_net_open("net1", &right) == LUNIK_OK;
}

static unsigned check_reopening(void)
{
    struct lunik_net_counts counts;
    unsigned failed = 0;

    for (unsigned i = 0; i < 5; i++) {
        lunik_net_close(left);
        lunik_net_close(right);
        if (contract_check(open_both(), "a closed device opens again"))
            return failed + 1;
        make_frame(i);
        failed +=
            contract_check(lunik_net_send_copy(left, out, 200) == LUNIK_OK &&
                               arrives(right, 200),
                           "and works");
        lunik_net_get_counts(right, &counts);
        failed += contract_check(counts.received_frames == 1 &&
                                     counts.received_bytes == 200,
                                 "and counts from zero");
    }
    return failed;
}

unsigned contract_net(void)
{
    unsigned failed;

    if (!lunik_net_name(0) || !lunik_net_name(1))
        return 0;
    if (contract_check(open_both(), "two devices open"))
        return 1;
    failed = check_names() + check_sizes() + check_parts() + check_many() +
             check_full() + check_waiting() + check_reopening();
    lunik_net_close(left);
    lunik_net_close(right);
    return failed;
}
