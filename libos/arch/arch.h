/* SPDX-License-Identifier: MIT */
/*
 * arch.h: what the core needs from a processor. Implemented in arch/<name>/.
 */
#ifndef LUNIK_ARCH_H
#define LUNIK_ARCH_H

#include <lunik/attr.h>
#include <stddef.h>
#include <stdint.h>

/* A fiber's registers live on its stack; this is where. */
struct arch_context {
    void *sp;
};

/* Makes (context) such that the first switch to it calls (entry)(arg) on the
 * stack that ends at (stack_high). (entry) must not return. */
void arch_context_init(struct arch_context *context, uintptr_t stack_high,
                       void (*entry)(void *arg), void *arg);

/* Saves the callee-saved registers and the FPU control words into (*from) and
 * goes on in (*to). Returns when somebody switches back. */
void arch_context_switch(struct arch_context *from, struct arch_context *to);

/* The registers where a traceback starts. */
struct arch_frame {
    uintptr_t pc, fp;
};

/* The caller's own frame. */
struct arch_frame arch_frame_here(void);

/* Steps (frame) to its caller by the frame pointer, reading only within
 * [low, high). Returns: false at the end of the chain or of the bounds. */
int arch_frame_next(struct arch_frame *frame, uintptr_t low, uintptr_t high);

/* CRC32C of (size) bytes, continuing from (crc) (0 at first): the processor's
 * instruction where it has one. */
uint32_t arch_crc32c(uint32_t crc, const void *data, size_t size);

#endif
