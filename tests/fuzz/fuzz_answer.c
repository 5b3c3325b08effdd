/* SPDX-License-Identifier: MIT */
/*
 * fuzz_answer.c: what a server answers, into the load generator's reader: whole
 * and byte by byte, which must come to the same.
 */
#include "answer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The result of taking (size) bytes, (step) at a time. */
static int take_all(struct lunik_answer *answer, const char *data, size_t size,
                    size_t step)
{
    int result = 0;

    lunik_answer_begin(answer);
    while (size > 0 && result == 0) {
        size_t count = size < step ? size : step;
        /* Of its own: a read beyond it is seen. */
        char *piece = malloc(count);

        if (!piece)
            abort();
        memcpy(piece, data, count);
        result = lunik_answer_take(answer, piece, count);
        free(piece);
        data += count;
        size -= count;
    }
    return result == 1 && size > 0 ? -1 : result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char heads[3][LUNIK_ANSWER_HEAD_MAX];
    static const size_t steps[] = { 1, 7, SIZE_MAX };
    struct lunik_answer answers[3];
    int results[3];

    for (size_t i = 0; i < 3; i++) {
        answers[i].head = heads[i];
        results[i] = take_all(&answers[i], (const char *)data, size, steps[i]);
    }
    if (results[0] != results[1] || results[0] != results[2])
        abort();
    if (results[0] == 1 && (answers[0].kind != answers[2].kind ||
                            answers[0].closes != answers[2].closes))
        abort();
    return 0;
}
