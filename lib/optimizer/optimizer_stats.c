/* SPDX-License-Identifier: Apache-2.0 */
/* What a step did: sums over blocks, parameters and groups, each in its order. */
#include "base/sized.h"
#include "optimizer/step.h"
#include "text/error.h"

#include <math.h>

static double greater(double a, double b) {
    return a <= b || isnan(b) ? b : a; /* NaN wins */
}

/* Totals add up but for the greatest and the first. */
static void add_totals(totals *sum, const totals *t) {
    if (t->nonfinite && (!sum->nonfinite || t->nonfinite_param < sum->nonfinite_param)) {
        sum->nonfinite_param = t->nonfinite_param;
        sum->nonfinite_index = t->nonfinite_index;
    }
    sum->watched.update_max = greater(sum->watched.update_max, t->watched.update_max);
#define X(type, name) sum->name += t->name;
    TOTAL_LIST(X)
#undef X
#define X(type, name) sum->watched.name += t->watched.name;
    WATCH_SUM_LIST(X)
#undef X
}

static void add_blocks(const backend *place, totals *sum, const param *p, int64_t index) {
    block_statistics s = {.gradient2 = sum->gradient2,
                          .update2 = sum->update2,
                          .param2 = sum->param2,
                          .slope = sum->slope};
    place->reduce(p, &s);
    if (s.nonfinite && !sum->nonfinite) {
        sum->nonfinite_param = index;
        sum->nonfinite_index = s.first_nonfinite;
    }
    sum->gradient2 = s.gradient2;
    sum->update2 = s.update2;
    sum->param2 = s.param2;
    sum->slope = s.slope;
    sum->nonfinite += s.nonfinite;
}

static const totals nothing = {.nonfinite_param = -1, .nonfinite_index = -1};

/* What the whole parameter has of something that goes with g^2, over what its watched elements
 * have; `gradient2` is theirs. */
static double whole_over_watched(const backend *place, const param *p, double gradient2) {
    if (p->watched.len == p->len) return 1;
    if (gradient2 == 0) return (double)p->len / (double)p->watched.len;
    block_statistics whole = {0};
    place->reduce(p, &whole);
    return whole.gradient2 / gradient2;
}

static void add_watched(const ravine_optimizer *o, totals *sum, const param *p) {
    const group *g = &o->groups[p->group];
    const watching *w = &p->watched;
    totals own = nothing;
    for (int64_t k = 0; k < watched_blocks(p->len); k++) {
        const watch_statistics *s = &w->statistics[k];
#define X(type, name) own.watched.name += s->name;
        WATCH_SUM_LIST(X)
#undef X
        own.watched.update_max = greater(own.watched.update_max, s->update_max);
    }
    watch_statistics *of = &own.watched;
    if (w->steps_before >= 1) {
        own.arrivals = w->len;
        own.slope_before = w->slope_before;
        own.flip_weight = of->gradient2;
    }
    if (w->steps_before >= 2) own.flip_two_weight = of->gradient2;
    const double unit = g->now.lr_in_momentum != 0 ? g->now.lr : 1;
    if (keeps_gradients(g->shape) && unit > 0) {
        own.with_momentum = w->len;
        of->momentum2 *= whole_over_watched(o->backend, p, of->gradient2) / (unit * unit);
    } else {
        of->momentum2 = 0; /* of something else */
    }
    add_totals(sum, &own);
}

static void add_param(const ravine_optimizer *o, bool updated, totals *sum, const param *p,
                      int64_t index) {
    add_blocks(o->backend, sum, p, index);
    if (updated && p->watched.update) add_watched(o, sum, p);
}

void ravine_stats_gather(const step *s) {
    ravine_optimizer *o = s->o;
    for (int32_t k = 0; k < o->ngroups; k++) o->groups[k].totals = nothing;
    int64_t active = 0;
    for (int64_t i = 0; i < o->nparams && active < s->nactive; i++) {
        const param *p = ravine_param_of(o, i);
        if (o->slots[active].active != p) continue;
        active++;
        add_param(o, s->outcome.updated, &o->groups[p->group].totals, p, i);
    }
}

/* part / whole; NaN: of nothing. */
static double share(double part, double whole) {
    return whole != 0 ? part / whole : NAN;
}

static ravine_step_stats stats_of(const ravine_optimizer *o, int32_t index, const totals *sum) {
    const double scale = o->options.grad_scale;
    const watch_statistics *w = &sum->watched;
    return (ravine_step_stats){
        .size = sizeof(ravine_step_stats),
        .group = index,
        .step = o->steps,
        .attempts = o->attempts,
        .lr = o->groups[index < 0 ? 0 : index].now.lr,
        .grad_norm = sqrt(sum->gradient2) / scale,
        .update_norm = sqrt(sum->update2),
        .param_norm = sqrt(sum->param2),
        .clip = o->last.clip,
        .nonfinite = sum->nonfinite,
        .nonfinite_param = sum->nonfinite_param,
        .nonfinite_index = sum->nonfinite_index,
        .grad_dot_update = sum->slope / scale,
        .line_position = sum->arrivals ? -share(w->arrival / scale, sum->slope_before) : NAN,
        .sign_change_rate = share(w->flips2, sum->flip_weight),
        .sign_change_rate_lag2 = share(w->flips_two2, sum->flip_two_weight),
        .momentum_norm = sum->with_momentum ? sqrt(w->momentum2) : NAN,
        .sigma_ratio = sqrt(share(w->ratios, (double)w->rated)),
        .eps_share = share((double)w->eps, (double)w->scaled),
        .zero_share = share((double)w->zeros, (double)w->elements),
        .quiet_share = share((double)w->quiet, (double)w->elements),
        .underflow_share = share((double)w->lost, (double)(w->elements - w->zeros)),
        .update_max = w->elements ? w->update_max : NAN,
    };
}

ravine_step_stats ravine_stats_all(const ravine_optimizer *o) {
    totals all = nothing;
    for (int32_t k = 0; k < o->ngroups; k++) add_totals(&all, &o->groups[k].totals);
    return stats_of(o, -1, &all);
}

void ravine_stats_fill(const step *s) {
    ravine_step_stats own = ravine_stats_all(s->o);
    if (s->outcome.updated && s->o->options.clip_norm < HUGE_VAL) own.grad_norm = s->norm;
    ravine_sized_write(&ravine_sized_step_stats, s->stats, &own);
}

/* What every question about the last step must pass; `what` is its subject, of `count`. */
static ravine_status check_question(const ravine_optimizer *o, const ravine_step_stats *stats,
                                    const char *what, int64_t index, int64_t count) {
    if (index < 0 || index >= count)
        return ravine_fail(RAVINE_E_RANGE, "%s is %lld; it must be in [0, %lld]", what,
                           (long long)index, (long long)count - 1);
    const ravine_status status = ravine_sized_check(&ravine_sized_step_stats, stats);
    if (status) return status;
    if (!o->last.has_stats)
        return ravine_fail(
            RAVINE_E_STATE,
            "the last step made no statistics; give ravine_step a ravine_step_stats");
    return RAVINE_OK;
}

ravine_status ravine_group_stats(const ravine_optimizer *o, int32_t index,
                                 ravine_step_stats *stats) {
    if (!o || !stats) return ravine_fail(RAVINE_E_ARG, "an argument is NULL");
    const ravine_status status = check_question(o, stats, "group", index, o->ngroups);
    if (status) return status;
    const ravine_step_stats own = stats_of(o, index, &o->groups[index].totals);
    ravine_sized_write(&ravine_sized_step_stats, stats, &own);
    return RAVINE_OK;
}

ravine_status ravine_param_stats(const ravine_optimizer *o, int64_t index,
                                 ravine_step_stats *stats) {
    if (!o || !stats) return ravine_fail(RAVINE_E_ARG, "an argument is NULL");
    const ravine_status status = check_question(o, stats, "param", index, o->nparams);
    if (status) return status;
    const param *p = ravine_param_of(o, index);
    totals sum = nothing;
    if (p->attempt == o->attempts) add_param(o, o->last.updated, &sum, p, index);
    const ravine_step_stats own = stats_of(o, p->group, &sum);
    ravine_sized_write(&ravine_sized_step_stats, stats, &own);
    return RAVINE_OK;
}
