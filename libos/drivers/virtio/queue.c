/* SPDX-License-Identifier: MIT */
/*
 * queue.c: a split virtqueue that believes nothing the device writes.
 *
 *   descriptors   size x { u64 address; u32 length; u16 flags; u16 next }
 *   available     u16 flags; u16 index; u16 ring[size]; u16 used_event
 *   used          u16 flags; u16 index; { u32 id; u32 length }[size];
 *                 u16 avail_event
 *
 * The driver only writes the first two and only reads the third. Free lists,
 * chains, capacities and tokens are in the slots, which the device never sees.
 */
#include "queue.h"

#include "registers.h"
#include <lunik/panic.h>

#define DESCRIPTOR_NEXT ((uint64_t)1 << 32)
#define DESCRIPTOR_WRITE ((uint64_t)2 << 32)
#define DESCRIPTOR_NEXT_SHIFT 48

#define AVAIL_NO_INTERRUPT 1
#define USED_NO_NOTIFY 1

/* Places in the rings, in 16-bit words. */
#define RING_FLAGS 0
#define RING_INDEX 1
#define RING_FIRST 2
#define USED_WORDS 4

_Static_assert((VIRTQUEUE_SIZE_MAX & (VIRTQUEUE_SIZE_MAX - 1)) == 0,
               "indices are masked");
/* The last three fields as one word, which is one store. */
struct virtqueue_descriptor {
    uint64_t address;
    uint64_t rest; /* u32 size; u16 flags; u16 next */
};
_Static_assert(sizeof(struct virtqueue_descriptor) == 16, "on the wire");
_Static_assert(sizeof(struct virtqueue_slot) == 24, "slots are packed well");

/* Shared words are read and written once, whole, by these; the compiler may
 * neither repeat nor tear such an access. */
static uint16_t load16(const uint16_t *from)
{
    return __atomic_load_n(from, __ATOMIC_RELAXED);
}

static void store16(uint16_t *to, uint16_t value)
{
    *(volatile uint16_t *)to = value;
}

/* Orders a store before a later load, also on x86, where only a full fence
 * does. Both sides store one counter and then look at the other's: without the
 * fence both could look too early, and each would wait for the other. */
static void fence_store_load(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static uint16_t *used_event(struct virtqueue *queue)
{
    return &queue->avail[RING_FIRST + queue->size];
}

static const uint16_t *avail_event(const struct virtqueue *queue)
{
    return &queue->used[RING_FIRST + (size_t)USED_WORDS * queue->size];
}

static LUNIK_COLD void set_broken(struct virtqueue *queue, const char *what)
{
    queue->broken = what;
}

void lunik_virtqueue_init(struct virtqueue *queue, uint16_t size, void *memory,
                          bool has_event_index)
{
    uint8_t *base = memory;
    uint64_t *words = memory;

    LUNIK_ASSERT(size > 0 && size <= VIRTQUEUE_SIZE_MAX);
    LUNIK_ASSERT((size & (size - 1)) == 0);
    LUNIK_ASSERT((uintptr_t)memory % VIRTQUEUE_ALIGN == 0);
    for (size_t i = 0; i < VIRTQUEUE_BYTES((size_t)size) / sizeof(*words); i++)
        words[i] = 0;
    *queue = (struct virtqueue) {
        .descriptors = memory,
        .avail = (uint16_t *)(void *)(base + VIRTQUEUE_AVAIL_AT(size)),
        .used = (uint16_t *)(void *)(base + VIRTQUEUE_USED_AT(size)),
        .slots =
            (struct virtqueue_slot *)(void *)(base + VIRTQUEUE_SLOTS_AT(size)),
        .size = size,
        .free_count = size,
        .has_event_index = has_event_index,
    };
    for (uint16_t i = 0; i < size; i++)
        queue->slots[i].next = (uint16_t)(i + 1);
}

/* Fills descriptors from (first) on along the free list, whose links become
 * the chain's; notes the chain's end and capacity. */
static inline void fill_chain(struct virtqueue *queue, uint32_t first,
                              const struct virtqueue_buffer *at,
                              const struct virtqueue_buffer *in,
                              const struct virtqueue_buffer *end)
{
    struct virtqueue_descriptor *descriptors = queue->descriptors;
    struct virtqueue_slot *slots = queue->slots;
    uint32_t capacity = 0;
    uint64_t index = first, last, rest;

    do {
        rest = at->size;
        if (at >= in) {
            rest |= DESCRIPTOR_WRITE;
            /* Past 4 GiB the sum would be too small, and an honest device's
             * answer refused; no request is near that. */
            capacity += at->size;
        }
        last = index;
        index = slots[index].next;
        descriptors[last].address = (uintptr_t)at->data;
        descriptors[last].rest =
            rest | DESCRIPTOR_NEXT | index << DESCRIPTOR_NEXT_SHIFT;
    } while (++at != end);
    descriptors[last].rest = rest; /* the last has no next */
    slots[first].capacity = capacity;
    slots[first].last = (uint16_t)last;
    queue->free_first = (uint16_t)index;
}

lunik_result lunik_virtqueue_add(struct virtqueue *queue,
                                 const struct virtqueue_buffer *buffers,
                                 uint16_t out_count, uint16_t in_count,
                                 void *token)
{
    uint32_t count = (uint32_t)out_count + in_count;
    uint32_t first = queue->free_first;
    struct virtqueue_slot *slot;

    LUNIK_ASSERT(count > 0);
    if (LUNIK_UNLIKELY(queue->broken != NULL))
        return LUNIK_EIO;
    if (count > queue->free_count)
        return LUNIK_ENOMEM;
    slot = &queue->slots[first];
    slot->token = token;
    slot->count = (uint16_t)count;
    queue->free_count = (uint16_t)(queue->free_count - count);
    store16(&queue->avail[RING_FIRST + (queue->added & (queue->size - 1u))],
            (uint16_t)first);
    queue->added++;
    fill_chain(queue, first, buffers, buffers + out_count, buffers + count);
    return LUNIK_OK;
}

bool lunik_virtqueue_publish(struct virtqueue *queue)
{
    uint16_t before = queue->published, now = queue->added;

    if (before == now || queue->broken)
        return false;
    /* Release: the device that sees the index sees descriptors and ring. */
    __atomic_store_n(&queue->avail[RING_INDEX], now, __ATOMIC_RELEASE);
    queue->published = now;
    fence_store_load();
    if (queue->has_event_index) {
        /* The bell is wanted if the entry that the device named is one of
         * [before, now); all differences are modulo 2^16. */
        uint16_t event = load16(avail_event(queue));

        return (uint16_t)(now - event - 1) < (uint16_t)(now - before);
    }
    return !(load16(&queue->used[RING_FLAGS]) & USED_NO_NOTIFY);
}

void lunik_virtqueue_notify(const struct virtqueue *queue)
{
    /* Device memory is uncached and strongly ordered: the stores to the ring
     * are out before this one. */
    if (!queue->bell)
        return;
    if (queue->bell_is_wide)
        arch_register_store32(queue->bell, queue->bell_value);
    else
        arch_register_store16(queue->bell, (uint16_t)queue->bell_value);
}

/* Gives the descriptors of the request that begins at (slot) back. */
static void free_chain(struct virtqueue *queue, uint16_t first,
                       struct virtqueue_slot *slot)
{
    queue->slots[slot->last].next = queue->free_first;
    queue->free_first = first;
    queue->free_count = (uint16_t)(queue->free_count + slot->count);
    slot->count = 0;
}

/* Takes the used entry at (index) into (*out). False: it is a lie. */
static bool take(struct virtqueue *queue, uint16_t index,
                 struct virtqueue_done *out)
{
    const uint16_t *entry =
        &queue->used[RING_FIRST +
                     (size_t)(index & (queue->size - 1)) * USED_WORDS];
    const uint32_t *words = (const uint32_t *)(const void *)entry;
    /* Read once: what is checked is what is used. */
    uint32_t id = __atomic_load_n(&words[0], __ATOMIC_RELAXED);
    uint32_t size = __atomic_load_n(&words[1], __ATOMIC_RELAXED);
    struct virtqueue_slot *slot;

    if (LUNIK_UNLIKELY(id >= queue->size)) {
        set_broken(queue, "names a descriptor that does not exist");
        return false;
    }
    slot = &queue->slots[id];
    if (LUNIK_UNLIKELY(slot->count == 0)) {
        set_broken(queue, "returns a request that it does not have");
        return false;
    }
    if (LUNIK_UNLIKELY(size > slot->capacity)) {
        set_broken(queue, "says it wrote past the end of a buffer");
        return false;
    }
    out->token = slot->token;
    out->size = size;
    free_chain(queue, (uint16_t)id, slot);
    return true;
}

size_t lunik_virtqueue_collect(struct virtqueue *queue,
                               struct virtqueue_done *out, size_t max)
{
    /* Acquire: entries and data that the index covers are read after it. */
    uint16_t index =
        __atomic_load_n(&queue->used[RING_INDEX], __ATOMIC_ACQUIRE);
    uint16_t ready = (uint16_t)(index - queue->collected);
    uint16_t lent = (uint16_t)(queue->published - queue->collected);
    size_t count = 0;

    if (ready == 0 || queue->broken)
        return 0;
    if (LUNIK_UNLIKELY(ready > lent)) {
        set_broken(queue, "returns more requests than it was given");
        return 0;
    }
    if (max > ready)
        max = ready;
    while (count < max &&
           take(queue, (uint16_t)(queue->collected + count), &out[count]))
        count++;
    queue->collected = (uint16_t)(queue->collected + count);
    return count;
}

bool lunik_virtqueue_arm(struct virtqueue *queue)
{
    if (queue->broken)
        return false;
    if (queue->has_event_index)
        store16(used_event(queue), queue->collected);
    else
        store16(&queue->avail[RING_FLAGS], 0);
    fence_store_load();
    return load16(&queue->used[RING_INDEX]) != queue->collected;
}

void lunik_virtqueue_disarm(struct virtqueue *queue)
{
    /* The index that was just passed is not met again before 2^16 more. */
    if (queue->has_event_index)
        store16(used_event(queue), (uint16_t)(queue->collected - 1));
    else
        store16(&queue->avail[RING_FLAGS], AVAIL_NO_INTERRUPT);
}
