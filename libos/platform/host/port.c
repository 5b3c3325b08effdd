/* SPDX-License-Identifier: MIT */
/* port.c: the host's own C library is the one under the program. */
#include "platform.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void lunik_port_init(void)
{
    /* An image knows no time zone but UTC. */
    setenv("TZ", "UTC0", 1);
    tzset();
}

void lunik_port_flush(void)
{
    fflush(NULL);
}
