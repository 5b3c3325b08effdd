/* SPDX-License-Identifier: MIT */
/* acpi.c: reads ACPI's tables; ACPI specification 6.4, chapter 5. */
#include "acpi.h"
#include <string.h>

#define HEADER_SIZE 36u
#define ROOT_SIZE_1 20u
#define ROOT_SIZE_2 36u

/* Offsets in the fixed description table. */
#define FADT_DSDT 40
#define FADT_SCI 46
#define FADT_SMI_PORT 48
#define FADT_SMI_ENABLE 52
#define FADT_EVENT_PORT 56
#define FADT_CONTROL_PORT 64
#define FADT_CONTROL_PORT_B 68
#define FADT_TIMER_PORT 76
#define FADT_EVENT_LEN 88
#define FADT_TIMER_LEN 91
#define FADT_FLAGS 112
#define FADT_SIZE_1 116
#define FADT_X_DSDT 140
#define FADT_SLEEP 244
#define FADT_SIZE_5 268

#define FLAG_BUTTON_IS_METHOD (1u << 4)
#define FLAG_TIMER_32 (1u << 8)
#define FLAG_HARDWARE_REDUCED (1u << 20)

/* A register's address: kind, width, offset, size, 8 bytes of address. */
#define REGISTER_MEMORY 0
#define REGISTER_PORT 1
#define REGISTER_ADDRESS 4

/* AML's opcodes. */
#define AML_ZERO 0x00
#define AML_ONE 0x01
#define AML_NAME 0x08
#define AML_BYTE 0x0a
#define AML_WORD 0x0b
#define AML_DWORD 0x0c
#define AML_PACKAGE 0x12

static uint64_t get(const uint8_t *at, unsigned size)
{
    uint64_t value = 0;

    while (size-- > 0)
        value = value << 8 | at[size];
    return value;
}

static bool sum_is_zero(const uint8_t *data, size_t size)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + data[i]);
    return sum == 0;
}

bool platform_acpi_root_read(const void *data, size_t size, uint64_t *out,
                             bool *is_wide_out)
{
    const uint8_t *root = data;

    if (size < ROOT_SIZE_1 || memcmp(root, "RSD PTR ", 8) != 0 ||
        !sum_is_zero(root, ROOT_SIZE_1))
        return false;
    *is_wide_out = root[15] >= 2 && size >= ROOT_SIZE_2 &&
                   sum_is_zero(root, ROOT_SIZE_2) && get(root + 24, 8) != 0;
    *out = *is_wide_out ? get(root + 24, 8) : get(root + 16, 4);
    return *out != 0;
}

const uint8_t *platform_acpi_root_scan(const uint8_t *start, size_t size)
{
    for (size_t at = 0; size >= ROOT_SIZE_1 && at <= size - ROOT_SIZE_1;
         at += 16)
        if (start[at] == 'R' && memcmp(start + at, "RSD PTR ", 8) == 0 &&
            sum_is_zero(start + at, ROOT_SIZE_1))
            return start + at;
    return NULL;
}

const uint8_t *platform_acpi_table_map(acpi_map_fn *map, uint64_t physical,
                                       const char *signature, size_t *size_out)
{
    const uint8_t *header = map(physical, HEADER_SIZE);
    const uint8_t *table;
    size_t size;

    if (!header || memcmp(header, signature, 4) != 0)
        return NULL;
    size = (size_t)get(header + 4, 4);
    if (size < HEADER_SIZE || size > ACPI_TABLE_MAX)
        return NULL;
    table = map(physical, size);
    *size_out = size;
    return table;
}

bool platform_acpi_table_is_whole(const uint8_t *table, size_t size)
{
    return sum_is_zero(table, size);
}

static void read_sleep(const uint8_t *fadt, size_t size, struct acpi_power *out)
{
    const uint8_t *at = fadt + FADT_SLEEP;

    if (size < FADT_SIZE_5)
        return;
    if (at[0] == REGISTER_MEMORY)
        out->sleep_memory = get(at + REGISTER_ADDRESS, 8);
    else if (at[0] == REGISTER_PORT)
        out->sleep_port = (uint16_t)get(at + REGISTER_ADDRESS, 8);
}

static void read_fadt(const uint8_t *fadt, size_t size, struct acpi_power *out)
{
    uint32_t flags = (uint32_t)get(fadt + FADT_FLAGS, 4);

    out->dsdt = get(fadt + FADT_DSDT, 4);
    if (size >= FADT_X_DSDT + 8 && get(fadt + FADT_X_DSDT, 8) != 0)
        out->dsdt = get(fadt + FADT_X_DSDT, 8);
    if (flags & FLAG_HARDWARE_REDUCED) {
        read_sleep(fadt, size, out);
        return;
    }
    out->sci = (uint16_t)get(fadt + FADT_SCI, 2);
    out->smi_port = (uint16_t)get(fadt + FADT_SMI_PORT, 4);
    out->smi_enable = fadt[FADT_SMI_ENABLE];
    out->event_port = (uint16_t)get(fadt + FADT_EVENT_PORT, 4);
    out->event_len = fadt[FADT_EVENT_LEN];
    out->control_port = (uint16_t)get(fadt + FADT_CONTROL_PORT, 4);
    out->control_port_b = (uint16_t)get(fadt + FADT_CONTROL_PORT_B, 4);
    if (fadt[FADT_TIMER_LEN] == 4)
        out->timer_port = (uint16_t)get(fadt + FADT_TIMER_PORT, 4);
    out->timer_is_32 = flags & FLAG_TIMER_32;
    out->has_button = !(flags & FLAG_BUTTON_IS_METHOD) &&
                      out->event_port != 0 && out->event_len >= 4;
}

bool platform_acpi_power_find(acpi_map_fn *map, uint64_t rsdp,
                              struct acpi_power *out)
{
    const uint8_t *root = map(rsdp, ROOT_SIZE_2);
    const uint8_t *list, *fadt = NULL;
    uint64_t list_at;
    size_t size, step;
    bool is_wide;

    *out = (struct acpi_power) { .sci = 0 };
    if (!root ||
        !platform_acpi_root_read(root, ROOT_SIZE_2, &list_at, &is_wide))
        return false;
    list =
        platform_acpi_table_map(map, list_at, is_wide ? "XSDT" : "RSDT", &size);
    if (!list || !sum_is_zero(list, size))
        return false;
    step = is_wide ? 8 : 4;
    for (unsigned i = 0; i < ACPI_TABLES_MAX && !fadt; i++) {
        size_t at = HEADER_SIZE + i * step, fadt_size;

        if (at + step > size)
            return false;
        fadt = platform_acpi_table_map(map, get(list + at, (unsigned)step),
                                       "FACP", &fadt_size);
        if (fadt && (fadt_size < FADT_SIZE_1 || !sum_is_zero(fadt, fadt_size)))
            return false;
        if (fadt)
            read_fadt(fadt, fadt_size, out);
    }
    return fadt != NULL;
}

/* Reads an integer of AML at (*at). */
static bool aml_integer(const uint8_t *data, size_t size, size_t *at,
                        uint64_t *out)
{
    unsigned len;

    if (*at >= size)
        return false;
    switch (data[*at]) {
    case AML_ZERO:
    case AML_ONE:
        *out = data[*at];
        ++*at;
        return true;
    case AML_BYTE:
        len = 1;
        break;
    case AML_WORD:
        len = 2;
        break;
    case AML_DWORD:
        len = 4;
        break;
    default:
        return false;
    }
    if (size - *at <= len)
        return false;
    *out = get(data + *at + 1, len);
    *at += 1 + len;
    return true;
}

/* Name(\_S5_, Package() { type a, type b … }), from "_S5_" on. */
static bool aml_off(const uint8_t *data, size_t size, size_t at,
                    uint8_t *type_a_out, uint8_t *type_b_out)
{
    uint64_t a, b = 0;

    at += 4;
    if (size - at < 3 || data[at] != AML_PACKAGE)
        return false;
    at++;
    at += 1 + (data[at] >> 6); /* the package's length: 1 to 4 bytes */
    at++;                      /* the count of its elements */
    if (!aml_integer(data, size, &at, &a))
        return false;
    if (!aml_integer(data, size, &at, &b))
        b = 0;
    *type_a_out = (uint8_t)(a & 7);
    *type_b_out = (uint8_t)(b & 7);
    return true;
}

bool platform_acpi_off_find(const void *dsdt, size_t size, uint8_t *type_a_out,
                            uint8_t *type_b_out)
{
    const uint8_t *data = dsdt;

    for (size_t at = HEADER_SIZE + 1; size > 8 && at < size - 8; at++)
        if (data[at] == '_' && memcmp(data + at, "_S5_", 4) == 0 &&
            (data[at - 1] == AML_NAME || data[at - 1] == '\\') &&
            aml_off(data, size, at, type_a_out, type_b_out))
            return true;
    return false;
}
