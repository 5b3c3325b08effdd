/* SPDX-License-Identifier: MIT */
/* body.c: reads a message's body from a stream, as its parser says. */
#include "http.h"

#include <lunik/time.h>

/* The least rate at which a body may come or go, once the grace is over. */
#define RATE_PER_S 256
#define GRACE_NS (30 * LUNIK_NS_PER_S)

uint64_t lunik_http_rate_deadline(uint64_t begun_ns, uint64_t bytes)
{
    return begun_ns + GRACE_NS + bytes / RATE_PER_S * LUNIK_NS_PER_S;
}

static lunik_result fail(struct lunik_http_body *body, unsigned status)
{
    if (body->status == 0)
        body->status = status;
    return body->status == 413 ? LUNIK_ENOMEM : LUNIK_EINVAL;
}

static lunik_result send_continue(struct lunik_http_body *body)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    size_t sent;

    body->wants_continue = false;
    /* A peer whose window has no room for this is told nothing: he may send
     * all the same. */
    return body->io->ops->write(body->io, text, sizeof(text) - 1, 0, &sent) ==
                   LUNIK_ERESET
               ? LUNIK_ERESET
               : LUNIK_OK;
}

static lunik_result end_of_input(struct lunik_http_body *body)
{
    if (lunik_http_parse_end(body->parser) != LUNIK_HTTP_DONE) {
        fail(body, 400);
        return LUNIK_ERESET; /* not to be taken for the end */
    }
    body->is_complete = true;
    return LUNIK_OK;
}

/* Parses on until there is a piece, or the end. */
static lunik_result advance(struct lunik_http_body *body)
{
    struct lunik_http_parser *parser = body->parser;
    enum lunik_http_outcome outcome;
    const void *data;
    size_t size, skip;
    lunik_result res;

    while (body->left == 0 && !body->is_complete) {
        res = body->io->ops->peek(body->io, &data, &size);
        if (res != LUNIK_OK)
            return res;
        if (size == 0)
            return end_of_input(body);
        outcome = lunik_http_parse_body(parser, data, size, &skip);
        if (outcome == LUNIK_HTTP_FAILED)
            return fail(body, parser->status);
        if (skip > 0)
            body->io->ops->consume(body->io, skip);
        body->left = parser->piece_size;
        body->is_complete = parser->is_complete;
        if (parser->body_size > body->limit)
            return fail(body, 413);
    }
    return LUNIK_OK;
}

lunik_result lunik_http_body_peek(struct lunik_http_body *body,
                                  const void **data_out, size_t *size_out)
{
    lunik_result res;

    if (body->io == NULL || body->io->ops == NULL)
        return LUNIK_ECLOSED;
    if (body->status != 0)
        return fail(body, body->status);
    if (body->wants_continue && !body->is_complete) {
        res = send_continue(body);
        if (res != LUNIK_OK)
            return res;
    }
    res = advance(body);
    if (res != LUNIK_OK)
        return res;
    if (body->left == 0) {
        *size_out = 0;
        return LUNIK_OK;
    }
    res = body->io->ops->peek(body->io, data_out, size_out);
    if (res == LUNIK_OK && *size_out == 0)
        return end_of_input(body);
    if (res == LUNIK_OK && *size_out > body->left)
        *size_out = body->left;
    return res;
}

void lunik_http_body_consume(struct lunik_http_body *body, size_t size)
{
    size_t skip;

    body->io->ops->consume(body->io, size);
    body->received += size;
    body->left -= size;
    if (body->left > 0)
        return;
    /* Where the length was told, this was all: nothing need come after. */
    if (lunik_http_parse_body(body->parser, "", 0, &skip) == LUNIK_HTTP_FAILED)
        fail(body, body->parser->status);
    body->is_complete = body->parser->is_complete;
}

uint64_t lunik_http_body_deadline(struct lunik_http_body *body)
{
    uint64_t now = lunik_time_monotonic_ns(), idle, rate;

    if (body->idle_ns == LUNIK_NEVER)
        return LUNIK_NEVER;
    if (body->begun_ns == 0)
        body->begun_ns = now;
    idle =
        body->idle_ns < LUNIK_NEVER - now ? now + body->idle_ns : LUNIK_NEVER;
    rate = lunik_http_rate_deadline(body->begun_ns, body->received);
    return rate < idle ? rate : idle;
}

void lunik_http_body_expire(struct lunik_http_body *body)
{
    fail(body, 408);
}
