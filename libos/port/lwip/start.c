/* SPDX-License-Identifier: MIT */
/* start.c: has the stack started before the program, wherever it is linked. */
#include "stack.h"
#include <lunik/start.h>

/* Referred to by stack.c, so that this file is linked with it. */
const char lunik_lwip_is_linked = 1;

LUNIK_START(start)
{
    lunik_lwip_start();
}
