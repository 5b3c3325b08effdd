/* SPDX-License-Identifier: MIT */
/*
 * convert.h: addresses of <lunik/address.h> as lwIP's, and back.
 *
 * Context: task, or lwIP's callbacks.
 */
#ifndef LUNIK_LWIP_CONVERT_H
#define LUNIK_LWIP_CONVERT_H

#include "lwip/ip_addr.h"
#include <lunik/address.h>

void lunik_ip_from_address(const struct lunik_address *address, ip_addr_t *out);

/* An address for both families becomes that of IPv6. */
void lunik_ip_to_address(const ip_addr_t *ip, u16_t port,
                         struct lunik_address *out);

#endif
