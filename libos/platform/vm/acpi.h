/* SPDX-License-Identifier: MIT */
/*
 * acpi.h: the little of ACPI's tables that a virtual machine is stopped and
 * timed by. No AML is run: \_S5_ is found by its bytes.
 *
 * The tables come from the machine's owner, but nothing here trusts a length,
 * an offset or a sum. Pure but for the caller's (map). Context: task.
 */
#ifndef LUNIK_PLATFORM_VM_ACPI_H
#define LUNIK_PLATFORM_VM_ACPI_H

#include <lunik/attr.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACPI_TABLE_MAX ((size_t)1024 * 1024)
#define ACPI_TABLES_MAX 64u

/* Lends (size) bytes at a physical address, for life; NULL: cannot. */
typedef const void *acpi_map_fn(uint64_t physical, size_t size);

struct acpi_power {
    uint16_t sci;          /* interrupt line */
    uint16_t smi_port;     /* 0: none */
    uint8_t smi_enable;    /* to be written there */
    uint16_t event_port;   /* PM1a status; 0: none */
    uint16_t event_len;    /* the enable register is half of it further */
    uint16_t control_port; /* PM1a control; 0: none */
    uint16_t control_port_b;
    uint16_t timer_port;   /* 0: none */
    bool timer_is_32;      /* else 24 bits */
    bool has_button;       /* a fixed one, in the event registers */
    uint64_t sleep_memory; /* sleep control register, by its kind; 0: none */
    uint16_t sleep_port;
    uint64_t dsdt;
};

/* True if (size) bytes at (data) are an ACPI root pointer; the address of the
 * table of tables is then (*out), and (*is_wide_out) says how wide its entries
 * are. */
LUNIK_MUST_CHECK bool platform_acpi_root_read(const void *data, size_t size,
                                              uint64_t *out, bool *is_wide_out);

/* Finds the fixed description table from the root pointer at (rsdp), and reads
 * it. Returns: false if there is none that is whole. */
LUNIK_MUST_CHECK bool platform_acpi_power_find(acpi_map_fn *map, uint64_t rsdp,
                                               struct acpi_power *out);

/* Finds what to write to sleep for good in a differentiated description table.
 * Each type is 3 bits. */
LUNIK_MUST_CHECK bool platform_acpi_off_find(const void *dsdt, size_t size,
                                             uint8_t *type_a_out,
                                             uint8_t *type_b_out);

/* Maps the whole table at (physical) if it has (signature) and a length that
 * can be. Returns: NULL otherwise. */
const uint8_t *platform_acpi_table_map(acpi_map_fn *map, uint64_t physical,
                                       const char *signature, size_t *size_out);

/* True if the sum of a mapped table is right. */
bool platform_acpi_table_is_whole(const uint8_t *table, size_t size);

/* Looks for the root pointer in [start, start + size). NULL: not there. */
const uint8_t *platform_acpi_root_scan(const uint8_t *start, size_t size);

#endif
