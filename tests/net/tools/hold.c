/* SPDX-License-Identifier: MIT */
/*
 * hold.c: opens N keep-alive connections, asks once on each, and holds them.
 *
 *   hold --host IP [--port N] [--connections N] [--at-once N] [--silent]
 *        [--ask-again]
 *
 * Says "open N" when all have been answered (with --silent: are connected),
 * and waits for SIGTERM. Then, with --ask-again, asks once more on each, and
 * says how many are still "alive"; and ends.
 */
#include "tool.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char request[] = "GET / HTTP/1.1\r\nHost: guest\r\n\r\n";

/* Waits for (events) on (fd): false after five seconds. */
static bool wait_for(int fd, short events)
{
    struct pollfd one = { .fd = fd, .events = events };

    return poll(&one, 1, 5000) == 1 && (one.revents & events) != 0;
}

/* One request and its answer, which must fit one buffer. */
static bool ask(int fd)
{
    char answer[4096];
    size_t got = 0;

    if (write(fd, request, sizeof request - 1) != (ssize_t)sizeof request - 1)
        return false;
    while (got < sizeof answer - 1 && wait_for(fd, POLLIN)) {
        ssize_t n = read(fd, answer + got, sizeof answer - 1 - got);
        char *end;

        if (n <= 0)
            return false;
        got += (size_t)n;
        answer[got] = '\0';
        end = strstr(answer, "\r\n\r\n");
        if (end != NULL && end[4] != '\0')
            return strncmp(answer, "HTTP/1.1 200", 12) == 0;
    }
    return false;
}

static bool is_connected(int fd)
{
    int error = 0;
    socklen_t size = sizeof error;

    return wait_for(fd, POLLOUT) &&
           getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 &&
           error == 0;
}

/* Opens (count) at the same time: how many could be used. */
static long open_some(const struct sockaddr_storage *to, socklen_t size,
                      bool is_silent, int *fds, long count)
{
    long good = 0;

    for (long i = 0; i < count; i++)
        fds[i] = tool_connect(to, size);
    for (long i = 0; i < count; i++)
        if (fds[i] >= 0 && is_connected(fds[i]) && (is_silent || ask(fds[i])))
            good++;
    return good;
}

static long count_alive(const int *fds, long count, bool asks)
{
    long alive = 0;

    for (long i = 0; i < count; i++) {
        char byte;
        ssize_t n;

        if (fds[i] < 0)
            continue;
        if (asks) {
            alive += ask(fds[i]);
            continue;
        }
        n = recv(fds[i], &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        alive += n > 0 || (n < 0 && errno == EAGAIN);
    }
    return alive;
}

int main(int argc, char **argv)
{
    const char *host = tool_word(argc, argv, "host", "127.0.0.1");
    long port = tool_number(argc, argv, "port", 8080);
    long count = tool_number(argc, argv, "connections", 100);
    long at_once = tool_number(argc, argv, "at-once", 50);
    bool is_silent = tool_flag(argc, argv, "silent");
    bool asks_again = tool_flag(argc, argv, "ask-again");
    struct sockaddr_storage to;
    socklen_t size;
    int *fds;
    long good = 0;

    tool_end_words(argc, argv);
    size = tool_address(host, port, &to);
    tool_raise_file_limit();
    tool_catch_signals();
    fds = calloc((size_t)count, sizeof *fds);
    if (fds == NULL || at_once < 1)
        tool_die("no memory");
    for (long i = 0; i < count && !tool_is_told_to_end; i += at_once) {
        long n = at_once < count - i ? at_once : count - i;

        good += open_some(&to, size, is_silent, fds + i, n);
    }
    printf("open %ld\n", good);
    fflush(stdout);
    while (!tool_is_told_to_end)
        pause();
    printf("alive %ld\n", count_alive(fds, count, asks_again));
    return 0;
}
