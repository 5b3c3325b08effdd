/* SPDX-License-Identifier: MIT */
/*
 * tcp_table.h: lwIP's connections, found by hash and kept from its timers
 * while they have nothing to do. See docs/decisions/0006-tcp-tables.md.
 *
 * Context: task.
 */
#ifndef LUNIK_LWIP_TCP_TABLE_H
#define LUNIK_LWIP_TCP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A step of lwIP's TCP timers, and whether one is needed. */
void lunik_tcp_tick(void);
bool lunik_tcp_has_work(void);

#endif
