/* SPDX-License-Identifier: MIT */
/*
 * trap.h: exceptions and interrupts.
 *
 * Every vector runs on a stack of its own (IST) with a guard page below,
 * because compiled code, libgcc's and the C library's, may use the 128 bytes
 * below the stack pointer. The floating-point state is saved around handlers.
 */
#ifndef LUNIK_ARCH_TRAP_H
#define LUNIK_ARCH_TRAP_H

#include <lunik/attr.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What trap.S pushes, lowest address first. */
struct arch_trap {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
    uint64_t rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};
_Static_assert(sizeof(struct arch_trap) == 176, "known to trap.S");

/* The ends of the stacks that traps run on. */
struct arch_trap_stacks {
    uintptr_t fault;     /* exceptions */
    uintptr_t fatal;     /* faults inside a panic, and what never returns */
    uintptr_t interrupt; /* devices and the timer */
};

/* Loads the descriptor tables. Traps work from here on; interrupts are off. */
void arch_trap_init(const struct arch_trap_stacks *stacks);

/* Where vector (vector)'s interrupt goes. Of interrupt.c. */
void arch_interrupt_handle(const struct arch_trap *trap);

/*
 * What became of a fault in the stacks' address space, answered by the
 * platform.
 */
enum arch_stack_fault {
    ARCH_STACK_NONE,   /* no stack there */
    ARCH_STACK_MAPPED, /* there is memory now; go on */
    ARCH_STACK_GUARD,  /* below a stack's end */
    ARCH_STACK_FULL,   /* no memory is left for it */
};
enum arch_stack_fault platform_stack_fault(uintptr_t address);

#endif
