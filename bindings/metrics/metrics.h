/* SPDX-License-Identifier: MIT */
/*
 * metrics.h: what the files of lunik.metrics.core tell each other.
 *
 * A family is a user value with one series for each combination of its labels'
 * values. Its Lua values:
 *   1  series of one key after another: value -> table -> … -> series
 *   2  the list of all series, in the order they came
 *   3  the name, the help text, the names of the labels: a list
 *   4  series by the text of their labels
 * A series has the text of its labels, `method="GET",status="200"`, as its
 * value 1.
 */
#ifndef LUNIK_METRICS_H
#define LUNIK_METRICS_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LUNIK_METRICS_FAMILY "lunik.metrics.family"
#define LUNIK_METRICS_SERIES "lunik.metrics.series"

#define LUNIK_METRICS_LABELS_MAX 8
#define LUNIK_METRICS_BUCKETS_MAX 64
#define LUNIK_METRICS_VALUE_MAX 128 /* bytes of a label's value that count */

enum lunik_metrics_kind {
    LUNIK_METRICS_COUNTER,
    LUNIK_METRICS_GAUGE,
    LUNIK_METRICS_HISTOGRAM,
};

/* Each object begins with its mark, the address of a thing that is only for
 * that: telling objects apart by their metatables' names costs more than all of
 * the counting. */
extern const char lunik_metrics_family_mark, lunik_metrics_series_mark;

struct lunik_metrics_family {
    const char *mark;
    struct lunik_metrics_series *only; /* of a family without labels */
    enum lunik_metrics_kind kind;
    unsigned label_count;
    unsigned bound_count;
    size_t series_count, series_max;
    uint64_t dropped; /* updates that went to the series of the others */
    double bounds[];
};

struct lunik_metrics_series {
    const char *mark;
    const struct lunik_metrics_family *family; /* which lives as long */
    double value;                              /* of a histogram: the sum */
    uint64_t count;                            /* of a histogram */
    uint64_t buckets[]; /* not cumulative; the last is beyond all bounds */
};

/* family.c */
void lunik_metrics_add(struct lunik_metrics_series *series, double value);
struct lunik_metrics_family *lunik_metrics_check_family(lua_State *L, int arg);

/* render.c. Pushes (text) as it may stand between the quotes of a label's
 * value. Returns: whether nothing in it had to be replaced. */
int lunik_metrics_render(lua_State *L);
bool lunik_metrics_push_quoted(lua_State *L, const char *text, size_t size);

/* lag.c: a probe of how late the event loop is, while something is counted. */
void lunik_metrics_note_use(void);
int lunik_metrics_set_lag(lua_State *L);

/* figures.c */
int lunik_metrics_figures(lua_State *L);
int lunik_metrics_set_pauses(lua_State *L);
struct lunik_metrics_series *lunik_metrics_keep(lua_State *L, const void *key,
                                                lua_CFunction gc);

#endif
