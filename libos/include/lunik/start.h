/* SPDX-License-Identifier: MIT */
/*
 * start.h: parts of the library OS that take part in the start only where they
 * are linked.
 *
 * A part announces itself in a linker set; the core knows none of them. So an
 * image without sockets has no IP stack, does not start one, and refuses the
 * stack's options. Context: task.
 */
#ifndef LUNIK_START_H
#define LUNIK_START_H

#include <lunik/attr.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Has (function), a static void function(void), called in the main fiber,
 * after the devices and the heap are there and before the program. It may
 * wait, but holds up the program. (A constructor of C: on the host platform
 * they run before the core, so this is for an image's parts alone.)
 */
#define LUNIK_START(function) LUNIK_CONSTRUCTOR static void function(void)

/* An option of the launch line, beside those of <lunik/sys.h>. */
struct lunik_option {
    const char *name;
    bool (*is_valid)(const char *value);
    const char *wanted; /* what a valid value is, for the complaint */
    bool may_repeat;
};

/*
 * Before an array of options that joins the set: an array with external
 * linkage, or static and LUNIK_USED. (Aligned as the members are, so that the
 * linker puts the arrays together without gaps. The section's name is a C
 * identifier: linkers give __start_ and __stop_ symbols for it.)
 */
#define LUNIK_OPTIONS LUNIK_SECTION("lunik_options") LUNIK_ALIGNED(8)

/* The (nth) value of launch option (name), NUL-terminated; NULL: not given
 * that often. Works from platform_init_early() on. */
const char *lunik_launch_option(const char *name, size_t nth);

#endif
