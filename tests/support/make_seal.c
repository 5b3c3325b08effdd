/* SPDX-License-Identifier: MIT */
/*
 * make_seal.c: writes a seal for the host platform, without the SDK.
 *
 *     make_seal OUT MAIN PATH=FILE...
 *
 * The runtime's tests run with it, so that they need nothing that is built
 * later than the runtime. Paths may come in any order.
 */
#include "sealer.h"
#include <lunik/abi/seal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX 512
#define FILE_MAX ((size_t)256 << 10)

static void fail(const char *what, const char *name)
{
    fprintf(stderr, "make_seal: %s: %s\n", name, what);
    exit(1);
}

static int compare(const void *a, const void *b)
{
    const struct sealer_file *x = a, *y = b;

    return strcmp(x->path, y->path);
}

/* The data is never given back: the program ends soon. */
static void read_file(const char *name, struct sealer_file *out)
{
    FILE *f = fopen(name, "rb");
    void *data = malloc(FILE_MAX);

    if (f == NULL || data == NULL)
        fail("cannot be opened", name);
    out->data = data;
    out->size = fread(data, 1, FILE_MAX, f);
    if (out->size == FILE_MAX || ferror(f))
        fail("cannot be read, or is too large", name);
    fclose(f);
}

int main(int argc, char **argv)
{
    static struct sealer_file files[FILES_MAX];
    static struct bytes records, archive, symbols, seal;
    size_t count = 0;
    FILE *f;

    if (argc < 4 || argc - 3 > FILES_MAX)
        fail("make_seal OUT MAIN PATH=FILE...", "usage");
    for (int i = 3; i < argc; i++) {
        char *equals = strchr(argv[i], '=');

        if (equals == NULL)
            fail("is not PATH=FILE", argv[i]);
        *equals = '\0';
        files[count].path = argv[i];
        read_file(equals + 1, &files[count++]);
    }
    qsort(files, count, sizeof files[0], compare);
    sealer_archive(&archive, files, count);
    sealer_text(&records, LUNIK_RECORD_NAME, "test");
    sealer_text(&records, LUNIK_RECORD_VERSION, "0");
    sealer_text(&records, LUNIK_RECORD_MAIN, argv[2]);
    sealer_text(&records, LUNIK_RECORD_ENV, "SEALED=yes");
    sealer_seal(&seal, &records, &archive, &symbols);

    f = fopen(argv[1], "wb");
    if (f == NULL || fwrite(seal.at, 1, seal.size, f) != seal.size ||
        fclose(f) != 0)
        fail("cannot be written", argv[1]);
    return 0;
}
