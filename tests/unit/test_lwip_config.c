/* SPDX-License-Identifier: MIT */
/* test_lwip_config.c: "ip=" and "net0.ip=" of the launch line. */
#include "config.h"

#include "test.h"

static struct lunik_lwip_config got;

static bool reads(const char *text)
{
    return lunik_lwip_config_parse(text, &got);
}

static bool reads_linux(const char *text)
{
    return lunik_lwip_config_parse_linux(text, &got);
}

static const char *text_of(const struct lunik_address *address)
{
    static char texts[4][LUNIK_ADDRESS_TEXT_MAX];
    static unsigned turn;
    char *text = texts[turn++ % 4];

    if (address->family == 0)
        return "none";
    lunik_address_format(address, text);
    return text;
}

TEST(one_word_says_where_addresses_come_from)
{
    CHECK(reads("dhcp") && got.has_dhcp && !got.has_slaac && !got.is_off);
    CHECK(reads("slaac") && !got.has_dhcp && got.has_slaac);
    CHECK(reads("dhcp,slaac") && got.has_dhcp && got.has_slaac);
    CHECK(reads("off") && got.is_off);
}

TEST(a_list_gives_addresses_gateways_and_servers)
{
    REQUIRE(reads("192.0.2.7/24,gw=192.0.2.1,dns=192.0.2.53,dns=2001:db8::53,"
                  "2001:db8::7/64,gw=fe80::1"));
    CHECK_EQ(got.address_count, 2);
    CHECK_STR_EQ(text_of(&got.addresses[0].address), "192.0.2.7");
    CHECK_EQ(got.addresses[0].prefix_len, 24);
    CHECK_STR_EQ(text_of(&got.addresses[1].address), "2001:db8::7");
    CHECK_EQ(got.addresses[1].prefix_len, 64);
    CHECK_STR_EQ(text_of(&got.gateway4), "192.0.2.1");
    CHECK_STR_EQ(text_of(&got.gateway6), "fe80::1");
    CHECK_EQ(got.dns_count, 2);
    CHECK_STR_EQ(text_of(&got.dns[1]), "2001:db8::53");
    CHECK(!got.has_dhcp && !got.has_slaac);
    CHECK(reads("2001:db8::7/64,dhcp") && got.has_dhcp);
    CHECK(reads("10.0.0.1/32") && reads("10.0.0.1/1"));
}

TEST(what_is_not_a_list_is_refused)
{
    static const char *const bad[] = {
        "",
        ",",
        "off,dhcp",
        "dhcp,off",
        "dhcp,dhcp",
        "dhcp,",
        ",dhcp",
        "192.0.2.7",  /* no prefix */
        "192.0.2.7/", /* an empty one */
        "192.0.2.7/0",
        "192.0.2.7/33",
        "192.0.2.7/024",
        "192.0.2.7/+4",
        "192.0.2.7/24 ",
        "192.0.2.07/24",
        "192.0.2.256/24",
        "192.0.2/24",
        "0.0.0.0/0",
        "0.1.2.3/8",
        "127.0.0.1/8",
        "224.0.0.1/4",
        "255.255.255.255/32",
        "2001:db8::7/48", /* only /64 */
        "2001:db8::7/128",
        "ff02::1/64",
        "::1/64",
        "::/64",
        "fe80::1%net0/64",
        "192.0.2.7/24,192.0.2.8/24", /* two of IPv4 */
        "192.0.2.7/24,dhcp",
        "2001:db8::7/64,2001:db8::7/64",
        "192.0.2.7/24,gw=192.0.2.1,gw=192.0.2.2",
        "192.0.2.7/24,gw=",
        "192.0.2.7/24,gw=2001:db8::1", /* a gateway of no address */
        "dhcp,gw=192.0.2.1",
        "gw=192.0.2.1",
        "dns=192.0.2.1",
        "dhcp,dns=0.0.0.0",
        "dhcp,dns=1.1.1.1,dns=1.1.1.2,dns=1.1.1.3,dns=1.1.1.4,dns=1.1.1.5",
        "DHCP",
        "auto",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (reads(bad[i]))
            test_failed(__FILE__, __LINE__, "accepted \"%s\"", bad[i]);
}

TEST(linux_words_are_understood)
{
    CHECK(reads_linux("dhcp") && got.has_dhcp && got.has_slaac);
    CHECK_EQ(got.index, LUNIK_LWIP_EACH);
    CHECK(reads_linux("on") && got.has_dhcp);
    CHECK(reads_linux("any") && got.has_dhcp);
    CHECK(reads_linux("both") && got.has_dhcp);
    CHECK(reads_linux("off") && got.is_off);
    CHECK(reads_linux("none") && got.is_off);
}

TEST(linux_fields_are_understood)
{
    REQUIRE(reads_linux("192.0.2.7:192.0.2.2:192.0.2.1:255.255.255.0:web-1:"
                        "net1:off:192.0.2.53:192.0.2.54"));
    CHECK_STR_EQ(text_of(&got.addresses[0].address), "192.0.2.7");
    CHECK_EQ(got.addresses[0].prefix_len, 24);
    CHECK_STR_EQ(text_of(&got.gateway4), "192.0.2.1");
    CHECK_STR_EQ(got.host, "web-1");
    CHECK_EQ(got.index, 1);
    CHECK_EQ(got.dns_count, 2);
    CHECK(!got.has_dhcp && got.has_slaac && !got.is_off);
}

TEST(linux_fields_may_be_left_out)
{
    CHECK(reads_linux("192.0.2.7") && got.addresses[0].prefix_len == 24);
    CHECK_EQ(got.index, 0);
    CHECK(reads_linux("10.0.0.7") && got.addresses[0].prefix_len == 8);
    CHECK(reads_linux("172.16.0.7") && got.addresses[0].prefix_len == 16);
    CHECK(reads_linux("192.0.2.7:::28") && got.addresses[0].prefix_len == 28);
    CHECK(reads_linux("192.0.2.7::192.0.2.1"));
    CHECK(reads_linux(":::::net2:dhcp") && got.has_dhcp && got.index == 2);
    CHECK(reads_linux("::::web:net0") && got.has_dhcp);
    CHECK(reads_linux("::::::none") && got.is_off && got.index == 0);
}

TEST(linux_fields_hold_ipv6_in_brackets)
{
    REQUIRE(reads_linux("[2001:db8::7]::[fe80::1]:64::net0:none:"
                        "[2001:db8::53]"));
    CHECK_STR_EQ(text_of(&got.addresses[0].address), "2001:db8::7");
    CHECK_EQ(got.addresses[0].prefix_len, 64);
    CHECK_STR_EQ(text_of(&got.gateway6), "fe80::1");
    CHECK_STR_EQ(text_of(&got.dns[0]), "2001:db8::53");
    CHECK(reads_linux("[2001:db8::7]") && got.addresses[0].prefix_len == 64);
}

TEST(what_linux_would_not_write_is_refused)
{
    static const char *const bad[] = {
        "",
        "192.0.2.7::::::::::", /* a field too many */
        "192.0.2.7:::255.0.255.0",
        "192.0.2.7:::0.0.0.0",
        "192.0.2.7:::33",
        "192.0.2.7:::0",
        "192.0.2.7::[2001:db8::1]", /* a gateway of another kind */
        "192.0.2.7:nobody",
        "192.0.2.7::192.0.2.1::-web",
        "192.0.2.7::192.0.2.1::web-",
        "192.0.2.7::::a_b",
        "192.0.2.7:::::eth0",
        "192.0.2.7:::::net4",
        "192.0.2.7:::::net",
        "192.0.2.7:::::net00",
        "192.0.2.7::::::dhcp", /* both */
        "192.0.2.7::::::bootp",
        "::192.0.2.1", /* a gateway of no address */
        ":::255.255.255.0",
        "2001:db8::7",
        "[192.0.2.7]",
        "[2001:db8::7",
        "[]",
        "[2001:db8::7]x",
        "x[2001:db8::7]",
        "[2001:db8::7]:::48",
        "dhcp:",
        "Dhcp",
        "192.0.2.7 ",
        "192.0.2.7:::::::1.2.3.4:1.2.3.4:1.2.3.4",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (reads_linux(bad[i]))
            test_failed(__FILE__, __LINE__, "accepted \"%s\"", bad[i]);
}
