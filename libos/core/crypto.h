/* SPDX-License-Identifier: MIT */
/* crypto.h: the two primitives under the random generator. */
#ifndef LUNIK_CORE_CRYPTO_H
#define LUNIK_CORE_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

#define CHACHA20_KEY_SIZE 32
#define CHACHA20_NONCE_SIZE 12
#define CHACHA20_BLOCK_SIZE 64
#define SHA256_SIZE 32

/* One block of key stream, RFC 8439, section 2.3. */
void lunik_chacha20_block(const uint8_t key[CHACHA20_KEY_SIZE],
                          uint32_t counter,
                          const uint8_t nonce[CHACHA20_NONCE_SIZE],
                          uint8_t out[CHACHA20_BLOCK_SIZE]);

/* The digest of (size) bytes, FIPS 180-4. */
void lunik_sha256(const void *data, size_t size, uint8_t out[SHA256_SIZE]);

/* Zeroes (size) bytes even where nobody reads them again. */
void lunik_wipe(void *data, size_t size);

#endif
