/* SPDX-License-Identifier: MIT */
/*
 * launch.h: the launch line, taken apart. Its grammar: <lunik/sys.h>.
 */
#ifndef LUNIK_CORE_LAUNCH_H
#define LUNIK_CORE_LAUNCH_H

#include <lunik/attr.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* With the final NUL. */
#define LUNIK_LAUNCH_SIZE_MAX 4096
#define LUNIK_LAUNCH_ARGS_MAX 64
#define LUNIK_LAUNCH_ENV_MAX 64
/* Env variables, devices, and each of the others once. */
#define LUNIK_LAUNCH_OPTIONS_MAX 128

struct lunik_launch {
    char text[LUNIK_LAUNCH_SIZE_MAX]; /* the words, each with a NUL */
    const char *options[LUNIK_LAUNCH_OPTIONS_MAX]; /* "name=value" */
    const char *args[LUNIK_LAUNCH_ARGS_MAX];
    size_t option_count, arg_count, env_count;
};

/*
 * Takes (line) apart into (*out). Returns: false if it breaks the grammar, a
 * bound or an option's rules, with a sentence in (why), which is printable
 * whatever (line) was.
 */
LUNIK_MUST_CHECK bool lunik_launch_parse(const char *line,
                                         struct lunik_launch *out, char *why,
                                         size_t why_size);

/* The value of the (nth) option (name) of (launch); NULL: not that many. */
const char *lunik_launch_find(const struct lunik_launch *launch,
                              const char *name, size_t nth);

/* Reads "512K", "64M", "1G" or bytes; false: malformed, 0 or too large. */
bool lunik_launch_parse_size(const char *text, uint64_t *out);

/* What the running image was launched with. */
const struct lunik_launch *lunik_launch_current(void);

/* The option `clock=`; false: not given. */
bool lunik_launch_clock(uint64_t *seconds_out);

#endif
