/* SPDX-License-Identifier: MIT */
/* fuzz_archive.c: any bytes as an archive; what opens is read whole. */
#include <lunik/archive.h>
#include <lunik/panic.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lunik_archive archive;
    struct lunik_archive_file file, found;
    volatile uint8_t sum = 0;

    if (lunik_archive_open(data, size, &archive) != LUNIK_OK)
        return 0;
    for (uint32_t i = 0; i < archive.count; i++) {
        lunik_archive_get(&archive, i, &file);
        for (size_t k = 0; k <= file.size; k++)
            sum = (uint8_t)(sum + ((const uint8_t *)file.data)[k]);
        LUNIK_ASSERT(
            lunik_archive_find(&archive, file.path, file.path_len, &found));
        LUNIK_ASSERT(found.data == file.data);
        LUNIK_ASSERT(
            lunik_archive_lower_bound(&archive, file.path, file.path_len) == i);
    }
    return 0;
}
