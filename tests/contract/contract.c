/* SPDX-License-Identifier: MIT */
/* contract.c: runs the contracts and says what became of them. */
#include "contract.h"

#include <lunik/console.h>
#include <lunik/format.h>
#include <stddef.h>

unsigned contract_check(bool holds, const char *sentence)
{
    char line[160];

    if (holds)
        return 0;
    lunik_console_write(
        line, lunik_format(line, sizeof(line), "FAILED: %s\n", sentence));
    return 1;
}

unsigned contract_run(void)
{
    static const struct {
        const char *name;
        unsigned (*run)(void);
    } contracts[] = {
        { "entropy", contract_entropy },
        { "console", contract_console },
        { "net", contract_net },
    };
    unsigned total = 0;

    for (size_t i = 0; i < sizeof(contracts) / sizeof(*contracts); i++) {
        unsigned failed = contracts[i].run();
        char line[80];

        lunik_console_write(line, lunik_format(line, sizeof(line),
                                               "contract %s: %u failed\n",
                                               contracts[i].name, failed));
        total += failed;
    }
    return total;
}
