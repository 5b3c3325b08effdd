/* SPDX-License-Identifier: MIT */
/*
 * send.c: frames from lwIP to a device, without copying; consecutive segments
 * of a connection as one frame, where the device can cut it again.
 *
 * lwIP makes one frame for each segment. A segment with data is held back,
 * until the next frame or the end of the turn: if that is the next segment of
 * the same connection, its payload becomes a further part of the same frame.
 *
 *     segment 1   | Ethernet | IP | TCP | payload |
 *     segment 2                         | payload |    (its headers unused)
 *     segment 3                         | payload |
 *
 * The first one's headers are made to describe the whole; the device makes
 * the headers of each piece from them. lwIP does not touch a segment again
 * while we hold a reference, and writes the headers anew when it sends it
 * again.
 */
#include "device.h"
#include <lunik/mem.h>
#include <string.h>

#include "lwip/pbuf.h"
#include "lwip/prot/tcp.h"

#define ETHERNET 14
#define IP4_MIN (ETHERNET + 20)
#define IP6_MIN (ETHERNET + 40)
#define TCP_MIN 20
#define TCP_CHECKSUM_OFFSET 16
#define PROTOCOL_TCP 6

static struct lunik_lwip_frame *spare;

/* What was found in a frame that is TCP. */
struct segment {
    uint8_t *frame;
    uint8_t *tcp;
    size_t header;  /* up to the payload */
    size_t payload; /* its bytes */
    bool is_ip6;
};

static uint32_t load32(const uint8_t *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof(value));
    return __builtin_bswap32(value);
}

static void store16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* lwIP's own frames: whole headers in the first piece, no IPv4 options. */
static bool find_tcp(const struct pbuf *pbuf, struct segment *out)
{
    uint8_t *at = pbuf->payload;
    size_t ip;

    if (pbuf->len < IP4_MIN + TCP_MIN)
        return false;
    if (at[12] == 0x08 && at[13] == 0x00) {
        if (at[ETHERNET + 9] != PROTOCOL_TCP || at[ETHERNET] != 0x45 ||
            ((at[ETHERNET + 6] & 0x3f) | at[ETHERNET + 7]) != 0)
            return false;
        ip = IP4_MIN;
        out->is_ip6 = false;
    } else if (at[12] == 0x86 && at[13] == 0xdd) {
        if (at[ETHERNET + 6] != PROTOCOL_TCP || pbuf->len < IP6_MIN + TCP_MIN)
            return false;
        ip = IP6_MIN;
        out->is_ip6 = true;
    } else {
        return false;
    }
    out->frame = at;
    out->tcp = at + ip;
    out->header = ip + (size_t)(out->tcp[12] >> 4) * 4;
    if (out->header > pbuf->len)
        return false;
    out->payload = pbuf->tot_len - out->header;
    return true;
}

/* The sum over the pseudo-header: what a device expects in the checksum's
 * place. */
static void store_pseudo_sum(uint8_t *frame, bool is_ip6, size_t tcp_size)
{
    uint8_t *tcp = frame + (is_ip6 ? IP6_MIN : IP4_MIN);
    uint16_t sum16;
    uint32_t sum = is_ip6 ? lunik_lwip_checksum(frame + ETHERNET + 8, 32)
                          : lunik_lwip_checksum(frame + ETHERNET + 12, 8);

    sum += lwip_htons((u16_t)tcp_size);
    sum += lwip_htons(PROTOCOL_TCP);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum16 = (uint16_t)sum;
    memcpy(tcp + TCP_CHECKSUM_OFFSET, &sum16, sizeof(sum16));
}

/* ---- Frames on their way ---- */

static void done_single(void *arg)
{
    pbuf_free(arg);
}

static void done_joined(void *arg)
{
    struct lunik_lwip_frame *frame = arg;

    for (size_t i = 0; i < frame->count; i++)
        pbuf_free(frame->segments[i]);
    frame->next = spare;
    spare = frame;
}

static struct lunik_lwip_frame *take_frame(void)
{
    struct lunik_lwip_frame *frame = spare;

    if (LUNIK_LIKELY(frame != NULL)) {
        spare = frame->next;
        return frame;
    }
    return lunik_mem_alloc_sized(sizeof(*frame));
}

/* Parts of (pbuf) behind its first (skip) bytes. False: more than (max). */
static bool add_parts(const struct pbuf *pbuf, size_t skip,
                      struct lunik_net_part *parts, size_t max, size_t *count)
{
    size_t at = *count;

    for (; pbuf; pbuf = pbuf->next) {
        size_t size = pbuf->len;

        if (size > skip) {
            if (at == max)
                return false;
            parts[at].data = (uint8_t *)pbuf->payload + skip;
            parts[at++].size = size - skip;
            skip = 0;
        } else {
            skip -= size;
        }
    }
    *count = at;
    return true;
}

static err_t after_send(struct lunik_lwip_device *device, lunik_result result)
{
    if (LUNIK_LIKELY(result == LUNIK_OK)) {
        device->has_sent = true;
        return ERR_OK;
    }
    if (result == LUNIK_EAGAIN)
        device->is_blocked = true;
    return result == LUNIK_EAGAIN ? ERR_MEM : ERR_IF;
}

static void set_checksum(const struct lunik_lwip_device *device,
                         const struct segment *segment,
                         struct lunik_net_offload *offload)
{
    if (!(device->info.features & LUNIK_NET_CHECKSUM_SEND))
        return;
    offload->wants_checksum = true;
    offload->checksum_start = (uint16_t)(segment->tcp - segment->frame);
    offload->checksum_offset = TCP_CHECKSUM_OFFSET;
}

/* Too many pieces for the device: one of copied bytes. */
static struct pbuf *flatten(struct pbuf *pbuf)
{
    struct pbuf *flat = pbuf_alloc(PBUF_RAW, pbuf->tot_len, PBUF_RAM);

    if (flat && pbuf_copy(flat, pbuf) != ERR_OK) {
        pbuf_free(flat);
        return NULL;
    }
    return flat;
}

/* Sends a frame that stands alone. (segment) is NULL where it is not TCP. */
static err_t send_single(struct lunik_lwip_device *device, struct pbuf *pbuf,
                         const struct segment *segment)
{
    struct lunik_net_part
        parts[sizeof(device->gather.parts) / sizeof(device->gather.parts[0])];
    struct lunik_net_offload offload = { 0 };
    size_t count = 0;
    err_t err;

    if (segment) {
        set_checksum(device, segment, &offload);
        if (offload.wants_checksum)
            store_pseudo_sum(segment->frame, segment->is_ip6,
                             pbuf->tot_len - offload.checksum_start);
    }
    pbuf_ref(pbuf);
    if (LUNIK_UNLIKELY(!add_parts(pbuf, 0, parts, device->parts_max, &count))) {
        struct pbuf *flat = flatten(pbuf);

        pbuf_free(pbuf);
        if (!flat)
            return ERR_MEM;
        pbuf = flat;
        parts[0].data = flat->payload;
        parts[0].size = flat->len;
        count = 1;
    }
    err = after_send(device, lunik_net_send(device->net, parts, count, &offload,
                                            done_single, pbuf));
    if (LUNIK_UNLIKELY(err != ERR_OK))
        pbuf_free(pbuf);
    return err;
}

/* ---- Joining ---- */

/* Makes the first segment's headers those of the whole frame. */
static void describe(struct lunik_lwip_gather *gather, uint8_t *frame)
{
    uint8_t *ip = frame + ETHERNET;

    if (gather->is_ip6) {
        store16(ip + 4, gather->size - IP6_MIN);
        store_pseudo_sum(frame, true, gather->size - IP6_MIN);
    } else {
        uint16_t sum = 0;

        store16(ip + 2, gather->size - ETHERNET);
        memcpy(ip + 10, &sum, sizeof(sum));
        sum = (uint16_t)~lunik_lwip_checksum(ip, 20);
        memcpy(ip + 10, &sum, sizeof(sum));
        store_pseudo_sum(frame, false, gather->size - IP4_MIN);
    }
}

static err_t send_joined(struct lunik_lwip_device *device)
{
    struct lunik_lwip_gather *gather = &device->gather;
    struct lunik_net_offload offload = { 0 };
    struct lunik_lwip_frame *frame = take_frame();
    err_t err;

    if (!frame)
        return ERR_MEM;
    describe(gather, gather->parts[0].data);
    frame->count = gather->count;
    for (size_t i = 0; i < gather->count; i++)
        frame->segments[i] = gather->segments[i];
    offload.wants_checksum = true;
    offload.checksum_start = gather->is_ip6 ? IP6_MIN : IP4_MIN;
    offload.checksum_offset = TCP_CHECKSUM_OFFSET;
    offload.segment_size = (uint16_t)gather->payload;
    offload.header_size = (uint16_t)gather->header;
    offload.is_ip6 = gather->is_ip6;
    err = after_send(device, lunik_net_send(device->net, gather->parts,
                                            gather->part_count, &offload,
                                            done_joined, frame));
    if (err != ERR_OK) {
        frame->next = spare;
        spare = frame;
    }
    return err;
}

/* Sends what is held back. ERR_MEM: the device has no room, it stays. */
static err_t let_go(struct lunik_lwip_device *device)
{
    struct lunik_lwip_gather *gather = &device->gather;
    struct segment segment;
    err_t err;

    if (gather->count == 0)
        return ERR_OK;
    if (gather->count == 1) {
        err = send_single(device, gather->segments[0],
                          find_tcp(gather->segments[0], &segment) ? &segment
                                                                  : NULL);
        if (err != ERR_MEM)
            pbuf_free(gather->segments[0]); /* the device has its own now */
    } else {
        err = send_joined(device);
        if (err == ERR_IF)
            for (size_t i = 0; i < gather->count; i++)
                pbuf_free(gather->segments[i]);
    }
    if (err != ERR_MEM)
        gather->count = 0;
    return err;
}

static uint64_t load64(const uint8_t *at)
{
    uint64_t value;

    memcpy(&value, at, sizeof(value));
    return value;
}

/* Both addresses and both ports, which lie side by side. (memcmp() is a call,
 * and goes byte by byte.) */
static bool has_same_ends(const uint8_t *a, const uint8_t *b, bool is_ip6)
{
    uint64_t differs;

    if (!is_ip6) {
        a += ETHERNET + 12;
        b += ETHERNET + 12;
        return (load64(a) ^ load64(b)) == 0 && load32(a + 8) == load32(b + 8);
    }
    a += ETHERNET + 8;
    b += ETHERNET + 8;
    differs = load64(a) ^ load64(b);
    for (size_t i = 8; i < 32; i += 8)
        differs |= load64(a + i) ^ load64(b + i);
    return differs == 0 && load32(a + 32) == load32(b + 32);
}

static bool can_follow(const struct lunik_lwip_device *device,
                       const struct segment *segment)
{
    const struct lunik_lwip_gather *gather = &device->gather;

    return !gather->is_full && gather->count < LUNIK_LWIP_JOIN_MAX &&
           gather->is_ip6 == segment->is_ip6 &&
           gather->header == segment->header &&
           gather->next == load32(segment->tcp + 4) &&
           segment->payload <= gather->payload &&
           gather->size + segment->payload <= UINT16_MAX &&
           has_same_ends(gather->segments[0]->payload, segment->frame,
                         segment->is_ip6);
}

/* Puts (pbuf) behind what is held back. False: it does not fit there. */
static bool append(struct lunik_lwip_device *device, struct pbuf *pbuf,
                   const struct segment *segment)
{
    struct lunik_lwip_gather *gather = &device->gather;
    uint8_t *first;

    if (!can_follow(device, segment) ||
        !add_parts(pbuf, segment->header, gather->parts, device->parts_max,
                   &gather->part_count))
        return false;
    /* The newest acknowledgement and window; PSH if any of them has it. */
    first = (uint8_t *)gather->segments[0]->payload +
            (segment->is_ip6 ? IP6_MIN : IP4_MIN);
    memcpy(first + 8, segment->tcp + 8, 4);
    first[13] |= segment->tcp[13];
    memcpy(first + 14, segment->tcp + 14, 2);
    pbuf_ref(pbuf);
    gather->segments[gather->count++] = pbuf;
    gather->size += segment->payload;
    gather->next += (uint32_t)segment->payload;
    gather->is_full = segment->payload < gather->payload;
    return true;
}

static bool may_hold(const struct lunik_lwip_device *device,
                     const struct segment *segment)
{
    unsigned needed = segment->is_ip6 ? LUNIK_NET_SEGMENT6 : LUNIK_NET_SEGMENT4;

    return (device->info.features & needed) && segment->payload > 0 &&
           (segment->tcp[13] & (TCP_SYN | TCP_FIN | TCP_RST | TCP_URG)) == 0;
}

static bool hold(struct lunik_lwip_device *device, struct pbuf *pbuf,
                 const struct segment *segment)
{
    struct lunik_lwip_gather *gather = &device->gather;

    gather->part_count = 0;
    if (!add_parts(pbuf, 0, gather->parts, device->parts_max,
                   &gather->part_count))
        return false;
    pbuf_ref(pbuf);
    gather->segments[0] = pbuf;
    gather->count = 1;
    gather->size = pbuf->tot_len;
    gather->header = segment->header;
    gather->payload = segment->payload;
    gather->is_ip6 = segment->is_ip6;
    gather->is_full = false;
    gather->next = load32(segment->tcp + 4) + (uint32_t)segment->payload;
    return true;
}

static err_t send_or_hold(struct lunik_lwip_device *device, struct pbuf *pbuf,
                          const struct segment *segment)
{
    bool is_held = segment && may_hold(device, segment);

    if (is_held && device->gather.count > 0 && append(device, pbuf, segment))
        return ERR_OK;
    if (let_go(device) == ERR_MEM) /* what came first goes first */
        return ERR_MEM;
    lunik_lwip_touched();
    if (is_held && hold(device, pbuf, segment))
        return ERR_OK;
    return send_single(device, pbuf, segment);
}

err_t lunik_lwip_send(struct netif *netif, struct pbuf *pbuf)
{
    struct lunik_lwip_device *device = lunik_lwip_device_of(netif);
    struct segment segment;
    bool is_tcp = find_tcp(pbuf, &segment);
    err_t err = send_or_hold(device, pbuf, is_tcp ? &segment : NULL);

    /* TCP tries again when there is room; the rest is lost. */
    if (LUNIK_UNLIKELY(err == ERR_MEM && is_tcp))
        device->has_refused = true;
    return err;
}

void lunik_lwip_flush(struct lunik_lwip_device *device)
{
    (void)let_go(device);
    if (device->has_sent) {
        device->has_sent = false;
        lunik_net_flush(device->net);
    }
}
