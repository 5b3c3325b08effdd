/* SPDX-License-Identifier: MIT */
/*
 * sort.h: the sort under qsort() and qsort_r().
 */
#ifndef LUNIK_SORT_H
#define LUNIK_SORT_H

#include <stddef.h>

typedef int lunik_sort_compare(const void *a, const void *b, void *arg);

/* Sorts (count) items of (width) bytes at (base) in place; items that compare
 * equal may change places. A comparison without order still ends, within the
 * array. Context: any. */
void lunik_sort(void *base, size_t count, size_t width,
                lunik_sort_compare *compare_fn, void *arg);

#endif
