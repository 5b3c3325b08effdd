/* SPDX-License-Identifier: MIT */
/*
 * test_socket_wire.c: <lunik/socket.h> on the IP stack, with a peer at the
 * other end of a cable that a test plays by hand.
 */
#define TEST_ON_FIBER
#include "fake.h"
#include "lwip_peer.h"
#include "stack.h"

#include <lunik/socket.h>

#include "test.h"

static struct peer_segment got, out;
static struct peer_datagram datagram;

static void begin(void)
{
    static bool is_started;

    if (!is_started) {
        is_started = true;
        fake_now = LUNIK_NS_PER_S;
        fake_net_reset(1);
        peer_launch("net0.ip=10.9.0.2/24,gw=10.9.0.1", "net1.ip=off", NULL);
        lunik_lwip_start();
        peer_run(5000);
    }
    peer_drop_all();
    memset(&out, 0, sizeof(out));
    out.from = PEER_IP;
    out.to = GUEST_IP;
    out.from_port = 7;
    out.sequence = 1000;
    out.window = 60000;
    out.mss = 1460;
}

static void end(struct lunik_socket *socket)
{
    struct lunik_socket_info info;

    lunik_socket_close(socket);
    lunik_socket_get_info(&info);
    CHECK_EQ(info.open, 0);
    peer_run(300000);
    peer_drop_all();
}

static struct lunik_address address_of(uint32_t ip, uint16_t port)
{
    struct lunik_address address = { .family = LUNIK_IP4, .port = port };

    for (int i = 0; i < 4; i++)
        address.bytes[i] = (uint8_t)(ip >> (24 - 8 * i));
    return address;
}

static struct lunik_socket *make(enum lunik_socket_type type)
{
    struct lunik_socket *socket;

    if (lunik_socket_open(type, LUNIK_IP4, &socket) != LUNIK_OK)
        abort();
    return socket;
}

/* Sends a segment with the next of our numbers. */
static void say(uint8_t flags, const char *text)
{
    out.flags = flags;
    out.size = strlen(text);
    memcpy(out.data, text, out.size);
    peer_send_segment(&out);
    out.sequence += (uint32_t)out.size + !!(flags & (SYN | FIN));
    out.mss = 0;
    peer_run(0);
}

static bool hear(void)
{
    if (!peer_take_segment(&got))
        return false;
    out.acknowledged =
        got.sequence + (uint32_t)got.size + !!(got.flags & (SYN | FIN));
    return true;
}

/* Has heard the SYN. */
static struct lunik_socket *connecting(void)
{
    struct lunik_address peer = address_of(PEER_IP, 7);
    struct lunik_socket *socket = make(LUNIK_STREAM);

    CHECK_EQ(lunik_socket_try_connect(socket, &peer), LUNIK_EAGAIN);
    peer_run(0);
    CHECK(hear());
    CHECK_EQ(got.flags, SYN);
    CHECK(got.from_port >= 32768);
    out.to_port = got.from_port;
    return socket;
}

static struct lunik_socket *connected(void)
{
    struct lunik_socket *socket = connecting();

    say(SYN | ACK, "");
    CHECK(hear());
    CHECK_EQ(got.flags, ACK);
    CHECK_EQ(lunik_socket_get_state(socket), LUNIK_SOCKET_CONNECTED);
    return socket;
}

/* ---- Connecting ---- */

TEST(a_peer_that_says_nothing_times_out)
{
    struct lunik_socket *socket;
    uint64_t before;
    unsigned tries = 1;

    begin();
    socket = connecting();
    before = fake_now;
    CHECK_EQ(lunik_socket_wait(socket, LUNIK_WRITABLE,
                               lunik_time_after_ns(LUNIK_NS_PER_S)),
             LUNIK_ETIMEOUT);
    CHECK_EQ(lunik_socket_wait(socket, LUNIK_WRITABLE, LUNIK_NEVER), LUNIK_OK);
    CHECK_EQ(lunik_socket_get_error(socket), LUNIK_ETIMEOUT);
    CHECK(fake_now - before > 5 * LUNIK_NS_PER_S);
    CHECK(fake_now - before < 180 * LUNIK_NS_PER_S);
    while (hear())
        tries++;
    CHECK(tries >= 3);
    end(socket);
}

TEST(a_reset_refuses_the_connection)
{
    struct lunik_socket *socket;

    begin();
    socket = connecting();
    say(RST | ACK, "");
    CHECK_EQ(lunik_socket_get_error(socket), LUNIK_EREFUSED);
    CHECK_EQ(lunik_socket_get_state(socket), LUNIK_SOCKET_IDLE);
    end(socket);
}

TEST(a_connection_closed_while_it_is_made_is_gone)
{
    struct lunik_socket *socket;

    begin();
    socket = connecting();
    end(socket);
    say(SYN | ACK, "");
    CHECK(hear());
    CHECK(got.flags & RST);
}

/* ---- A connection's life ---- */

TEST(an_answer_carries_the_acknowledgement)
{
    struct lunik_socket *socket;
    char buffer[16];
    size_t size;

    begin();
    socket = connected();
    say(ACK | PSH, "question");
    CHECK_EQ(
        lunik_socket_try_receive(socket, buffer, sizeof(buffer), &size, NULL),
        LUNIK_OK);
    CHECK_EQ(lunik_socket_try_send(socket, "answer", 6, 0, NULL, &size),
             LUNIK_OK);
    peer_run(0);
    CHECK(hear());
    CHECK_EQ(got.size, 6);
    CHECK_EQ(got.acknowledged, out.sequence);
    CHECK(!hear());
    say(ACK, "");
    end(socket);
}

TEST(a_peer_that_is_gone_times_out)
{
    struct lunik_address peer;
    struct lunik_socket *socket;
    size_t size;

    begin();
    socket = connected();
    CHECK_EQ(lunik_socket_try_send(socket, "lost", 4, 0, NULL, &size),
             LUNIK_OK);
    CHECK_EQ(lunik_socket_wait(socket, LUNIK_FAILED, LUNIK_NEVER), LUNIK_OK);
    CHECK_EQ(lunik_socket_get_error(socket), LUNIK_ETIMEOUT);
    /* The stack has forgotten whom it was about. */
    lunik_socket_get_peer(socket, &peer);
    CHECK_EQ(peer.family, 0);
    end(socket);
}

TEST(keep_alive_finds_that_a_peer_is_gone)
{
    struct lunik_socket *socket;
    unsigned probes = 0;
    uint64_t before;

    begin();
    socket = connected();
    CHECK_EQ(lunik_socket_set(socket, LUNIK_SOCKET_KEEP_ALIVE, 1), LUNIK_OK);
    CHECK_EQ(lunik_socket_set(socket, LUNIK_SOCKET_KEEP_IDLE, 600), LUNIK_OK);
    CHECK_EQ(lunik_socket_set(socket, LUNIK_SOCKET_KEEP_INTERVAL, 5), LUNIK_OK);
    CHECK_EQ(lunik_socket_set(socket, LUNIK_SOCKET_KEEP_COUNT, 3), LUNIK_OK);
    before = fake_now;
    while (lunik_socket_get_error(socket) == LUNIK_OK) {
        peer_run(1000);
        while (hear())
            probes += got.flags == ACK;
    }
    CHECK_EQ(lunik_socket_get_error(socket), LUNIK_ETIMEOUT);
    CHECK(fake_now - before > 600 * LUNIK_NS_PER_S);
    CHECK(fake_now - before < 700 * LUNIK_NS_PER_S);
    CHECK_EQ(probes, 3);
    end(socket);
}

TEST(what_was_sent_goes_out_before_a_reset)
{
    struct lunik_socket *socket;
    size_t size;

    begin();
    socket = connected();
    CHECK_EQ(lunik_socket_set(socket, LUNIK_SOCKET_LINGER, 0), LUNIK_OK);
    CHECK_EQ(lunik_socket_try_send(socket, "last", 4, 0, NULL, &size),
             LUNIK_OK);
    lunik_socket_close(socket);
    peer_run(0);
    REQUIRE(hear());
    CHECK_EQ(got.size, 4);
    REQUIRE(hear());
    CHECK(got.flags & RST);
    end(NULL);
}

TEST(a_peers_reset_comes_after_its_data)
{
    struct lunik_address peer;
    struct lunik_socket *socket;
    char buffer[16];
    size_t size;

    begin();
    socket = connected();
    say(ACK | PSH, "data");
    say(RST, "");
    CHECK_EQ(lunik_socket_ready(socket),
             LUNIK_READABLE | LUNIK_WRITABLE | LUNIK_FAILED);
    CHECK_EQ(
        lunik_socket_try_receive(socket, buffer, sizeof(buffer), &size, NULL),
        LUNIK_OK);
    CHECK_EQ(size, 4);
    CHECK_EQ(
        lunik_socket_try_receive(socket, buffer, sizeof(buffer), &size, NULL),
        LUNIK_ERESET);
    CHECK_EQ(lunik_socket_try_send(socket, "x", 1, 0, NULL, &size),
             LUNIK_ERESET);
    lunik_socket_get_peer(socket, &peer);
    CHECK_EQ(peer.port, 7);
    end(socket);
}

TEST(an_end_with_data_is_data_and_then_an_end)
{
    struct lunik_socket *socket;
    struct lunik_address peer;
    char buffer[16];
    size_t size;

    begin();
    socket = connected();
    CHECK_EQ(lunik_socket_shutdown(socket, LUNIK_SHUT_WRITE), LUNIK_OK);
    peer_run(0);
    CHECK(hear());
    CHECK(got.flags & FIN);
    say(ACK | FIN | PSH, "last");
    CHECK_EQ(lunik_socket_pending(socket), 4);
    /* Both directions are over: the stack alone waits for late segments. */
    peer_run(200000);
    lunik_socket_get_peer(socket, &peer);
    CHECK_EQ(peer.port, 7);
    CHECK_EQ(
        lunik_socket_try_receive(socket, buffer, sizeof(buffer), &size, NULL),
        LUNIK_OK);
    CHECK_EQ(size, 4);
    CHECK_EQ(
        lunik_socket_try_receive(socket, buffer, sizeof(buffer), &size, NULL),
        LUNIK_OK);
    CHECK_EQ(size, 0);
    end(socket);
}

/* Reading opens the window again, in steps, and at the end of a large read. */
TEST(a_window_that_closed_opens_again)
{
    static char text[1461], buffer[70000];
    struct lunik_socket *socket;
    unsigned window = 1, total = 0;
    size_t size;

    begin();
    memset(text, 'w', 1460);
    socket = connected();
    while (window > 0 && total < 4 * 1024 * 1024) {
        say(ACK, text);
        total += 1460;
        if (hear())
            window = got.window;
    }
    CHECK_EQ(window, 0);
    CHECK_EQ(lunik_socket_try_receive(socket, buffer, 1, &size, NULL),
             LUNIK_OK);
    peer_run(300);
    while (hear())
        window = got.window;
    while (lunik_socket_try_receive(socket, buffer, sizeof(buffer), &size,
                                    NULL) == LUNIK_OK)
        peer_run(0);
    while (hear())
        window = got.window;
    CHECK(window > 1460);
    end(socket);
}

/* ---- Datagrams ---- */

TEST(broadcasts_have_to_be_allowed)
{
    struct lunik_address all = address_of(0x0a0900ff, 9);
    struct lunik_socket *socket;
    size_t size;

    begin();
    socket = make(LUNIK_DATAGRAM);
    CHECK_EQ(lunik_socket_try_send(socket, "all", 3, 0, &all, &size),
             LUNIK_EINVAL);
    peer_run(0);
    CHECK(!peer_take_datagram(&datagram));
    CHECK_EQ(lunik_socket_set(socket, LUNIK_SOCKET_BROADCAST, 1), LUNIK_OK);
    CHECK_EQ(lunik_socket_try_send(socket, "all", 3, 0, &all, &size), LUNIK_OK);
    peer_run(0);
    CHECK(peer_take_datagram(&datagram));
    CHECK(datagram.is_broadcast);
    CHECK_EQ(datagram.size, 3);
    end(socket);
}

static void send_to(uint32_t to, uint16_t port)
{
    memset(&datagram, 0, sizeof(datagram));
    datagram.from = PEER_IP;
    datagram.from_port = 99;
    datagram.to = to;
    datagram.to_port = port;
    datagram.size = 5;
    memcpy(datagram.data, "group", 5);
    peer_send_datagram(&datagram);
    peer_run(0);
}

TEST(a_group_is_heard_while_it_is_joined)
{
    struct lunik_address group = address_of(0xef010203, 0),
                         any = address_of(0, 4000), from;
    struct lunik_socket *socket;
    char buffer[16];
    size_t size;

    begin();
    socket = make(LUNIK_DATAGRAM);
    CHECK_EQ(lunik_socket_bind(socket, &any), LUNIK_OK);
    send_to(0xef010203, 4000);
    CHECK_EQ(lunik_socket_pending(socket), 0);
    CHECK_EQ(lunik_socket_join(socket, &group, false), LUNIK_EINVAL);
    CHECK_EQ(lunik_socket_join(socket, &group, true), LUNIK_OK);
    CHECK_EQ(lunik_socket_join(socket, &group, true), LUNIK_EINUSE);
    group.zone = 1; /* the same interface, by its number */
    CHECK_EQ(lunik_socket_join(socket, &group, true), LUNIK_OK);
    CHECK_EQ(lunik_socket_join(socket, &group, false), LUNIK_OK);
    group.zone = 77;
    CHECK_EQ(lunik_socket_join(socket, &group, true), LUNIK_EUNREACHABLE);
    group.zone = 0;
    send_to(0xef010203, 4000);
    CHECK_EQ(
        lunik_socket_try_receive(socket, buffer, sizeof(buffer), &size, &from),
        LUNIK_OK);
    CHECK_EQ(size, 5);
    CHECK_EQ(from.port, 99);
    CHECK_EQ(lunik_socket_join(socket, &group, false), LUNIK_OK);
    send_to(0xef010203, 4000);
    CHECK_EQ(lunik_socket_pending(socket), 0);
    /* What is joined is left with the socket. */
    for (unsigned i = 0; i < 20; i++) {
        group.bytes[3] = (uint8_t)(10 + i);
        CHECK_EQ(lunik_socket_join(socket, &group, true), LUNIK_OK);
    }
    group.bytes[3] = 99;
    CHECK_EQ(lunik_socket_join(socket, &group, true), LUNIK_ENOMEM);
    end(socket);
    socket = make(LUNIK_DATAGRAM);
    CHECK_EQ(lunik_socket_bind(socket, &any), LUNIK_OK);
    send_to(0xef01020a, 4000);
    CHECK_EQ(lunik_socket_pending(socket), 0);
    end(socket);
}
