/* SPDX-License-Identifier: MIT */
/* test_format.c: our formatting against the C library's. */
#include "test.h"

#include <limits.h>
#include <lunik/format.h>

/* Both must write the same and return the same. */
#define SAME(...)                                               \
    do {                                                        \
        char ours[200], theirs[200];                            \
        size_t ours_len = lunik_format(ours, 200, __VA_ARGS__); \
        int theirs_len = snprintf(theirs, 200, __VA_ARGS__);    \
                                                                \
        CHECK_STR_EQ(ours, theirs);                             \
        CHECK_EQ(ours_len, theirs_len);                         \
    } while (0)

/* Formats that a compiler would refuse: that is what is tested. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

static size_t format_unchecked(char *out, size_t size, const char *format, ...)
{
    va_list args;
    size_t len;

    va_start(args, format);
    len = lunik_format_v(out, size, format, args);
    va_end(args);
    return len;
}

TEST(plain_text_and_percent_pass_through)
{
    SAME("nothing to see");
    SAME("100%% and %%");
    SAME("%s", "");
}

TEST(integers_of_every_length_are_as_in_c)
{
    static const long long values[] = {
        0,         1,         -1,    9,        10,           127,     128,
        -128,      255,       32767, -32768,   65536,        INT_MAX, INT_MIN,
        LLONG_MAX, LLONG_MIN, 42,    UINT_MAX, LLONG_MIN + 1
    };

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        long long v = values[i];

        SAME("%d %i %u %x %X", (int)v, (int)v, (unsigned)v, (unsigned)v,
             (unsigned)v);
        SAME("%hd %hu %hx", (short)v, (unsigned short)v, (unsigned short)v);
        SAME("%hhd %hhu %hhx", (signed char)v, (unsigned char)v,
             (unsigned char)v);
        SAME("%ld %lu %lx", (long)v, (unsigned long)v, (unsigned long)v);
        SAME("%lld %llu %llX", v, (unsigned long long)v, (unsigned long long)v);
        SAME("%zd %zu %zx", (ssize_t)v, (size_t)v, (size_t)v);
    }
}

TEST(widths_pad_left_right_and_with_zeros)
{
    SAME("[%5d] [%-5d] [%05d] [%2d]", 42, 42, 42, 42222);
    SAME("[%5d] [%-5d] [%05d]", -42, -42, -42);
    SAME("[%8x] [%-8x] [%08x] [%016lx]", 0xbeefu, 0xbeefu, 0xbeefu,
         0xfeedfaceul);
    SAME("[%*d] [%-*d] [%*d]", 6, 1, 6, 2, -6, 3);
    SAME("[%5s] [%-5s] [%1s]", "ab", "ab", "ab");
    SAME("[%3c] [%-3c] [%c]", 'x', 'y', 'z');
}

TEST(precision_cuts_strings)
{
    char raw[3] = { 'a', 'b', 'c' }; /* no NUL behind */

    SAME("[%.3s] [%.0s] [%.9s]", "abcdef", "abcdef", "abc");
    SAME("[%.*s] [%.*s]", 2, "abcdef", 0, "abc");
    SAME("[%6.2s] [%-6.2s]", "abcdef", "abcdef");
    SAME("[%.*s]", -1, "all of it");
    SAME("[%.*s]", 3, raw);
}

TEST(pointers_are_hexadecimal)
{
    int here;

    SAME("%p", (void *)&here);
    SAME("[%20p] [%-20p]", (void *)&here, (void *)&here);
    CHECK_EQ(format_unchecked((char[8]) { 0 }, 8, "%p", NULL), 3);
}

TEST(a_missing_string_is_named)
{
    char out[20];

    format_unchecked(out, sizeof(out), "<%s>", NULL);
    CHECK_STR_EQ(out, "<(null)>");
}

TEST(text_that_does_not_fit_is_cut_at_every_length)
{
    static const char whole[] = "ab-00042-xyz   !";

    for (size_t size = 0; size < 24; size++) {
        char out[24];
        size_t fits = size == 0              ? 0
                      : size < sizeof(whole) ? size - 1
                                             : sizeof(whole) - 1;

        memset(out, '#', sizeof(out));
        CHECK_EQ(lunik_format(out, size, "%s-%05d-%-6s!", "ab", 42, "xyz"),
                 fits);
        CHECK_MEM_EQ(out, whole, fits);
        if (size > 0)
            CHECK_EQ(out[fits], '\0');
        for (size_t i = size; i < sizeof(out); i++)
            CHECK_EQ(out[i], '#');
    }
    CHECK_EQ(lunik_format(NULL, 0, "%d", 5), 0);
}

TEST(a_huge_width_ends_with_the_room)
{
    char out[16];

    CHECK_EQ(format_unchecked(out, sizeof(out), "%999999999999d", 7), 15);
    CHECK_STR_EQ(out, "               ");
    CHECK_EQ(format_unchecked(out, sizeof(out), "%*d", INT_MIN, 7), 15);
    CHECK_EQ(out[0], '7');
}

TEST(what_is_not_known_is_shown_as_it_stands)
{
    char out[40];

    format_unchecked(out, sizeof(out), "a %d %f b %d", 1, 2.0, 3);
    CHECK_STR_EQ(out, "a 1 %f b %d");
    format_unchecked(out, sizeof(out), "end %");
    CHECK_STR_EQ(out, "end %");
    format_unchecked(out, sizeof(out), "end %-08l");
    CHECK_STR_EQ(out, "end %-08l");
}
