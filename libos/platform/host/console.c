/* SPDX-License-Identifier: MIT */
/*
 * console.c: standard input and output.
 *
 * The descriptors stay as they are: O_NONBLOCK belongs to the open file, which
 * the shell shares. poll() says whether a read would wait.
 */
#include "host.h"
#include "platform.h"
#include <errno.h>
#include <lunik/time.h>
#include <poll.h>
#include <unistd.h>

/* How often a busy system, which never idles, looks for input. */
#define LOOK_NS (20 * LUNIK_NS_PER_MS)

static struct lunik_event readable;

static void look(void *arg);
static struct lunik_timer timer = { .fn = look };

static void look(void *arg)
{
    (void)arg;
    if (platform_host_console_is_readable())
        lunik_event_signal(&readable);
    else if (lunik_event_has_waiters(&readable))
        lunik_timer_set(&timer, platform_monotonic_ns() + LOOK_NS);
}

bool platform_host_console_is_readable(void)
{
    struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };

    return poll(&input, 1, 0) > 0;
}

void platform_console_write(const void *data, size_t size)
{
    const char *at = data;

    while (size > 0) {
        ssize_t n = write(STDOUT_FILENO, at, size);

        if (n < 0 && errno == EAGAIN) {
            struct pollfd output = { .fd = STDOUT_FILENO, .events = POLLOUT };

            poll(&output, 1, -1);
        } else if (n < 0 && errno != EINTR) {
            return; /* nobody reads any more */
        } else if (n > 0) {
            at += n;
            size -= (size_t)n;
        }
    }
}

lunik_result platform_console_read(void *out, size_t size, size_t *size_out)
{
    ssize_t n;

    *size_out = 0;
    if (!platform_host_console_is_readable()) {
        lunik_timer_set(&timer, platform_monotonic_ns() + LOOK_NS);
        return LUNIK_EAGAIN;
    }
    n = read(STDIN_FILENO, out, size);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return LUNIK_EAGAIN;
    if (n < 0)
        return LUNIK_EIO;
    if (n == 0 && size > 0)
        return LUNIK_ECLOSED;
    *size_out = (size_t)n;
    return LUNIK_OK;
}

struct lunik_event *platform_console_event(void)
{
    return &readable;
}
