/* SPDX-License-Identifier: MIT */
/*
 * power.h: what ACPI says of this machine.
 */
#ifndef LUNIK_PLATFORM_VM_POWER_H
#define LUNIK_PLATFORM_VM_POWER_H

#include "acpi.h"
#include <stdbool.h>

/*
 * The machine's fixed description; NULL if there is none. Without a root
 * pointer from the loader it looks for one in the BIOS's memory, which takes
 * some 30,000 instructions, only if (may_scan). Context: task.
 */
const struct acpi_power *platform_power_description(bool may_scan);

#endif
