/* SPDX-License-Identifier: MIT */
/*
 * test_host_net.c: a tap interface as a network device, in a network namespace
 * that the test makes. Linux is at the other end: a packet socket plays it.
 */
#define TEST_ON_FIBER
#include "host.h"

#include <lunik/net.h>
#include <lunik/start.h>
#include <lunik/time.h>

#include "test.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define NAME "lunik-test0"

static struct lunik_net *net;
static int wire = -1; /* Linux's end */
static unsigned finished;

/* Gives the process its launch line, before anybody asks for it. */
__attribute__((constructor)) static void launch(void)
{
    static char program[] = "test", option[] = "tap=" NAME;
    char *words[] = { program, option, NULL };

    platform_host_arguments(2, words);
}

static void on_done(void *arg)
{
    (void)arg;
    finished++;
}

static void set_up(bool is_up)
{
    struct ifreq request = { .ifr_flags = is_up ? IFF_UP : 0 };
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    strcpy(request.ifr_name, NAME);
    CHECK(ioctl(fd, SIOCSIFFLAGS, &request) == 0);
    close(fd);
}

static void open_wire(void)
{
    struct sockaddr_ll at = { .sll_family = AF_PACKET };

    wire = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(0x88b5));
    at.sll_protocol = htons(0x88b5);
    at.sll_ifindex = (int)if_nametoindex(NAME);
    CHECK(bind(wire, (struct sockaddr *)&at, sizeof(at)) == 0);
}

/* False: the test cannot run here. */
static bool begin(void)
{
    static bool is_inside;

    if (!is_inside && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        return false;
    if (!is_inside)
        lunik_random_init(); /* for hardware addresses */
    is_inside = true;
    finished = 0;
    if (lunik_net_open("net0", &net) != LUNIK_OK)
        return false;
    set_up(true);
    open_wire();
    return true;
}

static void end(void)
{
    close(wire);
    lunik_net_close(net);
}

static void turn(void)
{
    if (lunik_sleep_until(lunik_time_after_ns(2 * LUNIK_NS_PER_MS)) != LUNIK_OK)
        abort();
}

static void make_frame(uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(i * 11);
    memset(out, 0xff, 6);
    memset(out + 6, 2, 6);
    out[12] = 0x88;
    out[13] = 0xb5;
}

/* The next frame that the test sent: Linux has some of its own to say. */
static lunik_result next_frame(struct lunik_net_frame *out)
{
    for (;;) {
        lunik_result result = lunik_net_receive(net, out);
        const uint8_t *bytes = out->parts[0].data;

        if (result != LUNIK_OK || (bytes[12] == 0x88 && bytes[13] == 0xb5))
            return result;
        lunik_net_release(net, out->tokens[0]);
    }
}

TEST(there_are_as_many_devices_as_the_launch_line_names)
{
    CHECK_STR_EQ(lunik_net_name(0), "net0");
    CHECK(lunik_net_name(1) == NULL);
    CHECK_EQ(lunik_net_open("net1", &net), LUNIK_ENOENT);
}

TEST(frames_go_out_whole_and_are_told_of_later)
{
    static uint8_t frame[1000], got[2000];
    struct lunik_net_part parts[] = { { frame, 14 }, { frame + 14, 986 } };

    if (!begin())
        SKIP("no namespace or no tap");
    make_frame(frame, sizeof(frame));
    CHECK_EQ(lunik_net_send(net, parts, 2, NULL, on_done, NULL), LUNIK_OK);
    CHECK_EQ(finished, 0);
    turn();
    CHECK_EQ(finished, 1);
    CHECK_EQ(recv(wire, got, sizeof(got), 0), 1000);
    CHECK_MEM_EQ(got, frame, 1000);
    end();
}

TEST(frames_come_in_and_wake_who_waits)
{
    static uint8_t frame[1514];
    struct lunik_net_frame in;

    if (!begin())
        SKIP("no namespace or no tap");
    make_frame(frame, sizeof(frame));
    turn();
    while (lunik_net_receive(net, &in) == LUNIK_OK)
        lunik_net_release(net, in.tokens[0]);
    while (lunik_net_wait(net, 0) == LUNIK_OK)
        ;
    CHECK_EQ(send(wire, frame, sizeof(frame), 0), 1514);
    CHECK_EQ(lunik_net_wait(net, lunik_time_after_ns(LUNIK_NS_PER_S)),
             LUNIK_OK);
    CHECK_EQ(next_frame(&in), LUNIK_OK);
    CHECK_EQ(in.size, 1514);
    CHECK_EQ(in.count, 1);
    CHECK_MEM_EQ(in.parts[0].data, frame, 1514);
    lunik_net_release(net, in.tokens[0]);
    CHECK_DIES(LUNIK_EXIT_PANIC, lunik_net_release(net, in.tokens[0]));
    CHECK_EQ(next_frame(&in), LUNIK_EAGAIN);
    end();
}

TEST(frames_that_waited_for_a_buffer_come_after_a_release)
{
    static uint8_t frame[100];
    static struct lunik_net_frame in[64];
    unsigned count = 0;

    if (!begin())
        SKIP("no namespace or no tap");
    make_frame(frame, sizeof(frame));
    for (int i = 0; i < 40; i++)
        CHECK_EQ(send(wire, frame, sizeof(frame), 0), 100);
    turn();
    while (count < 64 && lunik_net_receive(net, &in[count]) == LUNIK_OK)
        count++;
    CHECK_EQ(count, 16);
    CHECK(in[15].is_scarce);
    CHECK(!in[0].is_scarce);
    while (lunik_net_wait(net, 0) == LUNIK_OK)
        ;
    for (unsigned i = 0; i < 16; i++)
        lunik_net_release(net, in[i].tokens[0]);
    CHECK_EQ(lunik_net_wait(net, lunik_time_after_ns(LUNIK_NS_PER_S)),
             LUNIK_OK);
    CHECK_EQ(lunik_net_receive(net, &in[0]), LUNIK_OK);
    end();
}

TEST(an_interface_that_is_down_loses_frames_and_nothing_else)
{
    static uint8_t frame[100], got[200];
    struct lunik_net_frame in;

    if (!begin())
        SKIP("no namespace or no tap");
    make_frame(frame, sizeof(frame));
    set_up(false);
    CHECK_EQ(lunik_net_send_copy(net, frame, 100), LUNIK_OK);
    turn();
    CHECK_EQ(next_frame(&in), LUNIK_EAGAIN);
    CHECK(!lunik_net_is_broken(net));
    set_up(true);
    (void)!recv(wire, got, sizeof(got), 0); /* what was wrong meanwhile */
    CHECK_EQ(lunik_net_send_copy(net, frame, 100), LUNIK_OK);
    CHECK_EQ(recv(wire, got, sizeof(got), 0), 100);
    end();
}

TEST(linux_fills_in_what_is_left_to_it)
{
    static uint8_t frame[60], got[200];
    struct lunik_net_part part = { frame, sizeof(frame) };
    const struct lunik_net_offload offload = {
        .wants_checksum = true,
        .checksum_start = 20,
        .checksum_offset = 6,
    };
    struct lunik_net_info info;
    uint32_t sum = 0;

    if (!begin())
        SKIP("no namespace or no tap");
    lunik_net_get_info(net, &info);
    CHECK_EQ(info.features & LUNIK_NET_CHECKSUM_SEND, LUNIK_NET_CHECKSUM_SEND);
    CHECK_EQ(info.mtu, 1500);
    CHECK_EQ(info.address[0] & 3, 2);
    make_frame(frame, sizeof(frame));
    frame[26] = frame[27] = 0;
    CHECK_EQ(lunik_net_send(net, &part, 1, &offload, on_done, NULL), LUNIK_OK);
    turn();
    CHECK_EQ(recv(wire, got, sizeof(got), 0), 60);
    /* A packet socket shows the frame before it is filled in, or after. */
    for (size_t i = 20; i < 60; i += 2)
        sum += (uint32_t)(got[i] << 8 | got[i + 1]);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    CHECK(sum == 0xffff || (got[26] == 0 && got[27] == 0));
    end();
}

TEST(it_opens_again_and_only_once_at_a_time)
{
    struct lunik_net *other;

    if (!begin())
        SKIP("no namespace or no tap");
    CHECK_EQ(lunik_net_open("net0", &other), LUNIK_EINUSE);
    end();
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(lunik_net_open("net0", &net), LUNIK_OK);
        lunik_net_close(net);
    }
}
