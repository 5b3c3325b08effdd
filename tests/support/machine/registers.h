/* SPDX-License-Identifier: MIT */
/* registers.h: device registers, played by a test (see machine.h). */
#ifndef LUNIK_ARCH_REGISTERS_H
#define LUNIK_ARCH_REGISTERS_H

#include <stdint.h>

uint8_t arch_register_load8(const volatile void *at);
uint16_t arch_register_load16(const volatile void *at);
uint32_t arch_register_load32(const volatile void *at);
void arch_register_store8(volatile void *at, uint8_t value);
void arch_register_store16(volatile void *at, uint16_t value);
void arch_register_store32(volatile void *at, uint32_t value);

#endif
