/* SPDX-License-Identifier: MIT */
/*
 * stdin.c: upstream's stdin, with a lock: reading it lets other fibers run. And
 * what stdout holds goes out first: a question should be seen before its answer
 * is waited for. C11, 7.21.3.
 */
#include "stdio_impl.h"

#undef stdin

/* Stays if the image has no stdout. */
static FILE *volatile none;
weak_alias(none, __stdout_used);

static size_t read_after_flush(FILE *file, unsigned char *out, size_t size)
{
    FILE *asked = __stdout_used;

    if (asked && asked->wpos != asked->wbase)
        asked->write(asked, NULL, 0);
    return __stdio_read(file, out, size);
}

static unsigned char buf[BUFSIZ + UNGET];
hidden FILE __stdin_FILE = {
    .buf = buf + UNGET,
    .buf_size = sizeof(buf) - UNGET,
    .fd = 0,
    .flags = F_PERM | F_NOWR,
    .read = read_after_flush,
    .seek = __stdio_seek,
    .close = __stdio_close,
    .lock = 0,
};
FILE *const stdin = &__stdin_FILE;
FILE *volatile __stdin_used = &__stdin_FILE;
