/* SPDX-License-Identifier: MIT */
/* console.c: the console, for fibers. */
#include "platform.h"
#include <lunik/console.h>
#include <lunik/event.h>
#include <lunik/panic.h>

void lunik_console_write(const void *data, size_t size)
{
    platform_console_write(data, size);
}

lunik_result lunik_console_read(void *out, size_t size, uint64_t deadline_ns,
                                size_t *size_out)
{
    LUNIK_ASSERT(size > 0);
    *size_out = 0;
    for (;;) {
        struct lunik_event *event;
        lunik_result result = platform_console_read(out, size, size_out);

        if (result != LUNIK_EAGAIN)
            return result;
        event = platform_console_event();
        if (!event)
            return LUNIK_ECLOSED; /* a machine without a console to read */
        result = lunik_event_wait(event, deadline_ns);
        if (result != LUNIK_OK)
            return result;
    }
}
