/* SPDX-License-Identifier: MIT */
/*
 * test_resolve.c: lunik_resolve() against servers that answer, are silent, or
 * lie.
 */
#define TEST_ON_FIBER
#include "dns_message.h"
#include "fake.h"
#include "lwip_peer.h"
#include "stack.h"

#include <lunik/socket.h>

#include "lwip/dns.h"
#include "lwip/netif.h"
#include "test.h"

#define SERVER1 0x0a090035u
#define SERVER2 0x0a090036u

static struct peer_datagram got, answer;
static struct lunik_address found[8];
static size_t count;

static struct {
    struct lunik_event done;
    const char *name;
    uint64_t deadline_ns;
    lunik_result result;
    bool is_done;
} asked;

static void start_stack(void)
{
    static bool is_started;

    if (!is_started) {
        is_started = true;
        fake_now = LUNIK_NS_PER_S;
        fake_net_reset(1);
        peer_launch("net0.ip=10.9.0.2/24,gw=10.9.0.1,dns=10.9.0.53,"
                    "dns=10.9.0.54",
                    "net1.ip=off", NULL);
        lunik_lwip_start();
    }
    peer_run(3000);
    peer_drop_all();
}

static void resolve(void *arg)
{
    (void)arg;
    asked.result = lunik_resolve(asked.name, LUNIK_IP4, asked.deadline_ns,
                                 found, 8, &count);
    asked.is_done = true;
}

static void begin(const char *name, uint64_t timeout_ns)
{
    struct lunik_fiber *fiber;

    asked.name = name;
    asked.is_done = false;
    asked.deadline_ns = lunik_time_after_ns(timeout_ns);
    if (lunik_fiber_create("resolve", resolve, NULL, &fiber) != LUNIK_OK)
        abort();
    peer_run(0);
}

/* The next question to a server. */
static bool hear(uint32_t server)
{
    while (peer_take_datagram(&got))
        if (got.to_port == 53 && got.to == server)
            return true;
    return false;
}

/* Answers what was heard: with one address, or a code. */
static void make_answer(uint32_t ip, unsigned code)
{
    answer = got;
    answer.from = got.to;
    answer.to = got.from;
    answer.from_port = 53;
    answer.to_port = got.from_port;
    answer.data[2] = 0x81;
    answer.data[3] = (uint8_t)(0x80 | code);
    if (code)
        return;
    answer.data[7] = 1;
    memcpy(answer.data + answer.size, "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4", 12);
    for (int i = 0; i < 4; i++)
        answer.data[answer.size + 12 + i] = (uint8_t)(ip >> (24 - 8 * i));
    answer.size += 16;
}

static void say(void)
{
    peer_send_datagram(&answer);
    peer_run(0);
}

TEST(a_name_is_asked_for_and_remembered_for_its_time)
{
    start_stack();
    begin("Host.example", LUNIK_NS_PER_S * 10);
    REQUIRE(hear(SERVER1));
    make_answer(0xc0000207, 0);
    say();
    REQUIRE(asked.is_done);
    CHECK_EQ(asked.result, LUNIK_OK);
    CHECK_EQ(count, 1);
    CHECK_MEM_EQ(found[0].bytes, "\xc0\0\2\7", 4);
    begin("host.example.", LUNIK_NS_PER_S);
    CHECK(asked.is_done && asked.result == LUNIK_OK);
    CHECK(!hear(SERVER1));
    peer_run(61000);
    begin("host.example", LUNIK_NS_PER_S * 10);
    CHECK(!asked.is_done);
    REQUIRE(hear(SERVER1));
    make_answer(0, 3);
    say();
    CHECK(asked.is_done && asked.result == LUNIK_ENOENT);
}

TEST(a_silent_server_is_followed_by_the_next)
{
    start_stack();
    begin("second.example", LUNIK_NS_PER_S * 10);
    REQUIRE(hear(SERVER1));
    peer_run(1100);
    REQUIRE(hear(SERVER2));
    make_answer(0xc0000208, 0);
    say();
    CHECK(asked.is_done && asked.result == LUNIK_OK);
}

/* The next question that went out by IPv6. */
static bool hear_by_ip6(void)
{
    static uint8_t frame[2000];
    const uint8_t *ip = frame + 14;
    size_t size;

    while ((size = peer_take(frame, sizeof(frame))) > 0)
        if (size > 62 && frame[12] == 0x86 && ip[6] == 17 && ip[42] == 0 &&
            ip[43] == 53)
            return true;
    return false;
}

TEST(a_server_is_asked_by_ip6)
{
    ip_addr_t server;
    bool is_heard;

    start_stack();
    /* (Of many, so that nobody has to say where it is.) */
    IP_SET_TYPE_VAL(server, IPADDR_TYPE_V6);
    ip6_addr_set_allnodes_linklocal(ip_2_ip6(&server));
    ip6_addr_assign_zone(ip_2_ip6(&server), IP6_MULTICAST, netif_default);
    dns_setserver(0, &server);
    begin("six.test", 5 * LUNIK_NS_PER_S);
    peer_run(2500); /* the others are silent */
    is_heard = hear_by_ip6();
    ip_addr_set_any(true, &server);
    dns_setserver(0, &server);
    CHECK(is_heard);
    peer_run(5000);
    CHECK(asked.is_done);
    CHECK_EQ(asked.result, LUNIK_ETIMEOUT);
}

TEST(a_server_that_cannot_tell_is_followed_by_the_next_at_once)
{
    start_stack();
    begin("third.example", LUNIK_NS_PER_S * 10);
    REQUIRE(hear(SERVER1));
    make_answer(0, 2);
    say();
    REQUIRE(hear(SERVER2));
    make_answer(0, 3);
    say();
    CHECK(asked.is_done && asked.result == LUNIK_ENOENT);
}

TEST(silence_ends_at_the_deadline)
{
    uint64_t start_ns;

    start_stack();
    start_ns = fake_now;
    begin("silent.example", LUNIK_NS_PER_S * 5 / 2);
    peer_run(2400);
    CHECK(!asked.is_done);
    peer_run(200);
    CHECK(asked.is_done && asked.result == LUNIK_ETIMEOUT);
    CHECK(fake_now - start_ns < 3 * LUNIK_NS_PER_S);
    begin("silent.example", LUNIK_NEVER);
    peer_run(60000);
    CHECK(asked.is_done && asked.result == LUNIK_ETIMEOUT);
}

TEST(others_run_while_one_waits)
{
    struct lunik_address other[1];
    size_t others;

    start_stack();
    begin("slow.example", LUNIK_NS_PER_S * 3);
    CHECK(lunik_resolve("localhost", LUNIK_IP4, LUNIK_NEVER, other, 1,
                        &others) == LUNIK_OK);
    CHECK(!asked.is_done);
    peer_run(4000);
    CHECK(asked.is_done);
}

TEST(forged_answers_are_not_believed)
{
    start_stack();
    begin("forged.example", LUNIK_NS_PER_S * 10);
    REQUIRE(hear(SERVER1));
    make_answer(0x06060606, 0);
    answer.data[0] ^= 1; /* another number */
    say();
    answer.data[0] ^= 1;
    answer.from = SERVER1 + 9; /* another server */
    say();
    answer.from = SERVER1;
    answer.from_port = 54;
    say();
    answer.from_port = 53;
    answer.to_port ^= 1; /* another port */
    say();
    CHECK(!asked.is_done);
    answer.to_port ^= 1;
    say();
    CHECK(asked.is_done && asked.result == LUNIK_OK);
}

TEST(questions_come_from_ports_and_with_numbers_that_are_not_in_order)
{
    uint16_t ports[8], numbers[8];
    char name[32];
    unsigned near = 0;

    start_stack();
    for (int i = 0; i < 8; i++) {
        snprintf(name, sizeof(name), "n%d.example", i);
        begin(name, LUNIK_NS_PER_S * 10);
        REQUIRE(hear(SERVER1));
        ports[i] = got.from_port;
        numbers[i] = (uint16_t)(got.data[0] << 8 | got.data[1]);
        make_answer(0xc0000209, 0);
        say();
        CHECK(asked.is_done);
    }
    for (int i = 1; i < 8; i++)
        near += (uint16_t)(ports[i] - ports[i - 1]) < 16 ||
                (uint16_t)(numbers[i] - numbers[i - 1]) < 16;
    CHECK(near < 2);
}

TEST(what_is_no_name_is_not_asked_for)
{
    start_stack();
    CHECK(lunik_resolve("a b", 3, LUNIK_NEVER, found, 8, &count) ==
          LUNIK_EINVAL);
    CHECK(lunik_resolve("127.1", 3, LUNIK_NEVER, found, 8, &count) ==
          LUNIK_EINVAL);
    CHECK(lunik_resolve("", 3, LUNIK_NEVER, found, 8, &count) == LUNIK_EINVAL);
    CHECK(!hear(SERVER1));
    CHECK(lunik_resolve("a.localhost", 3, LUNIK_NEVER, found, 8, &count) ==
          LUNIK_OK);
    CHECK_EQ(count, 2);
    CHECK(lunik_resolve("::1", LUNIK_IP4, LUNIK_NEVER, found, 8, &count) ==
          LUNIK_ENOENT);
}
