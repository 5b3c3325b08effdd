/* SPDX-License-Identifier: MIT */
/*
 * listeners.c: listening sockets that outlive a process, for `lunik dev`.
 *
 * Whoever starts us may hand over two things in the environment:
 *   LUNIK_DEV=FD              a connected socket to him
 *   LUNIK_DEV_LISTENERS=FD,…  sockets on which a process before us listened
 * We send him each socket that comes to listen (one byte 'L' and the
 * descriptor). A byte 'C' from him says that we serve now: what we did not take
 * of the sockets handed over is closed, for a connection to them would wait for
 * nobody. A byte 'R' says that a newer process serves: our listening sockets
 * are then replaced by deaf ones, so that every connection from then on is the
 * newer one's, and we end what we have in order.
 */
#include "host.h"
#include "platform.h"
#include <fcntl.h>
#include <lunik/panic.h>
#include <lunik/sys.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTENERS_MAX 32

static bool is_ready;
static int dev_fd = -1;
static int inherited[LISTENERS_MAX];
static size_t inherited_count;
/* Ours, with the inode that tells whether the number still means the same. */
static struct {
    int fd;
    ino_t inode;
} ours[LISTENERS_MAX];
static size_t ours_count;

static ino_t inode_of(int fd)
{
    struct stat info;

    return fstat(fd, &info) == 0 ? info.st_ino : 0;
}

/* A socket that listens where nobody connects to. */
static int open_deaf(void)
{
    struct sockaddr_un none = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    /* Without a name Linux picks one. */
    if (fd >= 0 &&
        (bind(fd, (struct sockaddr *)&none, sizeof(none.sun_family)) != 0 ||
         listen(fd, 1) != 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

static void go_deaf(void)
{
    int deaf = open_deaf();

    if (deaf < 0)
        return;
    for (size_t i = 0; i < ours_count; i++)
        if (inode_of(ours[i].fd) == ours[i].inode)
            platform_host_watch_replace(ours[i].fd, deaf);
    ours_count = 0;
    close(deaf);
}

static void close_inherited(void)
{
    while (inherited_count > 0)
        close(inherited[--inherited_count]);
}

static void on_word(struct platform_host_watch *watch, uint32_t events)
{
    char word;
    ssize_t got = recv(watch->fd, &word, 1, MSG_DONTWAIT);

    (void)events;
    if (got == 1 && word == 'C')
        close_inherited();
    if (got == 1 && word == 'R')
        go_deaf();
    if (got != 0)
        return;
    /* He is gone; nobody will press a key for us. */
    platform_host_watch_remove(watch);
    lunik_sys_request_stop();
}

static struct platform_host_watch watch = { .fn = on_word, .wants = EPOLLIN };

/* A descriptor's number in an environment variable; -1: none, or not open. */
static int take_fd(const char *text, char **end)
{
    long fd = strtol(text, end, 10);

    if (*end == text || fd < 3 || fd > 1 << 20 ||
        fcntl((int)fd, F_SETFD, FD_CLOEXEC) != 0)
        return -1;
    return (int)fd;
}

void platform_host_init_listeners(void)
{
    const char *at = getenv("LUNIK_DEV_LISTENERS");
    const char *dev = getenv("LUNIK_DEV");
    char *end;

    if (is_ready)
        return;
    is_ready = true;
    if (!dev || (dev_fd = take_fd(dev, &end)) < 0)
        return;
    watch.fd = dev_fd;
    if (platform_host_watch_add(&watch) != LUNIK_OK)
        lunik_panic("no watch for the socket to `lunik dev`");
    while (at && *at && inherited_count < LISTENERS_MAX) {
        int fd = take_fd(at, &end);

        if (fd >= 0)
            inherited[inherited_count++] = fd;
        if (end == at || *end != ',')
            break;
        at = end + 1;
    }
}

static bool is_same(const struct sockaddr *a, const struct sockaddr *b)
{
    struct sockaddr_in a4, b4;
    struct sockaddr_in6 a6, b6;

    if (a->sa_family != b->sa_family)
        return false;
    if (a->sa_family == AF_INET) {
        memcpy(&a4, a, sizeof(a4));
        memcpy(&b4, b, sizeof(b4));
        return a4.sin_port == b4.sin_port &&
               a4.sin_addr.s_addr == b4.sin_addr.s_addr;
    }
    if (a->sa_family != AF_INET6)
        return false;
    memcpy(&a6, a, sizeof(a6));
    memcpy(&b6, b, sizeof(b6));
    return a6.sin6_port == b6.sin6_port &&
           a6.sin6_scope_id == b6.sin6_scope_id &&
           memcmp(&a6.sin6_addr, &b6.sin6_addr, sizeof(a6.sin6_addr)) == 0;
}

static int is_only_ip6(int fd)
{
    int value = 0;
    socklen_t size = sizeof(value);

    getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &value, &size);
    return value;
}

bool platform_host_adopt(int fd, const struct sockaddr *address,
                         unsigned address_len)
{
    platform_host_init_listeners();
    if (address_len < sizeof(struct sockaddr_in))
        return false;
    for (size_t i = 0; i < inherited_count; i++) {
        struct sockaddr_storage name = { 0 };
        socklen_t size = sizeof(name);

        if (getsockname(inherited[i], (struct sockaddr *)&name, &size) != 0 ||
            size > address_len || !is_same((struct sockaddr *)&name, address) ||
            is_only_ip6(inherited[i]) != is_only_ip6(fd))
            continue;
        if (!platform_host_watch_replace(fd, inherited[i]))
            return false;
        close(inherited[i]);
        inherited[i] = inherited[--inherited_count];
        return true;
    }
    return false;
}

static void send_fd(int fd)
{
    char word = 'L';
    struct iovec data = { .iov_base = &word, .iov_len = 1 };
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = { .msg_iov = &data,
                              .msg_iovlen = 1,
                              .msg_control = &control,
                              .msg_controllen = sizeof(control) };

    memset(&control, 0, sizeof(control));
    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    control.head.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
    if (sendmsg(dev_fd, &message, MSG_NOSIGNAL) < 0)
        return; /* he is gone: on_word() will hear of it */
}

/* Forgets those that were closed since. */
static void forget_closed(void)
{
    size_t kept = 0;

    for (size_t i = 0; i < ours_count; i++)
        if (inode_of(ours[i].fd) == ours[i].inode)
            ours[kept++] = ours[i];
    ours_count = kept;
}

void platform_host_announce(int fd)
{
    platform_host_init_listeners();
    if (dev_fd < 0)
        return;
    forget_closed();
    if (ours_count == LISTENERS_MAX)
        return;
    for (size_t i = 0; i < ours_count; i++)
        if (ours[i].fd == fd)
            return;
    ours[ours_count].fd = fd;
    ours[ours_count].inode = inode_of(fd);
    ours_count++;
    send_fd(fd);
}
