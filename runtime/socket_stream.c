/* SPDX-License-Identifier: MIT */
/* socket_stream.c: a socket as a stream. */
#include <lunik/stream.h>

static struct lunik_socket *socket_of(struct lunik_stream *stream)
{
    return ((struct lunik_socket_stream *)stream)->socket;
}

static lunik_result peek(struct lunik_stream *stream, const void **data_out,
                         size_t *size_out)
{
    return lunik_socket_peek(socket_of(stream), data_out, size_out);
}

static void consume(struct lunik_stream *stream, size_t size)
{
    lunik_socket_consume(socket_of(stream), size);
}

static lunik_result write(struct lunik_stream *stream, const void *data,
                          size_t size, unsigned flags, size_t *size_out)
{
    return lunik_socket_try_send(socket_of(stream), data, size, flags, NULL,
                                 size_out);
}

static lunik_result wait(struct lunik_stream *stream, unsigned wanted,
                         uint64_t deadline_ns)
{
    return lunik_socket_wait(socket_of(stream), wanted, deadline_ns);
}

static void close(struct lunik_stream *stream)
{
    struct lunik_socket *socket = socket_of(stream);

    ((struct lunik_socket_stream *)stream)->socket = NULL;
    lunik_socket_close(socket);
}

const struct lunik_stream_ops lunik_socket_stream_ops = {
    .peek = peek,
    .consume = consume,
    .write = write,
    .wait = wait,
    .close = close,
};
