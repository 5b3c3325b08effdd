/* SPDX-License-Identifier: MIT */
/*
 * filter.c: neighbour discovery that lwIP is not to see.
 *
 * lwIP believes redirects of anybody on the link, and router advertisements
 * where an interface was told to want none; and it accepts a path's MTU of any
 * size. Called instead of nd6_input(), by lwIP's ICMPv6.
 */
#include "device.h"
#include <lunik/time.h>

#include "lunik_hooks.h"
#include "lwip/ip6.h"
#include "lwip/nd6.h"
#include "lwip/prot/icmp6.h"

#define MTU_MIN 1280 /* RFC 8200: no link has less */
#define MTU_AT 4     /* of a Packet Too Big */

/* Router advertisements that are looked at in a second. A network has one
 * every few seconds; a flood is not worth the work. */
#define ADVERTISEMENTS_MAX 16

static struct {
    uint64_t second;
    unsigned seen;
} advertisements;

static bool is_flood(void)
{
    uint64_t second = lunik_time_monotonic_ns() / LUNIK_NS_PER_S;

    if (second != advertisements.second) {
        advertisements.second = second;
        advertisements.seen = 0;
    }
    return ++advertisements.seen > ADVERTISEMENTS_MAX;
}

static bool is_wanted(const struct pbuf *pbuf, const struct netif *netif)
{
    const struct icmp6_hdr *header = pbuf->payload;
    uint32_t mtu = 0;

    if (pbuf->len < sizeof(*header))
        return false;
    switch (header->type) {
    case ICMP6_TYPE_RD:
        return false;
    case ICMP6_TYPE_RA:
        return netif->ip6_autoconfig_enabled && !is_flood();
    case ICMP6_TYPE_PTB:
        for (u16_t i = 0; i < 4; i++)
            mtu = mtu << 8 | pbuf_get_at(pbuf, (u16_t)(MTU_AT + i));
        return mtu >= MTU_MIN;
    default:
        return true;
    }
}

void lunik_lwip_nd6_input(struct pbuf *pbuf, struct netif *netif)
{
    if (is_wanted(pbuf, netif))
        nd6_input(pbuf, netif);
    else
        pbuf_free(pbuf);
}
