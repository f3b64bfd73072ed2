/* Looking at parameters and their state. */
#include "base/error.h"
#include "base/sized.h"
#include "optimizer/param_names.h"

#include <float.h>
#include <math.h>
#include <string.h>

static param *param_at(const ravine_optimizer *o, int64_t index) {
    return o && index >= 0 && index < o->nparams ? o->slots[index].added : NULL;
}

int64_t ravine_clock(const ravine_optimizer *o, int64_t index) {
    const param *p = param_at(o, index);
    return p ? p->clock : -1;
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

/* Beside the rule's own state. */
static const char *const more_keys[] = {"ema", "watched_update", "watched_signs", "watched_slope",
                                        "watched_steps"};
enum { EMA, WATCHED_UPDATE, WATCHED_SIGNS, WATCHED_SLOPE, WATCHED_STEPS, MORE_KEYS };

/* Key number k of a parameter: arrays, then single numbers, then the average of the weights and
 * what is remembered for the statistics. */
const char *ravine_state_key_of(const ravine_optimizer *o, const param *p, int32_t k) {
    const ravine_config *c = &o->groups[p->group].config;
    const int arrays = state_arrays(o->groups[p->group].shape);
    if (k < 0) return NULL;
    if (k < arrays) return ravine_rule_array_key(c, k);
    k -= arrays;
    for (int32_t scalar = 0; ravine_rule_scalar_key(c, scalar); scalar++)
        if (k-- == 0) return ravine_rule_scalar_key(c, scalar);
    if (!p->ema) k++;
    return k < (p->watched.update ? MORE_KEYS : EMA + 1) ? more_keys[k] : NULL;
}

const char *ravine_state_key(const ravine_optimizer *o, int64_t index, int32_t k) {
    const param *p = param_at(o, index);
    return p ? ravine_state_key_of(o, p, k) : NULL;
}

static param *find_param(const ravine_optimizer *o, const char *name) {
    return ravine_param_names_find(o->slots, o->nparams, name, strlen(name));
}

static double state_at(const param *p, int k, int64_t i) {
    return dtype_load(p->dtype, p->state[k], i);
}

/* sigma of element i, from the scale's arrays: number k and the one after it (scale.h). */
static double sigma_at(const param *p, const kernel_coefficients *c, scale_kind scale, int k,
                       int64_t i) {
    double v = 1;
    switch (scale) {
    case SCALE_MAXIMUM: return state_at(p, k, i);
    case SCALE_PREVIOUS: return fmax(sqrt(state_at(p, k, i)), c->eps_outside);
    case SCALE_DELTA:
        return sqrt(state_at(p, k, i) + c->eps_inside) /
               sqrt(state_at(p, k + 1, i) + c->eps_inside);
    case SCALE_CENTERED: v = fmax(state_at(p, k, i) - pow(state_at(p, k + 1, i), 2), 0); break;
    case SCALE_GREATEST: v = state_at(p, k + 1, i); break;
    case SCALE_SQUARES:
    case SCALE_BELIEF:
    case SCALE_YOGI:
    case SCALE_LOOKAHEAD: v = state_at(p, k, i); break;
    case SCALE_ONE:
    case SCALE_SIGN:
    case SCALE_RPROP: return 1;
    }
    const double root = sqrt(c->v_scale * v + c->eps_inside) * c->sigma_scale + c->eps_outside;
    return root / c->sigma_divisor;
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
    if (g->shape.scale == SCALE_SIGN || g->shape.scale == SCALE_RPROP)
        return ravine_fail(RAVINE_E_UNSUPPORTED, "%s of %s has no sigma: it uses signs alone",
                           ravine_rule_describe(g->config.rule)->name, name);
    if (p->clock == 0) return ravine_fail(RAVINE_E_STATE, "%s has made no step yet", name);
    rule_step last = {
        .shape = g->shape, .clock = p->clock, .unscale = 1, .clip = 1, .largest = DBL_MAX};
    const kernel_coefficients c = ravine_rule_coefficients(&g->now, &last);
    for (int64_t i = 0; i < len; i++)
        sigma[i] = sigma_at(p, &c, g->shape.scale, momentum_arrays(g->shape), i);
    return RAVINE_OK;
}

static ravine_param number_view(const param *p, double *number) {
    ravine_param view = view_of(p, number);
    view.dtype = RAVINE_F64;
    view.len = 1;
    view.shape = NULL;
    view.ndim = 0;
    return view;
}

static ravine_param watched_view(const param *p, void *data, int32_t dtype) {
    ravine_param view = view_of(p, data);
    view.dtype = dtype;
    view.len = p->watched.len;
    view.shape = &p->watched.len;
    view.ndim = 1;
    return view;
}

ravine_param ravine_state_of(const ravine_optimizer *o, param *p, int32_t k, const char *key) {
    const int arrays = state_arrays(o->groups[p->group].shape);
    if (k < arrays) return view_of(p, p->state[k]);
    int more = 0;
    while (more < MORE_KEYS && key != more_keys[more]) more++;
    switch (more) {
    case EMA: return view_of(p, p->ema);
    case WATCHED_UPDATE: return watched_view(p, p->watched.update, p->dtype);
    case WATCHED_SIGNS: return watched_view(p, p->watched.signs, RAVINE_U8);
    case WATCHED_SLOPE: return number_view(p, &p->watched.slope);
    case WATCHED_STEPS: return number_view(p, &p->watched.steps);
    }
    return number_view(p, &p->scalar[k - arrays]);
}

ravine_status ravine_state_view_sized(ravine_optimizer *o, const char *name, const char *key,
                                      ravine_param *view, size_t size) {
    if (!o || !name || !key || !view) return ravine_fail(RAVINE_E_ARG, "an argument is NULL");
    param *p = find_param(o, name);
    if (!p) return ravine_fail(RAVINE_E_ARG, "there is no parameter %s", name);
    int32_t k = 0;
    const char *known;
    while ((known = ravine_state_key_of(o, p, k)) && strcmp(known, key) != 0) k++;
    if (!known) return ravine_fail(RAVINE_E_ARG, "%s has no state %s", name, key);
    const ravine_param own = ravine_state_of(o, p, k, known);
    return ravine_sized_make(&ravine_sized_param, view, size, &own);
}
