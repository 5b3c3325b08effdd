/* SPDX-License-Identifier: MIT */
/*
 * main.c: the BSD sockets of the C library, as a program inside an image sees
 * them. Prints a line for each thing that is wrong, then a count; exits with 0
 * if nothing is.
 */
#include "check.h"
#include <lunik/mem.h>
#include <lunik/socket.h>
#include <lunik/sys.h>
#include <stdlib.h>

unsigned passed, failed;

socklen_t loopback(int family, unsigned port, union any_address *out)
{
    memset(out, 0, sizeof(*out));
    if (family == AF_INET) {
        out->in.sin_family = AF_INET;
        out->in.sin_port = htons((uint16_t)port);
        out->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return sizeof(out->in);
    }
    out->in6.sin6_family = AF_INET6;
    out->in6.sin6_port = htons((uint16_t)port);
    out->in6.sin6_addr.s6_addr[15] = 1;
    return sizeof(out->in6);
}

unsigned port_of(int fd)
{
    union any_address address = { 0 };
    socklen_t len = sizeof(address);

    CHECK_EQ(getsockname(fd, &address.any, &len), 0);
    return ntohs(address.in.sin_port);
}

int listener_at(int family, unsigned *port)
{
    union any_address address;
    socklen_t len = loopback(family, 0, &address);
    int fd = socket(family, SOCK_STREAM, 0);

    CHECK(fd >= 0);
    CHECK_EQ(bind(fd, &address.any, len), 0);
    CHECK_EQ(listen(fd, 16), 0);
    *port = port_of(fd);
    CHECK(*port > 0);
    return fd;
}

int client_of(int family, unsigned port)
{
    union any_address address;
    socklen_t len = loopback(family, port, &address);
    int fd = socket(family, SOCK_STREAM, 0);

    CHECK(fd >= 0);
    CHECK_EQ(connect(fd, &address.any, len), 0);
    return fd;
}

void make_pair(int family, int ends[2])
{
    unsigned port;
    int listener = listener_at(family, &port);

    ends[0] = client_of(family, port);
    ends[1] = accept(listener, NULL, NULL);
    CHECK(ends[1] >= 0);
    CHECK_EQ(close(listener), 0);
}

/* ---- Fibers ---- */

static void run_task(void *arg)
{
    struct task *task = arg;

    task->fn(task->arg);
    task->is_done = true;
}

void start_task(struct task *task, void (*fn)(void *arg), void *arg)
{
    task->fn = fn;
    task->arg = arg;
    task->is_done = false;
    if (lunik_fiber_create("peer", run_task, task, &task->fiber) != LUNIK_OK)
        abort();
}

void join_task(struct task *task)
{
    for (int i = 0; !task->is_done; i++) {
        if (i == 5000) {
            printf("a peer did not end\n");
            exit(1);
        }
        sleep_ms(1);
    }
}

void sleep_ms(unsigned ms)
{
    if (lunik_sleep_until(lunik_time_after_ns(ms * LUNIK_NS_PER_MS)) !=
        LUNIK_OK)
        abort();
}

/* Nothing of a socket is left behind. */
static void run(const char *name, void (*part)(void))
{
    struct lunik_socket_info before, after;
    unsigned wrong = failed;

    lunik_socket_get_info(&before);
    part();
    lunik_socket_get_info(&after);
    CHECK_EQ(after.open, before.open);
    if (failed != wrong)
        printf("%s: %u wrong\n", name, failed - wrong);
}

/* ---- Ten thousand ---- */

#define PAIRS 5000

static size_t free_bytes(void)
{
    struct lunik_mem_info info;

    lunik_mem_get_info(&info);
    return info.free_bytes;
}

/* Idle connections, both ends of them here: what one socket costs. */
static int test_many(void)
{
    static int ends[2 * PAIRS];
    size_t before = free_bytes(), each;
    struct lunik_socket_info info;
    unsigned port;
    int listener = listener_at(AF_INET6, &port);
    char byte;

    for (int i = 0; i < PAIRS; i++) {
        ends[i] = client_of(AF_INET6, port);
        ends[PAIRS + i] = accept(listener, NULL, NULL);
        CHECK(ends[PAIRS + i] >= 0);
    }
    lunik_socket_get_info(&info);
    CHECK_EQ(info.open, 2 * PAIRS + 1);
    sleep_ms(1500);
    each = (before - free_bytes()) / (2 * PAIRS);
    CHECK(each < 1024);
    for (int i = 0; i < PAIRS; i += 100) {
        CHECK_EQ(send(ends[i], "m", 1, 0), 1);
        CHECK_EQ(recv(ends[PAIRS + i], &byte, 1, 0), 1);
    }
    for (int i = 0; i < 2 * PAIRS; i++)
        CHECK_EQ(close(ends[i]), 0);
    close(listener);
    lunik_socket_get_info(&info);
    CHECK_EQ(info.open, 0);
    printf("%u sockets of %zu bytes, %u wrong\n", 2 * PAIRS, each, failed);
    return failed ? 1 : 0;
}

int lunik_main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "many") == 0)
        return test_many();
    run("tcp", test_tcp);
    run("udp", test_udp);
    run("polling", test_polling);
    run("names", test_names);
    printf("%u checks passed, %u failed\n", passed, failed);
    return failed ? 1 : 0;
}
