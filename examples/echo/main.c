/* SPDX-License-Identifier: MIT */
/*
 * main.c: answers every connection with what it said, on port 7 or on the port
 * that the first argument names.
 */
#include <lunik/event.h>
#include <lunik/log.h>
#include <lunik/socket.h>
#include <lunik/sys.h>
#include <stdlib.h>

/* Waits for more of the peer, and sends it back from where it lies. Returns
 * false when the connection is over. */
static bool echo_once(struct lunik_socket *socket)
{
    const void *data;
    size_t size, sent;
    lunik_result result = lunik_socket_peek(socket, &data, &size);

    if (result == LUNIK_EAGAIN)
        return lunik_socket_wait(socket, LUNIK_READABLE, LUNIK_NEVER) ==
               LUNIK_OK;
    if (result != LUNIK_OK || size == 0)
        return false;
    result = lunik_socket_try_send(socket, data, size, 0, NULL, &sent);
    if (result == LUNIK_EAGAIN)
        return lunik_socket_wait(socket, LUNIK_WRITABLE, LUNIK_NEVER) ==
               LUNIK_OK;
    lunik_socket_consume(socket, sent);
    return result == LUNIK_OK;
}

static void serve(void *arg)
{
    struct lunik_socket *socket = arg;

    while (echo_once(socket))
        ;
    lunik_socket_close(socket);
}

static lunik_result listen_at(uint16_t port, struct lunik_socket **out)
{
    struct lunik_address any = { .family = LUNIK_IP6, .port = port };
    lunik_result result;

    result = lunik_socket_open(LUNIK_STREAM, LUNIK_IP4 | LUNIK_IP6, out);
    if (result != LUNIK_OK)
        return result;
    result = lunik_socket_set(*out, LUNIK_SOCKET_NO_DELAY, 1);
    if (result == LUNIK_OK)
        result = lunik_socket_bind(*out, &any);
    if (result == LUNIK_OK)
        result = lunik_socket_listen(*out, 1024);
    if (result != LUNIK_OK)
        lunik_socket_close(*out);
    return result;
}

/* A fiber for each connection. One that cannot have one is closed. */
static lunik_result accept_all(struct lunik_socket *listener)
{
    struct lunik_socket *socket;
    struct lunik_fiber *fiber;
    lunik_result result;

    for (;;) {
        result = lunik_socket_try_accept(listener, &socket);
        if (result == LUNIK_EAGAIN)
            result = lunik_socket_wait(listener, LUNIK_READABLE, LUNIK_NEVER);
        else if (result == LUNIK_OK &&
                 lunik_fiber_create("echo", serve, socket, &fiber) != LUNIK_OK)
            lunik_socket_close(socket);
        if (result != LUNIK_OK)
            return result;
    }
}

int lunik_main(int argc, char **argv)
{
    int port = argc > 1 ? atoi(argv[1]) : 7;
    struct lunik_socket *listener;
    lunik_result result = listen_at((uint16_t)port, &listener);

    if (result == LUNIK_OK) {
        lunik_log(LUNIK_LOG_INFO, "echo: listening on port %d", port);
        result = accept_all(listener);
    }
    lunik_log(LUNIK_LOG_ERROR, "echo: %s", lunik_result_text(result));
    return 1;
}
