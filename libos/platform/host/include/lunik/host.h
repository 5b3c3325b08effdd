/* SPDX-License-Identifier: MIT */
/*
 * host.h: Linux's own blocking calls, for libraries that run on the host
 * platform and know nothing of fibers.
 *
 * Each has the signature and the results of the call it is named for, and may
 * be put in its place by the preprocessor. Only the calling fiber waits. A wait
 * that was cancelled fails with ECANCELED, one that a fiber's own bound ended
 * with ETIMEDOUT. Only on the host platform; context: task.
 */
#ifndef LUNIK_HOST_H
#define LUNIK_HOST_H

#include <netdb.h>
#include <poll.h>
#include <sys/select.h>
#include <sys/socket.h>

int lunik_host_poll(struct pollfd *fds, nfds_t count, int timeout_ms);

/* As Linux's, but the time left does not come back in (*timeout). */
int lunik_host_select(int count, fd_set *readable, fd_set *writable,
                      fd_set *exceptional, struct timeval *timeout);

/* Names are asked for in a thread; a wait that ended otherwise is EAI_SYSTEM,
 * with errno as above. */
int lunik_host_getaddrinfo(const char *host, const char *service,
                           const struct addrinfo *hints, struct addrinfo **out);

/* As Linux's, and `lunik dev` hands listening sockets from the program's old
 * version to its new one. */
int lunik_host_bind(int fd, const struct sockaddr *address, socklen_t size);
int lunik_host_listen(int fd, int backlog);

#endif
