/* SPDX-License-Identifier: MIT */
/* frames.c: the module lunik.http.frames: WebSocket frames for Lua. */
#include "frame.h"
#include "sha1.h"

#include <lauxlib.h>
#include <lua.h>
#include <lunik/module.h>
#include <lunik/random.h>
#include <stdbool.h>
#include <string.h>

#define READER_TYPE "lunik.http.frames.reader"

/* User value 1: the string that is being read. */
struct reader {
    struct lunik_frames frames;
    size_t at; /* bytes of it that are done */
};

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define KEY_SIZE 24 /* 16 bytes in base64 */

/* ---- Handshake ---- */

static bool is_key(const char *key, size_t size)
{
    size_t i;

    if (size != KEY_SIZE || strcmp(key + KEY_SIZE - 2, "==") != 0)
        return false;
    for (i = 0; i < KEY_SIZE - 2; i++) {
        char c = key[i];

        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
              (c >= '0' && c <= '9') || c == '+' || c == '/'))
            return false;
    }
    return true;
}

/* frames.accept(key) -> the answer to it; nil: it is no key */
static int frames_accept(lua_State *L)
{
    size_t size;
    const char *key = luaL_checklstring(L, 1, &size);
    char text[KEY_SIZE + sizeof(GUID)], out[LUNIK_BASE64_SIZE(LUNIK_SHA1_SIZE)];
    uint8_t sum[LUNIK_SHA1_SIZE];

    if (!is_key(key, size)) {
        luaL_pushfail(L);
        return 1;
    }
    memcpy(text, key, KEY_SIZE);
    memcpy(text + KEY_SIZE, GUID, sizeof(GUID));
    lunik_sha1(text, KEY_SIZE + sizeof(GUID) - 1, sum);
    lunik_base64(sum, sizeof(sum), out);
    lua_pushlstring(L, out, sizeof(out));
    return 1;
}

/* frames.key() -> a new key */
static int frames_key(lua_State *L)
{
    uint8_t bytes[16];
    char out[LUNIK_BASE64_SIZE(sizeof(bytes))];

    lunik_random_fill(bytes, sizeof(bytes));
    lunik_base64(bytes, sizeof(bytes), out);
    lua_pushlstring(L, out, sizeof(out));
    return 1;
}

/* ---- Writing ---- */

static unsigned check_opcode(lua_State *L, int arg)
{
    static const char *const names[] = { "continue", "text", "binary", "close",
                                         "ping",     "pong", NULL };
    static const uint8_t opcodes[] = {
        LUNIK_FRAME_CONTINUE, LUNIK_FRAME_TEXT, LUNIK_FRAME_BINARY,
        LUNIK_FRAME_CLOSE,    LUNIK_FRAME_PING, LUNIK_FRAME_PONG,
    };

    return opcodes[luaL_checkoption(L, arg, "text", names)];
}

/* frames.encode(kind, data [, masked [, final]]) -> the frame */
static int frames_encode(lua_State *L)
{
    unsigned opcode = check_opcode(L, 1);
    size_t size, head;
    const char *data = luaL_checklstring(L, 2, &size);
    bool is_masked = lua_toboolean(L, 3);
    bool is_final = lua_isnoneornil(L, 4) || lua_toboolean(L, 4);
    uint8_t mask[4];
    luaL_Buffer b;
    char *out;

    luaL_argcheck(L, opcode < 8 || size <= LUNIK_FRAME_CONTROL_MAX, 2,
                  "a control frame has at most 125 bytes");
    if (is_masked)
        lunik_random_fill(mask, sizeof(mask));
    out = luaL_buffinitsize(L, &b, LUNIK_FRAME_HEAD_MAX + size);
    head = lunik_frame_write_head((uint8_t *)out, opcode, is_final, size,
                                  is_masked ? mask : NULL);
    if (is_masked)
        lunik_frame_mask((uint8_t *)out + head, (const uint8_t *)data, size,
                         mask, 0);
    else
        memcpy(out + head, data, size);
    luaL_pushresultsize(&b, head + size);
    return 1;
}

/* frames.close(code|nil [, reason]) -> payload of a close frame */
static int frames_close(lua_State *L)
{
    lua_Integer code = luaL_optinteger(L, 1, 0);
    size_t size;
    const char *reason = luaL_optlstring(L, 2, "", &size);
    char out[LUNIK_FRAME_CONTROL_MAX];
    struct lunik_utf8 utf8 = { 0 };

    if (lua_isnoneornil(L, 1)) {
        lua_pushliteral(L, "");
        return 1;
    }
    luaL_argcheck(
        L, code > 0 && code < 5000 && lunik_close_code_is_valid((unsigned)code),
        1, "not a code that a close may have");
    luaL_argcheck(L, size <= sizeof(out) - 2, 2, "at most 123 bytes");
    luaL_argcheck(L,
                  lunik_utf8_check(&utf8, (const uint8_t *)reason, size) &&
                      lunik_utf8_is_whole(&utf8),
                  2, "not UTF-8");
    out[0] = (char)(code >> 8);
    out[1] = (char)(code & 0xFF);
    memcpy(out + 2, reason, size);
    lua_pushlstring(L, out, size + 2);
    return 1;
}

/* frames.is_text(data) -> whether it is UTF-8 */
static int frames_is_text(lua_State *L)
{
    struct lunik_utf8 utf8 = { 0 };
    size_t size;
    const char *data = luaL_checklstring(L, 1, &size);

    lua_pushboolean(L, lunik_utf8_check(&utf8, (const uint8_t *)data, size) &&
                           lunik_utf8_is_whole(&utf8));
    return 1;
}

/* ---- Reading ---- */

static int reader_gc(lua_State *L)
{
    struct reader *reader = luaL_checkudata(L, 1, READER_TYPE);

    lunik_frames_fini(&reader->frames);
    return 0;
}

/* frames.reader(masked, max) -> reader; (masked): frames must be */
static int frames_reader(lua_State *L)
{
    bool is_masked = lua_toboolean(L, 1);
    lua_Integer max = luaL_checkinteger(L, 2);
    struct reader *reader;

    luaL_argcheck(L, max >= 0, 2, "negative");
    reader = lua_newuserdatauv(L, sizeof(*reader), 1);
    reader->at = 0;
    lunik_frames_init(&reader->frames, is_masked, (size_t)max);
    luaL_setmetatable(L, READER_TYPE);
    return 1;
}

static const char *kind_name(unsigned kind)
{
    return kind == LUNIK_FRAME_TEXT     ? "text"
           : kind == LUNIK_FRAME_BINARY ? "binary"
           : kind == LUNIK_FRAME_PING   ? "ping"
                                        : "pong";
}

static int push_event(lua_State *L, struct lunik_frames *frames,
                      enum lunik_frame_event event)
{
    switch (event) {
    case LUNIK_FRAME_MESSAGE:
        lua_pushstring(L, kind_name(frames->kind));
        lua_pushlstring(L, (const char *)frames->message, frames->message_size);
        lunik_frames_take(frames);
        return 2;
    case LUNIK_FRAME_CONTROL:
        lua_pushstring(L, kind_name(frames->kind));
        lua_pushlstring(L, (const char *)frames->control, frames->control_size);
        return 2;
    case LUNIK_FRAME_CLOSED:
        lua_pushliteral(L, "close");
        lua_pushlstring(L, (const char *)frames->control, frames->control_size);
        lua_pushinteger(L, frames->code);
        return 3;
    case LUNIK_FRAME_NO_MEMORY:
    case LUNIK_FRAME_FAILED:
        lua_pushliteral(L, "error");
        lua_pushstring(L, frames->why);
        lua_pushinteger(L, frames->code);
        return 3;
    case LUNIK_FRAME_MORE:
        break;
    }
    luaL_pushfail(L);
    return 1;
}

/* The reader is at 1; data is always set by then. */
static int read_on(lua_State *L)
{
    struct reader *reader = lua_touserdata(L, 1);
    enum lunik_frame_event event = LUNIK_FRAME_MORE;
    const char *data;
    size_t size;

    lua_getiuservalue(L, 1, 1);
    data = lua_tolstring(L, -1, &size);
    if (data == NULL)
        size = 0;
    if (size > 0 || reader->frames.has_ended)
        event = lunik_frames_next(&reader->frames, (const uint8_t *)data, size,
                                  &reader->at);
    if (reader->at == size && size > 0) {
        lua_pushnil(L);
        lua_setiuservalue(L, 1, 1);
        reader->at = 0;
    }
    return push_event(L, &reader->frames, event);
}

/*
 * reader:next([data]) -> "text"|"binary"|"ping"|"pong", payload
 *   | "close", reason, code | "error", why, code | nil: it needs more data
 *
 * (data) goes behind what has not been read yet.
 */
static int reader_next(lua_State *L)
{
    struct reader *reader = luaL_checkudata(L, 1, READER_TYPE);
    size_t size;
    const char *rest;

    lua_settop(L, 2);
    if (!lua_isnil(L, 2)) {
        luaL_checkstring(L, 2);
        if (lua_getiuservalue(L, 1, 1) == LUA_TSTRING) {
            rest = lua_tolstring(L, -1, &size);
            lua_pushlstring(L, rest + reader->at, size - reader->at);
            lua_pushvalue(L, 2);
            lua_concat(L, 2);
            lua_replace(L, 2);
        }
        lua_settop(L, 2);
        lua_setiuservalue(L, 1, 1);
        reader->at = 0;
    }
    return read_on(L);
}

static const luaL_Reg functions[] = {
    { "accept", frames_accept },
    { "key", frames_key },
    { "encode", frames_encode },
    { "close", frames_close },
    { "is_text", frames_is_text },
    { "reader", frames_reader },
    { NULL, NULL },
};

static int luaopen_lunik_http_frames(lua_State *L)
{
    if (luaL_newmetatable(L, READER_TYPE)) {
        lua_pushcfunction(L, reader_gc);
        lua_setfield(L, -2, "__gc");
        lua_newtable(L);
        lua_pushcfunction(L, reader_next);
        lua_setfield(L, -2, "next");
        lua_setfield(L, -2, "__index");
    }
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    return 1;
}

LUNIK_MODULE(lunik_http_frames, "lunik.http.frames", luaopen_lunik_http_frames)
