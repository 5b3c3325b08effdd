/* SPDX-License-Identifier: MIT */
/* tz.c: the one time zone of an image, UTC. */
#include "libc.h"
#include "time_impl.h"

long __timezone = 0;
int __daylight = 0;

/* The standard's type is without const; nobody may write to them. */
static char utc[] = "UTC";
char *__tzname[2] = { utc, utc };

weak_alias(__timezone, timezone);
weak_alias(__daylight, daylight);
weak_alias(__tzname, tzname);

void __secs_to_zone(long long seconds, int local, int *is_dst, long *offset,
                    long *opposite, const char **name)
{
    (void)seconds;
    (void)local;
    *is_dst = 0;
    *offset = 0;
    if (opposite)
        *opposite = 0;
    *name = __utc;
}

void tzset(void)
{
}

const char *__tm_to_tzname(const struct tm *tm)
{
    return tm->__tm_zone == __utc ? __utc : "";
}
