/* SPDX-License-Identifier: MIT */
/*
 * receive.c: frames from a device to lwIP, without copying.
 *
 * A frame stays in the device's buffers, each of which lwIP sees as a pbuf of
 * ours; the buffer goes back when the last user has freed it. A device with
 * few buffers left has its frames copied instead: a connection that nobody
 * reads from must not stop the others.
 */
#include "device.h"
#include "tcp_table.h"
#include <lunik/mem.h>
#include <string.h>

#include "lwip/pbuf.h"
#include "lwip/prot/ieee.h"
#include "netif/ethernet.h"

/* A pbuf around one buffer of a device. */
struct lent {
    struct pbuf_custom custom; /* first: lwIP hands its pbuf back */
    struct lent *next;         /* in the list of free ones */
    struct lunik_net *net;
    uint32_t token;
};

static struct lent *spare;

static void give_back(struct pbuf *pbuf)
{
    struct lent *lent = (struct lent *)(void *)pbuf;

    lunik_net_release(lent->net, lent->token);
    lent->next = spare;
    spare = lent;
}

/* As many as a device has buffers, at most: so these are never freed. */
static struct lent *take_lent(void)
{
    struct lent *lent = spare;

    if (LUNIK_LIKELY(lent != NULL)) {
        spare = lent->next;
        return lent;
    }
    lent = lunik_mem_alloc_sized(sizeof(*lent));
    if (lent)
        lent->custom.custom_free_function = give_back;
    return lent;
}

static struct pbuf *lend(struct lunik_net *net,
                         const struct lunik_net_part *part, uint32_t token)
{
    struct lent *lent = take_lent();

    if (!lent)
        return NULL;
    lent->net = net;
    lent->token = token;
    return pbuf_alloced_custom(PBUF_RAW, (u16_t)part->size, PBUF_REF,
                               &lent->custom, part->data, (u16_t)part->size);
}

static void release(struct lunik_net *net, const struct lunik_net_frame *frame,
                    size_t first)
{
    for (size_t i = first; i < frame->count; i++)
        lunik_net_release(net, frame->tokens[i]);
}

static struct pbuf *wrap(struct lunik_net *net,
                         const struct lunik_net_frame *frame)
{
    struct pbuf *head = lend(net, &frame->parts[0], frame->tokens[0]);
    struct pbuf *last = head;

    if (!head) {
        release(net, frame, 0);
        return NULL;
    }
    for (size_t i = 1; i < frame->count; i++) {
        struct pbuf *next = lend(net, &frame->parts[i], frame->tokens[i]);

        if (!next) {
            release(net, frame, i);
            pbuf_free(head);
            return NULL;
        }
        last->next = next;
        last = next;
    }
    /* (tot_len): of this one and what follows. */
    if (LUNIK_UNLIKELY(frame->count > 1)) {
        size_t left = frame->size;

        for (struct pbuf *at = head; at; at = at->next) {
            at->tot_len = (u16_t)left;
            left -= at->len;
        }
    }
    return head;
}

static struct pbuf *copy(struct lunik_net *net,
                         const struct lunik_net_frame *frame)
{
    struct pbuf *pbuf = pbuf_alloc(PBUF_RAW, (u16_t)frame->size, PBUF_POOL);
    size_t offset = 0;

    for (size_t i = 0; pbuf && i < frame->count; i++) {
        pbuf_take_at(pbuf, frame->parts[i].data, (u16_t)frame->parts[i].size,
                     (u16_t)offset);
        offset += frame->parts[i].size;
    }
    release(net, frame, 0);
    return pbuf;
}

/* What lwIP reads of a frame before it looks how long that is; 0: nothing that
 * it knows. */
static size_t least_size(const uint8_t *frame)
{
    switch (frame[12] << 8 | frame[13]) {
    case ETHTYPE_IP:
        return LUNIK_NET_HEADER_SIZE + 20;
    case ETHTYPE_IPV6:
        return LUNIK_NET_HEADER_SIZE + 40;
    case ETHTYPE_ARP:
        return LUNIK_NET_HEADER_SIZE + 28;
    default:
        return 0;
    }
}

static bool is_whole(const struct lunik_net_frame *frame)
{
    size_t least;

    if (frame->parts[0].size < LUNIK_NET_HEADER_SIZE)
        return false;
    least = least_size(frame->parts[0].data);
    /* lwIP counts a packet's bytes in 16 bits. */
    return least > 0 && frame->size >= least && frame->size <= UINT16_MAX;
}

/* lwIP wants headers in one piece. Devices do that; a frame of another shape
 * is copied. */
#define HEADERS_MAX 128

static bool is_to_be_copied(const struct lunik_net_frame *frame)
{
    return frame->is_scarce ||
           (frame->count > 1 && frame->parts[0].size < HEADERS_MAX);
}

/* A fragment's checksum is the whole datagram's: the device has not seen it,
 * whatever it says. */
static bool is_fragment(const struct lunik_net_frame *frame)
{
    const uint8_t *at = frame->parts[0].data;

    if (frame->parts[0].size < 34)
        return true; /* too short to tell */
    if (at[12] == 0x08 && at[13] == 0x00)
        return ((at[20] & 0x3f) | at[21]) != 0; /* offset, or more to come */
    if (at[12] == 0x86 && at[13] == 0xdd)
        return at[20] != 6 && at[20] != 17; /* an extension before TCP, UDP */
    return true;
}

static void input(struct lunik_lwip_device *device,
                  const struct lunik_net_frame *frame)
{
    struct netif *netif = &device->netif;
    bool is_checked =
        frame->checksum != LUNIK_NET_UNCHECKED && !is_fragment(frame);
    struct pbuf *pbuf;

    if (LUNIK_UNLIKELY(!is_whole(frame))) {
        release(device->net, frame, 0);
        return;
    }
    pbuf = LUNIK_UNLIKELY(is_to_be_copied(frame)) ? copy(device->net, frame)
                                                  : wrap(device->net, frame);
    if (LUNIK_UNLIKELY(!pbuf))
        return;
    NETIF_SET_CHECKSUM_CTRL(netif, is_checked ? device->checks &
                                                    ~(NETIF_CHECKSUM_CHECK_TCP |
                                                      NETIF_CHECKSUM_CHECK_UDP)
                                              : device->checks);
    if (netif->input(pbuf, netif) != ERR_OK)
        pbuf_free(pbuf);
}

bool lunik_lwip_receive(struct lunik_lwip_device *device)
{
    struct lunik_net_frame frame;
    uint32_t before = lunik_tcp_segments, count = 0;

    while (lunik_net_receive(device->net, &frame) == LUNIK_OK) {
        input(device, &frame);
        count++;
    }
    NETIF_SET_CHECKSUM_CTRL(&device->netif, device->checks);
    return lunik_tcp_segments - before != count;
}
