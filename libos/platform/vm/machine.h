/* SPDX-License-Identifier: MIT */
/*
 * machine.h: the parts of this platform, in the order in which machine.c
 * brings them up.
 */
#ifndef LUNIK_PLATFORM_VM_MACHINE_H
#define LUNIK_PLATFORM_VM_MACHINE_H

#include <lunik/attr.h>
#include <lunik/result.h>
#include <stdbool.h>
#include <stdint.h>

/* console.c: what the launch line chose; then input, from the devices' step. */
void platform_console_choose(void);
LUNIK_MUST_CHECK lunik_result platform_console_listen(void);
void platform_console_flush(void);

/* power.c: the power button. */
void platform_power_start(void);

/* watchdog.c: armed by the launch option watchdog=SECONDS. */
void platform_watchdog_start(void);

/* What CPUID says of the hypervisor. (base) is the first of its leaves; 0:
 * none. */
struct hypervisor {
    const char *name;
    uint32_t base, last;
};
const struct hypervisor *platform_hypervisor_get(void);

#endif
