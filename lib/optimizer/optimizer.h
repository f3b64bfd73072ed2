/* SPDX-License-Identifier: Apache-2.0 */
/* optimizer.h - what an optimizer is made of. Its rooms: create.c (life, groups, memory), params.c
 * (adding and binding), settings in group.c, views.c, step.c (the order of a step),
 * optimizer_stats.c. */
#ifndef RAVINE_OPTIMIZER_OPTIMIZER_H
#define RAVINE_OPTIMIZER_OPTIMIZER_H

#include "backend/backend.h"
#include "ravine.h"
#include "rules/rules.h"
#include "rules/state.h"

/* What is remembered of the watched elements of a parameter, which lie one after the other here. A
 * step without a gradient leaves it as it is. */
typedef struct watching {
    int64_t len;         /* watched elements */
    void *update;        /* [len] the last one, of the parameter's type; NULL: nobody watches */
    uint8_t *signs;      /* [len] of the last two gradients: kernel_block */
    double slope, steps; /* <g, u> of the last step over them; steps that are known: 0, 1 or 2 */
    double slope_before, steps_before; /* the same before the last step */
    watch_statistics *statistics;      /* [watched_blocks] of the last step */
} watching;

/* One array or number that a parameter keeps: a row of state.def, as it is for this parameter. */
typedef struct param_state {
    const char *key;
    state_kind kind;
    int32_t dtype, ndim;
    int64_t len;
    const int64_t *shape; /* [ndim] */
    void *data;           /* [len] */
} param_state;

/* One parameter, with everything a step needs of it. */
typedef struct param {
    const char *name;
    const int64_t *shape; /* [ndim] */
    int64_t len;
    int32_t dtype, group, ndim;
    void *data, *grad;   /* the caller's; grad NULL: none now */
    param_state *states; /* [nstates] in the order of their keys */
    int32_t nstates;
    void *array[STATE_ARRAYS_MAX]; /* of these the kernel's, in its order; then NULL */
    void *ema;                     /* the same; NULL: no average of the weights */
    void *row, *column;            /* the same: of mean squares; NULL: there are none */
    double *matrix_mean;           /* [matrices of the last two dimensions] of `row`, in a step */
    int64_t step_count;
    int64_t attempt; /* the last step in which it had a gradient, counted as attempts */
    double scalar[RULE_SCALARS_MAX], next_scalar[RULE_SCALARS_MAX];
    update_kernel update;
    norm_kernel norm;
    look_kernel look; /* NULL: no step waits for the whole tensor */
    fold_kernel fold;
    const kernel_coefficients *coefficients; /* of this step: its own or those of a neighbour */
    kernel_coefficients own;
    block_statistics *statistics; /* [blocks of len] */
    watching watched;
} param;

/* Three orders of the parameters, in one allocation that grows with them. The last one is made by
 * every step. */
typedef struct param_slot {
    param *added;        /* slot i: parameter number i */
    param *by_name;      /* sorted */
    param *active;       /* the first nactive: those with a gradient in this step, in order */
    int64_t first_block; /* of active, among all blocks of the step */
} param_slot;

/* The memory of the parameters of one ravine_add: the params themselves, names, state. */
typedef struct batch {
    struct batch *next;
    size_t bytes;
} batch;

/* Sums over blocks, parameters, groups: of all elements, and of the watched ones. X(type, name) */
#define TOTAL_LIST(X)                                                                  \
    X(double, gradient2)                                                               \
    X(double, update2)                                                                 \
    X(double, param2)                                                                  \
    X(double, slope)                                                                   \
    X(int64_t, nonfinite)      /* gradients that were refused */                       \
    X(double, slope_before)    /* <g, u> of the step before, of those that made one */ \
    X(double, flip_weight)     /* g^2 of those whose last sign is known */             \
    X(double, flip_two_weight) /* and the one before it */                             \
    X(int64_t, arrivals)       /* elements that made a step before */                  \
    X(int64_t, with_momentum)

typedef struct totals {
#define X(type, name) type name;
    TOTAL_LIST(X)
#undef X
    watch_statistics watched;
    int64_t nonfinite_param, nonfinite_index; /* the first, or -1 */
} totals;

typedef struct group {
    ravine_config config; /* as set */
    ravine_config now;    /* with schedules applied, of the last step */
    ravine_config next;   /* of the step that is being made, if any is scheduled */
    ravine_schedule *schedule[RAVINE_SETTING_COUNT]; /* NULL: the config's number */
    kernel_shape shape;
    int64_t nparams;
    param *latest; /* the parameter whose coefficients were made last in this step */
    totals totals; /* of the last step */
} group;

/* What is asked about a step after it. */
typedef struct step_outcome {
    bool has_stats; /* there was a stats */
    bool updated;   /* it was not skipped */
    double clip;    /* factor on its gradients */
} step_outcome;

struct ravine_optimizer {
    ravine_env env;
    const backend *backend;
    int64_t bytes; /* held */
    const isa_kernels *kernels;
    int64_t ahead;     /* bytes of a kernel_block */
    ravine_pool *pool; /* NULL: one thread, or the caller's executor */
    ravine_options options;

    group *groups;
    int32_t ngroups;
    param_slot *slots;
    int64_t nparams;
    batch *batches;

    int64_t steps, attempts;
    step_outcome last;
};

/* Memory through the environment's allocator, counted; NULL when there is none. */
void *ravine_memory_take(ravine_optimizer *o, size_t bytes);
void ravine_memory_give(ravine_optimizer *o, void *memory, size_t bytes);

/* "group 1" and "group 1 at step 20", for messages. */
typedef struct group_name {
    char text[48];
} group_name;
group_name ravine_group_name(int32_t index);
group_name ravine_group_name_at(int32_t index, int64_t step);

/* Clocks and steps that come from outside: whole doubles, far from the end of an int64_t. */
#define STEPS_MAX ((int64_t)1 << 53)

/* The settings of a group at a step: its numbers, and what its schedules say then. */
void ravine_group_at(const group *g, int64_t step, ravine_config *settings);
/* OK if its settings are in bounds, each and together, wherever a schedule turns. */
ravine_status ravine_group_check(const group *g, int32_t index);

static inline int64_t block_count(int64_t len) {
    return len / BLOCK_ELEMENTS + (len % BLOCK_ELEMENTS != 0);
}
/* Chunks of a parameter from one that is watched to the next. */
static inline int64_t watch_every(int64_t len) {
    int64_t every = 1;
    while (every < WATCH_EVERY_MOST && every < block_count(len)) every *= 2;
    return every;
}
/* Blocks of a parameter from one with a watched chunk to the next, and how many such there are. */
static inline int64_t watched_block_step(int64_t len) {
    const int64_t step = watch_every(len) * CHUNK_ELEMENTS / BLOCK_ELEMENTS;
    return step > 1 ? step : 1;
}
static inline int64_t watched_blocks(int64_t len) {
    const int64_t step = watched_block_step(len);
    return block_count(len) / step + (block_count(len) % step != 0);
}
/* The elements that are watched: only the last chunk of a parameter is short. */
static inline int64_t watched_len(int64_t len) {
    const int64_t period = watch_every(len) * CHUNK_ELEMENTS, rest = len % period;
    return len / period * CHUNK_ELEMENTS + (rest < CHUNK_ELEMENTS ? rest : CHUNK_ELEMENTS);
}

/* Of a parameter whose last two dimensions make matrices: their sides, and how many there are. */
typedef struct matrix_sides {
    int64_t rows, columns, count;
} matrix_sides;
static inline matrix_sides ravine_matrix_sides(const param *p) {
    matrix_sides s = {p->shape[p->ndim - 2], p->shape[p->ndim - 1], 0};
    if (p->len) s.count = p->len / (s.rows * s.columns);
    return s;
}

/* Parameter number i, in the order of adding. */
static inline param *ravine_param_of(const ravine_optimizer *o, int64_t i) {
    return o->slots[i].added;
}
/* What the last step did, of all groups. */
ravine_step_stats ravine_stats_all(const ravine_optimizer *o);

/* What a parameter keeps under a key; NULL: nothing. */
const param_state *ravine_state_of(const param *p, const char *key);

#endif
