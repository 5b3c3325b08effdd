/* SPDX-License-Identifier: MIT */
/* sha1.c: SHA-1 (FIPS 180-4) and base64 (RFC 4648). */
#include "sha1.h"

#include <stdbool.h>
#include <string.h>

#define BLOCK 64

static uint32_t rotate(uint32_t x, unsigned by)
{
    return x << by | x >> (32 - by);
}

static void add_block(uint32_t h[5], const uint8_t *block)
{
    uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    size_t i;

    for (i = 0; i < 16; i++)
        w[i] = (uint32_t)block[i * 4] << 24 | (uint32_t)block[i * 4 + 1] << 16 |
               (uint32_t)block[i * 4 + 2] << 8 | block[i * 4 + 3];
    for (; i < 80; i++)
        w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (i = 0; i < 80; i++) {
        uint32_t f, k, next;

        if (i < 20) {
            f = (b & c) | (~b & d);
            k = 0x5A827999;
        } else if (i < 40) {
            f = b ^ c ^ d;
            k = 0x6ED9EBA1;
        } else if (i < 60) {
            f = (b & c) | (b & d) | (c & d);
            k = 0x8F1BBCDC;
        } else {
            f = b ^ c ^ d;
            k = 0xCA62C1D6;
        }
        next = rotate(a, 5) + f + e + k + w[i];
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

void lunik_sha1(const void *data, size_t size, uint8_t out[LUNIK_SHA1_SIZE])
{
    uint32_t h[5] = { 0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476,
                      0xC3D2E1F0 };
    const uint8_t *at = data;
    uint8_t last[2 * BLOCK] = { 0 };
    size_t rest = size % BLOCK, total = rest < BLOCK - 8 ? BLOCK : 2 * BLOCK, i;
    uint64_t bits = (uint64_t)size * 8;

    for (i = 0; i + BLOCK <= size; i += BLOCK)
        add_block(h, at + i);
    if (rest > 0)
        memcpy(last, at + i, rest);
    last[rest] = 0x80;
    for (i = 0; i < 8; i++)
        last[total - 1 - i] = (uint8_t)(bits >> (8 * i));
    for (i = 0; i < total; i += BLOCK)
        add_block(h, last + i);
    for (i = 0; i < LUNIK_SHA1_SIZE; i++)
        out[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}

void lunik_base64(const uint8_t *data, size_t size, char *out)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t i;

    for (i = 0; i < size; i += 3) {
        bool has_second = i + 1 < size, has_third = i + 2 < size;
        uint32_t word = (uint32_t)data[i] << 16 |
                        (has_second ? (uint32_t)data[i + 1] << 8 : 0) |
                        (has_third ? data[i + 2] : 0u);

        *out++ = letters[word >> 18];
        *out++ = letters[word >> 12 & 63];
        *out = '=';
        if (has_second)
            *out = letters[word >> 6 & 63];
        out++;
        *out = '=';
        if (has_third)
            *out = letters[word & 63];
        out++;
    }
}
