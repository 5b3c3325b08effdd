/* SPDX-License-Identifier: MIT */
/* test_crc32c.c: the sum that guards a seal. */
#include "arch.h"
#include "test.h"

/* As the definition has it, bit by bit. */
static uint32_t plain(uint32_t crc, const uint8_t *data, size_t size)
{
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return ~crc;
}

TEST(the_sums_of_rfc_3720_come_out)
{
    uint8_t data[32];

    memset(data, 0, sizeof data);
    CHECK_EQ(arch_crc32c(0, data, sizeof data), 0x8a9136aa);
    memset(data, 0xff, sizeof data);
    CHECK_EQ(arch_crc32c(0, data, sizeof data), 0x62a8ab43);
    for (uint8_t i = 0; i < 32; i++)
        data[i] = i;
    CHECK_EQ(arch_crc32c(0, data, sizeof data), 0x46dd794e);
    CHECK_EQ(arch_crc32c(0, "123456789", 9), 0xe3069283);
    CHECK_EQ(arch_crc32c(0, "", 0), 0);
}

TEST(every_start_and_length_agrees_with_the_definition)
{
    uint8_t data[80];

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 37 + 11);
    for (size_t start = 0; start < 16; start++)
        for (size_t size = 0; size <= sizeof data - start; size++)
            CHECK_EQ(arch_crc32c(0, data + start, size),
                     plain(0, data + start, size));
}

TEST(a_sum_may_be_continued)
{
    static const char text[] = "a sum may be continued";
    uint32_t whole = arch_crc32c(0, text, sizeof text);

    for (size_t cut = 0; cut <= sizeof text; cut++)
        CHECK_EQ(arch_crc32c(arch_crc32c(0, text, cut), text + cut,
                             sizeof text - cut),
                 whole);
}
