/* SPDX-License-Identifier: MIT */
/*
 * fuzz_http_message.c: any bytes as an HTTP message: parsed whole, and again
 * cut in pieces. Both ways must find the same, and what was accepted must be
 * as RFC 9112 has it, by a second look that knows nothing of the parser.
 */
#include "message.h"
#include <lunik/mem.h>

#include "core.h"
#include "platform.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BODY_MAX 65536

struct found {
    enum lunik_http_outcome head, body;
    unsigned status;
    size_t head_size, body_size, fields, trailers;
    unsigned char bytes[BODY_MAX];
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_span(struct lunik_http_span span, size_t head_size)
{
    must((size_t)span.at + span.size <= head_size);
}

static bool is_text(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];

        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* The fields are where they say, and every line of the head is one. */
static void check_head(const struct lunik_http_parser *p, const char *head)
{
    size_t lines = 0, length = 0, coding = 0;

    must(p->head_size >= 4 &&
         memcmp(head + p->head_size - 4, "\r\n\r\n", 4) == 0);
    for (size_t i = 0; i < p->head_size; i++) {
        if (head[i] == '\n') {
            must(i > 0 && head[i - 1] == '\r');
            lines++;
        }
        must(head[i] != '\0');
    }
    if (memcmp(head, "\r\n", 2) == 0)
        lines--;
    must(lines == (size_t)p->field_count + 2);
    for (size_t i = 0; i < p->field_count; i++) {
        const struct lunik_http_field *f = &p->fields[i];

        check_span(f->name, p->head_size);
        check_span(f->value, p->head_size);
        must(f->name.size > 0);
        must(head[f->name.at + f->name.size] == ':');
        must(is_text(head + f->value.at, f->value.size));
        length += f->name.size == 14 &&
                  lunik_http_is(head + f->name.at, 14, "content-length");
        coding += f->name.size == 17 &&
                  lunik_http_is(head + f->name.at, 17, "transfer-encoding");
    }
    must(length + coding <= 1);
    must(p->facts.is_chunked == (coding > 0));
    if (!p->is_response) {
        check_span(p->target, p->head_size);
        check_span(p->path, p->head_size);
        check_span(p->query, p->head_size);
        check_span(p->host, p->head_size);
        must(!p->facts.is_minor_1 || p->host.size > 0);
    }
}

static void run(const char *data, size_t size, size_t step, bool is_response,
                struct found *found)
{
    struct lunik_http_parser *p = malloc(sizeof(*p));
    size_t given = 0, at, skip;

    must(p != NULL);
    memset(found, 0, offsetof(struct found, bytes));
    memset(p, 0, sizeof(*p));
    lunik_http_parser_begin(p, is_response, 4096, 32);
    do {
        char *piece;

        given = given + step < size ? given + step : size;
        /* At another place each time, as a buffer that grows. */
        piece = malloc(given ? given : 1);
        must(piece != NULL);
        memcpy(piece, data, given);
        found->head = lunik_http_parse_head(p, piece, given);
        if (found->head == LUNIK_HTTP_DONE)
            check_head(p, piece);
        free(piece);
    } while (found->head == LUNIK_HTTP_MORE && given < size);
    found->status = p->status;
    must((found->head == LUNIK_HTTP_FAILED) == (p->status != 0));
    if (found->head != LUNIK_HTTP_DONE)
        goto end;
    must(p->head_size <= given);
    found->head_size = p->head_size;
    found->fields = p->field_count;
    for (at = p->head_size; !p->is_complete;) {
        size_t left = size - at < step ? size - at : step;

        found->body = lunik_http_parse_body(p, data + at, left, &skip);
        if (found->body == LUNIK_HTTP_FAILED)
            break;
        must(skip + p->piece_size <= left);
        at += skip;
        must(p->piece_size == 0 || p->piece == data + at);
        must(p->piece_size <= BODY_MAX - found->body_size);
        memcpy(found->bytes + found->body_size, data + at, p->piece_size);
        found->body_size += p->piece_size;
        at += p->piece_size;
        if (at == size && left == 0)
            break;
    }
    found->trailers = p->is_complete ? p->field_count : 0;
end:
    lunik_http_parser_end(p);
    free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct found whole, cut;
    static bool is_ready;
    bool is_response;
    size_t step;

    if (!is_ready) {
        platform_init_early();
        lunik_mem_init();
        is_ready = true;
    }
    if (size < 2 || size > BODY_MAX)
        return 0;
    is_response = data[0] & 1;
    step = 1 + (data[0] >> 1) % 64;
    data++;
    size--;
    run((const char *)data, size, size, is_response, &whole);
    run((const char *)data, size, step, is_response, &cut);
    must(whole.head == cut.head);
    /* (Of two faults, which one is seen first may differ.) */
    must((whole.status == 0) == (cut.status == 0));
    must(whole.head_size == cut.head_size && whole.fields == cut.fields);
    must(whole.body == cut.body || whole.body != LUNIK_HTTP_FAILED);
    must(whole.body_size == cut.body_size);
    must(memcmp(whole.bytes, cut.bytes, whole.body_size) == 0);
    return 0;
}
