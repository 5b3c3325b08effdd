/* SPDX-License-Identifier: MIT */
/*
 * registers.h: loads and stores of device registers in memory.
 *
 * Each is one access of exactly that width, in program order among device
 * accesses; device memory is mapped uncached, so a store here also comes after
 * all earlier stores to ordinary memory. Context: any.
 */
#ifndef LUNIK_ARCH_REGISTERS_H
#define LUNIK_ARCH_REGISTERS_H

#include <stdint.h>

static inline uint8_t arch_register_load8(const volatile void *at)
{
    return *(const volatile uint8_t *)at;
}

static inline uint16_t arch_register_load16(const volatile void *at)
{
    return *(const volatile uint16_t *)at;
}

static inline uint32_t arch_register_load32(const volatile void *at)
{
    return *(const volatile uint32_t *)at;
}

static inline void arch_register_store8(volatile void *at, uint8_t value)
{
    *(volatile uint8_t *)at = value;
}

static inline void arch_register_store16(volatile void *at, uint16_t value)
{
    *(volatile uint16_t *)at = value;
}

static inline void arch_register_store32(volatile void *at, uint32_t value)
{
    *(volatile uint32_t *)at = value;
}

#endif
