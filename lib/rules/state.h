/* SPDX-License-Identifier: Apache-2.0 */
/* state.h - the table of state.def: what parameters keep between steps. */
#ifndef RAVINE_UPDATE_STATE_H
#define RAVINE_UPDATE_STATE_H

#include "ravine.h"

#include <stdbool.h>

/* How many numbers a state has, for a parameter of shape [.., n, m]. X(NAME, name) */
#define EXTENT_LIST(X)                                                    \
    X(ELEMENT, "element")             /* one for each element */          \
    X(VECTOR, "vector")               /* the same; matrices have none */  \
    X(ROW, "row")                     /* [.., n, 1]; vectors have none */ \
    X(COLUMN, "column")               /* [.., 1, m]; vectors have none */ \
    X(ROW_SQUARE, "row square")       /* [.., n, n]; vectors have none */ \
    X(COLUMN_SQUARE, "column square") /* [.., m, m]; vectors have none */ \
    X(SCALAR, "scalar")               /* one */                           \
    X(WATCHED, "watched")             /* one for each element that is watched */

#define X(NAME, name) EXTENT_##NAME,
typedef enum state_extent { EXTENT_LIST(X) } state_extent;
#undef X

#define STATE(NAME, key, extent, dtype, begins, when, late) STATE_##NAME,
typedef enum state_kind {
#include "rules/state.def"
    STATE_COUNT
} state_kind;
#undef STATE

typedef struct state_row {
    ravine_state_info info;
    state_extent extent;
    int32_t dtype; /* 0: that of the parameter */
    int32_t begins, when;
    bool late;
} state_row;

const state_row *ravine_state_row(state_kind kind);

/* What of a parameter decides about its state. */
typedef struct state_owner {
    const int64_t *shape; /* [ndim] */
    int32_t ndim, dtype;
    int64_t watched; /* elements that are watched */
    bool watch;
} state_owner;

/* The kinds that a parameter keeps under a config, the rule's own first; their number. */
int ravine_states(const ravine_config *c, const state_owner *owner, state_kind kind[STATE_COUNT]);

/* The kinds of a config whose rule is that of `has` and which `has` has none of: the first, or
 * STATE_COUNT. */
state_kind ravine_states_lack(const ravine_config *has, const ravine_config *wants);

/* Whether a state is one number without sides, kept in float64. */
bool ravine_state_is_scalar(state_kind kind);
int32_t ravine_state_dtype(state_kind kind, const state_owner *owner);
/* Its sides into shape[owner->ndim], or one for what is watched; their number. */
int32_t ravine_state_shape(state_extent extent, const state_owner *owner, int64_t *shape);
/* The value that all its numbers begin with. */
double ravine_state_begins(state_kind kind, const ravine_config *c);

#endif
