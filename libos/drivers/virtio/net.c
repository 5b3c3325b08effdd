/* SPDX-License-Identifier: MIT */
/*
 * net.c: the life of a virtio network device: finding, starting, link state,
 * stopping. Virtio 1.2, 5.1.
 */
#include "net_state.h"

#include <lunik/mem.h>
#include <lunik/panic.h>
#include <lunik/time.h>
#include <string.h>

/* The configuration. */
#define CONFIG_ADDRESS 0
#define CONFIG_STATUS 6
#define CONFIG_MTU 10

#define STATUS_LINK_UP 1

#define MTU_DEFAULT 1500
#define MTU_MIN 68 /* of IPv4: RFC 791 */

#define FEATURES_SEGMENTS_IN (NET_FEATURE_GUEST_TSO4 | NET_FEATURE_GUEST_TSO6)
#define FEATURES_SEGMENTS_OUT (NET_FEATURE_HOST_TSO4 | NET_FEATURE_HOST_TSO6)
#define FEATURES_WANTED                                               \
    (NET_FEATURE_CSUM | NET_FEATURE_GUEST_CSUM | NET_FEATURE_MTU |    \
     NET_FEATURE_MAC | FEATURES_SEGMENTS_IN | FEATURES_SEGMENTS_OUT | \
     NET_FEATURE_MRG_RXBUF | NET_FEATURE_STATUS)

#define MIB ((size_t)1 << 20)

/* Receive buffers, and places in the send queue, by the machine's memory: a
 * hundredth of it, about, and enough for a burst where there is room. */
static uint16_t buffers_for(uint64_t memory)
{
    if (memory < 8 * MIB)
        return 32;
    if (memory < 16 * MIB)
        return 64;
    return memory < 32 * MIB ? 128 : 256;
}

/* ---- Polling ---- */

void lunik_virtio_net_fail(struct virtio_net *v, const char *what)
{
    if (v->net.is_broken)
        return;
    /* It may have the caller's memory: it is to let go of that. */
    if (!v->device->broken)
        (void)lunik_virtio_reset(v->device);
    lunik_virtio_fail(v->device, what);
    v->net.is_broken = true;
    lunik_source_notify(&v->source);
}

static void poll_queues(void *arg)
{
    struct virtio_net *v = arg;

    if (!v->is_running)
        return;
    if (!v->net.is_broken) {
        v->net.counts.interrupts++;
        v->budget = NET_BUDGET;
        v->wants_room = false;
        lunik_virtio_acknowledge(v->device);
        lunik_virtqueue_disarm(&v->in);
        lunik_virtqueue_disarm(&v->out);
        lunik_virtio_net_reap(v);
    }
    if (v->net.is_broken)
        lunik_virtio_net_drop_packets(v);
    lunik_net_tell(&v->net);
}

/* Reads whether the cable is in. False: the device is broken. */
static bool read_link(struct virtio_net *v)
{
    uint16_t status = STATUS_LINK_UP;

    if (v->device->features & NET_FEATURE_STATUS &&
        lunik_virtio_read_config(v->device, CONFIG_STATUS, &status,
                                 sizeof(status)) != LUNIK_OK)
        return false;
    v->net.has_link = status & STATUS_LINK_UP;
    return true;
}

static void poll_config(void *arg)
{
    struct virtio_net *v = arg;
    bool had_link = v->net.has_link;

    if (!v->is_running || v->net.is_broken)
        return;
    if (lunik_virtio_needs_reset(v->device) || !read_link(v))
        lunik_virtio_net_fail(v, "has no link state");
    else if (v->net.has_link != had_link)
        lunik_net_tell(&v->net);
}

/* ---- Starting ---- */

/* Those of (features) that make sense together, and here. */
static uint64_t usable(struct virtio_net *v, uint64_t features)
{
    struct virtio_device *device = v->device;

    if (!(features & NET_FEATURE_CSUM))
        features &= ~FEATURES_SEGMENTS_OUT;
    if (!(features & NET_FEATURE_GUEST_CSUM) ||
        !(features & NET_FEATURE_MRG_RXBUF) ||
        v->buffer_count < NET_BUFFERS_FOR_SEGMENTS ||
        device->transport->choose_queue(device, NET_QUEUE_RECEIVE) <
            NET_BUFFERS_FOR_SEGMENTS)
        features &= ~FEATURES_SEGMENTS_IN;
    return features;
}

static lunik_result negotiate(struct virtio_net *v)
{
    lunik_result result = lunik_virtio_start(v->device, FEATURES_WANTED);
    uint64_t features;

    if (result != LUNIK_OK)
        return result;
    features = usable(v, v->device->features);
    if (features != v->device->features)
        result = lunik_virtio_start(v->device, features);
    v->has_merging = v->device->features & NET_FEATURE_MRG_RXBUF;
    return result;
}

static unsigned offers(uint64_t features)
{
    return (features & NET_FEATURE_CSUM ? LUNIK_NET_CHECKSUM_SEND : 0) |
           (features & NET_FEATURE_GUEST_CSUM ? LUNIK_NET_CHECKSUM_RECEIVE
                                              : 0) |
           (features & NET_FEATURE_HOST_TSO4 ? LUNIK_NET_SEGMENT4 : 0) |
           (features & NET_FEATURE_HOST_TSO6 ? LUNIK_NET_SEGMENT6 : 0);
}

/* Reads the configuration. NULL: it is good; otherwise why it is not. */
static const char *read_info(struct virtio_net *v)
{
    struct lunik_net_info *info = &v->net.info;
    uint64_t features = v->device->features;
    uint16_t mtu = MTU_DEFAULT;

    /* Without merging, a frame has one buffer. */
    const size_t mtu_max = v->has_merging
                               ? UINT16_MAX
                               : NET_BUFFER_ROOM - sizeof(struct net_header) -
                                     LUNIK_NET_HEADER_SIZE;

    if (!(features & NET_FEATURE_MAC) ||
        lunik_virtio_read_config(v->device, CONFIG_ADDRESS, info->address,
                                 sizeof(info->address)) != LUNIK_OK ||
        info->address[0] & 1)
        return "has no hardware address of its own";
    if (features & NET_FEATURE_MTU &&
        (lunik_virtio_read_config(v->device, CONFIG_MTU, &mtu, sizeof(mtu)) !=
             LUNIK_OK ||
         mtu < MTU_MIN))
        return "has no possible MTU";
    if (!read_link(v))
        return "has no link state";
    info->mtu = mtu < mtu_max ? mtu : (uint16_t)mtu_max;
    info->features = offers(features);
    return NULL;
}

/* The bytes of a queue of (size) entries, and where the next one may begin. */
static size_t queue_bytes(uint16_t size)
{
    return (VIRTQUEUE_BYTES((size_t)size) + VIRTQUEUE_ALIGN - 1) &
           ~(size_t)(VIRTQUEUE_ALIGN - 1);
}

static uint16_t send_size(uint16_t buffer_count)
{
    return buffer_count > NET_SEND_SIZE ? buffer_count : NET_SEND_SIZE;
}

/* Takes memory for up to (count) buffers; halves that where there is no room.
 * The queues come first, since they have the strictest alignment. */
static bool take_memory(struct virtio_net *v, uint16_t count)
{
    for (; count >= NET_BUFFERS_MIN; count /= 2) {
        size_t queues = queue_bytes(count) + queue_bytes(send_size(count));
        size_t buffers = count * NET_BUFFER_SIZE;
        size_t packets = send_size(count) * sizeof(struct net_packet);
        size_t size = queues + buffers + packets + count * sizeof(bool);
        uint8_t *at;

        v->page_count = (size + LUNIK_PAGE_SIZE - 1) / LUNIK_PAGE_SIZE;
        v->memory = at = lunik_pages_alloc(v->page_count);
        if (!at)
            continue;
        v->buffer_count = count;
        v->buffers = at + queues;
        v->packets = (struct net_packet *)(void *)(v->buffers + buffers);
        v->is_lent = (bool *)(void *)(v->buffers + buffers + packets);
        return true;
    }
    return false;
}

static lunik_result start_queues(struct virtio_net *v)
{
    uint8_t *memory = v->memory;
    uint16_t count = v->buffer_count;
    lunik_result result = lunik_virtio_queue_start(v->device, NET_QUEUE_RECEIVE,
                                                   &v->in, count, memory);

    if (result == LUNIK_OK)
        result = lunik_virtio_queue_start(v->device, NET_QUEUE_SEND, &v->out,
                                          send_size(count),
                                          memory + queue_bytes(count));
    if (result != LUNIK_OK || v->out.size < NET_SEND_SIZE_MIN)
        return LUNIK_EIO;
    v->buffer_count = v->in.size;
    v->net.info.parts_max =
        v->out.size - 1u < NET_PARTS_MAX ? v->out.size - 1u : NET_PARTS_MAX;
    lunik_virtio_net_init_packets(v);
    lunik_virtqueue_disarm(&v->in);
    lunik_virtqueue_disarm(&v->out);
    return LUNIK_OK;
}

/* Interrupts: once, they outlive a reset. */
static lunik_result attach(struct virtio_net *v)
{
    lunik_result result;

    if (v->is_attached)
        return LUNIK_OK;
    v->source = (struct lunik_source) { .poll = poll_queues, .arg = v };
    v->config_source = (struct lunik_source) { .poll = poll_config, .arg = v };
    result = lunik_source_add(&v->source);
    if (result == LUNIK_OK)
        result = lunik_source_add(&v->config_source);
    if (result == LUNIK_OK)
        result = lunik_virtio_attach(v->device, &v->source, &v->config_source);
    v->is_attached = result == LUNIK_OK;
    return result;
}

static void stop(struct virtio_net *v)
{
    bool is_safe = lunik_virtio_reset(v->device);

    if (!is_safe)
        lunik_virtio_fail(v->device, "does not finish a reset");
    if (v->is_running) {
        v->is_running = false;
        v->net.is_broken = true; /* those who are told do not send */
        lunik_virtio_net_drop_packets(v);
    }
    /* Memory that a device may still write to is nobody else's any more. */
    if (is_safe)
        lunik_pages_free(v->memory, v->page_count);
    v->memory = NULL;
    v->net.is_broken = v->device->broken != NULL;
}

static lunik_result open(struct lunik_net *net)
{
    struct virtio_net *v = net_of(net);
    struct lunik_mem_info memory;
    const char *lie;
    lunik_result result;

    lunik_mem_get_info(&memory);
    if (!take_memory(v, buffers_for(memory.total_bytes)))
        return LUNIK_ENOMEM;
    result = negotiate(v);
    if (result != LUNIK_OK)
        goto stop;
    lie = read_info(v);
    if (lie) {
        lunik_virtio_fail(v->device, lie);
        goto stop;
    }
    if (start_queues(v) != LUNIK_OK || attach(v) != LUNIK_OK) {
        lunik_virtio_fail(v->device, "cannot be started");
        goto stop;
    }
    lunik_virtio_ready(v->device);
    v->is_running = true;
    lunik_virtio_net_fill(v);
    return LUNIK_OK;

stop:
    stop(v);
    return LUNIK_EIO;
}

static void close(struct lunik_net *net)
{
    struct virtio_net *v = net_of(net);

    if (v->is_timed)
        lunik_timer_clear(&v->reap_timer);
    v->is_timed = false;
    stop(v);
}

static const struct lunik_net_ops ops = {
    .open = open,
    .close = close,
    .receive = lunik_virtio_net_receive,
    .release = lunik_virtio_net_release,
    .send = lunik_virtio_net_send,
    .flush = lunik_virtio_net_flush,
};

struct lunik_net *platform_virtio_net_take(void)
{
    struct virtio_device *device = lunik_virtio_take(VIRTIO_TYPE_NET);
    struct virtio_net *v;

    if (!device)
        return NULL;
    v = lunik_mem_alloc_zeroed(1, sizeof(*v));
    if (!v)
        return NULL;
    v->net.ops = &ops;
    v->device = device;
    return &v->net;
}
