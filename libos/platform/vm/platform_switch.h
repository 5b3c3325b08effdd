/* SPDX-License-Identifier: MIT */
/* platform_switch.h: a machine does not need to be told of a stack switch. */
#ifndef LUNIK_PLATFORM_SWITCH_H
#define LUNIK_PLATFORM_SWITCH_H

#include "platform.h"

struct platform_switch {
    char unused; /* C has no empty struct */
};

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
