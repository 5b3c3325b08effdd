/* SPDX-License-Identifier: MIT */
/*
 * random.c: one ChaCha20 generator with fast key erasure.
 *
 * Each refill runs the key stream once, from counter 0. Its first 32 bytes are
 * the next key, the others the pool:
 *
 *     | next key (32) | pool (96) |
 *
 * The key that made them is gone by then, and bytes are zeroed as they leave
 * the pool: so who reads this memory later learns nothing about the past.
 */
#include "core.h"
#include "crypto.h"
#include "pages.h"
#include "platform.h"
#include <lunik/panic.h>
#include <lunik/random.h>
#include <string.h>

#define STREAM_SIZE ((size_t)2 * CHACHA20_BLOCK_SIZE)
#define POOL_SIZE (STREAM_SIZE - CHACHA20_KEY_SIZE)
#define SEED_SIZE 48     /* asked for; one block of SHA-256 with its end */
#define SEED_SIZE_MIN 32 /* as strong as the key */

static struct {
    uint8_t stream[STREAM_SIZE];
    size_t left; /* bytes of the pool that were not given out, its last ones */
    const char *sources; /* NULL: not seeded */
} generator;

static const uint8_t nonce[CHACHA20_NONCE_SIZE];

static void refill(void)
{
    uint8_t key[CHACHA20_KEY_SIZE];

    memcpy(key, generator.stream, sizeof(key));
    for (size_t i = 0; i < STREAM_SIZE / CHACHA20_BLOCK_SIZE; i++)
        lunik_chacha20_block(key, (uint32_t)i, nonce,
                             generator.stream + i * CHACHA20_BLOCK_SIZE);
    lunik_wipe(key, sizeof(key));
    generator.left = POOL_SIZE;
}

static void fill_from_pool(uint8_t *out, size_t size)
{
    while (size > 0) {
        uint8_t *from;
        size_t n;

        if (generator.left == 0)
            refill();
        n = size < generator.left ? size : generator.left;
        from = generator.stream + STREAM_SIZE - generator.left;
        memcpy(out, from, n);
        memset(from, 0, n);
        generator.left -= n;
        out += n;
        size -= n;
    }
}

/* Many bytes: by the key stream of a key for this once, block by block. A
 * counter of 32 bits lasts for 256 GiB; a new key is taken long before. */
static void fill_from_key(uint8_t *out, size_t size)
{
    uint8_t key[CHACHA20_KEY_SIZE];
    uint8_t block[CHACHA20_BLOCK_SIZE];
    uint32_t counter = 0;

    fill_from_pool(key, sizeof(key));
    for (; size >= sizeof(block); size -= sizeof(block), out += sizeof(block)) {
        lunik_chacha20_block(key, counter++, nonce, out);
        if (counter == UINT32_MAX) {
            fill_from_pool(key, sizeof(key));
            counter = 0;
        }
    }
    lunik_chacha20_block(key, counter, nonce, block);
    if (size > 0)
        memcpy(out, block, size);
    lunik_wipe(block, sizeof(block));
    lunik_wipe(key, sizeof(key));
}

void lunik_random_fill(void *out, size_t size)
{
    LUNIK_ASSERT(generator.sources != NULL);
    if (size <= POOL_SIZE)
        fill_from_pool(out, size);
    else
        fill_from_key(out, size);
}

uint64_t lunik_random_u64(void)
{
    uint64_t value;

    lunik_random_fill(&value, sizeof(value));
    return value;
}

const char *lunik_random_sources(void)
{
    return generator.sources != NULL ? generator.sources : "";
}

/* Its caller never returns, and it looks at no canary itself: so the canary
 * may change meanwhile. */
LUNIK_NO_STACK_PROTECTOR void lunik_random_init(void)
{
    uint8_t seed[SEED_SIZE];
    const char *sources = "";
    size_t size = platform_entropy(seed, sizeof(seed), &sources);

    if (size < SEED_SIZE_MIN)
        lunik_panic_status(
            LUNIK_EXIT_NO_ENTROPY,
            "no source of randomness: give the machine a processor with RDRAND "
            "(QEMU: -cpu max) or a device (QEMU: -device virtio-rng-pci, or "
            "virtio-rng-device on microvm)");
    /* The seed may be longer than a key, and its bits unevenly good. */
    lunik_sha256(seed, size, generator.stream);
    lunik_wipe(seed, sizeof(seed));
    generator.left = 0;
    generator.sources = sources;
    lunik_heap_seed(lunik_random_u64());
    platform_set_canary(lunik_random_u64());
}
