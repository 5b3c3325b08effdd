/* SPDX-License-Identifier: MIT */
/* tool.c: words of the command line, the clock and sockets of the tools. */
#include "tool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define WORDS_MAX 128

volatile bool tool_is_told_to_end;
static bool is_known[WORDS_MAX];

_Noreturn void tool_die(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    exit(2);
}

/* ---- Words ---- */

static int find(int argc, char **argv, const char *name)
{
    if (argc > WORDS_MAX)
        tool_die("too many words");
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], "--", 2) == 0 && strcmp(argv[i] + 2, name) == 0) {
            is_known[i] = true;
            return i;
        }
    return 0;
}

const char *tool_word(int argc, char **argv, const char *name,
                      const char *fallback)
{
    int at = find(argc, argv, name);

    if (at == 0)
        return fallback;
    if (at + 1 >= argc)
        tool_die("--%s wants a value", name);
    is_known[at + 1] = true;
    return argv[at + 1];
}

long tool_number(int argc, char **argv, const char *name, long fallback)
{
    const char *word = tool_word(argc, argv, name, NULL);
    char *end;
    long value;

    if (word == NULL)
        return fallback;
    value = strtol(word, &end, 10);
    if (*end != '\0' || end == word || value < 0)
        tool_die("--%s wants a number, not %s", name, word);
    return value;
}

bool tool_flag(int argc, char **argv, const char *name)
{
    return find(argc, argv, name) != 0;
}

void tool_end_words(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (!is_known[i])
            tool_die("%s is not known here", argv[i]);
}

/* ---- Clock and signals ---- */

uint64_t tool_now_ns(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

void tool_sleep_until(uint64_t at_ns)
{
    struct timespec at = { .tv_sec = (time_t)(at_ns / 1000000000u),
                           .tv_nsec = (long)(at_ns % 1000000000u) };

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static void on_signal(int number)
{
    (void)number;
    tool_is_told_to_end = true;
}

void tool_catch_signals(void)
{
    /* No SA_RESTART: a call that waits comes back and looks. */
    struct sigaction action = { .sa_handler = on_signal };

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

uint32_t tool_random(void)
{
    static uint64_t state;

    /* An attacker's numbers need not be good, only different each time. */
    if (state == 0)
        state = tool_now_ns() ^ ((uint64_t)getpid() << 32) ^ 0x9e3779b97f4a7c15;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16);
}

/* ---- Sockets ---- */

void tool_raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

socklen_t tool_address(const char *host, long port,
                       struct sockaddr_storage *out)
{
    struct sockaddr_in *four = (struct sockaddr_in *)out;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;

    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons((uint16_t)port);
        return sizeof *four;
    }
    if (inet_pton(AF_INET6, host, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons((uint16_t)port);
        return sizeof *six;
    }
    tool_die("%s is not an address", host);
}

int tool_connect(const struct sockaddr_storage *to, socklen_t size)
{
    int one = 1;
    int fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                    IPPROTO_TCP);

    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, (const struct sockaddr *)to, size) != 0 &&
        errno != EINPROGRESS) {
        int why = errno;

        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

int tool_connect_now(const struct sockaddr_storage *to, socklen_t size)
{
    int one = 1;
    int fd = socket(to->ss_family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);

    if (fd < 0 || connect(fd, (const struct sockaddr *)to, size) != 0)
        tool_die("cannot connect: %s", strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}
