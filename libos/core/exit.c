/* SPDX-License-Identifier: MIT */
/* exit.c: the end that the program chose. */
#include "core.h"
#include "platform.h"
#include <lunik/log.h>
#include <lunik/sys.h>

static bool has_begun;

void lunik_exit_begin(void)
{
    has_begun = true;
}

bool lunik_exit_has_begun(void)
{
    return has_begun;
}

void lunik_exit(int code)
{
    static bool is_exiting;

    if (code < 0 || code > LUNIK_EXIT_PROGRAM_MAX) {
        lunik_log(LUNIK_LOG_ERROR, "exit code %d is not in 0 to 15", code);
        code = LUNIK_EXIT_PROGRAM_MAX;
    }
    /* What is flushed may itself ask for the exit. */
    if (!is_exiting) {
        is_exiting = true;
        lunik_port_flush();
    }
    platform_exit((uint8_t)(LUNIK_EXIT_PROGRAM + code));
}
