/* SPDX-License-Identifier: MIT */
/*
 * seal.h: the bytes that `lunik build` appends to a linked image.
 *
 * The seal is the image's last PT_LOAD segment, read-only, at the first page
 * after the image's own memory (linker symbol lunik_seal). All integers are
 * little-endian, offsets count from the seal's first byte.
 *
 *   0                 struct lunik_seal_header
 *   manifest_offset   an ELF note (a PT_NOTE names it, too): namesz 6,
 *                     descsz, type LUNIK_SEAL_NOTE_TYPE, "Lunik\0" + 2 bytes
 *                     of padding, then the manifest's records
 *   archive_offset    struct lunik_archive_header, entries, paths, data
 *   symbols_offset    struct lunik_symbols_header, addresses, names
 *
 * `crc` covers [0, checked_size) with the crc field itself taken as 0: header,
 * manifest and archive. It guards against accidents, not against intent. The
 * symbols only serve panics and have a sum of their own, checked there.
 */
#ifndef LUNIK_ABI_SEAL_H
#define LUNIK_ABI_SEAL_H

#include <stddef.h>
#include <stdint.h>

#define LUNIK_SEAL_MAGIC UINT64_C(0x314c4145534b4e4c) /* "LNKSEAL1" */
#define LUNIK_SEAL_NOTE_NAME "Lunik"
#define LUNIK_SEAL_NOTE_TYPE 1
#define LUNIK_SEAL_NOTE_HEADER_SIZE 20 /* three words, the padded name */

struct lunik_seal_header {
    uint64_t magic;
    uint32_t total_size; /* header to the last symbol name */
    uint32_t checked_size;
    uint32_t crc; /* CRC32C, Castagnoli, as iSCSI: RFC 3720, B.4 */
    uint32_t manifest_offset, manifest_size; /* with the note's header */
    uint32_t archive_offset, archive_size;
    uint32_t symbols_offset, symbols_size, symbols_crc;
    uint64_t reserved; /* 0 */
};
_Static_assert(sizeof(struct lunik_seal_header) == 56, "on disk");

/*
 * The manifest is a row of records, each 4-byte aligned: the header, then
 * (size) bytes, then zeros up to the next multiple of 4. A reader refuses a
 * record type that it does not know unless LUNIK_RECORD_OPTIONAL is set in it.
 */
struct lunik_record_header {
    uint16_t type;
    uint16_t reserved; /* 0 */
    uint32_t size;     /* of the payload, without padding */
};
_Static_assert(sizeof(struct lunik_record_header) == 8, "on disk");

#define LUNIK_RECORD_OPTIONAL 0x8000

/* Strings have no NUL and no byte below 0x20. Once: at most once, see
 * manifest.h of the core for which are required. */
enum lunik_record_type {
    LUNIK_RECORD_NAME = 1,       /* once: image name, [a-z0-9_-]{1,64} */
    LUNIK_RECORD_VERSION = 2,    /* once: the project's version */
    LUNIK_RECORD_MAIN = 3,       /* once: path of the main script */
    LUNIK_RECORD_MEMORY = 4,     /* once: u64, least memory in bytes */
    LUNIK_RECORD_HEAP = 5,       /* once: u64, Lua's limit in bytes */
    LUNIK_RECORD_ENV = 6,        /* NAME=VALUE */
    LUNIK_RECORD_HYPERVISOR = 7, /* one the image may run on; none: all */
    LUNIK_RECORD_PATH = 8,       /* a template of package.path, in order */
    /* For people and tools; the image itself skips them. */
    LUNIK_RECORD_SDK = 0x8001,     /* version of the SDK that sealed it */
    LUNIK_RECORD_MODULE = 0x8002,  /* C module: name \t version \t licence */
    LUNIK_RECORD_LIBRARY = 0x8003, /* as MODULE, for what is linked in */
    LUNIK_RECORD_FILE = 0x8004,    /* 32 bytes SHA-256, u64 size, path */
    LUNIK_RECORD_DEVICE = 0x8005,  /* class \t name */
};

/*
 * The archive: header, `count` entries in bytewise order of their paths, the
 * paths back to back, then the files' bytes, each file at a multiple of 8 and
 * followed by at least one zero byte.
 */
#define LUNIK_ARCHIVE_MAGIC UINT32_C(0x3143524c) /* "LRC1" */

struct lunik_archive_header {
    uint32_t magic;
    uint32_t count;
    uint32_t paths_size;
    uint32_t reserved; /* 0 */
};
_Static_assert(sizeof(struct lunik_archive_header) == 16, "on disk");

struct lunik_archive_entry {
    uint32_t path_offset; /* from the first path */
    uint32_t path_len;    /* 1 to LUNIK_ARCHIVE_PATH_MAX */
    uint32_t data_offset; /* from the archive's first byte */
    uint32_t size;
};
_Static_assert(sizeof(struct lunik_archive_entry) == 16, "on disk");

#define LUNIK_ARCHIVE_PATH_MAX 255

/* Below this folder a script's bytecode has the script's own path. */
#define LUNIK_ARCHIVE_BYTECODE ".bytecode/"

/*
 * The symbols: `count` functions in order of address. An address is its
 * distance from the one before (the first: from text_start), as an unsigned
 * LEB128. The names follow in the same order, each ended by a NUL.
 */
struct lunik_symbols_header {
    uint64_t text_start;
    uint32_t count;
    uint32_t addresses_size; /* the names begin here, after the header */
};
_Static_assert(sizeof(struct lunik_symbols_header) == 16, "on disk");

#endif
