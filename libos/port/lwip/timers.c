/* SPDX-License-Identifier: MIT */
/*
 * timers.c: lwIP's periodic work, done only while there is some.
 *
 * Each kind of work has its step and a question: is there any? As long as the
 * answer is no, its timer does not run; an image whose network is idle wakes
 * once a second, for the neighbours' ages.
 */
#include "timers.h"
#include "device.h"
#include "tcp_table.h"
#include <lunik/event.h>

#include "lwip/acd.h"
#include "lwip/dhcp.h"
#include "lwip/etharp.h"
#include "lwip/igmp.h"
#include "lwip/ip4_frag.h"
#include "lwip/ip6_frag.h"
#include "lwip/mld6.h"
#include "lwip/nd6.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/acd.h"
#include "lwip/prot/dhcp.h"
#include "lwip/sys.h"
#include "lwip/timeouts.h"

/* Address conflict detection was made for networks of large buildings. Its
 * clock runs ten times as fast here: an answer of a virtual network comes
 * within milliseconds, and a start waits for it. */
#define ACD_STEP_MS 10

u32_t sys_now(void)
{
    return (u32_t)(lunik_time_monotonic_ns() / LUNIK_NS_PER_MS);
}

/* ---- Is there work? ---- */

static bool has_devices(void)
{
    return lunik_lwip_devices[0] != NULL;
}

static bool has_reassembly4(void)
{
    return lunik_lwip_pool_used(MEMP_REASSDATA) > 0;
}

static bool has_reassembly6(void)
{
    return lunik_lwip_pool_used(MEMP_IP6_REASSDATA) > 0;
}

static bool has_acd(void)
{
    struct netif *netif;

    NETIF_FOREACH(netif)
    {
        for (const struct acd *acd = netif->acd_list; acd; acd = acd->next)
            if ((acd->state != ACD_STATE_OFF &&
                 acd->state != ACD_STATE_ONGOING &&
                 acd->state != ACD_STATE_PASSIVE_ONGOING) ||
                acd->lastconflict > 0)
                return true;
    }
    return false;
}

static bool has_igmp(void)
{
    struct netif *netif;

    NETIF_FOREACH(netif)
    {
        for (const struct igmp_group *group = netif_igmp_data(netif); group;
             group = group->next)
            if (group->timer > 0)
                return true;
    }
    return false;
}

static bool has_mld(void)
{
    struct netif *netif;

    NETIF_FOREACH(netif)
    {
        for (const struct mld_group *group = netif_mld6_data(netif); group;
             group = group->next)
            if (group->timer > 0)
                return true;
    }
    return false;
}

static bool has_dhcp_request(void)
{
    struct netif *netif;

    NETIF_FOREACH(netif)
    {
        const struct dhcp *dhcp = netif_dhcp_data(netif);

        if (dhcp && dhcp->request_timeout > 0)
            return true;
    }
    return false;
}

static bool has_lease(void)
{
    struct netif *netif;

    NETIF_FOREACH(netif)
    {
        const struct dhcp *dhcp = netif_dhcp_data(netif);

        if (dhcp && dhcp->t0_timeout > 0)
            return true;
    }
    return false;
}

/* ---- Steps ---- */

static const struct work {
    uint32_t step_ms;
    void (*run)(void);
    bool (*is_there)(void);
} works[] = {
    { TCP_TMR_INTERVAL, lunik_tcp_tick, lunik_tcp_has_work },
    { LUNIK_TCP_SWEEP_MS, lunik_tcp_sweep, lunik_tcp_has_sleepers },
    { ARP_TMR_INTERVAL, etharp_tmr, has_devices },
    { ND6_TMR_INTERVAL, nd6_tmr, has_devices },
    { IP_TMR_INTERVAL, ip_reass_tmr, has_reassembly4 },
    { IP6_REASS_TMR_INTERVAL, ip6_reass_tmr, has_reassembly6 },
    { ACD_STEP_MS, acd_tmr, has_acd },
    { IGMP_TMR_INTERVAL, igmp_tmr, has_igmp },
    { MLD6_TMR_INTERVAL, mld6_tmr, has_mld },
    { DHCP_FINE_TIMER_MSECS, dhcp_fine_tmr, has_dhcp_request },
    { DHCP_COARSE_TIMER_MSECS, dhcp_coarse_tmr, has_lease },
};
#define WORKS (sizeof(works) / sizeof(works[0]))
#define WORKS_OF_TCP 2 /* the first of them */

static struct {
    uint64_t due_ns[WORKS]; /* 0: does not run */
    struct lunik_timer timer;
    uint64_t set_for_ns;
} timers;

/* Steps of equal length fall together: one wake-up for several. */
static uint64_t next_due(uint64_t now_ns, const struct work *work)
{
    uint64_t step_ns = work->step_ms * LUNIK_NS_PER_MS;

    return (now_ns / step_ns + 1) * step_ns;
}

void lunik_lwip_timers_run(void)
{
    uint64_t now_ns = lunik_time_monotonic_ns();

    for (size_t i = 0; i < WORKS; i++) {
        if (timers.due_ns[i] == 0 || timers.due_ns[i] > now_ns)
            continue;
        timers.due_ns[i] =
            works[i].is_there() ? next_due(now_ns, &works[i]) : 0;
        works[i].run();
    }
    timers.set_for_ns = 0;
}

void lunik_lwip_timers_update(bool is_all)
{
    uint64_t first_ns = timers.set_for_ns ? timers.set_for_ns : LUNIK_NEVER;
    size_t count = is_all || !timers.set_for_ns ? WORKS : WORKS_OF_TCP;

    for (size_t i = 0; i < count; i++) {
        if (timers.due_ns[i] == 0) {
            if (!works[i].is_there())
                continue;
            timers.due_ns[i] = next_due(lunik_time_monotonic_ns(), &works[i]);
        }
        if (timers.due_ns[i] < first_ns)
            first_ns = timers.due_ns[i];
    }
    if (first_ns != LUNIK_NEVER && first_ns != timers.set_for_ns) {
        timers.set_for_ns = first_ns;
        lunik_timer_set(&timers.timer, first_ns);
    }
}

void lunik_lwip_timers_init(void (*fn)(void *arg))
{
    timers.timer.fn = fn;
}

/* ---- What lwIP asks for ---- */

/* A connection was registered: lunik_tcp_has_work() will say so. */
void tcp_timer_needed(void)
{
    lunik_lwip_touched();
}
