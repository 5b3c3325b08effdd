/* SPDX-License-Identifier: MIT */
/* utf8.c: well-formed UTF-8, one sequence at a time. */
#include <lunik/utf8.h>

size_t lunik_utf8_length(const unsigned char *s, size_t left)
{
    unsigned char low = 0x80, high = 0xBF;
    size_t length, i;

    if (s[0] < 0x80)
        return 1;
    length = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    if (s[0] < 0xC2 || s[0] > 0xF4 || left < length)
        return 0;
    if (s[0] == 0xE0)
        low = 0xA0;
    else if (s[0] == 0xED)
        high = 0x9F;
    else if (s[0] == 0xF0)
        low = 0x90;
    else if (s[0] == 0xF4)
        high = 0x8F;
    for (i = 1; i < length; i++, low = 0x80, high = 0xBF)
        if (s[i] < low || s[i] > high)
            return 0;
    return length;
}
