/* SPDX-License-Identifier: MIT */
/* idle.c: sleeping until a signal, input, a descriptor or a deadline. */
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
    struct pollfd inputs[2] = { { .fd = -1, .events = POLLIN },
                                { .fd = -1, .events = POLLIN } };
    uint64_t now, left;
    struct timespec timeout;
    sigset_t all, before;

    if (!platform_host_watch_begin_idle())
        return;
    if (lunik_event_has_waiters(platform_console_event()))
        inputs[0].fd = STDIN_FILENO;
    inputs[1].fd = platform_host_watch_fd();
    now = platform_monotonic_ns();
    left = deadline_ns > now ? deadline_ns - now : 0;
    timeout.tv_sec = (time_t)(left / LUNIK_NS_PER_S);
    timeout.tv_nsec = (long)(left % LUNIK_NS_PER_S);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    if (!*pending &&
        ppoll(inputs, 2, deadline_ns == LUNIK_NEVER ? NULL : &timeout,
              &before) > 0) {
        if (inputs[0].revents)
            lunik_event_signal(platform_console_event());
        if (inputs[1].revents)
            platform_host_watch_notify();
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    platform_host_watch_end_idle();
}
