/* SPDX-License-Identifier: MIT */
/* tcp.c: streams of lunik.net, and making connections. */
#include "net.h"

#include <lauxlib.h>
#include <lunik/event.h>
#include <lunik/runtime.h>
#include <lunik/time.h>

/* How long one address is tried before the next is tried beside it: RFC 8305,
 * section 8. */
#define ATTEMPT_DELAY_NS (250 * LUNIK_NS_PER_MS)

/* ---- The stream ---- */

struct lunik_socket_stream *lunik_net_push_tcp(lua_State *L)
{
    struct lunik_socket_stream *tcp = lua_newuserdatauv(L, sizeof(*tcp), 0);

    *tcp = (struct lunik_socket_stream) { .stream.timeout_ns = LUNIK_NEVER };
    luaL_setmetatable(L, LUNIK_NET_TCP_TYPE);
    return tcp;
}

void lunik_net_tcp_take(struct lunik_socket_stream *tcp,
                        struct lunik_socket *socket)
{
    /* Whoever writes through Lua writes whole messages. */
    (void)!lunik_socket_set(socket, LUNIK_SOCKET_NO_DELAY, 1);
    tcp->socket = socket;
    tcp->stream.ops = &lunik_socket_stream_ops;
}

static struct lunik_socket_stream *check_tcp(lua_State *L)
{
    return luaL_checkudata(L, 1, LUNIK_NET_TCP_TYPE);
}

/* stream:shutdown([which]) -> true | nil, err */
static int tcp_shutdown(lua_State *L)
{
    static const char *const names[] = { "write", "read", "both", NULL };
    static const unsigned bits[] = { LUNIK_SHUT_WRITE, LUNIK_SHUT_READ,
                                     LUNIK_SHUT_READ | LUNIK_SHUT_WRITE };
    struct lunik_socket_stream *tcp = check_tcp(L);
    int which = luaL_checkoption(L, 2, "write", names);
    lunik_result res;

    if (tcp->socket == NULL)
        return lunik_lua_fail(L, LUNIK_ECLOSED);
    res = lunik_socket_shutdown(tcp->socket, bits[which]);
    if (res != LUNIK_OK)
        return lunik_lua_fail(L, res);
    lua_pushboolean(L, true);
    return 1;
}

static int tcp_local_address(lua_State *L)
{
    struct lunik_socket_stream *tcp = check_tcp(L);
    struct lunik_address address;

    if (tcp->socket == NULL)
        return lunik_lua_fail(L, LUNIK_ECLOSED);
    lunik_socket_get_local(tcp->socket, &address);
    return lunik_net_push_address(L, &address);
}

static int tcp_peer_address(lua_State *L)
{
    struct lunik_socket_stream *tcp = check_tcp(L);
    struct lunik_address address;

    if (tcp->socket == NULL)
        return lunik_lua_fail(L, LUNIK_ECLOSED);
    lunik_socket_get_peer(tcp->socket, &address);
    return lunik_net_push_address(L, &address);
}

static int tcp_set(lua_State *L)
{
    return lunik_net_set(L, check_tcp(L)->socket);
}

static int tcp_get(lua_State *L)
{
    return lunik_net_get(L, check_tcp(L)->socket);
}

/* ---- Connecting ---- */

struct attempt {
    struct lunik_watch watch; /* first: the watch is the attempt */
    struct lunik_socket *socket;
    struct lunik_event *event;
};

/* Addresses in the order in which they are tried; each begins when the one
 * before it failed, or had its time. */
struct race {
    struct attempt attempts[LUNIK_NET_ADDRESSES_MAX];
    struct lunik_address addresses[LUNIK_NET_ADDRESSES_MAX];
    size_t count, begun, running;
    struct lunik_event event;
    lunik_result why; /* the last failure */
};

static void note_change(struct lunik_watch *watch)
{
    lunik_event_signal(((struct attempt *)watch)->event);
}

static void drop_attempt(struct race *race, struct attempt *attempt)
{
    struct lunik_socket *socket = attempt->socket;

    attempt->socket = NULL;
    lunik_socket_unwatch(&attempt->watch);
    lunik_socket_close(socket);
    race->running--;
}

static void begin_attempt(struct race *race)
{
    struct attempt *attempt = &race->attempts[race->begun];
    const struct lunik_address *to = &race->addresses[race->begun];
    lunik_result res;

    race->begun++;
    res = lunik_socket_open(LUNIK_STREAM, to->family, &attempt->socket);
    if (res != LUNIK_OK) {
        race->why = res;
        attempt->socket = NULL;
        return;
    }
    race->running++;
    attempt->event = &race->event;
    attempt->watch.fn = note_change;
    lunik_socket_watch(attempt->socket, &attempt->watch);
    res = lunik_socket_try_connect(attempt->socket, to);
    if (res != LUNIK_OK && res != LUNIK_EAGAIN) {
        race->why = res;
        drop_attempt(race, attempt);
    }
}

/* Takes off what failed; gives the one that is connected, or NULL. */
static struct attempt *look_at_attempts(struct race *race)
{
    struct attempt *attempt;
    unsigned ready;
    size_t i;

    for (i = 0; i < race->begun; i++) {
        attempt = &race->attempts[i];
        if (attempt->socket == NULL)
            continue;
        ready = lunik_socket_ready(attempt->socket);
        if (ready & LUNIK_FAILED) {
            race->why = lunik_socket_get_error(attempt->socket);
            drop_attempt(race, attempt);
        } else if (ready & LUNIK_WRITABLE) {
            return attempt;
        }
    }
    return NULL;
}

static lunik_result run_race(struct race *race, uint64_t deadline_ns,
                             struct lunik_socket **out)
{
    struct lunik_event *event = &race->event;
    struct attempt *winner;
    lunik_result res;

    for (;;) {
        uint64_t until = deadline_ns, next;

        if (race->begun < race->count)
            begin_attempt(race);
        winner = look_at_attempts(race);
        if (winner != NULL)
            break;
        if (race->running == 0 && race->begun == race->count)
            return race->why;
        if (race->running == 0)
            continue;
        if (race->begun < race->count) {
            next = lunik_time_after_ns(ATTEMPT_DELAY_NS);
            until = next < until ? next : until;
        }
        res = lunik_task_wait(&event, 1, until, NULL);
        if (res == LUNIK_ETIMEOUT || res == LUNIK_ECANCELED ||
            (res == LUNIK_EAGAIN && until == deadline_ns))
            return res;
    }
    *out = winner->socket;
    lunik_socket_unwatch(&winner->watch);
    winner->socket = NULL;
    race->running--;
    return LUNIK_OK;
}

/* net.connect(host, port [, timeout]) -> stream | nil, err */
static int net_connect(lua_State *L)
{
    const char *host = luaL_checkstring(L, 1);
    uint16_t port = lunik_net_check_port(L, 2);
    uint64_t deadline = lunik_lua_opt_deadline(L, 3);
    struct race race = { .why = LUNIK_EUNREACHABLE };
    struct lunik_socket *socket = NULL;
    struct lunik_socket_stream *tcp;
    lunik_result res;
    size_t i;

    lunik_lua_check(L);
    res = lunik_net_find(host, port, LUNIK_IP4 | LUNIK_IP6, deadline,
                         race.addresses, &race.count);
    if (res != LUNIK_OK)
        return lunik_net_fail_name(L, res);
    tcp = lunik_net_push_tcp(L);
    res = run_race(&race, deadline, &socket);
    for (i = 0; i < race.begun; i++)
        if (race.attempts[i].socket != NULL)
            drop_attempt(&race, &race.attempts[i]);
    if (res != LUNIK_OK)
        return lunik_lua_fail_wait(L, res);
    lunik_net_tcp_take(tcp, socket);
    return 1;
}

void lunik_net_open_tcp(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "shutdown", tcp_shutdown },
        { "local_address", tcp_local_address },
        { "peer_address", tcp_peer_address },
        { "set", tcp_set },
        { "get", tcp_get },
        { NULL, NULL },
    };

    luaL_newlib(L, methods);
    luaL_newmetatable(L, LUNIK_NET_TCP_TYPE);
    lunik_lua_set_stream_methods(L);
    lua_insert(L, -2);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    lua_pushcfunction(L, net_connect);
    lua_setfield(L, -2, "connect");
}
