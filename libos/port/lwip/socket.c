/* SPDX-License-Identifier: MIT */
/* socket.c: <lunik/socket.h> on lwIP: what streams and datagrams share. */
#include "lwip/netif.h"
#include "socket_impl.h"
#include "stack.h"
#include "tcp_table.h"
#include <lunik/mem.h>
#include <lunik/panic.h>
#include <lunik/random.h>
#include <string.h>

/* One socket for so much memory: its pcb, buffers and what the program keeps
 * for it have to fit, too. */
#define MEMORY_FOR_ONE 4096u
#define SOCKETS_MIN 64u

#define PORT_FIRST 49152u /* RFC 6335: dynamic ports */
#define PORT_COUNT (65536u - PORT_FIRST)

#define KEEP_SECONDS_MAX 32767
#define KEEP_COUNT_MAX 127

static size_t open_count;

/* ---- Results ---- */

lunik_result lunik_socket_from_err(err_t err)
{
    switch (err) {
    case ERR_OK:
        return LUNIK_OK;
    case ERR_MEM:
    case ERR_BUF: /* no free port, too */
        return LUNIK_ENOMEM;
    case ERR_RTE:
    case ERR_IF:
        return LUNIK_EUNREACHABLE;
    case ERR_USE:
        return LUNIK_EINUSE;
    case ERR_RST:
        return LUNIK_ERESET;
    case ERR_ABRT:
    case ERR_TIMEOUT:
        return LUNIK_ETIMEOUT;
    default:
        return LUNIK_EINVAL;
    }
}

/* ---- Making and freeing ---- */

static size_t max_count(void)
{
    static size_t max;
    struct lunik_mem_info mem;

    if (max == 0) {
        lunik_mem_get_info(&mem);
        max = mem.total_bytes / MEMORY_FOR_ONE;
        if (max < SOCKETS_MIN)
            max = SOCKETS_MIN;
    }
    return max;
}

static const struct lunik_socket_options defaults = {
    .on = LUNIK_SOCKET_BIT(LUNIK_SOCKET_MULTICAST_LOOP),
    .keep_idle = 7200,
    .keep_interval = 75,
    .keep_count = 9,
    .linger = -1,
    .hops = 64,
    .multicast_hops = 1,
};

struct lunik_socket *lunik_socket_new(enum lunik_socket_type type,
                                      unsigned families)
{
    struct lunik_socket *socket;

    if (open_count >= max_count())
        return NULL;
    socket = lunik_mem_alloc_sized(sizeof(*socket));
    if (!socket)
        return NULL;
    open_count++;
    memset(socket, 0, sizeof(*socket));
    socket->type = (uint8_t)type;
    socket->families = (uint8_t)families;
    socket->options = defaults;
    return socket;
}

void lunik_socket_free(struct lunik_socket *socket)
{
    open_count--;
    lunik_mem_free_sized(socket, sizeof(*socket));
}

u8_t lunik_socket_ip_type(unsigned families)
{
    switch (families) {
    case LUNIK_IP4:
        return IPADDR_TYPE_V4;
    case LUNIK_IP6:
        return IPADDR_TYPE_V6;
    default:
        return IPADDR_TYPE_ANY;
    }
}

lunik_result lunik_socket_open(enum lunik_socket_type type, unsigned families,
                               struct lunik_socket **out)
{
    struct lunik_socket *socket;
    lunik_result result;

    LUNIK_ASSERT(type == LUNIK_STREAM || type == LUNIK_DATAGRAM);
    LUNIK_ASSERT(families > 0 && families <= (LUNIK_IP4 | LUNIK_IP6));
    *out = NULL;
    /* Without a device there is still this machine itself. */
    (void)lunik_lwip_has_network();
    socket = lunik_socket_new(type, families);
    if (!socket)
        return LUNIK_ENOMEM;
    result = type == LUNIK_STREAM ? lunik_stream_open(socket)
                                  : lunik_datagram_open(socket);
    if (result != LUNIK_OK) {
        lunik_socket_free(socket);
        return result;
    }
    *out = socket;
    return LUNIK_OK;
}

/* ---- Watching and waiting ---- */

unsigned lunik_socket_ready(const struct lunik_socket *socket)
{
    return socket->type == LUNIK_STREAM ? lunik_stream_ready(socket)
                                        : lunik_datagram_ready(socket);
}

void lunik_socket_changed(struct lunik_socket *socket, unsigned before)
{
    struct lunik_watch *next;

    if (!socket->watches || !(lunik_socket_ready(socket) & ~before))
        return;
    for (struct lunik_watch *watch = socket->watches; watch; watch = next) {
        next = watch->next;
        watch->fn(watch);
    }
}

void lunik_socket_watch(struct lunik_socket *socket, struct lunik_watch *watch)
{
    LUNIK_ASSERT(watch->fn != NULL);
    LUNIK_ASSERT(watch->socket == NULL);
    watch->socket = socket;
    watch->prev = NULL;
    watch->next = socket->watches;
    if (watch->next)
        watch->next->prev = watch;
    socket->watches = watch;
}

void lunik_socket_unwatch(struct lunik_watch *watch)
{
    if (!watch->socket)
        return;
    if (watch->prev)
        watch->prev->next = watch->next;
    else
        watch->socket->watches = watch->next;
    if (watch->next)
        watch->next->prev = watch->prev;
    watch->socket = NULL;
    watch->next = watch->prev = NULL;
}

/* A fiber that waits hangs a watch on the socket, too. */
struct waiter {
    struct lunik_watch watch; /* first */
    struct lunik_event event;
    unsigned wanted;
    bool is_closed;
};

static void wake(struct lunik_watch *watch)
{
    struct waiter *waiter = (struct waiter *)watch;

    if (lunik_socket_ready(watch->socket) & waiter->wanted)
        lunik_event_signal(&waiter->event);
}

lunik_result lunik_socket_wait(struct lunik_socket *socket, unsigned wanted,
                               uint64_t deadline_ns)
{
    struct waiter waiter = { .watch.fn = wake, .wanted = wanted };
    lunik_result result = LUNIK_OK;

    if (lunik_socket_ready(socket) & wanted)
        return LUNIK_OK;
    lunik_socket_watch(socket, &waiter.watch);
    do
        result = lunik_event_wait(&waiter.event, deadline_ns);
    while (result == LUNIK_OK && !waiter.is_closed &&
           !(lunik_socket_ready(socket) & wanted));
    if (waiter.is_closed)
        return LUNIK_ECLOSED;
    lunik_socket_unwatch(&waiter.watch);
    return result;
}

void lunik_socket_close(struct lunik_socket *socket)
{
    if (!socket)
        return;
    while (socket->watches) {
        struct lunik_watch *watch = socket->watches;

        lunik_socket_unwatch(watch);
        if (watch->fn == wake) {
            struct waiter *waiter = (struct waiter *)watch;

            waiter->is_closed = true;
            lunik_event_signal(&waiter->event);
        }
    }
    if (socket->type == LUNIK_STREAM)
        lunik_stream_end(socket);
    else
        lunik_datagram_close(socket);
    lunik_socket_free(socket);
}

/* ---- Addresses ---- */

u16_t lunik_socket_random_port(void)
{
    uint32_t number;

    lunik_random_fill(&number, sizeof(number));
    return (u16_t)(PORT_FIRST + number % PORT_COUNT);
}

bool lunik_socket_is_ours(const ip_addr_t *address)
{
    struct netif *netif;

    if (ip_addr_isany(address))
        return true;
    if (IP_IS_V4(address) && ip4_addr_isloopback(ip_2_ip4(address)))
        return true;
    NETIF_FOREACH(netif)
    {
        if (IP_IS_V4(address)
                ? ip4_addr_eq(netif_ip4_addr(netif), ip_2_ip4(address))
                : netif_get_ip6_addr_match(netif, ip_2_ip6(address)) >= 0)
            return true;
    }
    return false;
}

bool lunik_socket_overlaps(const ip_addr_t *a, const ip_addr_t *b)
{
    bool is_one_any = ip_addr_isany(a) || ip_addr_isany(b);

    if (IP_IS_ANY_TYPE_VAL(*a) || IP_IS_ANY_TYPE_VAL(*b))
        return is_one_any;
    return IP_IS_V6(a) == IP_IS_V6(b) && (is_one_any || ip_addr_eq(a, b));
}

void lunik_socket_bind_address(const struct lunik_socket *socket,
                               const struct lunik_address *address,
                               ip_addr_t *out)
{
    bool serves_both =
        socket->families == (LUNIK_IP4 | LUNIK_IP6) &&
        !(socket->options.on & LUNIK_SOCKET_BIT(LUNIK_SOCKET_ONLY_IP6));

    lunik_lwip_from_address(address, out);
    if (serves_both && address->family == LUNIK_IP6 &&
        lunik_address_is_any(address))
        *out = *IP_ANY_TYPE;
}

lunik_result lunik_socket_bind(struct lunik_socket *socket,
                               const struct lunik_address *address)
{
    lunik_result result;
    ip_addr_t ip;

    if (!(address->family & socket->families) || socket->is_bound ||
        socket->state != LUNIK_SOCKET_IDLE)
        return LUNIK_EINVAL;
    lunik_socket_bind_address(socket, address, &ip);
    if (!lunik_socket_is_ours(&ip) &&
        !(socket->type == LUNIK_DATAGRAM && ip_addr_ismulticast(&ip)))
        return LUNIK_EINVAL;
    result = socket->type == LUNIK_STREAM
                 ? lunik_stream_bind(socket, &ip, address->port)
                 : lunik_datagram_bind(socket, &ip, address->port);
    if (result != LUNIK_OK)
        return result;
    socket->is_bound = true;
    lunik_socket_get_local(socket, &socket->local);
    return LUNIK_OK;
}

/* Nobody means another machine by 0.0.0.0 or ::. */
static void make_loopback(ip_addr_t *ip)
{
    if (!ip_addr_isany(ip))
        return;
    if (IP_IS_V6(ip)) {
        ip6_addr_set_loopback(ip_2_ip6(ip));
        ip6_addr_clear_zone(ip_2_ip6(ip));
    } else {
        ip4_addr_set_loopback(ip_2_ip4(ip));
    }
}

lunik_result lunik_socket_try_connect(struct lunik_socket *socket,
                                      const struct lunik_address *address)
{
    ip_addr_t ip;

    if (address->family == 0 && socket->type == LUNIK_DATAGRAM) {
        lunik_datagram_disconnect(socket);
        return LUNIK_OK;
    }
    if (!(address->family & socket->families) || address->port == 0)
        return LUNIK_EINVAL;
    lunik_lwip_from_address(address, &ip);
    make_loopback(&ip);
    return socket->type == LUNIK_STREAM
               ? lunik_stream_connect(socket, &ip, address->port)
               : lunik_datagram_connect(socket, &ip, address->port);
}

void lunik_socket_get_local(const struct lunik_socket *socket,
                            struct lunik_address *out)
{
    const ip_addr_t *ip;

    if (!socket->tcp) {
        *out = socket->local;
        return;
    }
    /* A pcb begins alike, whatever it is for. */
    ip = socket->type == LUNIK_STREAM ? &socket->tcp->local_ip
                                      : &socket->udp->local_ip;
    lunik_socket_address(ip,
                         socket->type == LUNIK_STREAM ? socket->tcp->local_port
                                                      : socket->udp->local_port,
                         out);
}

void lunik_socket_get_peer(const struct lunik_socket *socket,
                           struct lunik_address *out)
{
    memset(out, 0, sizeof(*out));
    if (socket->state != LUNIK_SOCKET_CONNECTED)
        return;
    if (!socket->tcp)
        *out = socket->peer;
    else if (socket->type == LUNIK_STREAM)
        lunik_socket_address(&socket->tcp->remote_ip, socket->tcp->remote_port,
                             out);
    else
        lunik_socket_address(&socket->udp->remote_ip, socket->udp->remote_port,
                             out);
}

/* ---- State ---- */

lunik_result lunik_socket_get_error(const struct lunik_socket *socket)
{
    return socket->error;
}

enum lunik_socket_state
lunik_socket_get_state(const struct lunik_socket *socket)
{
    return socket->state;
}

enum lunik_socket_type lunik_socket_get_type(const struct lunik_socket *socket)
{
    return socket->type;
}

unsigned lunik_socket_get_families(const struct lunik_socket *socket)
{
    return socket->families;
}

/* ---- Data ---- */

lunik_result lunik_socket_try_receive(struct lunik_socket *socket, void *out,
                                      size_t size, size_t *size_out,
                                      struct lunik_address *from)
{
    if (socket->type == LUNIK_DATAGRAM)
        return lunik_datagram_receive(socket, out, size, size_out, from);
    if (from)
        lunik_socket_get_peer(socket, from);
    return lunik_stream_receive(socket, out, size, size_out);
}

lunik_result lunik_socket_try_send(struct lunik_socket *socket,
                                   const void *data, size_t size,
                                   unsigned flags,
                                   const struct lunik_address *to,
                                   size_t *size_out)
{
    if (socket->type == LUNIK_DATAGRAM)
        return lunik_datagram_send(socket, data, size, to, size_out);
    return lunik_stream_send(socket, data, size, flags, size_out);
}

lunik_result lunik_socket_shutdown(struct lunik_socket *socket, unsigned how)
{
    unsigned before;

    if (socket->type == LUNIK_STREAM)
        return lunik_stream_shutdown(socket, how);
    if (socket->state != LUNIK_SOCKET_CONNECTED)
        return LUNIK_EINVAL;
    before = lunik_socket_ready(socket);
    socket->is_shut_read |= (how & LUNIK_SHUT_READ) != 0;
    socket->is_shut_write |= (how & LUNIK_SHUT_WRITE) != 0;
    lunik_socket_changed(socket, before);
    return LUNIK_OK;
}

/* ---- Options ---- */

static bool is_switch(enum lunik_socket_option option)
{
    switch (option) {
    case LUNIK_SOCKET_REUSE_ADDRESS:
    case LUNIK_SOCKET_NO_DELAY:
    case LUNIK_SOCKET_KEEP_ALIVE:
    case LUNIK_SOCKET_BROADCAST:
    case LUNIK_SOCKET_ONLY_IP6:
    case LUNIK_SOCKET_MULTICAST_LOOP:
        return true;
    default:
        return false;
    }
}

/* Whether sockets of this type and state have it at all. */
static bool has_option(const struct lunik_socket *socket,
                       enum lunik_socket_option option)
{
    switch (option) {
    case LUNIK_SOCKET_NO_DELAY:
    case LUNIK_SOCKET_KEEP_ALIVE:
    case LUNIK_SOCKET_KEEP_IDLE:
    case LUNIK_SOCKET_KEEP_INTERVAL:
    case LUNIK_SOCKET_KEEP_COUNT:
        return socket->type == LUNIK_STREAM;
    case LUNIK_SOCKET_BROADCAST:
    case LUNIK_SOCKET_MULTICAST_HOPS:
    case LUNIK_SOCKET_MULTICAST_LOOP:
        return socket->type == LUNIK_DATAGRAM;
    case LUNIK_SOCKET_ONLY_IP6:
        return socket->families & LUNIK_IP6;
    default:
        return true;
    }
}

static bool is_within(enum lunik_socket_option option, int value)
{
    switch (option) {
    case LUNIK_SOCKET_KEEP_IDLE:
    case LUNIK_SOCKET_KEEP_INTERVAL:
        return value >= 1 && value <= KEEP_SECONDS_MAX;
    case LUNIK_SOCKET_KEEP_COUNT:
        return value >= 1 && value <= KEEP_COUNT_MAX;
    case LUNIK_SOCKET_LINGER:
        return value >= -1 && value <= INT16_MAX;
    case LUNIK_SOCKET_HOPS:
        return value >= 1 && value <= 255;
    case LUNIK_SOCKET_MULTICAST_HOPS:
        return value >= 0 && value <= 255;
    default:
        return value == 0 || value == 1;
    }
}

static void store(struct lunik_socket_options *options,
                  enum lunik_socket_option option, int value)
{
    switch (option) {
    case LUNIK_SOCKET_KEEP_IDLE:
        options->keep_idle = (uint16_t)value;
        break;
    case LUNIK_SOCKET_KEEP_INTERVAL:
        options->keep_interval = (uint16_t)value;
        break;
    case LUNIK_SOCKET_KEEP_COUNT:
        options->keep_count = (uint8_t)value;
        break;
    case LUNIK_SOCKET_LINGER:
        options->linger = (int16_t)value;
        break;
    case LUNIK_SOCKET_HOPS:
        options->hops = (uint8_t)value;
        break;
    case LUNIK_SOCKET_MULTICAST_HOPS:
        options->multicast_hops = (uint8_t)value;
        break;
    default:
        if (value)
            options->on |= (uint16_t)LUNIK_SOCKET_BIT(option);
        else
            options->on &= (uint16_t)~LUNIK_SOCKET_BIT(option);
    }
}

void lunik_socket_apply(struct lunik_socket *socket)
{
    if (!socket->tcp)
        return;
    if (socket->type == LUNIK_STREAM)
        lunik_stream_apply(socket);
    else
        lunik_datagram_apply(socket);
}

lunik_result lunik_socket_set(struct lunik_socket *socket,
                              enum lunik_socket_option option, int value)
{
    if (!has_option(socket, option) || !is_within(option, value))
        return LUNIK_EINVAL;
    if (option == LUNIK_SOCKET_ONLY_IP6 && socket->is_bound)
        return LUNIK_EINVAL;
    store(&socket->options, option, value);
    lunik_socket_apply(socket);
    return LUNIK_OK;
}

lunik_result lunik_socket_get(const struct lunik_socket *socket,
                              enum lunik_socket_option option, int *value_out)
{
    const struct lunik_socket_options *options = &socket->options;

    *value_out = 0;
    if (!has_option(socket, option))
        return LUNIK_EINVAL;
    if (is_switch(option)) {
        *value_out = (options->on & LUNIK_SOCKET_BIT(option)) != 0;
        return LUNIK_OK;
    }
    switch (option) {
    case LUNIK_SOCKET_KEEP_IDLE:
        *value_out = options->keep_idle;
        return LUNIK_OK;
    case LUNIK_SOCKET_KEEP_INTERVAL:
        *value_out = options->keep_interval;
        return LUNIK_OK;
    case LUNIK_SOCKET_KEEP_COUNT:
        *value_out = options->keep_count;
        return LUNIK_OK;
    case LUNIK_SOCKET_LINGER:
        *value_out = options->linger;
        return LUNIK_OK;
    case LUNIK_SOCKET_HOPS:
        *value_out = options->hops;
        return LUNIK_OK;
    case LUNIK_SOCKET_MULTICAST_HOPS:
        *value_out = options->multicast_hops;
        return LUNIK_OK;
    default:
        return LUNIK_EINVAL;
    }
}

/* ---- Figures ---- */

void lunik_socket_get_info(struct lunik_socket_info *out)
{
    struct lunik_tcp_counts counts;

    lunik_tcp_get_counts(&counts);
    out->open = open_count;
    out->max = max_count();
    out->half_open = counts.half_open;
    out->bytes =
        open_count * sizeof(struct lunik_socket) + lunik_lwip_memory_used();
}
