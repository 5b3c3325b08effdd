/* SPDX-License-Identifier: MIT */
/*
 * addresses.h: the addresses of interfaces, and the name servers.
 *
 * Context: task.
 */
#ifndef LUNIK_LWIP_ADDRESSES_H
#define LUNIK_LWIP_ADDRESSES_H

#include "device.h"

/* Gives an interface the addresses that its configuration says, or has it ask
 * for them. */
void lunik_lwip_configure(struct lunik_lwip_device *device);

void lunik_lwip_to_address(const ip_addr_t *from, struct lunik_address *out);
void lunik_lwip_from_address(const struct lunik_address *from, ip_addr_t *out);

#endif
