/* SPDX-License-Identifier: MIT */
/*
 * test_lwip_parts.c: the parts of the IP stack that stand alone: checksums, the
 * keyed hash, and memory with its bounds.
 */
#define TEST_ON_FIBER
#include "core.h"
#include "lwip_peer.h"
#include "tcp_table.h"

#include "lwip/mem.h"
#include "lwip/pbuf.h"

#include "test.h"

/* ---- Checksums ---- */

/* RFC 1071, word by word. */
static uint16_t plain_sum(const uint8_t *at, size_t size)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < size; i++)
        sum += (uint32_t)at[i] << (i % 2 ? 0 : 8);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

TEST(checksums_of_all_sizes_and_places_are_right)
{
    static uint8_t bytes[400];
    uint32_t random = 1;

    for (size_t i = 0; i < sizeof(bytes); i++) {
        random = random * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(random >> 24);
    }
    for (size_t from = 0; from < 9; from++)
        for (size_t size = 0; size < 300; size++) {
            uint16_t wanted = plain_sum(bytes + from, size);
            uint16_t got = lunik_lwip_checksum(bytes + from, (int)size);

            got = (uint16_t)(got << 8 | got >> 8);
            if (got != wanted)
                test_failed(__FILE__, __LINE__, "%zu bytes from %zu: %x, %x",
                            size, from, got, wanted);
        }
}

TEST(a_checksum_of_ones_does_not_overflow)
{
    static uint8_t ones[65536];

    memset(ones, 255, sizeof(ones));
    CHECK_EQ(lunik_lwip_checksum(ones, sizeof(ones)), 0xffff);
    CHECK_EQ(lunik_lwip_checksum(ones, 0), 0);
    CHECK_EQ(lunik_lwip_checksum(ones, -1), 0);
}

/* ---- SipHash ---- */

TEST(siphash_gives_the_values_of_its_paper)
{
    static const uint64_t key[2] = { UINT64_C(0x0706050403020100),
                                     UINT64_C(0x0f0e0d0c0b0a0908) };
    uint8_t bytes[15];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    CHECK(lunik_tcp_siphash(key, bytes, 15) == UINT64_C(0xa129ca6149be45e5));
    CHECK(lunik_tcp_siphash(key, bytes, 0) == UINT64_C(0x726fdb47dd0e0e31));
    CHECK(lunik_tcp_siphash(key, bytes, 8) == UINT64_C(0x93f5f5799a932462));
}

/* ---- Memory ---- */

TEST(bounds_follow_from_the_memory)
{
    lunik_lwip_memory_init((size_t)1 << 20);
    CHECK_EQ(lunik_lwip_window, 64 * 1024);
    CHECK_EQ(lunik_lwip_memory_limit(), 512 * 1024);
    lunik_lwip_memory_init((size_t)1 << 30);
    CHECK_EQ(lunik_lwip_window, 512 * 1024);
    CHECK_EQ(lunik_lwip_send_buffer, 512 * 1024);
    lunik_lwip_memory_init(1);
    CHECK_EQ(lunik_lwip_window, 16 * 1024);
    CHECK(lunik_lwip_send_queue >= 64);
}

TEST(memory_ends_at_its_limit_and_comes_back)
{
    static void *blocks[4096];
    size_t count = 0, again = 0;

    lunik_lwip_memory_init((size_t)1 << 20);
    while (count < 4096 && (blocks[count] = mem_malloc(1000)) != NULL)
        count++;
    CHECK(count > 100 && count < 4096);
    CHECK(lunik_lwip_memory_is_short());
    /* What is small, as an acknowledgement is, still finds room. */
    blocks[count] = mem_malloc(64);
    CHECK(blocks[count] != NULL);
    mem_free(blocks[count]);
    for (size_t i = 0; i < count; i++)
        mem_free(blocks[i]);
    CHECK(!lunik_lwip_memory_is_short());
    while (again < 4096 && (blocks[again] = mem_malloc(1000)) != NULL)
        again++;
    CHECK_EQ(again, count);
    for (size_t i = 0; i < again; i++)
        mem_free(blocks[i]);
}

TEST(blocks_of_all_sizes_are_whole_and_apart)
{
    enum { COUNT = 64 };
    uint8_t *blocks[COUNT];

    lunik_lwip_memory_init((size_t)16 << 20);
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = mem_malloc(i * 97 + 1);
        REQUIRE(blocks[i] != NULL);
        memset(blocks[i], (int)i, i * 97 + 1);
    }
    for (size_t i = 0; i < COUNT; i++)
        for (size_t j = 0; j < i * 97 + 1; j++)
            if (blocks[i][j] != (uint8_t)i) {
                test_failed(__FILE__, __LINE__, "block %zu is damaged", i);
                break;
            }
    for (size_t i = 0; i < COUNT; i++)
        mem_free(blocks[i]);
    mem_free(NULL);
}

TEST(zeroed_memory_is_zero_and_refuses_to_overflow)
{
    uint8_t *block;

    lunik_lwip_memory_init((size_t)16 << 20);
    block = mem_malloc(100);
    memset(block, 255, 100);
    mem_free(block);
    block = mem_calloc(10, 10);
    REQUIRE(block != NULL);
    for (size_t i = 0; i < 100; i++)
        CHECK_EQ(block[i], 0);
    mem_free(block);
    CHECK(mem_calloc(SIZE_MAX / 2, 4) == NULL);
}

TEST(kinds_that_are_bounded_by_number_end_there)
{
    void *groups[MEMP_NUM_IGMP_GROUP + 1];
    size_t count = 0;

    lunik_lwip_memory_init((size_t)16 << 20);
    while (count <= MEMP_NUM_IGMP_GROUP &&
           (groups[count] = memp_malloc(MEMP_IGMP_GROUP)) != NULL)
        count++;
    CHECK_EQ(count, MEMP_NUM_IGMP_GROUP);
    CHECK_EQ(lunik_lwip_pool_used(MEMP_IGMP_GROUP), count);
    while (count > 0)
        memp_free(MEMP_IGMP_GROUP, groups[--count]);
    CHECK_EQ(lunik_lwip_pool_used(MEMP_IGMP_GROUP), 0);
    memp_free(MEMP_IGMP_GROUP, NULL);
}

TEST(a_full_segment_takes_one_block)
{
    size_t before;
    struct pbuf *pbuf;

    lunik_lwip_memory_init((size_t)16 << 20);
    pbuf = pbuf_alloc(PBUF_TRANSPORT, 1460, PBUF_RAM);
    REQUIRE(pbuf != NULL);
    CHECK_EQ(pbuf->len, 1460);
    pbuf_free(pbuf);
    before = lunik_lwip_memory_used();
    pbuf = pbuf_alloc(PBUF_TRANSPORT, 1460, PBUF_RAM);
    CHECK_EQ(lunik_lwip_memory_used(), before); /* it was kept */
    pbuf_free(pbuf);
}
