/* SPDX-License-Identifier: MIT */
/* entropy.c: what platform_entropy() must do on every platform. */
#include "contract.h"
#include "platform.h"

#include <lunik/time.h>
#include <stddef.h>
#include <stdint.h>

#define SIZE 64

static unsigned bits(const uint8_t *bytes, size_t size)
{
    unsigned count = 0;

    for (size_t i = 0; i < size * 8; i++)
        count += bytes[i / 8] >> i % 8 & 1u;
    return count;
}

static bool are_equal(const uint8_t *a, const uint8_t *b, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

unsigned contract_entropy(void)
{
    static uint8_t draws[4][SIZE + 8];
    const char *sources = NULL;
    uint64_t before = lunik_time_monotonic_ns();
    unsigned failed = 0, ones = 0;

    for (size_t i = 0; i < 4; i++) {
        for (size_t k = 0; k < sizeof(draws[i]); k++)
            draws[i][k] = 0xa5;
        failed +=
            contract_check(platform_entropy(draws[i], SIZE, &sources) == SIZE,
                           "a question is answered whole");
        failed += contract_check(draws[i][SIZE] == 0xa5,
                                 "nothing is written past the end");
        ones += bits(draws[i], SIZE);
    }
    failed += contract_check(sources && sources[0] != '\0',
                             "the sources have a name");
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < i; k++)
            failed += contract_check(!are_equal(draws[i], draws[k], SIZE),
                                     "two answers differ");
    /* 2048 bits: 1024 ones with a deviation of 23; eight of them. */
    failed += contract_check(ones > 840 && ones < 1208,
                             "about half of the bits are ones");
    failed += contract_check(platform_entropy(draws[0], 1, &sources) == 1,
                             "one byte may be asked for");
    failed +=
        contract_check(lunik_time_monotonic_ns() - before < 8 * LUNIK_NS_PER_S,
                       "an answer takes at most a second or so");
    return failed;
}
