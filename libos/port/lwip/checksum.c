/* SPDX-License-Identifier: MIT */
/*
 * checksum.c: the Internet checksum, eight bytes at a time.
 *
 * For devices that leave it to us, for headers, and for what is fragmented.
 */
#include "lwip/arch.h"
#include <string.h>

/* The folded, uninverted sum of (size) bytes, in the order of memory. */
uint16_t lunik_lwip_checksum(const void *data, int size)
{
    const unsigned char *at = data;
    size_t left = size > 0 ? (size_t)size : 0;
    uint64_t sum = 0, word = 0;

    for (; left >= 8; left -= 8, at += 8) {
        memcpy(&word, at, 8);
        sum += word;
        sum += sum < word; /* the carry comes round */
    }
    if (left) {
        word = 0;
        memcpy(&word, at, left);
        sum += word;
        sum += sum < word;
    }
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}
