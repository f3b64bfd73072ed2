/* SPDX-License-Identifier: Apache-2.0 */
/* What a doctor takes from every step, and what it is told beside the steps. */
#include "base/sized.h"
#include "doctor/watch/watch_memory.h"
#include "math/sort.h"
#include "optimizer/optimizer.h"
#include "optimizer/settings.h"
#include "text/error.h"

#include <math.h>

/* ---- what is remembered of a step */

static void remember_config(doctor_history *h, const ravine_config *c) {
    ravine_config own;
    if (!c || ravine_config_read(&own, c)) return;
    h->rule = own.rule;
    for (int k = 0; k < RAVINE_SETTING_COUNT; k++) h->setting[k] = ravine_config_value(&own, k);
}

/* The median of the last steps' losses, once there is a block of them. */
static void remember_block(ravine_doctor *d) {
    enum { BLOCK_MOST = 65536 / DOCTOR_BLOCKS_A_WINDOW };
    doctor_history *h = &d->h;
    const int64_t block = d->options.window / DOCTOR_BLOCKS_A_WINDOW;
    if ((int64_t)h->kept % block) return;
    double loss[BLOCK_MOST];
    for (int64_t k = 0; k < block; k++) loss[k] = ravine_doctor_back(d, k)->loss;
    const double median = ravine_median(loss, block);
    h->block[(int64_t)h->blocks % DOCTOR_BLOCKS] = median;
    if (h->blocks == 0 || median < h->block_least) {
        h->block_least = median;
        h->block_least_step = h->step;
    }
    h->blocks++;
}

static void remember_start(doctor_history *h, const doctor_step *now) {
    if (h->kept == 0) {
        h->first_step = now->step;
        h->loss_first = h->loss_least = h->loss_most = h->thrown = now->loss;
        h->update_first = now->update;
        h->param_first = now->param;
        h->lr_first = now->lr;
    }
    if (h->kept < DOCTOR_EARLY) h->early[(int64_t)h->kept] = now->loss;
    if (h->kept >= DOCTOR_EARLY_STEPS) return;
    h->thrown = fmax(h->thrown, now->loss);
    h->way_early += now->update;
}

static void remember_extremes(doctor_history *h, const doctor_step *now) {
    h->loss_least = fmin(h->loss_least, now->loss);
    h->loss_most = fmax(h->loss_most, now->loss);
    h->gradient_most = fmax(h->gradient_most, now->gradient);
    h->param_most = fmax(h->param_most, now->param);
    h->lr_most = fmax(h->lr_most, now->lr);
    h->way += now->update;
    if (now->gradient > 0) h->gradient_alive = now->gradient;
    if (now->param > 0 && now->update / now->param > h->move_most) {
        h->move_most = now->update / now->param;
        h->move_most_step = now->step;
    }
}

/* How long it has been as it is now: nothing moves, no gradient, lr next to nothing. */
static void remember_rows(ravine_doctor *d, const doctor_step *now) {
    const double low = 1e-4, same = 1e-5;
    doctor_history *h = &d->h;
    const double before = h->kept > 0 ? ravine_doctor_back(d, 0)->gradient : NAN;
    h->still = now->update == 0 ? h->still + 1 : 0;
    h->silent = now->gradient == 0 ? h->silent + 1 : 0;
    h->zero_losses = now->loss == 0 ? h->zero_losses + 1 : 0;
    h->same_norm = fabs(now->gradient - before) <= same * before ? h->same_norm + 1 : 0;
    if (isnan(now->lr) || now->lr > low * h->lr_most)
        h->lr_low_since = -1;
    else if (h->lr_low_since < 0)
        h->lr_low_since = now->step - 1;
}

/* Of a training that ascends the doctor sees the descent of the loss with another sign. */
static double sign_of(const doctor_history *h) {
    return h->rule >= 0 && h->setting[RAVINE_MAXIMIZE] != 0 ? -1 : 1;
}

static void remember_step(ravine_doctor *d, double loss, const ravine_step_stats *r) {
    const double sign = sign_of(&d->h);
    /* Reports without statistics have zeros or NaN there. */
    const doctor_step now = {.step = (double)r->step,
                             .loss = sign * loss,
                             .lr = r->lr,
                             .gradient = r->grad_norm,
                             .update = r->update_norm,
                             .param = r->param_norm,
                             .clip = r->clip,
                             .slope = sign * r->grad_dot_update,
                             .line_position = r->line_position,
                             .sign_change_rate = r->sign_change_rate,
                             .sign_change_rate_lag2 = r->sign_change_rate_lag2,
                             .momentum = r->momentum_norm,
                             .sigma_ratio = r->sigma_ratio,
                             .zero_share = r->zero_share,
                             .quiet_share = r->quiet_share,
                             .underflow_share = r->underflow_share,
                             .eps_share = r->eps_share,
                             .update_max = r->update_max};
    if (d->h.kept == 0) {
        d->h.start = ravine_doctor_scales_of(d);
        d->h.twins = ravine_doctor_share_of_twins(d);
    }
    remember_start(&d->h, &now);
    remember_extremes(&d->h, &now);
    remember_rows(d, &now);
    ravine_doctor_watch_events(d, &now);
    d->window[(int64_t)d->h.kept % d->options.window] = now;
    d->h.kept++;
    remember_block(d);
}

/* How the steps before it went is gone from the window when somebody asks. */
static void remember_nonfinite(ravine_doctor *d, double loss, const ravine_step_stats *r) {
    doctor_history *h = &d->h;
    h->nonfinite_last = h->observed;
    h->nonfinite_steps++;
    if (h->nonfinite_first >= 0) return;
    h->nonfinite_first = (double)(r->attempts > 0 ? r->attempts : r->step) - 1;
    h->nonfinite_count = (double)r->nonfinite;
    h->nonfinite_param = (double)r->nonfinite_param;
    h->nonfinite_index = (double)r->nonfinite_index;
    h->nonfinite_loss = !isfinite(loss);
    h->nonfinite_example = h->fact[RAVINE_FACT_EXAMPLE];
    h->before_nonfinite = ravine_doctor_recent_of(d);
}

/* ---- feeding */

/* Report k of an array whose elements have the size that they have for the caller. Statistics that
 * it does not have are not known. */
static ravine_status read_stats(const ravine_step_stats *all_stats, int32_t k,
                                ravine_step_stats *own) {
    *own = (ravine_step_stats){
#define RAVINE_X(name, meaning) .name = NAN,
        RAVINE_STATISTIC_LIST(RAVINE_X)
#undef RAVINE_X
    };
    return ravine_sized_read(&ravine_sized_step_stats, own,
                             (const char *)all_stats + (size_t)k * all_stats->size);
}

/* An observation of the caller's, whole, with what it points to checked. */
static ravine_status read_observation(ravine_observation *own, const ravine_observation *o) {
    ravine_step_stats stats;
    ravine_config config;
    *own = (ravine_observation){0};
    ravine_status status = ravine_sized_read(&ravine_sized_observation, own, o);
    if (status) return status;
    if (!own->stats) return ravine_fail(RAVINE_E_ARG, "stats of the observation is NULL");
    if (own->nparts < 0 || (own->nparts > 0 && !own->part_stats))
        return ravine_fail(RAVINE_E_ARG, "nparts is %d and part_stats is NULL", own->nparts);
    status = read_stats(own->stats, 0, &stats);
    for (int32_t k = 0; !status && k < own->nparts; k++)
        status = read_stats(own->part_stats, k, &stats);
    if (!status && own->config) status = ravine_config_read(&config, own->config);
    return status;
}

/* NaN is a number that is not known, as in a log of losses alone, and not one that broke: as long
 * as it never was known. */
static bool is_known_or_absent(const ravine_step_stats *r, double most_so_far) {
    const bool absent = isnan(r->grad_norm) && r->nonfinite == 0 && !(most_so_far > 0);
    return isfinite(r->grad_norm) || absent;
}

ravine_status ravine_doctor_feed(ravine_doctor *d, const ravine_observation *observation) {
    if (!d || !observation) return ravine_fail(RAVINE_E_ARG, "an argument is NULL");
    ravine_observation own, *o = &own;
    ravine_step_stats stats, *r = &stats;
    ravine_status status = read_observation(o, observation);
    if (!status) status = ravine_doctor_make_parts(d, o->nparts);
    if (status) return status;

    remember_config(&d->h, o->config);
    for (int32_t k = 0; k < o->nparts; k++) {
        (void)read_stats(o->part_stats, k, r);
        ravine_doctor_watch_part(d, k, r, o->part_elements ? o->part_elements[k] : 1,
                                 o->part_name ? o->part_name[k] : NULL);
    }
    (void)read_stats(o->stats, 0, r);
    d->h.step = (double)r->step;
    const bool finite = isfinite(o->loss) && is_known_or_absent(r, d->h.gradient_most) &&
                        !isinf(r->update_norm) && !isinf(r->param_norm);
    if (!finite || r->nonfinite > 0) remember_nonfinite(d, o->loss, r);
    if (finite) remember_step(d, o->loss, r);
    d->h.observed++;
    if (isfinite(o->path_efficiency)) d->h.efficiency = o->path_efficiency;
    ravine_doctor_watch_warnings(d);
    return RAVINE_OK;
}

ravine_status ravine_doctor_observe(ravine_doctor *d, const ravine_optimizer *o, double loss) {
    if (!d || !o) return ravine_fail(RAVINE_E_ARG, "an argument is NULL");
    if (!o->last.has_stats)
        return ravine_fail(
            RAVINE_E_STATE,
            "the last step made no statistics; give ravine_step a ravine_step_stats");
    if (o->nparams > INT32_MAX)
        return ravine_fail(RAVINE_E_RANGE, "a doctor watches at most %d parameters", INT32_MAX);
    ravine_status status = ravine_doctor_make_parts(d, (int32_t)o->nparams);
    if (status) return status;
    const ravine_step_stats all = ravine_stats_all(o);
    for (int32_t k = 0; k < d->nparts; k++) {
        d->all_stats[k].size = sizeof *d->all_stats;
        status = ravine_param_stats(o, k, &d->all_stats[k]);
        if (status) return status;
        d->elements[k] = ravine_param_of(o, k)->len;
        d->names[k] = ravine_param_of(o, k)->name;
    }
    status = ravine_doctor_follow(d, o);
    if (status) return status;
    if (d->h.kept == 0) ravine_doctor_find_twins(d, o);
    return ravine_doctor_feed(d, &(ravine_observation){.size = sizeof(ravine_observation),
                                                       .nparts = d->nparts,
                                                       .loss = loss,
                                                       .path_efficiency = d->h.efficiency,
                                                       .stats = &all,
                                                       .part_stats = d->all_stats,
                                                       .part_name = d->names,
                                                       .part_elements = d->elements,
                                                       .config = &o->groups[0].now});
}

/* ---- what it is told */

static void remember_validation(ravine_doctor *d, double loss) {
    enum { LOSSES = 32 };
    doctor_history *h = &d->h;
    const int64_t length = ravine_doctor_window_length(d);
    const double train =
        ravine_doctor_median_back(d, length < LOSSES ? length : LOSSES, ravine_doctor_loss_of);
    h->validation[(int64_t)h->validations % DOCTOR_VALIDATIONS] =
        (doctor_validation){h->step, loss, train};
    if (h->validations == 0) h->validation_first = loss;
    if (h->validations == 0 || loss < h->validation_least) {
        h->validation_least = loss;
        h->validation_least_step = h->step;
    }
    h->validations++;
}

ravine_status ravine_doctor_tell(ravine_doctor *d, int fact, double value) {
    if (!d) return ravine_fail(RAVINE_E_ARG, "the doctor is NULL");
    if (fact < 0 || fact >= RAVINE_FACT_COUNT)
        return ravine_fail(RAVINE_E_RANGE, "fact is %d; it must be in [0, %d]", fact,
                           RAVINE_FACT_COUNT - 1);
    d->h.fact[fact] = value;
    if (fact == RAVINE_FACT_VALIDATION && !isnan(value))
        remember_validation(d, sign_of(&d->h) * value);
    return RAVINE_OK;
}

double ravine_doctor_path_efficiency(const ravine_doctor *d) {
    return d ? d->h.efficiency : NAN;
}

ravine_status ravine_doctor_take_probe(ravine_doctor *d, const ravine_probe *probe) {
    if (!d || !probe) return ravine_fail(RAVINE_E_ARG, "an argument is NULL");
    ravine_probe own = {0}, *p = &own;
    const ravine_status status = ravine_sized_read(&ravine_sized_probe, p, probe);
    if (status) return status;
    doctor_history *h = &d->h;
    h->probe_step = (double)p->step;
    h->probe_elements = (double)p->elements;
    h->probe_flat = p->flat;
    h->probe_lanczos = p->lanczos;
    h->probe_loss = p->loss;
    h->probe_gradient = p->grad_norm;
    h->probe_max = p->lambda_max;
    h->probe_max_residual = p->lambda_max_residual;
    h->probe_min = p->lambda_min;
    h->probe_min_residual = p->lambda_min_residual;
    h->probe_noise = p->curvature_noise;
    h->probe_escape = p->escape_offset;
    h->probe_escape_loss[0] = p->escape_loss[0];
    h->probe_escape_loss[1] = p->escape_loss[1];
    h->probe_decrease = p->krylov_decrease;
    h->probe_sharpness = p->sharpness;
    h->probe_lr = p->lr;
    h->probe_limit = p->limit;
    h->probe_critical_lr = p->critical_lr;
    h->probe_noise_scale = p->noise_scale;
    h->probe_signal = p->signal;
    return RAVINE_OK;
}
