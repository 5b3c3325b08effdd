/* SPDX-License-Identifier: MIT */
/*
 * queue.h: a split virtqueue, the ring between a driver and a virtio device.
 *
 * The life of a request: lunik_virtqueue_add() a chain of buffers under a
 * token, as many as there is room for; lunik_virtqueue_publish() them all with
 * one store and ring the bell if the device asked for it; later
 * lunik_virtqueue_collect() the tokens of those that are done. Nothing is
 * allocated: the queue lives in memory that its driver gives at the start.
 *
 * The device is not trusted. What a driver must remember is kept outside the
 * memory that the device may write. What the device wrote is read once and
 * then checked. A device that names a request it does not have, claims more
 * bytes than it was lent, or lets its counter jump is marked broken: every
 * later call says LUNIK_EIO and touches the ring no more.
 *
 * Buffers and the queue's memory must lie where virtual and physical addresses
 * are the same: the heap, pages, and static data do, a fiber's stack does not.
 *
 * Context: task. One thread. Reference: Virtio 1.2, 2.7.
 */
#ifndef LUNIK_VIRTIO_QUEUE_H
#define LUNIK_VIRTIO_QUEUE_H

#include <lunik/attr.h>
#include <lunik/result.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A queue has a power of two of entries, at most this many. */
#define VIRTQUEUE_SIZE_MAX 1024

/* The alignment of a queue's memory. */
#define VIRTQUEUE_ALIGN 64

/* The parts of a queue's memory, in this order: for the device the descriptors
 * (16 bytes each), the available ring (2 bytes each and 6) and the used ring
 * (8 bytes each and 6); then, for the driver alone, the slots. */
#define VIRTQUEUE_AVAIL_AT(size) ((size_t)16 * (size))
#define VIRTQUEUE_USED_AT(size) \
    ((VIRTQUEUE_AVAIL_AT(size) + 6 + (size_t)2 * (size) + 63) & ~(size_t)63)
#define VIRTQUEUE_SLOTS_AT(size) \
    ((VIRTQUEUE_USED_AT(size) + 6 + (size_t)8 * (size) + 63) & ~(size_t)63)

/* The bytes of memory of a queue of (size) entries; a constant expression. */
#define VIRTQUEUE_BYTES(size) \
    (VIRTQUEUE_SLOTS_AT(size) + sizeof(struct virtqueue_slot) * (size))

/* What the driver remembers of a descriptor. */
struct virtqueue_slot {
    void *token;       /* of the request whose first descriptor this is */
    uint32_t capacity; /* bytes that the device may write */
    uint16_t next;     /* in the free list, or in the chain */
    uint16_t last;     /* of the chain */
    uint16_t count;    /* of the chain; 0: no request begins here */
};

/* One piece of memory of a request. */
struct virtqueue_buffer {
    void *data; /* not written by the device if it is one to read from */
    uint32_t size;
};

/* One request that the device is done with. */
struct virtqueue_done {
    void *token;
    uint32_t size; /* bytes that the device says it wrote, at most capacity */
};

struct virtqueue_descriptor; /* as the device sees it */

/* All private; the counters run freely and wrap at 16 bits. */
struct virtqueue {
    struct virtqueue_descriptor *descriptors;
    uint16_t *avail;
    uint16_t *used;
    struct virtqueue_slot *slots;
    uint16_t size;
    uint16_t free_first;
    uint16_t free_count;
    uint16_t added;     /* what the available index will be */
    uint16_t published; /* what it is */
    uint16_t collected; /* up to where the used ring has been read */
    bool has_event_index;
    const char *broken; /* what the device did; NULL: it behaves */
    /* The bell: written by lunik_virtqueue_notify(). */
    volatile void *bell;
    uint32_t bell_value;
    bool bell_is_wide; /* 32 bits (mmio), not 16 (pci) */
};

/*
 * Makes an empty queue of (size) entries in (memory), which is
 * VIRTQUEUE_BYTES(size) long, aligned to VIRTQUEUE_ALIGN, and belongs to the
 * queue for as long as the device may use it. Rings no bell until one is set.
 */
void lunik_virtqueue_init(struct virtqueue *queue, uint16_t size, void *memory,
                          bool has_event_index);

/*
 * Adds one request: (out_count) buffers that the device reads, then (in_count)
 * that it writes; at least one in all. The device sees it after publish. The
 * buffers are the device's until the request is collected.
 * Returns: LUNIK_ENOMEM if fewer descriptors are free than there are buffers
 * (nothing was added); LUNIK_EIO if the queue is broken.
 */
LUNIK_MUST_CHECK lunik_result lunik_virtqueue_add(
    struct virtqueue *queue, const struct virtqueue_buffer *buffers,
    uint16_t out_count, uint16_t in_count, void *token);

/* Shows the device all that was added since the last time. Returns: whether
 * it wants the bell rung. */
bool lunik_virtqueue_publish(struct virtqueue *queue);

/* Rings the bell. */
void lunik_virtqueue_notify(const struct virtqueue *queue);

/* Publishes, and rings the bell if the device wants that. */
static inline void lunik_virtqueue_kick(struct virtqueue *queue)
{
    if (lunik_virtqueue_publish(queue))
        lunik_virtqueue_notify(queue);
}

/*
 * Takes up to (max) requests that are done, in the device's order. Returns how
 * many; 0 also from a broken queue. Those before a lie are still given.
 */
size_t lunik_virtqueue_collect(struct virtqueue *queue,
                               struct virtqueue_done *out, size_t max);

/*
 * Asks for an interrupt when the next request is done. Returns: true if one is
 * done already, for which no interrupt may come: collect again, or have your
 * source polled again. (Do not loop on it without a bound: the device decides
 * what it returns.)
 */
LUNIK_MUST_CHECK bool lunik_virtqueue_arm(struct virtqueue *queue);

/* Asks for no interrupts. A hint: some may come. */
void lunik_virtqueue_disarm(struct virtqueue *queue);

/* Free descriptors. */
static inline uint16_t lunik_virtqueue_room(const struct virtqueue *queue)
{
    return queue->free_count;
}

#endif
