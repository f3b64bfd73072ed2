/* SPDX-License-Identifier: Apache-2.0 */
/* The order of a step:
 *
 *   schedules      every schedule is evaluated at the number of applied steps
 *   plan           parameters with a gradient, and their blocks
 *   coefficients   once for each group and step_count
 *   norm           only when the norm is clipped or non-finite gradients skip the step: a pass that
 *                  reads the gradients
 *   look           only for rules that wait for the whole tensor: their state, sums over each
 *                  tensor, and the numbers that follow from them
 *   update         the one pass over everything, in parallel over all blocks of all parameters
 *   statistics     sums of the blocks in their order, whatever thread made them
 *
 * Passes are made by the backend (backend/backend.h).
 */
#include "optimizer/step.h"

#include "backend/backend.h"
#include "base/sized.h"
#include "optimizer/settings.h"
#include "text/error.h"

#include <math.h>
#include <string.h>

static bool is_scheduled(const group *g) {
    for (int setting = 0; setting < RAVINE_SETTING_COUNT; setting++)
        if (g->schedule[setting]) return true;
    return false;
}

/* Each schedule's bounds were looked at when it was set. Two of them may be too much together in
 * between, which is known here, before anything has changed. */
static ravine_status evaluate_schedules(ravine_optimizer *o) {
    for (int32_t k = 0; k < o->ngroups; k++) {
        group *g = &o->groups[k];
        if (!is_scheduled(g)) continue;
        ravine_group_at(g, o->steps, &g->next);
        if (ravine_config_check_together(&g->next, "") == RAVINE_OK) continue;
        return ravine_config_check_together(&g->next, ravine_group_name_at(k, o->steps).text);
    }
    for (int32_t k = 0; k < o->ngroups; k++) {
        group *g = &o->groups[k];
        g->now = is_scheduled(g) ? g->next : g->config;
    }
    return RAVINE_OK;
}

/* ---- stages: OK, or what ends the step ----------------------------------------------------------
 */

static ravine_status plan(step *s) {
    ravine_optimizer *o = s->o;
    for (int64_t i = 0; i < o->nparams; i++) {
        param *p = o->slots[i].added;
        if (!p->grad && p->len) continue;
        param_slot *slot = &o->slots[s->nactive++];
        slot->active = p;
        p->attempt = o->attempts;
        slot->first_block = s->nblocks;
        s->looks |= p->look != NULL;
        s->folds |= p->row != NULL;
        s->nblocks += block_count(p->len);
    }
    return RAVINE_OK;
}

/* Of the step before `s`, under the settings of this one. */
static double past_variance(const ravine_config *now, rule_step s) {
    s.step_count--;
    const kernel_coefficients past = ravine_rule_coefficients(now, &s);
    return ravine_rule_variance(s.shape.scale, &past);
}

/* Into p->own, and the scalars after the step. */
static void make_own(const step *s, param *p, const group *g) {
    const ravine_optimizer *o = s->o;
    rule_step r = {.shape = g->shape,
                   .step_count = p->step_count + 1,
                   .unscale = 1 / o->options.grad_scale,
                   .clip = s->outcome.clip,
                   .propagate = o->options.nonfinite == RAVINE_PROPAGATE,
                   .largest = ravine_computed(p->dtype)->largest,
                   .epsilon = ravine_computed(p->dtype)->epsilon};
    memcpy(r.scalar, p->scalar, sizeof p->scalar);
    p->own = ravine_rule_coefficients(&g->now, &r);
    if (o->env.statistics && p->step_count > 0 && !p->look)
        p->own.past_variance = past_variance(&g->now, r);
    memcpy(p->next_scalar, r.scalar, sizeof p->scalar);
}

/* Of every active parameter. Those of the group's latest one serve again where all that they depend
 * on is the same. */
static ravine_status make_coefficients(step *s) {
    ravine_optimizer *o = s->o;
    for (int64_t i = 0; i < s->nactive; i++) {
        param *p = o->slots[i].active;
        group *g = &o->groups[p->group];
        const param *latest = g->latest;
        if (latest && !p->look && latest->step_count == p->step_count &&
            latest->dtype == p->dtype && !memcmp(latest->scalar, p->scalar, sizeof p->scalar)) {
            p->coefficients = &latest->own;
            memcpy(p->next_scalar, latest->next_scalar, sizeof p->scalar);
            continue;
        }
        make_own(s, p, g);
        p->coefficients = &p->own;
        g->latest = p;
    }
    for (int32_t k = 0; k < o->ngroups; k++) o->groups[k].latest = NULL;
    return RAVINE_OK;
}

static void run_pass(const step *s, step_pass pass) {
    s->o->backend->run(s, pass);
    s->o->backend->wait(s);
}

/* The norm of all gradients after grad_scale, taken with the gradients times `scale`. */
static double norm_at(step *s, double scale) {
    ravine_optimizer *o = s->o;
    double sum = 0;
    s->norm_scale = scale;
    run_pass(s, PASS_NORM);
    ravine_stats_gather(s);
    for (int32_t k = 0; k < o->ngroups; k++) sum += o->groups[k].totals.gradient2;
    return sqrt(sum) / scale / o->options.grad_scale;
}

static bool any_nonfinite(const ravine_optimizer *o) {
    for (int32_t k = 0; k < o->ngroups; k++)
        if (o->groups[k].totals.nonfinite) return true;
    return false;
}

/* Squares of float64 may overflow or vanish: then once more, scaled by a power of two. */
static ravine_status measure_norm(step *s) {
    const ravine_options *options = &s->o->options;
    s->norm = norm_at(s, 1);
    if (isinf(s->norm))
        s->norm = norm_at(s, 0x1p-600);
    else if (s->norm < 0x1p-480)
        s->norm = norm_at(s, 0x1p600);
    if (options->nonfinite == RAVINE_SKIP && any_nonfinite(s->o)) return RAVINE_SKIPPED;
    if (!(s->norm > options->clip_norm)) return RAVINE_OK;
    s->outcome.clip = options->clip_norm / s->norm;
    return make_coefficients(s);
}

/* Rules whose step waits for sums over the tensor: these, and the numbers that follow. */
static ravine_status look(step *s) {
    const ravine_optimizer *o = s->o;
    if (s->folds) {
        run_pass(s, PASS_FOLD);
        run_pass(s, PASS_MEANS);
    }
    run_pass(s, PASS_LOOK);
    for (int64_t i = 0; i < s->nactive; i++) {
        param *p = o->slots[i].active;
        if (!p->look) continue;
        const ravine_config *now = &o->groups[p->group].now;
        block_statistics sum = {0};
        o->backend->reduce(p, &sum);
        const whole_sums whole = {.theta2 = sum.param2,
                                  .direction2 = sum.gradient2,
                                  .len = p->len - sum.nonfinite,
                                  .step_count = p->step_count + 1};
        ravine_rule_row(now->rule)->settle(now, &whole, &p->own);
    }
    return RAVINE_OK;
}

static ravine_status update(step *s) {
    run_pass(s, PASS_UPDATE);
    return RAVINE_OK;
}

/* The slope at which the next step of the watched elements arrives is compared with this one's. */
static void remember_slope(const ravine_optimizer *o, param *p) {
    watching *w = &p->watched;
    w->slope_before = w->slope;
    w->steps_before = w->steps;
    w->slope = 0;
    for (int64_t k = 0; k < watched_blocks(p->len); k++) w->slope += w->statistics[k].slope;
    w->slope /= o->options.grad_scale;
    if (w->steps < 2) w->steps++;
}

static ravine_status finish(step *s) {
    ravine_optimizer *o = s->o;
    for (int64_t i = 0; i < s->nactive; i++) {
        param *p = o->slots[i].active;
        p->step_count++;
        memcpy(p->scalar, p->next_scalar, sizeof p->scalar);
        if (p->watched.update) remember_slope(o, p);
    }
    o->steps++;
    s->outcome.updated = true;
    ravine_stats_gather(s);
    if (any_nonfinite(o)) return RAVINE_HELD;
    return s->outcome.clip < 1 ? RAVINE_CLIPPED : RAVINE_OK;
}

/* ---- the step -----------------------------------------------------------------------------------
 */

static bool always(const step *s) {
    (void)s;
    return true;
}
static bool wants_norm(const step *s) {
    const ravine_options *options = &s->o->options;
    return options->clip_norm < HUGE_VAL || options->nonfinite == RAVINE_SKIP;
}

static bool waits_for_tensors(const step *s) {
    return s->looks;
}

static const struct stage {
    bool (*is_wanted)(const step *s);
    ravine_status (*run)(step *s);
} stages[] = {{always, plan},
              {always, make_coefficients},
              {wants_norm, measure_norm},
              {waits_for_tensors, look},
              {always, update},
              {always, finish}};

ravine_status ravine_step(ravine_optimizer *o, ravine_step_stats *stats) {
    if (!o) return ravine_fail(RAVINE_E_ARG, "the optimizer is NULL");
    ravine_status status = stats ? ravine_sized_check(&ravine_sized_step_stats, stats) : RAVINE_OK;
    if (!status) status = evaluate_schedules(o);
    if (status) return status;
    o->attempts++;
    step s = {.o = o, .stats = stats, .outcome = {.has_stats = stats != NULL, .clip = 1}};
    for (size_t k = 0; !status && k < sizeof stages / sizeof *stages; k++)
        if (stages[k].is_wanted(&s)) status = stages[k].run(&s);
    o->last = s.outcome;
    if (stats) ravine_stats_fill(&s);
    return status;
}
