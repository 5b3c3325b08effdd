/* SPDX-License-Identifier: MIT */
/* channel.c: values from task to task, and waiting for several channels. */
#include "task.h"

#include <lauxlib.h>
#include <lunik/runtime.h>

#define CHANNEL_TYPE "lunik.task.channel"

/* Cases of one select; each takes some 60 bytes of C stack. */
#define SELECT_MAX 64

/*
 * Who must wait leaves a waiter in the channel's queue and an op on its own C
 * stack. The task that completes the op moves the value itself, takes all of
 * the op's waiters out of their queues, and wakes it; so a woken op has
 * nothing left to try, and two selects that meet find each other.
 */
struct waiter {
    struct waiter *next, *prev;
    struct queue *queue;
    struct op *op;
    int value; /* a sender's: the value's index on op->L */
};

struct queue {
    struct waiter *first, *last;
};

struct op {
    lua_State *L;
    struct waiter *waiters;
    int count;
    int fired;      /* which waiter was served; -1: none yet */
    bool is_closed; /* it was served by the channel's end */
    struct lunik_event wake;
};

/* The values wait in the user value, a table used as a ring of slots from 1. */
struct channel {
    lua_Integer capacity;
    lua_Integer first; /* slot of the oldest value, from 0 */
    lua_Integer count;
    bool is_closed;
    struct queue senders, receivers;
};

enum outcome { BLOCKED, PASSED, CLOSED };

static struct channel *check_channel(lua_State *L, int arg)
{
    return luaL_checkudata(L, arg, CHANNEL_TYPE);
}

/* ---- Queues ---- */

static void enqueue(struct queue *queue, struct waiter *waiter)
{
    waiter->queue = queue;
    waiter->prev = queue->last;
    waiter->next = NULL;
    if (queue->last != NULL)
        queue->last->next = waiter;
    else
        queue->first = waiter;
    queue->last = waiter;
}

static void dequeue(struct waiter *waiter)
{
    struct queue *queue = waiter->queue;

    if (queue == NULL)
        return;
    if (waiter->next != NULL)
        waiter->next->prev = waiter->prev;
    else
        queue->last = waiter->prev;
    if (waiter->prev != NULL)
        waiter->prev->next = waiter->next;
    else
        queue->first = waiter->next;
    waiter->queue = NULL;
}

static void dequeue_all(struct op *op)
{
    int i;

    for (i = 0; i < op->count; i++)
        dequeue(&op->waiters[i]);
}

static void serve(struct waiter *waiter, bool is_closed)
{
    struct op *op = waiter->op;

    op->fired = (int)(waiter - op->waiters);
    op->is_closed = is_closed;
    dequeue_all(op);
    lunik_event_signal(&op->wake);
}

/* Copies the value at (index) of one thread to the top of another. */
static void copy_value(lua_State *from, int index, lua_State *to)
{
    lua_pushvalue(from, index);
    if (from != to)
        lua_xmove(from, to, 1);
}

/* ---- Without waiting ---- */

static lua_Integer slot_of(const struct channel *channel, lua_Integer position)
{
    return (channel->first + position) % channel->capacity + 1;
}

/* Appends the value at the top, popping it. A raise leaves all as it was. */
static void append(lua_State *L, int arg, struct channel *channel)
{
    lua_getiuservalue(L, arg, 1);
    lua_insert(L, -2);
    lua_rawseti(L, -2, slot_of(channel, channel->count));
    lua_pop(L, 1);
    channel->count++;
}

static void push_oldest(lua_State *L, int arg, struct channel *channel)
{
    lua_Integer slot = slot_of(channel, 0);

    lua_getiuservalue(L, arg, 1);
    lua_rawgeti(L, -1, slot);
    lua_pushnil(L);
    lua_rawseti(L, -3, slot);
    lua_remove(L, -2);
    channel->first = slot % channel->capacity;
    channel->count--;
}

/* Receives if it can at once; PASSED pushes the value. */
static enum outcome try_receive(lua_State *L, int arg, struct channel *channel)
{
    struct waiter *sender = channel->senders.first;

    if (channel->count > 0) {
        push_oldest(L, arg, channel);
        if (sender != NULL) {
            /* The slot was used before: setting it takes no memory. */
            copy_value(sender->op->L, sender->value, L);
            append(L, arg, channel);
            serve(sender, false);
        }
        return PASSED;
    }
    if (sender != NULL) {
        copy_value(sender->op->L, sender->value, L);
        serve(sender, false);
        return PASSED;
    }
    return channel->is_closed ? CLOSED : BLOCKED;
}

static enum outcome try_send(lua_State *L, int arg, struct channel *channel,
                             int value)
{
    struct waiter *receiver = channel->receivers.first;

    if (channel->is_closed)
        return CLOSED;
    if (receiver != NULL) {
        copy_value(L, value, receiver->op->L);
        serve(receiver, false);
        return PASSED;
    }
    if (channel->count == channel->capacity)
        return BLOCKED;
    lua_pushvalue(L, value);
    append(L, arg, channel);
    return PASSED;
}

/* ---- Waiting ---- */

/* Waits until the op, whose waiters are queued, is served. LUNIK_OK: it was. */
static lunik_result wait_op(struct op *op, uint64_t deadline)
{
    struct lunik_event *event = &op->wake;
    lunik_result res = LUNIK_OK;

    while (op->fired < 0 && res == LUNIK_OK)
        res = lunik_task_wait(&event, 1, deadline, NULL);
    if (op->fired >= 0)
        return LUNIK_OK;
    dequeue_all(op);
    return res;
}

/* The same for an op of one waiter in (queue); raises. */
static bool wait_one(lua_State *L, struct op *op, struct queue *queue,
                     uint64_t deadline)
{
    lunik_result res;

    enqueue(queue, &op->waiters[0]);
    res = wait_op(op, deadline);
    if (res == LUNIK_OK)
        return true;
    if (res != LUNIK_EAGAIN)
        lunik_lua_raise(L, res);
    return false;
}

/* channel:send(value [, timeout]) -> true | nil, "timeout" | nil, "closed" */
static int channel_send(lua_State *L)
{
    struct channel *channel = check_channel(L, 1);
    struct waiter waiter = { .value = 2 };
    struct op op = { .L = L, .waiters = &waiter, .count = 1, .fired = -1 };
    enum outcome outcome;

    luaL_argcheck(L, !lua_isnoneornil(L, 2), 2, "a value other than nil");
    lua_settop(L, 3);
    lunik_lua_check(L);
    waiter.op = &op;
    outcome = try_send(L, 1, channel, 2);
    if (outcome == BLOCKED) {
        if (!wait_one(L, &op, &channel->senders, lunik_lua_opt_deadline(L, 3)))
            return lunik_lua_fail(L, LUNIK_ETIMEOUT);
        outcome = op.is_closed ? CLOSED : PASSED;
    }
    if (outcome == CLOSED)
        return lunik_lua_fail(L, LUNIK_ECLOSED);
    lua_pushboolean(L, true);
    return 1;
}

static int receive(lua_State *L, int timeout_arg)
{
    struct channel *channel = check_channel(L, 1);
    struct waiter waiter = { 0 };
    struct op op = { .L = L, .waiters = &waiter, .count = 1, .fired = -1 };
    enum outcome outcome;
    uint64_t deadline;

    lunik_lua_check(L);
    waiter.op = &op;
    outcome = try_receive(L, 1, channel);
    if (outcome == BLOCKED) {
        deadline = timeout_arg == 0 ? LUNIK_NEVER
                                    : lunik_lua_opt_deadline(L, timeout_arg);
        if (!wait_one(L, &op, &channel->receivers, deadline))
            return lunik_lua_fail(L, LUNIK_ETIMEOUT);
        outcome = op.is_closed ? CLOSED : PASSED;
    }
    if (outcome == CLOSED)
        return lunik_lua_fail(L, LUNIK_ECLOSED);
    return 1; /* the value is at the top, pushed here or by the sender */
}

/* channel:receive([timeout]) -> value | nil, "timeout" | nil, "closed" */
static int channel_receive(lua_State *L)
{
    return receive(L, 2);
}

/* for value in channel do: the end of the channel ends the loop. */
static int channel_call(lua_State *L)
{
    lua_settop(L, 1);
    return receive(L, 0);
}

/* Values that are in the channel can still be received. */
static int channel_close(lua_State *L)
{
    struct channel *channel = check_channel(L, 1);

    channel->is_closed = true;
    while (channel->receivers.first != NULL)
        serve(channel->receivers.first, true);
    while (channel->senders.first != NULL)
        serve(channel->senders.first, true);
    return 0;
}

static int channel_len(lua_State *L)
{
    lua_pushinteger(L, check_channel(L, 1)->count);
    return 1;
}

/* task.channel([capacity]) -> channel; math.huge: without a bound */
static int channel_new(lua_State *L)
{
    lua_Number number = luaL_optnumber(L, 1, 0);
    lua_Integer capacity = LUA_MAXINTEGER / 2;
    struct channel *channel;

    luaL_argcheck(L, number >= 0, 1, "a capacity must not be negative");
    if (number < (lua_Number)capacity)
        capacity = luaL_optinteger(L, 1, 0);
    channel = lua_newuserdatauv(L, sizeof(*channel), 1);
    *channel = (struct channel) { .capacity = capacity };
    lua_newtable(L);
    lua_setiuservalue(L, -2, 1);
    luaL_setmetatable(L, CHANNEL_TYPE);
    return 1;
}

/* ---- Select ---- */

/* The cases are spread over the Lua stack so that whoever serves one finds
 * its value: case i has its channel at base + 2i, a value to send or nil at
 * base + 2i + 1. */
struct cases {
    int base, count;
};

static struct channel *case_channel(lua_State *L, const struct cases *cases,
                                    int i)
{
    return lua_touserdata(L, cases->base + 2 * i);
}

static bool case_sends(lua_State *L, const struct cases *cases, int i)
{
    return !lua_isnil(L, cases->base + 2 * i + 1);
}

/* Reads { channel } and { channel, send = value } from the list at 1. */
static void read_cases(lua_State *L, struct cases *cases)
{
    lua_Unsigned count = lua_rawlen(L, 1);
    int i;

    luaL_argcheck(L, count <= SELECT_MAX, 1, "at most 64 cases");
    cases->base = lua_gettop(L) + 1;
    cases->count = (int)count;
    luaL_checkstack(L, 2 * cases->count + 8, "too many cases");
    for (i = 0; i < cases->count; i++) {
        if (lua_rawgeti(L, 1, i + 1) != LUA_TTABLE)
            luaL_error(L, "select: case %d must be a table", i + 1);
        lua_rawgeti(L, -1, 1);
        if (luaL_testudata(L, -1, CHANNEL_TYPE) == NULL)
            luaL_error(L, "select: case %d has no channel", i + 1);
        lua_getfield(L, -2, "send");
        lua_remove(L, -3);
    }
}

static int select_result(lua_State *L, int i, enum outcome outcome, bool sends)
{
    if (outcome == CLOSED) {
        lua_pushinteger(L, i + 1);
        return 1 + lunik_lua_fail(L, LUNIK_ECLOSED);
    }
    if (sends)
        lua_pushboolean(L, true);
    lua_pushinteger(L, i + 1);
    lua_insert(L, -2);
    return 2;
}

/* Tries the cases once, from (start) round. Returns the results' count, 0 if
 * all are blocked. */
static int select_now(lua_State *L, const struct cases *cases, int start)
{
    int i, k;

    for (k = 0; k < cases->count; k++) {
        bool sends;
        int at;
        enum outcome outcome;

        i = (start + k) % cases->count;
        at = cases->base + 2 * i;
        sends = case_sends(L, cases, i);
        outcome = sends ? try_send(L, at, case_channel(L, cases, i), at + 1)
                        : try_receive(L, at, case_channel(L, cases, i));
        if (outcome != BLOCKED)
            return select_result(L, i, outcome, sends);
    }
    return 0;
}

static int select_wait(lua_State *L, const struct cases *cases,
                       uint64_t deadline)
{
    struct waiter waiters[SELECT_MAX];
    struct op op = { .L = L, .waiters = waiters, .fired = -1 };
    lunik_result res;
    int i;

    for (i = 0; i < cases->count; i++) {
        struct channel *channel = case_channel(L, cases, i);
        bool sends = case_sends(L, cases, i);

        waiters[i] =
            (struct waiter) { .op = &op, .value = cases->base + 2 * i + 1 };
        enqueue(sends ? &channel->senders : &channel->receivers, &waiters[i]);
        op.count++;
    }
    res = wait_op(&op, deadline);
    if (res == LUNIK_EAGAIN)
        return lunik_lua_fail(L, LUNIK_ETIMEOUT);
    if (res != LUNIK_OK)
        lunik_lua_raise(L, res);
    return select_result(L, op.fired, op.is_closed ? CLOSED : PASSED,
                         case_sends(L, cases, op.fired));
}

/*
 * task.select{ { channel }, { channel, send = value }, ...,
 *              timeout = seconds, default = true }
 *   -> index, value | index, true | index, nil, "closed"
 *    | nil, "timeout" | nil, "default"
 * Upvalue 1: where the last one began, so that no case starves the others.
 */
static int task_select(lua_State *L)
{
    uint64_t deadline;
    struct cases cases;
    bool has_default;
    lua_Integer turn;
    int results;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lunik_lua_check(L);
    lua_getfield(L, 1, "timeout");
    if (!lua_isnil(L, 2) && !lua_isnumber(L, 2))
        return luaL_error(L, "select: timeout must be a number");
    lua_getfield(L, 1, "default");
    has_default = lua_toboolean(L, 3);
    read_cases(L, &cases);
    turn = lua_tointeger(L, lua_upvalueindex(1));
    lua_pushinteger(L, (turn + 1) % SELECT_MAX);
    lua_replace(L, lua_upvalueindex(1));

    results = select_now(L, &cases, (int)turn);
    if (results > 0)
        return results;
    if (has_default) {
        luaL_pushfail(L);
        lua_pushliteral(L, "default");
        return 2;
    }
    deadline = lunik_lua_opt_deadline(L, 2);
    if (cases.count == 0 && deadline == LUNIK_NEVER)
        return luaL_error(L, "select: no case and no timeout");
    return select_wait(L, &cases, deadline);
}

void lunik_task_open_channel(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "send", channel_send },
        { "receive", channel_receive },
        { "close", channel_close },
        { NULL, NULL },
    };
    static const luaL_Reg metamethods[] = {
        { "__call", channel_call },
        { "__close", channel_close },
        { "__len", channel_len },
        { NULL, NULL },
    };

    luaL_newmetatable(L, CHANNEL_TYPE);
    luaL_setfuncs(L, metamethods, 0);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    lua_pushcfunction(L, channel_new);
    lua_setfield(L, -2, "channel");
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, task_select, 1);
    lua_setfield(L, -2, "select");
}
