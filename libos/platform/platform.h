/* SPDX-License-Identifier: MIT */
/*
 * platform.h: what the core needs from a machine, and nothing more.
 *
 * Implemented once for a bare virtual machine (platform/vm) and once for an
 * ordinary Linux process (platform/host). Calls come from one thread. Where
 * "interrupts" are named, the host platform has signals or none.
 */
#ifndef LUNIK_PLATFORM_H
#define LUNIK_PLATFORM_H

#include <lunik/abi/exit.h>
#include <lunik/attr.h>
#include <lunik/result.h>
#include <lunik/start.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Start and stop ---- */

/* What the core calls in turn; each may panic with a sentence.
 * early: console output and the launch line work afterwards. No heap yet.
 * memory is asked for with platform_memory().
 * devices: may use the heap, lunik_source_add() and lunik_fiber_*. Finds and
 *   starts the drivers; console input works afterwards.
 * lock: start-up is done; nothing that start-up wrote is writable any more. */
void platform_init_early(void);
void platform_init_devices(void);
void platform_lock(void);

/* Stops the machine with a status of <lunik/abi/exit.h>. Tries every way that
 * the machine offers, in order; does not return even if none works. Safe in a
 * panic. */
LUNIK_NORETURN void platform_exit(uint8_t status);

/* "kvm", "tcg", "xen", "host" … or "none". */
const char *platform_hypervisor(void);

/* The launch line, NUL-terminated, lent for the image's life. */
const char *platform_command_line(void);

/* The seal and how many bytes may be read there; NULL if there is none. */
const void *platform_seal(size_t *size_out);

/* ---- Memory ---- */

struct platform_range {
    uintptr_t base; /* page-aligned */
    size_t size;    /* a multiple of the page size */
};

/* Free memory, mapped read-write, not overlapping, in address order: at most
 * (max) ranges. Called once, after platform_init_early(). Returns the count. */
size_t platform_memory(struct platform_range *out, size_t max);

/* The memory that the machine has, in bytes, used or not: what its owner would
 * call its size. (Firmware keeps some: round what it reports up to a MiB.) */
uint64_t platform_memory_size(void);

/* ---- Stacks: address space with a guard page below ---- */

struct platform_stack {
    uintptr_t low;  /* first usable byte; the guard page is just below */
    uintptr_t high; /* one past the last byte */
};

/*
 * Takes a stack of LUNIK_STACK_SIZE bytes of address space. On a virtual
 * machine only its top page has memory; the rest gets memory as it is touched
 * (a touch with no memory left ends the image with LUNIK_EXIT_NO_MEMORY).
 * Returns LUNIK_ENOMEM if there is no room.
 */
LUNIK_MUST_CHECK lunik_result
platform_stack_acquire(struct platform_stack *out);

/* Gives a stack back; it must not be the running one. */
void platform_stack_release(struct platform_stack *stack);

/* Pages that are under stacks now, in bytes. */
size_t platform_stack_bytes(void);

/* Around a stack switch there are two inline hooks, platform_switch_begin() and
 * platform_switch_end(), in platform_switch.h, a file of each platform: empty
 * on a machine, a sanitizer's bookkeeping on the host. */

/* ---- Time and waiting ---- */

/* Nanoseconds since the start, never going back. */
uint64_t platform_monotonic_ns(void);
const char *platform_monotonic_source(void);

/* Nanoseconds since 1970 UTC as the machine has it now; false: no source. */
bool platform_wall_ns(uint64_t *out);
const char *platform_wall_source(void);

/*
 * Sleeps until (*pending) is not 0, or the monotonic clock reaches
 * (deadline_ns), or an interrupt came: whichever is first; it may also return
 * for no reason. Looks at (*pending) with interrupts held off, and lets them in
 * in the same step in which it sleeps, so a bit set just before is not missed.
 */
void platform_idle(const volatile uint64_t *pending, uint64_t deadline_ns);

/* ---- Console and entropy ---- */

/* Writes at once, without a heap, in any context. */
void platform_console_write(const void *data, size_t size);

/* Takes what came in, never waits. LUNIK_EAGAIN: nothing now (wait for
 * platform_console_event()); LUNIK_ECLOSED: end of input. */
LUNIK_MUST_CHECK lunik_result platform_console_read(void *out, size_t size,
                                                    size_t *size_out);
struct lunik_event *platform_console_event(void);

/* Gathers raw entropy: fills as much of (out) as its sources gave, and names
 * them in (*sources_out) ("rdrand, virtio-rng"). Returns the bytes; the quality
 * is one bit per bit. 0: there is no source. Waits up to 1 s for a device. */
size_t platform_entropy(void *out, size_t size, const char **sources_out);

/* Makes (value), which is random, the stack canary. Once, from a chain of
 * callers that has no canary to look at afterwards. */
void platform_set_canary(uint64_t value);

/* ---- The C library under the program ---- */

/* Brings it up, before lunik_main(), and writes out what it keeps back, at the
 * exit. port/musl on a machine; the host has its own. */
void lunik_port_init(void);
void lunik_port_flush(void);

/* ---- What the core offers to platforms and drivers ---- */

/* Starts the library OS on the boot stack, once the processor runs C. */
LUNIK_NORETURN void lunik_start(void);

/* One page for a stack that grows, from a reserve that only stacks may touch.
 * NULL: even the reserve is gone. Context: trap. */
void *lunik_mem_reserve_page(void);

/* As lunik_panic_status, with the traceback starting at (pc, fp): for traps. */
LUNIK_NORETURN LUNIK_COLD void lunik_panic_trap(lunik_exit_status status,
                                                uintptr_t pc, uintptr_t fp,
                                                const char *format, ...)
    LUNIK_PRINTF(4, 5);

/* The bounds of the running fiber's stack; false before there is a fiber.
 * Context: any. */
bool lunik_fiber_stack(struct platform_stack *out);

/* Changes whenever a fiber waits or yields, and whenever the idle loop goes
 * round (an interrupt is enough for that). A watchdog that finds it unchanged
 * over two ticks has found a fiber that hangs. Context: any. */
uint64_t lunik_event_progress(void);

#endif
