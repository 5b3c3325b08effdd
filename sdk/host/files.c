/* SPDX-License-Identifier: MIT */
/* files.c: descriptors from other processes, files' stamps, interfaces. */
#include "host.h"

#include <errno.h>
#include <inttypes.h>
#include <lauxlib.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * receive_fd(fd): takes one message of one byte from the socket, without
 * waiting: the byte and the descriptor that came with it, or nil; "" at the
 * other side's end, nil when there is nothing.
 */
int lunik_host_receive_fd(lua_State *L)
{
    int from = (int)luaL_checkinteger(L, 1), fd;
    char word;
    struct iovec data = { .iov_base = &word, .iov_len = 1 };
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = { .msg_iov = &data,
                              .msg_iovlen = 1,
                              .msg_control = &control,
                              .msg_controllen = sizeof(control) };
    struct cmsghdr *head;
    ssize_t got;

    do {
        got = recvmsg(from, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        lua_pushnil(L);
        return 1;
    }
    if (got <= 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    lua_pushlstring(L, &word, 1);
    head = CMSG_FIRSTHDR(&message);
    if (head == NULL || head->cmsg_type != SCM_RIGHTS ||
        head->cmsg_len != CMSG_LEN(sizeof(int))) {
        return 1;
    }
    memcpy(&fd, CMSG_DATA(head), sizeof(fd));
    lua_pushinteger(L, fd);
    return 2;
}

/* stamp(path): a string that differs once the file was written to; nil: it is
 * not there. */
int lunik_host_stamp(lua_State *L)
{
    struct stat info;
    char text[96];

    if (stat(luaL_checkstring(L, 1), &info) != 0) {
        lua_pushnil(L);
        return 1;
    }
    snprintf(text, sizeof(text), "%jd.%09ld %jd %ju",
             (intmax_t)info.st_mtim.tv_sec, info.st_mtim.tv_nsec,
             (intmax_t)info.st_size, (uintmax_t)info.st_ino);
    lua_pushstring(L, text);
    return 1;
}

/* interface(name): the index and the flags of a network interface; nil: there
 * is none. (Not from /sys, which may show another network namespace's.) */
int lunik_host_interface(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    unsigned index = if_nametoindex(name);
    struct ifreq ask = { 0 };
    int fd, failed;

    if (index == 0 || strlen(name) >= sizeof(ask.ifr_name)) {
        lua_pushnil(L);
        return 1;
    }
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    memcpy(ask.ifr_name, name, strlen(name) + 1);
    failed = fd < 0 || ioctl(fd, SIOCGIFFLAGS, &ask) != 0;
    if (fd >= 0) {
        close(fd);
    }
    lua_pushinteger(L, index);
    lua_pushinteger(L, failed ? 0 : (unsigned short)ask.ifr_flags);
    return 2;
}
