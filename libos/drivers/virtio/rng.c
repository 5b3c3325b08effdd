/* SPDX-License-Identifier: MIT */
/*
 * rng.c: random bytes from the host, by a virtio entropy device.
 *
 * Asked seldom, and early: before there are fibers. So it polls, and between
 * two questions the device is reset and can touch no memory. Virtio 1.2, 5.4.
 */
#include "entropy.h"
#include "virtio.h"

#include "cpu.h"
#include "platform.h"
#include <lunik/log.h>

#define QUEUE_SIZE 2
#define REQUEST_MAX 256
#define WAIT_NS (1000 * LUNIK_NS_PER_MS)

/* Looks at the queue before the clock is asked for the first time: an answer
 * mostly is there at once, and a clock may have to be calibrated. */
#define LOOKS_WITHOUT_CLOCK 20000

/* Questions for one call: bounds a device that gives a byte at a time. */
#define QUESTIONS_MAX 16

static struct {
    struct virtio_device *device;
    bool is_looked_for;
    uint64_t deadline_ns; /* 0: the clock was not asked yet */
    struct virtqueue queue;
    LUNIK_ALIGNED(VIRTQUEUE_ALIGN)
    uint8_t memory[VIRTQUEUE_BYTES(QUEUE_SIZE)];
    uint8_t answer[REQUEST_MAX];
} rng;

/* Waits for one answer: true if it came in time. */
static bool await(struct virtqueue_done *done)
{
    for (unsigned i = 0; i < LOOKS_WITHOUT_CLOCK; i++) {
        if (lunik_virtqueue_collect(&rng.queue, done, 1) == 1)
            return true;
        cpu_relax();
    }
    if (rng.deadline_ns == 0)
        rng.deadline_ns = platform_monotonic_ns() + WAIT_NS;
    while (!rng.queue.broken && platform_monotonic_ns() < rng.deadline_ns)
        if (lunik_virtqueue_collect(&rng.queue, done, 1) == 1)
            return true;
    return false;
}

/* One question; what the device gave is in rng.answer. Returns its bytes. */
static size_t ask(size_t size)
{
    struct virtqueue_buffer buffer = { rng.answer, (uint32_t)size };
    struct virtqueue_done done;

    if (lunik_virtqueue_add(&rng.queue, &buffer, 0, 1, rng.answer) != LUNIK_OK)
        return 0;
    lunik_virtqueue_kick(&rng.queue);
    if (await(&done))
        return done.size;
    lunik_virtio_fail(rng.device, rng.queue.broken
                                      ? rng.queue.broken
                                      : "gave no random bytes within a second");
    return 0;
}

static bool start(void)
{
    if (!rng.is_looked_for) {
        rng.is_looked_for = true;
        rng.device = lunik_virtio_take(VIRTIO_TYPE_RNG);
    }
    if (!rng.device || lunik_virtio_start(rng.device, 0) != LUNIK_OK)
        return false;
    if (lunik_virtio_queue_start(rng.device, 0, &rng.queue, QUEUE_SIZE,
                                 rng.memory) != LUNIK_OK)
        return false;
    lunik_virtqueue_disarm(&rng.queue);
    lunik_virtio_ready(rng.device);
    return true;
}

size_t platform_virtio_entropy(void *out, size_t size)
{
    uint8_t *bytes = out;
    size_t total = 0;

    if (!start())
        return 0;
    rng.deadline_ns = 0;
    for (unsigned i = 0; i < QUESTIONS_MAX && total < size; i++) {
        size_t want = size - total < REQUEST_MAX ? size - total : REQUEST_MAX;
        size_t count = ask(want);

        /* A device may give less than it was asked for, but not nothing. */
        if (count == 0)
            break;
        for (size_t k = 0; k < count; k++) {
            bytes[total + k] = rng.answer[k];
            rng.answer[k] = 0;
        }
        total += count;
    }
    if (!lunik_virtio_reset(rng.device))
        lunik_virtio_fail(rng.device, "does not finish a reset");
    return total;
}
