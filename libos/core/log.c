/* SPDX-License-Identifier: MIT */
/* log.c: one logfmt line per happening, on the console. */
#include "platform.h"
#include <lunik/console.h>
#include <lunik/format.h>
#include <lunik/log.h>
#include <lunik/panic.h>
#include <lunik/time.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

/* The bytes of a message; a longer one is cut. Escapes can make four of one. */
#define MESSAGE_MAX 512
#define LINE_MAX (MESSAGE_MAX * 4 + 64)

static lunik_log_level threshold = LUNIK_LOG_WARN;

static const char *const names[] = {
    [LUNIK_LOG_DEBUG] = "debug", [LUNIK_LOG_INFO] = "info",
    [LUNIK_LOG_WARN] = "warn",   [LUNIK_LOG_ERROR] = "error",
    [LUNIK_LOG_NONE] = "none",
};
#define NAME_COUNT (sizeof(names) / sizeof(names[0]))

/* A message must stay one line and inside its quotes, whoever wrote it. Bytes
 * from 0x80 up pass: they are UTF-8. Returns: the end of what was written. */
static char *escape(char *at, const char *message)
{
    static const char digits[] = "0123456789abcdef";

    for (; *message; message++) {
        unsigned char c = (unsigned char)*message;

        if (c == '"' || c == '\\') {
            *at++ = '\\';
            *at++ = (char)c;
        } else if (c == '\n') {
            *at++ = '\\';
            *at++ = 'n';
        } else if (c == '\t') {
            *at++ = '\\';
            *at++ = 't';
        } else if (c < ' ' || c == 0x7f) {
            *at++ = '\\';
            *at++ = 'x';
            *at++ = digits[c >> 4];
            *at++ = digits[c & 15];
        } else {
            *at++ = (char)c;
        }
    }
    return at;
}

void lunik_log(lunik_log_level level, const char *format, ...)
{
    char message[MESSAGE_MAX], line[LINE_MAX];
    uint64_t now_ms;
    va_list args;
    char *end;

    LUNIK_ASSERT(level < LUNIK_LOG_NONE);
    if (level < threshold)
        return;
    va_start(args, format);
    lunik_format_v(message, sizeof(message), format, args);
    va_end(args);
    now_ms = lunik_time_monotonic_ns() / LUNIK_NS_PER_MS;
    end = line + lunik_format(line, sizeof(line), "ts=%lu.%03u level=%s msg=\"",
                              (unsigned long)(now_ms / 1000),
                              (unsigned)(now_ms % 1000), names[level]);
    end = escape(end, message);
    *end++ = '"';
    *end++ = '\n';
    /* At once, so that lines of two fibers do not mix. */
    lunik_console_write(line, (size_t)(end - line));
}

void lunik_log_set_level(lunik_log_level level)
{
    LUNIK_ASSERT(level < NAME_COUNT);
    threshold = level;
}

lunik_log_level lunik_log_get_level(void)
{
    return threshold;
}

bool lunik_log_level_find(const char *name, lunik_log_level *out)
{
    for (size_t i = 0; i < NAME_COUNT; i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (lunik_log_level)i;
            return true;
        }
    }
    return false;
}

const char *lunik_log_level_name(lunik_log_level level)
{
    LUNIK_ASSERT(level < NAME_COUNT);
    return names[level];
}
