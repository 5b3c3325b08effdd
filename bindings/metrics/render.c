/* SPDX-License-Identifier: MIT */
/* render.c: families as Prometheus' text format, 0.0.4. */
#include "metrics.h"

#include <lauxlib.h>
#include <lunik/utf8.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 32

/* The text as a value between quotes: escapes for \, " and the end of a line;
 * bytes that are no UTF-8, and control characters, become U+FFFD. */
bool lunik_metrics_push_quoted(lua_State *L, const char *text, size_t size)
{
    bool is_exact = true;
    const unsigned char *s = (const unsigned char *)text;
    size_t i, length;
    luaL_Buffer b;

    luaL_buffinit(L, &b);
    for (i = 0; i < size; i += length) {
        length = lunik_utf8_length(s + i, size - i);
        if (length == 0 || (s[i] < 0x20 && s[i] != '\n') || s[i] == 0x7F) {
            luaL_addstring(&b, "\xEF\xBF\xBD");
            length = 1;
            is_exact = false;
        } else if (s[i] == '\n') {
            luaL_addstring(&b, "\\n");
        } else {
            if (s[i] == '"' || s[i] == '\\')
                luaL_addchar(&b, '\\');
            luaL_addlstring(&b, text + i, length);
        }
    }
    luaL_pushresult(&b);
    return is_exact;
}

/* The shortest text that reads back as (value). */
static void format_number(char out[NUMBER_MAX], double value)
{
    int digits;

    if (isnan(value)) {
        memcpy(out, "NaN", 4);
    } else if (isinf(value)) {
        memcpy(out, value > 0 ? "+Inf" : "-Inf", 5);
    } else if (value == floor(value) && fabs(value) < 1e15) {
        snprintf(out, NUMBER_MAX, "%.0f", value);
    } else {
        for (digits = 15; digits <= 17; digits++) {
            snprintf(out, NUMBER_MAX, "%.*g", digits, value);
            if (strtod(out, NULL) == value)
                break;
        }
    }
}

/* One line: name, suffix, labels with another one behind, value. */
static void add_line(luaL_Buffer *b, const char *name, const char *suffix,
                     const char *labels, const char *le, const char *value)
{
    luaL_addstring(b, name);
    luaL_addstring(b, suffix);
    if (*labels != '\0' || le != NULL) {
        luaL_addchar(b, '{');
        luaL_addstring(b, labels);
        if (le != NULL) {
            luaL_addstring(b, *labels != '\0' ? ",le=\"" : "le=\"");
            luaL_addstring(b, le);
            luaL_addchar(b, '"');
        }
        luaL_addchar(b, '}');
    }
    luaL_addchar(b, ' ');
    luaL_addstring(b, value);
    luaL_addchar(b, '\n');
}

static void add_count(luaL_Buffer *b, const char *name, const char *suffix,
                      const char *labels, const char *le, uint64_t count)
{
    char text[NUMBER_MAX];

    snprintf(text, sizeof(text), "%llu", (unsigned long long)count);
    add_line(b, name, suffix, labels, le, text);
}

static void add_histogram(luaL_Buffer *b, const char *name, const char *labels,
                          const struct lunik_metrics_series *series)
{
    const struct lunik_metrics_family *family = series->family;
    char text[NUMBER_MAX];
    uint64_t count = 0;
    unsigned i;

    for (i = 0; i < family->bound_count; i++) {
        count += series->buckets[i];
        format_number(text, family->bounds[i]);
        add_count(b, name, "_bucket", labels, text, count);
    }
    add_count(b, name, "_bucket", labels, "+Inf", series->count);
    format_number(text, series->value);
    add_line(b, name, "_sum", labels, NULL, text);
    add_count(b, name, "_count", labels, NULL, series->count);
}

/* render_series(series, name) -> its lines. (A buffer wants the stack's top
 * for itself, so the strings lie below it.) */
static void push_lines(lua_State *L, int series_at, const char *name)
{
    const struct lunik_metrics_series *series = lua_touserdata(L, series_at);
    const char *labels;
    char text[NUMBER_MAX];
    luaL_Buffer b;

    lua_getiuservalue(L, series_at, 1);
    labels = lua_tostring(L, -1);
    luaL_buffinit(L, &b);
    if (series->family->kind == LUNIK_METRICS_HISTOGRAM) {
        add_histogram(&b, name, labels, series);
    } else {
        format_number(text, series->value);
        add_line(&b, name, "", labels, NULL, text);
    }
    luaL_pushresult(&b);
    lua_remove(L, -2);
}

/* core.render(family, parts): appends the family's text to the list. */
int lunik_metrics_render(lua_State *L)
{
    const struct lunik_metrics_family *family =
        lunik_metrics_check_family(L, 1);
    lua_Integer count, at, i;
    const char *name;

    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    at = (lua_Integer)lua_rawlen(L, 2);
    lua_getiuservalue(L, 1, 3);
    lua_rawgeti(L, 3, 1);
    name = lua_tostring(L, 4);
    lua_getiuservalue(L, 1, 2); /* at 5 */
    count = (lua_Integer)family->series_count;
    for (i = 1; i <= count; i++) {
        lua_rawgeti(L, 5, i);
        push_lines(L, 6, name);
        lua_rawseti(L, 2, ++at);
        lua_settop(L, 5);
    }
    return 0;
}
