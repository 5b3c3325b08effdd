/* SPDX-License-Identifier: MIT */
/*
 * tool.h: what the tools share: words of the command line, the clock, sockets.
 *
 * A tool takes words, prints figures as lines of "name value", and ends with 0
 * when it could do its work: what the figures mean is the test's to judge.
 */
#ifndef LUNIK_TESTS_NET_TOOL_H
#define LUNIK_TESTS_NET_TOOL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

_Noreturn void tool_die(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/*
 * The value of "--name VALUE" among the words, else (fallback). Words that no
 * call asked for are refused by tool_end_words().
 */
const char *tool_word(int argc, char **argv, const char *name,
                      const char *fallback);
long tool_number(int argc, char **argv, const char *name, long fallback);
bool tool_flag(int argc, char **argv, const char *name);
void tool_end_words(int argc, char **argv);

uint64_t tool_now_ns(void);
void tool_sleep_until(uint64_t at_ns);

/* Becomes true at SIGINT and SIGTERM, after tool_catch_signals(). */
extern volatile bool tool_is_told_to_end;
void tool_catch_signals(void);

/* As many open files as this process may have. */
void tool_raise_file_limit(void);

/* An address and port from text; both families. Its size. */
socklen_t tool_address(const char *host, long port,
                       struct sockaddr_storage *out);

/* A non-blocking TCP socket that connects to (*to), or -1. */
int tool_connect(const struct sockaddr_storage *to, socklen_t size);

/* A blocking one, connected, or the end. */
int tool_connect_now(const struct sockaddr_storage *to, socklen_t size);

uint32_t tool_random(void);

#endif
