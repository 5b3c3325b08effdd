/* SPDX-License-Identifier: MIT */
/*
 * entry.S: from the PVH entry (32-bit, no paging) to C in long mode.
 *
 * What the loader gives (Xen: docs/misc/pvh.pandoc): flat 32-bit protected
 * mode, interrupts off, ebx = physical address of hvm_start_info, memory
 * beyond the file's bytes of a segment zeroed. Nothing else is defined.
 */
        .section .note.Xen, "a", @note
        .balign 4
        .long   4                       /* namesz */
        .long   4                       /* descsz */
        .long   18                      /* XEN_ELFNOTE_PHYS32_ENTRY */
        .asciz  "Xen"
        .long   arch_entry_pvh

        .section .text.arch_entry_pvh, "ax", @progbits
        .code32
        .globl  arch_entry_pvh
        .type   arch_entry_pvh, @function
arch_entry_pvh:
        cld
        movl    %ebx, %esi              /* cpuid writes ebx */

        /*
         * Tables for the first GiB, read-write-execute, 2 MiB pages: enough
         * for C to make the real ones (paging.c), which take their place.
         */
        movl    $arch_boot_tables + 0x1003, arch_boot_tables
        movl    $arch_boot_tables + 0x2003, arch_boot_tables + 0x1000
        movl    $arch_boot_tables + 0x2000, %edi
        movl    $0x83, %eax             /* present, writable, large */
1:      movl    %eax, (%edi)
        addl    $8, %edi
        addl    $0x200000, %eax
        cmpl    $0x40000083, %eax
        jne     1b

        movl    %cr4, %eax
        orl     $0x620, %eax            /* PAE, OSFXSR, OSXMMEXCPT */
        movl    %eax, %cr4
        movl    $arch_boot_tables, %eax
        movl    %eax, %cr3

        movl    $0x80000001, %eax
        cpuid
        movl    %edx, %edi              /* bit 20: NX */
        movl    $0xc0000080, %ecx       /* EFER */
        rdmsr
        orl     $0x100, %eax            /* LME */
        testl   $0x100000, %edi
        jz      2f
        orl     $0x800, %eax            /* NXE */
2:      wrmsr

        movl    $0x80010033, %eax       /* PG, WP, NE, ET, MP, PE */
        movl    %eax, %cr0
        lgdt    arch_boot_gdt_pointer
        ljmp    $0x08, $3f

        .code64
3:      xorl    %eax, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        movl    %eax, %fs
        movl    %eax, %gs
        fninit
        movl    $arch_boot_stack_end, %esp
        xorl    %ebp, %ebp              /* a traceback ends here */
        movl    $0x94fda700, __stack_chk_guard /* until platform_set_canary() */
        movl    %esi, %edi
        call    platform_vm_boot
        /* The stack went on to an address with a guard page below. */
        movq    %rax, %rsp
        xorl    %ebp, %ebp
        call    lunik_start
        ud2
        .size   arch_entry_pvh, . - arch_entry_pvh

        /* The accessed bits are set, or the processor would write them. */
        .section .rodata.arch_boot_gdt, "a", @progbits
        .balign 8
arch_boot_gdt:
        .quad   0
        .quad   0x00af9b000000ffff      /* 0x08: 64-bit code */
arch_boot_gdt_pointer:
        .word   . - arch_boot_gdt - 1
        .long   arch_boot_gdt
        .long   0

        /*
         * Whole pages. The stacks' are used at addresses of the stacks' region
         * (stack.c), where pages without memory lie between them.
         */
        .section .lunik_bss_pages, "aw", @nobits
        .balign 4096
        .globl  arch_boot_tables, arch_boot_tables_end
arch_boot_tables:
        .skip   3 * 4096
arch_boot_tables_end:
        .globl  arch_boot_stack, arch_boot_stack_end
arch_boot_stack:
        .skip   3 * 4096
arch_boot_stack_end:
        .globl  arch_trap_stacks, arch_trap_stacks_end
arch_trap_stacks:
        .skip   5 * 4096
arch_trap_stacks_end:

        .section .note.GNU-stack, "", @progbits
