/* SPDX-License-Identifier: MIT */
/*
 * sealer.h: builds seals, sound ones and broken ones, for tests in C.
 *
 * The sealer that users meet is the SDK's; this one follows
 * <lunik/abi/seal.h> by itself, so that the two check each other.
 */
#ifndef LUNIK_TEST_SEALER_H
#define LUNIK_TEST_SEALER_H

#include <stddef.h>
#include <stdint.h>

/* Bytes that grow; (at) is too small for none of the tests. */
#ifndef SEALER_BYTES_MAX
#define SEALER_BYTES_MAX (512 * 1024)
#endif
struct bytes {
    uint8_t at[SEALER_BYTES_MAX];
    size_t size;
};

struct sealer_file {
    const char *path;
    const void *data;
    size_t size;
};

struct sealer_symbol {
    uint64_t address;
    const char *name;
};

void bytes_put(struct bytes *out, const void *data, size_t size);
void bytes_number(struct bytes *out, uint64_t value, size_t size);
void bytes_align(struct bytes *out, size_t to);
/* Overwrites (size) bytes at (at) with (value). */
void bytes_patch(struct bytes *out, size_t at, uint64_t value, size_t size);

/* One record of a manifest. */
void sealer_record(struct bytes *out, uint16_t type, const void *data,
                   size_t size);
void sealer_text(struct bytes *out, uint16_t type, const char *text);

/* (files) in bytewise order of their paths; not checked here. */
void sealer_archive(struct bytes *out, const struct sealer_file *files,
                    size_t count);

/* (symbols) in order of address. */
void sealer_symbols(struct bytes *out, uint64_t text_start,
                    const struct sealer_symbol *symbols, size_t count);

/* The parts, in one seal with its sums. */
void sealer_seal(struct bytes *out, const struct bytes *records,
                 const struct bytes *archive, const struct bytes *symbols);

/* Makes the seal's sum right again after a patch. */
void sealer_sum(struct bytes *seal);

#endif
