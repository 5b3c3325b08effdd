/* SPDX-License-Identifier: MIT */
/* context.c: new contexts, and stepping from frame to frame. */
#include "arch.h"

/* What context.S pops, lowest address first. */
struct rest {
    uint32_t mxcsr;
    uint32_t x87_control;
    uint64_t r15, r14;
    void *r13_arg;
    void (*r12_entry)(void *arg);
    uint64_t rbx, rbp;
    void (*begin)(void);
    uint64_t end[2]; /* keeps the stack aligned and the last frame readable */
};
_Static_assert(sizeof(struct rest) == 80, "context.S pops this");

/* As the ABI has them at a process's start: every exception masked, round to
 * nearest, x87 with 64 bits of mantissa. */
#define MXCSR_START 0x1f80
#define X87_CONTROL_START 0x037f

void arch_context_begin(void);

void arch_context_init(struct arch_context *context, uintptr_t stack_high,
                       void (*entry)(void *arg), void *arg)
{
    struct rest *rest =
        (struct rest *)((stack_high & ~(uintptr_t)15) - sizeof(*rest));

    *rest = (struct rest) {
        .mxcsr = MXCSR_START,
        .x87_control = X87_CONTROL_START,
        .r13_arg = arg,
        .r12_entry = entry,
        .begin = arch_context_begin,
    };
    context->sp = rest;
}

/* Not inlined, so that the frame's owner is the one who called. */
LUNIK_NOINLINE struct arch_frame arch_frame_here(void)
{
    const uintptr_t *frame = __builtin_frame_address(0);

    return (struct arch_frame) { .pc = frame[1], .fp = frame[0] };
}

int arch_frame_next(struct arch_frame *frame, uintptr_t low, uintptr_t high)
{
    const uintptr_t *at = (const uintptr_t *)frame->fp;

    /* Frames go up the stack: one that does not is the end, or damage. */
    if (frame->fp < low || frame->fp % sizeof(*at) != 0 || high < low ||
        high - frame->fp < 2 * sizeof(*at) || frame->fp >= high)
        return 0;
    if (at[1] == 0 || (at[0] != 0 && at[0] <= frame->fp))
        return 0;
    *frame = (struct arch_frame) { .pc = at[1], .fp = at[0] };
    return 1;
}
