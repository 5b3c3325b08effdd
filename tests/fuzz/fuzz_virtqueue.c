/* SPDX-License-Identifier: MIT */
/*
 * fuzz_virtqueue.c: the input plays the device.
 *
 * Two bytes are a step: the driver adds, publishes, collects, arms, or the
 * device writes somewhere in the memory that it shares. What must hold after
 * every step: a token that comes back was out, once; its size fits; the free
 * descriptors and the lent ones are all there are; loops end.
 */
#include "../../libos/drivers/virtio/queue.c"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE 8
#define TOKENS 16

static struct {
    struct virtqueue queue;
    bool is_out[TOKENS];
    uint32_t capacity[TOKENS];
    uint16_t count[TOKENS];
    uint16_t lent;
    /* The device reaches only this. The slots are behind it. */
    _Alignas(VIRTQUEUE_ALIGN) uint8_t memory[VIRTQUEUE_BYTES(SIZE)];
} now;

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

void lunik_assert_failed(const char *expression, const char *file, int line)
{
    (void)expression;
    (void)file;
    (void)line;
    abort();
}

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void add(uint8_t value)
{
    struct virtqueue_buffer buffers[6];
    uint16_t out = value & 3;
    uint16_t in = (uint16_t)((value >> 2 & 1) + (out == 0));
    size_t token = 0;
    lunik_result result;

    while (token < TOKENS && now.is_out[token])
        token++;
    must(token < TOKENS); /* there are more tokens than descriptors */
    for (uint16_t i = 0; i < out + in; i++)
        buffers[i] = (struct virtqueue_buffer) { now.memory, value >> 3 };
    result =
        lunik_virtqueue_add(&now.queue, buffers, out, in, &now.is_out[token]);
    if (result != LUNIK_OK) {
        must(now.queue.broken || out + in > SIZE - now.lent);
        return;
    }
    now.is_out[token] = true;
    now.capacity[token] = (uint32_t)in * (value >> 3);
    now.count[token] = (uint16_t)(out + in);
    now.lent = (uint16_t)(now.lent + out + in);
}

static void collect(uint8_t value)
{
    struct virtqueue_done done[8];
    size_t max = value & 7;
    size_t count = lunik_virtqueue_collect(&now.queue, done, max);

    must(count <= max);
    for (size_t i = 0; i < count; i++) {
        ptrdiff_t token = (bool *)done[i].token - now.is_out;

        must(token >= 0 && token < TOKENS && now.is_out[token]);
        must(done[i].size <= now.capacity[token]);
        now.is_out[token] = false;
        now.lent = (uint16_t)(now.lent - now.count[token]);
    }
}

/* Answers as a device should: the request at (value) of the ring. */
static void answer(uint8_t value)
{
    uint16_t *used = now.queue.used;
    uint16_t at = (uint16_t)(used[1] % SIZE);

    used[2 + 4 * at] = now.queue.avail[2 + value % SIZE];
    used[3 + 4 * at] = 0;
    used[4 + 4 * at] = value >> 5;
    used[5 + 4 * at] = 0;
    used[1]++;
}

static void step(uint8_t what, uint8_t value)
{
    size_t shared = VIRTQUEUE_SLOTS_AT(SIZE);
    size_t used = VIRTQUEUE_USED_AT(SIZE);

    switch (what & 7) {
    case 0:
        add(value);
        break;
    case 1:
        lunik_virtqueue_kick(&now.queue);
        break;
    case 2:
        collect(value);
        break;
    case 3:
        if (!lunik_virtqueue_arm(&now.queue))
            lunik_virtqueue_disarm(&now.queue);
        break;
    case 4:
    case 5:
        answer(value);
        break;
    case 6: /* anywhere it reaches */
        now.memory[((size_t)(what >> 3) * 16 + (value >> 4)) % shared] = value;
        break;
    default: /* the used ring */
        now.memory[used + (what >> 3) % 8] = value;
        break;
    }
    must(now.lent + lunik_virtqueue_room(&now.queue) == SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    memset(&now, 0, sizeof(now));
    if (size == 0)
        return 0;
    lunik_virtqueue_init(&now.queue, SIZE, now.memory, data[0] & 1);
    for (size_t i = 1; i + 1 < size; i += 2)
        step(data[i], data[i + 1]);
    return 0;
}
