/* SPDX-License-Identifier: MIT */
/* abort.c: abort() ends the image with a panic, and its traceback. */
#include <lunik/panic.h>
#include <stdlib.h>

_Noreturn void abort(void)
{
    lunik_panic("the program called abort()");
}
