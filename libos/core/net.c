/* SPDX-License-Identifier: MIT */
/* net.c: network devices: names, who has which, and the way to the driver. */
#include "net_device.h"

#include <lunik/mem.h>
#include <lunik/panic.h>
#include <string.h>

/* No frame is longer, whoever cuts it: an IP packet's length has 16 bits. */
#define SEGMENTED_MAX (65535 + LUNIK_NET_HEADER_SIZE)

/* A frame with an 802.1Q tag is so much longer. */
#define TAG_SIZE 4

/* ---- Opening ---- */

static const char names[LUNIK_NET_MAX][5] = { "net0", "net1", "net2", "net3" };

const char *lunik_net_name(size_t index)
{
    return index < LUNIK_NET_MAX && platform_net(index) ? names[index] : NULL;
}

lunik_result lunik_net_open(const char *name, struct lunik_net **out)
{
    struct lunik_net *net;
    size_t index = 0;
    lunik_result result;

    *out = NULL;
    while (index < LUNIK_NET_MAX && strcmp(names[index], name) != 0)
        index++;
    net = index < LUNIK_NET_MAX ? platform_net(index) : NULL;
    if (!net)
        return LUNIK_ENOENT;
    if (net->is_open)
        return LUNIK_EINUSE;
    if (net->is_broken)
        return LUNIK_EIO;
    net->info = (struct lunik_net_info) { .mtu = 0 };
    memcpy(net->info.name, names[index], sizeof(names[index]));
    net->counts = (struct lunik_net_counts) { .dropped = 0 };
    net->handler = NULL;
    net->has_news = false;
    net->is_open = true;
    result = net->ops->open(net);
    if (result != LUNIK_OK) {
        net->is_open = false;
        return result;
    }
    *out = net;
    return LUNIK_OK;
}

void lunik_net_close(struct lunik_net *net)
{
    if (!net)
        return;
    LUNIK_ASSERT(net->is_open);
    net->handler = NULL;
    net->ops->close(net);
    net->is_open = false;
    lunik_event_signal(&net->event);
}

/* ---- Asking ---- */

void lunik_net_get_info(const struct lunik_net *net, struct lunik_net_info *out)
{
    *out = net->info;
}

bool lunik_net_has_link(const struct lunik_net *net)
{
    return net->has_link && !net->is_broken;
}

bool lunik_net_is_broken(const struct lunik_net *net)
{
    return net->is_broken;
}

void lunik_net_get_counts(const struct lunik_net *net,
                          struct lunik_net_counts *out)
{
    *out = net->counts;
}

/* ---- Receiving ---- */

lunik_result lunik_net_receive(struct lunik_net *net,
                               struct lunik_net_frame *out)
{
    LUNIK_ASSERT(net->is_open);
    if (LUNIK_UNLIKELY(net->is_broken))
        return LUNIK_EIO;
    return net->ops->receive(net, out);
}

void lunik_net_release(struct lunik_net *net, uint32_t token)
{
    LUNIK_ASSERT(net->is_open);
    net->ops->release(net, token);
}

/* ---- Sending ---- */

/* Whether the device has the offload and its offsets lie in the frame. */
static bool is_possible(const struct lunik_net *net, size_t size,
                        const struct lunik_net_offload *offload)
{
    size_t start = offload->checksum_start;
    unsigned cutter = offload->is_ip6 ? LUNIK_NET_SEGMENT6 : LUNIK_NET_SEGMENT4;

    if (offload->wants_checksum &&
        (!(net->info.features & LUNIK_NET_CHECKSUM_SEND) ||
         start + offload->checksum_offset + sizeof(uint16_t) > size))
        return false;
    if (offload->segment_size == 0)
        return true;
    /* A cutter writes checksums, so it must be told where. */
    return (net->info.features & cutter) && offload->wants_checksum &&
           offload->header_size > start && offload->header_size < size &&
           offload->segment_size <= net->info.mtu && size <= SEGMENTED_MAX;
}

lunik_result lunik_net_send(struct lunik_net *net,
                            const struct lunik_net_part *parts, size_t count,
                            const struct lunik_net_offload *offload,
                            void (*done)(void *arg), void *arg)
{
    size_t size = 0;

    LUNIK_ASSERT(net->is_open);
    if (LUNIK_UNLIKELY(net->is_broken))
        return LUNIK_EIO;
    if (count == 0 || count > net->info.parts_max)
        return LUNIK_EINVAL;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].size == 0 || parts[i].size > SEGMENTED_MAX)
            return LUNIK_EINVAL;
        size += parts[i].size;
    }
    if (size < LUNIK_NET_HEADER_SIZE)
        return LUNIK_EINVAL;
    if (offload && !is_possible(net, size, offload))
        return LUNIK_EINVAL;
    if ((!offload || offload->segment_size == 0) &&
        size > (size_t)net->info.mtu + LUNIK_NET_HEADER_SIZE + TAG_SIZE)
        return LUNIK_EINVAL;
    return net->ops->send(net, parts, count, size, offload, done, arg);
}

void lunik_net_flush(struct lunik_net *net)
{
    LUNIK_ASSERT(net->is_open);
    if (!net->is_broken)
        net->ops->flush(net);
}

lunik_result lunik_net_send_copy(struct lunik_net *net, const void *frame,
                                 size_t size)
{
    struct lunik_net_part part = { NULL, size };
    lunik_result result;

    if (size < LUNIK_NET_HEADER_SIZE || size > SEGMENTED_MAX)
        return LUNIK_EINVAL;
    part.data = lunik_mem_alloc(size);
    if (!part.data)
        return LUNIK_ENOMEM;
    memcpy(part.data, frame, size);
    result = lunik_net_send(net, &part, 1, NULL, lunik_mem_free, part.data);
    if (result == LUNIK_OK)
        lunik_net_flush(net);
    else
        lunik_mem_free(part.data);
    return result;
}

/* ---- Waiting ---- */

void lunik_net_set_handler(struct lunik_net *net, void (*handler)(void *arg),
                           void *arg)
{
    net->handler = handler;
    net->handler_arg = arg;
}

void lunik_net_tell(struct lunik_net *net)
{
    if (net->handler) {
        net->handler(net->handler_arg);
        return;
    }
    net->has_news = true;
    lunik_event_signal(&net->event);
}

lunik_result lunik_net_wait(struct lunik_net *net, uint64_t deadline_ns)
{
    lunik_result result = LUNIK_OK;

    LUNIK_ASSERT(net->is_open);
    /* What was told of while the caller was elsewhere is not missed. */
    if (!net->has_news)
        result = lunik_event_wait(&net->event, deadline_ns);
    net->has_news = false;
    return result;
}
