/* SPDX-License-Identifier: MIT */
/* test_address.c: the text of IP addresses. */
#include <lunik/address.h>
#include <lunik/interface.h>

#include "test.h"

/* Two interfaces, as the IP stack would have them. */
lunik_result lunik_interface_get(size_t index, struct lunik_interface *out)
{
    memset(out, 0, sizeof(*out));
    if (index > 1)
        return LUNIK_ENOENT;
    snprintf(out->name, sizeof(out->name), "net%zu", index);
    return LUNIK_OK;
}

/* What (text) is written as; NULL: it is refused. */
static const char *again(const char *text)
{
    static char out[LUNIK_ADDRESS_TEXT_MAX];
    /* A block of just its size: nothing is read behind its end. */
    char *copy = strdup(text);
    struct lunik_address address;
    bool is_good;
    size_t len;

    memset(&address, 0xa5, sizeof(address));
    is_good = lunik_address_parse(copy, &address);
    free(copy);
    if (!is_good) {
        struct lunik_address none = { 0 };

        CHECK_MEM_EQ(&address, &none, sizeof(none));
        return NULL;
    }
    len = lunik_address_format(&address, out);
    CHECK_EQ(len, strlen(out));
    return out;
}

TEST(ip4_addresses_are_four_plain_numbers)
{
    static const char *const good[] = { "0.0.0.0", "1.2.3.4", "192.0.2.255",
                                        "255.255.255.255" };
    static const char *const bad[] = {
        "",          "1",          "1.2.3",      "1.2.3.",     "1.2.3.4.",
        "1.2.3.4.5", "256.1.1.1",  "1.2.3.256",  "01.2.3.4",   "1.2.3.00",
        "1.2.3.-4",  "1.2.3.4 ",   " 1.2.3.4",   "1..3.4",     ".1.2.3",
        "0x1.2.3.4", "1.2.3.0004", "1.2.3.4%1",  "1.2.3.4/24", "a.b.c.d",
        "1,2,3,4",   "1.2.3.4\n",  "1.2.3.1000", "localhost",
    };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        CHECK_STR_EQ(again(good[i]), good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_STR_EQ(again(bad[i]), NULL);
}

TEST(ip6_addresses_are_written_as_rfc_5952_has_it)
{
    static const char *const pairs[][2] = {
        { "::", "::" },
        { "::1", "::1" },
        { "1::", "1::" },
        { "0:0:0:0:0:0:0:0", "::" },
        { "2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1" },
        { "2001:DB8::ABCD", "2001:db8::abcd" },
        { "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
        { "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" },
        { "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
        { "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" },
        { "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8" },
        { "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8" },
        { "0:0:1:2:3:4:0:0", "::1:2:3:4:0:0" },
        { "1:2:3:4:5:6:0:0", "1:2:3:4:5:6::" },
        { "::ffff:192.0.2.1", "::ffff:192.0.2.1" },
        { "::ffff:c000:201", "::ffff:192.0.2.1" },
        { "64:ff9b::192.0.2.33", "64:ff9b::c000:221" },
        { "::192.0.2.1", "::c000:201" },
        { "1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:c000:201" },
        { "1:2:3:4:5::192.0.2.1", "1:2:3:4:5:0:c000:201" },
    };

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        CHECK_STR_EQ(again(pairs[i][0]), pairs[i][1]);
        CHECK_STR_EQ(again(pairs[i][1]), pairs[i][1]);
    }
}

TEST(other_text_is_no_ip6_address)
{
    static const char *const bad[] = {
        ":",
        ":::",
        ":1",
        "1:",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:",
        "1:2:3:4:5:6:7:8:",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8::",
        "::1:2:3:4:5:6:7:8",
        "1:2:3:4::5:6:7:8",
        "1::2::3",
        "12345::",
        "::g",
        "::1 ",
        "::-1",
        "::1.2.3",
        "::1.2.3.4.5",
        "::1.2.3.256",
        "::01.2.3.4",
        "1.2.3.4::",
        "::1.2.3.4:5",
        "1:2:3:4:5:6:7:1.2.3.4",
        "[::1]",
        "::1/64",
        "::0x1",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_STR_EQ(again(bad[i]), NULL);
}

TEST(a_zone_belongs_to_link_local_addresses_alone)
{
    struct lunik_address address;

    CHECK_STR_EQ(again("fe80::1%net0"), "fe80::1%net0");
    CHECK(lunik_address_parse("fe80::1%net1", &address));
    CHECK_EQ(address.zone, 2);
    CHECK(lunik_address_parse("fe80::1%1", &address));
    CHECK_EQ(address.zone, 1);
    CHECK_STR_EQ(again("fe80::1%1"), "fe80::1%net0");
    CHECK_STR_EQ(again("fe80::1%77"), "fe80::1%77");
    CHECK_STR_EQ(again("ff02::1%net1"), "ff02::1%net1");
    CHECK_STR_EQ(again("febf::1%net1"), "febf::1%net1");
    CHECK_STR_EQ(again("fe80::1%"), NULL);
    CHECK_STR_EQ(again("fe80::1%net7"), NULL);
    CHECK_STR_EQ(again("fe80::1%net0 "), NULL);
    CHECK_STR_EQ(again("fe80::1%01"), NULL);
    CHECK_STR_EQ(again("fe80::1%1000"), NULL);
    CHECK_STR_EQ(again("fec0::1%net0"), NULL);
    CHECK_STR_EQ(again("2001:db8::1%net0"), NULL);
    CHECK_STR_EQ(again("ff05::1%net0"), NULL);
}

TEST(every_truncation_of_an_address_is_read_or_refused)
{
    static const char text[] = "2001:db8:ffff:1:2:3:192.0.2.100";
    char part[sizeof(text)];

    for (size_t len = 0; len < sizeof(text); len++) {
        memcpy(part, text, len);
        part[len] = '\0';
        /* Whole from the first digit of the last number on. */
        CHECK_EQ(again(part) != NULL, len >= sizeof(text) - 3);
    }
}

TEST(addresses_are_the_same_without_their_ports)
{
    struct lunik_address a, b;

    REQUIRE(lunik_address_parse("192.0.2.1", &a));
    b = a;
    b.port = 80;
    b.bytes[15] = 7; /* not one of IPv4's */
    CHECK(lunik_address_is_same(&a, &b));
    b.bytes[3]++;
    CHECK(!lunik_address_is_same(&a, &b));
    REQUIRE(lunik_address_parse("fe80::1%1", &a));
    b = a;
    CHECK(lunik_address_is_same(&a, &b));
    b.zone = 2;
    CHECK(!lunik_address_is_same(&a, &b));
    REQUIRE(lunik_address_parse("::", &b));
    CHECK(!lunik_address_is_same(&a, &b));
    memset(&a, 0, sizeof(a));
    memset(&b, 0, sizeof(b));
    CHECK(lunik_address_is_same(&a, &b));
}

TEST(any_address_has_no_bits)
{
    static const char *const texts[] = { "0.0.0.0", "::", "0.0.0.1", "::1",
                                         "1::" };
    struct lunik_address address = { 0 };
    char text[LUNIK_ADDRESS_TEXT_MAX] = "x";

    CHECK(!lunik_address_is_any(&address));
    CHECK_EQ(lunik_address_format(&address, text), 0);
    CHECK_STR_EQ(text, "");
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        REQUIRE(lunik_address_parse(texts[i], &address));
        CHECK_EQ(lunik_address_is_any(&address), i < 2);
    }
}
