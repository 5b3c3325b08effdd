/* SPDX-License-Identifier: MIT */
/* test_seal.c: seals, manifests, archives and symbols, whole and broken. */
#include "test.h"

#include "arch.h"
#include "core.h"
#include "sealer.h"
#include <lunik/abi/seal.h>

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static const struct sealer_file files[] = {
    { "a-b.lua", "return 1", 8 },        { "a.lua", "", 0 },
    { "a/b.lua", "return {}\n", 10 },    { "a/c/d.txt", "deep", 4 },
    { "main.lua", "print 'hello'", 13 },
};
#define FILES (sizeof(files) / sizeof(files[0]))

static const struct sealer_symbol symbols[] = {
    { 0x101000, "first" },    { 0x101010, "second" }, { 0x101010, "alias" },
    { 0x109999, "far_away" }, { 0x10a000, "last" },
};
#define SYMBOLS (sizeof(symbols) / sizeof(symbols[0]))

static void make_records(struct bytes *out)
{
    uint64_t heap = 1 << 20;

    out->size = 0;
    sealer_text(out, LUNIK_RECORD_NAME, "hello");
    sealer_text(out, LUNIK_RECORD_VERSION, "1.0");
    sealer_text(out, LUNIK_RECORD_MAIN, "main.lua");
    bytes_number(out, LUNIK_RECORD_MEMORY, 2);
    bytes_number(out, 0, 2);
    bytes_number(out, 8, 4);
    bytes_number(out, 4 << 20, 8);
    sealer_record(out, LUNIK_RECORD_HEAP, &heap, 8);
    sealer_text(out, LUNIK_RECORD_ENV, "A=1");
    sealer_text(out, LUNIK_RECORD_ENV, "B=two words");
    sealer_text(out, LUNIK_RECORD_PATH, "?.lua");
    sealer_text(out, LUNIK_RECORD_SDK, "0.1.0");
    sealer_text(out, LUNIK_RECORD_MODULE, "lunik.sys\t0.1.0\tMIT");
}

static void make_seal(struct bytes *out)
{
    static struct bytes records, archive, table;

    make_records(&records);
    archive.size = table.size = 0;
    sealer_archive(&archive, files, FILES);
    sealer_symbols(&table, 0x100000, symbols, SYMBOLS);
    sealer_seal(out, &records, &archive, &table);
}

/* Opens a copy of exactly (size) bytes, so that ASan sees one byte too far. */
static lunik_result open_copy(const uint8_t *bytes, size_t size,
                              struct lunik_seal *out, uint8_t **copy_out)
{
    const char *why = NULL;
    lunik_result result;

    *copy_out = malloc(size ? size : 1);
    memcpy(*copy_out, bytes, size);
    result = lunik_seal_open(*copy_out, size, out, &why);
    if (result != LUNIK_OK)
        CHECK(why != NULL && out->archive.count == 0);
    return result;
}

/* Reads everything there is to read in an opened seal. */
static size_t use(const struct lunik_seal *seal)
{
    struct lunik_archive_file file;
    const uint8_t *data;
    size_t size, sum = 0;
    uintptr_t start;

    for (uint32_t i = 0; i < seal->archive.count; i++) {
        lunik_archive_get(&seal->archive, i, &file);
        for (size_t k = 0; k <= file.size; k++)
            sum += ((const uint8_t *)file.data)[k];
        sum +=
            lunik_archive_find(&seal->archive, file.path, file.path_len, &file);
    }
    for (uint16_t type = 0; type < 12; type++) {
        for (size_t n = 0;
             lunik_manifest_find(&seal->manifest, type, n, &data, &size); n++) {
            for (size_t k = 0; k < size; k++)
                sum += data[k];
        }
    }
    for (uintptr_t address = 0x100000; address < 0x10b000; address += 0x777) {
        const char *name = lunik_symbols_find(&seal->symbols, address, &start);

        sum += name ? strlen(name) : 0;
    }
    return sum;
}

/* ---- CRC32C ---- */

TEST(crc32c_gives_the_published_sums)
{
    uint8_t data[32] = { 0 };

    /* RFC 3720, B.4. */
    CHECK_EQ(arch_crc32c(0, data, 32), 0x8a9136aa);
    memset(data, 0xff, 32);
    CHECK_EQ(arch_crc32c(0, data, 32), 0x62a8ab43);
    for (size_t i = 0; i < 32; i++)
        data[i] = (uint8_t)i;
    CHECK_EQ(arch_crc32c(0, data, 32), 0x46dd794e);
    CHECK_EQ(arch_crc32c(0, "123456789", 9), 0xe3069283);
    CHECK_EQ(arch_crc32c(arch_crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
}

/* ---- A sound seal ---- */

TEST(a_sound_seal_opens_and_shows_its_parts)
{
    static struct bytes seal;
    struct lunik_seal opened;
    struct lunik_archive_file file;
    const uint8_t *data;
    uint8_t *copy;
    size_t size;

    make_seal(&seal);
    REQUIRE(open_copy(seal.at, seal.size, &opened, &copy) == LUNIK_OK);
    CHECK_EQ(opened.manifest.memory_bytes, 4 << 20);
    CHECK_EQ(opened.manifest.heap_bytes, 1 << 20);
    CHECK_EQ(opened.archive.count, FILES);
    REQUIRE(lunik_manifest_find(&opened.manifest, LUNIK_RECORD_ENV, 1, &data,
                                &size));
    CHECK_EQ(size, 11);
    CHECK_MEM_EQ(data, "B=two words", 11);
    CHECK(!lunik_manifest_find(&opened.manifest, LUNIK_RECORD_ENV, 2, &data,
                               &size));
    for (size_t i = 0; i < FILES; i++) {
        REQUIRE(lunik_archive_find(&opened.archive, files[i].path,
                                   strlen(files[i].path), &file));
        CHECK_EQ(file.size, files[i].size);
        CHECK_MEM_EQ(file.data, files[i].data, file.size);
        CHECK_EQ(((const char *)file.data)[file.size], '\0');
    }
    free(copy);
}

TEST(bytes_behind_a_seal_do_not_matter)
{
    static struct bytes seal;
    struct lunik_seal opened;
    uint8_t *copy;

    make_seal(&seal);
    bytes_put(&seal, "padding of the page", 19);
    CHECK_EQ(open_copy(seal.at, seal.size, &opened, &copy), LUNIK_OK);
    free(copy);
}

/* ---- A broken one ---- */

TEST(a_seal_cut_at_any_length_is_refused)
{
    static struct bytes seal;
    struct lunik_seal opened;
    uint8_t *copy;

    make_seal(&seal);
    for (size_t size = 0; size < seal.size; size++) {
        REQUIRE(open_copy(seal.at, size, &opened, &copy) == LUNIK_EINVAL);
        free(copy);
    }
}

TEST(every_flipped_bit_is_refused_or_harmless)
{
    static struct bytes seal;
    size_t refused = 0, checked, symbols_at;

    make_seal(&seal);
    checked = seal.at[12] | (size_t)seal.at[13] << 8;
    symbols_at = (checked + 7) & ~(size_t)7;
    for (size_t bit = 0; bit < seal.size * 8; bit++) {
        struct lunik_seal opened;
        uint8_t *copy;
        lunik_result result;

        seal.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
        result = open_copy(seal.at, seal.size, &opened, &copy);
        if (bit / 8 < checked)
            REQUIRE(result == LUNIK_EINVAL);
        if (result == LUNIK_OK) {
            use(&opened);
            /* A panic would not trust these symbols. */
            if (bit / 8 >= symbols_at)
                CHECK(arch_crc32c(0, opened.symbols.base,
                                  opened.symbols.size) != opened.symbols.crc);
        } else {
            refused++;
        }
        free(copy);
        seal.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    CHECK_EQ(refused, checked * 8);
}

static uint64_t odd_number(void)
{
    static const uint64_t odd[] = { 0,    1,      2,          7,          8,
                                    0x7f, 0xff,   0x100,      0x7fffffff, 56,
                                    255,  0x8000, 0xfffffff8, 0xffffffff };

    return odd[next_random() % (sizeof(odd) / sizeof(odd[0]))];
}

static void mutate(struct bytes *seal)
{
    for (uint64_t n = 1 + next_random() % 4; n > 0; n--) {
        size_t at = next_random() % (seal->size - 4);

        if (next_random() % 2 != 0)
            bytes_patch(seal, at & ~(size_t)3, odd_number(), 4);
        else if (next_random() % 2 != 0)
            seal->at[at] ^= (uint8_t)(1 << next_random() % 8);
        else
            seal->at[at] = (uint8_t)next_random();
    }
    if (next_random() % 16 == 0)
        seal->size -= next_random() % (seal->size / 2);
}

TEST(thirty_thousand_mutants_with_a_right_sum_do_no_harm)
{
    static struct bytes seal, mutant;
    size_t opened_count = 0;

    make_seal(&seal);
    for (int i = 0; i < 30000; i++) {
        struct lunik_seal opened;
        uint8_t *copy;

        mutant = seal;
        mutate(&mutant);
        sealer_sum(&mutant);
        if (open_copy(mutant.at, mutant.size, &opened, &copy) == LUNIK_OK) {
            use(&opened);
            opened_count++;
        }
        free(copy);
    }
    /* Some only changed a file's bytes or a version. */
    CHECK(opened_count > 100 && opened_count < 25000);
}

/* ---- Each rule of the header ---- */

static void check_refused(struct bytes *seal, size_t at, uint64_t value,
                          size_t size, const char *words)
{
    struct bytes *broken = malloc(sizeof(*broken));
    struct lunik_seal opened;
    const char *why = NULL;

    *broken = *seal;
    bytes_patch(broken, at, value, size);
    sealer_sum(broken);
    CHECK_EQ(lunik_seal_open(broken->at, broken->size, &opened, &why),
             LUNIK_EINVAL);
    CHECK_CONTAINS(why, words);
    free(broken);
}

TEST(each_field_of_the_header_is_checked)
{
    static struct bytes seal;

    make_seal(&seal);
    check_refused(&seal, 0, 0, 8, "no seal");
    check_refused(&seal, 8, seal.size + 1, 4, "cut off");
    check_refused(&seal, 8, 60, 4, "header is malformed");
    check_refused(&seal, 12, 40, 4, "header is malformed");
    check_refused(&seal, 20, 0xffffff00, 4, "outside");
    check_refused(&seal, 24, 0xffffff00, 4, "outside");
    check_refused(&seal, 24, 4, 4, "manifest");
    check_refused(&seal, 28, 0xffffff00, 4, "outside");
    check_refused(&seal, 32, 0, 4, "archive");
    check_refused(&seal, 36, 0xffffff00, 4, "outside");
    check_refused(&seal, 40, 0xffffff00, 4, "outside");
    check_refused(&seal, 48, 1, 8, "header is malformed");
    check_refused(&seal, 56, 5, 4, "manifest");  /* the note's name */
    check_refused(&seal, 60, 12, 4, "manifest"); /* its size */
    check_refused(&seal, 64, 2, 4, "manifest");  /* its type */
    check_refused(&seal, 68, 'X', 1, "manifest");
}

TEST(a_wrong_sum_is_said_to_be_one)
{
    static struct bytes seal;
    struct lunik_seal opened;
    const char *why = NULL;

    make_seal(&seal);
    seal.at[100] ^= 1;
    CHECK_EQ(lunik_seal_open(seal.at, seal.size, &opened, &why), LUNIK_EINVAL);
    CHECK_STR_EQ(why, "its checksum is wrong");
}

/* ---- Manifests ---- */

static lunik_result open_record(uint16_t type, const void *data, size_t size)
{
    static struct bytes records;
    struct lunik_manifest manifest;

    records.size = 0;
    if (type != LUNIK_RECORD_NAME)
        sealer_text(&records, LUNIK_RECORD_NAME, "n");
    sealer_record(&records, type, data, size);
    return lunik_manifest_open(records.at, records.size, &manifest);
}

static lunik_result open_text(uint16_t type, const char *text)
{
    return open_record(type, text, strlen(text));
}

TEST(records_of_the_right_form_are_taken)
{
    CHECK_EQ(open_text(LUNIK_RECORD_NAME, "a-b_c9"), LUNIK_OK);
    CHECK_EQ(open_text(LUNIK_RECORD_VERSION, "1.0-rc1"), LUNIK_OK);
    CHECK_EQ(open_text(LUNIK_RECORD_ENV, "A="), LUNIK_OK);
    CHECK_EQ(open_text(LUNIK_RECORD_HYPERVISOR, "kvm"), LUNIK_OK);
    CHECK_EQ(open_record(LUNIK_RECORD_HEAP, "\1\0\0\0\0\0\0", 8), LUNIK_OK);
    CHECK_EQ(open_text(LUNIK_RECORD_LIBRARY, "lua\t5.4.9\tMIT"), LUNIK_OK);
    CHECK_EQ(open_record(0x8fff, "\0\1\2", 3), LUNIK_OK);
    CHECK_EQ(open_record(0x8fff, "", 0), LUNIK_OK);
}

TEST(records_of_a_wrong_form_are_refused)
{
    char long_name[66];

    memset(long_name, 'x', sizeof(long_name));
    long_name[65] = '\0';
    CHECK_EQ(open_text(LUNIK_RECORD_NAME, ""), LUNIK_EINVAL);
    CHECK_EQ(open_text(LUNIK_RECORD_NAME, "Hello"), LUNIK_EINVAL);
    CHECK_EQ(open_text(LUNIK_RECORD_NAME, "a b"), LUNIK_EINVAL);
    CHECK_EQ(open_text(LUNIK_RECORD_NAME, long_name), LUNIK_EINVAL);
    CHECK_EQ(open_text(LUNIK_RECORD_NAME, long_name + 1), LUNIK_OK);
    CHECK_EQ(open_text(LUNIK_RECORD_MAIN, ""), LUNIK_EINVAL);
    CHECK_EQ(open_text(LUNIK_RECORD_MAIN, "a\nb"), LUNIK_EINVAL);
    CHECK_EQ(open_record(LUNIK_RECORD_VERSION, "1\0002", 3), LUNIK_EINVAL);
    CHECK_EQ(open_text(LUNIK_RECORD_ENV, "=1"), LUNIK_EINVAL);
    CHECK_EQ(open_text(LUNIK_RECORD_ENV, "A"), LUNIK_EINVAL);
    CHECK_EQ(open_record(LUNIK_RECORD_MEMORY, "1234567", 7), LUNIK_EINVAL);
    CHECK_EQ(open_record(LUNIK_RECORD_HEAP, "123456789", 9), LUNIK_EINVAL);
    CHECK_EQ(open_text(0, "x"), LUNIK_EINVAL);
    CHECK_EQ(open_text(9, "x"), LUNIK_EINVAL);
    CHECK_EQ(open_text(0x7fff, "x"), LUNIK_EINVAL);
}

TEST(a_manifest_has_one_name_and_nothing_twice_that_is_once)
{
    static struct bytes records;
    struct lunik_manifest manifest;

    records.size = 0;
    CHECK_EQ(lunik_manifest_open(records.at, 0, &manifest), LUNIK_EINVAL);
    sealer_text(&records, LUNIK_RECORD_VERSION, "1");
    CHECK_EQ(lunik_manifest_open(records.at, records.size, &manifest),
             LUNIK_EINVAL);
    sealer_text(&records, LUNIK_RECORD_NAME, "n");
    CHECK_EQ(lunik_manifest_open(records.at, records.size, &manifest),
             LUNIK_OK);
    sealer_text(&records, LUNIK_RECORD_VERSION, "2");
    CHECK_EQ(lunik_manifest_open(records.at, records.size, &manifest),
             LUNIK_EINVAL);
}

TEST(record_headers_and_padding_are_checked)
{
    static struct bytes records;
    struct lunik_manifest manifest;

    records.size = 0;
    sealer_text(&records, LUNIK_RECORD_NAME, "n"); /* 12 bytes, 3 padding */
    for (size_t size = 0; size < 12; size++)
        CHECK_EQ(lunik_manifest_open(records.at, size, &manifest),
                 LUNIK_EINVAL);
    bytes_patch(&records, 2, 1, 2);
    CHECK_EQ(lunik_manifest_open(records.at, 12, &manifest), LUNIK_EINVAL);
    bytes_patch(&records, 2, 0, 2);
    bytes_patch(&records, 11, 1, 1);
    CHECK_EQ(lunik_manifest_open(records.at, 12, &manifest), LUNIK_EINVAL);
    bytes_patch(&records, 11, 0, 1);
    bytes_patch(&records, 4, 0xffffffff, 4);
    CHECK_EQ(lunik_manifest_open(records.at, 12, &manifest), LUNIK_EINVAL);
    bytes_patch(&records, 4, 1, 4);
    CHECK_EQ(lunik_manifest_open(records.at, 12, &manifest), LUNIK_OK);
}

/* ---- Archives ---- */

static lunik_result open_paths(const char *a, const char *b)
{
    static struct bytes archive;
    const struct sealer_file two[] = { { a, "x", 1 }, { b, "y", 1 } };
    struct lunik_archive opened;

    archive.size = 0;
    sealer_archive(&archive, two, 2);
    return lunik_archive_open(archive.at, archive.size, &opened);
}

TEST(paths_are_relative_sorted_and_without_dots)
{
    CHECK_EQ(open_paths("a", "b"), LUNIK_OK);
    CHECK_EQ(open_paths(".hidden", "..."), LUNIK_EINVAL); /* '.' < 'h' */
    CHECK_EQ(open_paths("...", ".hidden"), LUNIK_OK);
    CHECK_EQ(open_paths("a", "a"), LUNIK_EINVAL);
    CHECK_EQ(open_paths("b", "a"), LUNIK_EINVAL);
    CHECK_EQ(open_paths("ab", "a"), LUNIK_EINVAL);
    CHECK_EQ(open_paths("", "a"), LUNIK_EINVAL);
    CHECK_EQ(open_paths("/a", "b"), LUNIK_EINVAL);
    CHECK_EQ(open_paths("a", "b/"), LUNIK_EINVAL);
    CHECK_EQ(open_paths("a", "b//c"), LUNIK_EINVAL);
    CHECK_EQ(open_paths("..", "a"), LUNIK_EINVAL);
    CHECK_EQ(open_paths("a/../b", "b"), LUNIK_EINVAL);
    CHECK_EQ(open_paths("a/.", "b"), LUNIK_EINVAL);
    CHECK_EQ(open_paths("a\n", "b"), LUNIK_EINVAL);
    CHECK_EQ(open_paths("a", "b\xc3\xa4"), LUNIK_OK);
}

TEST(a_path_of_255_bytes_is_the_longest)
{
    char path[257];

    memset(path, 'p', sizeof(path));
    path[256] = '\0';
    CHECK_EQ(open_paths("a", path), LUNIK_EINVAL);
    path[255] = '\0';
    CHECK_EQ(open_paths("a", path), LUNIK_OK);
}

TEST(the_archive_header_and_entries_are_checked)
{
    static struct bytes archive, broken;
    struct lunik_archive opened;
    static const struct {
        size_t at;
        uint64_t value;
    } patches[] = {
        { 0, 0 },                        /* magic */
        { 4, 0xffffffff },               /* count */
        { 4, 4 },                        /* one fewer: paths are left over */
        { 8, 0xffffffff },               /* size of the paths */
        { 8, 0 },           { 12, 1 },   /* reserved */
        { 16, 1 },                       /* path offset */
        { 20, 0 },                       /* path length */
        { 20, 0xffffffff }, { 24, 0 },   /* data offset: in the header */
        { 24, 0xfffffff8 }, { 24, 161 }, /* not a multiple of 8 */
        { 28, 0xffffffff },              /* size */
        { 28, 1 },                       /* then no NUL follows */
    };

    archive.size = 0;
    sealer_archive(&archive, files, FILES);
    REQUIRE(lunik_archive_open(archive.at, archive.size, &opened) == LUNIK_OK);
    for (size_t i = 0; i < sizeof(patches) / sizeof(patches[0]); i++) {
        broken = archive;
        bytes_patch(&broken, patches[i].at, patches[i].value, 4);
        if (!CHECK(lunik_archive_open(broken.at, broken.size, &opened) ==
                   LUNIK_EINVAL))
            printf("patch %zu\n", i);
        CHECK_EQ(opened.count, 0);
    }
    for (size_t size = 0; size < archive.size; size++)
        CHECK_EQ(lunik_archive_open(archive.at, size, &opened), LUNIK_EINVAL);
}

TEST(lower_bound_finds_where_a_folder_begins)
{
    static struct bytes archive;
    struct lunik_archive opened, empty = { 0 };
    struct lunik_archive_file file;

    archive.size = 0;
    sealer_archive(&archive, files, FILES);
    REQUIRE(lunik_archive_open(archive.at, archive.size, &opened) == LUNIK_OK);
    CHECK_EQ(lunik_archive_lower_bound(&opened, "a/", 2), 2);
    CHECK_EQ(lunik_archive_lower_bound(&opened, "", 0), 0);
    CHECK_EQ(lunik_archive_lower_bound(&opened, "a/c", 3), 3);
    CHECK_EQ(lunik_archive_lower_bound(&opened, "zz", 2), FILES);
    CHECK(!lunik_archive_find(&opened, "a", 1, &file));
    CHECK(!lunik_archive_find(&opened, "main.lu", 7, &file));
    CHECK(!lunik_archive_find(&opened, "main.luaX", 9, &file));
    CHECK(!lunik_archive_find(&opened, "", 0, &file));
    CHECK(!lunik_archive_find(&empty, "a", 1, &file));
    CHECK_DIES(0x20, lunik_archive_get(&opened, FILES, &file));
}

/* ---- Symbols ---- */

static const char *name_at(const struct bytes *table, uintptr_t address,
                           uintptr_t *start_out)
{
    struct lunik_symbols s = { table->at, table->size, 0 };

    return lunik_symbols_find(&s, address, start_out);
}

TEST(addresses_are_found_in_the_function_before_them)
{
    static struct bytes table;
    uintptr_t start = 0;

    table.size = 0;
    sealer_symbols(&table, 0x100000, symbols, SYMBOLS);
    CHECK(name_at(&table, 0x100fff, &start) == NULL);
    CHECK_STR_EQ(name_at(&table, 0x101000, &start), "first");
    CHECK_EQ(start, 0x101000);
    CHECK_STR_EQ(name_at(&table, 0x10100f, &start), "first");
    CHECK_STR_EQ(name_at(&table, 0x101010, &start), "alias");
    CHECK_STR_EQ(name_at(&table, 0x109998, &start), "alias");
    CHECK_STR_EQ(name_at(&table, 0x109999, &start), "far_away");
    CHECK_STR_EQ(name_at(&table, 0x10a123, &start), "last");
    CHECK_EQ(start, 0x10a000);
    CHECK(name_at(&table, 0x10a000 + (1 << 18), &start) == NULL);
    CHECK(name_at(&table, 0, &start) == NULL);
    CHECK(name_at(&table, UINTPTR_MAX, &start) == NULL);
}

TEST(cut_symbols_give_no_name_past_the_cut)
{
    static struct bytes table;
    uintptr_t start;

    table.size = 0;
    sealer_symbols(&table, 0x100000, symbols, SYMBOLS);
    for (size_t size = 0; size < table.size; size++) {
        uint8_t *copy = malloc(size ? size : 1);
        struct lunik_symbols s = { copy, size, 0 };

        memcpy(copy, table.at, size);
        CHECK(lunik_symbols_find(&s, 0x10a123, &start) == NULL);
        free(copy);
    }
}
