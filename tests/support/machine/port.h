/* SPDX-License-Identifier: MIT */
/* port.h: the processor's I/O ports, played by a test (see machine.h). */
#ifndef LUNIK_ARCH_PORT_H
#define LUNIK_ARCH_PORT_H

#include <stdint.h>

void arch_out8(uint16_t port, uint8_t value);
uint8_t arch_in8(uint16_t port);
void arch_out16(uint16_t port, uint16_t value);
uint16_t arch_in16(uint16_t port);
void arch_out32(uint16_t port, uint32_t value);
uint32_t arch_in32(uint16_t port);

#endif
