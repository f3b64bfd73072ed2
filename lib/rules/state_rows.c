/* SPDX-License-Identifier: Apache-2.0 */
/* The table of state.def, and what follows from it for a parameter. */
#include "rules/state.h"

#include "rules/rules.h"

#include <string.h>

/* state.def names settings without their prefix. */
enum {
#define RAVINE_X(NAME, value, name, kind, interval, text) NAME = value,
    RAVINE_SETTING_LIST(RAVINE_X)
#undef RAVINE_X
};
enum { ZERO = -1, ONE = -2 };       /* begins, where it is no setting */
enum { ALWAYS = -1, WATCHED = -2 }; /* when, where it is none */
enum { NOT, MAY };
enum { OWN, F64 = RAVINE_F64, U8 = RAVINE_U8 };

#define X(NAME, name) char NAME[sizeof(name)];
static const struct extent_names {
    EXTENT_LIST(X)
#undef X
#define X(NAME, name) .NAME = name,
} extent_names = {EXTENT_LIST(X)};
#undef X

static const state_row rows[STATE_COUNT] = {
#define STATE(NAME, key_, extent_, dtype_, begins_, when_, late_)            \
    [STATE_##NAME] = {.info = {.key = key_, .extent = extent_names.extent_}, \
                      .extent = EXTENT_##extent_,                            \
                      .dtype = dtype_,                                       \
                      .begins = begins_,                                     \
                      .when = when_,                                         \
                      .late = (late_) == MAY},
#include "rules/state.def"
#undef STATE
};

static const state_kind common[] = {STATE_EMA, STATE_WATCHED_UPDATE, STATE_WATCHED_SIGNS,
                                    STATE_WATCHED_SLOPE, STATE_WATCHED_STEPS};
enum { COMMON_STATES = sizeof common / sizeof *common };

const state_row *ravine_state_row(state_kind kind) {
    return &rows[kind];
}

const ravine_state_info *ravine_state_describe(int state) {
    return state >= 0 && state < STATE_COUNT ? &rows[state].info : NULL;
}

/* ---- which there are ---- */

/* The field of a setting: they lie in the order of their numbers (optimizer/settings.c). */
static double setting_of(const ravine_config *c, int32_t setting) {
    double value;
    const size_t at = offsetof(ravine_config, lr) + (size_t)setting * sizeof value;
    memcpy(&value, (const char *)c + at, sizeof value);
    return value;
}

/* Whether settings and environment want it. */
static bool is_wanted(const state_row *row, const ravine_config *c, bool watch) {
    if (row->when == WATCHED) return watch;
    return row->when == ALWAYS || setting_of(c, row->when) != 0;
}

/* Whether a parameter of so many dimensions has such a thing. */
static bool has_extent(state_extent extent, int32_t ndim) {
    switch (extent) {
    case EXTENT_VECTOR: return ndim < 2;
    case EXTENT_ROW:
    case EXTENT_COLUMN:
    case EXTENT_ROW_SQUARE:
    case EXTENT_COLUMN_SQUARE: return ndim >= 2;
    case EXTENT_ELEMENT:
    case EXTENT_SCALAR:
    case EXTENT_WATCHED: break;
    }
    return true;
}

int ravine_states(const ravine_config *c, const state_owner *owner, state_kind kind[STATE_COUNT]) {
    const ravine_rule_info *rule = ravine_rule_describe(c->rule);
    int n = 0;
    for (int k = 0; k < rule->nstates + COMMON_STATES; k++) {
        const state_kind next =
            k < rule->nstates ? (state_kind)rule->state[k] : common[k - rule->nstates];
        if (is_wanted(&rows[next], c, owner->watch) && has_extent(rows[next].extent, owner->ndim))
            kind[n++] = next;
    }
    return n;
}

state_kind ravine_states_lack(const ravine_config *has, const ravine_config *wants) {
    state_kind kind[STATE_COUNT];
    const state_owner any = {.ndim = 1};
    const int n = ravine_states(wants, &any, kind);
    for (int k = 0; k < n; k++)
        if (!is_wanted(&rows[kind[k]], has, false)) return kind[k];
    return STATE_COUNT;
}

/* ---- what each is ---- */

bool ravine_state_is_scalar(state_kind kind) {
    return rows[kind].extent == EXTENT_SCALAR;
}

int32_t ravine_state_dtype(state_kind kind, const state_owner *owner) {
    return rows[kind].dtype ? rows[kind].dtype : owner->dtype;
}

int32_t ravine_state_shape(state_extent extent, const state_owner *owner, int64_t *shape) {
    const int32_t ndim = owner->ndim;
    if (extent == EXTENT_SCALAR) return 0;
    if (extent == EXTENT_WATCHED) return *shape = owner->watched, 1;
    if (ndim) memcpy(shape, owner->shape, (size_t)ndim * sizeof *shape);
    switch (extent) {
    case EXTENT_ROW: shape[ndim - 1] = 1; break;
    case EXTENT_COLUMN: shape[ndim - 2] = 1; break;
    case EXTENT_ROW_SQUARE: shape[ndim - 1] = shape[ndim - 2]; break;
    case EXTENT_COLUMN_SQUARE: shape[ndim - 2] = shape[ndim - 1]; break;
    case EXTENT_ELEMENT:
    case EXTENT_VECTOR:
    case EXTENT_SCALAR:
    case EXTENT_WATCHED: break;
    }
    return ndim;
}

double ravine_state_begins(state_kind kind, const ravine_config *c) {
    const int32_t begins = rows[kind].begins;
    return begins == ONE ? 1 : begins == ZERO ? 0 : setting_of(c, begins);
}
