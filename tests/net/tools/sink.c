/* SPDX-License-Identifier: MIT */
/*
 * sink.c: takes connections, and closes each when its peer does.
 *
 *   sink [--port N]
 *
 * Says "ready", and at SIGTERM how many it "accepted".
 */
#include "tool.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OPEN_MAX_HERE 1024

/* Takes what one has to say: false when that is its end. */
static bool take(int fd)
{
    char bytes[4096];
    ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);

    return n > 0 || (n < 0 && errno == EAGAIN);
}

int main(int argc, char **argv)
{
    static struct pollfd all[OPEN_MAX_HERE];
    long port = tool_number(argc, argv, "port", 9000);
    nfds_t count = 1;
    struct sockaddr_storage at;
    long accepted = 0;
    int one = 1;

    tool_end_words(argc, argv);
    tool_catch_signals();
    tool_address("::", port, &at);
    all[0].fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    all[0].events = POLLIN;
    setsockopt(all[0].fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(all[0].fd, (struct sockaddr *)&at, sizeof(struct sockaddr_in6)) ||
        listen(all[0].fd, 1024) != 0)
        tool_die("cannot listen: %s", strerror(errno));
    printf("ready\n");
    fflush(stdout);
    while (!tool_is_told_to_end) {
        if (poll(all, count, 500) <= 0)
            continue;
        for (nfds_t i = count - 1; i > 0; i--) {
            if (all[i].revents != 0 && !take(all[i].fd)) {
                close(all[i].fd);
                all[i] = all[--count];
            }
        }
        if (all[0].revents != 0 && count < OPEN_MAX_HERE) {
            int fd = accept(all[0].fd, NULL, NULL);

            if (fd >= 0) {
                all[count++] = (struct pollfd) { .fd = fd, .events = POLLIN };
                accepted++;
            }
        }
    }
    printf("accepted %ld\n", accepted);
    return 0;
}
