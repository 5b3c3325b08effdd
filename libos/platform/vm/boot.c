/* SPDX-License-Identifier: MIT */
/*
 * boot.c: what happens between the entry and the core: takes what the loader
 * left, lays out memory, and has the processor protect it.
 */
#include "boot.h"
#include "cpu.h"
#include "image.h"
#include "memmap.h"
#include "paging.h"
#include "platform.h"
#include "pvh.h"
#include "stack.h"
#include "trap.h"
#include <lunik/abi/seal.h>
#include <lunik/panic.h>
#include <string.h>

#define COMMAND_LINE_MAX 4096u
#define MAP_ENTRIES_MAX 128u

/* entry.S maps this much. */
#define EARLY_LIMIT ((uintptr_t)1 << 30)
/* Its last two entries become a window on what lies elsewhere. An image ends
 * below 512 MiB (image.lds), so nothing of it is there. */
#define WINDOW (EARLY_LIMIT - 2 * ARCH_LARGE_SIZE)
#define WINDOW_ENTRY 510u
#define WINDOW_FLAGS UINT64_C(0x83) /* present, writable, large */

struct boot {
    struct memmap ram;  /* all of it */
    struct memmap free; /* what nobody uses yet */
    size_t seal_size;
    uint64_t rsdp;
    char command_line[COMMAND_LINE_MAX];
};
static struct boot boot;

/* ---- Before the real page tables ---- */

/* Lends the memory at (physical), at least 2 MiB of it, until the next call. */
static const uint8_t *window(uint64_t physical)
{
    uint64_t *entries = (uint64_t *)(arch_boot_tables + 2 * ARCH_PAGE_SIZE);
    uint64_t first = physical & ~(uint64_t)(ARCH_LARGE_SIZE - 1);

    for (unsigned i = 0; i < 2; i++) {
        entries[WINDOW_ENTRY + i] =
            (first + i * ARCH_LARGE_SIZE) | WINDOW_FLAGS;
        invlpg(WINDOW + i * ARCH_LARGE_SIZE);
    }
    return (const uint8_t *)WINDOW + (physical - first);
}

static void copy_command_line(uint64_t physical)
{
    const uint8_t *from = window(physical);
    size_t len = 0;

    if (physical == 0)
        return;
    while (len < COMMAND_LINE_MAX - 1 && from[len] != 0)
        len++;
    if (from[len] != 0)
        lunik_panic_status(LUNIK_EXIT_BAD_LAUNCH,
                           "the launch line is longer than %u bytes",
                           COMMAND_LINE_MAX - 1);
    memcpy(boot.command_line, from, len);
}

static void copy_map(uint64_t physical, uint32_t count)
{
    const uint8_t *from = window(physical);

    if (count > MAP_ENTRIES_MAX)
        lunik_panic_status(LUNIK_EXIT_BAD_LAUNCH,
                           "the loader's memory map has %u entries, more "
                           "than %u",
                           count, MAP_ENTRIES_MAX);
    for (uint32_t i = 0; i < count; i++) {
        struct pvh_map_entry entry;

        memcpy(&entry, from + i * sizeof entry, sizeof entry);
        if (!platform_memmap_add(&boot.ram, &entry, ARCH_NULL_SIZE,
                                 ARCH_RAM_LIMIT))
            lunik_panic_status(LUNIK_EXIT_BAD_LAUNCH,
                               "the loader's memory map is in too many parts");
    }
}

static void copy_start_info(uint64_t physical)
{
    struct pvh_start_info info;

    memcpy(&info, window(physical), sizeof info);
    if (info.magic != PVH_MAGIC || info.version < 1 || info.map == 0)
        lunik_panic_status(LUNIK_EXIT_BAD_LAUNCH,
                           "the loader gave no memory map (PVH version 1)");
    boot.rsdp = info.rsdp;
    copy_command_line(info.command_line);
    copy_map(info.map, info.map_count);
}

/* ---- Memory ---- */

static size_t pages(size_t size)
{
    return (size + ARCH_PAGE_SIZE - 1) & ~(ARCH_PAGE_SIZE - 1);
}

/* The bytes of the seal that may be read, if there is one and all of it is in
 * RAM. Whether it is good is not decided here. */
static size_t find_seal(void)
{
    const struct lunik_seal_header *header = (const void *)lunik_seal;
    uintptr_t at = (uintptr_t)lunik_seal;

    if (!platform_memmap_contains(&boot.ram, at, sizeof *header) ||
        header->magic != LUNIK_SEAL_MAGIC ||
        header->total_size < sizeof *header ||
        pages(header->total_size) > EARLY_LIMIT / 2 ||
        !platform_memmap_contains(&boot.ram, at, pages(header->total_size)))
        return 0;
    return header->total_size;
}

LUNIK_NORETURN static void too_little_memory(void)
{
    lunik_panic_status(LUNIK_EXIT_NO_MEMORY,
                       "this machine has too little memory to start");
}

/* Decides what every byte of RAM is for. Returns the page tables' memory. */
static struct platform_range divide_memory(void)
{
    uintptr_t image = (uintptr_t)lunik_image_start;
    size_t image_size = (size_t)(lunik_image_end - lunik_image_start);
    struct platform_range pool;

    if (!platform_memmap_contains(&boot.ram, image, image_size))
        too_little_memory();
    boot.seal_size = find_seal();
    boot.free = boot.ram;
    pool.size =
        arch_paging_pool_pages(platform_memmap_end(&boot.ram)) * ARCH_PAGE_SIZE;
    if (!platform_memmap_remove(&boot.free, image,
                                image_size + pages(boot.seal_size)) ||
        !platform_memmap_carve(&boot.free, pool.size, WINDOW, &pool.base))
        too_little_memory();
    return pool;
}

static void protect(uintptr_t start, uintptr_t end, enum arch_page_use use)
{
    if (arch_page_set(start, end - start, start, use) != LUNIK_OK)
        lunik_panic("page tables: no room for the image");
}

static void protect_image(void)
{
    uintptr_t seal = (uintptr_t)lunik_seal;

    protect((uintptr_t)lunik_text_start, (uintptr_t)lunik_text_end,
            ARCH_PAGE_TEXT);
    protect((uintptr_t)lunik_rodata_start, (uintptr_t)lunik_rodata_end,
            ARCH_PAGE_RODATA);
    protect(seal, seal + pages(boot.seal_size), ARCH_PAGE_RODATA);
    /* Their memory has its place in the stacks' region. */
    protect((uintptr_t)arch_trap_stacks, (uintptr_t)arch_trap_stacks_end,
            ARCH_PAGE_NONE);
}

uintptr_t platform_vm_boot(uint64_t start_info)
{
    struct arch_trap_stacks traps;
    struct platform_range pool;
    uintptr_t stack;

    copy_start_info(start_info);
    pool = divide_memory();
    arch_paging_init(boot.ram.ranges, boot.ram.count, pool);
    protect_image();
    stack = platform_stack_init(&traps);
    arch_paging_start();
    arch_paging_donate((struct platform_range) {
        .base = (uintptr_t)arch_boot_tables,
        .size = (size_t)(arch_boot_tables_end - arch_boot_tables),
    });
    arch_trap_init(&traps);
    return stack;
}

/* ---- What the core asks for ---- */

size_t platform_memory(struct platform_range *out, size_t max)
{
    size_t count = boot.free.count < max ? boot.free.count : max;

    memcpy(out, boot.free.ranges, count * sizeof *out);
    return count;
}

uint64_t platform_memory_size(void)
{
    uint64_t size = 0;

    for (size_t i = 0; i < boot.ram.count; i++)
        size += boot.ram.ranges[i].size;
    return size;
}

const char *platform_command_line(void)
{
    return boot.command_line;
}

const void *platform_seal(size_t *size_out)
{
    *size_out = boot.seal_size;
    return boot.seal_size > 0 ? lunik_seal : NULL;
}

uint64_t platform_boot_rsdp(void)
{
    return boot.rsdp;
}

void platform_lock(void)
{
    uintptr_t start = (uintptr_t)lunik_ro_after_start_start;
    uintptr_t end = (uintptr_t)lunik_ro_after_start_end;

    /* The boot stack is left for good: nothing may find it any more. */
    protect((uintptr_t)arch_boot_stack, (uintptr_t)arch_boot_stack_end,
            ARCH_PAGE_NONE);
    protect(start, end, ARCH_PAGE_RODATA);
}
