/* SPDX-License-Identifier: MIT */
/* test_random.c: the generator and the primitives under it. */
#define TEST_ON_FIBER
#include "test.h"

#include "core.h"
#include "crypto.h"
#include <lunik/random.h>

static void from_hex(const char *hex, uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned byte = 0;

        sscanf(hex + 2 * i, "%2x", &byte);
        out[i] = (uint8_t)byte;
    }
}

static void check_sha256(const char *text, size_t size, const char *hex)
{
    uint8_t wanted[SHA256_SIZE], got[SHA256_SIZE];

    from_hex(hex, wanted, sizeof(wanted));
    lunik_sha256(text, size, got);
    CHECK_MEM_EQ(got, wanted, sizeof(got));
}

/* The examples of FIPS 180-4, and lengths around a block's end. */
TEST(sha256_gives_the_published_digests)
{
    static char many[1000000];

    check_sha256(
        "", 0,
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check_sha256(
        "abc", 3,
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check_sha256(
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    check_sha256(
        "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
        "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
        112,
        "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
    memset(many, 'a', sizeof(many));
    check_sha256(
        many, sizeof(many),
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    check_sha256(
        many, 55,
        "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
    check_sha256(
        many, 64,
        "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
}

/* RFC 8439, 2.3.2 and A.1. */
TEST(chacha20_gives_the_published_blocks)
{
    uint8_t key[CHACHA20_KEY_SIZE] = { 0 };
    uint8_t nonce[CHACHA20_NONCE_SIZE] = { 0 };
    uint8_t wanted[CHACHA20_BLOCK_SIZE], got[CHACHA20_BLOCK_SIZE];

    lunik_chacha20_block(key, 0, nonce, got);
    from_hex("76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
             "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586",
             wanted, sizeof(wanted));
    CHECK_MEM_EQ(got, wanted, sizeof(got));
    lunik_chacha20_block(key, 1, nonce, got);
    from_hex("9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
             "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f",
             wanted, sizeof(wanted));
    CHECK_MEM_EQ(got, wanted, sizeof(got));
    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)i;
    from_hex("000000090000004a00000000", nonce, sizeof(nonce));
    lunik_chacha20_block(key, 1, nonce, got);
    from_hex("10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
             "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e",
             wanted, sizeof(wanted));
    CHECK_MEM_EQ(got, wanted, sizeof(got));
}

TEST(wiping_leaves_zeros_and_stops_at_the_end)
{
    uint8_t data[5] = { 1, 2, 3, 4, 5 };
    const uint8_t wanted[5] = { 0, 0, 0, 0, 5 };

    lunik_wipe(data, 4);
    CHECK_MEM_EQ(data, wanted, sizeof(data));
}

TEST(an_unseeded_generator_gives_nothing)
{
    CHECK_STR_EQ(lunik_random_sources(), "");
    CHECK_DIES(0x20, lunik_random_u64());
    CHECK_CONTAINS(test_output, "assertion failed");
}

TEST(a_seeded_generator_names_its_source)
{
    lunik_random_init();
    CHECK_STR_EQ(lunik_random_sources(), "getrandom");
}

TEST(every_byte_of_every_length_is_filled_and_none_more)
{
    uint8_t data[600];

    for (size_t size = 0; size < 520; size++) {
        uint8_t seen[520] = { 0 };

        /* 24 tries leave a byte 0 by chance with probability 2^-192. */
        for (int round = 0; round < 24; round++) {
            memset(data, 0, sizeof(data));
            lunik_random_fill(data, size);
            for (size_t i = 0; i < size; i++)
                seen[i] |= data[i];
            REQUIRE(data[size] == 0);
        }
        for (size_t i = 0; i < size; i++)
            REQUIRE(seen[i] != 0);
    }
}

TEST(values_do_not_repeat)
{
    static uint64_t seen[4096];

    for (size_t i = 0; i < 4096; i++) {
        seen[i] = lunik_random_u64();
        for (size_t k = 0; k < i; k++)
            REQUIRE(seen[k] != seen[i]);
    }
}

TEST(each_bit_is_one_half_of_the_time)
{
    enum { VALUES = 20000 };
    unsigned ones[64] = { 0 };

    for (int i = 0; i < VALUES; i++) {
        uint64_t value = lunik_random_u64();

        for (int bit = 0; bit < 64; bit++)
            ones[bit] += (value >> bit & 1) != 0;
    }
    /* Seven standard deviations of 71. */
    for (int bit = 0; bit < 64; bit++)
        CHECK(ones[bit] > VALUES / 2 - 500 && ones[bit] < VALUES / 2 + 500);
}

TEST(long_fills_differ_from_each_other)
{
    static uint8_t a[100000], b[100000];

    lunik_random_fill(a, sizeof(a));
    lunik_random_fill(b, sizeof(b));
    for (size_t i = 0; i + 64 <= sizeof(a); i += 64) {
        REQUIRE(memcmp(a + i, b + i, 64) != 0);
        REQUIRE(i == 0 || memcmp(a + i, a + i - 64, 64) != 0);
    }
}

TEST(children_of_one_seed_would_agree)
{
    /* The generator is state only: a copy of the process gives the same bytes.
     * This is what the test of two boots relies on being false there. */
    uint64_t mine;

    CHECK_DIES(0, {
        printf("%016llx", (unsigned long long)lunik_random_u64());
        fflush(stdout);
        _exit(0);
    });
    mine = lunik_random_u64();
    CHECK_EQ(strtoull(test_output, NULL, 16), mine);
}
