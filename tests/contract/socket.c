/* SPDX-License-Identifier: MIT */
/*
 * socket.c: what <lunik/socket.h> promises, on any implementation.
 *
 * Both ends are sockets of this one program, at an address that it reaches
 * itself by. One fiber drives both, so every wait has a deadline; a few checks
 * need a second fiber.
 */
#include "contract.h"

#include <lunik/event.h>
#include <lunik/socket.h>
#include <lunik/time.h>
#include <stdint.h>
#include <string.h>

#define SOON (5 * LUNIK_NS_PER_S)
#define A_MOMENT (30 * LUNIK_NS_PER_MS)
#define BOTH (LUNIK_IP4 | LUNIK_IP6)

static unsigned failures;
static struct lunik_address own;

#define CHECK(x) (failures += contract_check((x), "socket: " #x), (void)0)

static uint64_t within(uint64_t ns)
{
    return lunik_time_monotonic_ns() + ns;
}

/* ---- Helpers: each stops the checks of its caller by returning false ---- */

static bool listen_at(struct lunik_socket **out, struct lunik_address *at)
{
    *out = NULL;
    *at = own;
    at->port = 0;
    if (lunik_socket_open(LUNIK_STREAM, own.family, out) != LUNIK_OK ||
        lunik_socket_bind(*out, at) != LUNIK_OK ||
        lunik_socket_listen(*out, 8) != LUNIK_OK)
        return false;
    lunik_socket_get_local(*out, at);
    return at->port != 0;
}

static bool connect_to(const struct lunik_address *at, unsigned families,
                       struct lunik_socket **out)
{
    lunik_result result;

    *out = NULL;
    if (lunik_socket_open(LUNIK_STREAM, families, out) != LUNIK_OK)
        return false;
    result = lunik_socket_try_connect(*out, at);
    if (result == LUNIK_EAGAIN)
        result = lunik_socket_wait(*out, LUNIK_WRITABLE, within(SOON));
    return result == LUNIK_OK && lunik_socket_get_error(*out) == LUNIK_OK;
}

static bool accept_from(struct lunik_socket *listener,
                        struct lunik_socket **out)
{
    *out = NULL;
    return lunik_socket_wait(listener, LUNIK_READABLE, within(SOON)) ==
               LUNIK_OK &&
           lunik_socket_try_accept(listener, out) == LUNIK_OK;
}

struct pair {
    struct lunik_socket *a, *b; /* a connected, b was accepted */
};

static bool make_pair(struct pair *out)
{
    struct lunik_socket *listener;
    struct lunik_address at;
    bool is_made;

    *out = (struct pair) { NULL, NULL };
    is_made = listen_at(&listener, &at) &&
              connect_to(&at, own.family, &out->a) &&
              accept_from(listener, &out->b);
    lunik_socket_close(listener);
    CHECK(is_made);
    return is_made;
}

static void drop_pair(struct pair *pair)
{
    lunik_socket_close(pair->a);
    lunik_socket_close(pair->b);
}

static bool send_text(struct lunik_socket *socket, const char *text)
{
    size_t sent;

    return lunik_socket_try_send(socket, text, strlen(text), 0, NULL, &sent) ==
               LUNIK_OK &&
           sent == strlen(text);
}

/* True if exactly (text) comes. */
static bool comes(struct lunik_socket *socket, const char *text)
{
    size_t wanted = strlen(text), size = 0, got;
    char in[256];

    while (size < wanted) {
        if (lunik_socket_wait(socket, LUNIK_READABLE, within(SOON)) !=
                LUNIK_OK ||
            lunik_socket_try_receive(socket, in + size, wanted - size, &got,
                                     NULL) != LUNIK_OK ||
            got == 0)
            return false;
        size += got;
    }
    return memcmp(in, text, wanted) == 0;
}

static bool ends(struct lunik_socket *socket)
{
    size_t got = 1;
    char in;

    return lunik_socket_wait(socket, LUNIK_READABLE, within(SOON)) ==
               LUNIK_OK &&
           lunik_socket_try_receive(socket, &in, 1, &got, NULL) == LUNIK_OK &&
           got == 0;
}

/* ---- Streams ---- */

static void a_new_socket_is_idle(void)
{
    struct lunik_socket *socket;
    struct lunik_address peer = { .family = 9 };
    size_t size;
    char byte = 0;

    if (lunik_socket_open(LUNIK_STREAM, own.family, &socket) != LUNIK_OK) {
        failures += contract_check(false, "socket: a socket opens");
        return;
    }
    CHECK(lunik_socket_ready(socket) == 0);
    CHECK(lunik_socket_get_state(socket) == LUNIK_SOCKET_IDLE);
    CHECK(lunik_socket_get_type(socket) == LUNIK_STREAM);
    CHECK(lunik_socket_get_families(socket) == own.family);
    CHECK(lunik_socket_get_error(socket) == LUNIK_OK);
    lunik_socket_get_peer(socket, &peer);
    CHECK(peer.family == 0 && peer.port == 0);
    CHECK(lunik_socket_room(socket) == 0);
    CHECK(lunik_socket_pending(socket) == 0);
    CHECK(lunik_socket_try_send(socket, &byte, 1, 0, NULL, &size) ==
          LUNIK_EINVAL);
    CHECK(lunik_socket_try_receive(socket, &byte, 1, &size, NULL) ==
          LUNIK_EINVAL);
    CHECK(lunik_socket_shutdown(socket, LUNIK_SHUT_WRITE) == LUNIK_EINVAL);
    lunik_socket_close(socket);
    lunik_socket_close(NULL);
}

static void what_does_not_fit_a_state_is_refused(void)
{
    struct lunik_socket *listener, *other = NULL, *none;
    struct lunik_address at;
    struct pair pair;

    if (!listen_at(&listener, &at)) {
        failures += contract_check(false, "socket: a listener opens");
        lunik_socket_close(listener);
        return;
    }
    CHECK(lunik_socket_get_state(listener) == LUNIK_SOCKET_LISTENING);
    CHECK(lunik_socket_bind(listener, &at) == LUNIK_EINVAL);
    CHECK(lunik_socket_try_connect(listener, &at) == LUNIK_EINVAL);
    CHECK(lunik_socket_try_accept(listener, &none) == LUNIK_EAGAIN);
    CHECK(lunik_socket_ready(listener) == 0);
    CHECK(lunik_socket_open(LUNIK_STREAM, own.family, &other) == LUNIK_OK);
    CHECK(lunik_socket_bind(other, &at) == LUNIK_EINUSE);
    CHECK(lunik_socket_try_accept(other, &none) == LUNIK_EINVAL);
    lunik_socket_close(other);
    CHECK(lunik_socket_open(LUNIK_DATAGRAM, own.family, &other) == LUNIK_OK);
    CHECK(lunik_socket_listen(other, 1) == LUNIK_EINVAL);
    lunik_socket_close(other);
    lunik_socket_close(listener);
    if (make_pair(&pair)) {
        CHECK(lunik_socket_get_state(pair.a) == LUNIK_SOCKET_CONNECTED);
        CHECK(lunik_socket_get_state(pair.b) == LUNIK_SOCKET_CONNECTED);
        CHECK(lunik_socket_try_connect(pair.a, &at) == LUNIK_EINVAL);
        CHECK(lunik_socket_listen(pair.b, 1) == LUNIK_EINVAL);
        CHECK(lunik_socket_try_accept(pair.a, &none) == LUNIK_EINVAL);
    }
    drop_pair(&pair);
}

static void both_ends_know_each_other(void)
{
    struct lunik_address a_local, a_peer, b_local, b_peer;
    struct pair pair;

    if (make_pair(&pair)) {
        lunik_socket_get_local(pair.a, &a_local);
        lunik_socket_get_peer(pair.a, &a_peer);
        lunik_socket_get_local(pair.b, &b_local);
        lunik_socket_get_peer(pair.b, &b_peer);
        CHECK(a_local.family == own.family);
        CHECK(memcmp(a_local.bytes, b_peer.bytes, 16) == 0);
        CHECK(memcmp(a_peer.bytes, own.bytes, 16) == 0);
        CHECK(memcmp(b_local.bytes, own.bytes, 16) == 0);
        CHECK(a_local.port == b_peer.port && a_local.port != 0);
        CHECK(a_peer.port == b_local.port && a_peer.port != 0);
    }
    drop_pair(&pair);
}

static void bytes_pass_both_ways_and_end(void)
{
    struct pair pair;
    size_t size;
    char byte;

    if (make_pair(&pair)) {
        CHECK(lunik_socket_ready(pair.a) == LUNIK_WRITABLE);
        CHECK(lunik_socket_room(pair.a) > 0);
        CHECK(lunik_socket_try_receive(pair.a, &byte, 1, &size, NULL) ==
              LUNIK_EAGAIN);
        CHECK(send_text(pair.a, "to and"));
        CHECK(send_text(pair.b, "fro"));
        CHECK(comes(pair.b, "to and"));
        CHECK(comes(pair.a, "fro"));
        CHECK(lunik_socket_try_send(pair.a, "", 0, 0, NULL, &size) ==
                  LUNIK_OK &&
              size == 0);
        CHECK(send_text(pair.a, "last"));
        CHECK(lunik_socket_shutdown(pair.a, LUNIK_SHUT_WRITE) == LUNIK_OK);
        CHECK(lunik_socket_try_send(pair.a, "x", 1, 0, NULL, &size) ==
              LUNIK_ECLOSED);
        CHECK(comes(pair.b, "last"));
        CHECK(ends(pair.b) && ends(pair.b));
        CHECK(lunik_socket_ready(pair.b) & LUNIK_HANGUP);
        /* The other way is open still. */
        CHECK(send_text(pair.b, "answer"));
        CHECK(comes(pair.a, "answer"));
        lunik_socket_close(pair.b);
        pair.b = NULL;
        CHECK(ends(pair.a));
    }
    drop_pair(&pair);
}

static void lent_bytes_stay_until_they_are_consumed(void)
{
    const void *data;
    struct pair pair;
    size_t size, got;
    char in[8];

    if (make_pair(&pair)) {
        CHECK(lunik_socket_peek(pair.b, &data, &size) == LUNIK_EAGAIN);
        CHECK(send_text(pair.a, "abcdef"));
        CHECK(lunik_socket_wait(pair.b, LUNIK_READABLE, within(SOON)) ==
              LUNIK_OK);
        CHECK(lunik_socket_peek(pair.b, &data, &size) == LUNIK_OK);
        CHECK(size == 6 && memcmp(data, "abcdef", 6) == 0);
        CHECK(lunik_socket_copy(pair.b, in, 4, &got) == LUNIK_OK);
        CHECK(got == 4 && memcmp(in, "abcd", 4) == 0);
        CHECK(lunik_socket_pending(pair.b) == 6);
        lunik_socket_consume(pair.b, 0);
        lunik_socket_consume(pair.b, 2);
        CHECK(lunik_socket_pending(pair.b) == 4);
        CHECK(lunik_socket_ready(pair.b) & LUNIK_READABLE);
        CHECK(lunik_socket_peek(pair.b, &data, &size) == LUNIK_OK);
        CHECK(size == 4 && memcmp(data, "cdef", 4) == 0);
        CHECK(lunik_socket_copy(pair.b, in, 8, &got) == LUNIK_OK);
        CHECK(got == 4 && memcmp(in, "cdef", 4) == 0);
        CHECK(lunik_socket_try_receive(pair.b, in, 3, &got, NULL) == LUNIK_OK);
        CHECK(got == 3 && memcmp(in, "cde", 3) == 0);
        CHECK(lunik_socket_peek(pair.b, &data, &size) == LUNIK_OK);
        CHECK(size == 1);
        lunik_socket_consume(pair.b, 1);
        CHECK(!(lunik_socket_ready(pair.b) & LUNIK_READABLE));
        CHECK(lunik_socket_peek(pair.b, &data, &size) == LUNIK_EAGAIN);
        CHECK(lunik_socket_copy(pair.b, in, 8, &got) == LUNIK_EAGAIN);
        CHECK(lunik_socket_shutdown(pair.a, LUNIK_SHUT_WRITE) == LUNIK_OK);
        CHECK(lunik_socket_wait(pair.b, LUNIK_READABLE, within(SOON)) ==
              LUNIK_OK);
        CHECK(lunik_socket_peek(pair.b, &data, &size) == LUNIK_OK && size == 0);
    }
    drop_pair(&pair);
}

static uint8_t pattern(size_t at)
{
    return (uint8_t)(at * 31 + (at >> 8));
}

/* Sends as much as there is room for; false: it failed. */
static bool pump_out(struct lunik_socket *socket, size_t *at, size_t total)
{
    static uint8_t out[5000];
    lunik_result result = LUNIK_OK;
    size_t sent;

    while (*at < total && result == LUNIK_OK) {
        size_t count = total - *at < sizeof(out) ? total - *at : sizeof(out);
        unsigned flags = *at % 3 ? LUNIK_SEND_MORE : 0;

        for (size_t i = 0; i < count; i++)
            out[i] = pattern(*at + i);
        result = lunik_socket_try_send(socket, out, count, flags, NULL, &sent);
        *at += sent;
    }
    lunik_socket_flush(socket);
    return result == LUNIK_OK || result == LUNIK_EAGAIN;
}

static bool pump_in(struct lunik_socket *socket, size_t *at)
{
    lunik_result result;
    const void *data;
    size_t size;

    while ((result = lunik_socket_peek(socket, &data, &size)) == LUNIK_OK &&
           size > 0) {
        for (size_t i = 0; i < size; i++)
            if (((const uint8_t *)data)[i] != pattern(*at + i))
                return false;
        *at += size;
        lunik_socket_consume(socket, size);
    }
    return result == LUNIK_OK || result == LUNIK_EAGAIN;
}

static void a_mebibyte_arrives_in_order(void)
{
    const size_t total = 1 << 20;
    size_t sent = 0, received = 0;
    struct pair pair;
    bool is_good = true;

    if (make_pair(&pair)) {
        /* Nobody reads: it must fill up, and say so. */
        for (size_t last = 1; is_good && sent < total && last != sent;) {
            last = sent;
            is_good = pump_out(pair.a, &sent, total);
        }
        while (is_good && received < total) {
            is_good = lunik_socket_wait(pair.b, LUNIK_READABLE, within(SOON)) ==
                          LUNIK_OK &&
                      pump_in(pair.b, &received) &&
                      pump_out(pair.a, &sent, total);
        }
        CHECK(is_good && received == total);
    }
    drop_pair(&pair);
}

static void nobody_there_is_refused(void)
{
    struct lunik_socket *socket, *listener;
    struct lunik_address at;
    lunik_result result;
    size_t size;
    char byte;

    if (!listen_at(&socket, &at)) {
        failures += contract_check(false, "socket: a listener opens");
        return;
    }
    lunik_socket_close(socket);
    CHECK(lunik_socket_open(LUNIK_STREAM, own.family, &socket) == LUNIK_OK);
    result = lunik_socket_try_connect(socket, &at);
    CHECK(result == LUNIK_EAGAIN || result == LUNIK_EREFUSED);
    CHECK(lunik_socket_wait(socket, LUNIK_FAILED, within(SOON)) == LUNIK_OK);
    CHECK(lunik_socket_get_error(socket) == LUNIK_EREFUSED);
    CHECK(lunik_socket_get_error(socket) == LUNIK_EREFUSED);
    CHECK((lunik_socket_ready(socket) &
           (LUNIK_READABLE | LUNIK_WRITABLE | LUNIK_FAILED)) ==
          (LUNIK_READABLE | LUNIK_WRITABLE | LUNIK_FAILED));
    CHECK(lunik_socket_try_receive(socket, &byte, 1, &size, NULL) ==
          LUNIK_EREFUSED);
    CHECK(lunik_socket_try_send(socket, "x", 1, 0, NULL, &size) ==
          LUNIK_EREFUSED);
    if (listen_at(&listener, &at)) {
        /* What failed may try again. */
        result = lunik_socket_try_connect(socket, &at);
        CHECK(result == LUNIK_OK || result == LUNIK_EAGAIN);
        CHECK(lunik_socket_wait(socket, LUNIK_WRITABLE, within(SOON)) ==
              LUNIK_OK);
        CHECK(lunik_socket_get_error(socket) == LUNIK_OK);
        CHECK(lunik_socket_try_connect(socket, &at) == LUNIK_EINVAL);
    }
    lunik_socket_close(listener);
    lunik_socket_close(socket);
}

static void a_reset_is_told_after_the_data(void)
{
    struct pair pair;
    size_t size;
    char byte;

    if (make_pair(&pair)) {
        CHECK(lunik_socket_set(pair.a, LUNIK_SOCKET_LINGER, 0) == LUNIK_OK);
        CHECK(send_text(pair.b, "unread, so that this end is reset, too"));
        lunik_socket_close(pair.a);
        pair.a = NULL;
        CHECK(lunik_socket_wait(pair.b, LUNIK_FAILED, within(SOON)) ==
              LUNIK_OK);
        CHECK(lunik_socket_get_error(pair.b) == LUNIK_ERESET);
        CHECK(lunik_socket_try_receive(pair.b, &byte, 1, &size, NULL) ==
              LUNIK_ERESET);
    }
    drop_pair(&pair);
}

/* ---- Waiting ---- */

struct other {
    struct lunik_socket *socket;
    lunik_result result;
    struct lunik_fiber *fiber;
    bool is_done;
};

static void wait_readable(void *arg)
{
    struct other *other = arg;

    other->result =
        lunik_socket_wait(other->socket, LUNIK_READABLE, within(SOON));
    other->is_done = true;
}

static bool start(struct other *other, struct lunik_socket *socket)
{
    *other = (struct other) { .socket = socket };
    if (lunik_fiber_create("waits", wait_readable, other, &other->fiber) !=
        LUNIK_OK)
        return false;
    lunik_fiber_yield();
    return !other->is_done;
}

static void finish(struct other *other)
{
    uint64_t end = within(SOON);

    while (!other->is_done && lunik_time_monotonic_ns() < end)
        if (lunik_sleep_until(within(LUNIK_NS_PER_MS)) != LUNIK_OK)
            return;
}

static void a_wait_ends_as_it_says(void)
{
    uint64_t before = lunik_time_monotonic_ns();
    struct other one, two;
    struct pair pair;

    if (make_pair(&pair)) {
        CHECK(lunik_socket_wait(pair.a, LUNIK_READABLE, within(A_MOMENT)) ==
              LUNIK_ETIMEOUT);
        CHECK(lunik_time_monotonic_ns() - before >= A_MOMENT);
        CHECK(start(&one, pair.a) && start(&two, pair.a));
        lunik_fiber_cancel(one.fiber);
        finish(&one);
        CHECK(one.is_done && one.result == LUNIK_ECANCELED);
        CHECK(!two.is_done);
        CHECK(send_text(pair.b, "x"));
        finish(&two);
        CHECK(two.is_done && two.result == LUNIK_OK);
        CHECK(comes(pair.a, "x"));
        CHECK(start(&one, pair.a));
        lunik_socket_close(pair.a);
        pair.a = NULL;
        finish(&one);
        CHECK(one.is_done && one.result == LUNIK_ECLOSED);
    }
    drop_pair(&pair);
}

struct counter {
    struct lunik_watch watch; /* first */
    unsigned calls;
    bool is_leaving;
};

static void count(struct lunik_watch *watch)
{
    struct counter *counter = (struct counter *)(void *)watch;

    counter->calls++;
    if (counter->is_leaving)
        lunik_socket_unwatch(watch);
}

/* Lets the loop turn until (*calls) was raised, or for a moment. */
static bool is_raised(const unsigned *calls, unsigned before, uint64_t ns)
{
    uint64_t end = within(ns);

    while (*calls == before && lunik_time_monotonic_ns() < end)
        if (lunik_sleep_until(within(LUNIK_NS_PER_MS)) != LUNIK_OK)
            return false;
    return *calls != before;
}

static void a_watch_is_called_for_changes(void)
{
    struct counter stays = { .watch.fn = count };
    struct counter leaves = { .watch.fn = count, .is_leaving = true };
    struct pair pair;
    unsigned before;

    if (make_pair(&pair)) {
        /* What is so already is not a change; but let it settle. */
        is_raised(&stays.calls, 0, A_MOMENT);
        lunik_socket_watch(pair.a, &leaves.watch);
        lunik_socket_watch(pair.a, &stays.watch);
        before = stays.calls;
        CHECK(send_text(pair.b, "one"));
        CHECK(is_raised(&stays.calls, before, SOON));
        CHECK(leaves.calls == 1);
        CHECK(comes(pair.a, "one"));
        before = stays.calls;
        CHECK(send_text(pair.b, "two"));
        CHECK(is_raised(&stays.calls, before, SOON));
        CHECK(leaves.calls == 1);
        CHECK(comes(pair.a, "two"));
        lunik_socket_unwatch(&stays.watch);
        lunik_socket_unwatch(&stays.watch);
        before = stays.calls;
        CHECK(send_text(pair.b, "three"));
        CHECK(!is_raised(&stays.calls, before, A_MOMENT));
        /* Closing takes off what is left, without a call. */
        lunik_socket_watch(pair.a, &stays.watch);
        lunik_socket_close(pair.a);
        pair.a = NULL;
        CHECK(stays.calls == before);
        lunik_socket_unwatch(&stays.watch);
    }
    drop_pair(&pair);
}

static void a_listener_is_watched_too(void)
{
    struct counter arrivals = { .watch.fn = count };
    struct lunik_socket *listener, *a = NULL, *b = NULL;
    struct lunik_address at;

    if (listen_at(&listener, &at)) {
        lunik_socket_watch(listener, &arrivals.watch);
        CHECK(connect_to(&at, own.family, &a));
        CHECK(is_raised(&arrivals.calls, 0, SOON));
        CHECK(lunik_socket_ready(listener) == LUNIK_READABLE);
        CHECK(lunik_socket_try_accept(listener, &b) == LUNIK_OK);
        CHECK(lunik_socket_ready(listener) == 0);
    }
    lunik_socket_close(a);
    lunik_socket_close(b);
    lunik_socket_close(listener);
}

/* ---- Datagrams ---- */

static void datagrams_keep_their_bounds(void)
{
    static uint8_t large[70000];
    struct lunik_socket *a = NULL, *b = NULL;
    struct lunik_address at = own, from = { 0 }, a_at;
    const void *lent;
    size_t size;
    char in[16];

    at.port = 0;
    CHECK(lunik_socket_open(LUNIK_DATAGRAM, own.family, &a) == LUNIK_OK);
    CHECK(lunik_socket_open(LUNIK_DATAGRAM, own.family, &b) == LUNIK_OK);
    CHECK(lunik_socket_bind(b, &at) == LUNIK_OK);
    lunik_socket_get_local(b, &at);
    CHECK(lunik_socket_try_receive(b, in, 16, &size, NULL) == LUNIK_EAGAIN);
    CHECK(lunik_socket_try_send(a, "x", 1, 0, NULL, &size) == LUNIK_EINVAL);
    CHECK(lunik_socket_try_send(a, large, sizeof(large), 0, &at, &size) ==
          LUNIK_EINVAL);
    CHECK(lunik_socket_try_send(a, "first", 5, 0, &at, &size) == LUNIK_OK);
    CHECK(size == 5);
    CHECK(lunik_socket_try_send(a, "second", 6, 0, &at, &size) == LUNIK_OK);
    CHECK(lunik_socket_try_send(a, "", 0, 0, &at, &size) == LUNIK_OK);
    CHECK(lunik_socket_wait(b, LUNIK_READABLE, within(SOON)) == LUNIK_OK);
    CHECK(lunik_socket_pending(b) == 5);
    CHECK(lunik_socket_peek(b, &lent, &size) == LUNIK_OK);
    CHECK(size == 5 && memcmp(lent, "first", 5) == 0);
    lunik_socket_get_sender(b, &from);
    lunik_socket_get_local(a, &a_at);
    CHECK(from.family == own.family && from.port == a_at.port);
    CHECK(lunik_socket_try_receive(b, in, 16, &size, &from) == LUNIK_OK);
    CHECK(size == 5 && memcmp(in, "first", 5) == 0);
    CHECK(from.family == own.family && from.port == a_at.port);
    CHECK(lunik_socket_wait(b, LUNIK_READABLE, within(SOON)) == LUNIK_OK);
    CHECK(lunik_socket_try_receive(b, in, 3, &size, NULL) == LUNIK_OK);
    CHECK(size == 3 && memcmp(in, "sec", 3) == 0);
    CHECK(lunik_socket_wait(b, LUNIK_READABLE, within(SOON)) == LUNIK_OK);
    CHECK(lunik_socket_try_receive(b, in, 16, &size, NULL) == LUNIK_OK);
    CHECK(size == 0);
    CHECK(lunik_socket_try_receive(b, in, 16, &size, NULL) == LUNIK_EAGAIN);
    /* Connected, it needs no address. */
    CHECK(lunik_socket_try_connect(b, &from) == LUNIK_OK);
    CHECK(lunik_socket_try_send(b, "back", 4, 0, NULL, &size) == LUNIK_OK);
    CHECK(lunik_socket_wait(a, LUNIK_READABLE, within(SOON)) == LUNIK_OK);
    CHECK(lunik_socket_try_receive(a, in, 16, &size, &from) == LUNIK_OK);
    CHECK(size == 4 && from.port == at.port);
    lunik_socket_get_sender(a, &from);
    CHECK(from.family == 0);
    from = (struct lunik_address) { 0 };
    CHECK(lunik_socket_try_connect(b, &from) == LUNIK_OK);
    CHECK(lunik_socket_try_send(b, "x", 1, 0, NULL, &size) == LUNIK_EINVAL);
    lunik_socket_close(a);
    lunik_socket_close(b);
}

/* ---- Options, families, names ---- */

static void options_keep_what_they_are_given(void)
{
    static const struct {
        enum lunik_socket_option name;
        int good, low, high; /* low and high are out of range */
    } cases[] = {
        { LUNIK_SOCKET_REUSE_ADDRESS, 1, -1, 2 },
        { LUNIK_SOCKET_NO_DELAY, 1, -1, 2 },
        { LUNIK_SOCKET_KEEP_ALIVE, 1, -1, 2 },
        { LUNIK_SOCKET_KEEP_IDLE, 77, 0, 32768 },
        { LUNIK_SOCKET_KEEP_INTERVAL, 7, 0, 32768 },
        { LUNIK_SOCKET_KEEP_COUNT, 3, 0, 128 },
        { LUNIK_SOCKET_LINGER, 5, -2, 32768 },
        { LUNIK_SOCKET_HOPS, 9, 0, 256 },
    };
    struct lunik_socket *socket;
    int value;

    CHECK(lunik_socket_open(LUNIK_STREAM, own.family, &socket) == LUNIK_OK);
    CHECK(lunik_socket_get(socket, LUNIK_SOCKET_NO_DELAY, &value) == LUNIK_OK &&
          value == 0);
    CHECK(lunik_socket_get(socket, LUNIK_SOCKET_LINGER, &value) == LUNIK_OK &&
          value == -1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        CHECK(lunik_socket_set(socket, cases[i].name, cases[i].good) ==
              LUNIK_OK);
        CHECK(lunik_socket_set(socket, cases[i].name, cases[i].low) ==
              LUNIK_EINVAL);
        CHECK(lunik_socket_set(socket, cases[i].name, cases[i].high) ==
              LUNIK_EINVAL);
        CHECK(lunik_socket_get(socket, cases[i].name, &value) == LUNIK_OK &&
              value == cases[i].good);
    }
    lunik_socket_close(socket);
    CHECK(lunik_socket_open(LUNIK_DATAGRAM, own.family, &socket) == LUNIK_OK);
    CHECK(lunik_socket_set(socket, LUNIK_SOCKET_NO_DELAY, 1) == LUNIK_EINVAL);
    CHECK(lunik_socket_set(socket, LUNIK_SOCKET_BROADCAST, 1) == LUNIK_OK);
    CHECK(lunik_socket_join(socket, &own, true) == LUNIK_EINVAL);
    lunik_socket_close(socket);
}

static void one_listener_serves_both_families(void)
{
    struct lunik_address any = { .family = LUNIK_IP6 }, at = own, peer;
    struct lunik_socket *listener, *a = NULL, *b = NULL;

    CHECK(lunik_socket_open(LUNIK_STREAM, BOTH, &listener) == LUNIK_OK);
    CHECK(lunik_socket_get_families(listener) == BOTH);
    CHECK(lunik_socket_bind(listener, &any) == LUNIK_OK);
    CHECK(lunik_socket_listen(listener, 4) == LUNIK_OK);
    lunik_socket_get_local(listener, &any);
    at.port = any.port;
    CHECK(connect_to(&at, BOTH, &a));
    CHECK(accept_from(listener, &b));
    if (a && b) {
        lunik_socket_get_peer(b, &peer);
        CHECK(peer.family == own.family);
        lunik_socket_get_peer(a, &peer);
        CHECK(peer.family == own.family && peer.port == at.port);
        CHECK(send_text(a, "hello") && comes(b, "hello"));
    }
    lunik_socket_close(a);
    lunik_socket_close(b);
    lunik_socket_close(listener);
}

static void addresses_in_text_need_no_server(void)
{
    struct lunik_address found[2];
    size_t count = 9;

    CHECK(lunik_resolve("192.0.2.1", BOTH, within(SOON), found, 2, &count) ==
          LUNIK_OK);
    CHECK(count == 1 && found[0].family == LUNIK_IP4 &&
          memcmp(found[0].bytes, "\300\0\2\1", 4) == 0);
    CHECK(lunik_resolve("2001:db8::9", BOTH, within(SOON), found, 2, &count) ==
          LUNIK_OK);
    CHECK(count == 1 && found[0].family == LUNIK_IP6 &&
          found[0].bytes[15] == 9);
    CHECK(lunik_resolve("2001:db8::9", LUNIK_IP4, within(SOON), found, 2,
                        &count) != LUNIK_OK);
    CHECK(lunik_resolve("", BOTH, within(SOON), found, 2, &count) ==
          LUNIK_EINVAL);
    CHECK(lunik_resolve("a..b", BOTH, within(SOON), found, 2, &count) ==
          LUNIK_EINVAL);
    CHECK(lunik_resolve("127.1", BOTH, within(SOON), found, 2, &count) !=
          LUNIK_OK);
    CHECK(lunik_resolve("with space", BOTH, within(SOON), found, 2, &count) ==
          LUNIK_EINVAL);
}

unsigned contract_socket(const struct lunik_address *address)
{
    static void (*const checks[])(void) = {
        a_new_socket_is_idle,
        what_does_not_fit_a_state_is_refused,
        both_ends_know_each_other,
        bytes_pass_both_ways_and_end,
        lent_bytes_stay_until_they_are_consumed,
        a_mebibyte_arrives_in_order,
        nobody_there_is_refused,
        a_reset_is_told_after_the_data,
        a_wait_ends_as_it_says,
        a_watch_is_called_for_changes,
        a_listener_is_watched_too,
        datagrams_keep_their_bounds,
        options_keep_what_they_are_given,
        one_listener_serves_both_families,
        addresses_in_text_need_no_server,
    };
    struct lunik_socket_info before, after;

    failures = 0;
    own = *address;
    lunik_socket_get_info(&before);
    for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
        checks[i]();
    lunik_socket_get_info(&after);
    CHECK(after.open == before.open);
    CHECK(after.max >= after.open);
    return failures;
}
