/* SPDX-License-Identifier: MIT */
/* out.c: puts an answer's head together, and sends it. */
#include "http.h"
#include "text.h"

#include <lauxlib.h>
#include <lunik/mem.h>
#include <lunik/runtime.h>
#include <lunik/time.h>
#include <string.h>

/* What the fields of an answer may take. */
#define FIELDS_MAX ((size_t)64 * 1024)

/* The longest line or number that is put in at a time. */
#define LINE_MAX 96

/* ---- Text ---- */

void lunik_http_out_init(struct lunik_http_out *out)
{
    out->data = out->first;
    out->size = 0;
    out->capacity = sizeof(out->first);
}

void lunik_http_out_fini(struct lunik_http_out *out)
{
    if (out->data != out->first)
        lunik_mem_free(out->data);
    lunik_http_out_init(out);
}

bool lunik_http_out_reserve(struct lunik_http_out *out, size_t size)
{
    size_t capacity = out->capacity * 2;
    char *data;

    if (size <= out->capacity - out->size)
        return true;
    if (capacity < out->size + size)
        capacity = out->size + size;
    data = lunik_mem_alloc(capacity);
    if (data == NULL)
        return false;
    memcpy(data, out->data, out->size);
    if (out->data != out->first)
        lunik_mem_free(out->data);
    out->data = data;
    out->capacity = capacity;
    return true;
}

void lunik_http_out_add(struct lunik_http_out *out, const char *text,
                        size_t size)
{
    memcpy(out->data + out->size, text, size);
    out->size += size;
}

void lunik_http_out_add_number(struct lunik_http_out *out, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    lunik_http_out_add(out, digits + at, sizeof(digits) - at);
}

#define ADD(out, literal) \
    lunik_http_out_add((out), literal, sizeof(literal) - 1)

/* ---- Fields ---- */

static void reserve(lua_State *L, struct lunik_http_out *out, size_t size)
{
    if (!lunik_http_out_reserve(out, size))
        lunik_lua_raise(L, LUNIK_ENOMEM);
}

/* The fields that say how the answer ends are the server's business, but for
 * what a handler can know better. False: nothing to be added. */
static bool note_field(lua_State *L, struct lunik_http_exchange *x,
                       const char *name, size_t size, const char *value,
                       size_t value_size)
{
    size_t i;

    switch (size) {
    case 4:
        x->has_date |= lunik_http_is(name, size, "date");
        break;
    case 10:
        if (!lunik_http_is(name, size, "connection"))
            break;
        if (lunik_http_is(value, value_size, "close"))
            x->keeps_alive = false;
        return x->is_upgraded;
    case 12:
        x->has_type |= lunik_http_is(name, size, "content-type");
        break;
    case 14:
        if (!lunik_http_is(name, size, "content-length"))
            break;
        x->length = 0;
        for (i = 0; i < value_size && i < 18; i++) {
            if (value[i] < '0' || value[i] > '9')
                break;
            x->length = x->length * 10 + (uint64_t)(value[i] - '0');
        }
        if (i != value_size || i == 0)
            luaL_error(L, "bad Content-Length in a response");
        x->has_length = true;
        return false;
    case 17:
        if (lunik_http_is(name, size, "transfer-encoding"))
            luaL_error(L, "Transfer-Encoding is not for a handler to set");
        break;
    default:
        break;
    }
    return true;
}

void lunik_http_add_field(lua_State *L, struct lunik_http_exchange *x,
                          const char *name, size_t name_size, const char *value,
                          size_t value_size)
{
    struct lunik_http_out *out = &x->fields;

    if (!lunik_http_is_token(name, name_size))
        luaL_error(L, "bad name of a response's field");
    if (!lunik_http_is_value(value, value_size))
        luaL_error(L, "bad value of a response's field '%s'", name);
    if (out->size + name_size + value_size + 4 > FIELDS_MAX)
        luaL_error(L, "too many fields in a response");
    if (!note_field(L, x, name, name_size, value, value_size))
        return;
    reserve(L, out, name_size + value_size + 4);
    lunik_http_out_add(out, name, name_size);
    ADD(out, ": ");
    lunik_http_out_add(out, value, value_size);
    ADD(out, "\r\n");
}

/* The name at (name), the value at the top: text, a number, or a list. */
static void add_value(lua_State *L, struct lunik_http_exchange *x, int name)
{
    const char *name_text, *value;
    size_t name_size, value_size;
    lua_Integer i, count;

    if (lua_type(L, name) != LUA_TSTRING)
        luaL_error(L, "names of a response's fields must be strings");
    name_text = lua_tolstring(L, name, &name_size);
    if (!lua_istable(L, -1)) {
        value = lua_tolstring(L, -1, &value_size);
        if (value == NULL) {
            luaL_error(L, "bad value of a response's field '%s'", name_text);
            return;
        }
        lunik_http_add_field(L, x, name_text, name_size, value, value_size);
        return;
    }
    count = luaL_len(L, -1);
    for (i = 1; i <= count; i++) {
        lua_geti(L, -1, i);
        value = lua_tolstring(L, -1, &value_size);
        if (value == NULL) {
            luaL_error(L, "bad value of a response's field '%s'", name_text);
            return;
        }
        lunik_http_add_field(L, x, name_text, name_size, value, value_size);
        lua_pop(L, 1);
    }
}

void lunik_http_add_fields(lua_State *L, struct lunik_http_exchange *x,
                           int index)
{
    index = lua_absindex(L, index);
    if (lua_isnoneornil(L, index))
        return;
    luaL_checktype(L, index, LUA_TTABLE);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        add_value(L, x, lua_gettop(L) - 1);
        lua_pop(L, 1);
    }
}

static bool line_has_name(const char *line, const char *name, size_t size)
{
    size_t i;

    for (i = 0; i < size; i++) {
        unsigned char a = (unsigned char)line[i], b = (unsigned char)name[i];

        if (a != b && ((a ^ b) != 0x20 || (a | 0x20) < 'a' || (a | 0x20) > 'z'))
            return false;
    }
    return line[size] == ':';
}

void lunik_http_remove_field(struct lunik_http_exchange *x, const char *name,
                             size_t size)
{
    char *line = x->fields.data, *end = line + x->fields.size, *next;

    if (lunik_http_is(name, size, "content-type"))
        x->has_type = false;
    else if (lunik_http_is(name, size, "date"))
        x->has_date = false;
    else if (lunik_http_is(name, size, "content-length"))
        x->has_length = false;
    while (line < end) {
        next = (char *)memchr(line, '\n', (size_t)(end - line)) + 1;
        if ((size_t)(next - line) > size && line_has_name(line, name, size)) {
            memmove(line, next, (size_t)(end - next));
            end -= next - line;
        } else {
            line = next;
        }
    }
    x->fields.size = (size_t)(end - x->fields.data);
}

/* ---- Heads ---- */

static bool may_have_body(unsigned status)
{
    return status >= 200 && status != 204 && status != 304;
}

static void put_status_line(struct lunik_http_exchange *x)
{
    struct lunik_http_out *out = &x->out;
    const char *text;

    if (x->status == 200) {
        ADD(out, "HTTP/1.1 200 OK\r\n");
        return;
    }
    ADD(out, "HTTP/1.1 ");
    lunik_http_out_add_number(out, x->status);
    ADD(out, " ");
    text = lunik_http_status_text(x->status);
    lunik_http_out_add(out, text, strlen(text));
    ADD(out, "\r\n");
}

void lunik_http_put_head(lua_State *L, struct lunik_http_exchange *x)
{
    struct lunik_http_out *out = &x->out;

    if (x->server->is_draining)
        x->keeps_alive = false;
    reserve(L, out, (size_t)4 * LINE_MAX + x->fields.size + 128);
    put_status_line(x);
    if (!x->has_date)
        lunik_http_out_add(out, lunik_http_date(x->server, x->begun_ns),
                           sizeof("Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n") -
                               1);
    if (x->is_upgraded) {
        /* The fields say it all. */
    } else if (!may_have_body(x->status)) {
        if (x->status == 304 && x->has_length)
            goto length;
    } else if (x->is_chunked) {
        ADD(out, "Transfer-Encoding: chunked\r\n");
    } else if (x->has_length) {
length:
        ADD(out, "Content-Length: ");
        lunik_http_out_add_number(out, x->length);
        ADD(out, "\r\n");
    }
    if (!x->has_type && !x->is_upgraded && may_have_body(x->status) &&
        (!x->has_length || x->length > 0))
        ADD(out, "Content-Type: text/plain; charset=utf-8\r\n");
    if (!x->keeps_alive && !x->is_upgraded)
        ADD(out, "Connection: close\r\n");
    else if (!x->is_minor_1)
        ADD(out, "Connection: keep-alive\r\n");
    lunik_http_out_add(out, x->fields.data, x->fields.size);
    ADD(out, "\r\n");
}

/* ---- Sending ---- */

/* The handler has returned while another task waited with (res) to write: the
 * exchange and its connection are no more. */
static void raise_over(lua_State *L, lunik_result res)
{
    if (res == LUNIK_ECANCELED || res == LUNIK_ETIMEOUT)
        lunik_lua_raise(L, res);
    luaL_error(L, "the request is over");
}

lunik_result lunik_http_write(lua_State *L, struct lunik_http_exchange *x,
                              const char *data, size_t size, unsigned flags)
{
    struct lunik_stream *io = x->connection->io;
    struct lunik_http_exchange **slot = x->response;
    uint64_t now, idle, rate, begun_ns = 0, taken = 0;
    lunik_result res;
    size_t sent;

    while (size > 0) {
        res = io->ops != NULL ? io->ops->write(io, data, size, flags, &sent)
                              : LUNIK_ECLOSED;
        if (res == LUNIK_OK) {
            data += sent;
            size -= sent;
            taken += sent;
            x->sent_bytes += sent;
            continue;
        }
        if (res == LUNIK_EAGAIN) {
            now = lunik_time_monotonic_ns();
            if (begun_ns == 0)
                begun_ns = now;
            idle = now + x->server->limits.body_idle_ns;
            rate = lunik_http_rate_deadline(begun_ns, taken);
            x->is_writing = true;
            res = lunik_stream_wait(io, LUNIK_WRITABLE,
                                    idle < rate ? idle : rate);
            if (slot != NULL && *slot == NULL)
                raise_over(L, res);
            x->is_writing = false;
        }
        if (res == LUNIK_OK)
            continue;
        x->is_broken = true;
        if (res == LUNIK_ECANCELED || res == LUNIK_ETIMEOUT)
            lunik_lua_raise(L, res);
        return res;
    }
    return LUNIK_OK;
}

lunik_result lunik_http_flush(lua_State *L, struct lunik_http_exchange *x,
                              unsigned flags)
{
    size_t size = x->out.size;

    x->out.size = 0;
    return lunik_http_write(L, x, x->out.data, size, flags);
}

lunik_result lunik_http_begin(lua_State *L, struct lunik_http_exchange *x)
{
    if (x->is_writing)
        luaL_error(L, "another task is writing the response");
    if (x->is_begun)
        return x->is_broken ? LUNIK_ECLOSED : LUNIK_OK;
    if (x->status == 0)
        x->status = 200;
    x->is_chunked = may_have_body(x->status) && !x->has_length && x->is_minor_1;
    if (!x->is_chunked && !x->has_length && may_have_body(x->status))
        x->keeps_alive = false;
    lunik_http_put_head(L, x);
    x->is_begun = true;
    return LUNIK_OK;
}

/* The size of a chunk with the ends of lines around it. */
static void put_chunk_head(struct lunik_http_out *out, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    char text[18];
    size_t at = sizeof(text);

    text[--at] = '\n';
    text[--at] = '\r';
    do {
        text[--at] = digits[size & 15];
        size >>= 4;
    } while (size > 0);
    lunik_http_out_add(out, text + at, sizeof(text) - at);
}

lunik_result lunik_http_send_piece(lua_State *L, struct lunik_http_exchange *x,
                                   const char *data, size_t size)
{
    struct lunik_http_out *out = &x->out;
    lunik_result res = lunik_http_begin(L, x);

    if (res != LUNIK_OK || size == 0)
        return res;
    if (x->is_head || !may_have_body(x->status))
        return lunik_http_flush(L, x, 0);
    if (!x->is_chunked && x->has_length) {
        if (size > x->length)
            luaL_error(L, "more body than its Content-Length");
        x->length -= size;
    }
    reserve(L, out, 32);
    if (x->is_chunked)
        put_chunk_head(out, size);
    if (size <= out->capacity - out->size - 2 && size <= sizeof(out->first)) {
        lunik_http_out_add(out, data, size);
        if (x->is_chunked)
            ADD(out, "\r\n");
        return lunik_http_flush(L, x, 0);
    }
    res = lunik_http_flush(L, x, LUNIK_SEND_MORE);
    if (res == LUNIK_OK)
        res = lunik_http_write(L, x, data, size,
                               x->is_chunked ? LUNIK_SEND_MORE : 0);
    if (res == LUNIK_OK && x->is_chunked)
        res = lunik_http_write(L, x, "\r\n", 2, 0);
    return res;
}

lunik_result lunik_http_finish(lua_State *L, struct lunik_http_exchange *x)
{
    lunik_result res;

    if (x->is_finished)
        return LUNIK_OK;
    res = lunik_http_begin(L, x);
    if (res != LUNIK_OK)
        return res;
    if (!x->is_head && x->is_chunked) {
        reserve(L, &x->out, 8);
        ADD(&x->out, "0\r\n\r\n");
    } else if (!x->is_head && x->has_length && x->length > 0 &&
               may_have_body(x->status)) {
        x->is_broken = true;
        luaL_error(L, "less body than its Content-Length");
    }
    x->is_finished = true;
    return lunik_http_flush(L, x, 0);
}
