/* SPDX-License-Identifier: MIT */
/*
 * lag.c: how late the event loop is: a timer says when it should have run, the
 * clock when it did.
 *
 * An image that does nothing must stay asleep: the timer is only set again
 * while something is counted.
 */
#include "metrics.h"

#include <lunik/event.h>
#include <lunik/time.h>

#define PERIOD_NS LUNIK_NS_PER_S

/* One probe for the one event loop; the histogram of the state that set it. */
static struct {
    struct lunik_timer timer;
    uint64_t wanted_ns;
    struct lunik_metrics_series *series; /* in the registry */
    bool is_set;
} probe;

static void on_timer(void *arg)
{
    uint64_t now = lunik_time_monotonic_ns();

    (void)arg;
    probe.is_set = false;
    if (probe.series != NULL && now >= probe.wanted_ns)
        lunik_metrics_add(probe.series, (double)(now - probe.wanted_ns) /
                                            (double)LUNIK_NS_PER_S);
}

void lunik_metrics_note_use(void)
{
    if (probe.is_set || probe.series == NULL)
        return;
    probe.is_set = true;
    probe.timer.fn = on_timer;
    probe.wanted_ns = lunik_time_after_ns(PERIOD_NS);
    lunik_timer_set(&probe.timer, probe.wanted_ns);
}

static int keeper_gc(lua_State *L)
{
    (void)L;
    lunik_timer_clear(&probe.timer);
    probe.is_set = false;
    probe.series = NULL;
    return 0;
}

/* core.set_lag(series): a histogram's, which it keeps alive. */
int lunik_metrics_set_lag(lua_State *L)
{
    static const char key = 0;

    probe.series = lunik_metrics_keep(L, &key, keeper_gc);
    return 0;
}
