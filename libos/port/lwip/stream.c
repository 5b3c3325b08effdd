/* SPDX-License-Identifier: MIT */
/* stream.c: TCP sockets on lwIP's callbacks. */
#include "lwip/netif.h"
#include "lwip/priv/tcp_priv.h"
#include "socket_impl.h"
#include "stack.h"
#include <lunik/mem.h>
#include <lunik/panic.h>
#include <string.h>

/*
 * The peer's window is opened again in steps: telling lwIP of every few bytes
 * costs more than reading them. (Much less than a window, so it never closes
 * for this alone.)
 */
#define CREDIT_STEP (2u * TCP_MSS)

/* Small pieces that wait are copied together: each would otherwise hold a whole
 * buffer of the device, and a peer may send a window of single bytes. */
#define SMALL_PIECE 512u
#define GATHER_SIZE 2048u

/* lwIP's poll counts half seconds. While there is room, it need not come. */
#define POLL_RARELY 255u
#define POLL_SOON 1u

static err_t on_receive(void *arg, struct tcp_pcb *pcb, struct pbuf *data,
                        err_t err);
static void on_error(void *arg, err_t err);

/* ---- The pcb ---- */

static void attach(struct lunik_socket *socket, struct tcp_pcb *pcb)
{
    socket->tcp = pcb;
    pcb->callback_arg = socket;
    pcb->recv = on_receive;
    pcb->errf = on_error;
    pcb->pollinterval = POLL_RARELY;
}

/* From here on lwIP is alone with the pcb. */
static struct tcp_pcb *detach(struct lunik_socket *socket)
{
    struct tcp_pcb *pcb = socket->tcp;

    lunik_socket_get_local(socket, &socket->local);
    lunik_socket_get_peer(socket, &socket->peer);
    socket->tcp = NULL;
    pcb->callback_arg = NULL;
    pcb->recv = NULL;
    pcb->errf = NULL;
    pcb->sent = NULL;
    pcb->poll = NULL;
    pcb->connected = NULL;
    return pcb;
}

static void set_option(struct tcp_pcb *pcb, u8_t option, bool is_on)
{
    if (is_on)
        ip_set_option(pcb, option);
    else
        ip_reset_option(pcb, option);
}

void lunik_stream_apply(struct lunik_socket *socket)
{
    const struct lunik_socket_options *options = &socket->options;
    struct tcp_pcb *pcb = socket->tcp;
    uint16_t on = options->on;

    set_option(pcb, SOF_REUSEADDR,
               on & LUNIK_SOCKET_BIT(LUNIK_SOCKET_REUSE_ADDRESS));
    set_option(pcb, SOF_KEEPALIVE,
               on & LUNIK_SOCKET_BIT(LUNIK_SOCKET_KEEP_ALIVE));
    pcb->ttl = options->hops;
    /* A listener's pcb ends here. */
    if (socket->state == LUNIK_SOCKET_LISTENING)
        return;
    if (on & LUNIK_SOCKET_BIT(LUNIK_SOCKET_NO_DELAY))
        tcp_nagle_disable(pcb);
    else
        tcp_nagle_enable(pcb);
    pcb->keep_idle = options->keep_idle * 1000u;
    pcb->keep_intvl = options->keep_interval * 1000u;
    pcb->keep_cnt = options->keep_count;
}

lunik_result lunik_stream_open(struct lunik_socket *socket)
{
    struct tcp_pcb *pcb =
        tcp_new_ip_type(lunik_socket_ip_type(socket->families));

    if (!pcb)
        return LUNIK_ENOMEM;
    attach(socket, pcb);
    return LUNIK_OK;
}

unsigned lunik_stream_ready(const struct lunik_socket *socket)
{
    unsigned bits = 0;

    if (socket->state == LUNIK_SOCKET_LISTENING)
        return socket->accept.first ? LUNIK_READABLE : 0;
    if (socket->state == LUNIK_SOCKET_CONNECTED) {
        if (socket->stream.first || socket->has_ended || socket->is_shut_read)
            bits |= LUNIK_READABLE;
        if (socket->has_ended)
            bits |= LUNIK_HANGUP;
        if (!socket->is_full || socket->is_shut_write)
            bits |= LUNIK_WRITABLE;
    }
    if (socket->error)
        bits |= LUNIK_READABLE | LUNIK_WRITABLE | LUNIK_FAILED;
    return bits;
}

/* ---- Receiving ---- */

/* Tells lwIP of what was taken. It may send the peer a larger window. */
static void give_credit(struct lunik_socket *socket)
{
    uint32_t credit = socket->stream.credit;

    socket->stream.credit = 0;
    if (credit == 0 || !socket->tcp)
        return;
    lunik_lwip_touch(socket->tcp);
    while (credit > 0) {
        uint16_t step = (uint16_t)(credit < 0xffff ? credit : 0xffff);

        tcp_recved(socket->tcp, step);
        credit -= step;
    }
    lunik_lwip_touched();
}

static void take_credit(struct lunik_socket *socket, uint32_t size)
{
    socket->stream.credit += size;
    if (socket->stream.credit >= CREDIT_STEP)
        give_credit(socket);
}

static void append(struct lunik_stream_queue *queue, struct pbuf *one)
{
    if (queue->last)
        queue->last->next = one;
    else
        queue->first = one;
    queue->last = one;
    queue->size += one->len;
    queue->room = 0;
}

/* Copies a small piece behind the last one. False: no memory for it. */
static bool gather(struct lunik_stream_queue *queue, const struct pbuf *one)
{
    if (queue->room < one->len) {
        struct pbuf *copy = pbuf_alloc(PBUF_RAW, GATHER_SIZE, PBUF_RAM);

        if (!copy)
            return false;
        copy->len = 0;
        append(queue, copy);
        queue->room = GATHER_SIZE;
    }
    memcpy((uint8_t *)queue->last->payload + queue->last->len, one->payload,
           one->len);
    queue->last->len = (u16_t)(queue->last->len + one->len);
    queue->room -= one->len;
    queue->size += one->len;
    return true;
}

/* Queues every piece of (data), which is ours. */
static void enqueue(struct lunik_stream_queue *queue, struct pbuf *data)
{
    while (data) {
        struct pbuf *next = data->next;

        data->next = NULL;
        if (data->len == 0 ||
            (queue->first && data->len <= SMALL_PIECE && gather(queue, data)))
            pbuf_free(data);
        else
            append(queue, data);
        data = next;
    }
}

static void drop_queue(struct lunik_stream_queue *queue)
{
    while (queue->first) {
        struct pbuf *next = queue->first->next;

        queue->first->next = NULL;
        pbuf_free(queue->first);
        queue->first = next;
    }
    queue->last = NULL;
    queue->size = queue->room = 0;
}

static err_t on_receive(void *arg, struct tcp_pcb *pcb, struct pbuf *data,
                        err_t err)
{
    struct lunik_socket *socket = arg;
    unsigned before = lunik_stream_ready(socket);

    (void)err;
    if (data && socket->is_shut_read) {
        tcp_recved(pcb, data->tot_len);
        pbuf_free(data);
        return ERR_OK;
    }
    if (data) {
        enqueue(&socket->stream, data);
    } else {
        socket->has_ended = true;
        if (socket->is_shut_write)
            detach(socket);
    }
    lunik_socket_changed(socket, before);
    return ERR_OK;
}

static void take(struct lunik_stream_queue *queue, size_t size)
{
    queue->size -= (uint32_t)size;
    while (size > 0) {
        struct pbuf *first = queue->first;

        LUNIK_ASSERT(first != NULL);
        if (size < first->len) {
            first->payload = (uint8_t *)first->payload + size;
            first->len = (u16_t)(first->len - size);
            return;
        }
        size -= first->len;
        queue->first = first->next;
        if (!queue->first) {
            queue->last = NULL;
            queue->room = 0;
        }
        first->next = NULL;
        pbuf_free(first);
    }
}

/* What there is to say when there is no data. */
static lunik_result no_data(const struct lunik_socket *socket)
{
    if (socket->state == LUNIK_SOCKET_CONNECTED &&
        (socket->is_shut_read || socket->has_ended))
        return LUNIK_OK;
    if (socket->error)
        return socket->error;
    if (socket->state == LUNIK_SOCKET_CONNECTED ||
        socket->state == LUNIK_SOCKET_CONNECTING)
        return LUNIK_EAGAIN;
    return LUNIK_EINVAL;
}

static bool has_data(const struct lunik_socket *socket)
{
    return socket->state != LUNIK_SOCKET_LISTENING && socket->stream.first;
}

lunik_result lunik_stream_receive(struct lunik_socket *socket, void *out,
                                  size_t size, size_t *size_out)
{
    size_t done = 0;

    *size_out = 0;
    if (!has_data(socket))
        return no_data(socket);
    while (done < size && socket->stream.first) {
        const struct pbuf *first = socket->stream.first;
        size_t part = size - done < first->len ? size - done : first->len;

        memcpy((uint8_t *)out + done, first->payload, part);
        take(&socket->stream, part);
        done += part;
    }
    take_credit(socket, (uint32_t)done);
    *size_out = done;
    return LUNIK_OK;
}

lunik_result lunik_socket_peek(struct lunik_socket *socket,
                               const void **data_out, size_t *size_out)
{
    *data_out = "";
    *size_out = 0;
    if (socket->type == LUNIK_DATAGRAM)
        return lunik_datagram_peek(socket, data_out, size_out);
    if (!has_data(socket))
        return no_data(socket);
    *data_out = socket->stream.first->payload;
    *size_out = socket->stream.first->len;
    return LUNIK_OK;
}

lunik_result lunik_socket_copy(struct lunik_socket *socket, void *out,
                               size_t size, size_t *size_out)
{
    const void *data;
    lunik_result result = lunik_socket_peek(socket, &data, size_out);
    size_t done;

    if (result != LUNIK_OK || *size_out == 0)
        return result;
    done = *size_out < size ? *size_out : size;
    memcpy(out, data, done);
    if (socket->type == LUNIK_STREAM)
        for (const struct pbuf *at = socket->stream.first->next;
             at && done < size; at = at->next) {
            size_t part = size - done < at->len ? size - done : at->len;

            memcpy((uint8_t *)out + done, at->payload, part);
            done += part;
        }
    *size_out = done;
    return LUNIK_OK;
}

void lunik_socket_consume(struct lunik_socket *socket, size_t size)
{
    LUNIK_ASSERT(socket->type == LUNIK_STREAM);
    if (size == 0)
        return;
    LUNIK_ASSERT(has_data(socket));
    LUNIK_ASSERT(size <= socket->stream.size);
    take(&socket->stream, size);
    take_credit(socket, (uint32_t)size);
}

size_t lunik_socket_pending(const struct lunik_socket *socket)
{
    if (socket->type == LUNIK_DATAGRAM)
        return lunik_datagram_pending(socket);
    return has_data(socket) ? socket->stream.size : 0;
}

/* ---- Sending ---- */

static bool has_room(const struct tcp_pcb *pcb)
{
    return pcb->snd_buf >= TCP_SNDLOWAT &&
           pcb->snd_queuelen < TCP_SNDQUEUELOWAT;
}

static void look_for_room(struct lunik_socket *socket)
{
    struct tcp_pcb *pcb = socket->tcp;
    unsigned before = lunik_stream_ready(socket);

    if (!has_room(pcb))
        return;
    socket->is_full = false;
    pcb->sent = NULL;
    pcb->poll = NULL;
    pcb->pollinterval = POLL_RARELY;
    lunik_socket_changed(socket, before);
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t size)
{
    (void)pcb;
    (void)size;
    look_for_room(arg);
    return ERR_OK;
}

/* Where memory was short, no answer of the peer may ever come. */
static err_t on_poll(void *arg, struct tcp_pcb *pcb)
{
    (void)pcb;
    look_for_room(arg);
    return ERR_OK;
}

static void become_full(struct lunik_socket *socket)
{
    struct tcp_pcb *pcb = socket->tcp;

    socket->is_full = true;
    pcb->sent = on_sent;
    pcb->poll = on_poll;
    pcb->polltmr = 0;
    pcb->pollinterval = POLL_SOON;
}

/* Queues what fits; returns how much. */
static size_t write_some(struct tcp_pcb *pcb, const uint8_t *data, size_t size,
                         unsigned flags)
{
    u8_t api = flags & LUNIK_SEND_LENT ? 0 : TCP_WRITE_FLAG_COPY;
    /* Whole segments, so that none in the middle is short. */
    size_t done = 0, most = 0xffff - 0xffff % pcb->mss;

    if (flags & LUNIK_SEND_MORE)
        api |= TCP_WRITE_FLAG_MORE;
    while (done < size) {
        size_t part = size - done;

        if (part > pcb->snd_buf)
            part = pcb->snd_buf;
        if (part > most)
            part = most;
        if (part == 0)
            break;
        if (tcp_write(pcb, data + done, (u16_t)part, api) == ERR_OK) {
            done += part;
            continue;
        }
        /* Too many pieces, or no memory for so many. */
        if (part <= TCP_MSS)
            break;
        most = part / 2;
    }
    return done;
}

/* Why nothing can be sent; LUNIK_OK: it can. */
static lunik_result may_send(const struct lunik_socket *socket)
{
    if (socket->is_shut_write)
        return LUNIK_ECLOSED;
    if (socket->error)
        return socket->error;
    if (socket->state == LUNIK_SOCKET_CONNECTING)
        return LUNIK_EAGAIN;
    if (socket->state != LUNIK_SOCKET_CONNECTED)
        return LUNIK_EINVAL;
    return socket->tcp ? LUNIK_OK : LUNIK_ECLOSED;
}

lunik_result lunik_stream_send(struct lunik_socket *socket, const void *data,
                               size_t size, unsigned flags, size_t *size_out)
{
    struct tcp_pcb *pcb = socket->tcp;
    lunik_result result = may_send(socket);
    size_t done;

    *size_out = 0;
    if (result != LUNIK_OK || size == 0)
        return result;
    lunik_lwip_touch(pcb);
    done = write_some(pcb, data, size, flags);
    if (done < size || !has_room(pcb))
        become_full(socket);
    if (!(flags & LUNIK_SEND_MORE) || done < size ||
        pcb->snd_lbb - pcb->snd_nxt >= pcb->mss)
        lunik_lwip_output(pcb);
    *size_out = done;
    return done ? LUNIK_OK : LUNIK_EAGAIN;
}

void lunik_socket_flush(struct lunik_socket *socket)
{
    if (socket->type != LUNIK_STREAM || !socket->tcp ||
        socket->state != LUNIK_SOCKET_CONNECTED)
        return;
    lunik_lwip_touch(socket->tcp);
    (void)tcp_output(socket->tcp);
    lunik_lwip_touched();
}

size_t lunik_socket_room(const struct lunik_socket *socket)
{
    if (socket->type == LUNIK_DATAGRAM)
        return UINT16_MAX;
    if (may_send(socket) != LUNIK_OK || socket->is_full)
        return 0;
    return socket->tcp->snd_buf;
}

/* ---- Ending ---- */

static lunik_result error_of(const struct lunik_socket *socket, err_t err)
{
    bool is_connecting = socket->state == LUNIK_SOCKET_CONNECTING;

    switch (err) {
    case ERR_CLSD: /* both directions ended in order */
        return LUNIK_OK;
    case ERR_RST:
        return is_connecting ? LUNIK_EREFUSED : LUNIK_ERESET;
    case ERR_ABRT: /* lwIP's timers gave up */
        return LUNIK_ETIMEOUT;
    default:
        return lunik_socket_from_err(err);
    }
}

/* Takes a connection that nobody accepted out of its listener's queue. */
static void unqueue(struct lunik_socket *socket)
{
    struct lunik_accept_queue *queue = &socket->listener->accept;
    struct lunik_socket *before = NULL;

    for (struct lunik_socket *at = queue->first; at != socket; at = at->next)
        before = at;
    if (before)
        before->next = socket->next;
    else
        queue->first = socket->next;
    if (queue->last == socket)
        queue->last = before;
    queue->count--;
}

/* lwIP has given the pcb up, and frees it itself. */
static void on_error(void *arg, err_t err)
{
    struct lunik_socket *socket = arg;
    unsigned before = lunik_stream_ready(socket);

    /* Where lwIP gave up by itself, the pcb is no more. */
    if (err != ERR_ABRT) {
        lunik_socket_get_local(socket, &socket->local);
        lunik_socket_get_peer(socket, &socket->peer);
    }
    socket->tcp = NULL;
    if (socket->listener) {
        unqueue(socket);
        drop_queue(&socket->stream);
        lunik_socket_free(socket);
        return;
    }
    socket->error = (uint8_t)error_of(socket, err);
    if (socket->state == LUNIK_SOCKET_CONNECTING)
        socket->state = LUNIK_SOCKET_IDLE;
    lunik_socket_changed(socket, before);
}

static void abort_pcb(struct lunik_socket *socket)
{
    lunik_lwip_touch(socket->tcp);
    tcp_abort(detach(socket));
    lunik_lwip_touched();
}

static void close_listener(struct lunik_socket *socket)
{
    struct lunik_accept_queue *queue = &socket->accept;

    while (queue->first) {
        struct lunik_socket *waiting = queue->first;

        queue->first = waiting->next;
        waiting->listener = NULL;
        if (waiting->tcp)
            abort_pcb(waiting);
        drop_queue(&waiting->stream);
        lunik_socket_free(waiting);
    }
    (void)tcp_close(socket->tcp);
}

/*
 * As BSD: data that nobody read makes the close a reset, so that the peer
 * learns of the loss. lwIP would do so, too, but takes credit that was held
 * back for such data.
 */
void lunik_stream_end(struct lunik_socket *socket)
{
    if (socket->state == LUNIK_SOCKET_LISTENING) {
        close_listener(socket);
        return;
    }
    if (socket->tcp) {
        bool is_reset = socket->stream.first || socket->options.linger == 0;
        struct tcp_pcb *pcb;

        lunik_lwip_touch(socket->tcp);
        give_credit(socket);
        pcb = detach(socket);
        /* Sending is put off to the end of the turn: what the program sent
         * before it broke the connection off goes out first. */
        if (is_reset)
            (void)tcp_output(pcb);
        if ((is_reset && pcb->state != CLOSED) || tcp_close(pcb) != ERR_OK)
            tcp_abort(pcb);
        lunik_lwip_touched();
    }
    drop_queue(&socket->stream);
}

static void send_end(struct lunik_socket *socket)
{
    lunik_lwip_touch(socket->tcp);
    /* It fails in states that a connection of ours is not in. */
    (void)tcp_shutdown(socket->tcp, 0, 1);
    if (socket->has_ended)
        detach(socket);
    lunik_lwip_touched();
}

lunik_result lunik_stream_shutdown(struct lunik_socket *socket, unsigned how)
{
    unsigned before = lunik_stream_ready(socket);

    if (socket->state != LUNIK_SOCKET_CONNECTED || socket->error)
        return LUNIK_EINVAL;
    if ((how & LUNIK_SHUT_READ) && !socket->is_shut_read) {
        uint32_t size = socket->stream.size;

        socket->is_shut_read = true;
        drop_queue(&socket->stream);
        take_credit(socket, size);
    }
    if ((how & LUNIK_SHUT_WRITE) && !socket->is_shut_write) {
        socket->is_shut_write = true;
        if (socket->tcp)
            send_end(socket);
    }
    lunik_socket_changed(socket, before);
    return LUNIK_OK;
}

/* ---- Connecting ---- */

static bool overlaps(const ip_addr_t *a, const ip_addr_t *b)
{
    bool is_one_any = ip_addr_isany(a) || ip_addr_isany(b);

    if (IP_IS_ANY_TYPE_VAL(*a) || IP_IS_ANY_TYPE_VAL(*b))
        return is_one_any;
    return IP_IS_V6(a) == IP_IS_V6(b) && (is_one_any || ip_addr_eq(a, b));
}

/* lwIP's own check takes a pcb of both families for one of IPv4. */
static bool is_taken(const struct lunik_socket *socket,
                     const ip_addr_t *address, u16_t port)
{
    bool reuses =
        socket->options.on & LUNIK_SOCKET_BIT(LUNIK_SOCKET_REUSE_ADDRESS);
    const struct tcp_pcb *pcb;
    const struct tcp_pcb_listen *listening;

    if (!reuses && lunik_lwip_tcp_port_is_used(address, port))
        return true;
    for (listening = tcp_listen_pcbs.listen_pcbs; listening;
         listening = listening->next)
        if (listening->local_port == port &&
            overlaps(&listening->local_ip, address))
            return true;
    for (pcb = tcp_bound_pcbs; pcb; pcb = pcb->next)
        if (pcb->local_port == port && overlaps(&pcb->local_ip, address) &&
            !(reuses && ip_get_option(pcb, SOF_REUSEADDR)))
            return true;
    return false;
}

lunik_result lunik_stream_bind(struct lunik_socket *socket,
                               const ip_addr_t *address, u16_t port)
{
    err_t err = ERR_USE;

    if (!socket->tcp || socket->tcp->local_port)
        return LUNIK_EINVAL;
    if (port) {
        if (is_taken(socket, address, port))
            return LUNIK_EINUSE;
        return lunik_socket_from_err(tcp_bind(socket->tcp, address, port));
    }
    for (int i = 0; err == ERR_USE && i < LUNIK_SOCKET_PORT_TRIES; i++) {
        port = lunik_socket_random_port();
        if (!is_taken(socket, address, port))
            err = tcp_bind(socket->tcp, address, port);
    }
    if (err == ERR_USE)
        err = tcp_bind(socket->tcp, address, 0);
    return lunik_socket_from_err(err);
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct lunik_socket *socket = arg;
    unsigned before = lunik_stream_ready(socket);

    (void)pcb;
    (void)err;
    socket->state = LUNIK_SOCKET_CONNECTED;
    lunik_socket_changed(socket, before);
    return ERR_OK;
}

/* After a connect that failed, the socket begins anew. */
static lunik_result reopen(struct lunik_socket *socket)
{
    lunik_result result = lunik_stream_open(socket);
    ip_addr_t address;

    if (result != LUNIK_OK)
        return result;
    socket->error = LUNIK_OK;
    lunik_stream_apply(socket);
    if (!socket->is_bound)
        return LUNIK_OK;
    lunik_socket_bind_address(socket, &socket->local, &address);
    return lunik_stream_bind(socket, &address, socket->local.port);
}

/* Chooses a port that this connection alone has: with other peers it may be in
 * use. (No need to be among the bound ones for a moment.) */
static lunik_result choose_port(struct tcp_pcb *pcb, const ip_addr_t *address,
                                u16_t port)
{
    const ip_addr_t *local = &pcb->local_ip;
    struct netif *netif = ip_route(local, address);

    if (netif && ip_addr_isany(local))
        local = ip_netif_get_local_ip(netif, address);
    if (!netif || !local)
        return LUNIK_EUNREACHABLE;
    pcb->local_port = lunik_lwip_tcp_port(local, address, port);
    return pcb->local_port ? LUNIK_OK : LUNIK_EINUSE;
}

lunik_result lunik_stream_connect(struct lunik_socket *socket,
                                  const ip_addr_t *address, u16_t port)
{
    lunik_result result = LUNIK_OK;
    bool is_chosen = false;

    if (socket->state != LUNIK_SOCKET_IDLE)
        return LUNIK_EINVAL;
    if (!socket->tcp)
        result = reopen(socket);
    if (result == LUNIK_OK && socket->tcp->local_port == 0) {
        result = choose_port(socket->tcp, address, port);
        is_chosen = true;
    }
    if (result != LUNIK_OK)
        return result;
    socket->state = LUNIK_SOCKET_CONNECTING;
    result = lunik_socket_from_err(
        tcp_connect(socket->tcp, address, port, on_connected));
    lunik_lwip_touched();
    if (result == LUNIK_OK)
        return LUNIK_EAGAIN;
    if (is_chosen)
        socket->tcp->local_port = 0;
    socket->state = LUNIK_SOCKET_IDLE;
    return result;
}

/* ---- Listening ---- */

/* While this many wait, nobody new is let in. Those who were on their way are:
 * a few more than the program asked for. */
#define SPARE 64u

bool lunik_lwip_is_full(const struct tcp_pcb_listen *listener)
{
    const struct lunik_socket *socket = listener->callback_arg;

    return socket->accept.count >= socket->accept.backlog;
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct lunik_socket *listener = arg, *socket;
    unsigned before = lunik_stream_ready(listener);

    /* Without a pcb: lwIP was out of memory. */
    if (err != ERR_OK || !pcb)
        return ERR_OK;
    if (listener->accept.count >= 2 * (size_t)listener->accept.backlog + SPARE)
        return ERR_MEM;
    socket = lunik_socket_new(LUNIK_STREAM, listener->families);
    if (!socket)
        return ERR_MEM;
    socket->options = listener->options;
    socket->state = LUNIK_SOCKET_CONNECTED;
    attach(socket, pcb);
    lunik_stream_apply(socket);
    socket->listener = listener;
    if (listener->accept.last)
        listener->accept.last->next = socket;
    else
        listener->accept.first = socket;
    listener->accept.last = socket;
    listener->accept.count++;
    lunik_socket_changed(listener, before);
    return ERR_OK;
}

lunik_result lunik_socket_listen(struct lunik_socket *socket, size_t backlog)
{
    struct tcp_pcb *pcb;
    err_t err;

    if (socket->type != LUNIK_STREAM)
        return LUNIK_EINVAL;
    backlog = backlog < 1 ? 1 : backlog < UINT32_MAX ? backlog : UINT32_MAX;
    if (socket->state == LUNIK_SOCKET_LISTENING) {
        socket->accept.backlog = (uint32_t)backlog;
        return LUNIK_OK;
    }
    if (socket->state != LUNIK_SOCKET_IDLE || !socket->tcp ||
        socket->tcp->local_port == 0)
        return LUNIK_EINVAL;
    pcb = tcp_listen_with_backlog_and_err(socket->tcp, 0xff, &err);
    if (!pcb)
        return lunik_socket_from_err(err);
    socket->tcp = pcb;
    socket->state = LUNIK_SOCKET_LISTENING;
    memset(&socket->accept, 0, sizeof(socket->accept));
    socket->accept.backlog = (uint32_t)backlog;
    tcp_accept(pcb, on_accept);
    return LUNIK_OK;
}

lunik_result lunik_socket_try_accept(struct lunik_socket *socket,
                                     struct lunik_socket **out)
{
    struct lunik_socket *first;

    *out = NULL;
    if (socket->state != LUNIK_SOCKET_LISTENING)
        return LUNIK_EINVAL;
    first = socket->accept.first;
    if (!first)
        return LUNIK_EAGAIN;
    socket->accept.first = first->next;
    if (!first->next)
        socket->accept.last = NULL;
    socket->accept.count--;
    first->next = NULL;
    first->listener = NULL;
    *out = first;
    return LUNIK_OK;
}
