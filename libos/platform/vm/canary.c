/* SPDX-License-Identifier: MIT */
/* canary.c: the stack canary, and what becomes of a stack without one. */
#include "platform.h"
#include <lunik/attr.h>
#include <lunik/panic.h>

/* The compiler's names. */
extern uintptr_t __stack_chk_guard;
LUNIK_NORETURN void __stack_chk_fail(void);

/* Any value will do until there is a random one: start-up only. */
uintptr_t __stack_chk_guard LUNIK_READ_ONLY_AFTER_START =
    (uintptr_t)0x9e3779b97f4a7c00;

LUNIK_NO_STACK_PROTECTOR void platform_set_canary(uint64_t value)
{
    /* The lowest byte is 0: a string that runs over cannot copy it. */
    __stack_chk_guard = (uintptr_t)(value & ~UINT64_C(0xff));
}

void __stack_chk_fail(void)
{
    lunik_panic("stack smashed: the canary of a function was overwritten");
}
