/* SPDX-License-Identifier: MIT */
/*
 * memory.c: lwIP's memory: free lists that grow, within bounds that follow
 * from the machine's memory.
 *
 * A packet costs a few instructions here and no walk of the heap. Each kind of
 * object of lwIP's has a list; what mem_malloc() is asked for has a list for
 * each of a few sizes. A list keeps some blocks when traffic ebbs and gives
 * the others back to the heap.
 */
#include "stack.h"
#include "tcp_table.h"
#include <lunik/mem.h>
#include <lunik/panic.h>
#include <lunik/random.h>
#include <string.h>

/* In this order, which memp_std.h sees: it names what they define. */
#include "lwip/altcp.h"
#include "lwip/igmp.h"
#include "lwip/ip4_frag.h"
#include "lwip/ip6_frag.h"
#include "lwip/mem.h"
#include "lwip/memp.h"
#include "lwip/mld6.h"
#include "lwip/priv/nd6_priv.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/tcp.h"
#include "lwip/timeouts.h"
#include "lwip/udp.h"
#include "netif/etharp.h"

uint32_t lunik_lwip_window = 64 * 1024;
uint32_t lunik_lwip_send_buffer = 64 * 1024;
uint16_t lunik_lwip_send_queue = 256;

/* Blocks that a list may keep while nobody uses them. */
#define KEEP 128

struct block {
    struct block *next;
};

struct list {
    struct block *first;
    uint32_t kept;
    uint32_t used;
};

static struct {
    struct list pools[MEMP_MAX];
    struct list sizes[4];
    size_t bytes; /* taken from the heap, kept ones included */
    size_t limit; /* of these */
} memory = { .limit = (size_t)1024 * 1024 };

/* ---- Lists ---- */

/* The last blocks of the memory are for what gets rid of memory: headers of
 * acknowledgements, say. (is_bulk): payload, which stops earlier. */
static void *take(struct list *list, size_t size, bool is_bulk)
{
    struct block *block = list->first;

    if (LUNIK_LIKELY(block != NULL)) {
        list->first = block->next;
        list->kept--;
        list->used++;
        return block;
    }
    if (memory.bytes + size >
        (is_bulk ? memory.limit - memory.limit / 8 : memory.limit))
        return NULL;
    block = lunik_mem_alloc_sized(size);
    if (!block)
        return NULL;
    memory.bytes += size;
    list->used++;
    return block;
}

static void give(struct list *list, void *memory_in, size_t size)
{
    struct block *block = memory_in;

    list->used--;
    if (LUNIK_LIKELY(list->kept < KEEP)) {
        block->next = list->first;
        list->first = block;
        list->kept++;
        return;
    }
    memory.bytes -= size;
    lunik_mem_free_sized(block, size);
}

/* ---- Objects ---- */

static const uint16_t pool_size[MEMP_MAX] = {
#define LWIP_MEMPOOL(name, num, size, desc) [MEMP_##name] = (uint16_t)(size),
#include "lwip/priv/memp_std.h"
};

/* A connection has its node before it. */
#define TCP_SIZE (sizeof(struct lunik_tcp_node) + sizeof(struct tcp_pcb))

/* Kinds of which there are only so many, whatever the memory; 0: any number,
 * within it. */
static const uint16_t pool_max[MEMP_MAX] = {
    [MEMP_REASSDATA] = MEMP_NUM_REASSDATA,
    [MEMP_IP6_REASSDATA] = MEMP_NUM_IP6_REASSDATA,
    [MEMP_ARP_QUEUE] = MEMP_NUM_ARP_QUEUE,
    [MEMP_ND6_QUEUE] = MEMP_NUM_ND6_QUEUE,
    [MEMP_IGMP_GROUP] = MEMP_NUM_IGMP_GROUP,
    [MEMP_MLD6_GROUP] = MEMP_NUM_MLD6_GROUP,
};

void memp_init(void)
{
}

static void *take_tcp(void)
{
    struct lunik_tcp_node *node;

    do
        node = take(&memory.pools[MEMP_TCP_PCB], TCP_SIZE, true);
    while (!node && lunik_tcp_evict());
    if (!node)
        return NULL;
    memset(node, 0, sizeof(*node));
    return node + 1;
}

void *memp_malloc(memp_t type)
{
    struct list *list = &memory.pools[type];

    if (type == MEMP_TCP_PCB)
        return take_tcp();
    if (LUNIK_LIKELY(list->first != NULL))
        return take(list, pool_size[type], false);
    if (pool_max[type] != 0 && list->used >= pool_max[type])
        return NULL;
    return take(list, pool_size[type], type == MEMP_PBUF_POOL);
}

void memp_free(memp_t type, void *object)
{
    if (!object)
        return;
    if (type == MEMP_TCP_PCB) {
        lunik_tcp_forget(object);
        give(&memory.pools[type], (struct lunik_tcp_node *)object - 1,
             TCP_SIZE);
        return;
    }
    give(&memory.pools[type], object, pool_size[type]);
}

size_t lunik_lwip_pool_used(memp_t type)
{
    return memory.pools[type].used;
}

/* ---- Bytes ---- */

/* Before each block: its size, so that it finds its list again. */
struct header {
    uint32_t size;
    uint32_t index; /* of the list; SIZES: none */
};

#define SIZES 4
/* With the header; sizes that the heap has, too. The last holds a full segment
 * and all headers below it. */
static const uint16_t size_of[SIZES] = { 128, 256, 800, 2016 };

void mem_init(void)
{
}

void *mem_malloc(mem_size_t wanted)
{
    size_t size = wanted + sizeof(struct header);
    struct header *header;
    uint32_t index = 0;

    while (index < SIZES && size > size_of[index])
        index++;
    if (LUNIK_LIKELY(index < SIZES)) {
        size = size_of[index];
        header = take(&memory.sizes[index], size, index > 0);
    } else {
        struct list none = { 0 };

        header = take(&none, size, true);
    }
    if (!header)
        return NULL;
    header->size = (uint32_t)size;
    header->index = index;
    return header + 1;
}

void mem_free(void *block)
{
    struct header *header = block;

    if (!block)
        return;
    header--;
    if (LUNIK_LIKELY(header->index < SIZES)) {
        give(&memory.sizes[header->index], header, header->size);
    } else {
        memory.bytes -= header->size;
        lunik_mem_free_sized(header, header->size);
    }
}

/* Not worth a copy: blocks are short-lived. */
void *mem_trim(void *block, mem_size_t size)
{
    (void)size;
    return block;
}

void *mem_calloc(mem_size_t count, mem_size_t size)
{
    void *block;

    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    block = mem_malloc(count * size);
    if (block)
        memset(block, 0, count * size);
    return block;
}

/* ---- Bounds ---- */

static uint32_t clamp(size_t value, uint32_t least, uint32_t most)
{
    return value < least ? least : value > most ? most : (uint32_t)value;
}

/* Half of what is free at the start may become the stack's; one connection
 * gets at most a sixteenth for each direction. */
void lunik_lwip_memory_init(size_t free_bytes)
{
    memory.limit = free_bytes / 2;
    lunik_lwip_window = clamp(free_bytes / 16, 16 * 1024, 512 * 1024);
    lunik_lwip_send_buffer = clamp(free_bytes / 16, 16 * 1024, 512 * 1024);
    /* Small writes take a segment each: four to a full one. */
    lunik_lwip_send_queue =
        (uint16_t)clamp(lunik_lwip_send_buffer / 365, 64, 4096);
}

size_t lunik_lwip_memory_used(void)
{
    return memory.bytes;
}

size_t lunik_lwip_memory_limit(void)
{
    return memory.limit;
}

bool lunik_lwip_memory_is_short(void)
{
    return memory.bytes > memory.limit - memory.limit / 4;
}

/* ---- What else lwIP wants of a system ---- */

uint32_t lunik_lwip_random(void)
{
    return (uint32_t)lunik_random_u64();
}

void lunik_lwip_assert_failed(void)
{
    lunik_panic("the IP stack found its own data damaged");
}
