/* SPDX-License-Identifier: MIT */
/* test_sort.c: the sort under qsort(). */
#include "sort.h"
#include "test.h"

static uint64_t state = 88172645463325252;

static uint32_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16);
}

static int compare_u32(const void *a, const void *b, void *arg)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    if (arg)
        ++*(size_t *)arg;
    return (x > y) - (x < y);
}

static bool is_sorted(const uint32_t *v, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (v[i - 1] > v[i])
            return false;
    return true;
}

TEST(every_short_length_comes_out_in_order)
{
    uint32_t v[200];

    for (size_t count = 0; count <= 200; count++) {
        uint64_t before = 0, after = 0;

        for (size_t i = 0; i < count; i++)
            before += v[i] = next_random() % 97;
        lunik_sort(v, count, sizeof(*v), compare_u32, NULL);
        for (size_t i = 0; i < count; i++)
            after += v[i];
        CHECK(is_sorted(v, count));
        CHECK_EQ(after, before);
    }
}

TEST(a_million_items_take_n_log_n_comparisons)
{
    size_t count = 1000000, compared = 0;
    uint32_t *v = malloc(count * sizeof(*v));

    REQUIRE(v);
    for (size_t i = 0; i < count; i++)
        v[i] = next_random();
    lunik_sort(v, count, sizeof(*v), compare_u32, &compared);
    CHECK(is_sorted(v, count));
    CHECK(compared < 2 * count * 20);
    /* In order, and in reverse, costs no more. */
    compared = 0;
    lunik_sort(v, count, sizeof(*v), compare_u32, &compared);
    CHECK(is_sorted(v, count));
    CHECK(compared < 2 * count * 20);
    free(v);
}

struct wide {
    uint32_t key;
    uint8_t rest[149];
};

static int compare_wide(const void *a, const void *b, void *arg)
{
    const struct wide *x = a, *y = b;

    (void)arg;
    return (x->key > y->key) - (x->key < y->key);
}

TEST(items_wider_than_the_swap_buffer_stay_whole)
{
    static struct wide v[300];

    for (size_t i = 0; i < 300; i++) {
        v[i].key = next_random();
        memset(v[i].rest, (int)(v[i].key & 0xff), sizeof(v[i].rest));
    }
    lunik_sort(v, 300, sizeof(*v), compare_wide, NULL);
    for (size_t i = 0; i < 300; i++) {
        CHECK(i == 0 || v[i - 1].key <= v[i].key);
        for (size_t j = 0; j < sizeof(v[i].rest); j++)
            CHECK_EQ(v[i].rest[j], v[i].key & 0xff);
    }
}

static int compare_bytes(const void *a, const void *b, void *arg)
{
    (void)arg;
    return *(const uint8_t *)a - *(const uint8_t *)b;
}

TEST(single_bytes_are_sorted)
{
    char text[] = "the quick brown fox jumps over the lazy dog";

    lunik_sort(text, strlen(text), 1, compare_bytes, NULL);
    CHECK_STR_EQ(text, "        abcdeeefghhijklmnoooopqrrsttuuvwxyz");
}

/* Answers at random: there is no order, and no way out of the array. */
static int compare_nothing(const void *a, const void *b, void *arg)
{
    const uint32_t *low = arg, *p = a, *q = b;

    CHECK(p >= low && p < low + 500 && q >= low && q < low + 500);
    return (int)(next_random() % 3) - 1;
}

TEST(a_comparison_without_order_still_ends_inside_the_array)
{
    static uint32_t v[500];

    for (uint32_t i = 0; i < 500; i++)
        v[i] = i;
    lunik_sort(v, 500, sizeof(*v), compare_nothing, v);
    lunik_sort(v, 500, sizeof(*v), compare_u32, NULL);
    for (uint32_t i = 0; i < 500; i++)
        CHECK_EQ(v[i], i); /* nothing was lost */
}
