/* SPDX-License-Identifier: MIT */
/*
 * tcp_priv.h: upstream's, but connections are registered with tcp_table.c,
 * which finds them by hash and takes them off their lists without a walk.
 */
#ifndef LUNIK_LWIP_TCP_PRIV_H
#define LUNIK_LWIP_TCP_PRIV_H

#include_next "lwip/priv/tcp_priv.h"

void lunik_tcp_register(struct tcp_pcb **list, struct tcp_pcb *pcb);
void lunik_tcp_remove(struct tcp_pcb **list, struct tcp_pcb *pcb);

#undef TCP_REG
#undef TCP_RMV
#define TCP_REG(list, pcb) lunik_tcp_register(list, pcb)
#define TCP_RMV(list, pcb) lunik_tcp_remove(list, pcb)

#endif
