/* SPDX-License-Identifier: MIT */
/*
 * stream.h: one stream interface in Lua for everything that carries bytes both
 * ways: connections, TLS, bodies of HTTP messages.
 *
 * A module gives four functions that never wait and one that does; from these
 * come the methods that Lua sees: read, read_exactly, read_until, read_all,
 * write, close, settimeout, __close and __gc. They raise when the task is
 * cancelled or a deadline scope expired, and otherwise answer nil, a word of
 * LuaSocket's, and what was done so far.
 *
 * Context: task.
 */
#ifndef LUNIK_STREAM_H
#define LUNIK_STREAM_H

#include <lauxlib.h>
#include <lua.h>
#include <lunik/attr.h>
#include <lunik/result.h>
#include <lunik/socket.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lunik_stream;

struct lunik_stream_ops {
    /*
     * Lends the first bytes that came in, at least 1, until the next call.
     * LUNIK_OK with 0 bytes: the end. LUNIK_EAGAIN: none yet. NULL where the
     * stream can only be written; so for write.
     */
    lunik_result (*peek)(struct lunik_stream *stream, const void **data_out,
                         size_t *size_out);
    /* Takes off the first (size) of the bytes that were lent. */
    void (*consume)(struct lunik_stream *stream, size_t size);
    /* Takes up to (size) bytes, at least 1 unless (size) is 0; LUNIK_EAGAIN:
     * none. (flags): LUNIK_SEND_MORE of <lunik/socket.h>. */
    lunik_result (*write)(struct lunik_stream *stream, const void *data,
                          size_t size, unsigned flags, size_t *size_out);
    /* Waits for (wanted), LUNIK_READABLE or LUNIK_WRITABLE, as
     * lunik_socket_wait(). */
    lunik_result (*wait)(struct lunik_stream *stream, unsigned wanted,
                         uint64_t deadline_ns);
    /* Called once. Whoever waits meanwhile gets LUNIK_ECLOSED. */
    void (*close)(struct lunik_stream *stream);
};

/* Lies at the start of the userdata. Set (ops) last, when the rest is valid. */
struct lunik_stream {
    const struct lunik_stream_ops *ops; /* NULL: closed */
    uint64_t
        timeout_ns; /* of a call that is given none; LUNIK_NEVER at first */
};

/* A stream that is a socket; (stream.ops) is lunik_socket_stream_ops. */
struct lunik_socket_stream {
    struct lunik_stream stream;
    struct lunik_socket *socket; /* its own; NULL: closed */
};
extern const struct lunik_stream_ops lunik_socket_stream_ops;

/* Marks the metatable at the top as one of streams, gives it __gc and __close,
 * and adds the methods to the table just below it. Changes no stack slot. */
void lunik_lua_set_stream_methods(lua_State *L);

/* Marks the metatable at the top, and no more. */
void lunik_lua_mark_stream(lua_State *L);

/* The methods, for who adds them to a table when they are asked for. */
extern const luaL_Reg lunik_stream_methods[];

/* The stream at (arg); raises, or gives NULL, if it is none. */
struct lunik_stream *lunik_lua_check_stream(lua_State *L, int arg);
struct lunik_stream *lunik_lua_test_stream(lua_State *L, int arg);

/* Closes it, if that has not happened. */
void lunik_stream_close(struct lunik_stream *stream);

/*
 * Waits for (wanted). Gives LUNIK_OK, LUNIK_EAGAIN when (deadline_ns) passed,
 * LUNIK_ECLOSED; LUNIK_ETIMEOUT and LUNIK_ECANCELED are for
 * lunik_lua_raise(): a deadline scope's, and the task's.
 */
LUNIK_MUST_CHECK lunik_result lunik_stream_wait(struct lunik_stream *stream,
                                                unsigned wanted,
                                                uint64_t deadline_ns);

/* Turns what a wait of the library OS gave into the same terms. */
LUNIK_MUST_CHECK lunik_result lunik_task_wait_result(lunik_result result);

/* Raises if (result) is LUNIK_ETIMEOUT or LUNIK_ECANCELED of the terms above;
 * else pushes nil and the word, and returns 2. */
int lunik_lua_fail_wait(lua_State *L, lunik_result result);

/* Argument (arg) as a deadline; if it is none, the stream's own timeout. */
uint64_t lunik_lua_stream_deadline(lua_State *L, int arg,
                                   const struct lunik_stream *stream);

#endif
