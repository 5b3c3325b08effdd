/* SPDX-License-Identifier: MIT */
/*
 * socket.h: TCP and UDP, below every API that a program sees.
 *
 * One implementation carries both the BSD sockets of the C library and the
 * native Lua module; on the host platform the same functions rest on Linux's
 * own sockets.
 *
 * Functions whose name has try_ never wait. The others wait as the one wait
 * function of <lunik/event.h> does: only the calling fiber stands still, and
 * LUNIK_ETIMEOUT and LUNIK_ECANCELED are as there.
 *
 * What a socket can do now is (ready), a set of bits. Whoever wants to know of
 * a change without standing still hangs a watch on the socket.
 *
 * Context: task. Watches are called from the event loop or from within a call
 * here; they must not wait, and may use the try_ functions of other sockets.
 */
#ifndef LUNIK_SOCKET_H
#define LUNIK_SOCKET_H

#include <lunik/address.h>
#include <lunik/attr.h>
#include <lunik/event.h>
#include <lunik/result.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lunik_socket;

enum lunik_socket_type { LUNIK_STREAM = 1, LUNIK_DATAGRAM };

/*
 * Makes a socket of one family, or of both with LUNIK_IP4 | LUNIK_IP6: an
 * IPv6 one that also serves IPv4, whose addresses are then LUNIK_IP4.
 * Returns: LUNIK_ENOMEM (also past the bound on sockets, which follows from
 *   the memory). Without a network device there is still the loopback; who is
 *   asked for something beyond it answers LUNIK_EUNREACHABLE.
 */
LUNIK_MUST_CHECK lunik_result lunik_socket_open(enum lunik_socket_type type,
                                                unsigned families,
                                                struct lunik_socket **out);

/* Closes and frees. What was sent is still delivered, unless SO_LINGER says
 * otherwise (LUNIK_SOCKET_LINGER). Fibers that wait for it get LUNIK_ECLOSED;
 * its watches are taken off without a call. NULL: nothing. */
void lunik_socket_close(struct lunik_socket *socket);

/* ---- Addresses ---- */

/* Port 0 takes a free one. LUNIK_EINUSE, LUNIK_EINVAL (bound already, or not
 * an address of ours). */
LUNIK_MUST_CHECK lunik_result lunik_socket_bind(
    struct lunik_socket *socket, const struct lunik_address *address);

/* A bound stream becomes a listener for up to (backlog) connections that wait
 * to be accepted; more are refused, or dropped while half open. */
LUNIK_MUST_CHECK lunik_result lunik_socket_listen(struct lunik_socket *socket,
                                                  size_t backlog);

/* LUNIK_EAGAIN: nobody there. LUNIK_EINVAL: not a listener. */
LUNIK_MUST_CHECK lunik_result
lunik_socket_try_accept(struct lunik_socket *socket, struct lunik_socket **out);

/*
 * Starts to connect; a datagram socket is connected at once. LUNIK_EAGAIN: it
 * goes on; writable or failed will tell. LUNIK_EINVAL: it is connected, is
 * connecting, or listens. After an attempt that failed it may try again. An
 * address of family 0 takes a datagram socket's peer away.
 */
LUNIK_MUST_CHECK lunik_result lunik_socket_try_connect(
    struct lunik_socket *socket, const struct lunik_address *address);

void lunik_socket_get_local(const struct lunik_socket *socket,
                            struct lunik_address *out);
/* Zeroed when it is not connected. */
void lunik_socket_get_peer(const struct lunik_socket *socket,
                           struct lunik_address *out);

/* ---- State ---- */

#define LUNIK_READABLE                                                       \
    1u                    /* data, an end, a connection to accept, or failed \
                           */
#define LUNIK_WRITABLE 2u /* connected with room, or failed */
#define LUNIK_HANGUP 4u   /* the peer sends no more */
#define LUNIK_FAILED 8u   /* see lunik_socket_get_error() */

unsigned lunik_socket_ready(const struct lunik_socket *socket);

/* Why it failed: LUNIK_EREFUSED, LUNIK_ERESET, LUNIK_ETIMEOUT,
 * LUNIK_EUNREACHABLE, LUNIK_ENOMEM; LUNIK_OK: it did not. Stays. */
lunik_result lunik_socket_get_error(const struct lunik_socket *socket);

enum lunik_socket_state {
    LUNIK_SOCKET_IDLE, /* neither of the others */
    LUNIK_SOCKET_LISTENING,
    LUNIK_SOCKET_CONNECTING,
    LUNIK_SOCKET_CONNECTED, /* or was: closed by the peer, failed */
};
enum lunik_socket_state
lunik_socket_get_state(const struct lunik_socket *socket);
enum lunik_socket_type lunik_socket_get_type(const struct lunik_socket *socket);
unsigned lunik_socket_get_families(const struct lunik_socket *socket);

/*
 * A watch calls (fn)(watch) after (ready) gained a bit, at least once for any
 * number of changes; look at lunik_socket_ready(). (fn) may take its own watch
 * off, and may close no socket. Set (fn), zero the rest. A socket may have any
 * number of watches, and a watch is on one socket at most.
 */
struct lunik_watch {
    void (*fn)(struct lunik_watch *watch);
    /* private */
    struct lunik_socket *socket;
    struct lunik_watch *next, *prev;
};
void lunik_socket_watch(struct lunik_socket *socket, struct lunik_watch *watch);
/* Nothing happens if it is on none. */
void lunik_socket_unwatch(struct lunik_watch *watch);

/* Waits until (ready) has a bit of (wanted). Returns as lunik_event_wait(), and
 * LUNIK_ECLOSED if the socket was closed meanwhile: it is then no more. */
LUNIK_MUST_CHECK lunik_result lunik_socket_wait(struct lunik_socket *socket,
                                                unsigned wanted,
                                                uint64_t deadline_ns);

/* ---- Data ---- */

/*
 * Receives up to (size) bytes of a stream, or one datagram, whose rest is
 * lost. (*from) may be NULL.
 * Returns: LUNIK_OK with the count; of a stream, 0 bytes is the peer's end.
 *   LUNIK_EAGAIN. What the socket failed of, after all data. LUNIK_EINVAL: not
 *   connected.
 */
LUNIK_MUST_CHECK lunik_result
lunik_socket_try_receive(struct lunik_socket *socket, void *out, size_t size,
                         size_t *size_out, struct lunik_address *from);

/*
 * Lends the first received bytes of a stream where they lie, at least 1, until
 * the next call on this socket. Results as above; (*size_out) 0 is the end.
 * lunik_socket_consume() takes off the first (size) of them. Of a datagram
 * socket, the first datagram, LUNIK_ENOMEM; it is taken off by receiving it.
 */
LUNIK_MUST_CHECK lunik_result lunik_socket_peek(struct lunik_socket *socket,
                                                const void **data_out,
                                                size_t *size_out);
void lunik_socket_consume(struct lunik_socket *socket, size_t size);

/* Copies up to (size) of the bytes that were received (of the first datagram),
 * and leaves them there. Results as lunik_socket_peek(). */
LUNIK_MUST_CHECK lunik_result lunik_socket_copy(struct lunik_socket *socket,
                                                void *out, size_t size,
                                                size_t *size_out);

/* Whom the first datagram is from; family 0: there is none. */
void lunik_socket_get_sender(const struct lunik_socket *socket,
                             struct lunik_address *out);

/* Bytes received and not yet taken (of a datagram socket: of the first). */
size_t lunik_socket_pending(const struct lunik_socket *socket);

#define LUNIK_SEND_MORE 1u /* more follows soon: hold back a short segment */
#define LUNIK_SEND_LENT 2u /* the bytes stay as they are for ever: no copy */

/*
 * Sends up to (size) bytes of a stream, or one datagram, to (to) if that is
 * not NULL.
 * Returns: LUNIK_OK with the count, at least 1 unless (size) is 0;
 *   LUNIK_EAGAIN: no room; what it failed of; LUNIK_ECLOSED: shut down, or
 *   closed by the peer; LUNIK_EINVAL: not connected, or a datagram too long;
 *   LUNIK_EUNREACHABLE.
 */
LUNIK_MUST_CHECK lunik_result lunik_socket_try_send(
    struct lunik_socket *socket, const void *data, size_t size, unsigned flags,
    const struct lunik_address *to, size_t *size_out);

/* Sends all that LUNIK_SEND_MORE held back. */
void lunik_socket_flush(struct lunik_socket *socket);

/* Bytes that may be sent at once. 0 while connecting. */
size_t lunik_socket_room(const struct lunik_socket *socket);

#define LUNIK_SHUT_READ 1u
#define LUNIK_SHUT_WRITE 2u
/* LUNIK_EINVAL: not connected. */
LUNIK_MUST_CHECK lunik_result lunik_socket_shutdown(struct lunik_socket *socket,
                                                    unsigned how);

/* ---- Options ---- */

enum lunik_socket_option {
    LUNIK_SOCKET_REUSE_ADDRESS,  /* 0 or 1 */
    LUNIK_SOCKET_NO_DELAY,       /* 0 or 1; streams begin with 0, as BSD's */
    LUNIK_SOCKET_KEEP_ALIVE,     /* 0 or 1 */
    LUNIK_SOCKET_KEEP_IDLE,      /* seconds, 1 to 32767 */
    LUNIK_SOCKET_KEEP_INTERVAL,  /* seconds, 1 to 32767 */
    LUNIK_SOCKET_KEEP_COUNT,     /* 1 to 127 */
    LUNIK_SOCKET_LINGER,         /* seconds; -1: off; 0: reset on close */
    LUNIK_SOCKET_BROADCAST,      /* 0 or 1 */
    LUNIK_SOCKET_ONLY_IP6,       /* 0 or 1, before it is bound */
    LUNIK_SOCKET_HOPS,           /* 1 to 255 */
    LUNIK_SOCKET_MULTICAST_HOPS, /* 0 to 255 */
    LUNIK_SOCKET_MULTICAST_LOOP, /* 0 or 1 */
};

/* LUNIK_EINVAL: out of range, or not for this type or state. */
LUNIK_MUST_CHECK lunik_result lunik_socket_set(struct lunik_socket *socket,
                                               enum lunik_socket_option option,
                                               int value);
LUNIK_MUST_CHECK lunik_result
lunik_socket_get(const struct lunik_socket *socket,
                 enum lunik_socket_option option, int *value_out);

/* Joins or leaves a multicast group, on the interface with this index (see
 * <lunik/interface.h>), or on the first. */
LUNIK_MUST_CHECK lunik_result lunik_socket_join(
    struct lunik_socket *socket, const struct lunik_address *group, bool joins);

/* ---- Names ---- */

/*
 * Finds the addresses of host (name), or of an address in text, of one of
 * (families); waits for the servers, at most until (deadline_ns). Addresses
 * come in the order in which they are best tried, at most (max) of them.
 * Returns: LUNIK_OK with (*count_out) >= 1; LUNIK_ENOENT: there is no such
 *   host; LUNIK_ETIMEOUT: no server answered (in time); LUNIK_EUNREACHABLE: no
 *   network or no server known; LUNIK_EINVAL: not a name; LUNIK_ECANCELED.
 */
LUNIK_MUST_CHECK lunik_result lunik_resolve(const char *name, unsigned families,
                                            uint64_t deadline_ns,
                                            struct lunik_address *out,
                                            size_t max, size_t *count_out);

struct lunik_socket_info {
    size_t open;      /* sockets, listeners included */
    size_t max;       /* the bound on them */
    size_t half_open; /* connections that have not been confirmed */
    size_t bytes;     /* of memory under all of them, buffers included */
};
void lunik_socket_get_info(struct lunik_socket_info *out);

#endif
