/* SPDX-License-Identifier: MIT */
/* wipe.c: forgets secrets; alone here, so that no caller's compiler can see
 * that nobody reads the zeros. */
#include "crypto.h"
#include <string.h>

void lunik_wipe(void *data, size_t size)
{
    memset(data, 0, size);
}
