/* SPDX-License-Identifier: MIT */
/* bits.h: words as rows of bits. */
#ifndef LUNIK_CORE_BITS_H
#define LUNIK_CORE_BITS_H

#include <stddef.h>
#include <stdint.h>

/* Bits per word. */
#define WORD_BITS 64

/* The number of the lowest bit that is set; word != 0. */
static inline unsigned lowest_bit(uint64_t word)
{
    return (unsigned)__builtin_ctzll(word);
}

/* (count) ones from bit (first) up; first < 64, 1 <= count <= 64 - first. */
static inline uint64_t bit_mask(unsigned first, size_t count)
{
    return (~UINT64_C(0) >> ((WORD_BITS - count) % WORD_BITS)) << first;
}

#endif
