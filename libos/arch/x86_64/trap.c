/* SPDX-License-Identifier: MIT */
/* trap.c: descriptor tables, and what an exception means in words. */
#include "trap.h"
#include "arch.h"
#include "cpu.h"
#include "image.h"
#include "paging.h"
#include "platform.h"
#include <lunik/event.h>
#include <lunik/format.h>
#include <lunik/panic.h>
#include <stdarg.h>

#define VECTOR_COUNT 0x60u
#define VECTOR_NMI 2
#define VECTOR_DOUBLE_FAULT 8
#define VECTOR_GENERAL_PROTECTION 13
#define VECTOR_PAGE_FAULT 14
#define VECTOR_MACHINE_CHECK 18
#define VECTOR_FIRST_INTERRUPT 32
#define STUB_SIZE 8

#define SELECTOR_CODE 0x08
#define SELECTOR_TSS 0x10

/* Interrupt stack table indices, 1 to 7 as the processor counts. */
#define IST_FAULT 1
#define IST_FATAL 2
#define IST_INTERRUPT 3

struct gate {
    uint16_t offset_0, selector;
    uint8_t ist, type;
    uint16_t offset_16;
    uint32_t offset_32, reserved;
};
_Static_assert(sizeof(struct gate) == 16, "known to the processor");

struct tss {
    uint32_t reserved_0;
    uint32_t rsp[6];
    uint32_t reserved_1[2];
    uint32_t ist[7][2]; /* low half, high half */
    uint32_t reserved_2[2];
    uint16_t reserved_3, io_map;
};
_Static_assert(sizeof(struct tss) == 104, "known to the processor");

struct LUNIK_PACKED pointer {
    uint16_t limit;
    uint64_t base;
};

static LUNIK_READ_ONLY_AFTER_START struct gate idt[VECTOR_COUNT];
static LUNIK_READ_ONLY_AFTER_START LUNIK_ALIGNED(16) struct tss tss;
/* Null, code, and the TSS, which takes two. */
static LUNIK_READ_ONLY_AFTER_START LUNIK_ALIGNED(16) uint64_t gdt[4];

/* Set by the first exception that ends the image, counted from then on. */
static unsigned fatal_count;

/* trap.S */
extern const char arch_trap_stubs[];
void arch_trap(struct arch_trap *trap);

/* ---- Tables ---- */

static void set_ist(unsigned index, uintptr_t stack)
{
    tss.ist[index - 1][0] = (uint32_t)stack;
    tss.ist[index - 1][1] = (uint32_t)(stack >> 32);
}

static uint8_t ist_of(unsigned vector)
{
    if (vector >= VECTOR_FIRST_INTERRUPT)
        return IST_INTERRUPT;
    if (vector == VECTOR_NMI || vector == VECTOR_DOUBLE_FAULT ||
        vector == VECTOR_MACHINE_CHECK)
        return IST_FATAL;
    return IST_FAULT;
}

static void load_tables(void)
{
    struct pointer idt_pointer = { sizeof idt - 1, (uintptr_t)idt };
    struct pointer gdt_pointer = { sizeof gdt - 1, (uintptr_t)gdt };

    /* The code descriptor is the one in use, so cs stays as it is. */
    __asm__ volatile("lgdt %0" : : "m"(gdt_pointer));
    __asm__ volatile("lidt %0" : : "m"(idt_pointer));
    __asm__ volatile("ltr %w0" : : "r"(SELECTOR_TSS));
}

void arch_trap_init(const struct arch_trap_stacks *stacks)
{
    uint64_t base = (uintptr_t)&tss;

    set_ist(IST_FAULT, stacks->fault);
    set_ist(IST_FATAL, stacks->fatal);
    set_ist(IST_INTERRUPT, stacks->interrupt);
    tss.io_map = sizeof tss;

    gdt[1] = UINT64_C(0x00af9b000000ffff);
    gdt[2] = (sizeof tss - 1) | (base & 0xffffff) << 16 | UINT64_C(0x89) << 40 |
             (base >> 24 & 0xff) << 56;
    gdt[3] = base >> 32;

    for (unsigned i = 0; i < VECTOR_COUNT; i++) {
        uintptr_t stub = (uintptr_t)arch_trap_stubs + (uintptr_t)i * STUB_SIZE;

        idt[i] = (struct gate) {
            .offset_0 = (uint16_t)stub,
            .selector = SELECTOR_CODE,
            .ist = ist_of(i),
            .type = 0x8e, /* present, interrupt gate */
            .offset_16 = (uint16_t)(stub >> 16),
            .offset_32 = (uint32_t)(stub >> 32),
        };
    }
    load_tables();
}

/* ---- Words ---- */

/* Those that a program can cause; the others are told by their number. */
static const char *exception_name(uint64_t vector)
{
    switch (vector) {
    case 0:
        return "divide error";
    case 3:
        return "breakpoint";
    case 6:
        return "undefined instruction";
    case VECTOR_DOUBLE_FAULT:
        return "double fault";
    case 12:
        return "stack fault (a non-canonical address?)";
    case VECTOR_GENERAL_PROTECTION:
        return "general protection fault (a non-canonical address or a "
               "forbidden instruction)";
    default:
        return "exception";
    }
}

static bool is_between(uintptr_t address, const char *start, const char *end)
{
    return address >= (uintptr_t)start && address < (uintptr_t)end;
}

#define PAGE_FAULT_PRESENT 1u
#define PAGE_FAULT_WRITE 2u
#define PAGE_FAULT_FETCH 16u

struct sentence {
    const char *what, *where;
};

/* What is at (address), for "write to …". */
static const char *place_of(const struct arch_trap *trap, uintptr_t address)
{
    if (is_between(address, lunik_text_start, lunik_text_end))
        return "program text";
    if (is_between(address, lunik_rodata_start, lunik_rodata_end))
        return "read-only data";
    if (is_between(address, lunik_ro_after_start_start,
                   lunik_ro_after_start_end))
        return "data that is read-only after the start";
    if (!(trap->error & PAGE_FAULT_PRESENT))
        return "memory that is not there";
    return trap->error & PAGE_FAULT_WRITE ? "a page table or the sealed bytes"
                                          : "data";
}

static struct sentence page_fault_sentence(const struct arch_trap *trap,
                                           uintptr_t address)
{
    /* Without NX the processor does not say that it was fetching. */
    bool is_fetch = (trap->error & PAGE_FAULT_FETCH) || trap->rip == address;
    bool is_write = trap->error & PAGE_FAULT_WRITE;

    if (address < ARCH_NULL_SIZE)
        return (struct sentence) { "null pointer", is_fetch   ? "call"
                                                   : is_write ? "write"
                                                              : "read" };
    return (struct sentence) { is_fetch   ? "execution of"
                               : is_write ? "write to"
                                          : "read of",
                               place_of(trap, address) };
}

/* ---- The end ---- */

/* The frame to begin the traceback with: where the trap came from, or, if it
 * came from a call to where no code is, the call: one byte before the address
 * that it left on the stack. */
static struct arch_frame frame_of(const struct arch_trap *trap)
{
    const uint64_t *stack = (const uint64_t *)trap->rsp;
    struct platform_stack bounds;

    if (!is_between(trap->rip, lunik_text_start, lunik_text_end) &&
        lunik_fiber_stack(&bounds) && trap->rsp >= bounds.low &&
        trap->rsp <= bounds.high - sizeof *stack &&
        is_between(*stack, lunik_text_start, lunik_text_end))
        return (struct arch_frame) { .pc = *stack - 1, .fp = trap->rbp };
    return (struct arch_frame) { .pc = trap->rip, .fp = trap->rbp };
}

#define REGISTERS                            \
    "\n  rip %016lx rsp %016lx rfl %016lx\n" \
    "  rax %016lx rbx %016lx rcx %016lx\n"   \
    "  rdx %016lx rsi %016lx rdi %016lx\n"   \
    "  rbp %016lx r8  %016lx r9  %016lx\n"   \
    "  r10 %016lx r11 %016lx r12 %016lx\n"   \
    "  r13 %016lx r14 %016lx r15 %016lx"
#define REGISTER_VALUES(t)                                                   \
    (t)->rip, (t)->rsp, (t)->rflags, (t)->rax, (t)->rbx, (t)->rcx, (t)->rdx, \
        (t)->rsi, (t)->rdi, (t)->rbp, (t)->r8, (t)->r9, (t)->r10, (t)->r11,  \
        (t)->r12, (t)->r13, (t)->r14, (t)->r15

/* The one place that prints registers, below a sentence. */
LUNIK_NORETURN static void end(const struct arch_trap *trap, const char *format,
                               ...) LUNIK_PRINTF(2, 3);

LUNIK_NORETURN static void end(const struct arch_trap *trap, const char *format,
                               ...)
{
    struct arch_frame frame = frame_of(trap);
    char sentence[160];
    va_list args;

    va_start(args, format);
    lunik_format_v(sentence, sizeof(sentence), format, args);
    va_end(args);
    lunik_panic_trap(LUNIK_EXIT_PANIC, frame.pc, frame.fp, "%s" REGISTERS,
                     sentence, REGISTER_VALUES(trap));
}

LUNIK_NORETURN static void end_overflow(const struct arch_trap *trap)
{
    struct platform_stack stack;
    const char *name = "(the boot stack)";

    if (lunik_fiber_stack(&stack))
        name = lunik_fiber_name(lunik_fiber_self());
    end(trap, "stack overflow in fiber %s", name);
}

LUNIK_NORETURN static void end_full(const struct arch_trap *trap)
{
    struct arch_frame frame = frame_of(trap);

    lunik_panic_trap(LUNIK_EXIT_NO_MEMORY, frame.pc, frame.fp,
                     "out of memory under a growing stack");
}

/* From now on exceptions take the other stack, so that one inside the panic
 * does not overwrite the frames of the panic. The third one gives up. */
static void enter_fatal(void)
{
    fatal_count++;
    if (fatal_count > 2)
        platform_exit(LUNIK_EXIT_PANIC);
    arch_store_protected((uint64_t *)(uintptr_t)&tss.ist[IST_FAULT - 1],
                         (uint64_t)tss.ist[IST_FATAL - 1][0] |
                             (uint64_t)tss.ist[IST_FATAL - 1][1] << 32);
}

static void page_fault(const struct arch_trap *trap)
{
    uintptr_t address = read_cr2();
    enum arch_stack_fault stack = ARCH_STACK_NONE;
    struct sentence words;

    if (!(trap->error & (PAGE_FAULT_PRESENT | PAGE_FAULT_FETCH)))
        stack = platform_stack_fault(address);
    if (stack == ARCH_STACK_MAPPED)
        return;
    enter_fatal();
    if (stack == ARCH_STACK_GUARD)
        end_overflow(trap);
    if (stack == ARCH_STACK_FULL)
        end_full(trap);
    words = page_fault_sentence(trap, address);
    end(trap, "%s %s at 0x%lx", words.what, words.where, address);
}

void arch_trap(struct arch_trap *trap)
{
    if (trap->vector >= VECTOR_FIRST_INTERRUPT) {
        arch_interrupt_handle(trap);
        return;
    }
    if (trap->vector == VECTOR_PAGE_FAULT) {
        page_fault(trap);
        return;
    }
    enter_fatal();
    end(trap, "%s, vector %lu, error code 0x%lx", exception_name(trap->vector),
        trap->vector, trap->error);
}
