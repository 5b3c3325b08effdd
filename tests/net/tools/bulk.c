/* SPDX-License-Identifier: MIT */
/*
 * bulk.c: sends many bytes to a guest, or has it send them, and takes the time.
 *
 *   bulk --host IP [--port N] --receive BYTES | --send BYTES [--check]
 *
 * The guest runs programs/bulk.lua or bulk.c: it reads a line "send N" and
 * sends N bytes, or "take N", takes N bytes, and answers "ok". With --check
 * each byte is compared: the byte at offset i is i mod 251.
 */
#include "tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CYCLE 251u
#define CHUNK (CYCLE * 1024u)

static unsigned char pattern[2 * CHUNK];

static bool matches(const unsigned char *data, size_t size, size_t offset)
{
    return memcmp(data, pattern + offset % CYCLE, size) == 0;
}

static size_t receive_all(int fd, size_t wanted, bool checks, size_t *wrong)
{
    static unsigned char buffer[CHUNK];
    size_t got = 0;

    while (got < wanted) {
        size_t room =
            wanted - got < sizeof buffer ? wanted - got : sizeof buffer;
        ssize_t n = read(fd, buffer, room);

        if (n <= 0)
            break;
        if (checks && !matches(buffer, (size_t)n, got))
            (*wrong)++;
        got += (size_t)n;
    }
    return got;
}

static size_t send_all(int fd, size_t wanted)
{
    size_t sent = 0;

    while (sent < wanted) {
        size_t left = wanted - sent < CHUNK ? wanted - sent : CHUNK;
        ssize_t n = write(fd, pattern + sent % CYCLE, left);

        if (n <= 0)
            break;
        sent += (size_t)n;
    }
    return sent;
}

int main(int argc, char **argv)
{
    const char *host = tool_word(argc, argv, "host", "127.0.0.1");
    long port = tool_number(argc, argv, "port", 8080);
    long receive = tool_number(argc, argv, "receive", 0);
    long send = tool_number(argc, argv, "send", 0);
    bool checks = tool_flag(argc, argv, "check");
    struct sockaddr_storage to;
    socklen_t size;
    char line[64];
    size_t moved, wrong = 0;
    uint64_t began;
    double seconds;
    int fd;

    tool_end_words(argc, argv);
    tool_catch_signals();
    if ((receive == 0) == (send == 0))
        tool_die("either --receive or --send");
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (unsigned char)(i % CYCLE);
    size = tool_address(host, port, &to);
    fd = tool_connect_now(&to, size);
    snprintf(line, sizeof line, "%s %ld\n", receive != 0 ? "send" : "take",
             receive + send);
    began = tool_now_ns();
    if (write(fd, line, strlen(line)) < 0)
        tool_die("cannot ask: %s", strerror(errno));
    if (receive != 0) {
        moved = receive_all(fd, (size_t)receive, checks, &wrong);
    } else {
        char answer[3] = { 0 };

        moved = send_all(fd, (size_t)send);
        if (read(fd, answer, 2) != 2 || strcmp(answer, "ok") != 0)
            wrong++;
    }
    seconds = (double)(tool_now_ns() - began) / 1e9;
    printf("bytes %zu\n", moved);
    printf("wrong %zu\n", wrong);
    printf("seconds %.4f\n", seconds);
    printf("megabytes_per_second %.1f\n", (double)moved / 1e6 / seconds);
    return 0;
}
