/* SPDX-License-Identifier: MIT */
/*
 * net_send.c: frames to a virtio network device, from where the caller has
 * them.
 *
 * A device is not asked for an interrupt when it has sent a frame: the poll
 * for received ones finds that out, or, when nothing is received, a timer. The
 * one exception is a full queue.
 */
#include "net_state.h"

#include <lunik/panic.h>
#include <lunik/time.h>

/* How long a frame that was sent may wait to be told of. Below the time after
 * which TCP sends again: a segment that the device might still read cannot be
 * sent a second time. */
#define REAP_NS (50 * LUNIK_NS_PER_MS)

/* Frames that wait for a flush, at most. */
#define KICK_AT 32

static void put_free(struct virtio_net *v, struct net_packet *packet)
{
    packet->is_sent = false;
    packet->next = v->free_first;
    v->free_first = packet;
}

/* The packet is free before its (done) is called, which may send. */
static inline void finish(struct virtio_net *v, struct net_packet *packet)
{
    void (*done)(void *arg) = packet->done;
    void *arg = packet->arg;

    put_free(v, packet);
    if (done)
        done(arg);
}

/* Those that wait now: who is told may send, and let more of them wait. */
static void finish_waiting(struct virtio_net *v)
{
    struct net_packet *packet = v->done_first;

    v->done_first = NULL;
    while (packet) {
        struct net_packet *next = packet->next;

        finish(v, packet);
        packet = next;
    }
}

void lunik_virtio_net_reap(struct virtio_net *v)
{
    struct virtqueue_done done[NET_BATCH];
    unsigned turns = v->out.size / NET_BATCH;
    size_t count;

    finish_waiting(v);
    /* A device may be done with a frame as soon as it is sent, and who is told
     * of it may send the next: there must be an end. */
    do {
        count = lunik_virtqueue_collect(&v->out, done, NET_BATCH);
        for (size_t i = 0; i < count; i++)
            finish(v, done[i].token);
    } while (count == NET_BATCH && --turns > 0);
    if (count == NET_BATCH)
        lunik_source_notify(&v->source);
    if (LUNIK_UNLIKELY(v->out.broken != NULL))
        lunik_virtio_net_fail(v, v->out.broken);
}

/* Makes room for a frame that is about to be sent. What is done is only noted:
 * a sender is not called back from within. */
static LUNIK_NOINLINE void make_room(struct virtio_net *v)
{
    struct virtqueue_done done[NET_BATCH];
    size_t count;

    do {
        count = lunik_virtqueue_collect(&v->out, done, NET_BATCH);
        for (size_t i = 0; i < count; i++) {
            struct net_packet *packet = done[i].token;

            packet->next = NULL;
            if (v->done_first)
                v->done_last->next = packet;
            else
                v->done_first = packet;
            v->done_last = packet;
        }
    } while (count == NET_BATCH);
    if (v->done_first)
        lunik_source_notify(&v->source);
    if (v->out.broken)
        lunik_virtio_net_fail(v, v->out.broken);
}

void lunik_virtio_net_drop_packets(struct virtio_net *v)
{
    v->done_first = NULL;
    for (uint16_t i = 0; i < v->out.size; i++)
        if (v->packets[i].is_sent)
            finish(v, &v->packets[i]);
}

static void on_reap_timer(void *arg)
{
    struct virtio_net *v = arg;

    v->is_timed = false;
    if (v->net.is_broken)
        return;
    lunik_virtio_net_reap(v);
    if (v->net.is_broken || v->out.added == v->out.collected)
        return;
    v->is_timed = true;
    lunik_timer_set(&v->reap_timer, lunik_time_after_ns(REAP_NS));
}

void lunik_virtio_net_init_packets(struct virtio_net *v)
{
    v->reap_timer = (struct lunik_timer) { .fn = on_reap_timer, .arg = v };
    v->free_first = v->done_first = v->done_last = NULL;
    for (uint16_t i = 0; i < v->out.size; i++)
        put_free(v, &v->packets[i]);
}

static void fill_header(struct net_header *header,
                        const struct lunik_net_offload *offload)
{
    *header = (struct net_header) { .flags = 0 };
    if (!offload)
        return;
    if (offload->wants_checksum) {
        header->flags = NET_FLAG_NEEDS_CHECKSUM;
        header->checksum_start = offload->checksum_start;
        header->checksum_offset = offload->checksum_offset;
    }
    if (offload->segment_size != 0) {
        header->segment_type =
            offload->is_ip6 ? NET_SEGMENT_TCP6 : NET_SEGMENT_TCP4;
        header->segment_size = offload->segment_size;
        header->header_size = offload->header_size;
    }
}

/* The queue is full: has the device tell of the next one that is done. */
static LUNIK_COLD lunik_result refuse(struct virtio_net *v)
{
    if (v->net.is_broken)
        return LUNIK_EIO;
    v->wants_room = true;
    lunik_virtqueue_kick(&v->out);
    if (v->done_first || lunik_virtqueue_arm(&v->out))
        lunik_source_notify(&v->source);
    return LUNIK_EAGAIN;
}

lunik_result lunik_virtio_net_send(struct lunik_net *net,
                                   const struct lunik_net_part *parts,
                                   size_t count, size_t size,
                                   const struct lunik_net_offload *offload,
                                   void (*done)(void *arg), void *arg)
{
    struct virtio_net *v = net_of(net);
    struct virtqueue_buffer buffers[NET_PARTS_MAX + 1];
    struct net_packet *packet;

    if (lunik_virtqueue_room(&v->out) <= count || !v->free_first) {
        make_room(v);
        if (lunik_virtqueue_room(&v->out) <= count || !v->free_first)
            return refuse(v);
    }
    packet = v->free_first;
    fill_header(&packet->header, offload);
    buffers[0] =
        (struct virtqueue_buffer) { &packet->header, sizeof(packet->header) };
    for (size_t i = 0; i < count; i++)
        buffers[i + 1] = (struct virtqueue_buffer) { parts[i].data,
                                                     (uint32_t)parts[i].size };
    if (lunik_virtqueue_add(&v->out, buffers, (uint16_t)(count + 1), 0,
                            packet) != LUNIK_OK)
        return LUNIK_EIO; /* broken, which the poll tells of */
    v->free_first = packet->next;
    packet->is_sent = true;
    packet->done = done;
    packet->arg = arg;
    net->counts.sent_frames++;
    net->counts.sent_bytes += size;
    if ((uint16_t)(v->out.added - v->out.published) >= KICK_AT)
        lunik_virtqueue_kick(&v->out);
    return LUNIK_OK;
}

void lunik_virtio_net_flush(struct lunik_net *net)
{
    struct virtio_net *v = net_of(net);

    if (v->out.added == v->out.collected)
        return;
    lunik_virtqueue_kick(&v->out);
    if (!v->is_timed) {
        v->is_timed = true;
        lunik_timer_set(&v->reap_timer, lunik_time_after_ns(REAP_NS));
    }
}
