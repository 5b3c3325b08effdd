/* SPDX-License-Identifier: MIT */
/*
 * log.h: one line per happening, for the people who run the image.
 *
 * Lines go to the console as logfmt: `ts=12.345 level=warn msg="…"`. The level
 * is LUNIK_LOG_WARN at first; the launch option `log=` sets another. Context:
 * task.
 */
#ifndef LUNIK_LOG_H
#define LUNIK_LOG_H

#include <lunik/attr.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum lunik_log_level {
    LUNIK_LOG_DEBUG,
    LUNIK_LOG_INFO,
    LUNIK_LOG_WARN,
    LUNIK_LOG_ERROR,
    LUNIK_LOG_NONE,
} lunik_log_level;

void lunik_log(lunik_log_level level, const char *format, ...)
    LUNIK_PRINTF(2, 3);
void lunik_log_set_level(lunik_log_level level);
lunik_log_level lunik_log_get_level(void);

/* Finds the level called (name), "debug" to "none". False: no such name. */
bool lunik_log_level_find(const char *name, lunik_log_level *out);
const char *lunik_log_level_name(lunik_log_level level);

#endif
