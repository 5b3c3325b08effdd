/* SPDX-License-Identifier: MIT */
/*
 * watch.c: file descriptors in the event loop, by epoll.
 *
 * One epoll instance holds every watched descriptor, edge-triggered: Linux
 * tells once of each change. The loop sleeps on that instance's own
 * descriptor (idle.c); a source's poll then takes the reports.
 *
 * A loop that is busy never sleeps. So while it is awake a timer looks every
 * millisecond; going idle takes the timer off, so that nothing ticks in a
 * process that has nothing to do.
 */
#include "host.h"
#include "platform.h"
#include <errno.h>
#include <fcntl.h>
#include <lunik/panic.h>
#include <lunik/time.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define LOOK_NS LUNIK_NS_PER_MS
/* Reports taken at a time. */
#define BATCH 64

static int set_fd = -1;
/* Watches by descriptor. */
struct slot {
    struct platform_host_watch *first;
};
static struct slot *slots;
static size_t room;
static size_t count;
/* The watch that dispatch() calls next, for those that are taken off. */
static struct platform_host_watch *cursor;

static void poll_watches(void *arg);
static struct lunik_source source = { .poll = poll_watches };

static void look(void *arg);
static struct lunik_timer timer = { .fn = look };

/* ---- Reports ---- */

static void dispatch(int fd, uint32_t events)
{
    cursor = (size_t)fd < room ? slots[fd].first : NULL;
    while (cursor) {
        struct platform_host_watch *watch = cursor;

        cursor = watch->next;
        if (events & (watch->wants | EPOLLERR | EPOLLHUP))
            watch->fn(watch, events);
    }
}

static void poll_watches(void *arg)
{
    struct epoll_event events[BATCH];
    int got;

    (void)arg;
    do {
        got = epoll_wait(set_fd, events, BATCH, 0);
        for (int i = 0; i < got; i++)
            dispatch(events[i].data.fd, events[i].events);
    } while (got == BATCH);
}

static void stay_awake(void)
{
    lunik_timer_set(&timer, platform_monotonic_ns() + LOOK_NS);
}

static void look(void *arg)
{
    poll_watches(arg);
    if (count > 0)
        stay_awake();
}

/* ---- Going idle ---- */

int platform_host_watch_fd(void)
{
    return count > 0 ? set_fd : -1;
}

bool platform_host_watch_begin_idle(void)
{
    if (!timer.is_set)
        return true;
    /* The caller's deadline may be this timer's. */
    lunik_timer_clear(&timer);
    return false;
}

void platform_host_watch_end_idle(void)
{
    if (count > 0)
        stay_awake();
}

void platform_host_watch_notify(void)
{
    lunik_source_notify(&source);
}

/* ---- Watches ---- */

static void open_set(void)
{
    set_fd = epoll_create1(EPOLL_CLOEXEC);
    if (set_fd < 0 || lunik_source_add(&source) != LUNIK_OK)
        lunik_panic("no epoll instance, or no source, for descriptors");
}

static bool has_room(int fd)
{
    size_t wanted = room ? room : 64;
    struct slot *grown;

    while (wanted <= (size_t)fd)
        wanted *= 2;
    if (wanted == room)
        return true;
    grown = realloc(slots, wanted * sizeof(*grown));
    if (!grown)
        return false;
    memset(grown + room, 0, (wanted - room) * sizeof(*grown));
    slots = grown;
    room = wanted;
    return true;
}

static uint32_t wanted_of(int fd)
{
    uint32_t wants = 0;

    for (struct platform_host_watch *w = slots[fd].first; w; w = w->next)
        wants |= w->wants;
    return wants;
}

/* Tells Linux what is wanted of (fd) now, by all its watches. A descriptor
 * number may have been closed and given out again meanwhile, so neither of
 * Linux's two words for it is certain. */
static int update(int fd)
{
    struct epoll_event event = { .data.fd = fd, .events = wanted_of(fd) };

    if (!event.events)
        return epoll_ctl(set_fd, EPOLL_CTL_DEL, fd, &event);
    event.events |= EPOLLET;
    if (epoll_ctl(set_fd, EPOLL_CTL_MOD, fd, &event) == 0)
        return 0;
    return errno == ENOENT ? epoll_ctl(set_fd, EPOLL_CTL_ADD, fd, &event) : -1;
}

lunik_result platform_host_watch_add(struct platform_host_watch *watch)
{
    LUNIK_ASSERT(watch->fn != NULL && watch->wants != 0 && !watch->is_on);
    if (set_fd < 0)
        open_set();
    if (watch->fd < 0)
        return LUNIK_EINVAL;
    if (!has_room(watch->fd))
        return LUNIK_ENOMEM;
    watch->next = slots[watch->fd].first;
    slots[watch->fd].first = watch;
    if (update(watch->fd) != 0) {
        slots[watch->fd].first = watch->next;
        return errno == ENOMEM || errno == ENOSPC ? LUNIK_ENOMEM : LUNIK_EINVAL;
    }
    watch->is_on = true;
    if (count++ == 0)
        stay_awake();
    return LUNIK_OK;
}

void platform_host_watch_remove(struct platform_host_watch *watch)
{
    struct platform_host_watch **at;
    uint32_t before;

    if (!watch->is_on)
        return;
    before = wanted_of(watch->fd);
    at = &slots[watch->fd].first;
    while (*at != watch)
        at = &(*at)->next;
    *at = watch->next;
    if (cursor == watch)
        cursor = watch->next;
    watch->is_on = false;
    count--;
    /* Linux would report to the others once more. */
    if (wanted_of(watch->fd) != before)
        update(watch->fd);
}

bool platform_host_watch_replace(int fd, int by)
{
    struct epoll_event none = { 0 };
    bool is_replaced;

    if (set_fd >= 0)
        epoll_ctl(set_fd, EPOLL_CTL_DEL, fd, &none);
    is_replaced = dup3(by, fd, O_CLOEXEC) == fd;
    if ((size_t)fd < room && slots[fd].first)
        update(fd);
    return is_replaced;
}
