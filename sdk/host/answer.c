/* SPDX-License-Identifier: MIT */
/* answer.c: finds where an answer of HTTP/1 ends. */
#include "answer.h"

#include <string.h>
#include <strings.h>

enum step { HEAD, LENGTH, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILERS, TO_END };

void lunik_answer_begin(struct lunik_answer *a)
{
    a->step = HEAD;
    a->closes = false;
    a->kind = 0;
    a->left = 0;
    a->head_size = 0;
    a->line = 0;
}

bool lunik_answer_ends_at_close(const struct lunik_answer *a)
{
    return a->step == TO_END;
}

/* The value of header (name) in the head, or NULL; up to the line's end. */
static const char *find_header(const struct lunik_answer *a, const char *name,
                               size_t *size_out)
{
    const char *at = memchr(a->head, '\n', a->head_size);
    const char *end = a->head + a->head_size;
    size_t len = strlen(name);

    while (at && ++at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));

        if (!stop)
            return NULL;
        if ((size_t)(stop - at) > len && at[len] == ':' &&
            strncasecmp(at, name, len) == 0) {
            at += len + 1;
            while (at < stop && (*at == ' ' || *at == '\t'))
                at++;
            while (stop > at && (stop[-1] == '\r' || stop[-1] == ' '))
                stop--;
            *size_out = (size_t)(stop - at);
            return at;
        }
        at = stop;
    }
    return NULL;
}

static bool has_word(const struct lunik_answer *a, const char *name,
                     const char *word)
{
    size_t size, len = strlen(word);
    const char *value = find_header(a, name, &size);

    for (; value && size >= len; value++, size--)
        if (strncasecmp(value, word, len) == 0)
            return true;
    return false;
}

static bool parse_length(const char *text, size_t size, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9' || *out > UINT64_MAX / 100)
            return false;
        *out = *out * 10 + (uint64_t)(text[i] - '0');
    }
    return size > 0;
}

/* Reads the whole head; false: it is no answer of HTTP/1. */
static bool read_head(struct lunik_answer *a)
{
    const char *value;
    size_t size;
    int digit;

    if (a->head_size < 12 || memcmp(a->head, "HTTP/1.", 7) != 0)
        return false;
    digit = a->head[9] - '0';
    if (digit == 1) { /* 100 Continue, 103 …: the answer is still to come */
        a->head_size = 0;
        return true;
    }
    a->kind = digit >= 2 && digit <= 5 ? (unsigned)digit : 0;
    a->closes = has_word(a, "Connection", "close") ||
                (a->head[7] == '0' && !has_word(a, "Connection", "keep-alive"));
    if (memcmp(a->head + 9, "204", 3) == 0 ||
        memcmp(a->head + 9, "304", 3) == 0) {
        a->step = LENGTH;
        a->left = 0;
        return true;
    }
    if (has_word(a, "Transfer-Encoding", "chunked")) {
        a->step = CHUNK_SIZE;
        a->left = 0;
        return true;
    }
    value = find_header(a, "Content-Length", &size);
    a->step = value ? LENGTH : TO_END;
    a->closes |= !value;
    return !value || parse_length(value, size, &a->left);
}

/* Takes bytes of the head; returns how many, 0: it is too long or wrong. */
static size_t take_head(struct lunik_answer *a, const char *data, size_t size)
{
    size_t before = a->head_size, room = LUNIK_ANSWER_HEAD_MAX - a->head_size;
    size_t count = size < room ? size : room, from;
    const char *end;

    memcpy(a->head + a->head_size, data, count);
    a->head_size += count;
    from = before > 3 ? before - 3 : 0;
    end = memmem(a->head + from, a->head_size - from, "\r\n\r\n", 4);
    if (!end)
        return count == size ? count : 0;
    a->head_size = (size_t)(end - a->head) + 4;
    count = a->head_size - before;
    return read_head(a) ? count : 0;
}

static int digit_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* One byte of a chunk's size; after the digits comes what nobody here reads. */
static int take_size_byte(struct lunik_answer *a, char byte)
{
    int digit = digit_of(byte);
    bool is_extension = a->line >> 31;

    if (byte == '\n') {
        a->step = a->left ? CHUNK_DATA : TRAILERS;
        return a->line == 0 ? -1 : 0;
    }
    if (is_extension || byte == '\r')
        return 0;
    if (digit < 0 && a->line == 0)
        return -1;
    if (digit < 0) {
        a->line |= 1u << 31;
        return 0;
    }
    if (a->left >> 56)
        return -1;
    a->left = a->left << 4 | (uint64_t)digit;
    a->line = 1;
    return 0;
}

/* One byte of a line between chunks: 1: the answer is complete, -1: wrong. */
static int take_line_byte(struct lunik_answer *a, char byte)
{
    int result = 0;

    if (a->step == CHUNK_SIZE)
        result = take_size_byte(a, byte);
    else if (a->step == CHUNK_END && byte == '\n')
        a->step = CHUNK_SIZE;
    else if (a->step == CHUNK_END)
        result = byte == '\r' ? 0 : -1;
    else if (byte == '\n')
        result = a->line == 0; /* an empty line after the last chunk */
    else if (byte != '\r')
        a->line = 1;
    if (byte == '\n')
        a->line = 0;
    return result;
}

int lunik_answer_take(struct lunik_answer *a, const char *data, size_t size)
{
    while (size > 0) {
        size_t count = 1;

        if (a->step == HEAD) {
            count = take_head(a, data, size);
            if (count == 0)
                return -1;
        } else if (a->step == LENGTH || a->step == CHUNK_DATA) {
            count = size < a->left ? size : (size_t)a->left;
            a->left -= count;
            if (a->step == CHUNK_DATA && a->left == 0)
                a->step = CHUNK_END;
        } else if (a->step == TO_END) {
            return 0;
        } else {
            int result = take_line_byte(a, *data);

            if (result != 0)
                return result == 1 && size == 1 ? 1 : -1;
        }
        data += count;
        size -= count;
        if (a->step == LENGTH && a->left == 0)
            return size == 0 ? 1 : -1; /* nothing was asked for yet */
    }
    return 0;
}
