/* SPDX-License-Identifier: MIT */
/* message.c: reads HTTP/1 messages strictly, on llhttp. */
#include "message.h"

#include "text.h"

#include <lunik/mem.h>
#include <string.h>

/* What chunks' sizes and extensions may take, beside this for each byte. */
#define FRAMING_MAX ((uint64_t)16 * 1024)
#define FRAMING_PER_BYTE 8

/* ---- Small things ---- */

bool lunik_http_is(const char *text, size_t size, const char *lower)
{
    size_t i;

    for (i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c >= 'A' && c <= 'Z')
            c = (unsigned char)(c | 0x20);
        if (c != (unsigned char)lower[i])
            return false;
    }
    return lower[size] == '\0';
}

const char *lunik_http_find(const struct lunik_http_field *fields, size_t count,
                            const char *head, const char *lower,
                            size_t *size_out)
{
    size_t i, size = strlen(lower);

    for (i = 0; i < count; i++) {
        if (fields[i].name.size == size &&
            lunik_http_is(head + fields[i].name.at, size, lower)) {
            *size_out = fields[i].value.size;
            return head + fields[i].value.at;
        }
    }
    return NULL;
}

static enum lunik_http_outcome fail(struct lunik_http_parser *parser,
                                    unsigned status, const char *why)
{
    if (parser->status == 0) {
        parser->status = (uint16_t)status;
        parser->why = why;
    }
    return LUNIK_HTTP_FAILED;
}

static struct lunik_http_parser *parser_of(llhttp_t *llhttp)
{
    return (struct lunik_http_parser *)llhttp->data;
}

static struct lunik_http_span span(const char *base, const char *at,
                                   size_t size)
{
    return (struct lunik_http_span) { (uint16_t)(at - base), (uint16_t)size };
}

/* ---- What a request's head means ---- */

/* host, host:port, [v6]:port: the bytes that RFC 3986 has for them. */
static bool is_host(const char *text, size_t size)
{
    size_t i;

    for (i = 0; i < size; i++)
        if ((lunik_http_classes[(unsigned char)text[i]] & 2) == 0)
            return false;
    return size > 0;
}

/* Splits path and query of the (size) bytes at (at). */
static bool split_target(struct lunik_http_parser *parser, const char *at,
                         size_t size)
{
    const char *query = memchr(at, '?', size);
    size_t path_size = query != NULL ? (size_t)(query - at) : size, i;
    bool is_plain = true;

    parser->path = span(parser->base, at, path_size);
    if (query != NULL)
        parser->query = span(parser->base, query + 1, size - path_size - 1);
    for (i = 0; i < size; i++) {
        unsigned char c = (unsigned char)at[i];

        if (c <= ' ' || c >= 0x7f || c == '#')
            return false;
        if (i < path_size &&
            (c == '%' || (c == '.' && i > 0 && at[i - 1] == '/') || c == '\\' ||
             (c == '/' && i > 0 && at[i - 1] == '/')))
            is_plain = false;
    }
    parser->facts.is_plain = is_plain;
    return is_plain ||
           lunik_http_decode_path(at, path_size, NULL) != LUNIK_HTTP_BAD_PATH;
}

/* "http://host/path?query": the host counts, not the field's. */
static bool split_absolute(struct lunik_http_parser *parser, const char *at,
                           size_t size)
{
    static const char schemes[2][9] = { "http://", "https://" };
    const char *end = at + size, *host, *path;
    size_t i, length;

    for (i = 0; i < 2; i++) {
        length = strlen(schemes[i]);
        if (size <= length || !lunik_http_is(at, length, schemes[i]))
            continue;
        host = at + length;
        for (path = host; path < end && *path != '/' && *path != '?';)
            path++;
        if (!is_host(host, (size_t)(path - host)))
            return false;
        parser->host = span(parser->base, host, (size_t)(path - host));
        if (path < end && *path == '/')
            return split_target(parser, path, (size_t)(end - path));
        /* No path: the target has none to point at. */
        if (!split_target(parser, path, (size_t)(end - path)))
            return false;
        parser->path.size = 0;
        return true;
    }
    return false;
}

static enum lunik_http_outcome check_target(struct lunik_http_parser *parser)
{
    const char *target = parser->base + parser->target.at;
    size_t size = parser->target.size;
    bool is_good;

    if (parser->llhttp.method == HTTP_CONNECT)
        return fail(parser, 405, "CONNECT is not served");
    if (size > 0 && target[0] == '/') {
        is_good = split_target(parser, target, size);
    } else if (size == 1 && target[0] == '*') {
        is_good = parser->llhttp.method == HTTP_OPTIONS;
        parser->path = parser->target;
        parser->facts.is_plain = true;
    } else {
        is_good = split_absolute(parser, target, size);
    }
    return is_good ? LUNIK_HTTP_DONE : fail(parser, 400, "bad target");
}

/* One line, each part where RFC 9112 has it and one blank between: llhttp
 * takes more than that. An empty line may come before it. */
static enum lunik_http_outcome
check_request_line(struct lunik_http_parser *parser)
{
    const char *head = parser->base, *line = head, *at;
    const char *method =
        llhttp_method_name((llhttp_method_t)parser->llhttp.method);
    size_t length = strlen(method);

    if (head[0] == '\r' && head[1] == '\n')
        line += 2;
    /* (HTTP/0.9 has no version: its line may be shorter.) */
    if (parser->head_size < (size_t)parser->target.at + parser->target.size +
                                sizeof(" HTTP/1.1\r\n") - 1)
        return fail(parser, 400, "bad request line");
    if (line + length + 1 != head + parser->target.at)
        return fail(parser, 400, "bad request line");
    if (memcmp(line, method, length) != 0 || line[length] != ' ')
        return fail(parser, 400, "bad request line");
    at = line + length + 1 + parser->target.size;
    if (memcmp(at, " HTTP/", 6) != 0 || at[7] != '.' || at[9] != '\r' ||
        at[10] != '\n')
        return fail(parser, 400, "bad request line");
    if (at[6] != '1' || (at[8] != '0' && at[8] != '1'))
        return fail(parser, 505, "not HTTP/1.0 or 1.1");
    parser->facts.is_minor_1 = at[8] == '1';
    return LUNIK_HTTP_DONE;
}

/* Values are what lies between the colon and the end of the line, without
 * blanks around it. */
static bool place_values(struct lunik_http_parser *parser)
{
    const char *head = parser->base;
    size_t i, at, end;

    for (i = 0; i < parser->field_count; i++) {
        struct lunik_http_field *field = &parser->fields[i];

        at = (size_t)field->name.at + field->name.size;
        end = i + 1 < parser->field_count
                  ? (size_t)parser->fields[i + 1].name.at - 2
                  : (size_t)parser->head_size - 4;
        if (head[at] != ':' || end <= at || head[end] != '\r' ||
            head[end + 1] != '\n')
            return false;
        for (at++; at < end && (head[at] == ' ' || head[at] == '\t');)
            at++;
        while (end > at && (head[end - 1] == ' ' || head[end - 1] == '\t'))
            end--;
        field->value = span(head, head + at, end - at);
    }
    return true;
}

static bool is_number(const char *text, size_t size)
{
    size_t i;

    for (i = 0; i < size; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return size > 0 && size <= 19;
}

/* What was counted while the fields were looked at. */
struct counts {
    unsigned host, length, coding;
};

static enum lunik_http_outcome check_field(struct lunik_http_parser *parser,
                                           const struct lunik_http_field *field,
                                           struct counts *counts)
{
    const char *name = parser->base + field->name.at;
    const char *value = parser->base + field->value.at;
    size_t size = field->value.size;

    switch (field->name.size) {
    case 4:
        if (!lunik_http_is(name, 4, "host"))
            break;
        counts->host++;
        if (parser->is_response)
            break;
        if (!is_host(value, size))
            return fail(parser, 400, "bad Host");
        parser->host = field->value;
        break;
    case 6:
        if (!lunik_http_is(name, 6, "expect") || parser->is_response)
            break;
        if (!lunik_http_is(value, size, "100-continue"))
            return fail(parser, 417, "unknown expectation");
        parser->facts.expects_continue = true;
        break;
    case 14:
        if (!lunik_http_is(name, 14, "content-length"))
            break;
        counts->length++;
        if (!is_number(value, size))
            return fail(parser, 400, "bad Content-Length");
        break;
    case 17:
        if (!lunik_http_is(name, 17, "transfer-encoding"))
            break;
        counts->coding++;
        if (!lunik_http_is(value, size, "chunked"))
            return fail(parser, 400, "unknown Transfer-Encoding");
        break;
    default:
        break;
    }
    return LUNIK_HTTP_DONE;
}

static enum lunik_http_outcome check_fields(struct lunik_http_parser *parser)
{
    struct counts counts = { 0 };
    enum lunik_http_outcome outcome;
    size_t i;

    if (!place_values(parser))
        return fail(parser, 400, "bad field");
    for (i = 0; i < parser->field_count; i++) {
        outcome = check_field(parser, &parser->fields[i], &counts);
        if (outcome != LUNIK_HTTP_DONE)
            return outcome;
    }
    if (counts.length > 1 || counts.coding > 1 ||
        (counts.length > 0 && counts.coding > 0))
        return fail(parser, 400, "ambiguous length");
    if (!parser->is_response &&
        (counts.host > 1 || (counts.host == 0 && parser->facts.is_minor_1)))
        return fail(parser, 400, "not one Host");
    if (counts.coding > 0 && !parser->facts.is_minor_1)
        return fail(parser, 400, "Transfer-Encoding in HTTP/1.0");
    parser->facts.is_chunked = counts.coding > 0;
    parser->facts.has_length = counts.length > 0;
    return LUNIK_HTTP_DONE;
}

static enum lunik_http_outcome
check_status_line(struct lunik_http_parser *parser)
{
    const char *at = parser->base, *reason;

    if (parser->head_size < 15 || memcmp(at, "HTTP/1.", 7) != 0 ||
        (at[7] != '0' && at[7] != '1') || at[8] != ' ' || at[9] < '1' ||
        at[9] > '5' || (at[12] != ' ' && at[12] != '\r'))
        return fail(parser, 502, "bad status line");
    for (reason = at + 12; *reason != '\r'; reason++)
        if (((unsigned char)*reason < ' ' && *reason != '\t') ||
            *reason == 0x7f)
            return fail(parser, 502, "bad status line");
    if (reason[1] != '\n')
        return fail(parser, 502, "bad status line");
    parser->facts.is_minor_1 = at[7] == '1';
    return LUNIK_HTTP_DONE;
}

/* The head is whole: what does it say? */
static enum lunik_http_outcome check_head(struct lunik_http_parser *parser)
{
    enum lunik_http_outcome outcome = parser->is_response
                                          ? check_status_line(parser)
                                          : check_request_line(parser);

    if (outcome == LUNIK_HTTP_DONE)
        outcome = check_fields(parser);
    if (outcome == LUNIK_HTTP_DONE && !parser->is_response)
        outcome = check_target(parser);
    return outcome;
}

/* ---- llhttp's calls ---- */

static int on_url(llhttp_t *llhttp, const char *at, size_t size)
{
    struct lunik_http_parser *parser = parser_of(llhttp);

    if (parser->target.size == 0)
        parser->target.at = (uint16_t)(at - parser->base);
    parser->target.size = (uint16_t)(parser->target.size + size);
    return 0;
}

/* In the head, parts that llhttp gives in two calls lie side by side. */
static int on_name(llhttp_t *llhttp, const char *at, size_t size)
{
    struct lunik_http_parser *parser = parser_of(llhttp);
    struct lunik_http_span *name;

    if (!parser->in_name) {
        if (parser->field_count == parser->fields_max) {
            fail(parser, 431, "too many fields");
            return HPE_USER;
        }
        name = &parser->fields[parser->field_count++].name;
        *name = span(parser->base, at, 0);
        parser->in_name = true;
    }
    name = &parser->fields[parser->field_count - 1].name;
    name->size = (uint16_t)(name->size + size);
    return 0;
}

static int on_name_complete(llhttp_t *llhttp)
{
    parser_of(llhttp)->in_name = false;
    return 0;
}

static int on_headers_complete(llhttp_t *llhttp)
{
    struct lunik_http_parser *parser = parser_of(llhttp);

    parser->facts.keeps_alive = llhttp_should_keep_alive(llhttp);
    parser->facts.wants_upgrade = llhttp->upgrade;
    /* Who upgrades does so here, and not by way of the parser. */
    llhttp->upgrade = 0;
    return HPE_PAUSED;
}

static int on_body(llhttp_t *llhttp, const char *at, size_t size)
{
    struct lunik_http_parser *parser = parser_of(llhttp);

    parser->piece = at;
    parser->piece_size = size;
    return HPE_PAUSED;
}

static int on_complete(llhttp_t *llhttp)
{
    parser_of(llhttp)->is_complete = true;
    return HPE_PAUSED;
}

/* Trailers do not lie side by side: they are copied. */
static int keep_trailer(struct lunik_http_parser *parser, const char *at,
                        size_t size)
{
    if (size > (size_t)parser->head_max - parser->trailer_at) {
        fail(parser, 431, "trailers too long");
        return HPE_USER;
    }
    if (parser->trailers == NULL)
        parser->trailers = lunik_mem_alloc(parser->head_max);
    if (parser->trailers == NULL) {
        fail(parser, 503, "out of memory");
        return HPE_USER;
    }
    memcpy(parser->trailers + parser->trailer_at, at, size);
    parser->trailer_at = (uint16_t)(parser->trailer_at + size);
    return 0;
}

static int on_trailer_name(llhttp_t *llhttp, const char *at, size_t size)
{
    struct lunik_http_parser *parser = parser_of(llhttp);
    struct lunik_http_field *field;

    if (!parser->in_name) {
        if (parser->field_count == parser->fields_max) {
            fail(parser, 431, "too many trailers");
            return HPE_USER;
        }
        field = &parser->fields[parser->field_count++];
        *field = (struct lunik_http_field) {
            .name = { parser->trailer_at, 0 },
        };
        parser->in_name = true;
    }
    field = &parser->fields[parser->field_count - 1];
    field->name.size = (uint16_t)(field->name.size + size);
    return keep_trailer(parser, at, size);
}

static int on_trailer_value(llhttp_t *llhttp, const char *at, size_t size)
{
    struct lunik_http_parser *parser = parser_of(llhttp);
    struct lunik_http_field *field;

    if (parser->field_count == 0)
        return HPE_USER;
    field = &parser->fields[parser->field_count - 1];
    if (field->value.size == 0)
        field->value.at = parser->trailer_at;
    field->value.size = (uint16_t)(field->value.size + size);
    return keep_trailer(parser, at, size);
}

/* What frames a message, or says who it is for, comes too late here. */
static int on_trailer_complete(llhttp_t *llhttp)
{
    static const char *const never[] = {
        "content-length", "transfer-encoding", "host", "trailer",
        "connection",     "upgrade",           "te",   "expect",
    };
    struct lunik_http_parser *parser = parser_of(llhttp);
    const struct lunik_http_field *field =
        &parser->fields[parser->field_count - 1];
    size_t i;

    parser->in_name = false;
    for (i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
        if (lunik_http_is(parser->trailers + field->name.at, field->name.size,
                          never[i])) {
            fail(parser, 400, "forbidden trailer");
            return HPE_USER;
        }
    }
    return 0;
}

static const llhttp_settings_t head_settings = {
    .on_url = on_url,
    .on_header_field = on_name,
    .on_header_field_complete = on_name_complete,
    .on_headers_complete = on_headers_complete,
};

static const llhttp_settings_t body_settings = {
    .on_header_field = on_trailer_name,
    .on_header_value = on_trailer_value,
    .on_header_field_complete = on_trailer_complete,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

/* ---- The parser ---- */

void lunik_http_parser_begin(struct lunik_http_parser *parser, bool is_response,
                             size_t head_max, size_t fields_max)
{
    size_t size = offsetof(struct lunik_http_parser, fields);

    memset(parser, 0, size);
    llhttp_init(&parser->llhttp, is_response ? HTTP_RESPONSE : HTTP_REQUEST,
                &head_settings);
    parser->llhttp.data = parser;
    parser->is_response = is_response;
    parser->head_max = (uint16_t)head_max;
    parser->fields_max = (uint16_t)fields_max;
}

void lunik_http_parser_end(struct lunik_http_parser *parser)
{
    lunik_mem_free(parser->trailers);
    parser->trailers = NULL;
}

/* llhttp has refused it: in which words? */
static enum lunik_http_outcome refuse(struct lunik_http_parser *parser)
{
    const char *why = llhttp_get_error_reason(&parser->llhttp);

    return fail(parser, parser->is_response ? 502 : 400,
                why != NULL && *why != '\0' ? why : "malformed");
}

enum lunik_http_outcome lunik_http_parse_head(struct lunik_http_parser *parser,
                                              const char *head, size_t size)
{
    bool is_cut = size >= parser->head_max;
    llhttp_errno_t error;

    if (is_cut)
        size = parser->head_max;
    parser->base = head;
    error =
        llhttp_execute(&parser->llhttp, head + parser->fed, size - parser->fed);
    parser->fed = size;
    if (error == HPE_OK && !is_cut)
        return LUNIK_HTTP_MORE;
    if (error == HPE_OK)
        return parser->field_count == 0 && !parser->is_response
                   ? fail(parser, 414, "target too long")
                   : fail(parser, 431, "head too long");
    if (error != HPE_PAUSED)
        return refuse(parser);
    /* It stops on the last byte of the head, not behind it. */
    parser->head_size =
        (uint16_t)(llhttp_get_error_pos(&parser->llhttp) - head);
    if (head[parser->head_size - 1] != '\n')
        parser->head_size++;
    llhttp_resume(&parser->llhttp);
    if (check_head(parser) != LUNIK_HTTP_DONE)
        return LUNIK_HTTP_FAILED;
    parser->llhttp.settings = (void *)(uintptr_t)&body_settings;
    return LUNIK_HTTP_DONE;
}

void lunik_http_skip_body(struct lunik_http_parser *parser)
{
    parser->llhttp.flags |= F_SKIPBODY;
}

enum lunik_http_outcome lunik_http_parse_body(struct lunik_http_parser *parser,
                                              const char *data, size_t size,
                                              size_t *skip_out)
{
    llhttp_errno_t error;
    const char *end;

    if (!parser->is_trailing) {
        /* The array is the trailers' now. */
        parser->is_trailing = true;
        parser->field_count = 0;
    }
    parser->piece_size = 0;
    *skip_out = 0;
    error = llhttp_execute(&parser->llhttp, data, size);
    if (error == HPE_OK) {
        *skip_out = size;
        parser->framing_size += size;
    } else if (error == HPE_PAUSED) {
        end = llhttp_get_error_pos(&parser->llhttp);
        *skip_out =
            (size_t)((parser->piece_size > 0 ? parser->piece : end) - data);
        parser->framing_size += *skip_out;
        parser->body_size += parser->piece_size;
        llhttp_resume(&parser->llhttp);
    } else {
        return refuse(parser);
    }
    if (parser->framing_size >
        FRAMING_MAX + parser->head_max + FRAMING_PER_BYTE * parser->body_size)
        return fail(parser, 400, "too much about chunks");
    return error == HPE_OK ? LUNIK_HTTP_MORE : LUNIK_HTTP_DONE;
}

enum lunik_http_outcome lunik_http_parse_end(struct lunik_http_parser *parser)
{
    llhttp_errno_t error = llhttp_finish(&parser->llhttp);

    if (error == HPE_PAUSED || parser->is_complete)
        return LUNIK_HTTP_DONE;
    return fail(parser, parser->is_response ? 502 : 400, "cut off");
}
