/* SPDX-License-Identifier: MIT */
/* test_clockmath.c: counters to nanoseconds, dates to seconds. */
#include "clockmath.h"
#include "test.h"
#include <lunik/time.h>
#include <time.h>

static const uint64_t frequencies[] = {
    1000,       1193182,    10000000,   62500000,   999999999,   1000000000,
    1000000001, 2400000000, 3579545000, 5000000000, 19999999999,
};
#define FREQUENCY_COUNT (sizeof(frequencies) / sizeof(frequencies[0]))

TEST(a_second_of_ticks_is_a_second_at_every_frequency)
{
    for (size_t i = 0; i < FREQUENCY_COUNT; i++) {
        uint64_t hz = frequencies[i];
        uint64_t ns = platform_clock_scale_ns(platform_clock_scale_of(hz), hz);

        if (!CHECK(ns <= LUNIK_NS_PER_S && ns >= LUNIK_NS_PER_S - 2))
            printf("hz %ju ns %ju\n", (uintmax_t)hz, (uintmax_t)ns);
    }
}

TEST(a_year_of_ticks_is_right_to_a_second)
{
    const uint64_t year = 31557600;

    for (size_t i = 2; i < FREQUENCY_COUNT; i++) {
        uint64_t hz = frequencies[i];
        uint64_t ns =
            platform_clock_scale_ns(platform_clock_scale_of(hz), hz * year);

        CHECK(ns / LUNIK_NS_PER_S + 1 >= year);
        CHECK(ns / LUNIK_NS_PER_S <= year);
    }
}

TEST(nanoseconds_never_go_back_as_ticks_go_on)
{
    struct clock_scale scale = platform_clock_scale_of(2399998765);
    uint64_t last = 0;

    for (uint64_t ticks = UINT32_MAX - 1000;
         ticks < (uint64_t)UINT32_MAX + 1000; ticks++) {
        uint64_t ns = platform_clock_scale_ns(scale, ticks);

        CHECK(ns >= last);
        last = ns;
    }
}

/* As KVM's documentation computes it, with a wide product. */
TEST(the_scale_agrees_with_a_wide_multiplication)
{
    __extension__ typedef unsigned __int128 wide;
    uint64_t ticks = 1;

    for (int shift = -31; shift <= 31; shift++) {
        struct clock_scale scale = { 0x9e3779b9, (int8_t)shift };

        for (ticks = 1; ticks < UINT64_C(1) << 31; ticks = ticks * 3 + 1) {
            wide product = shift < 0 ? ticks >> -shift : ticks << shift;

            product = product * scale.multiplier >> 32;
            CHECK_EQ(platform_clock_scale_ns(scale, ticks), (uint64_t)product);
        }
    }
}

TEST(a_shift_from_outside_cannot_be_undefined)
{
    CHECK_EQ(
        platform_clock_scale_ns((struct clock_scale) { 1, -128 }, UINT64_MAX),
        0);
    CHECK_EQ(
        platform_clock_scale_ns((struct clock_scale) { 0, 127 }, UINT64_MAX),
        0);
    CHECK_EQ(platform_clock_scale_hz((struct clock_scale) { 1, 127 }), 0);
    CHECK_EQ(platform_clock_scale_hz((struct clock_scale) { 0, 0 }), 0);
}

TEST(a_scale_gives_its_frequency_back)
{
    for (size_t i = 1; i < FREQUENCY_COUNT; i++) {
        uint64_t hz =
            platform_clock_scale_hz(platform_clock_scale_of(frequencies[i]));
        uint64_t off =
            hz > frequencies[i] ? hz - frequencies[i] : frequencies[i] - hz;

        CHECK(off <= frequencies[i] / 1000000);
    }
}

TEST(ticks_of_a_duration_do_not_overflow_silently)
{
    CHECK_EQ(platform_clock_ticks(LUNIK_NS_PER_S, 2400000000), 2400000000);
    CHECK_EQ(platform_clock_ticks(LUNIK_NS_PER_MS, 62500000), 62500);
    CHECK_EQ(platform_clock_ticks(0, 62500000), 0);
    CHECK(platform_clock_ticks(UINT64_MAX, UINT64_C(20000000000)) ==
          UINT64_MAX);
    CHECK_EQ(platform_clock_ticks(LUNIK_NS_PER_S, 0), 0);
}

/* ---- Dates ---- */

#define BINARY_24 0x06
#define BCD_24 0x02
#define BINARY_12 0x04

static bool seconds_of(uint8_t hour, uint8_t day, uint8_t month, unsigned year,
                       uint64_t *out)
{
    struct clock_date date = {
        .second = 58,
        .minute = 59,
        .hour = hour,
        .day = day,
        .month = month,
        .year = (uint8_t)(year % 100),
        .century = (uint8_t)(year / 100),
        .status_b = BINARY_24,
    };

    return platform_clock_date_seconds(&date, out);
}

TEST(every_day_of_two_centuries_agrees_with_the_host)
{
    for (int64_t day = 10957; day < 84000; day++) {
        time_t t = (time_t)(day * 86400 + 7 * 3600 + 59 * 60 + 58);
        struct tm tm;
        uint64_t seconds = 0;

        gmtime_r(&t, &tm);
        CHECK(seconds_of((uint8_t)tm.tm_hour, (uint8_t)tm.tm_mday,
                         (uint8_t)(tm.tm_mon + 1), (unsigned)tm.tm_year + 1900,
                         &seconds));
        CHECK_EQ(seconds, t);
        if (test_failures)
            return;
    }
}

TEST(a_date_that_is_none_is_refused)
{
    uint64_t out;

    CHECK(seconds_of(23, 31, 12, 2199, &out));
    CHECK(!seconds_of(24, 1, 1, 2026, &out));
    CHECK(!seconds_of(0, 0, 1, 2026, &out));
    CHECK(!seconds_of(0, 32, 1, 2026, &out));
    CHECK(!seconds_of(0, 1, 0, 2026, &out));
    CHECK(!seconds_of(0, 1, 13, 2026, &out));
    CHECK(!seconds_of(0, 29, 2, 2025, &out));
    CHECK(!seconds_of(0, 29, 2, 2100, &out));
    CHECK(!seconds_of(0, 1, 1, 1999, &out));
    CHECK(!seconds_of(0, 1, 1, 2200, &out));
}

TEST(ports_without_a_clock_are_no_date)
{
    struct clock_date date;
    uint64_t out;

    memset(&date, 0xff, sizeof date);
    CHECK(!platform_clock_date_seconds(&date, &out));
    memset(&date, 0, sizeof date);
    CHECK(!platform_clock_date_seconds(&date, &out));
}

TEST(bcd_and_twelve_hours_are_read)
{
    struct clock_date date = { 0x07, 0x30, 0x12, 0x21, 0x11, 0x26, 0x20, 0 };
    uint64_t midnight, noon, out;

    CHECK(platform_clock_date_seconds(&date, &midnight));
    date.hour = 0x92;
    CHECK(platform_clock_date_seconds(&date, &noon));
    CHECK_EQ(noon - midnight, 12 * 3600);
    date.hour = 0x81;
    CHECK(platform_clock_date_seconds(&date, &out));
    CHECK_EQ(out - midnight, 13 * 3600);
    date.status_b = BCD_24;
    date.hour = 0x23;
    CHECK(platform_clock_date_seconds(&date, &out));
    CHECK_EQ(out - midnight, 23 * 3600);
    date.minute = 0x5a;
    CHECK(!platform_clock_date_seconds(&date, &out));
    date = (struct clock_date) { 7, 30, 0, 21, 11, 26, 0, BINARY_12 };
    CHECK(!platform_clock_date_seconds(&date, &out));
    date.hour = 12;
    CHECK(platform_clock_date_seconds(&date, &out));
    CHECK_EQ(out, midnight);
}
