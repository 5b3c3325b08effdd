/* SPDX-License-Identifier: MIT */
/*
 * random.h: random bytes for keys, seeds and hash tables.
 *
 * One ChaCha20 generator with fast key erasure, seeded from every source that
 * the machine has (RDSEED, RDRAND, virtio-rng) before lunik_main() runs. An
 * image that finds no source does not start: LUNIK_EXIT_NO_ENTROPY. So these
 * functions cannot fail. Context: task.
 */
#ifndef LUNIK_RANDOM_H
#define LUNIK_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fills (size) bytes at (out) with unpredictable bytes. */
void lunik_random_fill(void *out, size_t size);

/* One unpredictable 64-bit value. */
uint64_t lunik_random_u64(void);

/* Names the sources mixed in so far, for people: "rdrand, virtio-rng". */
const char *lunik_random_sources(void);

#endif
