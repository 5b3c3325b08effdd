/* SPDX-License-Identifier: MIT */
/*
 * poll.c: poll() and select(): looks at every descriptor, and waits for one
 * event that all of them signal.
 */
#define _GNU_SOURCE
#include "paths.h"
#include "port.h"
#include <errno.h>
#include <lunik/event.h>
#include <lunik/mem.h>
#include <lunik/socket.h>
#include <poll.h>
#include <string.h>
#include <sys/select.h>
#include <sys/time.h>

#include "syscall.h"

/* So many descriptors take no memory from the heap. */
#define FEW 16

/* One descriptor of a call that waits. */
struct look {
    struct lunik_look look;             /* first */
    const struct lunik_file_kind *kind; /* NULL: it hangs on nothing */
};

static void look_again(struct lunik_watch *watch)
{
    lunik_event_signal(((struct lunik_look *)watch)->event);
}

static short ready_of(struct pollfd *one)
{
    const short always = POLLERR | POLLHUP | POLLNVAL;
    struct lunik_file *file = lunik_files_get(lunik_port_files(), one->fd);
    short ready = POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;

    if (one->fd < 0)
        return 0;
    if (!file)
        return POLLNVAL;
    if (file->kind->poll)
        ready = file->kind->poll(file);
    return (short)(ready & (one->events | always));
}

/* How many are ready. */
static long look_at_all(struct pollfd *list, size_t count)
{
    long found = 0;

    for (size_t i = 0; i < count; i++) {
        list[i].revents = ready_of(&list[i]);
        found += list[i].revents != 0;
    }
    return found;
}

static void hang_on(struct pollfd *list, size_t count, struct look *looks,
                    struct lunik_event *event)
{
    for (size_t i = 0; i < count; i++) {
        struct lunik_file *file =
            lunik_files_get(lunik_port_files(), list[i].fd);

        memset(&looks[i], 0, sizeof(looks[i]));
        if (!file || !file->kind->watch)
            continue;
        looks[i].look.watch.fn = look_again;
        looks[i].look.event = event;
        looks[i].kind = file->kind;
        file->kind->watch(file, &looks[i].look);
    }
}

static void take_off(size_t count, struct look *looks)
{
    for (size_t i = 0; i < count; i++)
        if (looks[i].kind)
            looks[i].kind->unwatch(&looks[i].look);
}

static long wait_for_any(struct pollfd *list, size_t count, struct look *looks,
                         uint64_t deadline)
{
    struct lunik_event event = { 0 };
    lunik_result result;
    long found;
    int mine;

    hang_on(list, count, looks, &event);
    do {
        mine = lunik_port_wait_begin();
        result = lunik_event_wait(&event, deadline);
        lunik_port_wait_end(mine);
        found = look_at_all(list, count);
    } while (found == 0 && result == LUNIK_OK);
    take_off(count, looks);
    if (found || result == LUNIK_OK)
        return found;
    if (result == LUNIK_ECANCELED)
        return -ECANCELED;
    /* The task's own bound is an error, so that nobody goes on. */
    return deadline <= lunik_fiber_deadline(lunik_fiber_self()) ? 0
                                                                : -ETIMEDOUT;
}

/* (timeout_ns): LUNIK_NEVER waits for ever. */
static long poll_list(struct pollfd *list, size_t count, uint64_t timeout_ns)
{
    struct look few[FEW], *looks = few;
    uint64_t deadline = timeout_ns;
    long found = look_at_all(list, count);

    if (found)
        return found;
    if (timeout_ns == 0) {
        lunik_port_yield();
        return look_at_all(list, count);
    }
    if (timeout_ns != LUNIK_NEVER)
        deadline = lunik_time_after_ns(timeout_ns);
    if (count > FEW) {
        looks = lunik_mem_alloc(count * sizeof(*looks));
        if (!looks)
            return -ENOMEM;
    }
    found = wait_for_any(list, count, looks, deadline);
    if (looks != few)
        lunik_mem_free(looks);
    return found;
}

/* ---- poll ---- */

static long poll_checked(struct pollfd *list, unsigned long count,
                         uint64_t timeout_ns)
{
    if (count > LUNIK_FILES_MAX)
        return -EINVAL;
    return poll_list(list, count, timeout_ns);
}

long lunik_sys_poll(void *list, unsigned long count, long timeout_ms)
{
    return poll_checked(list, count,
                        (int)timeout_ms < 0
                            ? LUNIK_NEVER
                            : (uint64_t)(int)timeout_ms * LUNIK_NS_PER_MS);
}

/* False: not a time. NULL: for ever. */
static bool to_ns(const long *timeout, long units, uint64_t *out)
{
    *out = LUNIK_NEVER;
    if (!timeout)
        return true;
    if (timeout[0] < 0 || timeout[1] < 0 || timeout[1] >= units)
        return false;
    if ((uint64_t)timeout[0] < LUNIK_NEVER / LUNIK_NS_PER_S)
        *out = (uint64_t)timeout[0] * LUNIK_NS_PER_S +
               (uint64_t)timeout[1] * (LUNIK_NS_PER_S / (uint64_t)units);
    return true;
}

/* There are no signals for a mask. */
long lunik_sys_ppoll(void *list, unsigned long count, const void *timeout)
{
    uint64_t timeout_ns;

    if (!to_ns(timeout, 1000000000, &timeout_ns))
        return -EINVAL;
    return poll_checked(list, count, timeout_ns);
}

/* ---- select ---- */

enum { READ, WRITE, EXCEPT, SETS };

static const short wanted_in[SETS] = { POLLIN, POLLOUT, POLLPRI };
/* As Linux: an end or an error can be read, an error can be written. */
static const short means_of[SETS] = { POLLIN | POLLHUP | POLLERR,
                                      POLLOUT | POLLERR, POLLPRI };

#define WORD_BITS (8 * sizeof(unsigned long))

/* The descriptors of the (words) that the sets have in common. */
static unsigned long word_of(fd_set *const *sets, size_t at)
{
    unsigned long word = 0;

    for (int i = 0; i < SETS; i++)
        if (sets[i])
            word |= sets[i]->fds_bits[at];
    return word;
}

static short wanted_of(int fd, fd_set *const *sets)
{
    int wanted = 0;

    for (int i = 0; i < SETS; i++)
        if (sets[i] && FD_ISSET(fd, sets[i]))
            wanted |= wanted_in[i];
    return (short)wanted;
}

/* Fills (list), up to (max), from the sets below (count); how many there are.
 */
static size_t list_of(long count, fd_set *const *sets, struct pollfd *list,
                      size_t max)
{
    size_t used = 0;

    for (size_t at = 0; at * WORD_BITS < (size_t)count; at++) {
        unsigned long word = word_of(sets, at);

        for (; word; word &= word - 1, used++) {
            int fd = (int)(at * WORD_BITS) + __builtin_ctzl(word);

            if (fd >= count)
                break;
            if (used >= max)
                continue;
            list[used].fd = fd;
            list[used].events = wanted_of(fd, sets);
        }
    }
    return used;
}

static void clear_sets(long count, fd_set *const *sets)
{
    size_t words = ((size_t)count + WORD_BITS - 1) / WORD_BITS;

    for (int i = 0; i < SETS; i++)
        if (sets[i])
            memset(sets[i], 0, words * sizeof(unsigned long));
}

/* The bits that are set in all of them; -EBADF. The sets are as they were
 * after an error. */
static long fill_sets(const struct pollfd *list, size_t used, long count,
                      fd_set *const *sets)
{
    long bits = 0;

    for (size_t i = 0; i < used; i++)
        if (list[i].revents & POLLNVAL)
            return -EBADF;
    clear_sets(count, sets);
    for (size_t i = 0; i < used; i++)
        for (int kind = 0; kind < SETS; kind++)
            if ((list[i].events & wanted_in[kind]) &&
                (list[i].revents & means_of[kind])) {
                FD_SET(list[i].fd, sets[kind]);
                bits++;
            }
    return bits;
}

static long select_list(struct pollfd *list, size_t used, long count,
                        fd_set *const *sets, uint64_t timeout_ns)
{
    long res = poll_list(list, used, timeout_ns);

    if (res < 0)
        return res;
    return fill_sets(list, used, count, sets);
}

static long select_sets(long count, fd_set *const *sets, uint64_t timeout_ns)
{
    struct pollfd few[FEW], *list = few;
    size_t used;
    long res;

    if (count < 0 || count > FD_SETSIZE)
        return -EINVAL;
    used = list_of(count, sets, few, FEW);
    if (used > FEW) {
        list = lunik_mem_alloc(used * sizeof(*list));
        if (!list)
            return -ENOMEM;
        (void)list_of(count, sets, list, used);
    }
    res = select_list(list, used, count, sets, timeout_ns);
    if (list != few)
        lunik_mem_free(list);
    return res;
}

long lunik_sys_select(long count, void *read, void *write, void *except,
                      void *timeout)
{
    fd_set *const sets[SETS] = { read, write, except };
    uint64_t timeout_ns;

    if (!to_ns(timeout, 1000000, &timeout_ns))
        return -EINVAL;
    return select_sets((int)count, sets, timeout_ns);
}

long lunik_sys_pselect(long count, void *read, void *write, void *except,
                       const void *timeout)
{
    fd_set *const sets[SETS] = { read, write, except };
    uint64_t timeout_ns;

    if (!to_ns(timeout, 1000000000, &timeout_ns))
        return -EINVAL;
    return select_sets((int)count, sets, timeout_ns);
}
