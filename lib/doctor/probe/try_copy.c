/* SPDX-License-Identifier: Apache-2.0 */
/* Groups, parameters, and the state that fits. */
#include "doctor/probe/try_copy.h"

#include "base/memory.h"
#include "optimizer/optimizer.h"
#include "optimizer/settings.h"

#include <string.h>

/* ---- groups ---- */

static ravine_status lr_ratio(const ravine_optimizer *o, int32_t k, double *ratio) {
    double first, own;
    ravine_status status = ravine_get(o, 0, RAVINE_LR, &first);
    if (!status) status = ravine_get(o, k, RAVINE_LR, &own);
    if (!status) *ratio = own == first ? 1 : first > 0 ? own / first : 1;
    return status;
}

static ravine_status group_config(const ravine_optimizer *o, int32_t k, const ravine_config *wanted,
                                  ravine_config *c) {
    const ravine_config *own = &o->groups[k].config, *first = &o->groups[0].config;
    double ratio = 1;
    *c = wanted ? *wanted : *own;
    if (!wanted) return RAVINE_OK;
    for (int setting = 0; setting < RAVINE_SETTING_COUNT; setting++) {
        const double value = ravine_config_value(own, setting);
        if (setting != RAVINE_LR && ravine_rule_uses(c->rule, setting) &&
            ravine_rule_uses(own->rule, setting) && value != ravine_config_value(first, setting))
            *ravine_config_number(c, setting) = value;
    }
    const ravine_status status = lr_ratio(o, k, &ratio);
    c->lr *= ratio;
    return status;
}

/* All of a group's at once, which may fit as a whole alone. Under other settings, those of settings
 * that are the same. */
static ravine_status copy_schedules(ravine_optimizer *copy, const ravine_optimizer *o, int32_t k,
                                    const ravine_config *wanted) {
    const group *from = &o->groups[k];
    group *to = &copy->groups[k];
    for (int setting = 0; setting < RAVINE_SETTING_COUNT; setting++) {
        if (!from->schedule[setting] || !ravine_rule_uses(to->config.rule, setting)) continue;
        const bool same = ravine_config_value(&to->config, setting) ==
                          ravine_config_value(&from->config, setting);
        if (wanted && (setting == RAVINE_LR || !same)) continue;
        to->schedule[setting] = ravine_memory_take(copy, sizeof *to->schedule[setting]);
        if (!to->schedule[setting]) return RAVINE_E_NOMEM;
        *to->schedule[setting] = *from->schedule[setting];
    }
    return ravine_group_check(to, k);
}

static ravine_status create_groups(ravine_optimizer **out, const ravine_optimizer *o,
                                   const ravine_config *wanted) {
    ravine_env env = o->env;
    env.statistics = 0;
    env.threads = 1;
    if (o->pool) {
        env.parallel = ravine_pool_run;
        env.parallel_context = o->pool;
    }
    ravine_status status = RAVINE_OK;
    for (int32_t k = 0; !status && k < o->ngroups; k++) {
        ravine_config c;
        status = group_config(o, k, wanted, &c);
        if (!status) status = k ? ravine_add_group(*out, &c, NULL) : ravine_create(out, &c, &env);
        if (!status) status = copy_schedules(*out, o, k, wanted);
    }
    return status;
}

ravine_status ravine_copy_set_lr(ravine_optimizer *copy, const ravine_optimizer *o, double lr) {
    ravine_status status = RAVINE_OK;
    for (int32_t k = 0; !status && k < o->ngroups; k++) {
        double ratio = 1;
        status = lr_ratio(o, k, &ratio);
        if (!status) status = ravine_set(copy, k, RAVINE_LR, lr * ratio);
    }
    return status;
}

/* ---- parameters and state ---- */

static ravine_status add_params(ravine_optimizer *copy, const ravine_optimizer *o) {
    if (o->nparams == 0) return RAVINE_OK;
    const size_t bytes = (size_t)o->nparams * sizeof(ravine_param);
    ravine_param *views = ravine_env_alloc(&o->env, bytes);
    if (!views) return RAVINE_E_NOMEM;
    ravine_status status = RAVINE_OK;
    for (int64_t i = 0; !status && i < o->nparams; i++) status = ravine_param_view(o, i, &views[i]);
    if (!status) status = ravine_add(copy, views, o->nparams);
    ravine_env_free(&o->env, views, bytes);
    return status;
}

/* Of g, as the gradients come. */
static bool is_mean_of_gradients(momentum_kind kind) {
    return kind == MOMENTUM_BUFFER || kind == MOMENTUM_LOOKBACK;
}

/* Whether the two keep momentum in the same units. */
static bool same_momentum(const group *from, const group *to) {
    const momentum_kind a = from->shape.momentum, b = to->shape.momentum;
    if (a == MOMENTUM_GRADIENT || b == MOMENTUM_GRADIENT) return true; /* one keeps none */
    return (a == b || (is_mean_of_gradients(a) && is_mean_of_gradients(b))) &&
           from->config.lr_in_momentum == to->config.lr_in_momentum;
}

/* Whether the state of a parameter means the same to its copy, and is all that this needs. */
static bool goes_on(const ravine_optimizer *o, const param *p, const ravine_optimizer *copy,
                    const param *q) {
    if (!same_momentum(&o->groups[p->group], &copy->groups[q->group])) return false;
    for (int32_t k = 0; k < q->nstates; k++)
        if (!ravine_state_row(q->states[k].kind)->late && !ravine_state_of(p, q->states[k].key))
            return false;
    return true;
}

static void copy_state(const backend *place, const param *p, param *q) {
    q->step_count = p->step_count;
    for (int32_t k = 0; k < q->nstates; k++) {
        const param_state *to = &q->states[k], *from = ravine_state_of(p, to->key);
        if (from)
            place->copy(to->data, from->data,
                        (size_t)to->len * ((size_t)ravine_dtype_bits(to->dtype) / 8));
    }
}

ravine_status ravine_copy_create(ravine_optimizer **out, const ravine_optimizer *o,
                                 const ravine_config *config) {
    ravine_optimizer *copy = NULL;
    ravine_status status = create_groups(&copy, o, config);
    if (!status) status = add_params(copy, o);
    for (int64_t i = 0; !status && i < o->nparams; i++) {
        const param *p = ravine_param_of(o, i);
        if (goes_on(o, p, copy, ravine_param_of(copy, i)))
            copy_state(o->backend, p, ravine_param_of(copy, i));
    }
    if (!status) {
        ravine_options options = o->options;
        options.zero_grad = 0;
        options.grad_scale = 1;
        status = ravine_set_options(copy, &options);
    }
    if (status) {
        ravine_destroy(copy);
        return status;
    }
    copy->steps = o->steps;
    *out = copy;
    return RAVINE_OK;
}
