/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at parameters and their state. */
#include "base/sized.h"
#include "optimizer/factors.h"
#include "optimizer/param_names.h"
#include "text/error.h"

#include <float.h>
#include <math.h>
#include <string.h>

static param *param_at(const ravine_optimizer *o, int64_t index) {
    return o && index >= 0 && index < o->nparams ? ravine_param_of(o, index) : NULL;
}

int64_t ravine_step_count(const ravine_optimizer *o, int64_t index) {
    const param *p = param_at(o, index);
    return p ? p->step_count : -1;
}

static ravine_param view_of(const param *p, void *data) {
    return (ravine_param){.size = sizeof(ravine_param),
                          .dtype = p->dtype,
                          .group = p->group,
                          .name = p->name,
                          .data = data,
                          .len = p->len,
                          .shape = p->shape,
                          .ndim = p->ndim};
}

ravine_status ravine_param_view_sized(const ravine_optimizer *o, int64_t index, ravine_param *view,
                                      size_t size) {
    const param *p = param_at(o, index);
    if (!p || !view)
        return ravine_fail(RAVINE_E_ARG, "there is no parameter %lld, or view is NULL",
                           (long long)index);
    ravine_param own = view_of(p, p->data);
    own.grad = p->grad;
    return ravine_sized_make(&ravine_sized_param, view, size, &own);
}

const char *ravine_state_key(const ravine_optimizer *o, int64_t index, int32_t k) {
    const param *p = param_at(o, index);
    return p && k >= 0 && k < p->nstates ? p->states[k].key : NULL;
}

const param_state *ravine_state_of(const param *p, const char *key) {
    for (int32_t k = 0; k < p->nstates; k++)
        if (!strcmp(p->states[k].key, key)) return &p->states[k];
    return NULL;
}

static param *find_param(const ravine_optimizer *o, const char *name) {
    return ravine_param_names_find(o->slots, o->nparams, name, strlen(name));
}

/* The scale's arrays at element i. */
static void take_squares(const param *p, kernel_shape shape, int64_t i, double v[2]) {
    void *const *const array = p->array + momentum_arrays(shape);
    if (p->row)
        v[0] = ravine_factored_square(p, i);
    else
        for (int k = 0; k < scale_arrays(shape); k++) v[k] = dtype_load(p->dtype, array[k], i);
}

ravine_status ravine_sigma(const ravine_optimizer *o, const char *name, double *sigma,
                           int64_t len) {
    if (!o || !name || !sigma) return ravine_fail(RAVINE_E_ARG, "an argument is NULL");
    const param *p = find_param(o, name);
    if (!p) return ravine_fail(RAVINE_E_ARG, "there is no parameter %s", name);
    if (len != p->len)
        return ravine_fail(RAVINE_E_ARG, "len is %lld; %s has %lld elements", (long long)len, name,
                           (long long)p->len);
    const group *g = &o->groups[p->group];
    if (sigma_of(g->shape.scale) == SIGMA_SIGNS)
        return ravine_fail(RAVINE_E_UNSUPPORTED, "%s of %s has no sigma: it uses signs alone",
                           ravine_rule_describe(g->config.rule)->name, name);
    if (p->step_count == 0) return ravine_fail(RAVINE_E_STATE, "%s has made no step yet", name);
    rule_step last = {.shape = g->shape,
                      .step_count = p->step_count,
                      .unscale = 1,
                      .clip = 1,
                      .largest = DBL_MAX,
                      .epsilon = ravine_computed(p->dtype)->epsilon};
    const kernel_coefficients c = ravine_rule_coefficients(&g->now, &last);
    if (p->row) ravine_matrix_means(p, c.mean_least, 0, ravine_matrix_sides(p).count);
    for (int64_t i = 0; i < len; i++) {
        double v[2] = {0};
        take_squares(p, g->shape, i, v);
        sigma[i] = ravine_rule_sigma(g->shape, &c, v);
    }
    return RAVINE_OK;
}

ravine_status ravine_state_view_sized(ravine_optimizer *o, const char *name, const char *key,
                                      ravine_param *view, size_t size) {
    if (!o || !name || !key || !view) return ravine_fail(RAVINE_E_ARG, "an argument is NULL");
    const param *p = find_param(o, name);
    if (!p) return ravine_fail(RAVINE_E_ARG, "there is no parameter %s", name);
    const param_state *s = ravine_state_of(p, key);
    if (!s) return ravine_fail(RAVINE_E_ARG, "%s has no state %s", name, key);
    ravine_param own = view_of(p, s->data);
    own.dtype = s->dtype;
    own.len = s->len;
    own.shape = s->shape;
    own.ndim = s->ndim;
    return ravine_sized_make(&ravine_sized_param, view, size, &own);
}
