/* SPDX-License-Identifier: MIT */
/*
 * cpu.h: single x86-64 instructions as functions.
 *
 * Context: any. Names follow the instructions, so that the manuals explain
 * them: Intel SDM volume 2, AMD APM volume 3.
 */
#ifndef LUNIK_ARCH_CPU_H
#define LUNIK_ARCH_CPU_H

#include "port.h"
#include <lunik/attr.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CPU_CR0_WP (UINT64_C(1) << 16)
#define CPU_CR4_UMIP (UINT64_C(1) << 11)
#define CPU_CR4_SMEP (UINT64_C(1) << 20)
#define CPU_CR4_SMAP (UINT64_C(1) << 21)
#define CPU_RFLAGS_IF (UINT64_C(1) << 9)
#define CPU_RFLAGS_AC (UINT64_C(1) << 18)

#define CPU_MSR_APIC_BASE 0x1bu
#define CPU_MSR_TSC_DEADLINE 0x6e0u

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid r;

    __asm__ volatile("cpuid"
                     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "a"(leaf), "c"(subleaf));
    return r;
}

/* As cpuid(), or zeros where the processor's (basic or extended) range ends
 * before (leaf): processors answer such leaves with another leaf's data. */
static inline struct cpuid cpuid_checked(uint32_t leaf, uint32_t subleaf)
{
    if (cpuid(leaf & 0x80000000u, 0).eax < leaf)
        return (struct cpuid) { 0, 0, 0, 0 };
    return cpuid(leaf, subleaf);
}

static inline uint64_t rdmsr(uint32_t msr)
{
    uint32_t low, high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr"
                     :
                     : "c"(msr), "a"((uint32_t)value),
                       "d"((uint32_t)(value >> 32))
                     : "memory");
}

/* Not before the loads that precede it in program order. */
static inline uint64_t rdtsc_ordered(void)
{
    uint32_t low, high;

    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

static inline uint64_t read_cr0(void)
{
    uint64_t value;

    __asm__ volatile("mov %%cr0, %0" : "=r"(value));
    return value;
}

static inline void write_cr0(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr0" : : "r"(value) : "memory");
}

static inline uint64_t read_cr2(void)
{
    uint64_t value;

    __asm__ volatile("mov %%cr2, %0" : "=r"(value));
    return value;
}

static inline void write_cr3(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(value) : "memory");
}

static inline uint64_t read_cr4(void)
{
    uint64_t value;

    __asm__ volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}

static inline void write_cr4(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}

static inline void invlpg(uintptr_t address)
{
    __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

static inline void cpu_relax(void)
{
    __asm__ volatile("pause");
}

/* Holds interrupts off; returns what cpu_interrupts_restore() needs. */
static inline uint64_t cpu_interrupts_off(void)
{
    uint64_t flags;

    __asm__ volatile("pushfq; pop %0; cli" : "=r"(flags) : : "memory");
    return flags;
}

static inline void cpu_interrupts_restore(uint64_t flags)
{
    if (flags & CPU_RFLAGS_IF)
        __asm__ volatile("sti" : : : "memory");
}

/* Lets interrupts in and sleeps until one comes. `sti` takes effect only after
 * the instruction that follows it, so none can slip in between the two. */
static inline void cpu_sleep(void)
{
    __asm__ volatile("sti; hlt; cli" : : : "memory");
}

LUNIK_NORETURN static inline void cpu_stop(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

#endif
