/* SPDX-License-Identifier: MIT */
/* timers.h: lwIP's periodic work. Context: task. */
#ifndef LUNIK_LWIP_TIMERS_H
#define LUNIK_LWIP_TIMERS_H

/* Has (fn) called whenever a step is due; it calls lunik_lwip_timers_run(). */
void lunik_lwip_timers_init(void (*fn)(void *arg));
void lunik_lwip_timers_run(void);

/* Sets the timer to the next step, at the end of a turn. */
void lunik_lwip_timers_update(void);

#endif
