/* SPDX-License-Identifier: MIT */
/*
 * tcp_table.h: lwIP's connections, found by hash and kept from its timers
 * while they have nothing to do. See docs/decisions/0007-tcp-tables.md.
 *
 * Context: task.
 */
#ifndef LUNIK_LWIP_TCP_TABLE_H
#define LUNIK_LWIP_TCP_TABLE_H

#include "stack.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lwip/ip_addr.h"
#include "lwip/pbuf.h"
#include "lwip/tcp.h"

/* What is known of a connection beside lwIP's own block; it lies before it. */
struct lunik_tcp_node {
    struct lunik_tcp_node *chain;       /* in its bucket */
    struct lunik_tcp_node *next, *prev; /* among the parked or the waiting */
    struct tcp_pcb *before;             /* among the busy, lwIP's list */
    struct lunik_tcp_node *output; /* the next that has something to send */
    uint32_t hash;
    uint8_t place; /* enum lunik_tcp_place */
    bool is_half_open;
    bool has_output; /* it is on that list */
};

enum lunik_tcp_place {
    LUNIK_TCP_NOWHERE,
    LUNIK_TCP_BUSY,    /* on tcp_active_pcbs: lwIP's timers look at it */
    LUNIK_TCP_PARKED,  /* open, and nothing to do */
    LUNIK_TCP_WAITING, /* in TIME_WAIT, the oldest first */
};

struct lunik_tcp_counts {
    size_t busy, parked, waiting, half_open;
};

/* Segments that came in, counted round. */
extern uint32_t lunik_tcp_segments;

void lunik_tcp_init(size_t memory_limit);
void lunik_tcp_get_counts(struct lunik_tcp_counts *out);

#define LUNIK_TCP_SWEEP_MS 4000

/* Steps of TCP's timers, and whether they are needed: lwIP's, and a slow one
 * for what lwIP's do not look at. */
void lunik_tcp_tick(void);
bool lunik_tcp_has_work(void);
void lunik_tcp_sweep(void);
bool lunik_tcp_has_sleepers(void);

/* memory.c calls these around each block of a connection. */
static inline struct lunik_tcp_node *
lunik_tcp_node_of(const struct tcp_pcb *pcb)
{
    return (struct lunik_tcp_node *)(uintptr_t)pcb - 1;
}
/* Takes a connection that goes away off everything. */
void lunik_tcp_forget(struct tcp_pcb *pcb);
/* No memory is left for a connection: ends the oldest of those that only wait.
 * False: there is none. */
bool lunik_tcp_evict(void);

/* Sends what lunik_lwip_output() was called for. */
void lunik_tcp_output_all(void);
bool lunik_tcp_has_output(void);

/* The connection with these ends; NULL: none. */
struct tcp_pcb *lunik_tcp_find(const ip_addr_t *local, u16_t local_port,
                               const ip_addr_t *remote, u16_t remote_port);

/* ---- Half-open connections: tcp_cookie.c ---- */

/* Where a segment for no connection is looked at first. (seg) is as received.
 * True: that was all there was to do. */
struct lunik_tcp_segment {
    u16_t local_port, remote_port;
    u32_t sequence, acknowledged;
    u16_t window;
    u8_t flags;
    u8_t header_size;
};
void lunik_tcp_cookie_init(void);
void lunik_tcp_send_cookie(const struct lunik_tcp_segment *segment,
                           const struct pbuf *pbuf);
/* Makes a connection of one that a cookie was sent for; false: it was not. */
bool lunik_tcp_take_cookie(const struct lunik_tcp_segment *segment,
                           struct tcp_pcb_listen *listener);
/* Keyed; 64 bits of (size) bytes at (data). */
uint64_t lunik_tcp_siphash(const uint64_t key[2], const void *data,
                           size_t size);

#endif
