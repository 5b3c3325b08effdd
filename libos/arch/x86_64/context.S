/* SPDX-License-Identifier: MIT */
/*
 * context.S: switching stacks.
 *
 * A context at rest is a stack pointer; above it lie, upwards:
 *   mxcsr and x87 control word (8 bytes), r15 r14 r13 r12 rbx rbp, return
 *   address
 * which is what the System V ABI has a callee keep. context.c builds the same
 * picture for a context that has never run.
 */
    .text

    .globl arch_context_switch
    .type arch_context_switch, @function
    .balign 16
arch_context_switch: /* (rdi: from, rsi: to) */
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    subq $8, %rsp
    stmxcsr (%rsp)
    fnstcw 4(%rsp)
    movq %rsp, (%rdi)
    movq (%rsi), %rsp
    ldmxcsr (%rsp)
    fldcw 4(%rsp)
    addq $8, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size arch_context_switch, . - arch_context_switch

/* The first instructions of a context: r12 is the entry, r13 its argument. The
 * frame pointer is 0, so a traceback ends here. */
    .globl arch_context_begin
    .hidden arch_context_begin
    .type arch_context_begin, @function
    .balign 16
arch_context_begin:
    movq %r13, %rdi
    callq *%r12
    ud2
    .size arch_context_begin, . - arch_context_begin

    .section .note.GNU-stack, "", @progbits
