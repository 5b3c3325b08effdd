/* SPDX-License-Identifier: MIT */
/* family.c: the module lunik.metrics.core: families of series, and counting. */
#include "metrics.h"

#include <lauxlib.h>
#include <lunik/module.h>
#include <math.h>
#include <string.h>

enum { SLOT_TREE = 1, SLOT_LIST, SLOT_NAMES, SLOT_TEXTS, SLOTS = 4 };

#define OTHER "other"

const char lunik_metrics_family_mark = 0, lunik_metrics_series_mark = 0;

struct lunik_metrics_family *lunik_metrics_check_family(lua_State *L, int arg)
{
    struct lunik_metrics_family *family = lua_touserdata(L, arg);

    /* (Of a light userdata the length is 0.) */
    if (family != NULL && lua_rawlen(L, arg) >= sizeof(*family) &&
        family->mark == &lunik_metrics_family_mark)
        return family;
    return luaL_checkudata(L, arg, LUNIK_METRICS_FAMILY);
}

/* ---- Making ---- */

static void read_bounds(lua_State *L, int arg,
                        struct lunik_metrics_family *family)
{
    unsigned i;

    for (i = 0; i < family->bound_count; i++) {
        lua_rawgeti(L, arg, (lua_Integer)i + 1);
        family->bounds[i] = luaL_checknumber(L, -1);
        lua_pop(L, 1);
        luaL_argcheck(L,
                      isfinite(family->bounds[i]) &&
                          (i == 0 || family->bounds[i] > family->bounds[i - 1]),
                      arg, "bounds must be finite and grow");
    }
}

/* core.family(kind, names, bounds|nil, series_max): names is { name, help,
 * labels... } and was checked by the caller */
static int core_family(lua_State *L)
{
    static const char *const kinds[] = { "counter", "gauge", "histogram",
                                         NULL };
    int kind = luaL_checkoption(L, 1, NULL, kinds);
    lua_Integer max = luaL_checkinteger(L, 4);
    struct lunik_metrics_family *family;
    lua_Unsigned labels, bounds = 0;

    luaL_checktype(L, 2, LUA_TTABLE);
    labels = lua_rawlen(L, 2) - 2;
    luaL_argcheck(L, labels <= LUNIK_METRICS_LABELS_MAX, 2, "too many labels");
    if (kind == LUNIK_METRICS_HISTOGRAM) {
        luaL_checktype(L, 3, LUA_TTABLE);
        bounds = lua_rawlen(L, 3);
        luaL_argcheck(L, bounds >= 1 && bounds <= LUNIK_METRICS_BUCKETS_MAX, 3,
                      "1 to 64 bounds");
    }
    luaL_argcheck(L, max >= 1, 4, "at least 1");
    family = lua_newuserdatauv(
        L, sizeof(*family) + (size_t)bounds * sizeof(family->bounds[0]), SLOTS);
    *family = (struct lunik_metrics_family) {
        .mark = &lunik_metrics_family_mark,
        .kind = (enum lunik_metrics_kind)kind,
        .label_count = (unsigned)labels,
        .bound_count = (unsigned)bounds,
        .series_max = (size_t)max,
    };
    read_bounds(L, 3, family);
    lua_newtable(L);
    lua_setiuservalue(L, -2, SLOT_TREE);
    lua_newtable(L);
    lua_setiuservalue(L, -2, SLOT_LIST);
    lua_newtable(L);
    lua_setiuservalue(L, -2, SLOT_TEXTS);
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, -2, SLOT_NAMES);
    luaL_setmetatable(L, LUNIK_METRICS_FAMILY);
    return 1;
}

/* Pushes the text of the labels' values at (first) and up: name="value",…
 * Returns: whether every value is in it as it is. */
static bool push_labels(lua_State *L, int family, int first, unsigned count)
{
    bool is_exact = true;
    unsigned i;
    int names;

    lua_getiuservalue(L, family, SLOT_NAMES);
    names = lua_gettop(L);
    lua_pushliteral(L, "");
    for (i = 0; i < count; i++) {
        size_t size;
        const char *value = luaL_tolstring(L, first + (int)i, &size);

        if (size > LUNIK_METRICS_VALUE_MAX) {
            size = LUNIK_METRICS_VALUE_MAX;
            is_exact = false;
        }
        if (!lunik_metrics_push_quoted(L, value, size))
            is_exact = false;
        lua_rawgeti(L, names, (lua_Integer)i + 3);
        /* text so far, value, quoted, name */
        lua_pushfstring(L, "%s%s%s=\"%s\"", lua_tostring(L, -4),
                        i > 0 ? "," : "", lua_tostring(L, -1),
                        lua_tostring(L, -2));
        lua_replace(L, -5);
        lua_pop(L, 3);
    }
    lua_remove(L, names);
    return is_exact;
}

/* Pushes a new series with the label text at the top, which it pops, and puts
 * it at the end of the family's list. */
static void push_series(lua_State *L, int family,
                        struct lunik_metrics_family *f)
{
    size_t size = sizeof(struct lunik_metrics_series);
    struct lunik_metrics_series *series;

    if (f->kind == LUNIK_METRICS_HISTOGRAM)
        size += (f->bound_count + 1) * sizeof(series->buckets[0]);
    series = lua_newuserdatauv(L, size, 2);
    memset(series, 0, size);
    series->mark = &lunik_metrics_series_mark;
    series->family = f;
    lua_insert(L, -2);
    lua_setiuservalue(L, -2, 1);
    lua_pushvalue(L, family);
    lua_setiuservalue(L, -2, 2);
    luaL_setmetatable(L, LUNIK_METRICS_SERIES);
    lua_getiuservalue(L, family, SLOT_LIST);
    lua_pushvalue(L, -2);
    lua_rawseti(L, -2, (lua_Integer)f->series_count + 1);
    lua_pop(L, 1);
    f->series_count++;
}

/* ---- Finding ---- */

/* Pushes (value at (index)) as it is told apart: as text. Whole numbers have
 * an entry of their own beside, so that they need not be made to text. */
static bool is_plain_key(lua_State *L, int index)
{
    int type = lua_type(L, index);

    return type == LUA_TSTRING || lua_isinteger(L, index);
}

/* Replaces values that are no plain keys by their texts. */
static void normalise(lua_State *L, int first, unsigned count)
{
    unsigned i;

    for (i = 0; i < count; i++) {
        int index = first + (int)i;

        if (lua_isnoneornil(L, index))
            luaL_argerror(L, index, "a label's value is missing");
        if (is_plain_key(L, index))
            continue;
        luaL_tolstring(L, index, NULL);
        lua_replace(L, index);
    }
}

/* Sets path of the values to the series at the top, which stays. */
static void remember(lua_State *L, int family, int first, unsigned count)
{
    int series = lua_gettop(L);
    unsigned i;

    lua_getiuservalue(L, family, SLOT_TREE);
    for (i = 0; i + 1 < count; i++) {
        lua_pushvalue(L, first + (int)i);
        if (lua_rawget(L, -2) != LUA_TTABLE) {
            lua_pop(L, 1);
            lua_newtable(L);
            lua_pushvalue(L, first + (int)i);
            lua_pushvalue(L, -2);
            lua_rawset(L, -4);
        }
        lua_remove(L, -2);
    }
    lua_pushvalue(L, first + (int)i);
    lua_pushvalue(L, series);
    lua_rawset(L, -3);
    lua_settop(L, series);
}

/* Pushes the series of the values, or what is none, above tables that led to
 * it. */
static int look_up(lua_State *L, int family, int first, unsigned count)
{
    int type = lua_getiuservalue(L, family, SLOT_TREE);
    unsigned i;

    for (i = 0; i < count && type == LUA_TTABLE; i++) {
        lua_pushvalue(L, first + (int)i);
        type = lua_rawget(L, -2);
    }
    return type;
}

/* Replaces the label text at the top by its series, if there is one. */
static bool push_known(lua_State *L, int family)
{
    lua_getiuservalue(L, family, SLOT_TEXTS);
    lua_pushvalue(L, -2);
    if (lua_rawget(L, -2) == LUA_TUSERDATA) {
        lua_replace(L, -3);
        lua_pop(L, 1);
        return true;
    }
    lua_pop(L, 2);
    return false;
}

/* Replaces the label text at the top by a new series. */
static void push_new(lua_State *L, int family, struct lunik_metrics_family *f)
{
    int text = lua_gettop(L);

    lua_pushvalue(L, text);
    push_series(L, family, f);
    lua_getiuservalue(L, family, SLOT_TEXTS);
    lua_pushvalue(L, text);
    lua_pushvalue(L, text + 1);
    lua_rawset(L, -3);
    lua_pop(L, 1);
    lua_replace(L, text);
}

/*
 * Pushes the series of values that were not seen before: an old one if their
 * texts are, the others' if the family is full, or a new one.
 *
 * The tree remembers only values that are in a text as they are: others, which
 * a text stands for many of, could make it grow without end.
 */
static void push_unseen(lua_State *L, int family, int first, unsigned count,
                        struct lunik_metrics_family *f)
{
    bool is_exact = push_labels(L, family, first, count);
    unsigned i;

    if (push_known(L, family)) {
        if (is_exact)
            remember(L, family, first, count);
        return;
    }
    if (f->series_count >= f->series_max) {
        f->dropped++;
        lua_pop(L, 1);
        for (i = 0; i < count; i++) {
            lua_pushliteral(L, OTHER);
            lua_replace(L, first + (int)i);
        }
        push_labels(L, family, first, count);
        if (push_known(L, family))
            return;
    }
    push_new(L, family, f);
    if (is_exact)
        remember(L, family, first, count);
}

/* The series for the label values at 2 and up; leaves it at the top, if there
 * are labels. */
static struct lunik_metrics_series *find_series(lua_State *L,
                                                struct lunik_metrics_family *f)
{
    unsigned count = f->label_count;

    _Static_assert(2 * LUNIK_METRICS_LABELS_MAX + 3 <= LUA_MINSTACK,
                   "arguments and look-up have room on the stack");
    if (f->only != NULL)
        return f->only;
    if (lua_gettop(L) <= (int)count)
        luaL_argerror(L, lua_gettop(L) + 1, "a label's value is missing");
    if (look_up(L, 1, 2, count) != LUA_TUSERDATA) {
        normalise(L, 2, count);
        if (look_up(L, 1, 2, count) != LUA_TUSERDATA) {
            luaL_checkstack(L, LUA_MINSTACK, NULL);
            push_unseen(L, 1, 2, count, f);
        }
    }
    return lua_touserdata(L, -1);
}

/* ---- Counting ---- */

void lunik_metrics_add(struct lunik_metrics_series *series, double value)
{
    const struct lunik_metrics_family *family = series->family;
    unsigned i = 0;

    series->value += value;
    series->count++;
    while (i < family->bound_count && value > family->bounds[i])
        i++;
    series->buckets[i]++;
}

static void check_kind(lua_State *L, const struct lunik_metrics_family *family,
                       enum lunik_metrics_kind kind, const char *what)
{
    static const char *const names[] = { "counter", "gauge", "histogram" };

    if (family->kind != kind)
        luaL_error(L, "a %s cannot %s", names[family->kind], what);
}

/* The number at (arg), or (missing); counters only grow. */
static double check_step(lua_State *L, int arg,
                         const struct lunik_metrics_family *family, double sign)
{
    double step = lua_isnoneornil(L, arg) ? 1 : luaL_checknumber(L, arg);

    if (family->kind == LUNIK_METRICS_HISTOGRAM)
        luaL_error(L, "a histogram observes");
    if (family->kind == LUNIK_METRICS_COUNTER)
        luaL_argcheck(L, sign > 0 && step >= 0, arg, "a counter only grows");
    return step * sign;
}

static int add_step(lua_State *L, double sign)
{
    struct lunik_metrics_family *family = lunik_metrics_check_family(L, 1);
    int arg = 2 + (int)family->label_count;
    double step = check_step(L, arg, family, sign);

    find_series(L, family)->value += step;
    lunik_metrics_note_use();
    return 0;
}

/* family:inc(labels... [, step]) */
static int family_inc(lua_State *L)
{
    return add_step(L, 1);
}

static int family_dec(lua_State *L)
{
    return add_step(L, -1);
}

/* family:set(labels..., value) */
static int family_set(lua_State *L)
{
    struct lunik_metrics_family *family = lunik_metrics_check_family(L, 1);
    double value = luaL_checknumber(L, 2 + (int)family->label_count);

    check_kind(L, family, LUNIK_METRICS_GAUGE, "be set");
    find_series(L, family)->value = value;
    lunik_metrics_note_use();
    return 0;
}

/* family:observe(labels..., value) */
static int family_observe(lua_State *L)
{
    struct lunik_metrics_family *family = lunik_metrics_check_family(L, 1);
    double value = luaL_checknumber(L, 2 + (int)family->label_count);

    check_kind(L, family, LUNIK_METRICS_HISTOGRAM, "observe");
    lunik_metrics_add(find_series(L, family), value);
    lunik_metrics_note_use();
    return 0;
}

/* family:labels(values...) -> the series, for loops that count a lot */
static int family_labels(lua_State *L)
{
    struct lunik_metrics_family *family = lunik_metrics_check_family(L, 1);

    find_series(L, family);
    if (family->only != NULL) {
        lua_getiuservalue(L, 1, SLOT_LIST);
        lua_rawgeti(L, -1, 1);
    }
    return 1;
}

/* family:value(labels...) -> value [, count]: what was counted until now */
static int family_value(lua_State *L)
{
    struct lunik_metrics_family *family = lunik_metrics_check_family(L, 1);
    const struct lunik_metrics_series *series;

    series = find_series(L, family);
    lua_pushnumber(L, series->value);
    if (family->kind != LUNIK_METRICS_HISTOGRAM)
        return 1;
    lua_pushinteger(L, (lua_Integer)series->count);
    return 2;
}

/* family:dropped() -> how often the family was full */
static int family_dropped(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)lunik_metrics_check_family(L, 1)->dropped);
    return 1;
}

/* ---- Series ---- */

static struct lunik_metrics_series *check_series(lua_State *L)
{
    struct lunik_metrics_series *series = lua_touserdata(L, 1);

    if (series != NULL && lua_rawlen(L, 1) >= sizeof(*series) &&
        series->mark == &lunik_metrics_series_mark)
        return series;
    return luaL_checkudata(L, 1, LUNIK_METRICS_SERIES);
}

static int series_inc(lua_State *L)
{
    struct lunik_metrics_series *series = check_series(L);

    series->value += check_step(L, 2, series->family, 1);
    lunik_metrics_note_use();
    return 0;
}

static int series_dec(lua_State *L)
{
    struct lunik_metrics_series *series = check_series(L);

    series->value += check_step(L, 2, series->family, -1);
    lunik_metrics_note_use();
    return 0;
}

static int series_set(lua_State *L)
{
    struct lunik_metrics_series *series = check_series(L);

    check_kind(L, series->family, LUNIK_METRICS_GAUGE, "be set");
    series->value = luaL_checknumber(L, 2);
    lunik_metrics_note_use();
    return 0;
}

static int series_observe(lua_State *L)
{
    struct lunik_metrics_series *series = check_series(L);

    check_kind(L, series->family, LUNIK_METRICS_HISTOGRAM, "observe");
    lunik_metrics_add(series, luaL_checknumber(L, 2));
    lunik_metrics_note_use();
    return 0;
}

/* ---- The module ---- */

/* core.start(family): the one series of a family without labels is there from
 * the beginning. */
static int core_start(lua_State *L)
{
    struct lunik_metrics_family *family = lunik_metrics_check_family(L, 1);

    if (family->label_count == 0 && family->series_count == 0) {
        lua_pushliteral(L, "");
        push_series(L, 1, family);
        family->only = lua_touserdata(L, -1);
    }
    lua_settop(L, 1);
    return 1;
}

/* core.put(family, value): of one without labels, also a counter's. What the
 * image counts elsewhere is no use of its own: nothing is noted. */
static int core_put(lua_State *L)
{
    struct lunik_metrics_family *family = lunik_metrics_check_family(L, 1);
    double value = luaL_checknumber(L, 2);

    luaL_argcheck(L, family->label_count == 0, 1, "it has labels");
    find_series(L, family)->value = value;
    return 0;
}

static void set_methods(lua_State *L, const char *type, const luaL_Reg *methods)
{
    luaL_newmetatable(L, type);
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

static int luaopen_lunik_metrics_core(lua_State *L)
{
    static const luaL_Reg family_methods[] = {
        { "inc", family_inc },         { "dec", family_dec },
        { "set", family_set },         { "observe", family_observe },
        { "labels", family_labels },   { "value", family_value },
        { "dropped", family_dropped }, { NULL, NULL },
    };
    static const luaL_Reg series_methods[] = {
        { "inc", series_inc }, { "dec", series_dec },
        { "set", series_set }, { "observe", series_observe },
        { NULL, NULL },
    };
    static const luaL_Reg functions[] = {
        { "family", core_family },
        { "start", core_start },
        { "put", core_put },
        { "render", lunik_metrics_render },
        { "figures", lunik_metrics_figures },
        { "set_lag", lunik_metrics_set_lag },
        { "set_pauses", lunik_metrics_set_pauses },
        { NULL, NULL },
    };

    set_methods(L, LUNIK_METRICS_FAMILY, family_methods);
    set_methods(L, LUNIK_METRICS_SERIES, series_methods);
    luaL_newlib(L, functions);
    return 1;
}

LUNIK_MODULE(lunik_metrics_core, "lunik.metrics.core",
             luaopen_lunik_metrics_core)
