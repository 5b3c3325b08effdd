/* SPDX-License-Identifier: MIT */
/*
 * lunik_hooks.h: where lwIP asks us: sequence numbers, and what it lets in.
 */
#ifndef LUNIK_HOOKS_H
#define LUNIK_HOOKS_H

#include "lwip/ip_addr.h"
#include "lwip/pbuf.h"

struct tcp_pcb;
struct tcp_hdr;

/* RFC 6528: sequence.c. */
u32_t lunik_lwip_isn(const ip_addr_t *local, u16_t local_port,
                     const ip_addr_t *remote, u16_t remote_port);
#define LWIP_HOOK_TCP_ISN(local, local_port, remote, remote_port) \
    lunik_lwip_isn(local, local_port, remote, remote_port)

#endif
