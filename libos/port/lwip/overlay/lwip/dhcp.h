/* SPDX-License-Identifier: MIT */
/* dhcp.h: upstream's, but a lease is counted in steps of ten seconds. */
#ifndef LUNIK_LWIP_DHCP_H
#define LUNIK_LWIP_DHCP_H

#include_next "lwip/dhcp.h"

#undef DHCP_COARSE_TIMER_SECS
#define DHCP_COARSE_TIMER_SECS 10

#endif
