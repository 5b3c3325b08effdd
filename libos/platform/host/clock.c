/* SPDX-License-Identifier: MIT */
/* clock.c: Linux's clocks. */
#include "platform.h"
#include <lunik/time.h>
#include <time.h>

static uint64_t read_clock(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * LUNIK_NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t platform_monotonic_ns(void)
{
    static uint64_t start;
    uint64_t now = read_clock(CLOCK_MONOTONIC);

    if (!start)
        start = now;
    return now - start;
}

const char *platform_monotonic_source(void)
{
    return "host";
}

bool platform_wall_ns(uint64_t *out)
{
    *out = read_clock(CLOCK_REALTIME);
    return true;
}

const char *platform_wall_source(void)
{
    return "host";
}
