/* SPDX-License-Identifier: MIT */
/* tcp_table.c: connections. */
#include "tcp_table.h"
#include "stack.h"
#include <lunik/random.h>

#include "lwip/priv/tcp_priv.h"
#include "lunik_hooks.h"

void lunik_tcp_tick(void)
{
    tcp_tmr();
}

bool lunik_tcp_has_work(void)
{
    return tcp_active_pcbs != NULL || tcp_tw_pcbs != NULL;
}

void lunik_lwip_touch(struct tcp_pcb *pcb)
{
    (void)pcb;
}

u32_t lunik_lwip_isn(const ip_addr_t *local, u16_t local_port,
                     const ip_addr_t *remote, u16_t remote_port)
{
    (void)local;
    (void)local_port;
    (void)remote;
    (void)remote_port;
    return (u32_t)lunik_random_u64();
}
