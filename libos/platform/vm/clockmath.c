/* SPDX-License-Identifier: MIT */
/* clockmath.c: counters to nanoseconds, dates to seconds. */
#include "clockmath.h"
#include <lunik/time.h>

#define STATUS_24_HOURS 0x02
#define STATUS_BINARY 0x04
#define HOUR_AFTERNOON 0x80

#define S_PER_MINUTE UINT64_C(60)
#define S_PER_HOUR UINT64_C(3600)
#define S_PER_DAY UINT64_C(86400)
#define DAYS_1970_TO_2000 10957u

struct clock_scale platform_clock_scale_of(uint64_t hz)
{
    uint64_t ns = LUNIK_NS_PER_S;
    struct clock_scale scale = { 0, 0 };

    /* Makes ns / hz lie in [1/2, 1), so that the multiplier has 32 bits. */
    while (ns >= hz) {
        hz <<= 1;
        scale.shift++;
    }
    while (ns < (hz + 1) / 2) {
        ns <<= 1;
        scale.shift--;
    }
    /* hz <= 2^40: the quotient in two steps of 16 bits. */
    scale.multiplier = (uint32_t)((ns << 16) / hz) << 16;
    scale.multiplier |= (uint32_t)(((ns << 16) % hz << 16) / hz);
    return scale;
}

uint64_t platform_clock_scale_ns(struct clock_scale scale, uint64_t ticks)
{
    unsigned by =
        scale.shift < 0 ? (unsigned)-scale.shift : (unsigned)scale.shift;

    by = by > 63 ? 63 : by;
    ticks = scale.shift < 0 ? ticks >> by : ticks << by;
    return (ticks >> 32) * scale.multiplier +
           ((ticks & UINT32_MAX) * scale.multiplier >> 32);
}

uint64_t platform_clock_scale_hz(struct clock_scale scale)
{
    uint64_t hz;

    if (scale.multiplier == 0 || scale.shift > 31 || scale.shift < -31)
        return 0;
    hz = (LUNIK_NS_PER_S << 32) / scale.multiplier;
    return scale.shift < 0 ? hz << -scale.shift : hz >> scale.shift;
}

uint64_t platform_clock_ticks(uint64_t ns, uint64_t hz)
{
    uint64_t seconds = ns / LUNIK_NS_PER_S, rest = ns % LUNIK_NS_PER_S;
    uint64_t part = rest * (hz / 1000) / (LUNIK_NS_PER_S / 1000);

    if (hz != 0 && seconds > (UINT64_MAX - part) / hz)
        return UINT64_MAX;
    return seconds * hz + part;
}

/* ---- Dates ---- */

static bool from_bcd(uint8_t *value)
{
    if ((*value & 15) > 9 || *value >> 4 > 9)
        return false;
    *value = (uint8_t)(*value - (*value >> 4) * 6);
    return true;
}

static bool to_binary(struct clock_date *date)
{
    uint8_t afternoon = date->hour & HOUR_AFTERNOON;

    if (!(date->status_b & STATUS_24_HOURS))
        date->hour &= (uint8_t)~HOUR_AFTERNOON;
    if (!(date->status_b & STATUS_BINARY) &&
        (!from_bcd(&date->second) || !from_bcd(&date->minute) ||
         !from_bcd(&date->hour) || !from_bcd(&date->day) ||
         !from_bcd(&date->month) || !from_bcd(&date->year) ||
         !from_bcd(&date->century)))
        return false;
    if (date->status_b & STATUS_24_HOURS)
        return true;
    /* 12 stands for 0 of its half of the day. */
    if (date->hour < 1 || date->hour > 12)
        return false;
    date->hour = (uint8_t)(date->hour % 12 + (afternoon ? 12 : 0));
    return true;
}

static bool is_leap(unsigned year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned days_in(unsigned month, unsigned year)
{
    static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30,
                                      31, 31, 30, 31, 30, 31 };

    return days[month - 1] + (month == 2 && is_leap(year) ? 1u : 0u);
}

bool platform_clock_date_seconds(const struct clock_date *date, uint64_t *out)
{
    struct clock_date d = *date;
    uint64_t days = DAYS_1970_TO_2000;
    unsigned year;

    if (!to_binary(&d))
        return false;
    year = (d.century == 0 ? 20u : d.century) * 100u + d.year;
    if (year < 2000 || year > 2199 || d.year > 99 || d.month < 1 ||
        d.month > 12 || d.day < 1 || d.day > days_in(d.month, year) ||
        d.hour > 23 || d.minute > 59 || d.second > 59)
        return false;
    for (unsigned y = 2000; y < year; y++)
        days += is_leap(y) ? 366 : 365;
    for (unsigned m = 1; m < d.month; m++)
        days += days_in(m, year);
    days += d.day - 1u;
    *out = days * S_PER_DAY + d.hour * S_PER_HOUR + d.minute * S_PER_MINUTE +
           d.second;
    return true;
}
