/* SPDX-License-Identifier: MIT */
/*
 * test_lwip.c: what an interface does by itself: DHCP with renewal, address
 * conflicts, router advertisements, and a cable that is pulled.
 */
#define TEST_ON_FIBER
#include "fake.h"
#include "lwip_peer.h"
#include "stack.h"

#include <lunik/interface.h>
#include <lunik/socket.h>

#include "test.h"

static struct peer_datagram got, answer;
static struct lunik_interface interface;

static void start_stack(void)
{
    static bool is_started;

    if (is_started)
        return;
    is_started = true;
    fake_now = LUNIK_NS_PER_S;
    fake_net_reset(1);
    peer_launch("net0.ip=dhcp,slaac", "net1.ip=off", NULL);
    lunik_lwip_start();
    peer_run(0);
}

/* ---- A DHCP server ---- */

enum { DISCOVER = 1, OFFER, REQUEST, DECLINE, DHCP_ACK, NAK };

#define OPTIONS 240

/* The value of option (code) in the message that was got. */
static const uint8_t *option(uint8_t code)
{
    for (size_t at = OPTIONS; at + 2 < got.size && got.data[at] != 255;
         at += 2u + got.data[at + 1])
        if (got.data[at] == code)
            return got.data + at + 2;
    return NULL;
}

/* The type of the client's next message; 0: there is none. */
static unsigned hear_dhcp(void)
{
    while (peer_take_datagram(&got))
        if (got.to_port == 67 && got.size > OPTIONS && option(53))
            return *option(53);
    return 0;
}

static size_t put(size_t at, uint8_t code, const void *value, uint8_t size)
{
    answer.data[at] = code;
    answer.data[at + 1] = size;
    memcpy(answer.data + at + 2, value, size);
    return at + 2 + size;
}

static void say_dhcp(uint8_t type, uint8_t last, uint32_t lease)
{
    uint8_t seconds[4] = { 0, 0, (uint8_t)(lease >> 8), (uint8_t)lease };
    size_t at = OPTIONS;

    memset(&answer, 0, sizeof(answer));
    answer.from = PEER_IP;
    answer.to = 0xffffffff;
    answer.from_port = 67;
    answer.to_port = 68;
    memcpy(answer.data, got.data, OPTIONS);
    answer.data[0] = 2;
    memcpy(answer.data + 16, "\x0a\x09\x00\x00", 4);
    answer.data[19] = last;
    at = put(at, 53, &type, 1);
    at = put(at, 54, "\x0a\x09\x00\x01", 4);
    at = put(at, 51, seconds, 4);
    at = put(at, 1, "\xff\xff\xff\x00", 4);
    at = put(at, 3, "\x0a\x09\x00\x01", 4);
    at = put(at, 6, "\x0a\x09\x00\x35\x0a\x09\x00\x36", 8);
    answer.data[at++] = 255;
    answer.size = at;
    peer_send_datagram(&answer);
    peer_run(0);
}

static bool hear_within(unsigned type, unsigned seconds)
{
    for (unsigned i = 0; i < seconds * 10; i++) {
        unsigned heard = hear_dhcp();

        if (heard == type)
            return true;
        if (!heard)
            peer_run(100);
    }
    return false;
}

/* Leads the client to a lease of 10.9.0.(last). */
static bool lease(uint8_t last, uint32_t seconds)
{
    if (!hear_within(DISCOVER, 70))
        return false;
    say_dhcp(OFFER, last, seconds);
    if (!hear_within(REQUEST, 10))
        return false;
    say_dhcp(DHCP_ACK, last, seconds);
    peer_run(2000); /* it asks whether somebody has that address */
    return true;
}

static bool has_address(const char *wanted, char source)
{
    char text[LUNIK_ADDRESS_TEXT_MAX];

    if (lunik_interface_get(0, &interface) != LUNIK_OK)
        return false;
    for (size_t i = 0; i < interface.address_count; i++) {
        struct lunik_address address = interface.addresses[i].address;

        address.zone = 0;
        lunik_address_format(&address, text);
        if (strcmp(text, wanted) == 0 && !interface.addresses[i].is_tentative &&
            !interface.addresses[i].is_duplicate)
            return interface.addresses[i].source == source;
    }
    return false;
}

/* ---- DHCP ---- */

TEST(an_interface_gets_its_address_gateway_and_servers_by_dhcp)
{
    struct lunik_address servers[LUNIK_NAMESERVERS_MAX];
    char text[LUNIK_ADDRESS_TEXT_MAX];

    start_stack();
    CHECK_EQ(lunik_interface_wait(LUNIK_IP4, fake_now + 1), LUNIK_ETIMEOUT);
    REQUIRE(lease(7, 600));
    CHECK(has_address("10.9.0.7", 'd'));
    CHECK_EQ(lunik_interface_wait(LUNIK_IP4, fake_now), LUNIK_OK);
    lunik_address_format(&interface.gateway4, text);
    CHECK_STR_EQ(text, "10.9.0.1");
    CHECK_EQ(lunik_interface_nameservers(servers), 2);
    lunik_address_format(&servers[1], text);
    CHECK_STR_EQ(text, "10.9.0.54");
    CHECK_EQ(lunik_interface_get(1, &interface), LUNIK_ENOENT);
}

TEST(a_lease_is_renewed_at_half_its_time)
{
    start_stack();
    peer_run(250 * 1000);
    CHECK_EQ(hear_dhcp(), 0);
    REQUIRE(hear_within(REQUEST, 80));
    CHECK_EQ(got.to, PEER_IP); /* asked of its own server */
    say_dhcp(DHCP_ACK, 7, 600);
    peer_run(2000);
    CHECK(has_address("10.9.0.7", 'd'));
}

TEST(a_lease_that_nobody_renews_is_asked_of_all_and_then_ends)
{
    bool has_asked_all = false;

    start_stack();
    for (unsigned i = 0; i < 620; i++) {
        peer_run(1000);
        while (hear_dhcp())
            has_asked_all |= option(53)[0] == REQUEST && got.is_broadcast;
    }
    CHECK(has_asked_all);
    CHECK(!has_address("10.9.0.7", 'd'));
    REQUIRE(lease(8, 6000));
    CHECK(has_address("10.9.0.8", 'd'));
}

/* ---- Conflicts ---- */

static void say_arp(const uint8_t ip[4])
{
    uint8_t arp[28] = { 0, 1, 8, 0, 6, 4, 0, 2 };

    memcpy(arp + 8, "\x02\x00\x00\x00\x00\x99", 6);
    memcpy(arp + 14, ip, 4);
    memcpy(arp + 18, "\xff\xff\xff\xff\xff\xff", 6);
    memcpy(arp + 24, ip, 4);
    peer_send_frame(0x0806, arp, sizeof(arp));
    peer_run(0);
}

TEST(an_address_that_somebody_has_is_declined)
{
    start_stack();
    fake_net_set_link(false);
    peer_run(1000);
    fake_net_set_link(true);
    peer_run(100);
    REQUIRE(hear_within(REQUEST, 10)); /* it asks for its old address again */
    say_dhcp(NAK, 0, 0);
    REQUIRE(hear_within(DISCOVER, 30));
    say_dhcp(OFFER, 9, 600);
    REQUIRE(hear_within(REQUEST, 10));
    say_dhcp(DHCP_ACK, 9, 600);
    say_arp((const uint8_t[]) { 10, 9, 0, 9 });
    REQUIRE(hear_within(DECLINE, 5));
    CHECK(!has_address("10.9.0.9", 'd'));
    REQUIRE(lease(10, 6000));
    CHECK(has_address("10.9.0.10", 'd'));
}

/* ---- Link ---- */

TEST(a_cable_that_was_pulled_has_the_lease_confirmed)
{
    start_stack();
    peer_drop_all();
    fake_net_set_link(false);
    peer_run(1000);
    CHECK(lunik_interface_get(0, &interface) == LUNIK_OK &&
          !interface.has_link);
    fake_net_set_link(true);
    peer_run(100);
    REQUIRE(hear_within(REQUEST, 10));
    say_dhcp(DHCP_ACK, 10, 6000);
    peer_run(2000);
    CHECK(has_address("10.9.0.10", 'd'));
    CHECK(lunik_interface_get(0, &interface) == LUNIK_OK && interface.has_link);
}

/* ---- IPv6 ---- */

static void say_ip6(uint8_t *packet, size_t size, uint8_t hops,
                    const uint8_t from[16], const uint8_t to[16])
{
    uint16_t sum;
    uint32_t start = 58 + (uint32_t)(size - 40);

    packet[0] = 0x60;
    packet[4] = (uint8_t)((size - 40) >> 8);
    packet[5] = (uint8_t)(size - 40);
    packet[6] = 58;
    packet[7] = hops;
    memcpy(packet + 8, from, 16);
    memcpy(packet + 24, to, 16);
    packet[42] = packet[43] = 0;
    for (size_t i = 8; i < 40; i += 2)
        start += (uint32_t)packet[i] << 8 | packet[i + 1];
    sum = peer_sum(packet + 40, size - 40, start);
    packet[42] = (uint8_t)(sum >> 8);
    packet[43] = (uint8_t)sum;
    peer_send_frame(0x86dd, packet, size);
}

static const uint8_t router[16] = { 0xfe, 0x80, [15] = 1 };
static const uint8_t all_nodes[16] = { 0xff, 2, [15] = 1 };

static void say_router(uint8_t prefix, uint8_t hops)
{
    uint8_t packet[40 + 16 + 32 + 24] = { 0 };
    uint8_t *ra = packet + 40, *info = ra + 16, *dns = info + 32;

    ra[0] = 134;
    ra[6] = 7; /* lifetime 1800 s, about */
    info[0] = 3;
    info[1] = 4;
    info[2] = 64;
    info[3] = 0xc0;
    info[6] = info[10] = 0x0e; /* an hour */
    memcpy(info + 16, "\x20\x01\x0d\xb8", 4);
    info[23] = prefix;
    dns[0] = 25;
    dns[1] = 3;
    dns[7] = 200;
    memcpy(dns + 8, "\x20\x01\x0d\xb8", 4);
    dns[23] = 0x53;
    say_ip6(packet, sizeof(packet), hops, router, all_nodes);
}

TEST(router_advertisements_give_addresses_and_servers)
{
    struct lunik_address servers[LUNIK_NAMESERVERS_MAX];
    char text[LUNIK_ADDRESS_TEXT_MAX];

    start_stack();
    say_router(1, 64); /* from beyond a router: forged */
    peer_run(4000);
    CHECK(!has_address("2001:db8:0:1::ff:fe00:1", 'r'));
    CHECK_EQ(interface.gateway6.family, 0);
    say_router(1, 255);
    peer_run(4000);
    REQUIRE(lunik_interface_get(0, &interface) == LUNIK_OK);
    CHECK_EQ(interface.gateway6.family, LUNIK_IP6);
    CHECK_EQ(lunik_interface_wait(LUNIK_IP6, fake_now), LUNIK_OK);
    CHECK_EQ(lunik_interface_nameservers(servers), 3);
    lunik_address_format(&servers[2], text);
    CHECK_STR_EQ(text, "2001:db8::53");
}

TEST(a_flood_of_router_advertisements_ends_in_a_few_addresses)
{
    start_stack();
    for (unsigned i = 0; i < 2000; i++) {
        say_router((uint8_t)i, 255);
        if (i % 16 == 0)
            peer_run(100);
    }
    peer_run(5000);
    REQUIRE(lunik_interface_get(0, &interface) == LUNIK_OK);
    CHECK(interface.address_count <= LUNIK_INTERFACE_ADDRESSES_MAX);
    CHECK(has_address("10.9.0.10", 'd'));
    CHECK(lunik_lwip_memory_used() < lunik_lwip_memory_limit() / 4);
}

TEST(redirects_are_not_believed)
{
    uint8_t packet[40 + 40] = { 0 };
    size_t before = lunik_lwip_memory_used();

    start_stack();
    packet[40] = 137;
    memcpy(packet + 48, router, 16);
    memcpy(packet + 64, "\x20\x01\x0d\xb8\x77", 5);
    for (unsigned i = 0; i < 100; i++) {
        packet[79] = (uint8_t)i;
        say_ip6(packet, sizeof(packet), 255, router, all_nodes);
        peer_run(0);
    }
    CHECK(lunik_lwip_memory_used() <= before + 8192);
}

/* ---- Floods ---- */

TEST(a_flood_of_fragments_holds_little_memory)
{
    uint8_t packet[20 + 64] = { 0x45, 0, 0, 84, 0, 0, 0x20, 0, 64, 17 };

    start_stack();
    memcpy(packet + 16, "\x0a\x09\x00\x0a", 4);
    for (unsigned i = 0; i < 5000; i++) {
        uint16_t sum;

        packet[4] = (uint8_t)(i >> 8);
        packet[5] = (uint8_t)i;
        memcpy(packet + 12, "\x0a\x09\x00\x01", 4);
        packet[10] = packet[11] = 0;
        sum = peer_sum(packet, 20, 0);
        packet[10] = (uint8_t)(sum >> 8);
        packet[11] = (uint8_t)sum;
        peer_send_frame(0x0800, packet, sizeof(packet));
        if (i % 64 == 0)
            peer_run(0);
    }
    peer_run(0);
    CHECK(fake_net_ends[0].lent <= 256);
    peer_run(30 * 1000);
    CHECK_EQ(fake_net_ends[0].lent, 0);
}

TEST(a_flood_of_arp_holds_little_memory)
{
    start_stack();
    for (unsigned i = 0; i < 5000; i++) {
        say_arp((const uint8_t[]) { 10, 9, (uint8_t)(i >> 8), (uint8_t)i });
        if (i % 64 == 0)
            peer_drop_all();
    }
    peer_run(1000);
    CHECK_EQ(fake_net_ends[0].lent, 0);
    CHECK(lunik_lwip_memory_used() < lunik_lwip_memory_limit() / 4);
}

/* ---- A device that is given up ---- */

TEST(a_broken_device_is_said_to_be_broken)
{
    start_stack();
    fake_net_break(0);
    peer_run(1000);
    REQUIRE(lunik_interface_get(0, &interface) == LUNIK_OK);
    CHECK(interface.is_broken);
}
