/* SPDX-License-Identifier: MIT */
/* hypervisor.c: what a process calls its hypervisor. */
#include "platform.h"

const char *platform_hypervisor(void)
{
    return "host";
}
