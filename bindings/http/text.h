/* SPDX-License-Identifier: MIT */
/* text.h: the small texts of HTTP: codes, dates, percent signs, tokens. */
#ifndef LUNIK_HTTP_TEXT_H
#define LUNIK_HTTP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "OK" for 200; "Unknown" for what nobody has named. */
const char *lunik_http_status_text(unsigned status);

/* "Sun, 06 Nov 1994 08:49:37 GMT" and a NUL. */
#define LUNIK_HTTP_DATE_SIZE 30
void lunik_http_format_date(uint64_t seconds, char out[LUNIK_HTTP_DATE_SIZE]);

/* Reads the three forms of dates. False: none of them. */
bool lunik_http_parse_date(const char *text, size_t size, int64_t *out);

/* By byte: 1: of a token, 2: of a host with its port. */
extern const uint8_t lunik_http_classes[256];

bool lunik_http_is_token(const char *text, size_t size);

/* No CR, LF, NUL or other control byte but a tab; nor a blank at an end. */
bool lunik_http_is_value(const char *text, size_t size);

/* The value of a hexadecimal digit, or -1. */
int lunik_http_hex(unsigned char c);

#define LUNIK_HTTP_BAD_PATH SIZE_MAX
/*
 * Decodes percent signs, then takes out "." and ".." and empty parts, into
 * (out), of at least (size) + 1 bytes, or only checks if that is NULL; no
 * longer than before. Returns: the length; LUNIK_HTTP_BAD_PATH where ".."
 * leaves the root, a percent sign is not followed by two digits, or a NUL is
 * meant.
 */
size_t lunik_http_decode_path(const char *path, size_t size, char *out);

#endif
