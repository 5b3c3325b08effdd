/* SPDX-License-Identifier: MIT */
/*
 * entropy.c: raw bytes for the generator, from every source there is.
 *
 * Sources are added up: each that gives something is mixed into all of the
 * output, so one that lies cannot take away what another gave.
 */
#include "entropy.h"
#include "cpu.h"
#include "platform.h"
#include <string.h>

#define RETRIES 32u
#define CHUNK_MAX 64u

/* CPUID: leaf 1 ecx, leaf 7 ebx. */
#define HAS_RDRAND (1u << 30)
#define HAS_RDSEED (1u << 18)

static bool rdseed(uint64_t *out)
{
    bool is_good;

    __asm__ volatile("rdseed %0; setc %1"
                     : "=r"(*out), "=qm"(is_good)
                     :
                     : "cc");
    return is_good;
}

static bool rdrand(uint64_t *out)
{
    bool is_good;

    __asm__ volatile("rdrand %0; setc %1"
                     : "=r"(*out), "=qm"(is_good)
                     :
                     : "cc");
    return is_good;
}

static bool draw(bool (*instruction)(uint64_t *out), uint64_t *out)
{
    for (unsigned i = 0; i < RETRIES; i++) {
        if (instruction(out))
            return true;
        cpu_relax();
    }
    return false;
}

/* Mixes words into the (size) bytes at (out). Some processors have answered
 * the same value for ever after a sleep, all ones above all: two words alike
 * in a row are a broken source. */
static bool mix_words(bool (*instruction)(uint64_t *out), uint8_t *out,
                      size_t size)
{
    uint64_t word, last;

    if (!draw(instruction, &last))
        return false;
    for (size_t at = 0; at < size; at += sizeof word) {
        size_t part = size - at < sizeof word ? size - at : sizeof word;

        if (!draw(instruction, &word) || word == last)
            return false;
        last = word;
        for (size_t i = 0; i < part; i++)
            out[at + i] ^= (uint8_t)(word >> 8 * i);
    }
    return true;
}

static size_t mix_device(uint8_t *out, size_t size)
{
    uint8_t chunk[CHUNK_MAX];
    size_t got = platform_virtio_entropy(chunk, size);

    for (size_t i = 0; i < got && i < size; i++)
        out[i] ^= chunk[i];
    memset(chunk, 0, sizeof chunk);
    return got;
}

#define NAME_SEED 1u
#define NAME_RAND 2u
#define NAME_DEVICE 4u

/* By which sources gave. */
static const char *const names[8] = {
    "none",
    "rdseed",
    "rdrand",
    "rdseed, rdrand",
    "virtio-rng",
    "rdseed, virtio-rng",
    "rdrand, virtio-rng",
    "rdseed, rdrand, virtio-rng",
};

size_t platform_entropy(void *out, size_t size, const char **sources_out)
{
    bool has_seed = cpuid_checked(7, 0).ebx & HAS_RDSEED;
    bool has_rand = cpuid(1, 0).ecx & HAS_RDRAND;
    unsigned gave = 0;
    size_t got, filled = 0;

    size = size < CHUNK_MAX ? size : CHUNK_MAX;
    memset(out, 0, size);
    if (has_seed && mix_words(rdseed, out, size))
        gave |= NAME_SEED;
    if (has_rand && mix_words(rdrand, out, size))
        gave |= NAME_RAND;
    filled = gave ? size : 0;
    got = mix_device(out, size);
    if (got > 0)
        gave |= NAME_DEVICE;
    *sources_out = names[gave];
    return got > filled ? got : filled;
}
