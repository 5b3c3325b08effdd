/* SPDX-License-Identifier: MIT */
/*
 * fuzz_sockets.c: any sequence of socket calls, over loopback.
 *
 * Each input byte is a call on one of a few sockets, with what follows as its
 * arguments. Streams carry a pattern, so that a byte lost, doubled or out of
 * order is seen.
 */
#include "fake.h"
#include "loop.h"
#include "stack.h"
#include <lunik/socket.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SLOTS 8

struct slot {
    struct lunik_socket *socket;
    struct lunik_watch watch;
    struct slot *peer; /* the other end, once known */
    size_t sent, received;
    bool is_cut; /* a reset or a shutdown may have lost something */
};

static struct slot slots[SLOTS];
static const uint8_t *input, *input_end;

static void must(bool holds)
{
    if (!holds)
        abort();
}

static unsigned next(void)
{
    return input < input_end ? *input++ : 0;
}

static uint8_t pattern(size_t at)
{
    return (uint8_t)(at * 131 % 253);
}

/* Lets polls and timers run, (ms) on. */
static void pass(unsigned ms)
{
    uint64_t until_ns = fake_now + ms * LUNIK_NS_PER_MS;

    do
        lunik_loop_turn(lunik_loop());
    while (lunik_loop()->pending);
    while (lunik_timers_next(&lunik_loop()->timers) <= until_ns) {
        fake_now = lunik_timers_next(&lunik_loop()->timers);
        do
            lunik_loop_turn(lunik_loop());
        while (lunik_loop()->pending);
    }
    fake_now = until_ns;
}

static void on_watch(struct lunik_watch *watch)
{
    (void)lunik_socket_ready(watch->socket);
}

static void forget(struct slot *slot)
{
    for (int i = 0; i < SLOTS; i++)
        if (slots[i].peer == slot)
            slots[i].peer = NULL;
    lunik_socket_close(slot->socket);
    must(slot->watch.socket == NULL);
    memset(slot, 0, sizeof(*slot));
}

static void adopt(struct slot *slot, struct lunik_socket *socket)
{
    if (slot->socket)
        forget(slot);
    slot->socket = socket;
    slot->watch.fn = on_watch;
    if (next() & 1)
        lunik_socket_watch(socket, &slot->watch);
}

static struct lunik_address address_of(unsigned choice)
{
    struct lunik_address out = { .family = LUNIK_IP4,
                                 .bytes = { 127, 0, 0, 1 } };

    if (choice & 1) {
        memset(&out, 0, sizeof(out));
        out.family = LUNIK_IP6;
        out.bytes[15] = choice & 2 ? 1 : 0;
    }
    out.port = (uint16_t)(5000 + (choice >> 2) % 4);
    return out;
}

static void pair_up(struct slot *slot)
{
    struct lunik_address local, peer;

    if (lunik_socket_get_type(slot->socket) != LUNIK_STREAM)
        return;
    lunik_socket_get_peer(slot->socket, &peer);
    for (int i = 0; i < SLOTS; i++) {
        if (!slots[i].socket || &slots[i] == slot)
            continue;
        lunik_socket_get_local(slots[i].socket, &local);
        if (local.port == peer.port && lunik_address_is_same(&local, &peer) &&
            lunik_socket_get_state(slots[i].socket) == LUNIK_SOCKET_CONNECTED) {
            slot->peer = &slots[i];
            slots[i].peer = slot;
        }
    }
}

static void send_some(struct slot *slot)
{
    static uint8_t block[65536];
    size_t size = next() * 257u, sent;
    unsigned flags = next() & 1 ? LUNIK_SEND_MORE : 0;
    struct lunik_address to = address_of(next());
    bool is_stream = lunik_socket_get_type(slot->socket) == LUNIK_STREAM;

    for (size_t i = 0; i < size; i++)
        block[i] = pattern(slot->sent + i);
    (void)!lunik_socket_try_send(slot->socket, block, size, flags,
                                 is_stream ? NULL : &to, &sent);
    must(sent <= size);
    if (is_stream)
        slot->sent += sent;
}

static void check_bytes(struct slot *slot, const uint8_t *data, size_t size)
{
    if (lunik_socket_get_type(slot->socket) != LUNIK_STREAM)
        return;
    if (!slot->is_cut)
        for (size_t i = 0; i < size; i++)
            must(data[i] == pattern(slot->received + i));
    slot->received += size;
    if (slot->peer && !slot->is_cut)
        must(slot->received <= slot->peer->sent);
}

static void receive_some(struct slot *slot)
{
    static uint8_t block[65536];
    size_t wanted = next() * 257u, size;
    struct lunik_address from;

    if (lunik_socket_try_receive(slot->socket, block, wanted, &size, &from) ==
        LUNIK_OK)
        check_bytes(slot, block, size);
}

static void peek_some(struct slot *slot)
{
    const void *data;
    size_t size, part;

    if (lunik_socket_peek(slot->socket, &data, &size) != LUNIK_OK || !size)
        return;
    must(lunik_socket_pending(slot->socket) >= size);
    part = next() % (size + 1);
    if (lunik_socket_get_type(slot->socket) == LUNIK_DATAGRAM)
        return;
    check_bytes(slot, data, part);
    lunik_socket_consume(slot->socket, part);
}

static void set_something(struct slot *slot)
{
    enum lunik_socket_option option =
        next() % (LUNIK_SOCKET_MULTICAST_LOOP + 1);
    int value = (int)next() - 1, back;

    if (lunik_socket_set(slot->socket, option, value) == LUNIK_OK) {
        must(lunik_socket_get(slot->socket, option, &back) == LUNIK_OK);
        must(back == value);
    }
}

static void make_one(struct slot *slot)
{
    unsigned choice = next();
    struct lunik_socket *socket;

    if (lunik_socket_open(choice & 1 ? LUNIK_STREAM : LUNIK_DATAGRAM,
                          1 + (choice >> 1) % 3, &socket) == LUNIK_OK)
        adopt(slot, socket);
}

static void accept_one(struct slot *slot)
{
    struct slot *to = &slots[next() % SLOTS];
    struct lunik_socket *socket;

    if (lunik_socket_try_accept(slot->socket, &socket) != LUNIK_OK)
        return;
    adopt(to, socket);
    pair_up(to);
}

static void call(struct slot *slot)
{
    unsigned what = next() % 16;
    struct lunik_address address;

    if (what == 0) {
        make_one(slot);
        return;
    }
    if (what == 1)
        pass(next() * 40);
    if (!slot->socket)
        return;
    must(!(lunik_socket_ready(slot->socket) & ~15u));
    switch (what) {
    case 2:
        address = address_of(next());
        (void)!lunik_socket_bind(slot->socket, &address);
        break;
    case 3:
        (void)!lunik_socket_listen(slot->socket, next() % 4);
        break;
    case 4:
        address = address_of(next());
        (void)!lunik_socket_try_connect(slot->socket, &address);
        slot->is_cut = true;
        break;
    case 5:
        accept_one(slot);
        break;
    case 6:
    case 7:
        send_some(slot);
        break;
    case 8:
    case 9:
        receive_some(slot);
        break;
    case 10:
        peek_some(slot);
        break;
    case 11:
        if (lunik_socket_shutdown(slot->socket, next() % 4) == LUNIK_OK)
            slot->is_cut = true;
        break;
    case 12:
        set_something(slot);
        break;
    case 13:
        forget(slot);
        break;
    case 14:
    case 15:
        lunik_socket_flush(slot->socket);
        (void)lunik_socket_room(slot->socket);
        break;
    default:
        break;
    }
}

static void start(void)
{
    static bool is_started;

    if (is_started)
        return;
    is_started = true;
    platform_init_early();
    lunik_mem_init();
    lunik_random_init();
    fake_now = LUNIK_NS_PER_S;
    lunik_lwip_start();
    pass(1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lunik_socket_info info;

    start();
    input = data;
    input_end = data + size;
    while (input < input_end)
        call(&slots[next() % SLOTS]);
    for (int i = 0; i < SLOTS; i++)
        if (slots[i].socket)
            forget(&slots[i]);
    lunik_socket_get_info(&info);
    must(info.open == 0);
    pass(100);
    return 0;
}
