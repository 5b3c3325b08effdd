/* SPDX-License-Identifier: MIT */
/*
 * tcp_cookie.c: sequence numbers that nobody can guess, and connections that
 * need no memory until they are confirmed.
 *
 * When as many connections are half open as may be, a SYN is answered without
 * keeping anything: our initial sequence number is a keyed hash of what the
 * peer will send back in any case. Its acknowledgement proves that it has seen
 * our answer, and gives us all that is needed but its options: such a
 * connection has no window scaling and no selective acknowledgements.
 *
 *     31                           2 1       0
 *     | hash of ends, peer's number, | which  |
 *     | minute                       | MSS    |
 */
#include "tcp_table.h"
#include <lunik/random.h>
#include <lunik/time.h>
#include <string.h>

#include "lunik_hooks.h"
#include "lwip/inet_chksum.h"
#include "lwip/ip.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/tcp.h"

#define MINUTE_NS (64 * LUNIK_NS_PER_S)
#define ISN_STEP_NS 4096 /* RFC 6528: about 4 microseconds */

static const u16_t sizes[4] = { 536, 1220, 1440, 1460 };

static struct {
    uint64_t isn_key[2], key[2];
    uint64_t last_ns; /* when the last one was sent; 0: never */
} cookies;

/* ---- SipHash-2-4 ---- */

static uint64_t rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    sip_round(v);
    v[0] ^= word;
}

uint64_t lunik_tcp_siphash(const uint64_t key[2], const void *data, size_t size)
{
    uint64_t v[4] = { key[0] ^ UINT64_C(0x736f6d6570736575),
                      key[1] ^ UINT64_C(0x646f72616e646f6d),
                      key[0] ^ UINT64_C(0x6c7967656e657261),
                      key[1] ^ UINT64_C(0x7465646279746573) };
    const unsigned char *at = data;
    uint64_t word, last = (uint64_t)size << 56;

    for (; size >= 8; size -= 8, at += 8) {
        memcpy(&word, at, 8);
        sip_word(v, word);
    }
    for (size_t i = 0; i < size; i++)
        last |= (uint64_t)at[i] << (8 * i);
    sip_word(v, last);
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* ---- Initial sequence numbers ---- */

/* What a connection is known by. Zeroed first: it is hashed as bytes. */
struct ends {
    uint8_t local[16], remote[16];
    uint16_t local_port, remote_port;
    uint32_t sequence;
    uint64_t minute;
};

static void store_ip(uint8_t out[16], const ip_addr_t *ip)
{
    if (IP_IS_V4(ip))
        memcpy(out, ip_2_ip4(ip), 4);
    else
        memcpy(out, ip_2_ip6(ip)->addr, 16);
}

static void set_ends(struct ends *ends, const ip_addr_t *local,
                     u16_t local_port, const ip_addr_t *remote,
                     u16_t remote_port)
{
    memset(ends, 0, sizeof(*ends));
    store_ip(ends->local, local);
    store_ip(ends->remote, remote);
    ends->local_port = local_port;
    ends->remote_port = remote_port;
}

u32_t lunik_lwip_isn(const ip_addr_t *local, u16_t local_port,
                     const ip_addr_t *remote, u16_t remote_port)
{
    struct ends ends;

    set_ends(&ends, local, local_port, remote, remote_port);
    return (u32_t)(lunik_time_monotonic_ns() / ISN_STEP_NS) +
           (u32_t)lunik_tcp_siphash(cookies.isn_key, &ends, sizeof(ends));
}

/* ---- Cookies ---- */

static u32_t cookie_of(const struct lunik_tcp_segment *segment,
                       u32_t peers_number, uint64_t minute, unsigned which)
{
    struct ends ends;

    set_ends(&ends, ip_current_dest_addr(), segment->local_port,
             ip_current_src_addr(), segment->remote_port);
    ends.sequence = peers_number;
    ends.minute = minute << 2 | which;
    return ((u32_t)lunik_tcp_siphash(cookies.key, &ends, sizeof(ends)) & ~3u) |
           which;
}

/* The peer's MSS option; 536 without one. */
static u16_t mss_of(const struct lunik_tcp_segment *segment,
                    const struct pbuf *pbuf)
{
    u16_t at = TCP_HLEN;

    while (at < segment->header_size) {
        u8_t kind = pbuf_get_at(pbuf, at);
        u8_t size =
            kind == LWIP_TCP_OPT_NOP ? 1 : pbuf_get_at(pbuf, (u16_t)(at + 1));

        if (kind == LWIP_TCP_OPT_EOL || size == 0)
            break;
        if (kind == LWIP_TCP_OPT_MSS && size == LWIP_TCP_OPT_LEN_MSS &&
            at + size <= segment->header_size)
            return (u16_t)(pbuf_get_at(pbuf, (u16_t)(at + 2)) << 8 |
                           pbuf_get_at(pbuf, (u16_t)(at + 3)));
        at = (u16_t)(at + size);
    }
    return sizes[0];
}

static void write_answer(struct tcp_hdr *header, u32_t number,
                         const struct lunik_tcp_segment *segment)
{
    u32_t option = TCP_BUILD_MSS_OPTION(TCP_MSS);

    header->src = lwip_htons(segment->local_port);
    header->dest = lwip_htons(segment->remote_port);
    header->seqno = lwip_htonl(number);
    header->ackno = lwip_htonl(segment->sequence + 1);
    TCPH_HDRLEN_FLAGS_SET(header, 6, TCP_SYN | TCP_ACK);
    header->wnd = lwip_htons(TCPWND_MIN16(TCP_WND));
    header->chksum = 0;
    header->urgp = 0;
    memcpy(header + 1, &option, sizeof(option));
}

void lunik_tcp_send_cookie(const struct lunik_tcp_segment *segment,
                           const struct pbuf *pbuf)
{
    u16_t mss = mss_of(segment, pbuf);
    struct netif *netif = ip_current_input_netif();
    struct tcp_hdr *header;
    struct pbuf *answer;
    unsigned which = 0;
    u32_t number;

    answer = pbuf_alloc(PBUF_IP, TCP_HLEN + LWIP_TCP_OPT_LEN_MSS, PBUF_RAM);
    if (!answer)
        return;
    while (which < 3 && sizes[which + 1] <= mss)
        which++;
    cookies.last_ns = lunik_time_monotonic_ns();
    number = cookie_of(segment, segment->sequence, cookies.last_ns / MINUTE_NS,
                       which);
    header = answer->payload;
    write_answer(header, number, segment);
    IF__NETIF_CHECKSUM_ENABLED(netif, NETIF_CHECKSUM_GEN_TCP)
    {
        header->chksum =
            ip_chksum_pseudo(answer, IP_PROTO_TCP, answer->tot_len,
                             ip_current_dest_addr(), ip_current_src_addr());
    }
    (void)ip_output_if(answer, ip_current_dest_addr(), ip_current_src_addr(),
                       TCP_TTL, 0, IP_PROTO_TCP, netif);
    pbuf_free(answer);
}

/* True if (segment) acknowledges a cookie of this minute or the last one. */
static bool is_cookie(const struct lunik_tcp_segment *segment, uint64_t now_ns)
{
    u32_t number = segment->acknowledged - 1;

    for (uint64_t age = 0; age < 2; age++)
        if (cookie_of(segment, segment->sequence - 1, now_ns / MINUTE_NS - age,
                      number & 3) == number)
            return true;
    return false;
}

/* As tcp_listen_input() and the sent SYN left it. */
static void set_up(struct tcp_pcb *pcb, const struct lunik_tcp_segment *segment,
                   struct tcp_pcb_listen *listener)
{
    u32_t number = segment->acknowledged - 1;

    ip_addr_copy(pcb->local_ip, *ip_current_dest_addr());
    ip_addr_copy(pcb->remote_ip, *ip_current_src_addr());
    pcb->local_port = segment->local_port;
    pcb->remote_port = segment->remote_port;
    pcb->state = SYN_RCVD;
    pcb->rcv_nxt = segment->sequence;
    pcb->rcv_ann_right_edge = pcb->rcv_nxt + pcb->rcv_ann_wnd;
    pcb->snd_wl1 = segment->sequence - 2;
    pcb->snd_wl2 = number;
    pcb->lastack = number;
    pcb->snd_nxt = pcb->snd_lbb = number + 1;
    pcb->snd_wnd = pcb->snd_wnd_max = segment->window;
    pcb->callback_arg = listener->callback_arg;
    pcb->listener = listener;
    pcb->so_options = listener->so_options & SOF_INHERITED;
    pcb->netif_idx = listener->netif_idx;
    pcb->mss =
        tcp_eff_send_mss(sizes[number & 3], &pcb->local_ip, &pcb->remote_ip);
}

bool lunik_tcp_take_cookie(const struct lunik_tcp_segment *segment,
                           struct tcp_pcb_listen *listener)
{
    uint64_t now_ns;
    struct tcp_pcb *pcb;

    if (cookies.last_ns == 0)
        return false;
    now_ns = lunik_time_monotonic_ns();
    if (now_ns - cookies.last_ns > 2 * MINUTE_NS || !is_cookie(segment, now_ns))
        return false;
    pcb = tcp_alloc(listener->prio);
    if (!pcb)
        return false;
    set_up(pcb, segment, listener);
    TCP_REG_ACTIVE(pcb);
    return true;
}

void lunik_tcp_cookie_init(void)
{
    lunik_random_fill(cookies.isn_key, sizeof(cookies.isn_key));
    lunik_random_fill(cookies.key, sizeof(cookies.key));
}
