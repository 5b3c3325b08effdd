/* SPDX-License-Identifier: MIT */
/* chacha20.c: the ChaCha20 block function of RFC 8439. */
#include "crypto.h"

#define WORDS 16

static uint32_t load(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

static void store(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)value;
    p[1] = (uint8_t)(value >> 8);
    p[2] = (uint8_t)(value >> 16);
    p[3] = (uint8_t)(value >> 24);
}

static uint32_t rotate(uint32_t value, unsigned by)
{
    return value << by | value >> (32 - by);
}

static void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
    *a += *b;
    *d = rotate(*d ^ *a, 16);
    *c += *d;
    *b = rotate(*b ^ *c, 12);
    *a += *b;
    *d = rotate(*d ^ *a, 8);
    *c += *d;
    *b = rotate(*b ^ *c, 7);
}

void lunik_chacha20_block(const uint8_t key[CHACHA20_KEY_SIZE],
                          uint32_t counter,
                          const uint8_t nonce[CHACHA20_NONCE_SIZE],
                          uint8_t out[CHACHA20_BLOCK_SIZE])
{
    /* "expand 32-byte k" */
    uint32_t start[WORDS] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };
    uint32_t x[WORDS];

    for (size_t i = 0; i < 8; i++)
        start[4 + i] = load(key + 4 * i);
    start[12] = counter;
    for (size_t i = 0; i < 3; i++)
        start[13 + i] = load(nonce + 4 * i);
    for (size_t i = 0; i < WORDS; i++)
        x[i] = start[i];
    for (unsigned round = 0; round < 20; round += 2) {
        for (size_t i = 0; i < 4; i++)
            quarter_round(&x[i], &x[4 + i], &x[8 + i], &x[12 + i]);
        for (size_t i = 0; i < 4; i++)
            quarter_round(&x[i], &x[4 + (i + 1) % 4], &x[8 + (i + 2) % 4],
                          &x[12 + (i + 3) % 4]);
    }
    for (size_t i = 0; i < WORDS; i++)
        store(out + 4 * i, x[i] + start[i]);
    lunik_wipe(start, sizeof(start));
    lunik_wipe(x, sizeof(x));
}
