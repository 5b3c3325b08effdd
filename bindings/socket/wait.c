/* SPDX-License-Identifier: MIT */
/*
 * wait.c: LuaSocket's waits, over the C library's calls: an image's own, or on
 * the host platform those of <lunik/host.h> (see CMakeLists.txt).
 */
#include "calls.h"

#include <errno.h>
#include <lunik/event.h>
#include <lunik/time.h>
#include <stdbool.h>

/* Each of the platforms has its own word for it. That the fiber is limited
 * means that every later wait ends at once, too. */
static bool is_cut_short(int result)
{
    return result < 0 &&
           (errno == EINTR || errno == ECANCELED || errno == ETIMEDOUT) &&
           lunik_fiber_is_limited(lunik_fiber_self());
}

int lunik_luasocket_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    int result = poll(fds, count, timeout_ms);

    return is_cut_short(result) ? 0 : result;
}

int lunik_luasocket_nanosleep(const struct timespec *duration,
                              struct timespec *left)
{
    uint64_t ns = (uint64_t)duration->tv_sec * LUNIK_NS_PER_S +
                  (uint64_t)duration->tv_nsec;
    lunik_result result = lunik_sleep_until(lunik_time_after_ns(ns));

    (void)left;
    (void)result; /* the wrapper raises what cut it short */
    return 0;
}

int lunik_luasocket_getaddrinfo(const char *node, const char *service,
                                const struct addrinfo *hints,
                                struct addrinfo **out)
{
    return getaddrinfo(node, service, hints, out);
}
