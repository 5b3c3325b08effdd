/* SPDX-License-Identifier: MIT */
/* apic.c: the local APIC, its timer, and the vectors of devices. */
#include "apic.h"
#include "cpu.h"
#include "interrupt.h"
#include "platform.h"
#include "trap.h"
#include <lunik/panic.h>

#define VECTOR_TIMER 0x50
/* The low four bits of this one must be set on old processors. */
#define VECTOR_SPURIOUS 0x5f

/* Registers by their offset; Intel SDM volume 3, "Local APIC registers". */
#define REGISTER_ID 0x20
#define REGISTER_TASK_PRIORITY 0x80
#define REGISTER_END 0xb0
#define REGISTER_SPURIOUS 0xf0
#define REGISTER_LVT_TIMER 0x320
#define REGISTER_LVT_LINT0 0x350
#define REGISTER_LVT_LINT1 0x360
#define REGISTER_LVT_ERROR 0x370
#define REGISTER_TIMER_COUNT 0x380
#define REGISTER_TIMER_NOW 0x390
#define REGISTER_TIMER_DIVIDE 0x3e0

#define LVT_MASKED (1u << 16)
#define LVT_DEADLINE (2u << 17)
#define SPURIOUS_ENABLE (1u << 8)
#define DIVIDE_BY_16 3u

#define APIC_BASE_ADDRESS UINT64_C(0x000ffffffffff000)
#define APIC_BASE_ENABLE (UINT64_C(1) << 11)
#define APIC_BASE_X2 (UINT64_C(1) << 10)
#define MSR_X2_FIRST 0x800u
#define REGISTER_BYTES 0x400

struct apic {
    volatile uint8_t *registers; /* NULL in x2APIC mode */
    bool is_tried, is_there, is_x2;
    bool has_deadline, is_deadline_mode;
    unsigned taken;
    const struct lunik_source *sources[ARCH_VECTOR_COUNT];
};
static struct apic apic;

static uint32_t apic_read(unsigned offset)
{
    if (apic.is_x2)
        return (uint32_t)rdmsr(MSR_X2_FIRST + offset / 16);
    return *(volatile uint32_t *)(apic.registers + offset);
}

static void apic_write(unsigned offset, uint32_t value)
{
    if (apic.is_x2)
        wrmsr(MSR_X2_FIRST + offset / 16, value);
    else
        *(volatile uint32_t *)(apic.registers + offset) = value;
}

/* The mode that the machine was started in is kept. */
static bool map_registers(void)
{
    uint64_t base = rdmsr(CPU_MSR_APIC_BASE);

    if (!(base & APIC_BASE_ENABLE)) {
        base |= APIC_BASE_ENABLE;
        wrmsr(CPU_MSR_APIC_BASE, base);
    }
    apic.is_x2 = base & APIC_BASE_X2;
    if (!apic.is_x2)
        apic.registers =
            arch_map_device(base & APIC_BASE_ADDRESS, REGISTER_BYTES);
    return apic.is_x2 || apic.registers;
}

bool arch_apic_start(void)
{
    struct cpuid features;

    if (apic.is_tried)
        return apic.is_there;
    apic.is_tried = true;
    features = cpuid(1, 0);
    if (!(features.edx & (1u << 9)) || !map_registers())
        return false;
    apic.is_there = true;
    apic.has_deadline = features.ecx & (1u << 24);
    apic_write(REGISTER_TASK_PRIORITY, 0);
    apic_write(REGISTER_LVT_LINT0, LVT_MASKED); /* the 8259s */
    apic_write(REGISTER_LVT_LINT1, LVT_MASKED);
    apic_write(REGISTER_LVT_ERROR, LVT_MASKED);
    apic_write(REGISTER_TIMER_DIVIDE, DIVIDE_BY_16);
    apic_write(REGISTER_LVT_TIMER, VECTOR_TIMER);
    apic_write(REGISTER_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
    return true;
}

/* ---- Timer ---- */

bool arch_apic_has_deadline(void)
{
    return arch_apic_start() && apic.has_deadline;
}

void arch_apic_set_deadline(uint64_t tsc)
{
    if (!apic.is_deadline_mode) {
        apic_write(REGISTER_LVT_TIMER, VECTOR_TIMER | LVT_DEADLINE);
        /* The register write must be over before the MSR's; SDM 10.5.4.1. */
        __asm__ volatile("mfence" : : : "memory");
        apic.is_deadline_mode = true;
    }
    wrmsr(CPU_MSR_TSC_DEADLINE, tsc);
}

void arch_apic_set_ticks(uint32_t ticks)
{
    if (apic.is_deadline_mode) {
        apic_write(REGISTER_LVT_TIMER, VECTOR_TIMER);
        apic.is_deadline_mode = false;
    }
    apic_write(REGISTER_TIMER_COUNT, ticks);
}

uint32_t arch_apic_ticks(void)
{
    return apic_read(REGISTER_TIMER_NOW);
}

/* ---- Vectors ---- */

lunik_result arch_interrupt_acquire(const struct lunik_source *source,
                                    uint8_t *vector_out)
{
    LUNIK_ASSERT(source);
    if (!arch_apic_start())
        return LUNIK_ENOENT;
    if (apic.taken == ARCH_VECTOR_COUNT)
        return LUNIK_ENOMEM;
    apic.sources[apic.taken] = source;
    *vector_out = (uint8_t)(ARCH_VECTOR_FIRST + apic.taken);
    apic.taken++;
    return LUNIK_OK;
}

uint8_t arch_interrupt_cpu(void)
{
    if (!arch_apic_start())
        return 0;
    if (apic.is_x2)
        return (uint8_t)apic_read(REGISTER_ID);
    return (uint8_t)(apic_read(REGISTER_ID) >> 24);
}

void arch_interrupt_handle(const struct arch_trap *trap)
{
    uint64_t index = trap->vector - ARCH_VECTOR_FIRST;

    if (trap->vector >= ARCH_VECTOR_FIRST && index < apic.taken)
        lunik_source_notify(apic.sources[index]);
    else if (trap->vector == VECTOR_TIMER)
        platform_timer_interrupt(trap);
    else
        return; /* spurious, or an 8259's: neither wants an answer */
    apic_write(REGISTER_END, 0);
}
