/* SPDX-License-Identifier: MIT */
/* fuzz_symbols.c: any bytes as symbols, asked for any address. */
#include "core.h"
#include <lunik/panic.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lunik_symbols symbols = { data, size, 0 };
    uintptr_t address = 0, start = 0;
    const char *name;

    /* Near where the bytes say that the text begins. */
    if (size >= 8)
        memcpy(&address, data, 8);
    for (uintptr_t step = 0; step < 300; step += 37) {
        name = lunik_symbols_find(&symbols, address + step * step, &start);
        if (name == NULL)
            continue;
        LUNIK_ASSERT(start <= address + step * step);
        LUNIK_ASSERT(name + strlen(name) < (const char *)data + size);
    }
    return 0;
}
