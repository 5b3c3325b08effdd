/* SPDX-License-Identifier: MIT */
/* time.c: the two clocks of <lunik/time.h>. */
#include "launch.h"
#include "platform.h"
#include <lunik/time.h>

/* The wall clock is the monotonic one plus this; set when first asked for. */
static uint64_t wall_offset_ns;
static const char *wall_source;

uint64_t lunik_time_monotonic_ns(void)
{
    return platform_monotonic_ns();
}

/* The launch line wins over the machine: somebody gave it on purpose. */
static void set_wall(void)
{
    uint64_t now = 0, seconds;

    if (lunik_launch_clock(&seconds)) {
        now = seconds * LUNIK_NS_PER_S;
        wall_source = "launch";
    } else if (platform_wall_ns(&now)) {
        wall_source = platform_wall_source();
    } else {
        wall_source = "none";
    }
    /* May wrap below 0 and back: the sum is what counts. */
    wall_offset_ns = now - platform_monotonic_ns();
}

uint64_t lunik_time_wall_ns(void)
{
    if (!wall_source)
        set_wall();
    return wall_offset_ns + platform_monotonic_ns();
}

uint64_t lunik_time_after_ns(uint64_t duration_ns)
{
    uint64_t now;

    if (duration_ns == LUNIK_NEVER)
        return LUNIK_NEVER;
    now = platform_monotonic_ns();
    return duration_ns > LUNIK_NEVER - now ? LUNIK_NEVER : now + duration_ns;
}

const char *lunik_time_source(void)
{
    return platform_monotonic_source();
}

const char *lunik_time_wall_source(void)
{
    if (!wall_source)
        set_wall();
    return wall_source;
}
