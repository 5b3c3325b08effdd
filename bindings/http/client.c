/* SPDX-License-Identifier: MIT */
/* client.c: reads a server's answer from a stream. */
#include "http.h"
#include "text.h"

#include <lauxlib.h>
#include <lunik/mem.h>
#include <lunik/runtime.h>
#include <string.h>

/* User values: the stream, the object of the fields. */
#define STREAM 1
#define HEADERS 2

struct answer {
    struct lunik_stream stream; /* of the body */
    struct lunik_http_body body;
    struct lunik_http_parser parser;
    struct lunik_http_head head;
    struct lunik_http_field *fields; /* of the head, once it is done */
    char *text;                      /* of the head */
    size_t text_size, text_capacity;
    unsigned status;
    bool is_minor_1, keeps_alive;
};

static struct answer *check_answer(lua_State *L)
{
    return luaL_checkudata(L, 1, LUNIK_HTTP_ANSWER_TYPE);
}

/* ---- The body as a stream ---- */

static struct lunik_http_body *body_of(struct lunik_stream *stream)
{
    struct answer *answer = (struct answer *)stream;

    if (answer->body.io->ops == NULL)
        answer->body.io = NULL;
    return &answer->body;
}

static lunik_result answer_peek(struct lunik_stream *stream,
                                const void **data_out, size_t *size_out)
{
    if (((struct answer *)stream)->body.io == NULL)
        return LUNIK_ECLOSED;
    return lunik_http_body_peek(body_of(stream), data_out, size_out);
}

static void answer_consume(struct lunik_stream *stream, size_t size)
{
    lunik_http_body_consume(&((struct answer *)stream)->body, size);
}

static lunik_result answer_wait(struct lunik_stream *stream, unsigned wanted,
                                uint64_t deadline_ns)
{
    struct lunik_stream *io = body_of(stream)->io;

    return io != NULL ? io->ops->wait(io, wanted, deadline_ns) : LUNIK_ECLOSED;
}

static void answer_drop(struct lunik_stream *stream)
{
    struct answer *answer = (struct answer *)stream;

    lunik_http_parser_end(&answer->parser);
    answer->body.io = NULL;
}

static const struct lunik_stream_ops answer_ops = {
    .peek = answer_peek,
    .consume = answer_consume,
    .wait = answer_wait,
    .close = answer_drop,
};

/* ---- The head ---- */

static bool keep_text(struct answer *answer, const char *data, size_t size)
{
    size_t capacity = answer->text_capacity, needed = answer->text_size + size;
    char *text;

    if (needed > capacity) {
        capacity = 2 * capacity > needed ? 2 * capacity : needed;
        text = lunik_mem_resize(answer->text, capacity);
        if (text == NULL)
            return false;
        answer->text = text;
        answer->text_capacity = capacity;
    }
    memcpy(answer->text + answer->text_size, data, size);
    answer->text_size += size;
    return true;
}

/* Reads one head. DONE or FAILED with LUNIK_OK. */
static lunik_result read_head(struct answer *answer, struct lunik_stream *io,
                              uint64_t deadline_ns,
                              enum lunik_http_outcome *outcome)
{
    struct lunik_http_parser *parser = &answer->parser;
    const void *data;
    size_t size, before;
    lunik_result res;

    answer->text_size = 0;
    *outcome = LUNIK_HTTP_MORE;
    while (*outcome == LUNIK_HTTP_MORE) {
        res = io->ops != NULL ? io->ops->peek(io, &data, &size) : LUNIK_ECLOSED;
        if (res == LUNIK_EAGAIN) {
            res = lunik_stream_wait(io, LUNIK_READABLE, deadline_ns);
            if (res == LUNIK_OK)
                continue;
        }
        if (res != LUNIK_OK)
            return res;
        if (size == 0)
            return LUNIK_ECLOSED;
        before = answer->text_size;
        if (size > parser->head_max - before)
            size = parser->head_max - before;
        if (!keep_text(answer, data, size))
            return LUNIK_ENOMEM;
        *outcome =
            lunik_http_parse_head(parser, answer->text, answer->text_size);
        if (*outcome == LUNIK_HTTP_DONE)
            size = parser->head_size - before;
        io->ops->consume(io, size);
    }
    return LUNIK_OK;
}

/* The head is kept apart from the parser, whose fields will be trailers. */
static bool keep_fields(struct answer *answer)
{
    const struct lunik_http_parser *parser = &answer->parser;
    size_t size = parser->field_count * sizeof(parser->fields[0]);

    answer->fields = lunik_mem_alloc(size);
    if (answer->fields == NULL)
        return false;
    memcpy(answer->fields, parser->fields, size);
    answer->head = (struct lunik_http_head) {
        .count = parser->field_count,
        .size = parser->head_size,
        .text = answer->text,
        .fields = answer->fields,
    };
    return true;
}

static void begin_body(struct answer *answer, struct lunik_stream *io,
                       bool is_head, uint64_t limit)
{
    struct lunik_http_parser *parser = &answer->parser;
    size_t skip;

    if (is_head)
        lunik_http_skip_body(parser);
    answer->status = (unsigned)parser->llhttp.status_code;
    answer->is_minor_1 = parser->facts.is_minor_1;
    /* After a 101 the connection speaks something else. */
    answer->keeps_alive = parser->facts.keeps_alive && answer->status != 101;
    answer->body.io = io;
    answer->body.parser = parser;
    answer->body.limit = limit;
    answer->body.idle_ns = LUNIK_NEVER;
    /* Finds out whether there is a body at all. */
    if (answer->status == 101)
        answer->body.is_complete = true;
    else if (lunik_http_parse_body(parser, "", 0, &skip) == LUNIK_HTTP_FAILED)
        answer->body.status = 502;
    else
        answer->body.is_complete = parser->is_complete;
}

struct options {
    bool is_head, wants_interim;
    size_t head, fields;
    uint64_t body, deadline_ns;
};

static lua_Integer get_integer(lua_State *L, const char *name,
                               lua_Integer otherwise, lua_Integer high)
{
    lua_Integer value = otherwise;

    if (lua_getfield(L, 2, name) != LUA_TNIL)
        value = luaL_checkinteger(L, -1);
    if (value < 0 || value > high)
        luaL_error(L, "%s: out of range", name);
    lua_pop(L, 1);
    return value;
}

static void read_options(lua_State *L, struct options *options)
{
    lua_settop(L, 2);
    if (lua_isnil(L, 2)) {
        lua_newtable(L);
        lua_replace(L, 2);
    }
    luaL_checktype(L, 2, LUA_TTABLE);
    options->head = (size_t)get_integer(L, "head", 16384, 65535);
    options->fields = (size_t)get_integer(L, "fields", 64, 128);
    options->body =
        (uint64_t)get_integer(L, "body", LUA_MAXINTEGER, LUA_MAXINTEGER);
    lua_getfield(L, 2, "method");
    options->is_head =
        lua_isstring(L, -1) && strcmp(lua_tostring(L, -1), "HEAD") == 0;
    lua_getfield(L, 2, "interim");
    options->wants_interim = lua_toboolean(L, -1);
    lua_getfield(L, 2, "timeout");
    options->deadline_ns = lunik_lua_opt_deadline(L, lua_gettop(L));
    lua_settop(L, 2);
}

static int fail_head(lua_State *L, const struct answer *answer)
{
    luaL_pushfail(L);
    lua_pushfstring(L, "malformed response: %s",
                    answer->parser.why != NULL ? answer->parser.why : "?");
    return 2;
}

/* http.read_response(stream [, options]) -> answer | nil, err */
static int http_read_response(lua_State *L)
{
    struct lunik_stream *io = lunik_lua_check_stream(L, 1);
    enum lunik_http_outcome outcome;
    struct options options;
    struct answer *answer;
    lunik_result res;

    read_options(L, &options);
    lunik_lua_check(L);
    answer = lua_newuserdatauv(L, sizeof(*answer), 2);
    memset(answer, 0, sizeof(*answer));
    answer->stream.timeout_ns = LUNIK_NEVER;
    luaL_setmetatable(L, LUNIK_HTTP_ANSWER_TYPE);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, STREAM);
    do {
        lunik_http_parser_begin(&answer->parser, true, options.head,
                                options.fields);
        res = read_head(answer, io, options.deadline_ns, &outcome);
        if (res != LUNIK_OK)
            return lunik_lua_fail_wait(L, res);
        if (outcome == LUNIK_HTTP_FAILED)
            return fail_head(L, answer);
    } while (answer->parser.llhttp.status_code < 200 &&
             answer->parser.llhttp.status_code != 101 &&
             !options.wants_interim);
    if (!keep_fields(answer))
        return lunik_lua_fail(L, LUNIK_ENOMEM);
    begin_body(answer, io, options.is_head, options.body);
    answer->stream.ops = &answer_ops;
    return 1;
}

/* ---- The object ---- */

static int push_headers(lua_State *L, struct answer *answer)
{
    if (lua_getiuservalue(L, 1, HEADERS) == LUA_TUSERDATA)
        return 1;
    lunik_http_push_headers(L, 1, &answer->head);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, HEADERS);
    return 1;
}

/* The reason of the status line, for people. */
static int push_reason(lua_State *L, const struct answer *answer)
{
    const char *text = answer->text + 12;
    const char *end = memchr(text, '\r', answer->head.size - 12u);

    if (text < end && *text == ' ')
        text++;
    lua_pushlstring(L, text, (size_t)(end - text));
    return 1;
}

/* answer[key]; upvalue 1: the methods */
static int answer_index(lua_State *L)
{
    static const char *const names[] = { "status",  "headers",    "version",
                                         "reason",  "keep_alive", "complete",
                                         "trailers" };
    struct answer *answer = check_answer(L);
    const char *key;
    size_t i;

    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
        return 1;
    key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    for (i = 0; i < 7 && strcmp(key, names[i]) != 0;)
        i++;
    switch (i) {
    case 0:
        lua_pushinteger(L, answer->status);
        return 1;
    case 1:
        return push_headers(L, answer);
    case 2:
        lua_pushstring(L, answer->is_minor_1 ? "1.1" : "1.0");
        return 1;
    case 3:
        return push_reason(L, answer);
    case 4:
        lua_pushboolean(L, answer->keeps_alive && answer->body.is_complete &&
                               answer->body.left == 0 &&
                               answer->body.status == 0);
        return 1;
    case 5:
        lua_pushboolean(L, answer->body.is_complete && answer->body.left == 0);
        return 1;
    case 6:
        lunik_http_push_trailers(L, answer->stream.ops != NULL ? &answer->parser
                                                               : NULL);
        return 1;
    default:
        return 0;
    }
}

static int answer_collect(lua_State *L)
{
    struct answer *answer = check_answer(L);

    lunik_stream_close(&answer->stream);
    lunik_http_parser_end(&answer->parser);
    lunik_mem_free(answer->text);
    lunik_mem_free(answer->fields);
    answer->text = NULL;
    answer->fields = NULL;
    answer->head.count = 0;
    return 0;
}

void lunik_http_open_client(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "read_response", http_read_response },
        { NULL, NULL },
    };

    lunik_http_open_headers(L);
    lua_newtable(L);
    luaL_newmetatable(L, LUNIK_HTTP_ANSWER_TYPE);
    lunik_lua_set_stream_methods(L);
    lua_pushcfunction(L, answer_collect);
    lua_setfield(L, -2, "__gc");
    lua_insert(L, -2);
    lua_pushcclosure(L, answer_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
