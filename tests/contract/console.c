/* SPDX-License-Identifier: MIT */
/*
 * console.c: what the console must do on every platform.
 *
 * The runner may type or not; what is typed is eaten here.
 */
#include "contract.h"

#include <lunik/console.h>
#include <lunik/event.h>
#include <lunik/time.h>
#include <stddef.h>
#include <stdint.h>

#define LINES 500

static char input[64];

static lunik_result read_until(uint64_t deadline_ns)
{
    size_t size = 0;
    lunik_result result;

    do
        result = lunik_console_read(input, sizeof(input), deadline_ns, &size);
    while (result == LUNIK_OK && size > 0 && size <= sizeof(input));
    return result;
}

static unsigned check_output(void)
{
    static const char line[] =
        "0123456789 abcdefghijklmnopqrstuvwxyz 0123456789 ABCDEFGHIJKLMNOPQ\n";
    uint64_t before = lunik_time_monotonic_ns();

    lunik_console_write(line, 0);
    for (int i = 0; i < LINES; i++)
        lunik_console_write(line, sizeof(line) - 1);
    return contract_check(lunik_time_monotonic_ns() - before <
                              10 * LUNIK_NS_PER_S,
                          "output does not wait for a reader for ever");
}

static unsigned check_deadlines(void)
{
    uint64_t start = lunik_time_monotonic_ns();
    lunik_result result = read_until(start + 50 * LUNIK_NS_PER_MS);
    uint64_t took = lunik_time_monotonic_ns() - start;
    unsigned failed = 0;

    if (result == LUNIK_ECLOSED)
        return 0; /* a console without input */
    failed += contract_check(result == LUNIK_ETIMEOUT,
                             "a read without input times out");
    failed += contract_check(took >= 50 * LUNIK_NS_PER_MS,
                             "a read does not time out early");
    failed += contract_check(read_until(0) == LUNIK_ETIMEOUT,
                             "a deadline that has passed is one");
    return failed;
}

static unsigned check_cancelling(void)
{
    lunik_result result;

    lunik_fiber_cancel(lunik_fiber_self());
    result = read_until(LUNIK_NEVER);
    lunik_fiber_set_cancelled(false);
    return contract_check(result == LUNIK_ECANCELED || result == LUNIK_ECLOSED,
                          "a cancelled read ends");
}

unsigned contract_console(void)
{
    return check_output() + check_deadlines() + check_cancelling();
}
