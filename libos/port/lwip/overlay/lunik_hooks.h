/* SPDX-License-Identifier: MIT */
/*
 * lunik_hooks.h: where lwIP asks us: sequence numbers, and what it lets in.
 */
#ifndef LUNIK_HOOKS_H
#define LUNIK_HOOKS_H

#include "lwip/err.h"
#include "lwip/ip_addr.h"
#include "lwip/pbuf.h"

struct tcp_pcb;
struct tcp_hdr;
struct netif;

/* RFC 6528: sequence.c. */
u32_t lunik_lwip_isn(const ip_addr_t *local, u16_t local_port,
                     const ip_addr_t *remote, u16_t remote_port);
#define LWIP_HOOK_TCP_ISN(local, local_port, remote, remote_port) \
    lunik_lwip_isn(local, local_port, remote, remote_port)

/* A static IPv6 gateway: addresses.c. */
const ip6_addr_t *lunik_lwip_gateway6(struct netif *netif,
                                      const ip6_addr_t *to);
#define LWIP_HOOK_ND6_GET_GW(netif, to) lunik_lwip_gateway6(netif, to)

/* RFC 2131, table 5, wants the server named in a DHCPDECLINE; servers ignore it
 * otherwise, and give the same address again. The functions are dhcp.c's. */
#define LWIP_HOOK_DHCP_APPEND_OPTIONS(netif, dhcp, state, message, kind, size) \
    do {                                                                       \
        if ((kind) == DHCP_DECLINE) {                                          \
            *(size) = dhcp_option(*(size), (message)->options,                 \
                                  DHCP_OPTION_SERVER_ID, 4);                   \
            *(size) = dhcp_option_long(*(size), (message)->options,            \
                                       lwip_ntohl(ip4_addr_get_u32(ip_2_ip4(   \
                                           &(dhcp)->server_ip_addr))));        \
        }                                                                      \
    } while (0)

/* Instead of netif_loop_output(), which would tell nobody: stack.c. */
err_t lunik_lwip_loop_output(struct netif *netif, struct pbuf *pbuf);

/* Instead of ip6_frag(): send.c. */
err_t lunik_lwip_ip6_frag(struct pbuf *pbuf, struct netif *netif,
                          const ip6_addr_t *to);

/* Instead of tcp_input() and tcp_netif_ip_addr_changed(): tcp_table.c. */
void lunik_tcp_input(struct pbuf *pbuf, struct netif *netif);
void lunik_tcp_address_changed(const ip_addr_t *from, const ip_addr_t *to);

/* Instead of ip6_input() and nd6_input(): filter.c. */
err_t lunik_lwip_ip6_input(struct pbuf *pbuf, struct netif *netif);
void lunik_lwip_nd6_input(struct pbuf *pbuf, struct netif *netif);

#endif
