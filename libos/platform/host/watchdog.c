/* SPDX-License-Identifier: MIT */
/* watchdog.c: ends a process whose fibers make no progress: `watchdog=`. */
#include "host.h"
#include "platform.h"
#include <lunik/event.h>
#include <lunik/panic.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <ucontext.h>

static uint64_t progress;

/* A tick ends an idle sleep, which is progress; so only a fiber that neither
 * waits nor yields from one tick to the next is caught. */
static void on_tick(int number, siginfo_t *info, void *context)
{
    const greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    uint64_t now = lunik_event_progress();

    (void)number;
    (void)info;
    if (now == progress)
        lunik_panic_trap(LUNIK_EXIT_WATCHDOG, (uintptr_t)registers[REG_RIP],
                         (uintptr_t)registers[REG_RBP],
                         "watchdog: fiber %s made no progress",
                         lunik_fiber_name(lunik_fiber_self()));
    progress = now;
}

void platform_host_init_watchdog(void)
{
    const char *seconds = lunik_launch_option("watchdog", 0);
    struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK };
    struct itimerval tick = { 0 };

    if (!seconds)
        return;
    /* The launch line was checked: a number. */
    tick.it_interval.tv_sec = tick.it_value.tv_sec = atoi(seconds);
    action.sa_sigaction = on_tick;
    progress = lunik_event_progress() - 1;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &tick, NULL);
}
