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
struct tcp_pcb_listen;

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

/* ---- Connections: tcp_table.c ---- */

/* As tcp_output(), but at the end of the turn: several writes of a fiber's then
 * share a segment and a look at the connection. */
void lunik_lwip_output(struct tcp_pcb *pcb);

/* Of socket.c, where it is linked: whether a listener has as many connections
 * that wait to be accepted as it may have. SYNs are then dropped. */
extern bool
lunik_lwip_is_full(const struct tcp_pcb_listen *listener) LUNIK_WEAK;

/* A random port that is free for a connection of these ends; 0: none found.
 * lwIP's own choice can be guessed, and does not see all connections. */
u16_t lunik_lwip_tcp_port(const ip_addr_t *local, const ip_addr_t *remote,
                          u16_t remote_port);

/* Whether a connection has (port) at (local), which may be any address.
 * tcp_bind() does not see them: to be asked before, without REUSE_ADDRESS. */
bool lunik_lwip_tcp_port_is_used(const ip_addr_t *local, u16_t port);

/* ---- Memory: memory.c ---- */

void lunik_lwip_memory_init(size_t free_bytes);
size_t lunik_lwip_memory_used(void);
size_t lunik_lwip_memory_limit(void);
/* Three quarters are used: a good time to refuse new work. */
bool lunik_lwip_memory_is_short(void);
size_t lunik_lwip_pool_used(memp_t type);

#endif
