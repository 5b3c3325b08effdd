/* SPDX-License-Identifier: MIT */
/*
 * test_host_listeners.c: listening sockets that outlive a process.
 *
 * A program of its own: what is handed over stands in the environment, which
 * is read once.
 */
#define TEST_ON_FIBER
#include "host.h"

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <lunik/event.h>
#include <lunik/host.h>
#include <lunik/socket.h>
#include <lunik/sys.h>
#include <lunik/time.h>
#include <netinet/in.h>

#define SOON (5 * LUNIK_NS_PER_S)

static uint64_t within(uint64_t ns)
{
    return lunik_time_monotonic_ns() + ns;
}

static bool sleep_ms(unsigned ms)
{
    return lunik_sleep_until(within(ms * LUNIK_NS_PER_MS)) == LUNIK_OK;
}

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in) {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
}

static int receive_fd(int from, char *word)
{
    struct iovec data = { .iov_base = word, .iov_len = 1 };
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = { .msg_iov = &data,
                              .msg_iovlen = 1,
                              .msg_control = &control,
                              .msg_controllen = sizeof(control) };
    int fd = -1;

    if (recvmsg(from, &message, MSG_CMSG_CLOEXEC) != 1)
        return -1;
    if (CMSG_FIRSTHDR(&message))
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
    return fd;
}

/* Connects a plain socket of Linux's to (port); -1: it was refused. */
static int knock(uint16_t port)
{
    struct sockaddr_in at = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
        return fd;
    close(fd);
    return -1;
}

/*
 * The whole of it at once: an inherited listener is adopted by address,
 * announced to the keeper, and given up for deaf at his word, by both kinds of
 * sockets.
 */
TEST(a_listener_is_adopted_announced_and_given_up)
{
    struct sockaddr_in at = loopback(0);
    struct lunik_address address = { .family = LUNIK_IP4,
                                     .bytes = { 127, 0, 0, 1 } };
    struct lunik_socket *ours, *accepted;
    socklen_t size = sizeof(at);
    int dev[2], kept, plain, guest, announced, unclaimed;
    char text[16], word;

    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, dev) == 0);
    kept = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    REQUIRE(bind(kept, (struct sockaddr *)&at, size) == 0);
    REQUIRE(listen(kept, 4) == 0);
    getsockname(kept, (struct sockaddr *)&at, &size);
    address.port = ntohs(at.sin_port);
    guest = knock(address.port); /* waits in the queue that is handed on */
    REQUIRE(guest >= 0);
    snprintf(text, sizeof(text), "%d", dev[1]);
    setenv("LUNIK_DEV", text, 1);
    unclaimed = socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(listen(unclaimed, 1) == 0);
    snprintf(text, sizeof(text), "%d,%d", dup(kept), unclaimed);
    setenv("LUNIK_DEV_LISTENERS", text, 1);

    REQUIRE(lunik_socket_open(LUNIK_STREAM, LUNIK_IP4, &ours) == LUNIK_OK);
    REQUIRE(lunik_socket_bind(ours, &address) == LUNIK_OK);
    REQUIRE(lunik_socket_listen(ours, 4) == LUNIK_OK);
    announced = receive_fd(dev[0], &word);
    CHECK(announced >= 0);
    CHECK_EQ(word, 'L');
    CHECK_EQ(lunik_socket_wait(ours, LUNIK_READABLE, within(SOON)), LUNIK_OK);
    REQUIRE(lunik_socket_try_accept(ours, &accepted) == LUNIK_OK);
    lunik_socket_close(accepted);

    /* Another address is not taken for it. */
    plain = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    at = loopback(0);
    CHECK_EQ(lunik_host_bind(plain, (struct sockaddr *)&at, sizeof(at)), 0);
    CHECK_EQ(lunik_host_listen(plain, 4), 0);
    CHECK(receive_fd(dev[0], &word) >= 0);

    /* What was handed over and is not ours goes. */
    CHECK(fcntl(unclaimed, F_GETFD) >= 0);
    CHECK_EQ(send(dev[0], "C", 1, 0), 1);
    CHECK(sleep_ms(20));
    CHECK_EQ(fcntl(unclaimed, F_GETFD), -1);

    CHECK_EQ(send(dev[0], "R", 1, 0), 1);
    CHECK(sleep_ms(20));
    CHECK(knock(address.port) >= 0); /* the keeper's still listens … */
    CHECK(sleep_ms(20));
    CHECK_EQ(lunik_socket_ready(ours), 0); /* … but we are deaf */
    CHECK_EQ(lunik_socket_try_accept(ours, &accepted), LUNIK_EAGAIN);
    CHECK_EQ(accept(plain, NULL, NULL), -1);
    CHECK_EQ(errno, EAGAIN);
    CHECK(accept(kept, NULL, NULL) >= 0);
    lunik_socket_close(ours);
    /* Without a keeper there is nobody to end us. */
    lunik_sys_hold_shutdown(true);
    CHECK(!lunik_sys_is_stopping());
    close(dev[0]);
    CHECK(sleep_ms(20));
    CHECK(lunik_sys_is_stopping());
}
