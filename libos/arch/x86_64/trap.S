/* SPDX-License-Identifier: MIT */
/* trap.S: from the processor's vectors to C and back. */

        .section .text.arch_trap_stubs, "ax", @progbits
        .globl  arch_trap_stubs
        .type   arch_trap_stubs, @function
        .balign 16
/* One stub of 8 bytes for each vector 0x00 to 0x5f. */
arch_trap_stubs:
        .set    vector, 0
        .rept   0x60
        .balign 8
        pushq   $vector
        /* The processor pushes an error code for these and no others. */
        .if (vector == 8) | ((vector >= 10) & (vector <= 14)) | (vector == 17) | (vector == 21) | (vector == 29) | (vector == 30)
        jmp     trap_common
        .else
        jmp     trap_plain
        .endif
        .set    vector, vector + 1
        .endr
        .size   arch_trap_stubs, . - arch_trap_stubs

        .type   trap_plain, @function
trap_plain:
        pushq   (%rsp)
        movq    $0, 8(%rsp)             /* where the error code would be */
        .size   trap_plain, . - trap_plain

        .type   trap_common, @function
trap_common:
        pushq   %rax
        pushq   %rbx
        pushq   %rcx
        pushq   %rdx
        pushq   %rsi
        pushq   %rdi
        pushq   %rbp
        pushq   %r8
        pushq   %r9
        pushq   %r10
        pushq   %r11
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        movq    %rsp, %rdi
        movq    %rsp, %rbx
        subq    $512, %rsp
        andq    $-16, %rsp
        fxsaveq (%rsp)
        cld
        call    arch_trap
        fxrstorq (%rsp)
        movq    %rbx, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %r11
        popq    %r10
        popq    %r9
        popq    %r8
        popq    %rbp
        popq    %rdi
        popq    %rsi
        popq    %rdx
        popq    %rcx
        popq    %rbx
        popq    %rax
        addq    $16, %rsp
        iretq
        .size   trap_common, . - trap_common

        .section .note.GNU-stack, "", @progbits
