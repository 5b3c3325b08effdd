/* SPDX-License-Identifier: MIT */
/* sealed.c: the seal of the running image. */
#include "core.h"
#include "platform.h"
#include <lunik/panic.h>

static struct lunik_seal current LUNIK_READ_ONLY_AFTER_START = { 0 };

void lunik_seal_init(void)
{
    size_t size = 0;
    const void *base = platform_seal(&size);
    const char *why = "";

    if (!base)
        lunik_panic_status(LUNIK_EXIT_BAD_LAUNCH, "the image is not sealed");
    if (lunik_seal_open(base, size, &current, &why) != LUNIK_OK)
        lunik_panic_status(LUNIK_EXIT_BAD_LAUNCH, "the image is damaged: %s",
                           why);
}

const struct lunik_seal *lunik_seal_current(void)
{
    return &current;
}

const struct lunik_archive *lunik_archive_sealed(void)
{
    return &current.archive;
}
