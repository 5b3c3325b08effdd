/* SPDX-License-Identifier: MIT */
/*
 * sockets.h: what the files about sockets tell each other.
 *
 * Results are 0 or more, or -errno. Context: task.
 */
#ifndef LUNIK_SOCKETS_H
#define LUNIK_SOCKETS_H

#include "paths.h"
#include <lunik/socket.h>
#include <sys/socket.h>

/* A descriptor's file that is a socket. */
struct lunik_socket_file {
    struct lunik_file file;       /* first */
    struct lunik_socket *socket;  /* NULL: closed while fibers wait for it */
    struct lunik_look *looks;     /* of those who poll it */
    uint64_t receive_ns, send_ns; /* SO_RCVTIMEO, SO_SNDTIMEO; 0: for ever */
    unsigned waiting;             /* fibers; the last frees a closed file */
    sa_family_t family;
    bool is_shut_write;
    bool is_told; /* the error was reported; from now on it is an end */
};

/* The socket under (fd): -EBADF, -ENOTSOCK. */
LUNIK_MUST_CHECK long lunik_sockets_get(long fd,
                                        struct lunik_socket_file **out);

/* What the socket failed of and nobody has been told; 0 or an errno. */
int lunik_sockets_take_error(struct lunik_socket_file *file);

int lunik_sockets_errno(lunik_result result);

/* From a sockaddr of (file)'s family: -EINVAL, -EAFNOSUPPORT. */
LUNIK_MUST_CHECK long
lunik_sockets_address(const struct lunik_socket_file *file, const void *in,
                      size_t len, struct lunik_address *out);

/* To a sockaddr of family AF_INET or AF_INET6; (*len): the room, then the
 * size that it takes. */
void lunik_sockets_put_address(sa_family_t family,
                               const struct lunik_address *address, void *out,
                               socklen_t *len);

#endif
