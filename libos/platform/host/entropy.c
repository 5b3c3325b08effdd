/* SPDX-License-Identifier: MIT */
/* entropy.c: Linux's generator. */
#include "platform.h"
#include <sys/random.h>
#include <sys/types.h>

size_t platform_entropy(void *out, size_t size, const char **sources_out)
{
    size_t got = 0;

    *sources_out = "getrandom";
    while (got < size) {
        ssize_t n = getrandom((uint8_t *)out + got, size - got, 0);

        if (n <= 0)
            break;
        got += (size_t)n;
    }
    return got;
}
