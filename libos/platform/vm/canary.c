/* SPDX-License-Identifier: MIT */
/* canary.c: what the compiler's stack protector compares, and calls. */
#include "arch.h"
#include "platform.h"
#include <lunik/panic.h>

/* Their names are the compiler's. */
extern uintptr_t __stack_chk_guard;
LUNIK_NORETURN void __stack_chk_fail(void);

/* The entry code gives it a first value, good enough until there is a
 * generator: nothing from outside but the launch line was read by then. */
LUNIK_READ_ONLY_AFTER_START uintptr_t __stack_chk_guard;

LUNIK_NO_STACK_PROTECTOR void platform_set_canary(uint64_t value)
{
    /* One byte of 0, in front in memory, so that no string overflow can write
     * all of it. */
    __stack_chk_guard = value & ~(uint64_t)0xff;
}

LUNIK_NO_STACK_PROTECTOR void __stack_chk_fail(void)
{
    const uintptr_t *frame = __builtin_frame_address(0);

    /* The frame that is broken is that of the function which called. */
    lunik_panic_trap(LUNIK_EXIT_PANIC,
                     (uintptr_t)__builtin_return_address(0) - 1, frame[0],
                     "stack smashed: a local variable was written past its "
                     "end");
}
