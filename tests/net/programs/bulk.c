/* SPDX-License-Identifier: MIT */
/*
 * bulk.c: sends and takes many bytes, on BSD sockets; see tools/bulk.c. The
 * same file is built for an image and for Linux.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CYCLE 251u
#define CHUNK (CYCLE * 256u)

static char chunk[CHUNK];

static void send_bytes(int fd, long count)
{
    while (count > 0) {
        size_t size = count < (long)CHUNK ? (size_t)count : CHUNK;
        size_t sent = 0;

        /* Whole chunks, so that each begins with the cycle's first byte. */
        while (sent < size) {
            ssize_t n = send(fd, chunk + sent, size - sent, 0);

            if (n <= 0)
                return;
            sent += (size_t)n;
        }
        count -= (long)size;
    }
}

static void take_bytes(int fd, long count)
{
    static char buffer[65536];

    while (count > 0) {
        ssize_t n = recv(fd, buffer, sizeof(buffer), 0);

        if (n <= 0)
            return;
        count -= n;
    }
    (void)!send(fd, "ok", 2, 0);
}

/* Reads the line that says what to do, and does it. */
static void serve(int fd)
{
    char line[64] = { 0 };
    size_t size = 0;

    while (size < sizeof(line) - 1 && recv(fd, line + size, 1, 0) == 1)
        if (line[size++] == '\n')
            break;
    if (strncmp(line, "send ", 5) == 0)
        send_bytes(fd, strtol(line + 5, NULL, 10));
    else if (strncmp(line, "take ", 5) == 0)
        take_bytes(fd, strtol(line + 5, NULL, 10));
}

int main(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(8080) };
    int one = 1;
    int server = socket(AF_INET, SOCK_STREAM, 0);

    for (size_t i = 0; i < CHUNK; i++)
        chunk[i] = (char)(i % CYCLE);
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (server < 0 || bind(server, (struct sockaddr *)&at, sizeof(at)) != 0 ||
        listen(server, 16) != 0) {
        puts("cannot listen");
        return 1;
    }
    puts("Listening");
    fflush(stdout);
    for (;;) {
        int fd = accept(server, NULL, NULL);

        if (fd < 0)
            continue;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        serve(fd);
        close(fd);
    }
}
