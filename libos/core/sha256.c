/* SPDX-License-Identifier: MIT */
/* sha256.c: SHA-256 of FIPS 180-4, for whole messages in memory. */
#include "crypto.h"
#include <string.h>

#define BLOCK_SIZE 64
#define ROUNDS 64

static const uint32_t constants[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t value, unsigned by)
{
    return value >> by | value << (32 - by);
}

static uint32_t load(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
           p[3];
}

static void store(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 24);
    p[1] = (uint8_t)(value >> 16);
    p[2] = (uint8_t)(value >> 8);
    p[3] = (uint8_t)value;
}

static void expand(uint32_t w[ROUNDS], const uint8_t *block)
{
    for (size_t i = 0; i < 16; i++)
        w[i] = load(block + 4 * i);
    for (size_t i = 16; i < ROUNDS; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];

        w[i] = w[i - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + w[i - 7] +
               (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
    }
}

static void compress(uint32_t hash[8], const uint8_t *block)
{
    uint32_t w[ROUNDS];
    uint32_t s[8];

    expand(w, block);
    memcpy(s, hash, sizeof(s));
    /* The eight words are not moved on; the place of the first one is. */
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint32_t a = s[(0 - i) & 7], e = s[(4 - i) & 7];
        uint32_t *h = &s[(7 - i) & 7];
        uint32_t t = *h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
                     ((e & s[(5 - i) & 7]) ^ (~e & s[(6 - i) & 7])) +
                     constants[i] + w[i];
        uint32_t b = s[(1 - i) & 7], c = s[(2 - i) & 7];

        s[(3 - i) & 7] += t;
        *h = t + (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
             ((a & b) ^ (a & c) ^ (b & c));
    }
    for (size_t i = 0; i < 8; i++)
        hash[i] += s[i];
    lunik_wipe(w, sizeof(w));
    lunik_wipe(s, sizeof(s));
}

void lunik_sha256(const void *data, size_t size, uint8_t out[SHA256_SIZE])
{
    uint32_t hash[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
    const uint8_t *p = data;
    uint8_t last[2 * BLOCK_SIZE] = { 0 };
    size_t left = size;
    size_t end;

    for (; left >= BLOCK_SIZE; left -= BLOCK_SIZE, p += BLOCK_SIZE)
        compress(hash, p);
    /* The rest, a one bit, zeros, and the length in bits in 8 bytes. */
    if (left > 0)
        memcpy(last, p, left);
    last[left] = 0x80;
    end = left + 9 > BLOCK_SIZE ? 2 * BLOCK_SIZE : BLOCK_SIZE;
    store(last + end - 8, (uint32_t)((uint64_t)size >> 29));
    store(last + end - 4, (uint32_t)(size << 3));
    compress(hash, last);
    if (end > BLOCK_SIZE)
        compress(hash, last + BLOCK_SIZE);
    for (size_t i = 0; i < 8; i++)
        store(out + 4 * i, hash[i]);
    lunik_wipe(last, sizeof(last));
}
