/* SPDX-License-Identifier: MIT */
/*
 * fuzz_seal.c: a sound seal, with bytes put over it, its sum made right.
 *
 * The input is a row of patches: two bytes of offset, one value.
 */
#include "core.h"
#include "sealer.h"
#include <lunik/abi/seal.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_seal(struct bytes *out)
{
    static struct bytes records, archive, table;
    static const struct sealer_file files[] = { { "a.lua", "return 1", 8 },
                                                { "main.lua", "", 0 } };
    static const struct sealer_symbol symbols[] = { { 0x1000, "first" },
                                                    { 0x1100, "second" } };

    records.size = archive.size = table.size = 0;
    sealer_text(&records, LUNIK_RECORD_NAME, "fuzz");
    sealer_text(&records, LUNIK_RECORD_ENV, "A=1");
    sealer_archive(&archive, files, 2);
    sealer_symbols(&table, 0x1000, symbols, 2);
    sealer_seal(out, &records, &archive, &table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bytes sound, seal;
    struct lunik_seal opened;
    struct lunik_archive_file file;
    const char *why;
    uintptr_t start;

    if (sound.size == 0)
        make_seal(&sound);
    seal = sound;
    for (size_t i = 0; i + 3 <= size; i += 3)
        seal.at[(data[i] | (size_t)data[i + 1] << 8) % seal.size] = data[i + 2];
    sealer_sum(&seal);
    if (lunik_seal_open(seal.at, seal.size, &opened, &why) != LUNIK_OK)
        return 0;
    for (uint32_t i = 0; i < opened.archive.count; i++)
        lunik_archive_get(&opened.archive, i, &file);
    lunik_symbols_find(&opened.symbols, 0x1101, &start);
    return 0;
}
