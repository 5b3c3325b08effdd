/* SPDX-License-Identifier: MIT */
/*
 * stack.h: the stacks' part of the address space.
 *
 * Slots of LUNIK_STACK_SIZE, the lowest page of each never mapped. Slot 0 has
 * the stacks of start-up and of traps, with unmapped pages between them; the
 * others are fibers'. Context: task.
 */
#ifndef LUNIK_PLATFORM_VM_STACK_H
#define LUNIK_PLATFORM_VM_STACK_H

#include "trap.h"
#include <stdint.h>

/* Maps the fixed stacks. Returns the boot stack's end; (*traps_out) gets the
 * others'. */
uintptr_t platform_stack_init(struct arch_trap_stacks *traps_out);

#endif
