/* SPDX-License-Identifier: Apache-2.0 */
/* Adding parameters: checks, layout of their state in one allocation, names. */
#include "base/sized.h"
#include "optimizer/param_names.h"
#include "text/error.h"

#include <string.h>

#define ARRAY_ALIGNMENT 64
/* Large arrays start at different offsets from a page, or their loads and stores get in each
 * other's way in the cache ("4K aliasing"; docs/decisions/stagger.md). */
#define STAGGER_BYTES 256
#define STAGGER_FROM  (16 * 1024)
#define PAGE_BYTES    4096
#define SHAPE_MAX     64 /* dimensions */

/* Walks over a batch's memory: with base NULL it only measures. */
typedef struct layout {
    char *base;
    size_t at;
    unsigned stagger;
    bool overflow;
} layout;

static void *place(layout *l, size_t count, size_t size) {
    size_t bytes, end;
    l->at += (ARRAY_ALIGNMENT - l->at % ARRAY_ALIGNMENT) % ARRAY_ALIGNMENT;
    l->overflow |= __builtin_mul_overflow(count, size, &bytes);
    if (bytes >= STAGGER_FROM) {
        const size_t wanted = l->stagger++ * STAGGER_BYTES % PAGE_BYTES;
        l->at += (PAGE_BYTES + wanted - l->at % PAGE_BYTES) % PAGE_BYTES;
    }
    void *start = l->base ? l->base + l->at : NULL;
    l->overflow |= __builtin_add_overflow(l->at, bytes, &end) || end > INT64_MAX / 2;
    l->at = l->overflow ? 0 : end;
    return start;
}

static void *place_copy(layout *l, const void *from, size_t bytes) {
    void *to = place(l, bytes, 1);
    if (to && bytes) memcpy(to, from, bytes);
    return to;
}

static int64_t product_of(const int64_t *side, int32_t n) {
    int64_t product = 1;
    for (int32_t k = 0; k < n; k++) product *= side[k]; /* no state is larger than its parameter */
    return product;
}

/* Where a number of its own lies in a parameter: those of the rule in their order. */
static double *scalar_of(param *p, state_kind kind, int *of_rule) {
    if (kind == STATE_WATCHED_SLOPE) return &p->watched.slope;
    if (kind == STATE_WATCHED_STEPS) return &p->watched.steps;
    return &p->scalar[(*of_rule)++];
}

static param_state place_state(layout *l, state_kind kind, const state_owner *owner, param *p,
                               int *scalars) {
    int64_t sides[SHAPE_MAX];
    param_state s = {.key = ravine_state_row(kind)->info.key,
                     .kind = kind,
                     .dtype = ravine_state_dtype(kind, owner),
                     .ndim = ravine_state_shape(ravine_state_row(kind)->extent, owner, sides)};
    s.len = product_of(sides, s.ndim);
    const bool as_parameter = s.ndim == p->ndim && s.len == p->len;
    s.shape = as_parameter ? p->shape : place_copy(l, sides, (size_t)s.ndim * sizeof *sides);
    s.data = ravine_state_is_scalar(kind)
                 ? (void *)scalar_of(p, kind, scalars)
                 : place(l, (size_t)s.len, (size_t)ravine_dtype_bits(s.dtype) / 8);
    return s;
}

/* Where the passes find what they walk over. */
static void note_array(param *p, const param_state *s, int *arrays) {
    switch (s->kind) {
    case STATE_EMA: p->ema = s->data; return;
    case STATE_WATCHED_UPDATE: p->watched.update = s->data; return;
    case STATE_WATCHED_SIGNS: p->watched.signs = s->data; return;
    default: break;
    }
    switch (ravine_state_row(s->kind)->extent) {
    case EXTENT_ELEMENT:
    case EXTENT_VECTOR: p->array[(*arrays)++] = s->data; break;
    case EXTENT_ROW: p->row = s->data; break;
    case EXTENT_COLUMN: p->column = s->data; break;
    case EXTENT_ROW_SQUARE:
    case EXTENT_COLUMN_SQUARE:
    case EXTENT_SCALAR:
    case EXTENT_WATCHED: break;
    }
}

static void place_states(layout *l, const group *g, bool watch, param *p) {
    state_kind kind[STATE_COUNT];
    const state_owner owner = {.shape = p->shape,
                               .ndim = p->ndim,
                               .dtype = p->dtype,
                               .watched = watched_len(p->len),
                               .watch = watch};
    p->nstates = ravine_states(&g->config, &owner, kind);
    p->states = place(l, (size_t)p->nstates, sizeof *p->states);
    int arrays = 0, scalars = 0;
    for (int k = 0; k < p->nstates; k++) {
        const param_state s = place_state(l, kind[k], &owner, p, &scalars);
        note_array(p, &s, &arrays);
        if (p->states) p->states[k] = s;
        if (ravine_state_row(kind[k])->extent == EXTENT_ROW)
            p->matrix_mean = place(l, (size_t)ravine_matrix_sides(p).count, sizeof *p->matrix_mean);
    }
}

/* One parameter in the batch: where its name, shape, statistics and state are. */
static void place_param(layout *l, const group *g, bool watch, const ravine_param *p, param *out) {
    *out = (param){.len = p->len,
                   .dtype = p->dtype,
                   .group = p->group,
                   .ndim = p->shape ? p->ndim : 1,
                   .data = p->data,
                   .grad = p->grad};
    out->name = place_copy(l, p->name, strlen(p->name) + 1);
    const int64_t *shape = p->shape ? p->shape : &p->len;
    out->shape = place_copy(l, shape, (size_t)out->ndim * sizeof *shape);
    if (!out->shape) out->shape = shape; /* it is only measured */
    out->statistics = place(l, (size_t)block_count(p->len), sizeof *out->statistics);
    if (watch) {
        watching *w = &out->watched;
        w->len = watched_len(p->len);
        w->statistics = place(l, (size_t)watched_blocks(p->len), sizeof *w->statistics);
    }
    place_states(l, g, watch, out);
}

/* Parameter i of an array whose elements have the size that they have for the caller. */
static ravine_status read_param(const ravine_param *p, int64_t i, ravine_param *own) {
    const ravine_param *at = (const void *)((const char *)p + (size_t)i * p->size);
    *own = (ravine_param){0};
    if (at->size != p->size)
        return ravine_fail(RAVINE_E_ARG, "size of parameter %lld is %u, that of parameter 0 is %u",
                           (long long)i, at->size, p->size);
    return ravine_sized_read(&ravine_sized_param, own, at);
}

/* Lays out n parameters; `params` is a place to write one (measuring) or all of them (placing). */
static layout place_batch(const ravine_optimizer *o, const ravine_param *p, int64_t n, char *base) {
    layout l = {.base = base};
    param scratch;
    place(&l, 1, sizeof(batch));
    param *params = place(&l, (size_t)n, sizeof *params);
    for (int64_t i = 0; i < n; i++) {
        ravine_param own;
        (void)read_param(p, i, &own); /* it is checked */
        place_param(&l, &o->groups[own.group], o->env.statistics != 0, &own,
                    params ? &params[i] : &scratch);
    }
    return l;
}

static const char *dtype_name(int32_t dtype) {
    const char *name = ravine_dtype_name(dtype);
    return name ? name : "unknown";
}

static ravine_status check_shape(const ravine_param *p) {
    if (!p->shape) return RAVINE_OK;
    if (p->ndim < 0 || p->ndim > SHAPE_MAX)
        return ravine_fail(RAVINE_E_RANGE, "ndim of %s is %d; it must be in [0, %d]", p->name,
                           p->ndim, SHAPE_MAX);
    int64_t product = 1;
    bool empty = false;
    for (int32_t k = 0; k < p->ndim; k++) {
        if (p->shape[k] < 0)
            return ravine_fail(RAVINE_E_RANGE, "shape[%d] of %s is %lld; it must be at least 0", k,
                               p->name, (long long)p->shape[k]);
        empty |= p->shape[k] == 0;
        if (!empty && __builtin_mul_overflow(product, p->shape[k], &product))
            return ravine_fail(RAVINE_E_RANGE, "the shape of %s has more than %lld elements",
                               p->name, (long long)INT64_MAX);
    }
    if (empty) product = 0;
    if (product != p->len)
        return ravine_fail(RAVINE_E_ARG, "the shape of %s has %lld elements, but its len is %lld",
                           p->name, (long long)product, (long long)p->len);
    return RAVINE_OK;
}

/* Numbers where the caller says they are: `what` is "data" or "grad". */
static ravine_status check_place(const char *name, const char *what, const void *numbers,
                                 int64_t len, int32_t dtype) {
    if (len == 0) return RAVINE_OK;
    if (!numbers)
        return ravine_fail(RAVINE_E_ARG, "%s of %s is NULL, but its len is %lld", what, name,
                           (long long)len);
    const size_t size = ravine_dtype_bytes(dtype);
    if ((uintptr_t)numbers % size == 0) return RAVINE_OK;
    return ravine_fail(RAVINE_E_ARG, "%s of %s is at the address %p; it must be a multiple of %zu",
                       what, name, numbers, size);
}

static ravine_status check_param(const ravine_optimizer *o, const ravine_param *p, int64_t i) {
    ravine_status status = ravine_param_name_check(p->name, i);
    if (status) return status;
    if (!ravine_computed(p->dtype))
        return ravine_fail(RAVINE_E_UNSUPPORTED, "dtype of %s is %d (%s); it must be F32 or F64",
                           p->name, p->dtype, dtype_name(p->dtype));
    if (p->grad_dtype != 0 && p->grad_dtype != p->dtype)
        return ravine_fail(RAVINE_E_UNSUPPORTED,
                           "grad_dtype of %s is %s; it must be that of the data", p->name,
                           dtype_name(p->grad_dtype));
    if (p->group < 0 || p->group >= o->ngroups)
        return ravine_fail(RAVINE_E_RANGE, "group of %s is %d; it must be in [0, %d]", p->name,
                           p->group, o->ngroups - 1);
    if (p->len < 0)
        return ravine_fail(RAVINE_E_RANGE, "len of %s is %lld; it must be at least 0", p->name,
                           (long long)p->len);
    status = check_place(p->name, "data", p->data, p->len, p->dtype);
    if (!status && p->grad) status = check_place(p->name, "grad", p->grad, p->len, p->dtype);
    return status ? status : check_shape(p);
}

/* The layout of n checked parameters and the bytes that they take, slots included. */
static ravine_status measure(const ravine_optimizer *o, const ravine_param *p, int64_t n,
                             size_t *batch_bytes) {
    if (!o || (!p && n)) return ravine_fail(RAVINE_E_ARG, "an argument is NULL");
    if (n < 0 || n > INT32_MAX - o->nparams)
        return ravine_fail(RAVINE_E_RANGE, "%lld parameters are added; %lld is the most in all",
                           (long long)n, (long long)INT32_MAX);
    for (int64_t i = 0; i < n; i++) {
        ravine_param own;
        ravine_status status = read_param(p, i, &own);
        if (!status) status = check_param(o, &own, i);
        if (status) return status;
    }
    const layout l = place_batch(o, p, n, NULL);
    if (l.overflow) return ravine_fail(RAVINE_E_RANGE, "the state is larger than an address");
    *batch_bytes = l.at;
    return RAVINE_OK;
}

ravine_status ravine_state_bytes(const ravine_optimizer *o, const ravine_param *p, int64_t n,
                                 int64_t *bytes) {
    size_t batch_bytes;
    if (!bytes) return ravine_fail(RAVINE_E_ARG, "bytes of ravine_state_bytes is NULL");
    const ravine_status status = measure(o, p, n, &batch_bytes);
    if (status) return status;
    *bytes = n ? (int64_t)(batch_bytes + (size_t)n * sizeof(param_slot)) : 0;
    return RAVINE_OK;
}

static void fill(void *array, int32_t dtype, int64_t len, double value) {
    for (int64_t i = 0; i < len; i++) dtype_store(dtype, array, i, value);
}

/* What a new parameter needs beyond zeroed state. */
static void prepare(const ravine_optimizer *o, param *p) {
    const group *g = &o->groups[p->group];
    const kernel_set *set = &o->kernels->of[ravine_computed(p->dtype)->index];
    const int kernel = ravine_kernel_find(g->shape);
    p->update = set->update[kernel];
    p->norm = set->norm;
    p->look = set->look[kernel];
    p->fold = set->fold;
    for (int32_t k = 0; k < p->nstates; k++) {
        const param_state *s = &p->states[k];
        const double begins = ravine_state_begins(s->kind, &g->config);
        if (begins != 0) fill(s->data, s->dtype, s->len, begins);
    }
}

ravine_status ravine_add(ravine_optimizer *o, const ravine_param *p, int64_t n) {
    size_t bytes;
    ravine_status status = measure(o, p, n, &bytes);
    if (status || n == 0) return status;
    const size_t total = (size_t)(o->nparams + n);
    batch *b = ravine_memory_take(o, bytes);
    param_slot *slots = b ? ravine_memory_take(o, total * sizeof *slots) : NULL;
    if (!slots) {
        ravine_memory_give(o, b, bytes);
        return RAVINE_E_NOMEM;
    }
    place_batch(o, p, n, (char *)b);
    layout l = {.base = (char *)b};
    place(&l, 1, sizeof *b);
    param *params = place(&l, (size_t)n, sizeof *params);

    for (int64_t i = 0; i < o->nparams; i++) slots[i].by_name = o->slots[i].by_name;
    for (int64_t i = 0; i < n; i++) slots[o->nparams + i].by_name = &params[i];
    status = ravine_param_names_sort(slots, (int64_t)total);
    if (status) {
        ravine_memory_give(o, slots, total * sizeof *slots);
        ravine_memory_give(o, b, bytes);
        return status;
    }
    /* In their order, which the sort would have lost. */
    for (int64_t i = 0; i < o->nparams; i++) slots[i].added = o->slots[i].added;
    for (int64_t i = 0; i < n; i++) {
        slots[o->nparams + i].added = &params[i];
        prepare(o, &params[i]);
        o->groups[params[i].group].nparams++;
    }
    ravine_memory_give(o, o->slots, (size_t)o->nparams * sizeof *slots);
    o->slots = slots;
    o->nparams += n;
    b->bytes = bytes;
    b->next = o->batches;
    o->batches = b;
    o->last.has_stats = false;
    return RAVINE_OK;
}

ravine_status ravine_bind(ravine_optimizer *o, int64_t first, int64_t n, void *const *data,
                          void *const *grad) {
    if (!o) return ravine_fail(RAVINE_E_ARG, "the optimizer is NULL");
    if (first < 0 || n < 0 || first > o->nparams || n > o->nparams - first)
        return ravine_fail(RAVINE_E_RANGE,
                           "parameters %lld ... %lld are bound; there are %lld, from 0 on",
                           (long long)first, (long long)(first + n - 1), (long long)o->nparams);
    for (int64_t i = 0; i < n; i++) {
        const param *p = o->slots[first + i].added;
        ravine_status status = RAVINE_OK;
        if (data) status = check_place(p->name, "data", data[i], p->len, p->dtype);
        if (!status && grad && grad[i])
            status = check_place(p->name, "grad", grad[i], p->len, p->dtype);
        if (status) return status;
    }
    for (int64_t i = 0; i < n; i++) {
        param *p = o->slots[first + i].added;
        if (data) p->data = data[i];
        if (grad) p->grad = grad[i];
    }
    return RAVINE_OK;
}
