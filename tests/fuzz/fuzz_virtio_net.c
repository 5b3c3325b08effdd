/* SPDX-License-Identifier: MIT */
/*
 * fuzz_virtio_net.c: a network device that writes what it likes into what it
 * may write to: used rings, buffers, configuration, status.
 *
 * The input is a list of steps, of the device and of the image. Between them
 * it must hold that a frame lies within the device's buffers, that no buffer
 * is given to the image twice, that each frame sent is told of once, and that
 * a device that was given up stays so.
 */
#include "net_state.h"

#include "registers.h"

#include <lunik/log.h>
#include <lunik/mem.h>
#include <lunik/panic.h>
#include <lunik/time.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COUNT 32 /* buffers; and 64 places to send */
#define STEPS_MAX 128
#define OPENS_MAX 4 /* the dearest step */
#define SENT_MAX STEPS_MAX

static struct {
    const uint8_t *at, *end; /* of the input */
    struct virtio_device device;
    uint8_t config[12], status;
    uint64_t features;
    const struct lunik_source *queues, *changes;
    unsigned pending;
    struct lunik_timer *timer;
    struct lunik_net *net;
    uint32_t kept[COUNT];
    unsigned kept_count;
    unsigned sent, told, opens;
    bool is_told[SENT_MAX];
} now;

static void *pages, *state_memory;
static size_t pages_bytes;

static void must(bool holds)
{
    if (!holds)
        abort();
}

static uint8_t next(void)
{
    return now.at < now.end ? *now.at++ : 0;
}

static uint16_t next16(void)
{
    uint16_t low = next();

    return (uint16_t)(low | next() << 8);
}

/* ---- What the driver asks for ---- */

void arch_register_store16(volatile void *at, uint16_t value)
{
    (void)at;
    (void)value;
}

void arch_register_store32(volatile void *at, uint32_t value)
{
    (void)at;
    (void)value;
}

uint8_t arch_register_load8(const volatile void *at)
{
    (void)at;
    return 0;
}

uint16_t arch_register_load16(const volatile void *at)
{
    (void)at;
    return 0;
}

uint32_t arch_register_load32(const volatile void *at)
{
    (void)at;
    return 0;
}

void lunik_assert_failed(const char *expression, const char *file, int line)
{
    (void)expression;
    (void)file;
    (void)line;
    abort();
}

void lunik_log(lunik_log_level level, const char *format, ...)
{
    (void)level;
    (void)format;
}

void lunik_mem_get_info(struct lunik_mem_info *out)
{
    *out = (struct lunik_mem_info) { .total_bytes = 4 << 20 };
}

/* The same each time: a block of its own, so that a sanitizer sees its end. */
void *lunik_pages_alloc(size_t count)
{
    if (!pages) {
        pages_bytes = count * LUNIK_PAGE_SIZE;
        pages = aligned_alloc(LUNIK_PAGE_SIZE, pages_bytes);
    }
    must(pages && count * LUNIK_PAGE_SIZE == pages_bytes);
    return pages;
}

void lunik_pages_free(void *memory, size_t count)
{
    must(memory == pages && count * LUNIK_PAGE_SIZE == pages_bytes);
}

void *lunik_mem_alloc_zeroed(size_t count, size_t size)
{
    if (!state_memory)
        state_memory = malloc(count * size);
    must(state_memory);
    memset(state_memory, 0, count * size);
    return state_memory;
}

void *lunik_mem_alloc(size_t size)
{
    return malloc(size);
}

void lunik_mem_free(void *memory)
{
    free(memory);
}

lunik_result lunik_source_add(struct lunik_source *source)
{
    source->bit = 0;
    return LUNIK_OK;
}

void lunik_source_notify(const struct lunik_source *source)
{
    now.pending |= source == now.queues ? 1 : 2;
}

void lunik_event_signal(struct lunik_event *event)
{
    (void)event;
}

lunik_result lunik_event_wait(struct lunik_event *event, uint64_t deadline_ns)
{
    (void)event;
    (void)deadline_ns;
    return LUNIK_ETIMEOUT;
}

void lunik_timer_set(struct lunik_timer *timer, uint64_t deadline_ns)
{
    (void)deadline_ns;
    now.timer = timer;
}

void lunik_timer_clear(struct lunik_timer *timer)
{
    (void)timer;
    now.timer = NULL;
}

uint64_t lunik_time_after_ns(uint64_t delay_ns)
{
    return delay_ns;
}

/* ---- The bus ---- */

static uint8_t get_status(struct virtio_device *device)
{
    (void)device;
    return now.status;
}

static void set_status(struct virtio_device *device, uint8_t status)
{
    (void)device;
    now.status = status;
}

static uint64_t get_features(struct virtio_device *device)
{
    (void)device;
    return now.features;
}

static void set_features(struct virtio_device *device, uint64_t features)
{
    (void)device;
    must((features & ~now.features) == 0);
}

static uint32_t choose_queue(struct virtio_device *device, uint16_t index)
{
    (void)device;
    return index < 2 ? 256 : 0;
}

static lunik_result enable_queue(struct virtio_device *device, uint16_t index,
                                 struct virtqueue *queue)
{
    (void)device;
    (void)index;
    (void)queue;
    return LUNIK_OK;
}

static size_t config_size(struct virtio_device *device)
{
    (void)device;
    return sizeof(now.config);
}

static uint32_t get_generation(struct virtio_device *device)
{
    (void)device;
    return 0;
}

static void read_config(struct virtio_device *device, size_t offset, void *out,
                        size_t size)
{
    (void)device;
    memcpy(out, now.config + offset, size);
}

static lunik_result attach(struct virtio_device *device,
                           const struct lunik_source *queues,
                           const struct lunik_source *config)
{
    (void)device;
    now.queues = queues;
    now.changes = config;
    return LUNIK_OK;
}

static unsigned take_cause(struct virtio_device *device)
{
    (void)device;
    return VIRTIO_CAUSE_QUEUE;
}

static const struct virtio_transport transport = {
    .name = "fuzz",
    .get_status = get_status,
    .set_status = set_status,
    .get_features = get_features,
    .set_features = set_features,
    .choose_queue = choose_queue,
    .enable_queue = enable_queue,
    .config_size = config_size,
    .get_generation = get_generation,
    .read_config = read_config,
    .attach = attach,
    .take_cause = take_cause,
};

struct virtio_device *lunik_virtio_take(uint32_t type)
{
    must(type == VIRTIO_TYPE_NET);
    return &now.device;
}

struct lunik_net *platform_net(size_t index)
{
    static struct lunik_net *net;

    if (now.net == NULL && index == 0)
        now.net = net = platform_virtio_net_take();
    return index == 0 ? now.net : NULL;
}

/* ---- The image ---- */

static struct virtio_net *state(void)
{
    return net_of(now.net);
}

static void on_done(void *arg)
{
    bool *is_told = arg;

    must(!*is_told);
    *is_told = true;
    now.told++;
}

static void open(void)
{
    now.kept_count = 0;
    if (lunik_net_open("net0", &now.net) != LUNIK_OK) {
        now.net = platform_net(0);
        return;
    }
    must(state()->buffer_count == COUNT);
    for (unsigned i = 0; i < COUNT; i++)
        memset(state()->buffers + i * NET_BUFFER_SIZE, 0, 16);
}

static void close(void)
{
    if (!now.net->is_open)
        return;
    lunik_net_close(now.net);
    must(now.told == now.sent && !now.timer);
}

/* Looks at every byte of a frame, and at what it says of itself. */
static void check_frame(const struct lunik_net_frame *frame)
{
    const uint8_t *low = state()->buffers, *high;
    size_t size = 0;
    volatile uint8_t sum = 0;

    high = low + COUNT * NET_BUFFER_SIZE;
    must(frame->count > 0 && frame->count <= LUNIK_NET_RECEIVE_PARTS_MAX);
    must(frame->parts[0].size >= LUNIK_NET_HEADER_SIZE);
    must(frame->checksum == LUNIK_NET_UNCHECKED ||
         now.device.features & NET_FEATURE_GUEST_CSUM);
    for (size_t i = 0; i < frame->count; i++) {
        const uint8_t *at = frame->parts[i].data;

        must(frame->parts[i].size > 0 && at >= low && at < high &&
             frame->parts[i].size <= (size_t)(high - at));
        must((size_t)(at - low) / NET_BUFFER_SIZE == frame->tokens[i]);
        must((size_t)(at - low) % NET_BUFFER_SIZE + frame->parts[i].size <=
             NET_BUFFER_SIZE);
        for (size_t k = 0; k < frame->parts[i].size; k += 64)
            sum = (uint8_t)(sum + at[k]);
        size += frame->parts[i].size;
    }
    must(size == frame->size);
}

static void receive(uint8_t value)
{
    struct lunik_net_frame frame;
    lunik_result result = lunik_net_receive(now.net, &frame);

    must(result == LUNIK_OK || result == LUNIK_EAGAIN ||
         (result == LUNIK_EIO && now.net->is_broken));
    if (result != LUNIK_OK)
        return;
    must(!now.net->is_broken);
    check_frame(&frame);
    for (size_t i = 0; i < frame.count; i++)
        for (unsigned k = 0; k < now.kept_count; k++)
            must(now.kept[k] != frame.tokens[i]);
    must(now.kept_count + frame.count <= COUNT);
    for (size_t i = 0; i < frame.count; i++) {
        if (value & 1)
            lunik_net_release(now.net, frame.tokens[i]);
        else
            now.kept[now.kept_count++] = frame.tokens[i];
    }
}

static void send(uint8_t value)
{
    struct lunik_net_part parts[8];
    struct lunik_net_offload offload = {
        .wants_checksum = value & 1,
        .checksum_start = next(),
        .checksum_offset = next(),
        .segment_size = value & 2 ? next16() : 0,
        .header_size = next(),
        .is_ip6 = value & 4,
    };
    size_t count = value >> 5;

    if (now.sent == SENT_MAX)
        return;
    for (size_t i = 0; i < count; i++)
        parts[i] = (struct lunik_net_part) { &now.config, next16() };
    if (lunik_net_send(now.net, parts, count, value & 8 ? &offload : NULL,
                       on_done, &now.is_told[now.sent]) == LUNIK_OK)
        now.sent++;
}

static void run(void)
{
    unsigned pending = now.pending;
    struct lunik_timer *timer = now.timer;

    now.pending = 0;
    if (pending & 2)
        now.changes->poll(now.changes->arg);
    if (pending & 1)
        now.queues->poll(now.queues->arg);
    if (timer) {
        now.timer = NULL;
        timer->fn(timer->arg);
    }
}

/* ---- The device ---- */

/* Answers the request at (value) of the ring, with (size). */
static void answer(struct virtqueue *queue, uint8_t value, uint16_t size)
{
    uint16_t *used = queue->used;
    uint16_t at = (uint16_t)(used[1] % queue->size);

    used[2 + 4 * at] = queue->avail[2 + value % queue->size];
    used[3 + 4 * at] = 0;
    used[4 + 4 * at] = size;
    used[5 + 4 * at] = 0;
    used[1]++;
}

/* Gives a frame into the buffer that is next in the ring. */
static void give(uint8_t value)
{
    struct virtqueue *queue = &state()->in;
    uint16_t id = queue->avail[2 + queue->used[1] % queue->size];
    uint8_t *buffer;

    if (id >= COUNT)
        return;
    buffer = state()->buffers +
             (uintptr_t)queue->slots[id].token % COUNT * NET_BUFFER_SIZE;
    buffer[2] = value & 8 ? next() : 0; /* flags */
    buffer[3] = value & 16 ? next() : 0;
    for (unsigned i = 4; i < 12; i++)
        buffer[i] = value & 32 ? next() : 0;
    buffer[12] = value & 64 ? next() : 1; /* count */
    buffer[13] = 0;
    answer(queue, (uint8_t)queue->used[1],
           value & 128 ? next16() : (uint16_t)(26 + (value & 7) * 250));
}

static void scribble(uint8_t value)
{
    struct virtqueue *queue = value & 1 ? &state()->in : &state()->out;
    uint8_t *used = (uint8_t *)queue->used;

    /* The ring, its counters, or anywhere in the buffers. */
    if (value & 2)
        used[next16() % (6 + (size_t)8 * queue->size)] = next();
    else if (value & 4)
        queue->used[1] = (uint16_t)(queue->used[1] + (int8_t)next());
    else
        state()->buffers[(size_t)(next16() % COUNT) * NET_BUFFER_SIZE +
                         next() % 32] = next();
}

static void change(uint8_t value)
{
    now.config[value % sizeof(now.config)] = next();
    if ((value & 0xf0) == 0xf0)
        now.status |= VIRTIO_STATUS_NEEDS_RESET;
    lunik_source_notify(now.changes);
}

static void step(uint8_t what)
{
    uint8_t value = next();

    if (!now.net->is_open) {
        if (now.opens++ < OPENS_MAX)
            open();
        return;
    }
    switch (what % 16) {
    case 0:
    case 1:
    case 2:
        give(value);
        break;
    case 3:
    case 4:
    case 5:
        receive(value);
        break;
    case 6:
        if (now.kept_count > 0)
            lunik_net_release(now.net, now.kept[--now.kept_count]);
        break;
    case 7:
    case 8:
        send(value);
        break;
    case 9:
        lunik_net_flush(now.net);
        break;
    case 10:
        answer(&state()->out, value, 0);
        break;
    case 11:
        scribble(value);
        break;
    case 12:
        lunik_source_notify(now.queues);
        run();
        break;
    case 13:
        run();
        break;
    case 14:
        change(value);
        break;
    default:
        if (value < 32)
            close();
        else
            answer(&state()->in, value, next16());
        break;
    }
    if (now.net->is_open)
        must(state()->lent_count == now.kept_count || now.net->is_broken);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t config[12] = { 0x52, 0x54, 0, 1, 2,    3,
                                        1,    0,    1, 0, 0xdc, 5 };

    memset(&now, 0, sizeof(now));
    now.at = data;
    now.end = data + size;
    now.device.transport = &transport;
    memcpy(now.config, config, sizeof(config));
    now.features = (uint64_t)next16() | (uint64_t)next() << 16 |
                   VIRTIO_FEATURE_VERSION_1 | NET_FEATURE_MAC;
    if (now.features & 4) /* a bit that means nothing to us */
        now.features |= VIRTIO_FEATURE_EVENT_INDEX;
    (void)platform_net(0);
    open();
    for (unsigned i = 0; i < STEPS_MAX && now.at < now.end; i++)
        step(next());
    close();
    return 0;
}
