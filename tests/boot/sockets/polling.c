/* SPDX-License-Identifier: MIT */
/* polling.c: poll() and select(). */
#define _GNU_SOURCE
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/select.h>

static short poll_one(int fd, short events, int timeout_ms)
{
    struct pollfd one = { .fd = fd, .events = events, .revents = -1 };
    int count = poll(&one, 1, timeout_ms);

    CHECK_EQ(count, one.revents ? 1 : 0);
    return one.revents;
}

static void test_states(void)
{
    union any_address address;
    unsigned port;
    int listener = listener_at(AF_INET, &port), client, served;
    socklen_t len = loopback(AF_INET, port, &address);
    int idle = socket(AF_INET, SOCK_STREAM, 0);

    CHECK_EQ(poll_one(idle, POLLIN | POLLOUT, 0), POLLOUT | POLLHUP);
    CHECK_EQ(poll_one(listener, POLLIN | POLLOUT, 0), 0);
    client = client_of(AF_INET, port);
    CHECK_EQ(poll_one(listener, POLLIN, 1000), POLLIN);
    served = accept(listener, NULL, NULL);
    CHECK_EQ(poll_one(client, POLLIN | POLLOUT, 0), POLLOUT);
    CHECK_EQ(send(served, "x", 1, 0), 1);
    CHECK_EQ(poll_one(client, POLLIN, 1000), POLLIN);
    CHECK_EQ(poll_one(client, POLLIN | POLLRDNORM, 0), POLLIN | POLLRDNORM);
    close(served);
    CHECK_EQ(poll_one(client, POLLRDHUP, 1000), POLLRDHUP);
    CHECK_EQ(shutdown(client, SHUT_WR), 0);
    CHECK_EQ(poll_one(client, POLLRDHUP, 0), POLLRDHUP | POLLHUP);
    close(client);
    CHECK_EQ(poll_one(client, POLLIN, 0), POLLNVAL);
    CHECK_EQ(poll_one(-1, POLLIN, 0), 0);
    close(listener);
    CHECK_EQ(connect(idle, &address.any, len), -1);
    CHECK_EQ(poll_one(idle, POLLOUT, 0), POLLOUT | POLLHUP);
    close(idle);
    idle = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    FAILS(connect(idle, &address.any, len), EINPROGRESS);
    CHECK_EQ(poll_one(idle, POLLIN | POLLOUT, 1000),
             POLLIN | POLLOUT | POLLERR | POLLHUP);
    close(idle);
    /* What is no socket can always be written and read. */
    CHECK_EQ(poll_one(1, POLLOUT, 0), POLLOUT);
}

static void send_later(void *arg)
{
    sleep_ms(10);
    CHECK_EQ(send(*(int *)arg, "late", 4, 0), 4);
}

#define PAIRS 20

static void test_waiting_for_many(void)
{
    struct pollfd list[PAIRS];
    int ends[PAIRS][2];
    struct task task;
    char text[8];

    for (int i = 0; i < PAIRS; i++) {
        make_pair(i % 2 ? AF_INET : AF_INET6, ends[i]);
        list[i] = (struct pollfd) { .fd = ends[i][0], .events = POLLIN };
    }
    CHECK_EQ(poll(list, PAIRS, 0), 0);
    CHECK_EQ(poll(list, PAIRS, 3), 0);
    start_task(&task, send_later, &ends[13][1]);
    CHECK_EQ(poll(list, PAIRS, -1), 1);
    CHECK_EQ(list[13].revents, POLLIN);
    CHECK_EQ(recv(ends[13][0], text, sizeof(text), 0), 4);
    join_task(&task);
    /* The same descriptor may be there twice. */
    list[0].fd = list[1].fd = ends[2][0];
    start_task(&task, send_later, &ends[2][1]);
    CHECK_EQ(poll(list, 3, 1000), 3);
    join_task(&task);
    FAILS(poll(list, 1000000, 0), EINVAL);
    for (int i = 0; i < PAIRS; i++) {
        close(ends[i][0]);
        close(ends[i][1]);
    }
}

static void close_later(void *arg)
{
    sleep_ms(5);
    CHECK_EQ(close(*(int *)arg), 0);
}

static void test_close_under_a_poll(void)
{
    struct task task;
    int ends[2];

    make_pair(AF_INET, ends);
    start_task(&task, close_later, &ends[0]);
    CHECK_EQ(poll_one(ends[0], POLLIN, 1000), POLLNVAL);
    join_task(&task);
    close(ends[1]);
}

static void poll_twice(void *arg)
{
    const int *ends = arg;
    struct pollfd list[] = { { .fd = ends[0], .events = POLLIN },
                             { .fd = ends[1], .events = POLLIN },
                             { .fd = ends[0], .events = POLLIN } };

    CHECK_EQ(poll(list, 3, 1000), 2);
    CHECK_EQ(list[0].revents, POLLNVAL);
    CHECK_EQ(list[1].revents, 0);
    CHECK_EQ(list[2].revents, POLLNVAL);
}

/* All who poll it learn of it, and nobody else is disturbed. */
static void test_close_under_many_polls(void)
{
    struct task tasks[4];
    int ends[2], others[2], lists[2] = { -1, -1 };
    char byte;

    make_pair(AF_INET, ends);
    make_pair(AF_INET, others);
    lists[0] = ends[0];
    lists[1] = others[0];
    for (int i = 0; i < 4; i++)
        start_task(&tasks[i], poll_twice, lists);
    sleep_ms(5);
    CHECK_EQ(close(ends[0]), 0);
    for (int i = 0; i < 4; i++)
        join_task(&tasks[i]);
    CHECK_EQ(send(others[1], "x", 1, 0), 1);
    CHECK_EQ(recv(others[0], &byte, 1, 0), 1);
    close(others[0]);
    close(others[1]);
    close(ends[1]);
}

/* The socket outlives the descriptor that is polled. */
static void test_close_of_a_duplicate(void)
{
    struct task task;
    int ends[2], copy;
    char byte;

    make_pair(AF_INET, ends);
    copy = dup(ends[0]);
    start_task(&task, close_later, &ends[0]);
    CHECK_EQ(poll_one(ends[0], POLLIN, 20), POLLNVAL);
    join_task(&task);
    /* Nothing of that call is left on it. */
    CHECK_EQ(send(ends[1], "x", 1, 0), 1);
    CHECK_EQ(recv(copy, &byte, 1, 0), 1);
    close(copy);
    close(ends[1]);
}

static void poll_until_cancelled(void *arg)
{
    struct pollfd one = { .fd = *(int *)arg, .events = POLLIN };

    FAILS(poll(&one, 1, -1), ECANCELED);
}

static void poll_until_bound(void *arg)
{
    struct pollfd one = { .fd = *(int *)arg, .events = POLLIN };

    lunik_fiber_set_deadline(lunik_time_after_ns(LUNIK_NS_PER_MS));
    FAILS(poll(&one, 1, 60000), ETIMEDOUT);
    lunik_fiber_set_deadline(LUNIK_NEVER);
}

static void test_ends_of_a_task(void)
{
    struct task task;
    int ends[2];

    make_pair(AF_INET, ends);
    start_task(&task, poll_until_cancelled, &ends[0]);
    sleep_ms(5);
    lunik_fiber_cancel(task.fiber);
    join_task(&task);
    start_task(&task, poll_until_bound, &ends[0]);
    join_task(&task);
    close(ends[0]);
    close(ends[1]);
}

/* Writable again only when the peer has taken some. */
static void test_full(void)
{
    static char block[65536];
    struct task task;
    int ends[2];
    size_t sent = 0, got = 0;
    ssize_t res;

    (void)task;
    make_pair(AF_INET, ends);
    CHECK_EQ(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    CHECK_EQ(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    while ((res = send(ends[0], block, sizeof(block), 0)) > 0)
        sent += (size_t)res;
    /* What is under way still moves to the peer's side. */
    sleep_ms(5);
    while ((res = send(ends[0], block, sizeof(block), 0)) > 0)
        sent += (size_t)res;
    CHECK_EQ(poll_one(ends[0], POLLOUT, 20), 0);
    while (got < sent) {
        CHECK_EQ(poll_one(ends[1], POLLIN, 1000), POLLIN);
        res = recv(ends[1], block, sizeof(block), 0);
        CHECK(res > 0);
        if (res <= 0)
            break;
        got += (size_t)res;
    }
    CHECK_EQ(poll_one(ends[0], POLLOUT, 1000), POLLOUT);
    close(ends[0]);
    close(ends[1]);
}

static void test_select(void)
{
    struct timeval tv = { .tv_usec = 2000 };
    struct timespec ts = { .tv_nsec = 1000 };
    int ends[2], count;
    fd_set in, out, except;

    make_pair(AF_INET, ends);
    count = (ends[0] > ends[1] ? ends[0] : ends[1]) + 1;
    FD_ZERO(&in);
    FD_SET(ends[0], &in);
    CHECK_EQ(select(count, &in, NULL, NULL, &tv), 0);
    CHECK(!FD_ISSET(ends[0], &in));
    CHECK_EQ(send(ends[1], "s", 1, 0), 1);
    FD_SET(ends[0], &in);
    FD_ZERO(&out);
    FD_SET(ends[0], &out);
    FD_SET(ends[1], &out);
    FD_ZERO(&except);
    FD_SET(ends[0], &except);
    sleep_ms(2);
    CHECK_EQ(select(count, &in, &out, &except, NULL), 3);
    CHECK(FD_ISSET(ends[0], &in));
    CHECK(FD_ISSET(ends[0], &out));
    CHECK(FD_ISSET(ends[1], &out));
    CHECK(!FD_ISSET(ends[0], &except));
    CHECK_EQ(pselect(count, NULL, NULL, &except, &ts, NULL), 0);
    CHECK_EQ(select(0, NULL, NULL, NULL, &tv), 0);
    FAILS(select(FD_SETSIZE + 1, &in, NULL, NULL, &tv), EINVAL);
    FAILS(select(-1, &in, NULL, NULL, &tv), EINVAL);
    close(ends[0]);
    FD_ZERO(&in);
    FD_SET(ends[0], &in);
    FAILS(select(count, &in, NULL, NULL, &tv), EBADF);
    /* The peer's end can be read. */
    FD_ZERO(&in);
    FD_SET(ends[1], &in);
    CHECK_EQ(select(count, &in, NULL, NULL, NULL), 1);
    close(ends[1]);
}

void test_polling(void)
{
    test_states();
    test_waiting_for_many();
    test_close_under_a_poll();
    test_close_under_many_polls();
    test_close_of_a_duplicate();
    test_ends_of_a_task();
    test_full();
    test_select();
}
