/* SPDX-License-Identifier: MIT */
/* convert.c: addresses of <lunik/address.h> as lwIP's, and back. */
#include "convert.h"
#include <string.h>

void lunik_ip_from_address(const struct lunik_address *address, ip_addr_t *out)
{
    memset(out, 0, sizeof(*out));
    if (address->family == LUNIK_IP4) {
        IP_SET_TYPE_VAL(*out, IPADDR_TYPE_V4);
        memcpy(ip_2_ip4(out), address->bytes, 4);
        return;
    }
    IP_SET_TYPE_VAL(*out, IPADDR_TYPE_V6);
    memcpy(ip_2_ip6(out)->addr, address->bytes, 16);
    ip6_addr_set_zone(ip_2_ip6(out), (u8_t)address->zone);
}

void lunik_ip_to_address(const ip_addr_t *ip, u16_t port,
                         struct lunik_address *out)
{
    memset(out, 0, sizeof(*out));
    out->port = port;
    if (IP_IS_V4_VAL(*ip) && !IP_IS_ANY_TYPE_VAL(*ip)) {
        out->family = LUNIK_IP4;
        memcpy(out->bytes, ip_2_ip4(ip), 4);
        return;
    }
    out->family = LUNIK_IP6;
    memcpy(out->bytes, ip_2_ip6(ip)->addr, 16);
    out->zone = ip6_addr_zone(ip_2_ip6(ip));
}
