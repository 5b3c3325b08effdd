/* SPDX-License-Identifier: MIT */
/*
 * exit.h: the statuses with which an image stops, shared with the host tools.
 *
 * A status is one byte. On QEMU it is written to the isa-debug-exit device,
 * which ends QEMU with (status << 1) | 1: success (0x10) is 33. QEMU's own 0
 * proves nothing, a triple fault gives it too.
 */
#ifndef LUNIK_ABI_EXIT_H
#define LUNIK_ABI_EXIT_H

typedef enum lunik_exit_status {
    LUNIK_EXIT_PROGRAM = 0x10,    /* + the program's own code, 0 to 15 */
    LUNIK_EXIT_PANIC = 0x20,      /* QEMU 65: panic, trap, failed assertion */
    LUNIK_EXIT_NO_MEMORY = 0x21,  /* QEMU 67: out of memory */
    LUNIK_EXIT_WATCHDOG = 0x22,   /* QEMU 69: the watchdog saw no progress */
    LUNIK_EXIT_NO_ENTROPY = 0x23, /* QEMU 71: no entropy, so no start */
    LUNIK_EXIT_BAD_LAUNCH = 0x24, /* QEMU 73: bad seal, manifest or launch */
} lunik_exit_status;

#define LUNIK_EXIT_PROGRAM_MAX 15

/* The I/O port that `-device isa-debug-exit,iobase=…` must name. */
#define LUNIK_EXIT_PORT 0xf4

#endif
