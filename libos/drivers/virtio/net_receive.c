/* SPDX-License-Identifier: MIT */
/*
 * net_receive.c: frames from a virtio network device, without a copy.
 *
 * A frame fills one buffer, or several where the device merges. What the
 * device wrote into the header before a frame is read once, and a device that
 * contradicts itself there is given up.
 */
#include "net_state.h"

#include <lunik/panic.h>

static uint8_t *buffer_at(const struct virtio_net *v, uint32_t token)
{
    return v->buffers + token * NET_BUFFER_SIZE + NET_BUFFER_SKIP;
}

static uint16_t load16(const void *from)
{
    return __atomic_load_n((const uint16_t *)from, __ATOMIC_RELAXED);
}

/* ---- Buffers ---- */

static inline void lend(struct virtio_net *v, uint32_t token)
{
    struct virtqueue_buffer buffer = { buffer_at(v, token), NET_BUFFER_ROOM };

    /* There is a descriptor for each buffer: only a broken queue says no. */
    (void)!lunik_virtqueue_add(&v->in, &buffer, 0, 1, (void *)(uintptr_t)token);
}

void lunik_virtio_net_fill(struct virtio_net *v)
{
    v->done_at = v->done_count = 0;
    v->lent_count = 0;
    v->budget = NET_BUDGET;
    for (uint16_t i = 0; i < v->buffer_count; i++) {
        v->is_lent[i] = false;
        lend(v, i);
    }
    lunik_virtqueue_kick(&v->in);
    if (lunik_virtqueue_arm(&v->in))
        lunik_source_notify(&v->source);
}

void lunik_virtio_net_release(struct lunik_net *net, uint32_t token)
{
    struct virtio_net *v = net_of(net);
    uint16_t batch = v->buffer_count / 8;

    LUNIK_ASSERT(token < v->buffer_count);
    LUNIK_ASSERT(v->is_lent[token]);
    v->is_lent[token] = false;
    v->lent_count--;
    lend(v, token);
    /* The device is shown several at once, but it never runs dry while some
     * are at hand. */
    if ((uint16_t)(v->in.added - v->in.published) >= batch ||
        (uint16_t)(v->in.published - v->in.collected) < batch)
        lunik_virtqueue_kick(&v->in);
}

/* ---- Frames ---- */

static bool collect(struct virtio_net *v)
{
    v->done_at = 0;
    v->done_count =
        (uint16_t)lunik_virtqueue_collect(&v->in, v->done, NET_BATCH);
    return v->done_count > 0;
}

/* Nothing is there: has the device tell of the next one. True: now there is,
 * from just before it was asked to. */
static bool wait_for_more(struct virtio_net *v)
{
    lunik_virtqueue_kick(&v->in);
    if (lunik_virtqueue_arm(&v->in) && collect(v))
        return true;
    if (v->in.broken)
        lunik_virtio_net_fail(v, v->in.broken);
    return false;
}

/* Takes the next buffer into (out) as its part (at). */
static inline void take_part(struct virtio_net *v, struct lunik_net_frame *out,
                             size_t at)
{
    const struct virtqueue_done *done = &v->done[v->done_at++];
    uint32_t token = (uint32_t)(uintptr_t)done->token;

    v->is_lent[token] = true;
    v->lent_count++;
    out->tokens[at] = token;
    out->parts[at].data = buffer_at(v, token);
    out->parts[at].size = done->size;
}

static void drop(struct virtio_net *v, const struct lunik_net_frame *frame)
{
    v->net.counts.dropped++;
    for (size_t i = 0; i < frame->count; i++)
        lunik_virtio_net_release(&v->net, frame->tokens[i]);
}

/* Takes the (count) - 1 buffers after the first. LUNIK_EAGAIN: the frame has
 * too many and was dropped. */
static lunik_result take_rest(struct virtio_net *v, struct lunik_net_frame *out,
                              uint16_t count)
{
    bool is_too_long = count > LUNIK_NET_RECEIVE_PARTS_MAX;

    for (uint16_t i = 1; i < count; i++) {
        if (v->done_at == v->done_count && !collect(v)) {
            lunik_virtio_net_fail(
                v, v->in.broken ? v->in.broken
                                : "promises more buffers than it fills");
            return LUNIK_EIO;
        }
        if (is_too_long) {
            take_part(v, out, 1);
            lunik_virtio_net_release(&v->net, out->tokens[1]);
            continue;
        }
        take_part(v, out, i);
        if (out->parts[i].size == 0) {
            lunik_virtio_net_fail(v, "merges an empty buffer into a frame");
            return LUNIK_EIO;
        }
        out->size += out->parts[i].size;
        out->count++;
    }
    if (!is_too_long)
        return LUNIK_OK;
    drop(v, out);
    return LUNIK_EAGAIN;
}

/* What the device says of checksums and joined segments. NULL: it is possible;
 * otherwise why not. */
static const char *read_offload(const struct virtio_net *v,
                                const struct net_header *header,
                                struct lunik_net_frame *out)
{
    uint64_t features = v->device->features;
    uint16_t first = load16(&header->flags);
    unsigned flags = first & 0xff, type = first >> 8;
    size_t end;

    if (type != NET_SEGMENT_NONE) {
        if (!(type == NET_SEGMENT_TCP4 && features & NET_FEATURE_GUEST_TSO4) &&
            !(type == NET_SEGMENT_TCP6 && features & NET_FEATURE_GUEST_TSO6))
            return "joins segments in a way that was not agreed on";
        if (load16(&header->segment_size) == 0)
            return "joins segments of no size";
    }
    if (!(features & NET_FEATURE_GUEST_CSUM))
        return NULL; /* the flags have no meaning then */
    if (flags & NET_FLAG_NEEDS_CHECKSUM) {
        end = (size_t)load16(&header->checksum_start) +
              load16(&header->checksum_offset) + sizeof(uint16_t);
        if (end > out->size)
            return "places a checksum outside of the frame";
        out->checksum = LUNIK_NET_PARTIAL;
    } else if (flags & NET_FLAG_CHECKED) {
        out->checksum = LUNIK_NET_CHECKED;
    }
    return NULL;
}

/* Takes the frame that begins with the next buffer. LUNIK_EAGAIN: it was
 * dropped. */
static inline lunik_result take_frame(struct virtio_net *v,
                                      struct lunik_net_frame *out)
{
    const struct net_header *header;
    uint16_t buffer_count = 1;
    const char *lie;
    lunik_result result;

    take_part(v, out, 0);
    out->count = 1;
    out->checksum = LUNIK_NET_UNCHECKED;
    header = out->parts[0].data;
    if (LUNIK_UNLIKELY(out->parts[0].size < sizeof(*header))) {
        lunik_virtio_net_fail(v, "fills a buffer with less than a header");
        return LUNIK_EIO;
    }
    out->parts[0].data = (uint8_t *)out->parts[0].data + sizeof(*header);
    out->parts[0].size -= sizeof(*header);
    out->size = out->parts[0].size;
    if (v->has_merging)
        buffer_count = load16(&header->buffer_count);
    if (buffer_count != 1) {
        if (buffer_count == 0 || buffer_count > v->buffer_count) {
            lunik_virtio_net_fail(v, "merges no buffer, or more than it has");
            return LUNIK_EIO;
        }
        result = take_rest(v, out, buffer_count);
        if (result != LUNIK_OK)
            return result;
    }
    if (LUNIK_UNLIKELY(out->parts[0].size < LUNIK_NET_HEADER_SIZE)) {
        drop(v, out);
        return LUNIK_EAGAIN;
    }
    lie = read_offload(v, header, out);
    if (LUNIK_LIKELY(!lie))
        return LUNIK_OK;
    lunik_virtio_net_fail(v, lie);
    return LUNIK_EIO;
}

lunik_result lunik_virtio_net_receive(struct lunik_net *net,
                                      struct lunik_net_frame *out)
{
    struct virtio_net *v = net_of(net);
    lunik_result result;

    do {
        if (v->done_at == v->done_count && !collect(v) && !wait_for_more(v))
            return v->net.is_broken ? LUNIK_EIO : LUNIK_EAGAIN;
        if (v->budget == 0) {
            /* Fibers first; the poll comes back to the rest. */
            lunik_virtqueue_kick(&v->in);
            lunik_source_notify(&v->source);
            return LUNIK_EAGAIN;
        }
        v->budget--;
        result = take_frame(v, out);
    } while (result == LUNIK_EAGAIN);
    if (result != LUNIK_OK)
        return result;
    out->is_scarce = v->lent_count + 2 > v->buffer_count / 2;
    net->counts.received_frames++;
    net->counts.received_bytes += out->size;
    return LUNIK_OK;
}
