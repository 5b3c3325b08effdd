/* SPDX-License-Identifier: MIT */
/* qsort.c: the C library's names for the sort of sort.c. */
#define _BSD_SOURCE
#include "sort.h"
#include <stdlib.h>

typedef int plain_compare(const void *a, const void *b);

static int call_plain(const void *a, const void *b, void *arg)
{
    return (*(plain_compare **)arg)(a, b);
}

void qsort(void *base, size_t count, size_t width, plain_compare *compare)
{
    lunik_sort(base, count, width, call_plain, &compare);
}

void __qsort_r(void *base, size_t count, size_t width,
               lunik_sort_compare *compare, void *arg)
{
    lunik_sort(base, count, width, compare, arg);
}

void qsort_r(void *, size_t, size_t, lunik_sort_compare *, void *)
    __attribute__((__weak__, alias("__qsort_r")));
