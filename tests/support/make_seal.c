/* SPDX-License-Identifier: MIT */
/*
 * make_seal.c: writes a seal for the host platform, without the SDK.
 *
 *     make_seal OUT MAIN PATH=FILE...
 *
 * The runtime's tests run with it, so that they need nothing that is built
 * later than the runtime. Paths may come in any order.
 */
#include <lunik/abi/seal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX 512
#define SEAL_MAX ((size_t)16 << 20)

struct input {
    const char *path; /* ends at the '=' */
    size_t path_len;
    const char *file;
};

static uint8_t out[SEAL_MAX];
static size_t out_size;

static void fail(const char *what, const char *name)
{
    fprintf(stderr, "make_seal: %s: %s\n", name, what);
    exit(1);
}

static void put(const void *data, size_t size)
{
    if (size > SEAL_MAX - out_size)
        fail("the seal is too large", "out");
    memcpy(out + out_size, data, size);
    out_size += size;
}

static void pad(size_t align)
{
    while (out_size % align != 0)
        out[out_size++] = 0;
}

static void put_record(uint16_t type, const char *text)
{
    struct lunik_record_header header = { .type = type,
                                          .size = (uint32_t)strlen(text) };

    put(&header, sizeof(header));
    put(text, strlen(text));
    pad(4);
}

static uint32_t crc32c(const uint8_t *data, size_t size)
{
    uint32_t crc = ~UINT32_C(0);

    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0);
    }
    return ~crc;
}

static int compare(const void *a, const void *b)
{
    const struct input *x = a, *y = b;
    size_t least = x->path_len < y->path_len ? x->path_len : y->path_len;
    int order = memcmp(x->path, y->path, least);

    return order != 0 ? order : x->path_len < y->path_len ? -1 : 1;
}

static void put_file(const char *name)
{
    static uint8_t bytes[1 << 20];
    FILE *f = fopen(name, "rb");
    size_t size;

    if (f == NULL)
        fail("cannot be opened", name);
    size = fread(bytes, 1, sizeof(bytes), f);
    if (size == sizeof(bytes) || ferror(f))
        fail("cannot be read, or is too large", name);
    fclose(f);
    put(bytes, size);
}

static void put_archive(struct input *inputs, size_t count)
{
    size_t start = out_size, entries = start + 16;
    struct lunik_archive_header header = { .magic = LUNIK_ARCHIVE_MAGIC,
                                           .count = (uint32_t)count };
    struct lunik_archive_entry entry = { 0 };
    size_t paths;

    qsort(inputs, count, sizeof(*inputs), compare);
    put(&header, sizeof(header));
    for (size_t i = 0; i < count; i++)
        put(&entry, sizeof(entry));
    paths = out_size;
    for (size_t i = 0; i < count; i++)
        put(inputs[i].path, inputs[i].path_len);
    header.paths_size = (uint32_t)(out_size - paths);
    memcpy(out + start, &header, sizeof(header));
    for (size_t i = 0; i < count; i++) {
        pad(8);
        entry.path_len = (uint32_t)inputs[i].path_len;
        entry.data_offset = (uint32_t)(out_size - start);
        put_file(inputs[i].file);
        entry.size = (uint32_t)(out_size - start - entry.data_offset);
        put("", 1);
        memcpy(out + entries + i * sizeof(entry), &entry, sizeof(entry));
        entry.path_offset += entry.path_len;
    }
    pad(8);
}

static void put_manifest(const char *main_script)
{
    uint32_t words[3] = { 6, 0, LUNIK_SEAL_NOTE_TYPE };
    size_t start = out_size, records;

    put(words, sizeof(words));
    put("Lunik\0\0", 8);
    records = out_size;
    put_record(LUNIK_RECORD_NAME, "test");
    put_record(LUNIK_RECORD_VERSION, "0");
    put_record(LUNIK_RECORD_MAIN, main_script);
    put_record(LUNIK_RECORD_ENV, "SEALED=yes");
    words[1] = (uint32_t)(out_size - records);
    memcpy(out + start, words, sizeof(words));
}

int main(int argc, char **argv)
{
    static struct input inputs[FILES_MAX];
    struct lunik_seal_header header = { .magic = LUNIK_SEAL_MAGIC };
    size_t count = 0;
    FILE *f;

    if (argc < 4 || argc - 3 > FILES_MAX)
        fail("make_seal OUT MAIN PATH=FILE...", "usage");
    for (int i = 3; i < argc; i++) {
        const char *equals = strchr(argv[i], '=');

        if (equals == NULL)
            fail("is not PATH=FILE", argv[i]);
        inputs[count++] =
            (struct input) { argv[i], (size_t)(equals - argv[i]), equals + 1 };
    }
    put(&header, sizeof(header));
    header.manifest_offset = (uint32_t)out_size;
    put_manifest(argv[2]);
    header.manifest_size = (uint32_t)out_size - header.manifest_offset;
    pad(8);
    header.archive_offset = (uint32_t)out_size;
    put_archive(inputs, count);
    header.archive_size = (uint32_t)out_size - header.archive_offset;
    header.checked_size = header.symbols_offset = header.total_size =
        (uint32_t)out_size;
    memcpy(out, &header, sizeof(header));
    header.crc = crc32c(out, out_size);
    memcpy(out, &header, sizeof(header));

    f = fopen(argv[1], "wb");
    if (f == NULL || fwrite(out, 1, out_size, f) != out_size || fclose(f) != 0)
        fail("cannot be written", argv[1]);
    return 0;
}
