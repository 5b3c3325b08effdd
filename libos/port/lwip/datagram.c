/* SPDX-License-Identifier: MIT */
/* datagram.c: UDP sockets on lwIP's callbacks. */
#include "lwip/igmp.h"
#include "lwip/mld6.h"
#include "lwip/netif.h"
#include "socket_impl.h"
#include "stack.h"
#include <lunik/mem.h>
#include <lunik/panic.h>
#include <string.h>

/* What a socket holds at most; what comes after that is dropped. A datagram
 * costs a buffer of the device, however short it is. */
#define QUEUE_COUNT_MAX 64u
#define QUEUE_SIZE_MAX (256u * 1024)

#define MEMBERSHIPS_MAX 20u

struct lunik_datagram {
    struct lunik_datagram *next;
    struct pbuf *data;
    struct lunik_address from;
};

struct lunik_membership {
    struct lunik_membership *next;
    struct lunik_address group;
    u8_t netif_index;
};

/* ---- Receiving ---- */

static void on_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *data,
                        const ip_addr_t *address, u16_t port)
{
    struct lunik_socket *socket = arg;
    struct lunik_datagram_queue *queue = &socket->datagram;
    unsigned before = lunik_datagram_ready(socket);
    struct lunik_datagram *one = NULL;

    (void)pcb;
    if (!socket->is_shut_read && queue->count < QUEUE_COUNT_MAX &&
        queue->size + data->tot_len <= QUEUE_SIZE_MAX)
        one = lunik_mem_alloc_sized(sizeof(*one));
    if (!one) {
        pbuf_free(data);
        return;
    }
    one->next = NULL;
    one->data = data;
    lunik_socket_address(address, port, &one->from);
    if (queue->last)
        queue->last->next = one;
    else
        queue->first = one;
    queue->last = one;
    queue->count++;
    queue->size += data->tot_len;
    lunik_socket_changed(socket, before);
}

static void drop_first(struct lunik_datagram_queue *queue)
{
    struct lunik_datagram *first = queue->first;

    queue->first = first->next;
    if (!queue->first)
        queue->last = NULL;
    queue->count--;
    queue->size -= first->data->tot_len;
    pbuf_free(first->data);
    lunik_mem_free_sized(first, sizeof(*first));
}

unsigned lunik_datagram_ready(const struct lunik_socket *socket)
{
    bool has_some = socket->datagram.first || socket->is_shut_read;

    return LUNIK_WRITABLE | (has_some ? LUNIK_READABLE : 0);
}

static lunik_result no_datagram(const struct lunik_socket *socket)
{
    return socket->is_shut_read ? LUNIK_OK : LUNIK_EAGAIN;
}

lunik_result lunik_datagram_receive(struct lunik_socket *socket, void *out,
                                    size_t size, size_t *size_out,
                                    struct lunik_address *from)
{
    const struct lunik_datagram *first = socket->datagram.first;

    *size_out = 0;
    if (!first)
        return no_datagram(socket);
    *size_out = pbuf_copy_partial(first->data, out,
                                  (u16_t)(size < 0xffff ? size : 0xffff), 0);
    if (from)
        *from = first->from;
    drop_first(&socket->datagram);
    return LUNIK_OK;
}

/* The whole of the first one, put together if it came in pieces. */
lunik_result lunik_datagram_peek(struct lunik_socket *socket,
                                 const void **data_out, size_t *size_out)
{
    struct lunik_datagram *first = socket->datagram.first;

    if (!first)
        return no_datagram(socket);
    if (first->data->next) {
        struct pbuf *whole = pbuf_clone(PBUF_RAW, PBUF_RAM, first->data);

        if (!whole)
            return LUNIK_ENOMEM;
        pbuf_free(first->data);
        first->data = whole;
    }
    *data_out = first->data->payload;
    *size_out = first->data->len;
    return LUNIK_OK;
}

size_t lunik_datagram_pending(const struct lunik_socket *socket)
{
    const struct lunik_datagram *first = socket->datagram.first;

    return first ? first->data->tot_len : 0;
}

void lunik_socket_get_sender(const struct lunik_socket *socket,
                             struct lunik_address *out)
{
    memset(out, 0, sizeof(*out));
    if (socket->type == LUNIK_DATAGRAM && socket->datagram.first)
        *out = socket->datagram.first->from;
}

/* ---- Sending ---- */

static lunik_result send_error(const struct lunik_socket *socket, err_t err)
{
    /* A broadcast that was not allowed. */
    if (err == ERR_VAL &&
        !(socket->options.on & LUNIK_SOCKET_BIT(LUNIK_SOCKET_BROADCAST)))
        return LUNIK_EINVAL;
    return lunik_socket_from_err(err);
}

static lunik_result bind_somewhere(struct lunik_socket *socket)
{
    if (socket->udp->local_port)
        return LUNIK_OK;
    return lunik_datagram_bind(socket, &socket->udp->local_ip, 0);
}

lunik_result lunik_datagram_send(struct lunik_socket *socket, const void *data,
                                 size_t size, const struct lunik_address *to,
                                 size_t *size_out)
{
    struct udp_pcb *pcb = socket->udp;
    ip_addr_t address;
    struct pbuf *copy;
    lunik_result result;
    err_t err;

    *size_out = 0;
    if (socket->is_shut_write)
        return LUNIK_ECLOSED;
    if (size > 0xffff - 8 - 20 || (!to && !(pcb->flags & UDP_FLAGS_CONNECTED)))
        return LUNIK_EINVAL;
    if (to && (!(to->family & socket->families) || to->port == 0))
        return LUNIK_EINVAL;
    result = bind_somewhere(socket);
    if (result != LUNIK_OK)
        return result;
    copy = pbuf_alloc(PBUF_TRANSPORT, (u16_t)size, PBUF_RAM);
    if (!copy)
        return LUNIK_ENOMEM;
    if (size)
        memcpy(copy->payload, data, size);
    if (to) {
        lunik_lwip_from_address(to, &address);
        err = udp_sendto(pcb, copy, &address, to->port);
    } else {
        err = udp_send(pcb, copy);
    }
    pbuf_free(copy);
    lunik_lwip_touched();
    if (err != ERR_OK)
        return send_error(socket, err);
    *size_out = size;
    return LUNIK_OK;
}

/* ---- The pcb ---- */

void lunik_datagram_apply(struct lunik_socket *socket)
{
    const struct lunik_socket_options *options = &socket->options;
    struct udp_pcb *pcb = socket->udp;
    u8_t so_options = 0;

    if (options->on & LUNIK_SOCKET_BIT(LUNIK_SOCKET_REUSE_ADDRESS))
        so_options |= SOF_REUSEADDR;
    if (options->on & LUNIK_SOCKET_BIT(LUNIK_SOCKET_BROADCAST))
        so_options |= SOF_BROADCAST;
    pcb->so_options = so_options;
    pcb->ttl = options->hops;
    udp_set_multicast_ttl(pcb, options->multicast_hops);
    if (options->on & LUNIK_SOCKET_BIT(LUNIK_SOCKET_MULTICAST_LOOP))
        udp_set_flags(pcb, UDP_FLAGS_MULTICAST_LOOP);
    else
        udp_clear_flags(pcb, UDP_FLAGS_MULTICAST_LOOP);
}

lunik_result lunik_datagram_open(struct lunik_socket *socket)
{
    struct udp_pcb *pcb =
        udp_new_ip_type(lunik_socket_ip_type(socket->families));

    if (!pcb)
        return LUNIK_ENOMEM;
    socket->udp = pcb;
    udp_recv(pcb, on_datagram, socket);
    return LUNIK_OK;
}

static void leave_all(struct lunik_socket *socket);

void lunik_datagram_close(struct lunik_socket *socket)
{
    leave_all(socket);
    while (socket->datagram.first)
        drop_first(&socket->datagram);
    udp_remove(socket->udp);
    socket->udp = NULL;
}

static bool is_taken(const struct lunik_socket *socket,
                     const ip_addr_t *address, u16_t port)
{
    bool reuses =
        socket->options.on & LUNIK_SOCKET_BIT(LUNIK_SOCKET_REUSE_ADDRESS);
    const struct udp_pcb *pcb;

    for (pcb = udp_pcbs; pcb; pcb = pcb->next)
        if (pcb->local_port == port &&
            lunik_socket_overlaps(&pcb->local_ip, address) &&
            !(reuses && ip_get_option(pcb, SOF_REUSEADDR)))
            return true;
    return false;
}

lunik_result lunik_datagram_bind(struct lunik_socket *socket,
                                 const ip_addr_t *address, u16_t port)
{
    if (socket->udp->local_port)
        return LUNIK_EINVAL;
    if (port && is_taken(socket, address, port))
        return LUNIK_EINUSE;
    for (int i = 0; !port && i < LUNIK_SOCKET_PORT_TRIES; i++) {
        port = lunik_socket_random_port();
        if (is_taken(socket, address, port))
            port = 0;
    }
    return lunik_socket_from_err(udp_bind(socket->udp, address, port));
}

lunik_result lunik_datagram_connect(struct lunik_socket *socket,
                                    const ip_addr_t *address, u16_t port)
{
    lunik_result result = bind_somewhere(socket);

    if (result != LUNIK_OK)
        return result;
    socket->state = LUNIK_SOCKET_CONNECTED;
    return lunik_socket_from_err(udp_connect(socket->udp, address, port));
}

void lunik_datagram_disconnect(struct lunik_socket *socket)
{
    udp_disconnect(socket->udp);
    /* A socket for both families shall answer both again. */
    if (socket->families == (LUNIK_IP4 | LUNIK_IP6))
        IP_SET_TYPE_VAL(socket->udp->remote_ip, IPADDR_TYPE_ANY);
    socket->state = LUNIK_SOCKET_IDLE;
}

/* ---- Multicast ---- */

static err_t change_group(const struct lunik_address *group,
                          struct netif *netif, bool joins)
{
    ip_addr_t ip;
    int err;

    lunik_lwip_from_address(group, &ip);
    if (IP_IS_V6(&ip)) {
        ip6_addr_assign_zone(ip_2_ip6(&ip), IP6_MULTICAST, netif);
        err = joins ? mld6_joingroup_netif(netif, ip_2_ip6(&ip))
                    : mld6_leavegroup_netif(netif, ip_2_ip6(&ip));
    } else {
        err = joins ? igmp_joingroup_netif(netif, ip_2_ip4(&ip))
                    : igmp_leavegroup_netif(netif, ip_2_ip4(&ip));
    }
    return (err_t)err;
}

static void leave(struct lunik_membership **at)
{
    struct lunik_membership *gone = *at;
    struct netif *netif = netif_get_by_index(gone->netif_index);

    *at = gone->next;
    if (netif)
        (void)change_group(&gone->group, netif, false);
    lunik_mem_free(gone);
    lunik_lwip_touched();
}

static void leave_all(struct lunik_socket *socket)
{
    while (socket->memberships)
        leave(&socket->memberships);
}

/* The interface of (zone), or the first that is up. (The loop is number 1 with
 * lwIP.) */
static struct netif *netif_of(uint32_t zone)
{
    struct netif *netif;

    if (zone)
        return zone < 255 ? netif_get_by_index((u8_t)(zone + 1)) : NULL;
    NETIF_FOREACH(netif)
    {
        if (netif_is_up(netif) && (netif->flags & NETIF_FLAG_ETHARP))
            return netif;
    }
    return NULL;
}

static bool is_multicast(const struct lunik_address *address)
{
    return address->family == LUNIK_IP4 ? (address->bytes[0] & 0xf0) == 0xe0
                                        : address->bytes[0] == 0xff;
}

static lunik_result join(struct lunik_socket *socket,
                         const struct lunik_address *group, struct netif *netif,
                         size_t count)
{
    struct lunik_membership *one;
    err_t err;

    if (count == MEMBERSHIPS_MAX)
        return LUNIK_ENOMEM;
    one = lunik_mem_alloc(sizeof(*one));
    if (!one)
        return LUNIK_ENOMEM;
    err = change_group(group, netif, true);
    lunik_lwip_touched();
    if (err != ERR_OK) {
        lunik_mem_free(one);
        return lunik_socket_from_err(err);
    }
    one->group = *group;
    one->netif_index = netif_get_index(netif);
    one->next = socket->memberships;
    socket->memberships = one;
    return LUNIK_OK;
}

lunik_result lunik_socket_join(struct lunik_socket *socket,
                               const struct lunik_address *group, bool joins)
{
    struct lunik_membership **at = &socket->memberships;
    struct netif *netif = netif_of(group->zone);
    size_t count = 0;

    if (socket->type != LUNIK_DATAGRAM || !is_multicast(group) ||
        !(group->family & socket->families))
        return LUNIK_EINVAL;
    if (!netif)
        return LUNIK_EUNREACHABLE;
    for (; *at; at = &(*at)->next, count++)
        if ((*at)->netif_index == netif_get_index(netif) &&
            lunik_address_is_same(&(*at)->group, group))
            break;
    if (joins)
        return *at ? LUNIK_EINUSE : join(socket, group, netif, count);
    if (!*at)
        return LUNIK_EINVAL;
    leave(at);
    return LUNIK_OK;
}
