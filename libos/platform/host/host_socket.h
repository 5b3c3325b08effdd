/* SPDX-License-Identifier: MIT */
/* host_socket.h: what a socket of the host platform is, for its two files. */
#ifndef LUNIK_HOST_SOCKET_H
#define LUNIK_HOST_SOCKET_H

#include "host.h"
#include <lunik/socket.h>

struct host_waiter;

struct lunik_socket {
    struct platform_host_watch linux_watch; /* first: see on_change() */
    int fd, family;
    enum lunik_socket_type type;
    enum lunik_socket_state state;
    unsigned families;
    lunik_result error;
    int linger; /* as it was set; Linux's would have close() wait */
    bool is_bound, is_no_delay, is_held; /* held: LUNIK_SEND_MORE */
    bool is_write_shut, has_ended;       /* ended: Linux gave the end */
    bool was_connected;                  /* ever, of a stream */
    uint8_t *datagram;                   /* the first one, if it was lent */
    uint8_t *buffer;                     /* NULL: nothing is buffered */
    size_t start, end;                   /* what of it is */
    struct lunik_watch *watches, *cursor;
    struct host_waiter *waiters;
};

/* The result for one of Linux's error numbers. */
lunik_result platform_host_result(int number);

#endif
