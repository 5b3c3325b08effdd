/* SPDX-License-Identifier: MIT */
/* timers.h: lwIP's periodic work. Context: task. */
#ifndef LUNIK_LWIP_TIMERS_H
#define LUNIK_LWIP_TIMERS_H

#include <stdbool.h>

/* Has (fn) called whenever a step is due; it calls lunik_lwip_timers_run(). */
void lunik_lwip_timers_init(void (*fn)(void *arg));
void lunik_lwip_timers_run(void);

/* Sets the timer to the next step, at the end of a turn; (is_all): a turn that
 * saw more than segments of TCP. */
void lunik_lwip_timers_update(bool is_all);

#endif
