/* SPDX-License-Identifier: MIT */
/*
 * test_lwip_tcp.c: TCP of the IP stack, from the wire: joined segments, the
 * tables of connections, half-open ones, and what an attacker sends blindly.
 */
#define TEST_ON_FIBER
#include "fake.h"
#include "lwip_peer.h"
#include "tcp_table.h"

#include <lunik/interface.h>
#include <lunik/socket.h>

#include "test.h"

#define PORT 80

static struct peer_segment got, out;
static struct lunik_socket *listener;

static void start_stack(void)
{
    static bool is_started;

    if (is_started)
        return;
    is_started = true;
    fake_now = LUNIK_NS_PER_S;
    fake_net_reset(1);
    fake_net_ends[0].features = LUNIK_NET_CHECKSUM_SEND | LUNIK_NET_SEGMENT4 |
                                LUNIK_NET_CHECKSUM_RECEIVE;
    fake_net_ends[0].parts_max = 32;
    peer_launch("net0.ip=10.9.0.2/24,gw=10.9.0.1", "net1.ip=off", NULL);
    lunik_lwip_start();
    peer_run(3000);
    peer_drop_all();
}

static void begin(void)
{
    struct lunik_address any = { .family = LUNIK_IP4, .port = PORT };

    start_stack();
    peer_drop_all();
    if (lunik_socket_open(LUNIK_STREAM, LUNIK_IP4, &listener) != LUNIK_OK ||
        lunik_socket_set(listener, LUNIK_SOCKET_REUSE_ADDRESS, 1) != LUNIK_OK ||
        lunik_socket_bind(listener, &any) != LUNIK_OK ||
        lunik_socket_listen(listener, 64) != LUNIK_OK)
        abort();
    memset(&out, 0, sizeof(out));
    out.from = PEER_IP;
    out.to = GUEST_IP;
    out.to_port = PORT;
    out.window = 60000;
}

/* Breaks off what is still open, and lets all times pass. */
static void end(void)
{
    lunik_socket_close(listener);
    for (int i = 0; i < 8; i++) {
        peer_run(20000);
        while (peer_take_segment(&got)) {
            if (got.flags & RST)
                continue;
            out.from = got.to;
            out.from_port = got.to_port;
            out.to_port = got.from_port;
            out.sequence = got.acknowledged;
            out.flags = RST;
            out.size = 0;
            peer_send_segment(&out);
        }
    }
    peer_drop_all();
}

/* Sends a segment with the next of our numbers. */
static void say(uint8_t flags, const char *text)
{
    out.flags = flags;
    out.size = strlen(text);
    memcpy(out.data, text, out.size);
    peer_send_segment(&out);
    out.sequence += (uint32_t)out.size + !!(flags & (SYN | FIN));
    peer_run(0);
}

/* The stack's next segment, which is acknowledged in what we say next. */
static bool hear(void)
{
    if (!peer_take_segment(&got))
        return false;
    if (got.flags & ACK)
        out.acknowledged =
            got.sequence + (uint32_t)got.size + !!(got.flags & (SYN | FIN));
    return true;
}

static bool open_from(uint16_t port, struct lunik_socket **socket)
{
    out.from_port = port;
    out.sequence = 1000;
    out.acknowledged = 0;
    out.mss = 1460;
    say(SYN, "");
    out.mss = 0;
    if (!hear() || got.flags != (SYN | ACK))
        return false;
    say(ACK, "");
    return lunik_socket_try_accept(listener, socket) == LUNIK_OK;
}

static bool has_text(struct lunik_socket *socket, const char *text)
{
    char buffer[64];
    size_t size = 0;

    return lunik_socket_try_receive(socket, buffer, sizeof(buffer), &size,
                                    NULL) == LUNIK_OK &&
           size == strlen(text) && memcmp(buffer, text, size) == 0;
}

/* ---- The ordinary way ---- */

TEST(a_connection_is_opened_used_and_closed)
{
    struct lunik_socket *socket = NULL;
    size_t sent;

    begin();
    REQUIRE(open_from(4000, &socket));
    say(ACK | PSH, "hello");
    CHECK(has_text(socket, "hello"));
    CHECK(lunik_socket_try_send(socket, "you too", 7, 0, NULL, &sent) ==
          LUNIK_OK);
    peer_run(0);
    REQUIRE(hear());
    CHECK_EQ(got.size, 7);
    CHECK_MEM_EQ(got.data, "you too", 7);
    CHECK_EQ(got.acknowledged, out.sequence);
    say(ACK | FIN, "");
    CHECK(hear());
    lunik_socket_close(socket);
    peer_run(0);
    REQUIRE(hear());
    CHECK(got.flags & FIN);
    say(ACK, "");
    CHECK_EQ(peer_bad_sums, 0);
    end();
}

TEST(segments_of_a_connection_travel_as_one_frame)
{
    struct lunik_socket *socket = NULL;
    static char data[20000];
    size_t sent = 0, heard = 0, frames = 0, largest = 0;

    begin();
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)(i * 7 % 251);
    fake_net_ends[1].joins_segments = true;
    REQUIRE(open_from(4001, &socket));
    for (int i = 0; i < 50 && heard < sizeof(data); i++) {
        if (sent < sizeof(data)) {
            size_t count;

            if (lunik_socket_try_send(socket, data + sent, sizeof(data) - sent,
                                      0, NULL, &count) == LUNIK_OK)
                sent += count;
        }
        peer_run(0);
        while (hear()) {
            CHECK_MEM_EQ(got.data, data + heard, got.size);
            heard += got.size;
            frames += got.size > 0;
            largest = got.size > largest ? got.size : largest;
        }
        say(ACK, "");
    }
    fake_net_ends[1].joins_segments = false;
    CHECK_EQ(heard, sizeof(data));
    CHECK(largest > 4 * 1460);
    CHECK(frames < 8);
    lunik_socket_close(socket);
    end();
}

TEST(a_device_cuts_joined_segments_into_good_ones)
{
    struct lunik_socket *socket = NULL;
    static char data[9000];
    size_t sent = 0, heard = 0;

    begin();
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)(i % 253);
    REQUIRE(open_from(4002, &socket));
    for (int i = 0; i < 50 && heard < sizeof(data); i++) {
        size_t count;

        if (sent < sizeof(data) &&
            lunik_socket_try_send(socket, data + sent, sizeof(data) - sent, 0,
                                  NULL, &count) == LUNIK_OK)
            sent += count;
        peer_run(0);
        while (hear()) {
            CHECK(got.size <= 1460);
            CHECK_MEM_EQ(got.data, data + heard, got.size);
            heard += got.size;
        }
        say(ACK, "");
    }
    CHECK_EQ(heard, sizeof(data));
    CHECK_EQ(peer_bad_sums, 0);
    lunik_socket_close(socket);
    end();
}

TEST(a_full_device_loses_nothing)
{
    struct lunik_socket *socket = NULL;
    static char data[30000];
    size_t sent = 0, heard = 0;

    begin();
    fake_net_ends[0].send_max = 2;
    REQUIRE(open_from(4003, &socket));
    for (int i = 0; i < 400 && heard < sizeof(data); i++) {
        size_t count;

        if (sent < sizeof(data) &&
            lunik_socket_try_send(socket, data + sent, sizeof(data) - sent, 0,
                                  NULL, &count) == LUNIK_OK)
            sent += count;
        peer_run(100);
        while (hear())
            heard = out.acknowledged - 1 > heard ? heard + got.size : heard;
        say(ACK, "");
    }
    fake_net_ends[0].send_max = 128;
    CHECK(heard >= sizeof(data));
    lunik_socket_close(socket);
    end();
}

TEST(a_lost_segment_is_sent_again)
{
    struct lunik_socket *socket = NULL;
    size_t sent;
    uint32_t first;

    begin();
    REQUIRE(open_from(4004, &socket));
    CHECK(lunik_socket_try_send(socket, "lost", 4, 0, NULL, &sent) == LUNIK_OK);
    peer_run(0);
    REQUIRE(peer_take_segment(&got));
    first = got.sequence;
    peer_run(3000);
    REQUIRE(hear());
    CHECK_EQ(got.sequence, first);
    CHECK_MEM_EQ(got.data, "lost", 4);
    say(ACK, "");
    lunik_socket_close(socket);
    end();
}

/* A request and its answer, through a cable that does (what) to one of ten. */
static void talk_over(unsigned *what, uint16_t port)
{
    struct lunik_socket *socket = NULL;
    static char data[6000];
    size_t sent = 0, heard = 0;
    uint32_t base;

    REQUIRE(open_from(port, &socket));
    base = out.acknowledged;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)(i % 241);
    *what = 100;
    for (int i = 0; i < 3000 && heard < sizeof(data); i++) {
        size_t count;

        if (sent < sizeof(data) &&
            lunik_socket_try_send(socket, data + sent, sizeof(data) - sent, 0,
                                  NULL, &count) == LUNIK_OK)
            sent += count;
        peer_run(200);
        while (peer_take_segment(&got)) {
            /* In order is taken; the rest is asked for again. */
            if (got.size > 0 && got.sequence == base + heard) {
                CHECK_MEM_EQ(got.data, data + heard, got.size);
                heard += got.size;
            }
        }
        out.acknowledged = base + (uint32_t)heard;
        say(ACK, "");
    }
    *what = 0;
    CHECK_EQ(heard, sizeof(data));
    lunik_socket_close(socket);
}

TEST(a_bad_cable_loses_doubles_and_swaps_and_all_arrives)
{
    begin();
    talk_over(&fake_net_ends[1].lost, 4010);
    end();
    begin();
    talk_over(&fake_net_ends[1].doubled, 4011);
    end();
    begin();
    talk_over(&fake_net_ends[1].swapped, 4012);
    end();
    begin();
    talk_over(&fake_net_ends[1].damaged, 4013);
    peer_bad_sums = 0;
    end();
}

TEST(segments_out_of_order_are_kept_and_those_from_elsewhere_not)
{
    struct lunik_socket *socket = NULL;
    uint32_t first;

    begin();
    REQUIRE(open_from(4020, &socket));
    first = out.sequence;
    out.sequence = first + 5;
    say(ACK, "world");
    REQUIRE(peer_take_segment(&got));
    CHECK_EQ(got.acknowledged, first); /* and it says what is missing */
    out.sequence = first + 400000;
    say(ACK, "nowhere");
    out.sequence = first;
    say(ACK | PSH, "hello");
    CHECK(has_text(socket, "helloworld"));
    out.sequence = first + 10;
    lunik_socket_close(socket);
    end();
}

TEST(a_device_that_is_short_of_buffers_gets_them_back_at_once)
{
    struct lunik_socket *socket = NULL;

    begin();
    REQUIRE(open_from(4021, &socket));
    say(ACK | PSH, "kept");
    CHECK(fake_net_ends[0].lent > 0);
    fake_net_ends[0].is_scarce = true;
    CHECK(has_text(socket, "kept"));
    CHECK_EQ(fake_net_ends[0].lent, 0);
    say(ACK | PSH, "copied");
    CHECK_EQ(fake_net_ends[0].lent, 0);
    CHECK(has_text(socket, "copied"));
    fake_net_ends[0].is_scarce = false;
    lunik_socket_close(socket);
    end();
}

TEST(frames_in_small_pieces_are_understood)
{
    struct lunik_socket *socket = NULL;

    begin();
    fake_net_ends[0].part_size = 16;
    REQUIRE(open_from(4022, &socket));
    say(ACK | PSH, "in pieces of sixteen bytes");
    CHECK(has_text(socket, "in pieces of sixteen bytes"));
    fake_net_ends[0].part_size = 2034;
    lunik_socket_close(socket);
    end();
}

TEST(writes_of_one_turn_share_a_segment)
{
    struct lunik_socket *socket = NULL;
    size_t sent;

    begin();
    REQUIRE(open_from(4023, &socket));
    CHECK(lunik_socket_set(socket, LUNIK_SOCKET_NO_DELAY, 1) == LUNIK_OK);
    for (int i = 0; i < 5; i++)
        CHECK(lunik_socket_try_send(socket, "abc", 3, 0, NULL, &sent) ==
              LUNIK_OK);
    peer_run(0);
    REQUIRE(hear());
    CHECK_EQ(got.size, 15);
    CHECK(!hear());
    say(ACK, "");
    lunik_socket_close(socket);
    end();
}
TEST(a_shut_window_is_not_told_of_again_and_again)
{
    struct lunik_socket *socket = NULL;
    static char text[1001];
    unsigned answers = 0;
    char byte;
    size_t size;

    begin();
    REQUIRE(open_from(4009, &socket));
    got.window = 1;
    for (unsigned i = 0; i < 2000 && got.window > 0; i++) {
        memset(text, 'x', 1000);
        text[got.window < 1000 ? got.window : 1000] = '\0';
        say(ACK | PSH, text);
        peer_run(300);
        while (hear())
            ;
    }
    REQUIRE(got.window == 0);
    /* What an end whose own window is shut, too, would say. */
    for (unsigned i = 0; i < 10; i++) {
        say(ACK, "");
        while (hear())
            answers++;
    }
    CHECK_EQ(answers, 0);
    /* A probe is still answered, and the window opens again. */
    say(ACK | PSH, "y");
    peer_run(300);
    CHECK(hear());
    CHECK_EQ(got.window, 0);
    while (lunik_socket_try_receive(socket, &byte, 1, &size, NULL) ==
               LUNIK_OK &&
           size > 0)
        ;
    peer_run(300);
    CHECK(hear());
    CHECK(got.window > 0);
    lunik_socket_close(socket);
    end();
}

/* ---- Tables ---- */

TEST(idle_connections_cost_the_timers_nothing)
{
    enum { COUNT = 500 };
    static struct lunik_socket *sockets[COUNT];
    struct lunik_tcp_counts counts;

    begin();
    CHECK(lunik_socket_listen(listener, COUNT) == LUNIK_OK ||
          lunik_socket_listen(listener, COUNT) == LUNIK_EINVAL);
    for (size_t i = 0; i < COUNT; i++)
        REQUIRE(open_from((uint16_t)(5000 + i), &sockets[i]));
    peer_run(2000);
    lunik_tcp_get_counts(&counts);
    CHECK_EQ(counts.parked, COUNT);
    CHECK_EQ(counts.busy, 0);
    CHECK_EQ(counts.half_open, 0);
    CHECK(!lunik_tcp_has_work());
    /* Each is found, and wakes. */
    for (size_t i = 0; i < COUNT; i += 7) {
        out.from_port = (uint16_t)(5000 + i);
        out.sequence = 1001;
        out.acknowledged = 0;
        out.flags = ACK | PSH;
        out.size = 1;
        out.data[0] = 'x';
        /* The stack's number is known from a challenge. */
        peer_send_segment(&out);
        peer_run(0);
        REQUIRE(peer_take_segment(&got));
        out.acknowledged = got.sequence;
        peer_send_segment(&out);
        peer_run(0);
        CHECK(has_text(sockets[i], "x"));
    }
    lunik_tcp_get_counts(&counts);
    CHECK_EQ(counts.busy, (COUNT + 6) / 7);
    for (size_t i = 0; i < COUNT; i++)
        lunik_socket_close(sockets[i]);
    end();
    lunik_tcp_get_counts(&counts);
    CHECK_EQ(counts.parked + counts.busy + counts.waiting, 0);
}

TEST(a_port_may_be_used_again_while_the_last_connection_is_waited_for)
{
    struct lunik_socket *socket = NULL;
    struct lunik_tcp_counts counts;

    begin();
    REQUIRE(open_from(4100, &socket));
    lunik_socket_close(socket); /* we close first: TIME_WAIT is here */
    peer_run(0);
    REQUIRE(hear() && (got.flags & FIN));
    say(ACK | FIN, "");
    lunik_tcp_get_counts(&counts);
    CHECK_EQ(counts.waiting, 1);
    peer_drop_all();
    out.sequence += 64000;
    out.mss = 1460;
    say(SYN, "");
    REQUIRE(hear());
    CHECK_EQ(got.flags, SYN | ACK);
    lunik_tcp_get_counts(&counts);
    CHECK_EQ(counts.waiting, 0);
    out.mss = 0;
    say(ACK | RST, "");
    end();
}

TEST(time_wait_ends)
{
    struct lunik_socket *socket = NULL;
    struct lunik_tcp_counts counts;

    begin();
    REQUIRE(open_from(4101, &socket));
    lunik_socket_close(socket);
    peer_run(0);
    REQUIRE(hear());
    say(ACK | FIN, "");
    peer_run(20000);
    lunik_tcp_get_counts(&counts);
    CHECK_EQ(counts.waiting, 1);
    peer_run(20000);
    lunik_tcp_get_counts(&counts);
    CHECK_EQ(counts.waiting, 0);
    end();
}

/* ---- Half-open ones ---- */

TEST(a_flood_of_syns_leaves_room_for_those_who_mean_it)
{
    struct lunik_socket *socket = NULL, *old = NULL;
    struct lunik_tcp_counts before, after;

    begin();
    REQUIRE(open_from(4200, &old));
    for (uint32_t i = 0; i < 5000; i++) {
        out.from = PEER_IP + 2 + i % 200;
        out.from_port = (uint16_t)(1024 + i);
        out.sequence = i * 77777;
        out.flags = SYN;
        out.mss = 1460;
        out.size = 0;
        peer_send_segment(&out);
        if (i % 100 == 0) {
            peer_run(1);
            peer_drop_all();
        }
    }
    peer_run(1);
    peer_drop_all();
    lunik_tcp_get_counts(&before);
    CHECK(before.half_open > 0 && before.half_open <= 1024);
    out.from = PEER_IP;
    REQUIRE(open_from(4201, &socket));
    say(ACK | PSH, "served");
    CHECK(has_text(socket, "served"));
    CHECK(lunik_socket_get_error(old) == LUNIK_OK);
    lunik_socket_close(socket);
    lunik_socket_close(old);
    end();
    lunik_tcp_get_counts(&after);
    CHECK_EQ(after.half_open, 0);
}

TEST(a_made_up_cookie_opens_nothing)
{
    struct lunik_socket *socket = NULL;

    begin();
    for (uint32_t i = 0; i < 2000; i++) {
        out.from_port = (uint16_t)(2000 + i);
        out.sequence = 1;
        out.acknowledged = i * 2654435761u;
        out.flags = ACK;
        out.size = 0;
        peer_send_segment(&out);
        peer_run(0);
        peer_drop_all();
    }
    CHECK(lunik_socket_try_accept(listener, &socket) == LUNIK_EAGAIN);
    end();
}

/* ---- Blind attackers ---- */

TEST(initial_numbers_differ_by_peer_and_grow_with_time)
{
    uint32_t first, second, later;

    begin();
    out.from_port = 4300;
    out.sequence = 1;
    say(SYN, "");
    REQUIRE(hear());
    first = got.sequence;
    say(RST | ACK, "");
    out.from_port = 4301;
    out.sequence = 1;
    say(SYN, "");
    REQUIRE(hear());
    second = got.sequence;
    say(RST | ACK, "");
    CHECK(first - second > 100000 && second - first > 100000);
    peer_run(1000);
    peer_drop_all();
    out.from_port = 4300;
    out.sequence = 1;
    say(SYN, "");
    REQUIRE(hear());
    later = got.sequence;
    CHECK(later - first > 200000 && later - first < 1000000);
    say(RST | ACK, "");
    end();
}

TEST(no_blind_segment_ends_or_poisons_a_connection)
{
    static const uint8_t kinds[] = { RST,       SYN,       FIN | ACK, ACK,
                                     ACK | PSH, RST | ACK, SYN | ACK, 0 };
    struct lunik_socket *socket = NULL;
    uint32_t good_sequence, good_acknowledged, random = 12345;

    begin();
    REQUIRE(open_from(4400, &socket));
    good_sequence = out.sequence;
    good_acknowledged = out.acknowledged;
    for (unsigned i = 0; i < 10000; i++) {
        random = random * 1664525 + 1013904223;
        out.sequence = random;
        if (out.sequence == good_sequence)
            continue;
        random = random * 1664525 + 1013904223;
        out.acknowledged = random;
        out.flags = kinds[i % sizeof(kinds)];
        out.window = (uint16_t)(i % 2 ? 0 : 60000);
        out.size = i % 3 ? 10 : 0;
        peer_send_segment(&out);
        if (i % 50 == 0) {
            peer_run(0);
            peer_drop_all();
        }
    }
    peer_run(0);
    peer_drop_all();
    out.sequence = good_sequence;
    out.acknowledged = good_acknowledged;
    out.window = 60000;
    CHECK(lunik_socket_get_error(socket) == LUNIK_OK);
    say(ACK | PSH, "fine");
    CHECK(has_text(socket, "fine"));
    lunik_socket_close(socket);
    end();
}

TEST(a_reset_in_the_window_is_challenged_and_an_exact_one_obeyed)
{
    struct lunik_socket *socket = NULL;
    uint32_t exact;

    begin();
    REQUIRE(open_from(4401, &socket));
    exact = out.sequence;
    out.sequence = exact + 100;
    say(RST, "");
    REQUIRE(hear());
    CHECK_EQ(got.flags, ACK);
    CHECK_EQ(got.acknowledged, exact);
    CHECK(lunik_socket_get_error(socket) == LUNIK_OK);
    out.sequence = exact + 100;
    say(SYN, "");
    REQUIRE(hear());
    CHECK_EQ(got.flags, ACK);
    CHECK(lunik_socket_get_error(socket) == LUNIK_OK);
    out.sequence = exact;
    say(RST, "");
    CHECK(lunik_socket_get_error(socket) == LUNIK_ERESET);
    lunik_socket_close(socket);
    end();
}

TEST(a_forged_window_update_does_not_stop_a_connection)
{
    struct lunik_socket *socket = NULL;
    uint32_t exact;
    size_t sent;

    begin();
    REQUIRE(open_from(4402, &socket));
    exact = out.sequence;
    out.sequence = exact + 0x40000000; /* nowhere near */
    out.window = 0;
    say(ACK, "");
    peer_drop_all();
    out.sequence = exact;
    out.window = 60000;
    CHECK(lunik_socket_try_send(socket, "on", 2, 0, NULL, &sent) == LUNIK_OK);
    peer_run(0);
    REQUIRE(hear());
    CHECK_EQ(got.size, 2);
    lunik_socket_close(socket);
    end();
}

TEST(ports_for_connections_out_are_not_in_order)
{
    struct lunik_address to = { .family = LUNIK_IP4,
                                .port = 9,
                                .bytes = { 10, 9, 0, 1 } };
    uint16_t ports[16];
    unsigned near = 0;

    begin();
    for (size_t i = 0; i < 16; i++) {
        struct lunik_socket *socket = NULL;

        REQUIRE(lunik_socket_open(LUNIK_STREAM, LUNIK_IP4, &socket) ==
                LUNIK_OK);
        CHECK(lunik_socket_try_connect(socket, &to) == LUNIK_EAGAIN);
        peer_run(0);
        REQUIRE(peer_take_segment(&got));
        CHECK_EQ(got.flags, SYN);
        ports[i] = got.from_port;
        lunik_socket_close(socket);
        peer_run(0);
        peer_drop_all();
    }
    for (size_t i = 1; i < 16; i++)
        near += (uint16_t)(ports[i] - ports[i - 1]) < 16;
    CHECK(near < 3);
    end();
}
