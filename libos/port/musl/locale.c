/* SPDX-License-Identifier: MIT */
/*
 * locale.c: which locales there are: "C" (or "POSIX") and "C.UTF-8". Upstream
 * takes any name for a locale, and looks for message catalogues in files.
 */
#include "locale_impl.h"
#include <string.h>

volatile int __locale_lock[1];
volatile int *const __locale_lockptr = __locale_lock;

const char *__lctrans_impl(const char *text, const struct __locale_map *map)
{
    (void)map;
    return text;
}

const struct __locale_map *__get_locale(int category, const char *name)
{
    if (!*name || !strcmp(name, "C") || !strcmp(name, "POSIX"))
        return NULL;
    if (strcmp(name, "C.UTF-8") != 0)
        return LOC_MAP_FAILED;
    return category == LC_CTYPE ? &__c_dot_utf8 : NULL;
}
