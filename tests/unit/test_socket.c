/* SPDX-License-Identifier: MIT */
/*
 * test_socket.c: <lunik/socket.h> on the IP stack, over loopback, with a clock
 * that waiting moves, and with memory that runs out.
 */
#define TEST_ON_FIBER
#include "../contract/contract.h"
#include "fake.h"
#include "stack.h"

#include <lunik/socket.h>

#include "test.h"

/* ---- Memory that runs out ---- */

void *__real_lunik_mem_alloc_sized(size_t size);
void *__wrap_lunik_mem_alloc_sized(size_t size);
void *__real_lunik_mem_alloc(size_t size);
void *__wrap_lunik_mem_alloc(size_t size);

static int blocks_left = -1; /* until none is given; negative: any number */

static bool may_have(void)
{
    if (blocks_left > 0)
        blocks_left--;
    return blocks_left != 0;
}

void *__wrap_lunik_mem_alloc_sized(size_t size)
{
    return may_have() ? __real_lunik_mem_alloc_sized(size) : NULL;
}

void *__wrap_lunik_mem_alloc(size_t size)
{
    return may_have() ? __real_lunik_mem_alloc(size) : NULL;
}

/* ---- Set-up ---- */

static size_t heap_before;

static size_t heap_now(void)
{
    struct lunik_mem_info info;

    lunik_mem_get_info(&info);
    return info.heap_bytes - lunik_lwip_memory_used();
}

static void pass(unsigned ms)
{
    if (lunik_sleep_until(lunik_time_after_ns(ms * LUNIK_NS_PER_MS)) !=
        LUNIK_OK)
        abort();
}

static void begin(void)
{
    static bool is_started;

    if (!is_started) {
        fake_now = LUNIK_NS_PER_S;
        lunik_random_init();
        lunik_lwip_start();
        is_started = true;
    }
    heap_before = heap_now();
}

/* Nothing is left behind. */
static void end(void)
{
    struct lunik_socket_info info;

    lunik_socket_get_info(&info);
    CHECK_EQ(info.open, 0);
    CHECK_EQ(heap_now(), heap_before);
    pass(60000); /* TIME_WAIT and all */
}

static struct lunik_address loopback(unsigned family, uint16_t port)
{
    struct lunik_address out = { .family = (uint8_t)family, .port = port };

    if (family == LUNIK_IP4)
        memcpy(out.bytes, "\x7f\0\0\1", 4);
    else
        out.bytes[15] = 1;
    return out;
}

static struct lunik_socket *make(enum lunik_socket_type type, unsigned families)
{
    struct lunik_socket *socket;

    if (lunik_socket_open(type, families, &socket) != LUNIK_OK)
        abort();
    return socket;
}

static uint16_t port_of(const struct lunik_socket *socket)
{
    struct lunik_address local;

    lunik_socket_get_local(socket, &local);
    return local.port;
}

static struct lunik_socket *listen_at(unsigned family, size_t backlog)
{
    struct lunik_address any = loopback(family, 0);
    struct lunik_socket *socket = make(LUNIK_STREAM, family);

    CHECK_EQ(lunik_socket_bind(socket, &any), LUNIK_OK);
    CHECK_EQ(lunik_socket_listen(socket, backlog), LUNIK_OK);
    return socket;
}

static struct lunik_socket *connect_to(unsigned family, uint16_t port)
{
    struct lunik_address address = loopback(family, port);
    struct lunik_socket *socket = make(LUNIK_STREAM, family);

    CHECK_EQ(lunik_socket_try_connect(socket, &address), LUNIK_EAGAIN);
    return socket;
}

struct pair {
    struct lunik_socket *client, *served;
};

static struct pair make_pair(unsigned family)
{
    struct lunik_socket *listener = listen_at(family, 4);
    struct pair pair = { connect_to(family, port_of(listener)), NULL };

    pass(1);
    if (lunik_socket_try_accept(listener, &pair.served) != LUNIK_OK)
        abort();
    lunik_socket_close(listener);
    return pair;
}

static void close_pair(const struct pair *pair)
{
    lunik_socket_close(pair->client);
    lunik_socket_close(pair->served);
}

/* The bytes that went. */
static size_t put(struct lunik_socket *socket, const void *data, size_t size,
                  unsigned flags)
{
    size_t sent;
    lunik_result result =
        lunik_socket_try_send(socket, data, size, flags, NULL, &sent);

    CHECK(result == LUNIK_OK || result == LUNIK_EAGAIN);
    CHECK(sent <= size);
    return sent;
}

static bool has(struct lunik_socket *socket, const char *text)
{
    char buffer[256];
    size_t size;

    return lunik_socket_try_receive(socket, buffer, sizeof(buffer), &size,
                                    NULL) == LUNIK_OK &&
           size == strlen(text) && memcmp(buffer, text, size) == 0;
}

static lunik_result take_one(struct lunik_socket *socket, size_t *size)
{
    char byte;

    return lunik_socket_try_receive(socket, &byte, 1, size, NULL);
}

/* ---- The contract ---- */

TEST(sockets_of_the_stack_keep_the_contract)
{
    struct lunik_address own;

    begin();
    own = loopback(LUNIK_IP4, 0);
    CHECK_EQ(contract_socket(&own), 0);
    own = loopback(LUNIK_IP6, 0);
    CHECK_EQ(contract_socket(&own), 0);
    end();
}

/* ---- Opening and closing ---- */

TEST(a_connection_carries_data_both_ways)
{
    struct pair pair;
    struct lunik_address local, peer;

    begin();
    pair = make_pair(LUNIK_IP4);
    CHECK_EQ(lunik_socket_get_state(pair.client), LUNIK_SOCKET_CONNECTED);
    lunik_socket_get_local(pair.client, &local);
    lunik_socket_get_peer(pair.served, &peer);
    CHECK(lunik_address_is_same(&local, &peer));
    CHECK_EQ(local.port, peer.port);
    CHECK_EQ(put(pair.client, "there", 5, 0), 5);
    pass(1);
    CHECK_EQ(lunik_socket_pending(pair.served), 5);
    CHECK(has(pair.served, "there"));
    CHECK_EQ(put(pair.served, "back", 4, LUNIK_SEND_LENT), 4);
    pass(1);
    CHECK(has(pair.client, "back"));
    close_pair(&pair);
    end();
}

TEST(closing_nothing_does_nothing)
{
    lunik_socket_close(NULL);
}

TEST(a_socket_that_was_never_used_is_closed)
{
    begin();
    lunik_socket_close(make(LUNIK_STREAM, LUNIK_IP4 | LUNIK_IP6));
    lunik_socket_close(make(LUNIK_DATAGRAM, LUNIK_IP6));
    lunik_socket_close(listen_at(LUNIK_IP6, 1));
    lunik_socket_close(connect_to(LUNIK_IP4, 9));
    end();
}

TEST(what_was_sent_arrives_after_the_close)
{
    struct pair pair;
    size_t size;

    begin();
    pair = make_pair(LUNIK_IP6);
    CHECK_EQ(put(pair.client, "last words", 10, LUNIK_SEND_MORE), 10);
    lunik_socket_close(pair.client);
    pass(1);
    CHECK(has(pair.served, "last words"));
    CHECK_EQ(take_one(pair.served, &size), LUNIK_OK);
    CHECK_EQ(size, 0);
    lunik_socket_close(pair.served);
    end();
}

TEST(unread_data_makes_the_close_a_reset)
{
    struct pair pair;
    size_t size;

    begin();
    pair = make_pair(LUNIK_IP4);
    put(pair.client, "unread", 6, 0);
    put(pair.served, "read", 4, 0);
    pass(1);
    lunik_socket_close(pair.served);
    pass(1);
    /* What had come before is still there. */
    CHECK(has(pair.client, "read"));
    CHECK_EQ(take_one(pair.client, &size), LUNIK_ERESET);
    CHECK_EQ(lunik_socket_get_error(pair.client), LUNIK_ERESET);
    CHECK_EQ(lunik_socket_ready(pair.client),
             LUNIK_READABLE | LUNIK_WRITABLE | LUNIK_FAILED);
    CHECK_EQ(lunik_socket_room(pair.client), 0);
    lunik_socket_flush(pair.client);
    lunik_socket_close(pair.client);
    end();
}

TEST(data_that_was_read_makes_no_reset)
{
    struct pair pair;
    size_t size;

    begin();
    pair = make_pair(LUNIK_IP4);
    put(pair.client, "read", 4, 0);
    pass(1);
    CHECK(has(pair.served, "read"));
    lunik_socket_close(pair.served);
    pass(1);
    CHECK_EQ(take_one(pair.client, &size), LUNIK_OK);
    CHECK_EQ(lunik_socket_get_error(pair.client), LUNIK_OK);
    lunik_socket_close(pair.client);
    end();
}

TEST(lingering_for_no_time_is_a_reset)
{
    struct pair pair;
    size_t size;

    begin();
    pair = make_pair(LUNIK_IP4);
    CHECK_EQ(lunik_socket_set(pair.client, LUNIK_SOCKET_LINGER, 0), LUNIK_OK);
    lunik_socket_close(pair.client);
    pass(1);
    CHECK_EQ(take_one(pair.served, &size), LUNIK_ERESET);
    lunik_socket_close(pair.served);
    end();
}

TEST(directions_end_one_by_one)
{
    struct pair pair;
    size_t size;

    begin();
    pair = make_pair(LUNIK_IP4);
    CHECK_EQ(lunik_socket_shutdown(pair.client, LUNIK_SHUT_WRITE), LUNIK_OK);
    CHECK_EQ(lunik_socket_shutdown(pair.client, LUNIK_SHUT_WRITE), LUNIK_OK);
    CHECK_EQ(lunik_socket_try_send(pair.client, "x", 1, 0, NULL, &size),
             LUNIK_ECLOSED);
    pass(1);
    CHECK_EQ(lunik_socket_ready(pair.served),
             LUNIK_READABLE | LUNIK_WRITABLE | LUNIK_HANGUP);
    CHECK_EQ(put(pair.served, "still", 5, 0), 5);
    CHECK_EQ(lunik_socket_shutdown(pair.served, LUNIK_SHUT_WRITE), LUNIK_OK);
    pass(1);
    CHECK(has(pair.client, "still"));
    CHECK_EQ(take_one(pair.client, &size), LUNIK_OK);
    CHECK_EQ(size, 0);
    CHECK_EQ(lunik_socket_get_state(pair.client), LUNIK_SOCKET_CONNECTED);
    /* The stack is alone with both now, for the minute that TCP waits. */
    pass(200000);
    CHECK_EQ(take_one(pair.served, &size), LUNIK_OK);
    close_pair(&pair);
    end();
}

TEST(what_comes_after_the_end_of_reading_is_dropped)
{
    struct pair pair;
    size_t size;

    begin();
    pair = make_pair(LUNIK_IP4);
    put(pair.client, "before", 6, 0);
    pass(1);
    CHECK_EQ(lunik_socket_shutdown(pair.served, LUNIK_SHUT_READ), LUNIK_OK);
    CHECK_EQ(lunik_socket_pending(pair.served), 0);
    put(pair.client, "after", 5, 0);
    pass(1);
    CHECK_EQ(lunik_socket_pending(pair.served), 0);
    CHECK_EQ(take_one(pair.served, &size), LUNIK_OK);
    CHECK_EQ(size, 0);
    CHECK_EQ(put(pair.served, "answer", 6, 0), 6);
    pass(1);
    CHECK(has(pair.client, "answer"));
    close_pair(&pair);
    end();
}

/* ---- Connecting ---- */

TEST(nobody_there_is_refused_and_may_be_tried_again)
{
    struct lunik_socket *listener, *socket;
    struct lunik_address address;
    size_t size;

    begin();
    listener = listen_at(LUNIK_IP4, 1);
    address = loopback(LUNIK_IP4, port_of(listener));
    lunik_socket_close(listener);
    socket = connect_to(LUNIK_IP4, address.port);
    CHECK_EQ(lunik_socket_get_state(socket), LUNIK_SOCKET_CONNECTING);
    CHECK_EQ(lunik_socket_room(socket), 0);
    CHECK_EQ(lunik_socket_try_send(socket, "x", 1, 0, NULL, &size),
             LUNIK_EAGAIN);
    CHECK_EQ(lunik_socket_try_connect(socket, &address), LUNIK_EINVAL);
    CHECK_EQ(lunik_socket_wait(socket, LUNIK_WRITABLE, LUNIK_NEVER), LUNIK_OK);
    CHECK_EQ(lunik_socket_get_error(socket), LUNIK_EREFUSED);
    CHECK_EQ(lunik_socket_get_state(socket), LUNIK_SOCKET_IDLE);
    CHECK_EQ(lunik_socket_set(socket, LUNIK_SOCKET_KEEP_ALIVE, 1), LUNIK_OK);
    listener = make(LUNIK_STREAM, LUNIK_IP4);
    CHECK_EQ(lunik_socket_bind(listener, &address), LUNIK_OK);
    CHECK_EQ(lunik_socket_listen(listener, 1), LUNIK_OK);
    CHECK_EQ(lunik_socket_try_connect(socket, &address), LUNIK_EAGAIN);
    CHECK_EQ(lunik_socket_get_error(socket), LUNIK_OK);
    CHECK_EQ(lunik_socket_wait(socket, LUNIK_WRITABLE, LUNIK_NEVER), LUNIK_OK);
    CHECK_EQ(lunik_socket_get_state(socket), LUNIK_SOCKET_CONNECTED);
    lunik_socket_close(socket);
    lunik_socket_close(listener);
    end();
}

TEST(there_is_no_way_to_other_machines_without_a_device)
{
    struct lunik_address far = { .family = LUNIK_IP4,
                                 .port = 80,
                                 .bytes = { 192, 0, 2, 1 } };
    struct lunik_socket *socket;
    size_t size;

    begin();
    socket = make(LUNIK_STREAM, LUNIK_IP4);
    CHECK_EQ(lunik_socket_try_connect(socket, &far), LUNIK_EUNREACHABLE);
    CHECK_EQ(lunik_socket_get_state(socket), LUNIK_SOCKET_IDLE);
    CHECK_EQ(lunik_socket_bind(socket, &far), LUNIK_EINVAL);
    lunik_socket_close(socket);
    socket = make(LUNIK_DATAGRAM, LUNIK_IP4);
    CHECK_EQ(lunik_socket_try_send(socket, "x", 1, 0, &far, &size),
             LUNIK_EUNREACHABLE);
    lunik_socket_close(socket);
    end();
}

TEST(a_bound_socket_connects_from_its_port)
{
    struct lunik_socket *listener, *socket, *served;
    struct lunik_address address, peer;

    begin();
    listener = listen_at(LUNIK_IP4, 4);
    socket = make(LUNIK_STREAM, LUNIK_IP4);
    address = loopback(LUNIK_IP4, 4711);
    CHECK_EQ(lunik_socket_bind(socket, &address), LUNIK_OK);
    CHECK_EQ(lunik_socket_bind(socket, &address), LUNIK_EINVAL);
    address.port = port_of(listener);
    CHECK_EQ(lunik_socket_try_connect(socket, &address), LUNIK_EAGAIN);
    pass(1);
    REQUIRE(lunik_socket_try_accept(listener, &served) == LUNIK_OK);
    lunik_socket_get_peer(served, &peer);
    CHECK_EQ(peer.port, 4711);
    /* The port is taken, but for those who say that they share it. */
    lunik_socket_close(listener);
    listener = make(LUNIK_STREAM, LUNIK_IP4);
    address.port = 4711;
    CHECK_EQ(lunik_socket_bind(listener, &address), LUNIK_EINUSE);
    lunik_socket_close(listener);
    lunik_socket_close(socket);
    lunik_socket_close(served);
    end();
}

TEST(random_ports_differ_and_are_high)
{
    struct lunik_socket *sockets[50];

    begin();
    for (int i = 0; i < 50; i++) {
        sockets[i] = listen_at(i % 2 ? LUNIK_IP4 : LUNIK_IP6, 1);
        CHECK(port_of(sockets[i]) >= 32768);
    }
    for (int i = 2; i < 50; i++)
        CHECK(port_of(sockets[i]) != port_of(sockets[i - 2]));
    for (int i = 0; i < 50; i++)
        lunik_socket_close(sockets[i]);
    end();
}

/* ---- Listening ---- */

TEST(one_listener_serves_both_families)
{
    struct lunik_address any = { .family = LUNIK_IP6 }, peer;
    struct lunik_socket *listener, *clients[2], *served, *other;

    begin();
    listener = make(LUNIK_STREAM, LUNIK_IP4 | LUNIK_IP6);
    CHECK_EQ(lunik_socket_bind(listener, &any), LUNIK_OK);
    CHECK_EQ(lunik_socket_listen(listener, 4), LUNIK_OK);
    clients[0] = connect_to(LUNIK_IP4, port_of(listener));
    clients[1] = connect_to(LUNIK_IP6, port_of(listener));
    pass(1);
    for (int i = 0; i < 2; i++) {
        REQUIRE(lunik_socket_try_accept(listener, &served) == LUNIK_OK);
        lunik_socket_get_peer(served, &peer);
        CHECK_EQ(peer.family, i == 0 ? LUNIK_IP4 : LUNIK_IP6);
        lunik_socket_close(served);
        lunik_socket_close(clients[i]);
    }
    /* Both are taken. */
    for (unsigned family = LUNIK_IP4; family <= LUNIK_IP6; family++) {
        struct lunik_address wanted = { .family = (uint8_t)family,
                                        .port = port_of(listener) };

        other = make(LUNIK_STREAM, family);
        CHECK_EQ(lunik_socket_bind(other, &wanted), LUNIK_EINUSE);
        lunik_socket_close(other);
    }
    lunik_socket_close(listener);
    end();
}

TEST(only_so_many_wait_to_be_accepted)
{
    struct lunik_socket *listener, *clients[10], *served;
    unsigned accepted = 0;

    begin();
    listener = listen_at(LUNIK_IP4, 3);
    for (int i = 0; i < 10; i++) {
        clients[i] = connect_to(LUNIK_IP4, port_of(listener));
        pass(1);
    }
    for (int i = 0; i < 10; i++)
        CHECK_EQ(lunik_socket_get_state(clients[i]),
                 i < 3 ? LUNIK_SOCKET_CONNECTED : LUNIK_SOCKET_CONNECTING);
    /* As they are accepted, the others come. */
    for (int i = 0; i < 20; i++) {
        while (lunik_socket_try_accept(listener, &served) == LUNIK_OK) {
            accepted++;
            lunik_socket_close(served);
        }
        pass(1000);
    }
    CHECK_EQ(accepted, 10);
    for (int i = 0; i < 10; i++)
        lunik_socket_close(clients[i]);
    lunik_socket_close(listener);
    end();
}

TEST(who_gives_up_waiting_is_not_accepted)
{
    struct lunik_socket *listener, *clients[3], *served;

    begin();
    listener = listen_at(LUNIK_IP4, 8);
    for (int i = 0; i < 3; i++) {
        clients[i] = connect_to(LUNIK_IP4, port_of(listener));
        pass(1);
        put(clients[i], "hello", 5, 0);
    }
    CHECK_EQ(lunik_socket_set(clients[1], LUNIK_SOCKET_LINGER, 0), LUNIK_OK);
    CHECK_EQ(lunik_socket_set(clients[2], LUNIK_SOCKET_LINGER, 0), LUNIK_OK);
    pass(1);
    lunik_socket_close(clients[1]);
    lunik_socket_close(clients[2]);
    pass(1);
    REQUIRE(lunik_socket_try_accept(listener, &served) == LUNIK_OK);
    CHECK(has(served, "hello"));
    lunik_socket_close(served);
    CHECK_EQ(lunik_socket_try_accept(listener, &served), LUNIK_EAGAIN);
    CHECK_EQ(lunik_socket_ready(listener), 0);
    lunik_socket_close(clients[0]);
    /* And the queue still works. */
    clients[0] = connect_to(LUNIK_IP4, port_of(listener));
    pass(1);
    REQUIRE(lunik_socket_try_accept(listener, &served) == LUNIK_OK);
    lunik_socket_close(served);
    lunik_socket_close(clients[0]);
    lunik_socket_close(listener);
    end();
}

TEST(those_that_nobody_accepted_end_with_their_listener)
{
    struct lunik_socket *listener, *client;
    size_t size;

    begin();
    listener = listen_at(LUNIK_IP4, 8);
    client = connect_to(LUNIK_IP4, port_of(listener));
    pass(1);
    put(client, "hello", 5, 0);
    pass(1);
    lunik_socket_close(listener);
    pass(1);
    CHECK_EQ(take_one(client, &size), LUNIK_ERESET);
    lunik_socket_close(client);
    end();
}

TEST(a_listener_does_nothing_else)
{
    struct lunik_socket *listener, *none;
    struct lunik_address address;
    const void *data;
    size_t size;

    begin();
    listener = listen_at(LUNIK_IP4, 8);
    address = loopback(LUNIK_IP4, 1);
    CHECK_EQ(lunik_socket_listen(listener, 9), LUNIK_OK);
    CHECK_EQ(take_one(listener, &size), LUNIK_EINVAL);
    CHECK_EQ(lunik_socket_peek(listener, &data, &size), LUNIK_EINVAL);
    CHECK_EQ(lunik_socket_try_send(listener, "x", 1, 0, NULL, &size),
             LUNIK_EINVAL);
    CHECK_EQ(lunik_socket_try_connect(listener, &address), LUNIK_EINVAL);
    CHECK_EQ(lunik_socket_shutdown(listener, LUNIK_SHUT_READ), LUNIK_EINVAL);
    CHECK_EQ(lunik_socket_pending(listener), 0);
    lunik_socket_flush(listener);
    lunik_socket_close(listener);
    listener = make(LUNIK_STREAM, LUNIK_IP4);
    CHECK_EQ(lunik_socket_listen(listener, 1), LUNIK_EINVAL);
    CHECK_EQ(lunik_socket_try_accept(listener, &none), LUNIK_EINVAL);
    CHECK_EQ(take_one(listener, &size), LUNIK_EINVAL);
    lunik_socket_close(listener);
    end();
}

/* ---- Data ---- */

static char pattern(size_t at)
{
    return (char)(at * 131 % 253);
}

/* Sends (total) bytes in pieces and reads them in others. */
static void carry(const struct pair *pair, size_t total, size_t piece,
                  unsigned flags)
{
    static char data[1 << 20];
    size_t sent = 0, got = 0;

    for (size_t i = 0; i < total; i++)
        data[i] = pattern(i);
    while (got < total) {
        char buffer[5000];
        size_t part = total - sent < piece ? total - sent : piece, size;

        sent += part ? put(pair->client, data + sent, part, flags) : 0;
        if (sent == total)
            lunik_socket_flush(pair->client);
        if (lunik_socket_try_receive(pair->served, buffer, sizeof(buffer),
                                     &size, NULL) == LUNIK_OK) {
            CHECK_MEM_EQ(buffer, data + got, size);
            got += size;
        } else {
            pass(10);
        }
        if (test_failures)
            return;
    }
    CHECK_EQ(lunik_socket_pending(pair->served), 0);
}

TEST(bytes_arrive_in_their_order_whatever_the_pieces)
{
    static const size_t pieces[] = { 100, 1460, 4000, 70000, 1 << 20 };
    struct pair pair;

    begin();
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        pair = make_pair(i % 2 ? LUNIK_IP4 : LUNIK_IP6);
        carry(&pair, i == 0 ? 20000 : 1 << 20, pieces[i],
              i == 2   ? LUNIK_SEND_LENT
              : i == 3 ? LUNIK_SEND_MORE
                       : 0);
        close_pair(&pair);
    }
    end();
}

TEST(small_pieces_that_wait_are_put_together)
{
    struct pair pair;
    size_t sent = 0, before;
    char buffer[4000];
    size_t size;

    begin();
    pair = make_pair(LUNIK_IP4);
    CHECK_EQ(lunik_socket_set(pair.client, LUNIK_SOCKET_NO_DELAY, 1), LUNIK_OK);
    before = lunik_lwip_memory_used();
    while (sent < 4000) {
        char byte = pattern(sent);

        sent += put(pair.client, &byte, 1, 0);
        pass(1);
    }
    CHECK_EQ(lunik_socket_pending(pair.served), 4000);
    /* One buffer for each would be eight million bytes. */
    CHECK(lunik_lwip_memory_used() < before + 64 * 1024);
    CHECK_EQ(lunik_socket_try_receive(pair.served, buffer, 4000, &size, NULL),
             LUNIK_OK);
    CHECK_EQ(size, 4000);
    for (size_t i = 0; i < 4000; i++)
        CHECK_EQ(buffer[i], pattern(i));
    close_pair(&pair);
    end();
}

TEST(a_look_at_the_first_bytes_leaves_them)
{
    struct pair pair;
    const void *data;
    size_t size;

    begin();
    pair = make_pair(LUNIK_IP4);
    CHECK_EQ(lunik_socket_peek(pair.served, &data, &size), LUNIK_EAGAIN);
    put(pair.client, "first", 5, 0);
    pass(1);
    put(pair.client, "second", 6, 0);
    pass(1000); /* Nagle's algorithm has it wait for the first's answer */
    REQUIRE(lunik_socket_peek(pair.served, &data, &size) == LUNIK_OK);
    CHECK(size >= 5);
    CHECK_MEM_EQ(data, "first", 5);
    lunik_socket_consume(pair.served, 0);
    lunik_socket_consume(pair.served, 7);
    CHECK(has(pair.served, "cond"));
    CHECK_DIES(LUNIK_EXIT_PANIC, lunik_socket_consume(pair.served, 1));
    lunik_socket_close(pair.client);
    pass(1);
    CHECK_EQ(lunik_socket_peek(pair.served, &data, &size), LUNIK_OK);
    CHECK_EQ(size, 0);
    lunik_socket_close(pair.served);
    end();
}

TEST(more_holds_back_a_short_segment)
{
    struct pair pair;

    begin();
    pair = make_pair(LUNIK_IP4);
    put(pair.client, "head ", 5, LUNIK_SEND_MORE);
    pass(100);
    CHECK_EQ(lunik_socket_pending(pair.served), 0);
    lunik_socket_flush(pair.client);
    pass(1);
    CHECK_EQ(lunik_socket_pending(pair.served), 5);
    put(pair.client, "body", 4, 0);
    pass(1000);
    CHECK(has(pair.served, "head body"));
    close_pair(&pair);
    end();
}

static unsigned watched;

static void count_watch(struct lunik_watch *watch)
{
    (void)watch;
    watched++;
}

TEST(a_full_socket_is_writable_again_when_the_peer_has_read)
{
    static char block[100000];
    struct lunik_watch watch = { .fn = count_watch };
    struct pair pair;
    size_t sent = 0, got = 0, size;

    begin();
    pair = make_pair(LUNIK_IP4);
    for (int i = 0; i < 100; i++) {
        sent += put(pair.client, block, sizeof(block), 0);
        pass(10);
    }
    CHECK(!(lunik_socket_ready(pair.client) & LUNIK_WRITABLE));
    CHECK_EQ(lunik_socket_room(pair.client), 0);
    watched = 0;
    lunik_socket_watch(pair.client, &watch);
    while (got < sent) {
        if (lunik_socket_try_receive(pair.served, block, sizeof(block), &size,
                                     NULL) == LUNIK_OK)
            got += size;
        else
            pass(10);
    }
    pass(100);
    CHECK(lunik_socket_ready(pair.client) & LUNIK_WRITABLE);
    CHECK(watched >= 1);
    CHECK(lunik_socket_room(pair.client) > 0);
    lunik_socket_unwatch(&watch);
    lunik_socket_unwatch(&watch);
    close_pair(&pair);
    end();
}

/* ---- Watching and waiting ---- */

static void leave_watch(struct lunik_watch *watch)
{
    watched++;
    lunik_socket_unwatch(watch);
}

TEST(a_watch_is_called_when_something_is_new)
{
    struct lunik_watch staying = { .fn = count_watch },
                       leaving = { .fn = leave_watch };
    struct pair pair;

    begin();
    pair = make_pair(LUNIK_IP4);
    lunik_socket_watch(pair.served, &staying);
    lunik_socket_watch(pair.served, &leaving);
    watched = 0;
    put(pair.client, "a", 1, 0);
    pass(1);
    CHECK_EQ(watched, 2);
    /* Readable it was already. */
    put(pair.client, "b", 1, 0);
    pass(1000);
    CHECK_EQ(watched, 2);
    CHECK(has(pair.served, "ab"));
    put(pair.client, "c", 1, 0);
    pass(1);
    CHECK_EQ(watched, 3);
    lunik_socket_close(pair.client);
    pass(1);
    CHECK_EQ(watched, 4);
    /* Taken off by the close, without a call. */
    lunik_socket_close(pair.served);
    CHECK_EQ(watched, 4);
    CHECK(staying.socket == NULL);
    end();
}

static struct lunik_socket *waited_for;
static lunik_result waited_with;
static unsigned waits_ended;

static void wait_to_read(void *arg)
{
    (void)arg;
    waited_with = lunik_socket_wait(waited_for, LUNIK_READABLE, LUNIK_NEVER);
    waits_ended++;
}

TEST(fibers_that_wait_learn_of_the_close)
{
    struct lunik_fiber *fiber;
    struct pair pair;

    begin();
    pair = make_pair(LUNIK_IP4);
    waited_for = pair.served;
    waits_ended = 0;
    REQUIRE(lunik_fiber_create("a", wait_to_read, NULL, &fiber) == LUNIK_OK);
    REQUIRE(lunik_fiber_create("b", wait_to_read, NULL, &fiber) == LUNIK_OK);
    pass(1);
    CHECK_EQ(waits_ended, 0);
    lunik_socket_close(pair.served);
    pass(1);
    CHECK_EQ(waits_ended, 2);
    CHECK_EQ(waited_with, LUNIK_ECLOSED);
    lunik_socket_close(pair.client);
    end();
}

TEST(a_close_after_the_wake_up_still_counts)
{
    struct lunik_fiber *fiber;
    struct pair pair;

    begin();
    pair = make_pair(LUNIK_IP4);
    waited_for = pair.served;
    REQUIRE(lunik_fiber_create("a", wait_to_read, NULL, &fiber) == LUNIK_OK);
    pass(1);
    /* Closing the peer makes it readable; before it runs, it is gone. */
    CHECK_EQ(lunik_socket_shutdown(pair.served, LUNIK_SHUT_READ), LUNIK_OK);
    lunik_socket_close(pair.served);
    pass(1);
    CHECK_EQ(waited_with, LUNIK_ECLOSED);
    lunik_socket_close(pair.client);
    end();
}

TEST(a_wait_ends_by_its_deadline)
{
    struct pair pair;

    begin();
    pair = make_pair(LUNIK_IP4);
    CHECK_EQ(lunik_socket_wait(pair.served, LUNIK_WRITABLE, 0), LUNIK_OK);
    CHECK_EQ(
        lunik_socket_wait(pair.served, LUNIK_READABLE, lunik_time_after_ns(5)),
        LUNIK_ETIMEOUT);
    lunik_fiber_set_cancelled(true);
    CHECK_EQ(lunik_socket_wait(pair.served, LUNIK_READABLE, LUNIK_NEVER),
             LUNIK_ECANCELED);
    lunik_fiber_set_cancelled(false);
    close_pair(&pair);
    end();
}

/* ---- Datagrams ---- */

static struct lunik_socket *datagrams_at(unsigned family)
{
    struct lunik_address address = loopback(family, 0);
    struct lunik_socket *socket = make(LUNIK_DATAGRAM, family);

    CHECK_EQ(lunik_socket_bind(socket, &address), LUNIK_OK);
    return socket;
}

TEST(a_datagram_says_whom_it_is_from)
{
    struct lunik_socket *a, *b;
    struct lunik_address to, from;
    char buffer[16];
    size_t size;

    begin();
    for (unsigned family = LUNIK_IP4; family <= LUNIK_IP6; family++) {
        a = datagrams_at(family);
        b = datagrams_at(family);
        lunik_socket_get_local(b, &to);
        CHECK_EQ(lunik_socket_try_send(a, "data", 4, 0, &to, &size), LUNIK_OK);
        lunik_socket_get_sender(b, &from);
        CHECK_EQ(from.family, 0);
        pass(1);
        CHECK_EQ(lunik_socket_ready(b), LUNIK_READABLE | LUNIK_WRITABLE);
        lunik_socket_get_sender(b, &from);
        CHECK_EQ(from.port, port_of(a));
        CHECK_EQ(lunik_socket_try_receive(b, buffer, 2, &size, &from),
                 LUNIK_OK);
        CHECK_EQ(size, 2);
        CHECK_EQ(from.port, port_of(a));
        CHECK_EQ(from.family, family);
        /* Its rest is lost. */
        CHECK_EQ(lunik_socket_try_receive(b, buffer, 2, &size, &from),
                 LUNIK_EAGAIN);
        CHECK_EQ(lunik_socket_wait(b, LUNIK_READABLE, lunik_time_after_ns(1)),
                 LUNIK_ETIMEOUT);
        lunik_socket_close(a);
        lunik_socket_close(b);
    }
    end();
}

TEST(datagrams_that_nobody_takes_are_bounded)
{
    struct lunik_socket *a;
    struct lunik_address to;
    size_t size, got = 0;
    char byte;

    begin();
    a = datagrams_at(LUNIK_IP4);
    lunik_socket_get_local(a, &to);
    for (int i = 0; i < 1000; i++) {
        CHECK_EQ(lunik_socket_try_send(a, "x", 1, 0, &to, &size), LUNIK_OK);
        pass(1);
    }
    while (lunik_socket_try_receive(a, &byte, 1, &size, NULL) == LUNIK_OK)
        got++;
    CHECK_EQ(got, 64);
    CHECK_EQ(lunik_socket_try_send(a, "x", 1, 0, &to, &size), LUNIK_OK);
    pass(1);
    /* And unread ones go with their socket. */
    lunik_socket_close(a);
    end();
}

TEST(a_large_datagram_comes_whole)
{
    static char out[8000], in[9000];
    struct lunik_socket *a;
    struct lunik_address to;
    const void *data;
    size_t size;

    begin();
    a = datagrams_at(LUNIK_IP4);
    lunik_socket_get_local(a, &to);
    for (size_t i = 0; i < sizeof(out); i++)
        out[i] = pattern(i);
    CHECK_EQ(lunik_socket_try_send(a, out, 70000, 0, &to, &size), LUNIK_EINVAL);
    CHECK_EQ(lunik_socket_try_send(a, out, sizeof(out), 0, &to, &size),
             LUNIK_OK);
    pass(1);
    CHECK_EQ(lunik_socket_pending(a), sizeof(out));
    REQUIRE(lunik_socket_peek(a, &data, &size) == LUNIK_OK);
    REQUIRE(size == sizeof(out));
    CHECK_MEM_EQ(data, out, size);
    CHECK_EQ(lunik_socket_try_receive(a, in, sizeof(in), &size, NULL),
             LUNIK_OK);
    CHECK_EQ(size, sizeof(out));
    CHECK_MEM_EQ(in, out, sizeof(out));
    CHECK_EQ(lunik_socket_peek(a, &data, &size), LUNIK_EAGAIN);
    lunik_socket_close(a);
    end();
}

TEST(a_connected_datagram_socket_hears_its_peer_alone)
{
    static const struct lunik_address none;
    struct lunik_socket *a, *b, *c;
    struct lunik_address a_at, b_at, peer;
    size_t size;

    begin();
    a = datagrams_at(LUNIK_IP4);
    b = datagrams_at(LUNIK_IP4);
    c = datagrams_at(LUNIK_IP4);
    lunik_socket_get_local(a, &a_at);
    lunik_socket_get_local(b, &b_at);
    CHECK_EQ(lunik_socket_shutdown(a, LUNIK_SHUT_READ), LUNIK_EINVAL);
    CHECK_EQ(lunik_socket_try_connect(a, &b_at), LUNIK_OK);
    CHECK_EQ(lunik_socket_try_send(a, "x", 1, 0, NULL, &size), LUNIK_OK);
    pass(1);
    CHECK(has(b, "x"));
    CHECK_EQ(lunik_socket_try_send(c, "c", 1, 0, &a_at, &size), LUNIK_OK);
    CHECK_EQ(lunik_socket_try_send(b, "b", 1, 0, &a_at, &size), LUNIK_OK);
    pass(1);
    CHECK(has(a, "b"));
    CHECK(!has(a, "c"));
    CHECK_EQ(lunik_socket_try_connect(a, &none), LUNIK_OK);
    lunik_socket_get_peer(a, &peer);
    CHECK_EQ(peer.family, 0);
    CHECK_EQ(lunik_socket_try_send(a, "x", 1, 0, NULL, &size), LUNIK_EINVAL);
    CHECK_EQ(lunik_socket_try_send(c, "c", 1, 0, &a_at, &size), LUNIK_OK);
    pass(1);
    CHECK(has(a, "c"));
    CHECK_EQ(lunik_socket_try_connect(a, &b_at), LUNIK_OK);
    CHECK_EQ(lunik_socket_shutdown(a, LUNIK_SHUT_READ | LUNIK_SHUT_WRITE),
             LUNIK_OK);
    CHECK_EQ(lunik_socket_try_send(a, "x", 1, 0, NULL, &size), LUNIK_ECLOSED);
    CHECK(has(a, ""));
    lunik_socket_close(a);
    lunik_socket_close(b);
    lunik_socket_close(c);
    end();
}

/* ---- Options ---- */

TEST(options_keep_their_values)
{
    static const struct {
        enum lunik_socket_option option;
        int first, good, bad;
        bool stream, datagram;
    } cases[] = {
        { LUNIK_SOCKET_REUSE_ADDRESS, 0, 1, 2, true, true },
        { LUNIK_SOCKET_NO_DELAY, 0, 1, -1, true, false },
        { LUNIK_SOCKET_KEEP_ALIVE, 0, 1, 2, true, false },
        { LUNIK_SOCKET_KEEP_IDLE, 7200, 32767, 32768, true, false },
        { LUNIK_SOCKET_KEEP_INTERVAL, 75, 1, 0, true, false },
        { LUNIK_SOCKET_KEEP_COUNT, 9, 127, 128, true, false },
        { LUNIK_SOCKET_LINGER, -1, 30, -2, true, true },
        { LUNIK_SOCKET_BROADCAST, 0, 1, 2, false, true },
        { LUNIK_SOCKET_ONLY_IP6, 0, 1, 2, true, true },
        { LUNIK_SOCKET_HOPS, 64, 255, 0, true, true },
        { LUNIK_SOCKET_MULTICAST_HOPS, 1, 0, 256, false, true },
        { LUNIK_SOCKET_MULTICAST_LOOP, 1, 0, 2, false, true },
    };
    int value;

    begin();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int type = LUNIK_STREAM; type <= LUNIK_DATAGRAM; type++) {
            bool is_there =
                type == LUNIK_STREAM ? cases[i].stream : cases[i].datagram;
            lunik_result wanted = is_there ? LUNIK_OK : LUNIK_EINVAL;
            struct lunik_socket *socket =
                make((enum lunik_socket_type)type, LUNIK_IP6);

            CHECK_EQ(lunik_socket_get(socket, cases[i].option, &value), wanted);
            CHECK(!is_there || value == cases[i].first);
            CHECK_EQ(lunik_socket_set(socket, cases[i].option, cases[i].good),
                     wanted);
            CHECK_EQ(lunik_socket_set(socket, cases[i].option, cases[i].bad),
                     LUNIK_EINVAL);
            CHECK_EQ(lunik_socket_get(socket, cases[i].option, &value), wanted);
            CHECK(!is_there || value == cases[i].good);
            lunik_socket_close(socket);
        }
    }
    end();
}

TEST(connections_inherit_their_listeners_options)
{
    struct lunik_socket *listener, *client, *served;
    int value;

    begin();
    listener = listen_at(LUNIK_IP4, 4);
    CHECK_EQ(lunik_socket_set(listener, LUNIK_SOCKET_NO_DELAY, 1), LUNIK_OK);
    CHECK_EQ(lunik_socket_set(listener, LUNIK_SOCKET_KEEP_IDLE, 5), LUNIK_OK);
    client = connect_to(LUNIK_IP4, port_of(listener));
    pass(1);
    REQUIRE(lunik_socket_try_accept(listener, &served) == LUNIK_OK);
    CHECK_EQ(lunik_socket_get(served, LUNIK_SOCKET_NO_DELAY, &value), LUNIK_OK);
    CHECK_EQ(value, 1);
    CHECK_EQ(lunik_socket_get(served, LUNIK_SOCKET_KEEP_IDLE, &value),
             LUNIK_OK);
    CHECK_EQ(value, 5);
    CHECK_EQ(lunik_socket_get_type(served), LUNIK_STREAM);
    CHECK_EQ(lunik_socket_get_families(served), LUNIK_IP4);
    lunik_socket_close(served);
    lunik_socket_close(client);
    lunik_socket_close(listener);
    end();
}

TEST(groups_need_an_interface)
{
    struct lunik_address group = { .family = LUNIK_IP4,
                                   .bytes = { 224, 0, 0, 5 } };
    struct lunik_socket *socket;

    begin();
    socket = make(LUNIK_DATAGRAM, LUNIK_IP4);
    CHECK_EQ(lunik_socket_join(socket, &group, true), LUNIK_EUNREACHABLE);
    group.bytes[0] = 10;
    CHECK_EQ(lunik_socket_join(socket, &group, true), LUNIK_EINVAL);
    group.family = LUNIK_IP6;
    group.bytes[0] = 0xff;
    CHECK_EQ(lunik_socket_join(socket, &group, true), LUNIK_EINVAL);
    lunik_socket_close(socket);
    end();
}

/* ---- Memory that runs out ---- */

/* A whole life of two connections and some datagrams; errors are fine. */
static void live(void)
{
    static char block[60000];
    struct lunik_address at = loopback(LUNIK_IP4, 0);
    struct lunik_socket *listener = NULL, *clients[2] = { NULL }, *served;
    struct lunik_socket *datagrams = NULL;
    size_t size;

    if (lunik_socket_open(LUNIK_STREAM, LUNIK_IP4, &listener) == LUNIK_OK &&
        lunik_socket_bind(listener, &at) == LUNIK_OK &&
        lunik_socket_listen(listener, 4) == LUNIK_OK)
        at.port = port_of(listener);
    for (int i = 0; at.port && i < 2; i++) {
        if (lunik_socket_open(LUNIK_STREAM, LUNIK_IP4, &clients[i]) != LUNIK_OK)
            continue;
        if (lunik_socket_try_connect(clients[i], &at) != LUNIK_EAGAIN)
            continue;
        pass(5000);
        (void)!lunik_socket_try_send(clients[i], block, sizeof(block), 0, NULL,
                                     &size);
        for (int j = 0; j < 600; j++)
            (void)!lunik_socket_try_send(clients[i], block, 1, 0, NULL, &size);
        pass(5000);
        if (lunik_socket_try_accept(listener, &served) != LUNIK_OK)
            continue;
        (void)!lunik_socket_try_receive(served, block, 100, &size, NULL);
        (void)!lunik_socket_try_send(served, block, 5000, LUNIK_SEND_LENT, NULL,
                                     &size);
        (void)!lunik_socket_shutdown(served, LUNIK_SHUT_WRITE);
        pass(100);
        lunik_socket_close(served);
    }
    if (lunik_socket_open(LUNIK_DATAGRAM, LUNIK_IP4, &datagrams) == LUNIK_OK) {
        at.port = 4000;
        if (lunik_socket_bind(datagrams, &at) == LUNIK_OK)
            for (int i = 0; i < 3; i++)
                (void)!lunik_socket_try_send(datagrams, block, 3000, 0, &at,
                                             &size);
        pass(10);
        (void)!lunik_socket_try_receive(datagrams, block, 100, &size, NULL);
    }
    lunik_socket_close(datagrams);
    lunik_socket_close(clients[0]);
    lunik_socket_close(clients[1]);
    lunik_socket_close(listener);
}

TEST(nothing_is_lost_when_memory_runs_out_anywhere)
{
    begin();
    for (int blocks = 0; blocks < 300; blocks++) {
        size_t before = heap_now();

        blocks_left = blocks;
        live();
        blocks_left = -1;
        pass(200000);
        if (!CHECK_EQ(heap_now(), before))
            break;
    }
    live();
    end();
}

TEST(memory_that_comes_back_makes_a_socket_writable)
{
    static char block[200000];
    struct pair pair;
    size_t sent;

    begin();
    pair = make_pair(LUNIK_IP4);
    blocks_left = 0;
    /* What the lists have kept is soon used up. */
    for (int i = 0; i < 1000; i++)
        sent = put(pair.client, block, sizeof(block), 0);
    (void)sent;
    CHECK(!(lunik_socket_ready(pair.client) & LUNIK_WRITABLE));
    blocks_left = -1;
    for (int i = 0;
         i < 1000 && !(lunik_socket_ready(pair.client) & LUNIK_WRITABLE); i++) {
        (void)!lunik_socket_try_receive(pair.served, block, sizeof(block),
                                        &sent, NULL);
        pass(100);
    }
    CHECK(lunik_socket_ready(pair.client) & LUNIK_WRITABLE);
    close_pair(&pair);
    end();
}

TEST(sockets_are_bounded)
{
    static struct lunik_socket *sockets[100000];
    struct lunik_socket_info info;
    size_t count = 0;

    begin();
    lunik_socket_get_info(&info);
    while (count < 100000 && lunik_socket_open(LUNIK_STREAM, LUNIK_IP4,
                                               &sockets[count]) == LUNIK_OK)
        count++;
    CHECK(count <= info.max);
    CHECK(count >= 64);
    while (count > 0)
        lunik_socket_close(sockets[--count]);
    end();
}
