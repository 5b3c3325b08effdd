/* SPDX-License-Identifier: MIT */
/* seal.c: the seal, from a file. */
#include "host.h"
#include "platform.h"
#include <elf.h>
#include <fcntl.h>
#include <lunik/abi/seal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_NO_INPUT 66

static const uint8_t *seal;
static size_t seal_size;

LUNIK_NORETURN static void fail(const char *path, const char *why)
{
    fprintf(stderr, "%s: %s\n", path, why);
    exit(EXIT_NO_INPUT);
}

static bool is_seal(const uint8_t *at, size_t size)
{
    uint64_t magic;

    if (size < sizeof(struct lunik_seal_header))
        return false;
    memcpy(&magic, at, sizeof(magic));
    return magic == LUNIK_SEAL_MAGIC;
}

/* Narrows the file to the segment that is a seal; core checks the rest. */
static bool find_in_elf(const uint8_t *file, size_t size)
{
    Elf64_Ehdr head;

    if (size < sizeof(head) || memcmp(file, ELFMAG, SELFMAG) != 0)
        return false;
    memcpy(&head, file, sizeof(head));
    for (size_t i = 0; i < head.e_phnum; i++) {
        Elf64_Phdr segment;
        size_t at;

        if (head.e_phoff > size || (size - head.e_phoff) / sizeof(segment) <= i)
            return false;
        at = head.e_phoff + i * sizeof(segment);
        memcpy(&segment, file + at, sizeof(segment));
        if (segment.p_type != PT_LOAD || segment.p_offset > size ||
            segment.p_filesz > size - segment.p_offset ||
            !is_seal(file + segment.p_offset, segment.p_filesz))
            continue;
        seal = file + segment.p_offset;
        seal_size = segment.p_filesz;
        return true;
    }
    return false;
}

void platform_host_load_seal(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    const uint8_t *file;
    size_t size;

    if (fd < 0 || fstat(fd, &info) != 0)
        fail(path, "cannot be opened");
    size = (size_t)info.st_size;
    file = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    close(fd);
    if (file == MAP_FAILED)
        fail(path, "cannot be read");
    if (find_in_elf(file, size))
        return;
    if (!is_seal(file, size))
        fail(path, "is neither a seal nor a sealed image");
    seal = file;
    seal_size = size;
}

const void *platform_seal(size_t *size_out)
{
    *size_out = seal_size;
    return seal;
}
