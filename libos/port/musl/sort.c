/* SPDX-License-Identifier: MIT */
/*
 * sort.c: qsort and qsort_r as a heap sort: in place, no recursion, never worse
 * than n log n. Upstream 1.2.6's smoothsort overflows its table of trees for
 * large arrays (CVE-2026-40200).
 */
#include "sort.h"
#include <stdint.h>
#include <string.h>

struct sort {
    unsigned char *base;
    size_t width;
    lunik_sort_compare *compare;
    void *arg;
};

static unsigned char *item(const struct sort *s, size_t index)
{
    return s->base + index * s->width;
}

static void swap(const struct sort *s, size_t i, size_t j)
{
    unsigned char part[64], *a = item(s, i), *b = item(s, j);
    size_t left = s->width;

    while (left > 0) {
        size_t size = left < sizeof(part) ? left : sizeof(part);

        memcpy(part, a, size);
        memcpy(a, b, size);
        memcpy(b, part, size);
        a += size;
        b += size;
        left -= size;
    }
}

static int compare(const struct sort *s, size_t i, size_t j)
{
    return s->compare(item(s, i), item(s, j), s->arg);
}

/* Sinks item (at) to its place in the heap of the first (count) items. */
static void sink(const struct sort *s, size_t at, size_t count)
{
    /* at < count / 2 says that there is a child, without overflow. */
    while (at < count / 2) {
        size_t child = 2 * at + 1;

        if (child + 1 < count && compare(s, child, child + 1) < 0)
            child++;
        if (compare(s, at, child) >= 0)
            return;
        swap(s, at, child);
        at = child;
    }
}

/* Most arrays that programs sort are short, or nearly in order. */
static void insertion_sort(const struct sort *s, size_t count)
{
    for (size_t i = 1; i < count; i++)
        for (size_t j = i; j > 0 && compare(s, j - 1, j) > 0; j--)
            swap(s, j - 1, j);
}

void lunik_sort(void *base, size_t count, size_t width,
                lunik_sort_compare *compare_fn, void *arg)
{
    struct sort s = { base, width, compare_fn, arg };

    if (count < 2 || width == 0)
        return;
    if (count <= 8) {
        insertion_sort(&s, count);
        return;
    }
    for (size_t i = count / 2; i > 0; i--)
        sink(&s, i - 1, count);
    for (size_t end = count - 1; end > 0; end--) {
        swap(&s, 0, end);
        sink(&s, 0, end);
    }
}
