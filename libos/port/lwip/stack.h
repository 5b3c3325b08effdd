/* SPDX-License-Identifier: MIT */
/*
 * stack.h: what the files of this folder share.
 *
 * The stack runs in turns: a turn begins when a device, a timer or a fiber
 * gives it something to do, and ends in the event loop with lunik_lwip_end(),
 * which hands what was gathered to the devices. A fiber that has called a
 * function of lwIP's that may send calls lunik_lwip_touched() afterwards;
 * nothing else is to be done.
 *
 * Context: task. Nothing here waits.
 */
#ifndef LUNIK_LWIP_STACK_H
#define LUNIK_LWIP_STACK_H

#include <lunik/attr.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lwip/memp.h"
#include "lwip/netif.h"

struct tcp_pcb;

/* Has the stack linked and started; sockets call it. False: the image has no
 * network device, and only 127.0.0.1 and ::1 can be reached. */
bool lunik_lwip_has_network(void);

extern const char lunik_lwip_is_linked;

/* Starts the stack; once, before anything else. */
void lunik_lwip_start(void);

/* Says that there may be something to send, or a timer to set. */
void lunik_lwip_touched(void);

/*
 * To be called before a function of lwIP's that changes a connection from
 * outside of its callbacks: tcp_write(), tcp_output(), tcp_close(),
 * tcp_shutdown(), tcp_abort(), tcp_recved(). Connections that have nothing to
 * do are kept away from lwIP's timers; this brings one back.
 */
void lunik_lwip_touch(struct tcp_pcb *pcb);

/* ---- Memory: memory.c ---- */

void lunik_lwip_memory_init(size_t free_bytes);
size_t lunik_lwip_memory_used(void);
size_t lunik_lwip_memory_limit(void);
/* Three quarters are used: a good time to refuse new work. */
bool lunik_lwip_memory_is_short(void);
size_t lunik_lwip_pool_used(memp_t type);

#endif
