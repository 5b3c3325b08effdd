/* SPDX-License-Identifier: MIT */
/*
 * platform_switch.h: tells AddressSanitizer of a stack switch; without it,
 * nothing.
 */
#ifndef LUNIK_PLATFORM_SWITCH_H
#define LUNIK_PLATFORM_SWITCH_H

#include "platform.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

struct platform_switch {
    void *fake_stack; /* the sanitizer's, while the fiber does not run */
};

#ifdef __SANITIZE_ADDRESS__

#include <sanitizer/common_interface_defs.h>

/* Just before a switch away from (from), NULL if that fiber ends. */
static inline void platform_switch_begin(struct platform_switch *from,
                                         const struct platform_stack *to)
{
    __sanitizer_start_switch_fiber(from ? &from->fake_stack : NULL,
                                   (const void *)to->low, to->high - to->low);
}

/* Just after a switch, by the fiber that runs now. */
static inline void platform_switch_end(struct platform_switch *self)
{
    __sanitizer_finish_switch_fiber(self->fake_stack, NULL, NULL);
}

#else

static inline void platform_switch_begin(struct platform_switch *from,
                                         const struct platform_stack *to)
{
    (void)from;
    (void)to;
}

static inline void platform_switch_end(struct platform_switch *self)
{
    (void)self;
}

#endif

#endif
