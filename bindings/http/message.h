/* SPDX-License-Identifier: MIT */
/*
 * message.h: reading HTTP/1 messages: llhttp with every leniency off, and the
 * checks that it leaves to its user. Without Lua and without waiting.
 *
 * The head is parsed where it lies and stays there: fields are offsets from
 * its first byte. The body's bytes are not copied either.
 */
#ifndef LUNIK_HTTP_MESSAGE_H
#define LUNIK_HTTP_MESSAGE_H

#include <llhttp.h>
#include <lunik/attr.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LUNIK_HTTP_FIELDS_MAX 128
#define LUNIK_HTTP_HEAD_MAX 65535

struct lunik_http_span {
    uint16_t at, size;
};

struct lunik_http_field {
    struct lunik_http_span name, value;
};

enum lunik_http_outcome {
    LUNIK_HTTP_MORE,   /* not all there yet */
    LUNIK_HTTP_DONE,   /* of a body: a piece, or its end */
    LUNIK_HTTP_FAILED, /* see (status) and (why) */
};

/* Which of the fields that frame a message, or guard it, were there. */
struct lunik_http_facts {
    bool is_chunked;
    bool has_length;
    bool is_minor_1; /* HTTP/1.1, or else 1.0 */
    bool keeps_alive;
    bool expects_continue;
    bool wants_upgrade;
    bool is_plain; /* the path needs no decoding */
};

struct lunik_http_parser {
    llhttp_t llhttp;
    const char *base; /* of the head, during a call */
    size_t fed;       /* bytes of the head that llhttp has seen */
    uint16_t head_max, fields_max;
    uint16_t head_size; /* once the head is done */
    uint16_t field_count;
    uint16_t status;     /* of the answer to a bad request */
    uint16_t trailer_at; /* bytes in (trailers) */
    bool is_response;
    bool is_trailing;
    bool is_complete;  /* all of the message was seen */
    bool in_name;      /* trailers: the last part was a name */
    const char *why;   /* what is wrong with it */
    char *trailers;    /* their text, or NULL */
    const char *piece; /* of the body */
    size_t piece_size;
    uint64_t body_size;    /* bytes of it so far */
    uint64_t framing_size; /* bytes of chunks' sizes and extensions so far */
    struct lunik_http_facts facts;
    struct lunik_http_span target; /* of a request */
    struct lunik_http_span host;   /* of the field, or of an absolute target */
    struct lunik_http_span path;   /* of the target, without the query */
    struct lunik_http_span query;  /* at: 0 if there is none */
    struct lunik_http_field fields[LUNIK_HTTP_FIELDS_MAX];
};

/* Makes ready for one message. What was in (*parser) must be zero, or be let
 * go with lunik_http_parser_end(). */
void lunik_http_parser_begin(struct lunik_http_parser *parser, bool is_response,
                             size_t head_max, size_t fields_max);
void lunik_http_parser_end(struct lunik_http_parser *parser);

/*
 * Parses a head of which the first (size) bytes are at (head): all since its
 * first byte, at the same place or another.
 * DONE: it has (head_size) bytes, the fields are in (fields), and the rest
 * belongs to what follows.
 */
enum lunik_http_outcome lunik_http_parse_head(struct lunik_http_parser *parser,
                                              const char *head, size_t size);

/* The answer has no body whatever its head says: it is one to HEAD. */
void lunik_http_skip_body(struct lunik_http_parser *parser);

/*
 * Parses on in the body. Takes up to (size) bytes at (data), and says in
 * (*skip_out) how many of them come before the piece of the body.
 * DONE: (piece_size) bytes of body at (piece), within (data); or none, and
 * (is_complete) is set. MORE: all of (data) is used up.
 */
enum lunik_http_outcome lunik_http_parse_body(struct lunik_http_parser *parser,
                                              const char *data, size_t size,
                                              size_t *skip_out);

/* The connection has ended. DONE: so has the body; FAILED: it is cut off. */
enum lunik_http_outcome lunik_http_parse_end(struct lunik_http_parser *parser);

/* Whether (text) is (lower), whatever the case of its ASCII letters. */
bool lunik_http_is(const char *text, size_t size, const char *lower);

/* The value of field (name), in lower case, of a head; NULL if it is not
 * there. */
const char *lunik_http_find(const struct lunik_http_field *fields, size_t count,
                            const char *head, const char *lower,
                            size_t *size_out);

#endif
