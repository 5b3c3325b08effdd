/* SPDX-License-Identifier: MIT */
/* fuzz_manifest.c: any bytes as a manifest; what opens is read whole. */
#include "core.h"
#include <lunik/panic.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lunik_manifest manifest;
    const uint8_t *payload;
    size_t payload_size;
    volatile uint8_t sum = 0;

    if (lunik_manifest_open(data, size, &manifest) != LUNIK_OK)
        return 0;
    for (uint16_t type = 0; type < 16; type++) {
        for (size_t n = 0;
             lunik_manifest_find(&manifest, type, n, &payload, &payload_size);
             n++) {
            LUNIK_ASSERT(payload >= data);
            LUNIK_ASSERT(payload + payload_size <= data + size);
            for (size_t k = 0; k < payload_size; k++)
                sum = (uint8_t)(sum + payload[k]);
        }
    }
    LUNIK_ASSERT(lunik_manifest_find(&manifest, 1, 0, &payload, &payload_size));
    return 0;
}
