/* SPDX-License-Identifier: MIT */
/* start_host.c: on the host, tests start the stack themselves. */
#include "stack.h"

const char lunik_lwip_is_linked = 1;
