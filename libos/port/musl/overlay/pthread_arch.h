/* SPDX-License-Identifier: MIT */
/*
 * pthread_arch.h: where the C library's one thread is.
 *
 * There is one, so it is an object like any other: no thread pointer, no TLS
 * block, nothing to set up before errno works.
 */
extern struct __pthread lunik_port_thread;

static inline uintptr_t __get_tp(void)
{
    return (uintptr_t)&lunik_port_thread;
}

#define MC_PC gregs[REG_RIP]
