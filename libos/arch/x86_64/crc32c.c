/* SPDX-License-Identifier: MIT */
/* crc32c.c: CRC32C, by SSE4.2's instruction where the processor has it. */
#include "arch.h"
#include "cpu.h"

#define CPUID_1_ECX_SSE42 (1u << 20)
#define POLYNOMIAL 0x82f63b78u /* Castagnoli's, bit-reversed */

static uint32_t crc_by_instruction(uint32_t crc, const uint8_t *p, size_t size)
{
    uint64_t wide = crc;

    while (size > 0 && ((uintptr_t)p & 7) != 0) {
        __asm__("crc32b %1, %k0" : "+r"(wide) : "m"(*p));
        p++;
        size--;
    }
    for (; size >= 8; p += 8, size -= 8)
        __asm__("crc32q %1, %0" : "+r"(wide) : "m"(*(const uint64_t *)p));
    for (; size > 0; p++, size--)
        __asm__("crc32b %1, %k0" : "+r"(wide) : "m"(*p));
    return (uint32_t)wide;
}

/* Half a byte a step: 64 bytes of table, made when first needed. */
static uint32_t crc_by_table(uint32_t crc, const uint8_t *p, size_t size)
{
    uint32_t table[16];

    for (uint32_t i = 0; i < 16; i++) {
        uint32_t value = i;

        for (int bit = 0; bit < 4; bit++)
            value = value >> 1 ^ (value & 1 ? POLYNOMIAL : 0);
        table[i] = value;
    }
    for (; size > 0; p++, size--) {
        crc ^= *p;
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return crc;
}

uint32_t arch_crc32c(uint32_t crc, const void *data, size_t size)
{
    if (cpuid(1, 0).ecx & CPUID_1_ECX_SSE42)
        return ~crc_by_instruction(~crc, data, size);
    return ~crc_by_table(~crc, data, size);
}
