/* SPDX-License-Identifier: MIT */
/*
 * fuzz_main.c: runs a fuzz target where there is no libFuzzer.
 *
 * Random bytes, biased towards text, and mutations of the inputs before them;
 * the same ones for the same -seed=N. -runs=N says how many.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX 8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t state;

static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void fresh(uint8_t *data, size_t *size)
{
    bool is_text = next_random() % 4 != 0;

    *size = next_random() % (next_random() % 8 ? 256 : INPUT_MAX);
    for (size_t i = 0; i < *size; i++)
        data[i] = (uint8_t)(is_text ? ' ' + next_random() % 95 : next_random());
}

static void mutate(uint8_t *data, size_t *size)
{
    for (unsigned n = next_random() % 8; n > 0 && *size > 0; n--) {
        size_t at = next_random() % *size;

        switch (next_random() % 4) {
        case 0:
            data[at] ^= (uint8_t)(1u << (next_random() % 8));
            break;
        case 1:
            data[at] = (uint8_t)next_random();
            break;
        case 2:
            *size = at;
            break;
        default:
            memmove(data + at, data, *size - at);
            break;
        }
    }
}

int main(int argc, char **argv)
{
    static uint8_t data[INPUT_MAX];
    size_t size = 0;
    unsigned long runs = 20000;

    state = 1;
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "-runs=", 6) == 0)
            runs = strtoul(argv[i] + 6, NULL, 10);
        else if (strncmp(argv[i], "-seed=", 6) == 0)
            state = strtoul(argv[i] + 6, NULL, 10) | 1;
    }
    for (unsigned long i = 0; i < runs; i++) {
        uint8_t *exact;

        if (size == 0 || next_random() % 4 == 0)
            fresh(data, &size);
        else
            mutate(data, &size);
        /* A block of the exact size, so that ASan sees one byte too far. */
        exact = malloc(size ? size : 1);
        if (!exact)
            return 1;
        memcpy(exact, data, size);
        LLVMFuzzerTestOneInput(exact, size);
        free(exact);
    }
    printf("%lu inputs\n", runs);
    return 0;
}
