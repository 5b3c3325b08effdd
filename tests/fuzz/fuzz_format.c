/* SPDX-License-Identifier: MIT */
/*
 * fuzz_format.c: any text as a format, with enough arguments of every kind.
 *
 * A conversion takes at most three arguments; (rest) of them are pointers to
 * text, which are sound as numbers, too.
 */
#include <lunik/format.h>
#include <lunik/panic.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FORMAT_MAX 48

/* No compiler can check a format that comes from a fuzzer. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

static size_t format_unchecked(char *out, size_t size, const char *format, ...)
{
    va_list args;
    size_t len;

    va_start(args, format);
    len = lunik_format_v(out, size, format, args);
    va_end(args);
    return len;
}

#define FOUR "t", "t", "t", "t"
#define SIXTEEN FOUR, FOUR, FOUR, FOUR

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char format[FORMAT_MAX + 1];
    char out[64];
    size_t room, len;

    if (size < 1)
        return 0;
    room = data[0] % (sizeof(out) + 1);
    size = size - 1 < FORMAT_MAX ? size - 1 : FORMAT_MAX;
    memcpy(format, data + 1, size);
    format[size] = '\0';
    memset(out, '#', sizeof(out));
    /* At most one argument for each byte of the format. */
    len = format_unchecked(out, room, format, SIXTEEN, SIXTEEN, SIXTEEN);
    LUNIK_ASSERT(room == 0 ? len == 0 : len < room);
    LUNIK_ASSERT(room == 0 || out[len] == '\0');
    for (size_t i = room; i < sizeof(out); i++)
        LUNIK_ASSERT(out[i] == '#');
    return 0;
}
