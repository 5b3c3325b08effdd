/* SPDX-License-Identifier: MIT */
/*
 * socket_impl.h: what the files under <lunik/socket.h> tell each other.
 *
 * A socket is one object and at most one control block of lwIP (a pcb). lwIP
 * may free a connection's pcb by itself: it says so through the error callback,
 * but for one case, TIME-WAIT, so a socket lets go of its pcb as soon as both
 * directions have ended.
 *
 * Context: task, or lwIP's callbacks from the event loop.
 */
#ifndef LUNIK_SOCKET_IMPL_H
#define LUNIK_SOCKET_IMPL_H

#include "addresses.h"
#include "lwip/ip_addr.h"
#include "lwip/pbuf.h"
#include "lwip/tcp.h"
#include "lwip/udp.h"
#include <lunik/socket.h>

/* Options that are 0 or 1, by their number: bits of (options.on). */
#define LUNIK_SOCKET_BIT(option) (1u << (option))

struct lunik_socket_options {
    uint16_t on; /* LUNIK_SOCKET_BIT() */
    uint16_t keep_idle, keep_interval;
    int16_t linger;
    uint8_t keep_count;
    uint8_t hops, multicast_hops;
};

/* What a stream has received: the pbufs as they came, each taken off as soon
 * as it was read. */
struct lunik_stream_queue {
    struct pbuf *first, *last;
    uint32_t size;   /* bytes in all of them */
    uint32_t credit; /* bytes taken, of which lwIP has not been told */
    uint32_t room;   /* bytes free behind (last), which is then a copy */
};

/* Connections that wait to be accepted. */
struct lunik_accept_queue {
    struct lunik_socket *first, *last;
    uint32_t count, backlog;
};

struct lunik_datagram;

struct lunik_datagram_queue {
    struct lunik_datagram *first, *last;
    uint32_t count, size;
};

struct lunik_membership;

struct lunik_socket {
    union {
        struct tcp_pcb *tcp;
        struct udp_pcb *udp;
    }; /* NULL: lwIP has none (any more) */
    struct lunik_watch *watches;
    struct lunik_socket *next;     /* in its listener's queue */
    struct lunik_socket *listener; /* whose queue it is in */
    union {
        struct lunik_stream_queue stream;
        struct lunik_accept_queue accept;
        struct lunik_datagram_queue datagram;
    };
    struct lunik_membership *memberships;
    struct lunik_socket_options options;
    uint8_t type, families, state, error;
    bool is_bound;                    /* by its owner, to (local) */
    bool has_ended;                   /* the peer sends no more */
    bool is_shut_read;                /* by its owner */
    bool is_shut_write;               /* by its owner */
    bool is_full;                     /* no room to send: not writable */
    struct lunik_address local, peer; /* while there is no pcb to ask */
};

/* ---- socket.c ---- */

/* A new socket, zeroed but for its type and options; NULL past the bound. */
struct lunik_socket *lunik_socket_new(enum lunik_socket_type type,
                                      unsigned families);
void lunik_socket_free(struct lunik_socket *socket);

/* Calls the watches if (ready) has a bit more than (before). */
void lunik_socket_changed(struct lunik_socket *socket, unsigned before);

/* Gives the pcb the options; it may be NULL. */
void lunik_socket_apply(struct lunik_socket *socket);

lunik_result lunik_socket_from_err(err_t err);

static inline void lunik_socket_address(const ip_addr_t *ip, u16_t port,
                                        struct lunik_address *out)
{
    lunik_lwip_to_address(ip, out);
    out->port = port;
}

/* Whether (address) is one of this machine, or any. */
bool lunik_socket_is_ours(const ip_addr_t *address);

/* Whether one port cannot be bound at both. */
bool lunik_socket_overlaps(const ip_addr_t *a, const ip_addr_t *b);

/* The type that a pcb of these families has. */
u8_t lunik_socket_ip_type(unsigned families);

/* A port that is hard to guess. */
u16_t lunik_socket_random_port(void);
#define LUNIK_SOCKET_PORT_TRIES 32

/* The address to bind to so that all of the socket's families are served. */
void lunik_socket_bind_address(const struct lunik_socket *socket,
                               const struct lunik_address *address,
                               ip_addr_t *out);

/* ---- stream.c ---- */
lunik_result lunik_stream_open(struct lunik_socket *socket);
void lunik_stream_end(struct lunik_socket *socket);
unsigned lunik_stream_ready(const struct lunik_socket *socket);
lunik_result lunik_stream_bind(struct lunik_socket *socket,
                               const ip_addr_t *address, u16_t port);
lunik_result lunik_stream_connect(struct lunik_socket *socket,
                                  const ip_addr_t *address, u16_t port);
lunik_result lunik_stream_receive(struct lunik_socket *socket, void *out,
                                  size_t size, size_t *size_out);
lunik_result lunik_stream_send(struct lunik_socket *socket, const void *data,
                               size_t size, unsigned flags, size_t *size_out);
lunik_result lunik_stream_shutdown(struct lunik_socket *socket, unsigned how);
void lunik_stream_apply(struct lunik_socket *socket);

/* ---- datagram.c ---- */
lunik_result lunik_datagram_open(struct lunik_socket *socket);
void lunik_datagram_close(struct lunik_socket *socket);
unsigned lunik_datagram_ready(const struct lunik_socket *socket);
lunik_result lunik_datagram_bind(struct lunik_socket *socket,
                                 const ip_addr_t *address, u16_t port);
lunik_result lunik_datagram_connect(struct lunik_socket *socket,
                                    const ip_addr_t *address, u16_t port);
void lunik_datagram_disconnect(struct lunik_socket *socket);
lunik_result lunik_datagram_receive(struct lunik_socket *socket, void *out,
                                    size_t size, size_t *size_out,
                                    struct lunik_address *from);
lunik_result lunik_datagram_peek(struct lunik_socket *socket,
                                 const void **data_out, size_t *size_out);
lunik_result lunik_datagram_send(struct lunik_socket *socket, const void *data,
                                 size_t size, const struct lunik_address *to,
                                 size_t *size_out);
size_t lunik_datagram_pending(const struct lunik_socket *socket);
void lunik_datagram_apply(struct lunik_socket *socket);

#endif
