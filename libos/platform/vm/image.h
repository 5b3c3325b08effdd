/* SPDX-License-Identifier: MIT */
/*
 * image.h: the boundaries that image.lds gives an image. Only their addresses
 * mean something.
 */
#ifndef LUNIK_IMAGE_H
#define LUNIK_IMAGE_H

/* Each section starts and ends at a page. */
extern char lunik_image_start[];
extern char lunik_text_start[], lunik_text_end[];
extern char lunik_rodata_start[], lunik_rodata_end[];
extern char lunik_ro_after_start_start[], lunik_ro_after_start_end[];
extern char lunik_data_start[], lunik_data_end[];
extern char lunik_bss_start[], lunik_bss_end[];
extern char lunik_image_end[];

/* Where the sealed bytes begin, if there are any. */
extern char lunik_seal[];

/* Within bss: the tables of entry.S, and the memory of the fixed stacks. */
extern char arch_boot_tables[], arch_boot_tables_end[];
extern char arch_boot_stack[], arch_boot_stack_end[];
extern char arch_trap_stacks[], arch_trap_stacks_end[];

#endif
