/* SPDX-License-Identifier: MIT */
/*
 * net_machine.h: the host's side of virtio network devices, on machine.h.
 *
 * Brings what the driver and <lunik/net.h> ask of the core: memory, one timer,
 * waiting that times out. A test gives frames with net_give(), looks at what
 * was sent with net_take(), and has the driver polled with vm_poll().
 */
#ifndef LUNIK_TEST_NET_MACHINE_H
#define LUNIK_TEST_NET_MACHINE_H

#include "machine.h"

#include "net_state.h"
#include <lunik/mem.h>
#include <lunik/time.h>

#define NET_CHAIN_MAX 80

/* One request, as the device sees it. */
struct net_chain {
    uint16_t id;
    unsigned count;
    struct {
        uint8_t *data;
        uint32_t size;
        bool is_writable;
    } parts[NET_CHAIN_MAX];
};

static struct {
    uint64_t memory; /* of the machine */
    size_t pages_max, pages_used;
    unsigned blocks;
    bool alloc_fails;
    void *kept[8]; /* for life, by the driver */
    unsigned kept_count;
    void *pages[8];            /* that were not given back */
    struct lunik_timer *timer; /* that is set */
    uint64_t deadline_ns;
} net_vm;

/* ---- What the driver asks of the core ---- */

void lunik_mem_get_info(struct lunik_mem_info *out)
{
    *out = (struct lunik_mem_info) { .total_bytes = net_vm.memory };
}

void *lunik_pages_alloc(size_t count)
{
    void *pages;

    if (count == 0)
        vm_stop("no pages were asked for", 0);
    if (count > net_vm.pages_max - net_vm.pages_used)
        return NULL;
    pages = aligned_alloc(LUNIK_PAGE_SIZE, count * LUNIK_PAGE_SIZE);
    if (!pages)
        abort();
    for (unsigned i = 0; i < 8; i++)
        if (!net_vm.pages[i]) {
            net_vm.pages[i] = pages;
            net_vm.pages_used += count;
            return pages;
        }
    vm_stop("many pages are not given back", count);
    return NULL;
}

void lunik_pages_free(void *pages, size_t count)
{
    for (unsigned i = 0; i < 8; i++)
        if (net_vm.pages[i] == pages) {
            net_vm.pages[i] = NULL;
            net_vm.pages_used -= count;
            free(pages);
            return;
        }
    vm_stop("pages are freed that were not taken", (uintptr_t)pages);
}

void *lunik_mem_alloc_zeroed(size_t count, size_t size)
{
    void *memory = net_vm.alloc_fails ? NULL : calloc(count, size);

    if (memory && net_vm.kept_count < 8)
        net_vm.kept[net_vm.kept_count++] = memory;
    return memory;
}

void *lunik_mem_alloc(size_t size)
{
    if (net_vm.alloc_fails)
        return NULL;
    net_vm.blocks++;
    return malloc(size);
}

void lunik_mem_free(void *memory)
{
    net_vm.blocks -= memory != NULL;
    free(memory);
}

void lunik_timer_set(struct lunik_timer *timer, uint64_t deadline_ns)
{
    net_vm.timer = timer;
    net_vm.deadline_ns = deadline_ns;
}

void lunik_timer_clear(struct lunik_timer *timer)
{
    if (net_vm.timer == timer)
        net_vm.timer = NULL;
}

uint64_t lunik_time_after_ns(uint64_t delay_ns)
{
    return vm.now_ns + delay_ns;
}

lunik_result lunik_event_wait(struct lunik_event *event, uint64_t deadline_ns)
{
    (void)event;
    vm.now_ns = deadline_ns;
    return LUNIK_ETIMEOUT;
}

/* Runs the timer, if it is set. */
__attribute__((unused)) static bool net_run_timer(void)
{
    struct lunik_timer *timer = net_vm.timer;

    if (!timer)
        return false;
    net_vm.timer = NULL;
    vm.now_ns = net_vm.deadline_ns;
    timer->fn(timer->arg);
    return true;
}

/* Forgets devices; all of them must be closed. */
static void net_reset(void)
{
    while (net_vm.kept_count > 0)
        free(net_vm.kept[--net_vm.kept_count]);
    for (unsigned i = 0; i < 8; i++)
        free(net_vm.pages[i]);
    memset(&net_vm, 0, sizeof(net_vm));
    net_vm.memory = 64 << 20;
    net_vm.pages_max = 1000;
}

/* A network device with (features) of its own on one of the buses. */
static struct vm_device *net_add(bool is_pci, uint64_t base, uint64_t features,
                                 uint32_t queue_size)
{
    static const uint8_t config[12] = { 0x52, 0x54, 0, 1, 2,    3,
                                        1,    0,    1, 0, 0xdc, 5 };
    struct vm_device *device;

    features |= NET_FEATURE_MAC;
    device = is_pci ? vm_add_pci(base, VIRTIO_TYPE_NET, features)
                    : vm_add_mmio(base, VIRTIO_TYPE_NET, features);
    memcpy(device->config, config, sizeof(config));
    device->queues[0].max = queue_size;
    device->queues[1].max = queue_size;
    return device;
}

/* ---- The device's side of the queues ---- */

/* Takes the next request whole. False: none. */
static bool net_take(struct vm_queue *queue, struct net_chain *out)
{
    const uint16_t *avail = vm_words(queue, 1);
    const uint64_t *descriptors = (void *)(uintptr_t)queue->parts[0];
    uint64_t at, rest;

    if (!queue->enabled || queue->seen == avail[1])
        return false;
    at = out->id = avail[2 + queue->seen++ % queue->size];
    vm_words(queue, 2)[2 + (size_t)4 * queue->size] = queue->seen;
    out->count = 0;
    do {
        if (out->count == NET_CHAIN_MAX || at >= queue->size)
            vm_stop("a chain that has no end", at);
        rest = descriptors[2 * at + 1];
        out->parts[out->count].data = (uint8_t *)(uintptr_t)descriptors[2 * at];
        out->parts[out->count].size = (uint32_t)rest;
        out->parts[out->count].is_writable = rest >> 32 & 2;
        out->count++;
        at = rest >> 48;
    } while (rest >> 32 & 1);
    return true;
}

/* Whether the driver asked to be told of the entries since (before). */
__attribute__((unused)) static bool net_wants_interrupt(struct vm_queue *queue,
                                                        bool has_event_index,
                                                        uint16_t before)
{
    const uint16_t *avail = vm_words(queue, 1);
    uint16_t now = vm_words(queue, 2)[1];
    uint16_t event = avail[2 + queue->size];

    if (!has_event_index)
        return !(avail[0] & 1);
    return (uint16_t)(now - event - 1) < (uint16_t)(now - before);
}

/* Gives a frame, in as many buffers as it takes; all entries with one index.
 * False: the driver has lent too few. */
__attribute__((unused)) static bool net_give(struct vm_device *device,
                                             const struct net_header *header,
                                             const void *frame, size_t size)
{
    static struct net_chain chains[64];
    static uint32_t used[64];
    struct vm_queue *queue = &device->queues[0];
    const uint8_t *from = frame;
    uint16_t count = 0, index = queue->enabled ? vm_words(queue, 2)[1] : 0;
    size_t left = size, skip = sizeof(*header);

    do {
        size_t room, part;

        if (count == 64 || !net_take(queue, &chains[count])) {
            queue->seen = (uint16_t)(queue->seen - count);
            return false;
        }
        room = chains[count].parts[0].size - skip;
        part = left < room ? left : room;
        if (part > 0)
            memcpy(chains[count].parts[0].data + skip, from, part);
        used[count++] = (uint32_t)(part + skip);
        from += part;
        left -= part;
        skip = 0;
    } while (left > 0);
    memcpy(chains[0].parts[0].data, header, sizeof(*header));
    memcpy(chains[0].parts[0].data + 10, &count, sizeof(count));
    for (uint16_t i = 0; i < count; i++) {
        uint16_t *entry =
            vm_words(queue, 2) + 2 + (size_t)4 * ((index + i) % queue->size);
        uint32_t id = chains[i].id;

        memcpy(entry, &id, sizeof(id));
        memcpy(entry + 2, &used[i], sizeof(used[i]));
    }
    vm_words(queue, 2)[1] = (uint16_t)(index + count);
    device->cause |= VIRTIO_CAUSE_QUEUE;
    return true;
}

/* The device's interrupt. */
__attribute__((unused)) static void net_interrupt(void)
{
    if (vm.vectors[0])
        lunik_source_notify(vm.vectors[0]);
}

#endif
