/* SPDX-License-Identifier: MIT */
/* cpu.h: the processor, as far as drivers know it (see machine.h). */
#ifndef LUNIK_ARCH_CPU_H
#define LUNIK_ARCH_CPU_H

static inline void cpu_relax(void)
{
}

#endif
