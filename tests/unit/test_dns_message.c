/* SPDX-License-Identifier: MIT */
/* test_dns_message.c: DNS questions, and answers good, bad and cut off. */
#include "dns_message.h"

#include "test.h"

static const struct lunik_dns_question question = { .id = 0x1234,
                                                    .type = LUNIK_DNS_A,
                                                    .name = "www.example.org" };
static const struct lunik_dns_question question6 = {
    .id = 0x1234, .type = LUNIK_DNS_AAAA, .name = "www.example.org"
};

/* ---- A message under construction ---- */

static uint8_t message[1024];
static size_t size;
static struct lunik_dns_answer answer;

static void put8(unsigned value)
{
    message[size++] = (uint8_t)value;
}

static void put16(unsigned value)
{
    put8(value >> 8);
    put8(value & 255);
}

static void put32(uint32_t value)
{
    put16(value >> 16);
    put16(value & 0xffff);
}

static void put_name(const char *name)
{
    while (*name) {
        size_t len = strcspn(name, ".");

        put8((unsigned)len);
        memcpy(message + size, name, len);
        size += len;
        name += len + (name[len] == '.');
    }
    put8(0);
}

static void begin(unsigned flags, unsigned answers, unsigned authorities)
{
    size = 0;
    put16(0x1234);
    put16(flags);
    put16(1);
    put16(answers);
    put16(authorities);
    put16(0);
    put_name("www.example.org"); /* at 12; "example.org" at 16 */
    put16(LUNIK_DNS_A);
    put16(1);
}

static void put_record(unsigned type, uint32_t ttl, unsigned data_size)
{
    put16(type);
    put16(1);
    put32(ttl);
    put16(data_size);
}

static void put_a(unsigned last, uint32_t ttl)
{
    put16(0xc00c); /* the question's name */
    put_record(LUNIK_DNS_A, ttl, 4);
    put32(0xc0000200 | last);
}

static enum lunik_dns_verdict verdict(void)
{
    /* A block of its own: a sanitizer sees who reads too far. */
    uint8_t *copy = malloc(size ? size : 1);
    enum lunik_dns_verdict result;

    memcpy(copy, message, size);
    result = lunik_dns_read_answer(&question, copy, size, &answer);
    free(copy);
    return result;
}

#define OK_FLAGS 0x8180

/* ---- Names ---- */

TEST(names_of_hosts_are_taken_and_others_refused)
{
    static const char *const bad[] = { "",      ".",          "..",  "a..b",
                                       ".a",    "a b",        "a/b", "a\n",
                                       "127.1", "1",          "a.1", "\xc3\xa4",
                                       "a..",   "255.256.1.2" };
    char out[LUNIK_DNS_NAME_MAX + 1], name[300];

    CHECK(lunik_dns_read_name("WWW.Example.ORG.", out));
    CHECK_STR_EQ(out, "www.example.org");
    CHECK(lunik_dns_read_name("a_b.c-d.x9", out));
    CHECK(lunik_dns_read_name("1.a", out));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (lunik_dns_read_name(bad[i], out))
            test_failed(__FILE__, __LINE__, "accepted \"%s\"", bad[i]);
    memset(name, 'a', 64);
    name[63] = '\0';
    CHECK(lunik_dns_read_name(name, out));
    name[63] = 'a';
    name[64] = '\0';
    CHECK(!lunik_dns_read_name(name, out));
    for (size_t i = 0; i < 254; i++)
        name[i] = i % 2 ? '.' : 'a';
    name[253] = '\0';
    CHECK(lunik_dns_read_name(name, out));
    strcpy(name + 253, ".a");
    CHECK(!lunik_dns_read_name(name, out));
}

TEST(a_question_is_written_as_rfc_1035_has_it)
{
    static const uint8_t wanted[] =
        "\x12\x34\1\0\0\1\0\0\0\0\0\0\3www\7example\3org\0\0\x1c\0\1";
    uint8_t out[LUNIK_DNS_QUERY_MAX];

    CHECK_EQ(lunik_dns_write_query(&question6, out), sizeof(wanted) - 1);
    CHECK_MEM_EQ(out, wanted, sizeof(wanted) - 1);
}

TEST(the_longest_name_fits_a_question)
{
    struct lunik_dns_question longest = { .type = LUNIK_DNS_A };
    uint8_t out[LUNIK_DNS_QUERY_MAX];

    for (size_t i = 0; i < LUNIK_DNS_NAME_MAX; i++)
        longest.name[i] = i % 64 == 63 ? '.' : 'a';
    CHECK_EQ(lunik_dns_write_query(&longest, out), LUNIK_DNS_QUERY_MAX);
}

/* ---- Answers ---- */

TEST(addresses_are_found_with_the_least_ttl)
{
    begin(OK_FLAGS, 2, 0);
    put_a(1, 300);
    put_a(2, 60);
    CHECK_EQ(verdict(), LUNIK_DNS_ANSWER);
    CHECK_EQ(answer.count, 2);
    CHECK_EQ(answer.ttl, 60);
    CHECK_EQ(answer.addresses[1].family, LUNIK_IP4);
    CHECK_MEM_EQ(answer.addresses[1].bytes, "\xc0\0\2\2", 4);
}

TEST(ipv6_addresses_are_found)
{
    begin(OK_FLAGS, 1, 0);
    message[size - 3] = LUNIK_DNS_AAAA;
    put16(0xc00c);
    put_record(LUNIK_DNS_AAAA, 60, 16);
    for (unsigned i = 0; i < 16; i++)
        put8(i);
    CHECK_EQ(lunik_dns_read_answer(&question6, message, size, &answer),
             LUNIK_DNS_ANSWER);
    CHECK_EQ(answer.addresses[0].family, LUNIK_IP6);
    CHECK_EQ(answer.addresses[0].bytes[15], 15);
}

TEST(a_ttl_beyond_reason_is_cut_and_a_negative_one_is_none)
{
    begin(OK_FLAGS, 1, 0);
    put_a(1, 0x7fffffff);
    CHECK_EQ(verdict(), LUNIK_DNS_ANSWER);
    CHECK_EQ(answer.ttl, 86400);
    begin(OK_FLAGS, 1, 0);
    put_a(1, 0x80000000);
    CHECK_EQ(verdict(), LUNIK_DNS_ANSWER);
    CHECK_EQ(answer.ttl, 0);
}

TEST(no_more_addresses_than_there_is_room_for)
{
    begin(OK_FLAGS, 20, 0);
    for (unsigned i = 0; i < 20; i++)
        put_a(i, 60);
    CHECK_EQ(verdict(), LUNIK_DNS_ANSWER);
    CHECK_EQ(answer.count, LUNIK_DNS_ADDRESSES_MAX);
}

TEST(aliases_are_followed_in_any_order)
{
    begin(OK_FLAGS, 3, 0);
    put_name("c.example");
    put_record(LUNIK_DNS_A, 10, 4);
    put32(0xc0000207);
    put_name("b.example");
    put_record(5, 20, 11);
    put_name("c.example");
    put16(0xc00c);
    put_record(5, 30, 11);
    put_name("B.EXAMPLE");
    CHECK_EQ(verdict(), LUNIK_DNS_ANSWER);
    CHECK_EQ(answer.ttl, 10);
    CHECK_MEM_EQ(answer.addresses[0].bytes, "\xc0\0\2\7", 4);
}

TEST(an_alias_without_an_address_is_asked_for)
{
    begin(OK_FLAGS, 1, 0);
    put16(0xc00c);
    put_record(5, 30, 4);
    put8(1);
    put8('x');
    put16(0xc010); /* x.example.org */
    CHECK_EQ(verdict(), LUNIK_DNS_ALIAS);
    CHECK_STR_EQ(answer.alias, "x.example.org");
}

TEST(aliases_in_a_circle_come_to_an_end)
{
    begin(OK_FLAGS, 1, 0);
    put16(0xc00c);
    put_record(5, 30, 2);
    put16(0xc00c);
    CHECK_EQ(verdict(), LUNIK_DNS_FAILED);
}

TEST(an_address_of_another_name_is_not_taken)
{
    begin(OK_FLAGS, 1, 0);
    put_name("evil.example");
    put_record(LUNIK_DNS_A, 10, 4);
    put32(0x06060606);
    CHECK_EQ(verdict(), LUNIK_DNS_NONE);
    CHECK_EQ(answer.count, 0);
}

TEST(an_alias_to_what_is_no_host_leads_nowhere)
{
    begin(OK_FLAGS, 1, 0);
    put16(0xc00c);
    put_record(5, 30, 5);
    put_name("a/b");
    CHECK_EQ(verdict(), LUNIK_DNS_NONE);
}

/* ---- Refusals ---- */

static void put_soa(uint32_t ttl, uint32_t least)
{
    put16(0xc010);
    put_record(6, ttl, 2 + 20);
    put8(0);
    put8(0);
    for (int i = 0; i < 4; i++)
        put32(1);
    put32(least);
}

TEST(a_name_that_is_not_there_holds_for_as_long_as_the_soa_says)
{
    begin(OK_FLAGS | 3, 0, 1);
    put_soa(100, 40);
    CHECK_EQ(verdict(), LUNIK_DNS_NONE);
    CHECK_EQ(answer.ttl, 40);
    begin(OK_FLAGS | 3, 0, 1);
    put_soa(30, 86400);
    CHECK_EQ(verdict(), LUNIK_DNS_NONE);
    CHECK_EQ(answer.ttl, 30);
    begin(OK_FLAGS, 0, 1);
    put_soa(86400, 86400);
    CHECK_EQ(verdict(), LUNIK_DNS_NONE);
    CHECK_EQ(answer.ttl, 300);
    begin(OK_FLAGS, 0, 0);
    CHECK_EQ(verdict(), LUNIK_DNS_NONE);
    CHECK_EQ(answer.ttl, 0);
}

TEST(a_server_that_cannot_tell_is_told_from_one_that_says_no)
{
    begin(OK_FLAGS | 2, 0, 0);
    CHECK_EQ(verdict(), LUNIK_DNS_FAILED);
    begin(OK_FLAGS | 5, 0, 0);
    CHECK_EQ(verdict(), LUNIK_DNS_FAILED);
    begin(OK_FLAGS | 0x200, 0, 0);
    CHECK_EQ(verdict(), LUNIK_DNS_TRUNCATED);
}

TEST(what_answers_another_question_is_ignored)
{
    begin(OK_FLAGS, 1, 0);
    put_a(1, 60);
    message[0] ^= 1; /* another number */
    CHECK_EQ(verdict(), LUNIK_DNS_IGNORE);
    begin(0x0100, 1, 0); /* a question */
    put_a(1, 60);
    CHECK_EQ(verdict(), LUNIK_DNS_IGNORE);
    begin(OK_FLAGS | 0x800, 1, 0); /* another kind of talk */
    put_a(1, 60);
    CHECK_EQ(verdict(), LUNIK_DNS_IGNORE);
    begin(OK_FLAGS, 1, 0);
    put_a(1, 60);
    message[13] = 'v'; /* another name */
    CHECK_EQ(verdict(), LUNIK_DNS_IGNORE);
    begin(OK_FLAGS, 1, 0);
    put_a(1, 60);
    message[5] = 2; /* two questions */
    CHECK_EQ(verdict(), LUNIK_DNS_IGNORE);
    CHECK_EQ(lunik_dns_read_answer(&question6, message, size, &answer),
             LUNIK_DNS_IGNORE);
}

/* ---- Damage ---- */

TEST(an_answer_cut_off_anywhere_is_not_believed)
{
    size_t whole;

    begin(OK_FLAGS, 2, 0);
    put16(0xc00c);
    put_record(5, 30, 11);
    put_name("c.example");
    put_name("c.example");
    put_record(LUNIK_DNS_A, 10, 4);
    put32(0xc0000207);
    whole = size;
    CHECK_EQ(verdict(), LUNIK_DNS_ANSWER);
    for (size = 0; size < whole; size++)
        if (verdict() == LUNIK_DNS_ANSWER)
            test_failed(__FILE__, __LINE__, "believed %zu of %zu bytes", size,
                        whole);
}

TEST(pointers_that_lead_forwards_or_in_circles_are_refused)
{
    begin(OK_FLAGS, 1, 0);
    put16(0xc000 | (unsigned)size); /* to itself */
    put_record(LUNIK_DNS_A, 60, 4);
    put32(1);
    CHECK_EQ(verdict(), LUNIK_DNS_FAILED);
    begin(OK_FLAGS, 1, 0);
    put16(0xffff);
    put_record(LUNIK_DNS_A, 60, 4);
    put32(1);
    CHECK_EQ(verdict(), LUNIK_DNS_FAILED);
    begin(OK_FLAGS, 1, 0);
    put8(0x80); /* no kind of label */
    put_record(LUNIK_DNS_A, 60, 4);
    put32(1);
    CHECK_EQ(verdict(), LUNIK_DNS_FAILED);
}

TEST(a_name_longer_than_names_are_is_refused)
{
    begin(OK_FLAGS, 1, 0);
    for (int i = 0; i < 5; i++) {
        put8(63);
        for (int j = 0; j < 63; j++)
            put8('a');
    }
    put8(0);
    put_record(LUNIK_DNS_A, 60, 4);
    put32(1);
    CHECK_EQ(verdict(), LUNIK_DNS_FAILED);
}

TEST(an_address_of_the_wrong_size_is_not_taken)
{
    begin(OK_FLAGS, 1, 0);
    put16(0xc00c);
    put_record(LUNIK_DNS_A, 60, 3);
    put16(1);
    put8(1);
    CHECK_EQ(verdict(), LUNIK_DNS_NONE);
}
