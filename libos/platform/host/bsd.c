/* SPDX-License-Identifier: MIT */
/* bsd.c: Linux's blocking calls for fibers: <lunik/host.h>. */
#include "host.h"
#include "platform.h"
#include <errno.h>
#include <lunik/host.h>
#include <lunik/time.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

/* Waits for this many descriptors need no heap. */
#define FEW 8

/* ---- poll and select ---- */

struct poll_watch {
    struct platform_host_watch watch; /* first */
    struct lunik_event *event;
};

static void on_ready(struct platform_host_watch *watch, uint32_t events)
{
    (void)events;
    lunik_event_signal(((struct poll_watch *)(void *)watch)->event);
}

/* Hangs one watch on each descriptor; returns how many were hung. poll()'s bits
 * are epoll's. */
static nfds_t hang(struct poll_watch *watches, struct lunik_event *event,
                   const struct pollfd *fds, nfds_t count)
{
    for (nfds_t i = 0; i < count; i++) {
        watches[i] = (struct poll_watch) {
            .watch = { .fn = on_ready,
                       .fd = fds[i].fd,
                       .wants =
                           (uint32_t)(unsigned short)fds[i].events | EPOLLERR },
            .event = event,
        };
        if (fds[i].fd >= 0 &&
            platform_host_watch_add(&watches[i].watch) == LUNIK_ENOMEM)
            return i;
    }
    return count;
}

static int wait_in(struct poll_watch *watches, struct pollfd *fds, nfds_t count,
                   uint64_t deadline_ns)
{
    struct lunik_event event = { 0 };
    nfds_t hung = hang(watches, &event, fds, count);
    lunik_result result = LUNIK_OK;
    int ready = 0;

    if (hung < count) {
        ready = -1;
        errno = ENOMEM;
    }
    while (ready == 0 && result == LUNIK_OK) {
        /* Hanging it, too, reports what is so already. */
        result = lunik_event_wait(&event, deadline_ns);
        ready = poll(fds, count, 0);
    }
    for (nfds_t i = 0; i < hung; i++)
        platform_host_watch_remove(&watches[i].watch);
    if (ready != 0)
        return ready;
    if (result == LUNIK_ETIMEOUT && platform_monotonic_ns() >= deadline_ns)
        return 0;
    errno = result == LUNIK_ECANCELED ? ECANCELED : ETIMEDOUT;
    return -1;
}

int lunik_host_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    int ready = poll(fds, count, 0);
    struct poll_watch few[FEW], *watches = few;
    uint64_t deadline_ns = LUNIK_NEVER;

    if (ready != 0 || !lunik_fiber_self())
        return lunik_fiber_self() ? ready : poll(fds, count, timeout_ms);
    if (timeout_ms == 0) {
        lunik_fiber_yield(); /* whoever asks in a loop starves nobody */
        return 0;
    }
    if (timeout_ms > 0)
        deadline_ns =
            platform_monotonic_ns() + (uint64_t)timeout_ms * LUNIK_NS_PER_MS;
    if (count > FEW)
        watches = malloc(count * sizeof(*watches));
    if (!watches) {
        errno = ENOMEM;
        return -1;
    }
    ready = wait_in(watches, fds, count, deadline_ns);
    if (watches != few)
        free(watches);
    return ready;
}

static int to_ms(const struct timeval *timeout)
{
    if (!timeout)
        return -1;
    if (timeout->tv_sec > INT32_MAX / 1000 - 1)
        return INT32_MAX;
    /* Up: a wait is never shorter than asked for. */
    return (int)(timeout->tv_sec * 1000 + (timeout->tv_usec + 999) / 1000);
}

static bool is_in(int fd, const fd_set *set)
{
    return set && FD_ISSET(fd, set);
}

/* Keeps (fd) in the set if (holds), and counts it. */
static int keep(int fd, fd_set *set, bool holds)
{
    if (!is_in(fd, set))
        return 0;
    if (!holds)
        FD_CLR(fd, set);
    return holds;
}

int lunik_host_select(int count, fd_set *readable, fd_set *writable,
                      fd_set *exceptional, struct timeval *timeout)
{
    struct pollfd fds[FD_SETSIZE];
    nfds_t used = 0;
    int ready, total = 0;

    if (count < 0 || count > FD_SETSIZE ||
        (timeout && (timeout->tv_sec < 0 || timeout->tv_usec < 0))) {
        errno = EINVAL;
        return -1;
    }
    for (int fd = 0; fd < count; fd++) {
        int wants = (is_in(fd, readable) ? POLLIN : 0) |
                    (is_in(fd, writable) ? POLLOUT : 0) |
                    (is_in(fd, exceptional) ? POLLPRI : 0);

        if (wants)
            fds[used++] = (struct pollfd) { .fd = fd, .events = (short)wants };
    }
    ready = lunik_host_poll(fds, used, to_ms(timeout));
    if (ready < 0)
        return -1;
    for (nfds_t i = 0; i < used; i++) {
        int now = ready > 0 ? fds[i].revents : 0;

        if (now & POLLNVAL) {
            errno = EBADF;
            return -1;
        }
        total += keep(fds[i].fd, readable, now & (POLLIN | POLLHUP | POLLERR));
        total += keep(fds[i].fd, writable, now & (POLLOUT | POLLERR));
        total += keep(fds[i].fd, exceptional, now & POLLPRI);
    }
    return total;
}

/* ---- Names ---- */

struct lookup {
    struct platform_host_job job; /* first */
    char *host, *service;
    struct addrinfo hints;
    struct addrinfo *found;
    int failed;
};

static void run(struct platform_host_job *job)
{
    struct lookup *lookup = (struct lookup *)(void *)job;

    lookup->failed = getaddrinfo(lookup->host, lookup->service, &lookup->hints,
                                 &lookup->found);
}

static void drop(struct platform_host_job *job)
{
    struct lookup *lookup = (struct lookup *)(void *)job;

    if (lookup->found)
        freeaddrinfo(lookup->found);
    free(lookup->host);
    free(lookup->service);
    free(lookup);
}

int lunik_host_getaddrinfo(const char *host, const char *service,
                           const struct addrinfo *hints, struct addrinfo **out)
{
    struct addrinfo numeric = { .ai_flags = AI_NUMERICHOST };
    struct lookup *lookup;
    lunik_result result;
    int failed;

    if (hints) {
        numeric = *hints;
        numeric.ai_flags |= AI_NUMERICHOST;
    }
    failed = getaddrinfo(host, service, &numeric, out);
    if (failed != EAI_NONAME || !host || !lunik_fiber_self() ||
        (hints && hints->ai_flags & AI_NUMERICHOST))
        return failed;
    lookup = calloc(1, sizeof(*lookup));
    if (!lookup)
        return EAI_MEMORY;
    lookup->job.run = run;
    lookup->job.drop = drop;
    if (hints)
        lookup->hints = *hints;
    lookup->host = strdup(host);
    lookup->service = service ? strdup(service) : NULL;
    if (!lookup->host || (service && !lookup->service)) {
        drop(&lookup->job);
        return EAI_MEMORY;
    }
    result = platform_host_job_run(&lookup->job, LUNIK_NEVER);
    if (result != LUNIK_OK) {
        errno = result == LUNIK_ECANCELED ? ECANCELED
                : result == LUNIK_ENOMEM  ? ENOMEM
                                          : ETIMEDOUT;
        return EAI_SYSTEM;
    }
    failed = lookup->failed;
    *out = lookup->found;
    lookup->found = NULL;
    drop(&lookup->job);
    return failed;
}

/* ---- Listening ---- */

int lunik_host_bind(int fd, const struct sockaddr *address, socklen_t size)
{
    if (platform_host_adopt(fd, address, size))
        return 0;
    return bind(fd, address, size);
}

int lunik_host_listen(int fd, int backlog)
{
    if (listen(fd, backlog) != 0)
        return -1;
    platform_host_announce(fd);
    return 0;
}
