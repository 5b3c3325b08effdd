/* SPDX-License-Identifier: MIT */
/*
 * utf8.h: well-formed UTF-8, for modules that write text which may be none.
 *
 * Context: any. Reference: Unicode 15, table 3-7.
 */
#ifndef LUNIK_UTF8_H
#define LUNIK_UTF8_H

#include <stddef.h>

/* The length of the sequence at (s), of at most (left) > 0 bytes; 0 if it is
 * not well-formed (overlong, a surrogate, cut, above 10FFFF). */
size_t lunik_utf8_length(const unsigned char *s, size_t left);

#endif
