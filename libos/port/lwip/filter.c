/* SPDX-License-Identifier: MIT */
/*
 * filter.c: IPv6 that lwIP is not to see.
 *
 * lwIP reads extension headers before it looks where the packet ends, and
 * follows routing headers; lunik_lwip_ip6_input() stands before it. And it
 * believes redirects of anybody on the link, router advertisements where an
 * interface was told to want none, and a path's MTU of any size:
 * lunik_lwip_nd6_input() stands before that.
 */
#include "device.h"
#include <lunik/time.h>

#include "lunik_hooks.h"
#include "lwip/ip6.h"
#include "lwip/nd6.h"
#include "lwip/prot/icmp6.h"
#include "lwip/prot/ip6.h"

/* ---- Extension headers ---- */

#define CHAIN_MAX 4
#define EXTENSION 8 /* bytes that each has at least */
#define PAD1 0

/* Options of type, length, value, that end where their header does. */
static bool are_options_whole(const uint8_t *at, size_t left)
{
    while (left > 0) {
        size_t size = 1;

        if (*at != PAD1) {
            if (left < 2)
                return false;
            size = 2u + at[1];
        }
        if (size > left)
            return false;
        at += size;
        left -= size;
    }
    return true;
}

static bool is_upper(uint8_t protocol)
{
    return protocol == IP6_NEXTH_TCP || protocol == IP6_NEXTH_UDP ||
           protocol == IP6_NEXTH_ICMP6;
}

/* No routing; options that are whole; and of a packet in fragments nothing
 * that would be an extension behind them (RFC 7112). */
static bool is_chain_good(const uint8_t *at, size_t left)
{
    uint8_t next = at[6];

    at += IP6_HLEN;
    left -= IP6_HLEN;
    for (int i = 0; i < CHAIN_MAX; i++) {
        size_t size;

        if (next != IP6_NEXTH_HOPBYHOP && next != IP6_NEXTH_DESTOPTS &&
            next != IP6_NEXTH_FRAGMENT)
            return next != IP6_NEXTH_ROUTING;
        if (left < EXTENSION)
            return false;
        if (next == IP6_NEXTH_FRAGMENT)
            return is_upper(at[0]);
        size = (size_t)EXTENSION * (1u + at[1]);
        if (size > left || !are_options_whole(at + 2, size - 2))
            return false;
        next = at[0];
        at += size;
        left -= size;
    }
    return false;
}

err_t lunik_lwip_ip6_input(struct pbuf *pbuf, struct netif *netif)
{
    if (LUNIK_LIKELY(pbuf->len >= IP6_HLEN &&
                     is_chain_good(pbuf->payload, pbuf->len)))
        return ip6_input(pbuf, netif);
    pbuf_free(pbuf);
    return ERR_OK;
}

/* ---- Neighbour discovery ---- */

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
