/* SPDX-License-Identifier: MIT */
/* fake_net.c: two network devices with a cable between them. */
#include "fake_net.h"

#include <lunik/event.h>
#include <lunik/panic.h>
#include <stdlib.h>
#include <string.h>

#define TOKENS 16384
#define FRAME_MAX (65535 + LUNIK_NET_HEADER_SIZE)

struct wire_frame {
    struct wire_frame *next;
    size_t size;
    enum lunik_net_checksum checksum;
    uint8_t data[];
};

struct sent_frame {
    struct sent_frame *next;
    void (*done)(void *arg);
    void *arg;
    struct lunik_net_part parts[64];
    size_t count, size;
    uint8_t copy[];
};

/* What a test does not see of an end. */
static struct {
    struct wire_frame *first, *last;
    struct sent_frame *sent_first, *sent_last;
    void *tokens[TOKENS];
    uint32_t next_token;
    unsigned left; /* of the budget */
    struct lunik_source source;
    bool is_added, has_unflushed;
} hidden[2];

struct fake_net_end fake_net_ends[2];

static uint64_t state;

static unsigned draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state % 1000);
}

static unsigned index_of(const struct lunik_net *net)
{
    return net == &fake_net_ends[1].net;
}

static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

/* ---- Checksums and cutting: what a device does for its user ---- */

static uint32_t sum(const uint8_t *data, size_t size, uint32_t total)
{
    for (size_t i = 0; i < size; i++)
        total += (uint32_t)data[i] << (i % 2 ? 0 : 8);
    while (total >> 16)
        total = (total & 0xffff) + (total >> 16);
    return total;
}

static uint32_t get(const uint8_t *at, unsigned count)
{
    uint32_t value = 0;

    while (count-- > 0)
        value = value << 8 | *at++;
    return value;
}

static void put(uint8_t *at, unsigned count, uint32_t value)
{
    while (count-- > 0) {
        at[count] = (uint8_t)value;
        value >>= 8;
    }
}

/* The sum from (start) on covers the pseudo-header's, which lies there. */
static void fill_checksum(uint8_t *frame, size_t size, size_t start, size_t at)
{
    uint32_t total = ~sum(frame + start, size - start, 0) & 0xffff;

    put(frame + start + at, 2, total ? total : 0xffff);
}

/* ---- The cable ---- */

static void append(unsigned to, const uint8_t *frame, size_t size,
                   enum lunik_net_checksum checksum, bool swaps)
{
    struct wire_frame *new = must(malloc(sizeof(*new) + size));

    memcpy(new->data, frame, size);
    new->size = size;
    new->checksum = checksum;
    new->next = NULL;
    if (swaps && hidden[to].first) { /* overtakes all that wait */
        new->next = hidden[to].first;
        hidden[to].first = new;
    } else {
        if (hidden[to].first)
            hidden[to].last->next = new;
        else
            hidden[to].first = new;
        hidden[to].last = new;
    }
    fake_net_ends[to].waiting++;
    if (fake_net_ends[to].net.is_open)
        lunik_source_notify(&hidden[to].source);
}

static void deliver(unsigned to, uint8_t *frame, size_t size,
                    enum lunik_net_checksum checksum)
{
    struct fake_net_end *end = &fake_net_ends[to];

    if (end->on_frame)
        end->on_frame(frame, size, end->on_frame_arg);
    if (!end->net.has_link || end->net.is_broken || end->is_deaf ||
        end->waiting >= end->receive_max || (end->lost && draw() < end->lost))
        return;
    if (end->damaged && draw() < end->damaged)
        frame[(draw() * 1000u + draw()) % size] ^=
            (uint8_t)(1u << (draw() % 8));
    append(to, frame, size, checksum, end->swapped && draw() < end->swapped);
    if (end->doubled && draw() < end->doubled)
        append(to, frame, size, checksum, false);
}

/* Cuts TCP as TSO does: each segment has the headers, corrected. */
static void cut(unsigned to, const uint8_t *frame, size_t size,
                const struct lunik_net_offload *offload)
{
    size_t head = offload->header_size, at = head;
    size_t ip = LUNIK_NET_HEADER_SIZE, tcp = offload->checksum_start;
    uint8_t *one = must(malloc(head + offload->segment_size));
    unsigned count = 0;

    while (at < size) {
        size_t len = size - at < offload->segment_size ? size - at
                                                       : offload->segment_size;
        uint32_t missing = (uint32_t)(size - head - len);
        uint32_t total;

        memcpy(one, frame, head);
        memcpy(one + head, frame + at, len);
        if (offload->is_ip6) {
            put(one + ip + 4, 2, (uint32_t)(head + len - ip - 40));
        } else {
            put(one + ip + 2, 2, (uint32_t)(head + len - ip));
            put(one + ip + 4, 2, get(frame + ip + 4, 2) + count);
            put(one + ip + 10, 2, 0);
            put(one + ip + 10, 2, ~sum(one + ip, tcp - ip, 0));
        }
        put(one + tcp + 4, 4, get(frame + tcp + 4, 4) + (uint32_t)(at - head));
        if (at + len < size)
            one[tcp + 13] &= (uint8_t)~0x09; /* FIN and PSH: the last's */
        if (count > 0)
            one[tcp + 13] &= (uint8_t)~0x80; /* CWR: the first's */
        /* The pseudo-header's sum had the whole length. */
        total = get(one + tcp + 16, 2) + 0xffff - missing % 0xffff;
        put(one + tcp + 16, 2, (total & 0xffff) + (total >> 16));
        fill_checksum(one, head + len, tcp, 16);
        deliver(to, one, head + len, LUNIK_NET_CHECKED);
        at += len;
        count++;
    }
    free(one);
}

static void carry(unsigned to, uint8_t *frame, size_t size,
                  const struct lunik_net_offload *offload)
{
    const struct fake_net_end *end = &fake_net_ends[to];
    bool takes = end->features & LUNIK_NET_CHECKSUM_RECEIVE;

    if (offload && offload->segment_size != 0 && !end->joins_segments) {
        cut(to, frame, size, offload);
    } else if (offload && offload->wants_checksum && takes) {
        deliver(to, frame, size, LUNIK_NET_PARTIAL);
    } else {
        if (offload && offload->wants_checksum)
            fill_checksum(frame, size, offload->checksum_start,
                          offload->checksum_offset);
        deliver(to, frame, size, LUNIK_NET_UNCHECKED);
    }
}

/* ---- The device ---- */

static void finish_sends(unsigned index)
{
    struct sent_frame *sent = hidden[index].sent_first;

    hidden[index].sent_first = NULL;
    while (sent) {
        struct sent_frame *next = sent->next;
        size_t at = 0;

        for (size_t i = 0; i < sent->count; i++) {
            if (memcmp(sent->copy + at, sent->parts[i].data,
                       sent->parts[i].size) != 0)
                lunik_panic("a frame was changed before it was done");
            at += sent->parts[i].size;
        }
        fake_net_ends[index].not_done--;
        if (sent->done)
            sent->done(sent->arg);
        free(sent);
        sent = next;
    }
}

static void poll(void *arg)
{
    struct fake_net_end *end = arg;
    unsigned index = index_of(&end->net);

    if (!end->net.is_open)
        return;
    end->net.counts.interrupts++;
    hidden[index].left = end->budget;
    if (!end->holds_sends || end->net.is_broken)
        finish_sends(index);
    lunik_net_tell(&end->net);
}

static lunik_result open(struct lunik_net *net)
{
    unsigned index = index_of(net);
    struct fake_net_end *end = &fake_net_ends[index];

    static const uint8_t address[6] = { 2, 0, 0, 0, 0, 1 };

    memcpy(net->info.address, address, sizeof(address));
    net->info.address[5] = (uint8_t)(index + 1);
    net->info.mtu = end->mtu;
    net->info.features = end->features;
    net->info.parts_max = end->parts_max;
    hidden[index].left = end->budget;
    hidden[index].source =
        (struct lunik_source) { poll, end, hidden[index].source.bit };
    if (!hidden[index].is_added &&
        lunik_source_add(&hidden[index].source) != LUNIK_OK)
        return LUNIK_ENOMEM;
    hidden[index].is_added = true;
    if (end->waiting)
        lunik_source_notify(&hidden[index].source);
    return LUNIK_OK;
}

static void forget_frames(unsigned index)
{
    while (hidden[index].first) {
        struct wire_frame *frame = hidden[index].first;

        hidden[index].first = frame->next;
        free(frame);
    }
    fake_net_ends[index].waiting = 0;
}

static void close(struct lunik_net *net)
{
    unsigned index = index_of(net);
    bool was_broken = net->is_broken;

    net->is_broken = true; /* who is told of his frames does not send */
    finish_sends(index);
    net->is_broken = was_broken;
    forget_frames(index);
    for (uint32_t i = 0; i < TOKENS; i++) {
        free(hidden[index].tokens[i]);
        hidden[index].tokens[i] = NULL;
    }
    fake_net_ends[index].lent = 0;
}

static uint32_t take_token(unsigned index, void *data)
{
    for (uint32_t i = 0; i < TOKENS; i++) {
        uint32_t token = hidden[index].next_token++ % TOKENS;

        if (!hidden[index].tokens[token]) {
            hidden[index].tokens[token] = data;
            return token;
        }
    }
    lunik_panic("the user of a network device gives no buffer back");
}

static lunik_result receive(struct lunik_net *net, struct lunik_net_frame *out)
{
    unsigned index = index_of(net);
    struct fake_net_end *end = &fake_net_ends[index];
    struct wire_frame *frame = hidden[index].first;
    size_t part = end->part_size, at = 0;

    if (!frame)
        return LUNIK_EAGAIN;
    if (hidden[index].left == 0) {
        lunik_source_notify(&hidden[index].source);
        return LUNIK_EAGAIN;
    }
    hidden[index].left--;
    if (frame->size > part * LUNIK_NET_RECEIVE_PARTS_MAX)
        part = (frame->size - 1) / LUNIK_NET_RECEIVE_PARTS_MAX + 1;
    if (part < LUNIK_NET_HEADER_SIZE)
        part = LUNIK_NET_HEADER_SIZE;
    hidden[index].first = frame->next;
    end->waiting--;
    out->size = frame->size;
    out->checksum = frame->checksum;
    out->is_scarce = end->is_scarce;
    for (out->count = 0; at < frame->size; out->count++) {
        size_t size = frame->size - at < part ? frame->size - at : part;
        void *data = must(malloc(size));

        memcpy(data, frame->data + at, size);
        out->parts[out->count] = (struct lunik_net_part) { data, size };
        out->tokens[out->count] = take_token(index, data);
        at += size;
    }
    end->lent += out->count;
    net->counts.received_frames++;
    net->counts.received_bytes += frame->size;
    free(frame);
    return LUNIK_OK;
}

static void release(struct lunik_net *net, uint32_t token)
{
    unsigned index = index_of(net);

    LUNIK_ASSERT(token < TOKENS);
    LUNIK_ASSERT(hidden[index].tokens[token]);
    free(hidden[index].tokens[token]);
    hidden[index].tokens[token] = NULL;
    fake_net_ends[index].lent--;
}

static lunik_result send(struct lunik_net *net,
                         const struct lunik_net_part *parts, size_t count,
                         size_t size, const struct lunik_net_offload *offload,
                         void (*done)(void *arg), void *arg)
{
    unsigned index = index_of(net);
    struct sent_frame *sent;
    uint8_t *frame;
    size_t at = 0;

    LUNIK_ASSERT(count <= sizeof(sent->parts) / sizeof(*sent->parts));
    if (fake_net_ends[index].not_done >= fake_net_ends[index].send_max) {
        lunik_source_notify(&hidden[index].source);
        return LUNIK_EAGAIN;
    }
    sent = must(malloc(sizeof(*sent) + size));
    frame = must(malloc(size));
    for (size_t i = 0; i < count; i++) {
        memcpy(sent->copy + at, parts[i].data, parts[i].size);
        sent->parts[i] = parts[i];
        at += parts[i].size;
    }
    memcpy(frame, sent->copy, size);
    sent->next = NULL;
    sent->done = done;
    sent->arg = arg;
    sent->count = count;
    sent->size = size;
    if (hidden[index].sent_first)
        hidden[index].sent_last->next = sent;
    else
        hidden[index].sent_first = sent;
    hidden[index].sent_last = sent;
    fake_net_ends[index].not_done++;
    hidden[index].has_unflushed = true;
    net->counts.sent_frames++;
    net->counts.sent_bytes += size;
    if (net->has_link)
        carry(!index, frame, size, offload);
    free(frame);
    lunik_source_notify(&hidden[index].source);
    return LUNIK_OK;
}

static void flush(struct lunik_net *net)
{
    unsigned index = index_of(net);

    fake_net_ends[index].flushes += hidden[index].has_unflushed;
    hidden[index].has_unflushed = false;
}

static const struct lunik_net_ops ops = {
    .open = open,
    .close = close,
    .receive = receive,
    .release = release,
    .send = send,
    .flush = flush,
};

struct lunik_net *platform_net(size_t index)
{
    if (index >= 2)
        return NULL;
    if (!fake_net_ends[index].net.ops)
        fake_net_reset(1);
    return &fake_net_ends[index].net;
}

/* ---- For tests ---- */

void fake_net_reset(uint64_t seed)
{
    state = seed | 1;
    for (unsigned i = 0; i < 2; i++) {
        LUNIK_ASSERT(!fake_net_ends[i].net.is_open);
        forget_frames(i);
        fake_net_ends[i] = (struct fake_net_end) {
            .net = { .ops = &ops, .has_link = true },
            .mtu = 1500,
            .parts_max = 18,
            .part_size = 2034,
            .receive_max = 256,
            .send_max = 128,
            .budget = 64,
        };
    }
}

void fake_net_inject(unsigned index, const void *frame, size_t size,
                     enum lunik_net_checksum checksum)
{
    LUNIK_ASSERT(size > 0);
    LUNIK_ASSERT(size <= FRAME_MAX);
    append(index, frame, size, checksum, false);
}

size_t fake_net_take(unsigned index, void *out, size_t max)
{
    struct wire_frame *frame = hidden[index].first;
    size_t size;

    LUNIK_ASSERT(!fake_net_ends[index].net.is_open);
    if (!frame)
        return 0;
    size = frame->size < max ? frame->size : max;
    memcpy(out, frame->data, size);
    hidden[index].first = frame->next;
    fake_net_ends[index].waiting--;
    free(frame);
    return size;
}

void fake_net_finish_sends(unsigned index)
{
    fake_net_ends[index].holds_sends = false;
    lunik_source_notify(&hidden[index].source);
}

void fake_net_set_link(bool has_link)
{
    for (unsigned i = 0; i < 2; i++) {
        fake_net_ends[i].net.has_link = has_link;
        if (fake_net_ends[i].net.is_open)
            lunik_source_notify(&hidden[i].source);
    }
}

void fake_net_break(unsigned index)
{
    fake_net_ends[index].net.is_broken = true;
    if (fake_net_ends[index].net.is_open)
        lunik_source_notify(&hidden[index].source);
}
