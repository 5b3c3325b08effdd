/* SPDX-License-Identifier: MIT */
/* idle.c: sleeping until a signal, console input or a deadline. */
#include "host.h"
#include "platform.h"
#include <lunik/time.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

/*
 * Signals are this platform's interrupts, and ppoll() is its `sti; hlt`: they
 * are held off while (pending) is looked at, and let in by ppoll() in the same
 * step in which it sleeps.
 */
void platform_idle(const volatile uint64_t *pending, uint64_t deadline_ns)
{
    struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
    nfds_t count = lunik_event_has_waiters(platform_console_event()) ? 1 : 0;
    uint64_t now = platform_monotonic_ns(), left;
    struct timespec timeout;
    sigset_t all, before;

    left = deadline_ns > now ? deadline_ns - now : 0;
    timeout.tv_sec = (time_t)(left / LUNIK_NS_PER_S);
    timeout.tv_nsec = (long)(left % LUNIK_NS_PER_S);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    if (!*pending &&
        ppoll(&input, count, deadline_ns == LUNIK_NEVER ? NULL : &timeout,
              &before) > 0)
        lunik_event_signal(platform_console_event());
    sigprocmask(SIG_SETMASK, &before, NULL);
}
