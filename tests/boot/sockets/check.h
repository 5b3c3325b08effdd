/* SPDX-License-Identifier: MIT */
/*
 * check.h: what the parts of this test share. Everything happens over loopback,
 * with peers that are fibers of the same program.
 */
#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <lunik/event.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

extern unsigned passed, failed;

#define CHECK(x)                                           \
    do {                                                   \
        if (x) {                                           \
            passed++;                                      \
        } else {                                           \
            failed++;                                      \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #x); \
        }                                                  \
    } while (0)

#define CHECK_EQ(a, b)                                                        \
    do {                                                                      \
        long a_ = (long)(a), b_ = (long)(b);                                  \
        if (a_ == b_) {                                                       \
            passed++;                                                         \
        } else {                                                              \
            failed++;                                                         \
            printf("%s:%d: %s is %ld, not %ld\n", __FILE__, __LINE__, #a, a_, \
                   b_);                                                       \
        }                                                                     \
    } while (0)

/* Checks that a call fails, with this errno. */
#define FAILS(call, error)        \
    do {                          \
        errno = 0;                \
        CHECK_EQ((call), -1);     \
        CHECK_EQ(errno, (error)); \
    } while (0)

/* 127.0.0.1 or ::1, and a port. */
union any_address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};
socklen_t loopback(int family, unsigned port, union any_address *out);
unsigned port_of(int fd);

/* A listener at a free port of loopback; a client of it; both ends. */
int listener_at(int family, unsigned *port);
int client_of(int family, unsigned port);
void make_pair(int family, int ends[2]);

/* Runs (fn)(arg) as another fiber; (done) is set when it ended. */
struct task {
    void (*fn)(void *arg);
    void *arg;
    bool is_done;
    struct lunik_fiber *fiber;
};
void start_task(struct task *task, void (*fn)(void *arg), void *arg);
void join_task(struct task *task);
void sleep_ms(unsigned ms);

/* The parts. */
void test_tcp(void);
void test_udp(void);
void test_polling(void);
void test_names(void);

#endif
