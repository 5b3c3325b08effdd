/* SPDX-License-Identifier: MIT */
/*
 * net_state.h: a virtio network device, as the three files of its driver see
 * it: net.c (life), net_receive.c, net_send.c. Virtio 1.2, 5.1.
 *
 * Received frames lie in buffers of the device's, which the IP stack may keep
 * for a while; their count follows the machine's memory. What is sent lies
 * where the caller has it. Neither direction allocates for a frame.
 */
#ifndef LUNIK_VIRTIO_NET_STATE_H
#define LUNIK_VIRTIO_NET_STATE_H

#include "net.h"
#include "virtio.h"

#define NET_QUEUE_RECEIVE 0
#define NET_QUEUE_SEND 1

#define NET_FEATURE_CSUM ((uint64_t)1 << 0)
#define NET_FEATURE_GUEST_CSUM ((uint64_t)1 << 1)
#define NET_FEATURE_MTU ((uint64_t)1 << 3)
#define NET_FEATURE_MAC ((uint64_t)1 << 5)
#define NET_FEATURE_GUEST_TSO4 ((uint64_t)1 << 7)
#define NET_FEATURE_GUEST_TSO6 ((uint64_t)1 << 8)
#define NET_FEATURE_HOST_TSO4 ((uint64_t)1 << 11)
#define NET_FEATURE_HOST_TSO6 ((uint64_t)1 << 12)
#define NET_FEATURE_MRG_RXBUF ((uint64_t)1 << 15)
#define NET_FEATURE_STATUS ((uint64_t)1 << 16)

/* What stands before every frame, in both directions: 5.1.6. */
struct net_header {
    uint8_t flags;
    uint8_t segment_type;
    uint16_t header_size;
    uint16_t segment_size;
    uint16_t checksum_start;
    uint16_t checksum_offset;
    uint16_t buffer_count; /* received only */
};
_Static_assert(sizeof(struct net_header) == 12, "on the wire");

#define NET_FLAG_NEEDS_CHECKSUM 1
#define NET_FLAG_CHECKED 2
#define NET_SEGMENT_NONE 0
#define NET_SEGMENT_TCP4 1
#define NET_SEGMENT_TCP6 4

/* A receive buffer: two bytes unused, so that with the header's 12 and
 * Ethernet's 14 the IP header is aligned to four. */
#define NET_BUFFER_SIZE ((size_t)2048)
#define NET_BUFFER_SKIP ((size_t)2)
#define NET_BUFFER_ROOM (NET_BUFFER_SIZE - NET_BUFFER_SKIP)

/* With fewer, a frame of 64 KiB that the host joined could never arrive. */
#define NET_BUFFERS_FOR_SEGMENTS 64
#define NET_BUFFERS_MIN 32

/* Pieces of one frame to send, at most; a queue must have room for 18 and the
 * header, as <lunik/net.h> promises. */
#define NET_PARTS_MAX 64
#define NET_SEND_SIZE_MIN 32
#define NET_SEND_SIZE 64

/* Frames that one poll may give before fibers run again. */
#define NET_BUDGET 64

#define NET_BATCH 16

/* One frame that is being sent. */
struct net_packet {
    struct net_header header;
    bool is_sent; /* the device has it, or its (done) is not called yet */
    void (*done)(void *arg);
    void *arg;
    struct net_packet *next; /* free, or done */
};

struct virtio_net {
    struct lunik_net net; /* first */
    struct virtio_device *device;
    struct lunik_source source, config_source;
    bool is_attached, is_running;
    void *memory; /* of all below; NULL: closed */
    size_t page_count;

    /* Receiving. (done) has been collected and not given yet. */
    struct virtqueue in;
    uint8_t *buffers;
    bool *is_lent; /* for each buffer: the user has it */
    bool has_merging;
    uint16_t buffer_count, lent_count, budget;
    uint16_t done_at, done_count;
    struct virtqueue_done done[NET_BATCH];

    /* Sending. Frames that are done, but found so while another was sent,
     * wait in the second list for the next poll. */
    struct virtqueue out;
    struct net_packet *packets;
    struct net_packet *free_first;
    struct net_packet *done_first, *done_last;
    struct lunik_timer reap_timer;
    bool is_timed; /* (reap_timer) is set */
    bool wants_room;
};

static inline struct virtio_net *net_of(struct lunik_net *net)
{
    return (struct virtio_net *)(void *)net;
}

/* Gives the device up, stops it, and has the poll tell of it. */
LUNIK_COLD void lunik_virtio_net_fail(struct virtio_net *v, const char *what);

/* ---- net_receive.c ---- */

/* Lends the device all buffers and asks for interrupts. */
void lunik_virtio_net_fill(struct virtio_net *v);
lunik_result lunik_virtio_net_receive(struct lunik_net *net,
                                      struct lunik_net_frame *out);
void lunik_virtio_net_release(struct lunik_net *net, uint32_t token);

/* ---- net_send.c ---- */

void lunik_virtio_net_init_packets(struct virtio_net *v);
lunik_result lunik_virtio_net_send(struct lunik_net *net,
                                   const struct lunik_net_part *parts,
                                   size_t count, size_t size,
                                   const struct lunik_net_offload *offload,
                                   void (*done)(void *arg), void *arg);
void lunik_virtio_net_flush(struct lunik_net *net);

/* Tells of the frames that the device has sent. */
void lunik_virtio_net_reap(struct virtio_net *v);

/* Tells of all frames: the device has stopped. */
void lunik_virtio_net_drop_packets(struct virtio_net *v);

#endif
