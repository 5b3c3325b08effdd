/* SPDX-License-Identifier: MIT */
/* format.c: printf's everyday conversions, bounded and without a C library. */
#include <lunik/format.h>
#include <stdbool.h>
#include <stdint.h>

struct sink {
    char *out;
    size_t size; /* room, the NUL included */
    size_t len;
};

struct conversion {
    size_t width;
    size_t precision; /* SIZE_MAX: not given */
    bool is_left, is_zero;
    char length; /* 0, 'H' for hh, 'h', 'l', 'q' for ll, 'z' */
    char type;
};

/* 20 decimal digits of UINT64_MAX. */
#define DIGITS_MAX 20

static void put(struct sink *sink, char c)
{
    if (sink->len + 1 < sink->size)
        sink->out[sink->len++] = c;
}

static void put_many(struct sink *sink, char c, size_t count)
{
    /* Past the end there is nothing to do, however wide the field is. */
    for (; count > 0 && sink->len + 1 < sink->size; count--)
        put(sink, c);
}

/* Writes (prefix), then (text), into a field as (c) says. */
static void put_field(struct sink *sink, const struct conversion *c,
                      const char *prefix, const char *text, size_t len)
{
    size_t prefix_len = 0;
    size_t pad;

    while (prefix[prefix_len] != '\0')
        prefix_len++;
    pad = c->width > prefix_len + len ? c->width - prefix_len - len : 0;
    if (!c->is_left && !c->is_zero)
        put_many(sink, ' ', pad);
    for (size_t i = 0; i < prefix_len; i++)
        put(sink, prefix[i]);
    if (!c->is_left && c->is_zero)
        put_many(sink, '0', pad);
    for (size_t i = 0; i < len; i++)
        put(sink, text[i]);
    if (c->is_left)
        put_many(sink, ' ', pad);
}

static void put_number(struct sink *sink, const struct conversion *c,
                       const char *prefix, uint64_t value, unsigned base)
{
    const char *digits =
        c->type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[DIGITS_MAX];
    size_t at = DIGITS_MAX;

    do {
        text[--at] = digits[value % base];
        value /= base;
    } while (value != 0);
    put_field(sink, c, prefix, text + at, DIGITS_MAX - at);
}

static void put_signed(struct sink *sink, const struct conversion *c,
                       int64_t value)
{
    /* The negation is done unsigned: INT64_MIN has no positive twin. */
    if (value < 0)
        put_number(sink, c, "-", 0 - (uint64_t)value, 10);
    else
        put_number(sink, c, "", (uint64_t)value, 10);
}

static void put_string(struct sink *sink, struct conversion *c,
                       const char *text)
{
    size_t len = 0;

    if (text == NULL)
        text = "(null)";
    while (len < c->precision && text[len] != '\0')
        len++;
    c->is_zero = false;
    put_field(sink, c, "", text, len);
}

static size_t parse_number(const char **at)
{
    size_t value = 0;

    for (; **at >= '0' && **at <= '9'; (*at)++) {
        if (value < 1000000)
            value = value * 10 + (size_t)(**at - '0');
    }
    return value;
}

/* Reads what stands between '%' and the type; (*args) for every '*'. */
static void parse(const char **at, struct conversion *c, va_list *args)
{
    *c = (struct conversion) { .precision = SIZE_MAX };
    for (; **at == '-' || **at == '0'; (*at)++) {
        c->is_left |= **at == '-';
        c->is_zero |= **at == '0';
    }
    if (**at == '*') {
        int width = va_arg(*args, int);

        c->is_left |= width < 0;
        c->width = width < 0 ? 0 - (size_t)width : (size_t)width;
        (*at)++;
    } else {
        c->width = parse_number(at);
    }
    if (**at == '.') {
        (*at)++;
        if (**at == '*') {
            int precision = va_arg(*args, int);

            c->precision = precision < 0 ? SIZE_MAX : (size_t)precision;
            (*at)++;
        } else {
            c->precision = parse_number(at);
        }
    }
    while (**at == 'h' || **at == 'l' || **at == 'z') {
        char once = **at;

        if (c->length != once)
            c->length = once;
        else if (once == 'h')
            c->length = 'H';
        else
            c->length = 'q';
        (*at)++;
    }
    c->type = **at;
    if (c->type != '\0')
        (*at)++;
}

static int64_t take_signed(char length, va_list *args)
{
    switch (length) {
    case 'H':
        return (signed char)va_arg(*args, int);
    case 'h':
        return (short)va_arg(*args, int);
    case 'l':
        return va_arg(*args, long);
    case 'q':
        return va_arg(*args, long long);
    case 'z':
        return va_arg(*args, ptrdiff_t);
    default:
        return va_arg(*args, int);
    }
}

static uint64_t take_unsigned(char length, va_list *args)
{
    switch (length) {
    case 'H':
        return (unsigned char)va_arg(*args, unsigned);
    case 'h':
        return (unsigned short)va_arg(*args, unsigned);
    case 'l':
        return va_arg(*args, unsigned long);
    case 'q':
        return va_arg(*args, unsigned long long);
    case 'z':
        return va_arg(*args, size_t);
    default:
        return va_arg(*args, unsigned);
    }
}

/* Returns: false for a type that format.h does not name; the arguments after
 * it cannot be found then. */
static bool convert(struct sink *sink, struct conversion *c, va_list *args)
{
    char one;

    switch (c->type) {
    case '%':
        put(sink, '%');
        return true;
    case 'c':
        one = (char)va_arg(*args, int);
        c->is_zero = false;
        put_field(sink, c, "", &one, 1);
        return true;
    case 's':
        put_string(sink, c, va_arg(*args, const char *));
        return true;
    case 'd':
    case 'i':
        put_signed(sink, c, take_signed(c->length, args));
        return true;
    case 'u':
        put_number(sink, c, "", take_unsigned(c->length, args), 10);
        return true;
    case 'x':
    case 'X':
        put_number(sink, c, "", take_unsigned(c->length, args), 16);
        return true;
    case 'p':
        put_number(sink, c, "0x", (uintptr_t)va_arg(*args, void *), 16);
        return true;
    default:
        return false;
    }
}

size_t lunik_format_v(char *out, size_t size, const char *format, va_list args)
{
    struct sink sink = { .out = out, .size = size };
    struct conversion c;
    va_list rest;

    /* A va_list parameter may be an array in disguise; a copy is not. */
    va_copy(rest, args);
    while (*format != '\0') {
        const char *start = format;

        if (*format++ != '%') {
            put(&sink, *start);
            continue;
        }
        parse(&format, &c, &rest);
        if (!convert(&sink, &c, &rest)) {
            /* Show the rest as it stands rather than guess. */
            for (; *start != '\0'; start++)
                put(&sink, *start);
            break;
        }
    }
    va_end(rest);
    if (size > 0)
        out[sink.len] = '\0';
    return sink.len;
}

size_t lunik_format(char *out, size_t size, const char *format, ...)
{
    va_list args;
    size_t len;

    va_start(args, format);
    len = lunik_format_v(out, size, format, args);
    va_end(args);
    return len;
}
