/* SPDX-License-Identifier: MIT */
/*
 * tcp_table.c: finds connections by hash, and keeps those with nothing to do
 * away from lwIP's timers.
 *
 * lwIP walks lists: for each segment, to find its connection, and twice a
 * second, to look at all. Here each connection has a node before its block,
 * by which it hangs in a hash table, and is at one of three places:
 *
 *   busy     on lwIP's list tcp_active_pcbs, as upstream has it
 *   parked   open and idle: on no list of lwIP's. A segment or a call of the
 *            program (lunik_lwip_touch) makes it busy again
 *   waiting  in TIME_WAIT: on a list of ours, oldest first
 *
 * A segment passes lunik_tcp_input() before lwIP's tcp_input(): the connection
 * that it belongs to is put in front of lwIP's list; if there is none, the list
 * is hidden from lwIP for that moment. So lwIP looks at one at most. Also, a
 * segment that a blind attacker could have made is refused here (RFC 5961).
 */
#include "tcp_table.h"
#include <lunik/mem.h>
#include <lunik/panic.h>
#include <lunik/random.h>
#include <lunik/time.h>
#include <string.h>

#include "lunik_hooks.h"
#include "lwip/ip.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/tcp.h"

#define TICK_NS (500 * LUNIK_NS_PER_MS) /* of tcp_ticks */
#define BUCKETS_MIN 64

/* Sweeps between two looks at the keep-alives of the parked, and the ticks of
 * two such: a keep-alive that is due sooner stays with lwIP's timers. */
#define KEEP_SWEEPS 15
#define KEEP_TICKS (2 * KEEP_SWEEPS * (LUNIK_TCP_SWEEP_MS / 500))

struct queue {
    struct lunik_tcp_node *first, *last;
    size_t count;
};

static struct {
    struct lunik_tcp_node **buckets;
    size_t bucket_count; /* a power of two; 0: none yet */
    size_t hashed;
    uint64_t key[2];
    struct queue parked, waiting;
    size_t busy;
    size_t half_open, half_open_max;
    size_t waiting_max;
    struct lunik_tcp_node *outputs; /* have something to send */
    struct tcp_pcb *hidden;         /* lwIP's list, while it is hidden */
    struct tcp_pcb *current; /* whose segment is looked at; NULL: it is gone */
    struct lunik_tcp_node *first_bucket[BUCKETS_MIN];
    unsigned sweeps;
    uint8_t half_ticks; /* tcp_tmr()'s two parts */
    bool is_ticking;
} table;

uint32_t lunik_tcp_segments;

static struct tcp_pcb *pcb_of(struct lunik_tcp_node *node)
{
    return (struct tcp_pcb *)(void *)(node + 1);
}
_Static_assert(sizeof(struct lunik_tcp_node) % 8 == 0, "lwIP's block follows");

/* ---- Hash ---- */

__extension__ typedef unsigned __int128 wide;

static uint64_t mix(uint64_t a, uint64_t b)
{
    wide product = (wide)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint32_t hash_of(u16_t local_port, const ip_addr_t *remote,
                        u16_t remote_port)
{
    uint64_t ports = (uint64_t)local_port << 16 | remote_port;
    uint64_t sum;

    if (IP_IS_V4(remote)) {
        sum = ports << 32 | ip4_addr_get_u32(ip_2_ip4(remote));
    } else {
        uint64_t words[2];

        memcpy(words, ip_2_ip6(remote)->addr, sizeof(words));
        sum = mix(words[0] ^ table.key[1], words[1] ^ table.key[0]) + ports;
    }
    return (uint32_t)mix(sum ^ table.key[0], table.key[1] | 1);
}

static struct lunik_tcp_node **bucket_of(uint32_t hash)
{
    return &table.buckets[hash & (table.bucket_count - 1)];
}

/* Twice as many buckets. Without memory for them chains get longer. */
static void grow(void)
{
    size_t count = table.bucket_count * 2;
    struct lunik_tcp_node **old = table.buckets;
    struct lunik_tcp_node **buckets =
        lunik_mem_alloc_zeroed(count, sizeof(struct lunik_tcp_node *));

    if (!buckets)
        return;
    for (size_t i = 0; i < table.bucket_count; i++) {
        struct lunik_tcp_node *node = old[i], *next;

        for (; node; node = next) {
            struct lunik_tcp_node **to = &buckets[node->hash & (count - 1)];

            next = node->chain;
            node->chain = *to;
            *to = node;
        }
    }
    table.buckets = buckets;
    table.bucket_count = count;
    if (old != table.first_bucket)
        lunik_mem_free(old);
}

static void add_hash(struct lunik_tcp_node *node)
{
    const struct tcp_pcb *pcb = pcb_of(node);
    struct lunik_tcp_node **bucket;

    if (table.hashed >= table.bucket_count)
        grow();
    node->hash = hash_of(pcb->local_port, &pcb->remote_ip, pcb->remote_port);
    bucket = bucket_of(node->hash);
    node->chain = *bucket;
    *bucket = node;
    table.hashed++;
}

static void remove_hash(struct lunik_tcp_node *node)
{
    struct lunik_tcp_node **at = bucket_of(node->hash);

    while (*at != node)
        at = &(*at)->chain;
    *at = node->chain;
    table.hashed--;
}

struct tcp_pcb *lunik_tcp_find(const ip_addr_t *local, u16_t local_port,
                               const ip_addr_t *remote, u16_t remote_port)
{
    uint32_t hash = hash_of(local_port, remote, remote_port);

    for (struct lunik_tcp_node *node = *bucket_of(hash); node;
         node = node->chain) {
        struct tcp_pcb *pcb = pcb_of(node);

        if (node->hash == hash && pcb->remote_port == remote_port &&
            pcb->local_port == local_port &&
            ip_addr_eq(&pcb->remote_ip, remote) &&
            ip_addr_eq(&pcb->local_ip, local))
            return pcb;
    }
    return NULL;
}

/* ---- Places ---- */

static void push(struct queue *queue, struct lunik_tcp_node *node)
{
    node->next = NULL;
    node->prev = queue->last;
    if (queue->last)
        queue->last->next = node;
    else
        queue->first = node;
    queue->last = node;
    queue->count++;
}

static void pull(struct queue *queue, struct lunik_tcp_node *node)
{
    if (node->prev)
        node->prev->next = node->next;
    else
        queue->first = node->next;
    if (node->next)
        node->next->prev = node->prev;
    else
        queue->last = node->prev;
    queue->count--;
}

static void push_busy(struct tcp_pcb *pcb)
{
    struct lunik_tcp_node *node = lunik_tcp_node_of(pcb);

    node->place = LUNIK_TCP_BUSY;
    node->before = NULL;
    pcb->next = tcp_active_pcbs;
    if (tcp_active_pcbs)
        lunik_tcp_node_of(tcp_active_pcbs)->before = pcb;
    tcp_active_pcbs = pcb;
    table.busy++;
}

/* lwIP's timers take a connection off the list themselves, before they free
 * it: then the one before it points past it already. */
static void pull_busy(struct tcp_pcb *pcb)
{
    struct lunik_tcp_node *node = lunik_tcp_node_of(pcb);

    if (node->before) {
        if (node->before->next == pcb)
            node->before->next = pcb->next;
    } else if (tcp_active_pcbs == pcb) {
        tcp_active_pcbs = pcb->next;
    } else if (table.hidden == pcb) {
        table.hidden = pcb->next;
    }
    if (pcb->next)
        lunik_tcp_node_of(pcb->next)->before = node->before;
    table.busy--;
}

static void drop_output(struct lunik_tcp_node *node)
{
    struct lunik_tcp_node **at = &table.outputs;

    while (*at != node)
        at = &(*at)->output;
    *at = node->output;
    node->has_output = false;
}

static void leave(struct tcp_pcb *pcb)
{
    struct lunik_tcp_node *node = lunik_tcp_node_of(pcb);

    if (node->has_output)
        drop_output(node);
    switch ((enum lunik_tcp_place)node->place) {
    case LUNIK_TCP_NOWHERE:
        return;
    case LUNIK_TCP_BUSY:
        pull_busy(pcb);
        break;
    case LUNIK_TCP_PARKED:
        pull(&table.parked, node);
        break;
    case LUNIK_TCP_WAITING:
        pull(&table.waiting, node);
        break;
    }
    remove_hash(node);
    node->place = LUNIK_TCP_NOWHERE;
    if (node->is_half_open) {
        node->is_half_open = false;
        table.half_open--;
    }
    if (table.current == pcb)
        table.current = NULL;
}

/* lwIP counts time in ticks that stand still while its timers do. */
static void catch_up(void)
{
    u32_t now;

    if (table.is_ticking && tcp_active_pcbs)
        return;
    table.is_ticking = true;
    now = (u32_t)(lunik_time_monotonic_ns() / TICK_NS);
    if (TCP_SEQ_LT(tcp_ticks, now))
        tcp_ticks = now;
}

static void make_busy(struct tcp_pcb *pcb)
{
    struct lunik_tcp_node *node = lunik_tcp_node_of(pcb);

    pull(&table.parked, node);
    push_busy(pcb);
    tcp_active_pcbs_changed = 1;
    catch_up();
    lunik_lwip_touched(); /* a timer is needed */
}

void lunik_lwip_touch(struct tcp_pcb *pcb)
{
    if (lunik_tcp_node_of(pcb)->place == LUNIK_TCP_PARKED)
        make_busy(pcb);
}

void lunik_lwip_output(struct tcp_pcb *pcb)
{
    struct lunik_tcp_node *node = lunik_tcp_node_of(pcb);

    lunik_lwip_touch(pcb);
    lunik_lwip_touched();
    if (node->has_output || node->place == LUNIK_TCP_NOWHERE)
        return;
    node->has_output = true;
    node->output = table.outputs;
    table.outputs = node;
}

void lunik_tcp_output_all(void)
{
    while (table.outputs) {
        struct lunik_tcp_node *node = table.outputs;

        table.outputs = node->output;
        node->has_output = false;
        /* A failure to send now is mended by lwIP's timers. */
        (void)tcp_output(pcb_of(node));
    }
}

bool lunik_tcp_has_output(void)
{
    return table.outputs != NULL;
}

/* ---- What lwIP calls ---- */

static void wait_at_most(size_t max)
{
    while (table.waiting.count > max)
        tcp_abort(pcb_of(table.waiting.first));
}

void lunik_tcp_register(struct tcp_pcb **list, struct tcp_pcb *pcb)
{
    struct lunik_tcp_node *node;

    if (list != &tcp_active_pcbs && list != &tcp_tw_pcbs) {
        pcb->next = *list; /* listeners, and what is bound */
        *list = pcb;
        return;
    }
    node = lunik_tcp_node_of(pcb);
    LUNIK_ASSERT(node->place == LUNIK_TCP_NOWHERE);
    add_hash(node);
    if (list == &tcp_active_pcbs) {
        catch_up();
        push_busy(pcb);
        if (pcb->state == SYN_RCVD) {
            node->is_half_open = true;
            table.half_open++;
        }
    } else {
        pcb->next = NULL;
        pcb->listener = NULL;
        node->place = LUNIK_TCP_WAITING;
        push(&table.waiting, node);
        wait_at_most(table.waiting_max);
    }
    tcp_timer_needed();
}

void lunik_tcp_remove(struct tcp_pcb **list, struct tcp_pcb *pcb)
{
    if (list == &tcp_active_pcbs || list == &tcp_tw_pcbs) {
        leave(pcb);
    } else {
        for (struct tcp_pcb **at = list; *at; at = &(*at)->next)
            if (*at == pcb) {
                *at = pcb->next;
                break;
            }
    }
    pcb->next = NULL;
}

void lunik_tcp_forget(struct tcp_pcb *pcb)
{
    leave(pcb);
}

bool lunik_tcp_evict(void)
{
    if (!table.waiting.first)
        return false;
    tcp_abort(pcb_of(table.waiting.first));
    return true;
}

/* An address of an interface goes: lwIP ends what used it, and must see all. */
void lunik_tcp_address_changed(const ip_addr_t *from, const ip_addr_t *to)
{
    if (from && !ip_addr_isany(from))
        while (table.parked.first)
            make_busy(pcb_of(table.parked.first));
    tcp_netif_ip_addr_changed(from, to);
}

/* ---- Timers ---- */

static bool has_keep_alive_soon(const struct tcp_pcb *pcb)
{
    return ip_get_option(pcb, SOF_KEEPALIVE) &&
           tcp_ticks - pcb->tmr + KEEP_TICKS > pcb->keep_idle / 500;
}

static bool is_idle(const struct tcp_pcb *pcb)
{
    const unsigned pending = TF_ACK_DELAY | TF_ACK_NOW | TF_CLOSEPEND |
                             TF_NAGLEMEMERR | TF_FIN | TF_INFR | TF_RTO;

    if (pcb->state != ESTABLISHED && pcb->state != CLOSE_WAIT)
        return false;
    if (pcb->unsent || pcb->unacked || pcb->ooseq || pcb->refused_data)
        return false;
    if ((pcb->flags & pending) || pcb->persist_backoff || pcb->poll)
        return false;
    if (has_keep_alive_soon(pcb))
        return false;
    return tcp_ticks != pcb->tmr; /* not within the last half second */
}

static void park_idle(void)
{
    struct tcp_pcb *next;

    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = next) {
        struct lunik_tcp_node *node = lunik_tcp_node_of(pcb);

        next = pcb->next;
        if (!is_idle(pcb))
            continue;
        pull_busy(pcb);
        pcb->next = NULL;
        pcb->listener = NULL; /* it was accepted long ago */
        node->place = LUNIK_TCP_PARKED;
        push(&table.parked, node);
    }
}

void lunik_tcp_tick(void)
{
    catch_up();
    if (++table.half_ticks & 1) {
        tcp_fasttmr();
    } else {
        tcp_fasttmr();
        tcp_slowtmr();
        park_idle();
    }
    if (!tcp_active_pcbs)
        table.is_ticking = false;
}

bool lunik_tcp_has_work(void)
{
    return tcp_active_pcbs != NULL;
}

bool lunik_tcp_has_sleepers(void)
{
    return table.waiting.first || table.parked.first;
}

static void wake_for_keep_alive(void)
{
    struct lunik_tcp_node *next;

    for (struct lunik_tcp_node *node = table.parked.first; node; node = next) {
        struct tcp_pcb *pcb = pcb_of(node);

        next = node->next;
        if (has_keep_alive_soon(pcb))
            make_busy(pcb);
    }
}

void lunik_tcp_sweep(void)
{
    if (!tcp_active_pcbs)
        table.is_ticking = false; /* have the clock read anew */
    catch_up();
    while (table.waiting.first && tcp_ticks - pcb_of(table.waiting.first)->tmr >
                                      2 * TCP_MSL / TCP_SLOW_INTERVAL)
        tcp_abort(pcb_of(table.waiting.first));
    if (++table.sweeps % KEEP_SWEEPS == 0)
        wake_for_keep_alive();
    if (!tcp_active_pcbs)
        table.is_ticking = false;
}

/* ---- Segments ---- */

static bool read_segment(const struct pbuf *pbuf, struct lunik_tcp_segment *out)
{
    const struct tcp_hdr *header = pbuf->payload;

    if (pbuf->len < TCP_HLEN)
        return false;
    out->header_size = (u8_t)TCPH_HDRLEN_BYTES(header);
    if (out->header_size < TCP_HLEN || out->header_size > pbuf->tot_len)
        return false;
    out->remote_port = lwip_ntohs(header->src);
    out->local_port = lwip_ntohs(header->dest);
    out->sequence = lwip_ntohl(header->seqno);
    out->acknowledged = lwip_ntohl(header->ackno);
    out->window = lwip_ntohs(header->wnd);
    out->flags = TCPH_FLAGS(header);
    return true;
}

/*
 * RFC 5961, 5.2, and more: a segment of an open connection must acknowledge
 * something that was sent not too long ago, and lie near the window. lwIP
 * would look at the window it announces, or take its data, in any case.
 * (Resets and SYNs it checks as it should.)
 */
static bool is_acceptable(const struct tcp_pcb *pcb,
                          const struct lunik_tcp_segment *segment)
{
    u32_t slack = LWIP_MAX(pcb->snd_wnd_max, 0xffff);
    u32_t old = LWIP_MAX(TCP_WND_MAX(pcb), 0xffff);

    if (segment->flags & (TCP_RST | TCP_SYN))
        return true;
    return (segment->flags & TCP_ACK) &&
           TCP_SEQ_BETWEEN(segment->acknowledged, pcb->lastack - slack,
                           pcb->snd_nxt) &&
           TCP_SEQ_BETWEEN(segment->sequence, pcb->rcv_nxt - old,
                           pcb->rcv_nxt + pcb->rcv_wnd);
}

static void input_open(struct tcp_pcb *pcb,
                       const struct lunik_tcp_segment *segment,
                       struct pbuf *pbuf, struct netif *netif)
{
    struct lunik_tcp_node *node = lunik_tcp_node_of(pcb);

    if (LUNIK_UNLIKELY(pcb->state >= ESTABLISHED &&
                       !is_acceptable(pcb, segment))) {
        (void)tcp_send_empty_ack(pcb); /* a challenge */
        pbuf_free(pbuf);
        return;
    }
    /* lwIP answers every empty segment while its window is shut, as if it lay
     * outside; two such ends would answer each other for ever. So there is
     * room for a byte that the peer is not told of. */
    if (pcb->rcv_wnd == 0 && segment->sequence == pcb->rcv_nxt &&
        pbuf->tot_len == segment->header_size)
        pcb->rcv_wnd = 1;
    if (node->place == LUNIK_TCP_PARKED) {
        make_busy(pcb);
    } else if (tcp_active_pcbs != pcb) {
        pull_busy(pcb);
        push_busy(pcb);
    }
    table.current = pcb;
    tcp_input(pbuf, netif);
    if (table.current && node->is_half_open && pcb->state != SYN_RCVD) {
        node->is_half_open = false;
        table.half_open--;
    }
    table.current = NULL;
}

/* A peer may use its port again while we still wait for late segments of the
 * connection before: a SYN behind the window begins a new one. */
static bool is_reuse(const struct tcp_pcb *pcb,
                     const struct lunik_tcp_segment *segment)
{
    return (segment->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN &&
           TCP_SEQ_GT(segment->sequence, pcb->rcv_nxt);
}

static void hide(void)
{
    table.hidden = tcp_active_pcbs;
    tcp_active_pcbs = NULL;
}

/* What was registered meanwhile stays in front. */
static void show(void)
{
    struct tcp_pcb *last = tcp_active_pcbs;

    if (!last) {
        tcp_active_pcbs = table.hidden;
    } else if (table.hidden) {
        while (last->next)
            last = last->next;
        last->next = table.hidden;
        lunik_tcp_node_of(table.hidden)->before = last;
    }
    table.hidden = NULL;
}

static void input_waiting(struct tcp_pcb *pcb, struct pbuf *pbuf,
                          struct netif *netif)
{
    struct lunik_tcp_node *node = lunik_tcp_node_of(pcb);

    catch_up();
    hide();
    pcb->next = NULL;
    tcp_tw_pcbs = pcb;
    tcp_input(pbuf, netif);
    tcp_tw_pcbs = NULL;
    show();
    pull(&table.waiting, node); /* its time may have begun anew */
    push(&table.waiting, node);
}

static struct tcp_pcb_listen *
find_listener(const struct lunik_tcp_segment *segment)
{
    const ip_addr_t *to = ip_current_dest_addr();
    struct tcp_pcb_listen *any = NULL;

    for (struct tcp_pcb_listen *at = tcp_listen_pcbs.listen_pcbs; at;
         at = at->next) {
        if (at->local_port != segment->local_port)
            continue;
        if (IP_IS_ANY_TYPE_VAL(at->local_ip)) {
            any = at;
        } else if (IP_ADDR_PCB_VERSION_MATCH_EXACT(at, to)) {
            if (ip_addr_eq(&at->local_ip, to))
                return at;
            if (ip_addr_isany(&at->local_ip))
                any = at;
        }
    }
    return any;
}

/* For no connection. lwIP looks for a listener, or answers with a reset. */
static void input_new(const struct lunik_tcp_segment *segment,
                      struct pbuf *pbuf, struct netif *netif)
{
    u8_t kind = segment->flags & (TCP_SYN | TCP_ACK | TCP_RST);
    struct tcp_pcb_listen *listener =
        kind == TCP_SYN || kind == TCP_ACK ? find_listener(segment) : NULL;

    if (listener && kind == TCP_SYN) {
        if (lunik_lwip_is_full && lunik_lwip_is_full(listener)) {
            pbuf_free(pbuf); /* it will ask again */
            return;
        }
        if (table.half_open >= table.half_open_max ||
            lunik_lwip_memory_is_short()) {
            lunik_tcp_send_cookie(segment, pbuf);
            pbuf_free(pbuf);
            return;
        }
    }
    hide();
    if (listener && kind == TCP_ACK)
        (void)lunik_tcp_take_cookie(segment, listener);
    table.current = tcp_active_pcbs;
    tcp_input(pbuf, netif);
    if (table.current && table.current->state != SYN_RCVD &&
        lunik_tcp_node_of(table.current)->is_half_open) {
        lunik_tcp_node_of(table.current)->is_half_open = false;
        table.half_open--;
    }
    table.current = NULL;
    show();
}

/* Called instead of tcp_input(), by lwIP's IP. */
void lunik_tcp_input(struct pbuf *pbuf, struct netif *netif)
{
    struct lunik_tcp_segment segment;
    struct tcp_pcb *pcb;

    lunik_tcp_segments++;
    if (LUNIK_UNLIKELY(!read_segment(pbuf, &segment))) {
        pbuf_free(pbuf);
        return;
    }
    pcb = lunik_tcp_find(ip_current_dest_addr(), segment.local_port,
                         ip_current_src_addr(), segment.remote_port);
    if (pcb && pcb->netif_idx != NETIF_NO_INDEX &&
        pcb->netif_idx != netif_get_index(netif))
        pcb = NULL;
    if (pcb && pcb->state == TIME_WAIT && is_reuse(pcb, &segment)) {
        tcp_abort(pcb);
        pcb = NULL;
    }
    if (!pcb)
        input_new(&segment, pbuf, netif);
    else if (pcb->state == TIME_WAIT)
        input_waiting(pcb, pbuf, netif);
    else
        input_open(pcb, &segment, pbuf, netif);
}

/* ---- Ports ---- */

static bool is_bound(u16_t port)
{
    for (const struct tcp_pcb *pcb = tcp_bound_pcbs; pcb; pcb = pcb->next)
        if (pcb->local_port == port)
            return true;
    for (const struct tcp_pcb_listen *pcb = tcp_listen_pcbs.listen_pcbs; pcb;
         pcb = pcb->next)
        if (pcb->local_port == port)
            return true;
    return false;
}

#define PORT_FIRST 0x8000
#define PORT_TRIES 256

/* RFC 6056, 3.3.2: random, and free for these two ends. */
u16_t lunik_lwip_tcp_port(const ip_addr_t *local, const ip_addr_t *remote,
                          u16_t remote_port)
{
    for (int i = 0; i < PORT_TRIES; i++) {
        u16_t port = (u16_t)(PORT_FIRST | lunik_lwip_random());

        if (!is_bound(port) &&
            !lunik_tcp_find(local, port, remote, remote_port))
            return port;
    }
    return 0;
}

bool lunik_lwip_tcp_port_is_used(const ip_addr_t *local, u16_t port)
{
    for (size_t i = 0; i < table.bucket_count; i++)
        for (struct lunik_tcp_node *node = table.buckets[i]; node;
             node = node->chain) {
            const struct tcp_pcb *pcb = pcb_of(node);

            if (pcb->local_port == port && node->place != LUNIK_TCP_WAITING &&
                (ip_addr_isany(local)
                     ? IP_IS_ANY_TYPE_VAL(*local) ||
                           IP_IS_V6(local) == IP_IS_V6_VAL(pcb->local_ip)
                     : ip_addr_eq(&pcb->local_ip, local)))
                return true;
        }
    return false;
}

/* ---- Start ---- */

static size_t clamp(size_t value, size_t least, size_t most)
{
    return value < least ? least : value > most ? most : value;
}

void lunik_tcp_init(size_t memory_limit)
{
    table.buckets = table.first_bucket;
    table.bucket_count = BUCKETS_MIN;
    lunik_random_fill(table.key, sizeof(table.key));
    /* A half-open one costs some 1000 bytes with its answer, one that waits
     * 400: a sixteenth of the memory each, at most. */
    table.half_open_max = clamp(memory_limit / 16 / 1000, 16, 1024);
    table.waiting_max = clamp(memory_limit / 16 / 400, 64, 32768);
    lunik_tcp_cookie_init();
}

void lunik_tcp_get_counts(struct lunik_tcp_counts *out)
{
    out->busy = table.busy;
    out->parked = table.parked.count;
    out->waiting = table.waiting.count;
    out->half_open = table.half_open;
}
