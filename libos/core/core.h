/* SPDX-License-Identifier: MIT */
/*
 * core.h: what the files of core/ tell each other, and the few things that
 * platforms and ports call back.
 *
 * Context: task, where nothing else is said.
 */
#ifndef LUNIK_CORE_H
#define LUNIK_CORE_H

#include <lunik/archive.h>
#include <lunik/attr.h>
#include <lunik/event.h>
#include <lunik/result.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* mem: gives the page allocator what platform_memory() found. */
void lunik_mem_init(void);

/* launch.c: parses the launch line; an unknown option ends the image with
 * LUNIK_EXIT_BAD_LAUNCH. See <lunik/sys.h> for the grammar. */
void lunik_launch_init(void);

/* sys.c: gathers the launch variables, of the launch line and the manifest.
 * Needs the heap. */
void lunik_sys_init(void);

/* random.c: seeds, or ends the image with LUNIK_EXIT_NO_ENTROPY. */
void lunik_random_init(void);

/* event.c: makes the boot context's successor, the main fiber, and runs it. */
LUNIK_NORETURN void lunik_event_run_main(lunik_fiber_fn *fn);

/* manifest.c */
struct lunik_manifest {
    const uint8_t *records; /* checked; lent */
    size_t size;
    uint64_t memory_bytes; /* 0: not stated */
    uint64_t heap_bytes;   /* 0: not stated */
};
LUNIK_MUST_CHECK lunik_result lunik_manifest_open(const void *records,
                                                  size_t size,
                                                  struct lunik_manifest *out);
/* Finds the (nth) record of (type); false if there are not that many. */
bool lunik_manifest_find(const struct lunik_manifest *manifest, uint16_t type,
                         size_t nth, const uint8_t **data_out,
                         size_t *size_out);

/* seal.c: checks the whole seal. On LUNIK_EINVAL (*why_out) says what is wrong.
 */
struct lunik_symbols {
    const uint8_t *base;
    size_t size;
    uint32_t crc;
};
struct lunik_seal {
    struct lunik_manifest manifest;
    struct lunik_archive archive;
    struct lunik_symbols symbols;
};
LUNIK_MUST_CHECK lunik_result lunik_seal_open(const void *base, size_t size,
                                              struct lunik_seal *out,
                                              const char **why_out);
/* sealed.c: opens the running image's own seal, or ends the image with
 * LUNIK_EXIT_BAD_LAUNCH. The current seal is empty before that, never NULL. */
void lunik_seal_init(void);
const struct lunik_seal *lunik_seal_current(void);
/* The function at or before (address), for tracebacks; NULL: unknown. */
const char *lunik_symbols_find(const struct lunik_symbols *symbols,
                               uintptr_t address, uintptr_t *start_out);

#endif
