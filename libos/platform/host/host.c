/* SPDX-License-Identifier: MIT */
/* host.c: an ordinary Linux process that plays the machine. */
#include "host.h"
#include "platform.h"
#include <lunik/mem.h>
#include <lunik/panic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What a shell knows as EX_USAGE. */
#define EXIT_USAGE 64

#define MEMORY_SIZE_DEFAULT ((size_t)256 << 20)

static size_t memory_size = MEMORY_SIZE_DEFAULT;
static char *command_line;

LUNIK_NORETURN static void usage(const char *what, const char *word)
{
    fprintf(stderr, "%s: %s\n", what, word);
    exit(EXIT_USAGE);
}

/* "64M" → bytes; 0: not a size. */
static size_t parse_size(const char *text)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    unsigned shift = *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;

    if (end == text || (shift && *++end) || *end)
        return 0;
    return value >> (63 - shift) ? 0 : (size_t)value << shift;
}

/* Puts (word) at (at) such that the launch line's grammar gives it back. */
static char *quote(char *at, const char *word)
{
    if (!*word) {
        *at++ = '"';
        *at++ = '"';
    }
    /* Bare, it would be taken for a device that a hypervisor added. */
    if (strncmp(word, "virtio_mmio.device=", 19) == 0)
        *at++ = '\\';
    for (; *word; word++) {
        if (*word == '"' || *word == '\\' || (unsigned char)*word <= ' ')
            *at++ = '\\';
        *at++ = *word;
    }
    return at;
}

void platform_host_arguments(int argc, char **argv)
{
    const char *image = getenv("LUNIK_IMAGE");
    size_t room = 1;
    char *at;
    int i = 1;

    for (; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--image") == 0)
            image = argv[i + 1];
        else if (strcmp(argv[i], "--memory") == 0)
            memory_size = parse_size(argv[i + 1]) & ~(LUNIK_PAGE_SIZE - 1);
        else
            break;
        if (memory_size == 0)
            usage("--memory: not a size like 64M", argv[i + 1]);
    }
    if (image)
        platform_host_load_seal(image);
    for (int n = i; n < argc; n++)
        room += 2 * strlen(argv[n]) + 3;
    at = command_line = calloc(1, room);
    if (!at)
        usage("the launch line", "out of memory");
    for (; i < argc; i++) {
        at = quote(at, argv[i]);
        *at++ = ' ';
    }
}

void platform_init_early(void)
{
    (void)platform_monotonic_ns(); /* time starts here */
    platform_host_init_signals();
}

void platform_init_devices(void)
{
    platform_host_init_watchdog();
    platform_host_init_listeners();
}

void platform_lock(void)
{
}

void platform_exit(uint8_t status)
{
    bool is_program = status >= LUNIK_EXIT_PROGRAM &&
                      status <= LUNIK_EXIT_PROGRAM + LUNIK_EXIT_PROGRAM_MAX;

    /* Not exit(): what it calls expects the stack the process began on. */
    _exit(is_program ? status - LUNIK_EXIT_PROGRAM : status);
}

const char *platform_command_line(void)
{
    return command_line ? command_line : "";
}

uint64_t platform_memory_size(void)
{
    return memory_size;
}

size_t platform_memory(struct platform_range *out, size_t max)
{
    void *base = mmap(NULL, memory_size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (base == MAP_FAILED)
        lunik_panic_status(LUNIK_EXIT_NO_MEMORY,
                           "Linux has no %zu bytes of address space",
                           memory_size);
    if (max == 0)
        return 0;
    *out = (struct platform_range) { (uintptr_t)base, memory_size };
    return 1;
}
