/* SPDX-License-Identifier: MIT */
/* machine.c: the order in which this platform comes up. */
#include "machine.h"
#include "cpu.h"
#include "platform.h"
#include <lunik/log.h>

#define PIC_MASTER_DATA 0x21
#define PIC_SLAVE_DATA 0xa1

void platform_init_early(void)
{
    /* The 8259s would use the vectors of exceptions. */
    arch_out8(PIC_MASTER_DATA, 0xff);
    arch_out8(PIC_SLAVE_DATA, 0xff);
    /* From here on a panic is read by who should read it. */
    platform_console_choose();
}

void platform_init_devices(void)
{
    /* Input first, so that somebody may type. */
    if (platform_console_listen() != LUNIK_OK)
        lunik_log(LUNIK_LOG_WARN, "console: this machine has no input");
    platform_power_start(); /* the button, so that somebody may stop it */
    /* Last: from here on a hang is one of the program. */
    platform_watchdog_start();
    __asm__ volatile("sti");
}
