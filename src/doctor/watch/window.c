/* A doctor's life, and what it takes from every step. */
#include "base/error.h"
#include "base/memory.h"
#include "base/sized.h"
#include "doctor/doctor.h"
#include "optimizer/optimizer.h"
#include "optimizer/settings.h"

#include <math.h>
#include <string.h>

void ravine_doctor_options_init_sized(ravine_doctor_options *options, size_t size) {
    const ravine_doctor_options usual = {.window = 256,
                                         .samples = 4096,
#define RAVINE_X(name, value, meaning) .name = (value),
                                         RAVINE_THRESHOLD_LIST(RAVINE_X)
#undef RAVINE_X
    };
    (void)ravine_sized_make(&ravine_sized_doctor_options, options, size, &usual);
}

static ravine_status check_options(const ravine_doctor_options *o) {
    enum { WINDOW_LEAST = 16, WINDOW_MOST = 65536, SAMPLES_MOST = 1 << 20 };
    if (o->window < WINDOW_LEAST || o->window > WINDOW_MOST)
        return ravine_fail(RAVINE_E_RANGE, "window is %d; it must be in [%d, %d]", o->window,
                           WINDOW_LEAST, WINDOW_MOST);
    if (o->budget < 0)
        return ravine_fail(RAVINE_E_RANGE, "budget is %lld; it must be in [0, inf)",
                           (long long)o->budget);
    if (o->samples < 0 || o->samples > SAMPLES_MOST)
        return ravine_fail(RAVINE_E_RANGE, "samples is %d; it must be in [0, %d]", o->samples,
                           SAMPLES_MOST);
#define RAVINE_X(name, value, meaning)        \
    if (!(o->name > 0) || !isfinite(o->name)) \
        return ravine_fail(RAVINE_E_RANGE, #name " is %g; it must be in (0, inf)", o->name);
    RAVINE_THRESHOLD_LIST(RAVINE_X)
#undef RAVINE_X
    return RAVINE_OK;
}

static size_t window_bytes(const ravine_doctor *d) {
    return (size_t)d->options.window * sizeof *d->window;
}

ravine_status ravine_doctor_create(ravine_doctor **out, const ravine_doctor_options *options,
                                   const ravine_env *env) {
    if (!out) return ravine_fail(RAVINE_E_ARG, "out is NULL");
    ravine_doctor_options own;
    ravine_doctor_options_init(&own);
    ravine_status status =
        options ? ravine_sized_read(&ravine_sized_doctor_options, &own, options) : RAVINE_OK;
    if (!status) status = check_options(&own);
    if (status) return status;
    if (own.budget == 0) own.budget = 10 * (int64_t)own.window;
    ravine_env complete;
    status = ravine_env_complete(&complete, env);
    if (status) return status;
    ravine_doctor *d = ravine_env_take(&complete, sizeof *d);
    if (!d) return RAVINE_E_NOMEM;
    *d = (ravine_doctor){.env = complete, .options = own};
    d->h = (doctor_history){.nonfinite_first = -1,
                            .nonfinite_last = -1,
                            .efficiency = NAN,
                            .rule = -1,
                            .probe_step = -1};
    d->window = ravine_env_take(&complete, window_bytes(d));
    if (!d->window) {
        ravine_doctor_destroy(d);
        return RAVINE_E_NOMEM;
    }
    *out = d;
    return RAVINE_OK;
}

static void release_groups(ravine_doctor *d) {
    const size_t n = (size_t)d->ngroups;
    ravine_env_give(&d->env, d->groups, n * sizeof *d->groups);
    ravine_env_give(&d->env, d->group_name, n * sizeof *d->group_name);
    ravine_env_give(&d->env, d->reports, n * sizeof *d->reports);
}

void ravine_doctor_destroy(ravine_doctor *d) {
    if (!d) return;
    const ravine_env env = d->env;
    doctor_release_path(d);
    release_groups(d);
    ravine_env_give(&env, d->window, window_bytes(d));
    ravine_env_give(&env, d, sizeof *d);
}

ravine_status doctor_make_groups(ravine_doctor *d, int32_t ngroups) {
    if (ngroups == d->ngroups) return RAVINE_OK;
    ravine_doctor larger = {.env = d->env, .ngroups = ngroups};
    const size_t n = (size_t)ngroups;
    if (n > 0) {
        larger.groups = ravine_env_take(&d->env, n * sizeof *d->groups);
        larger.group_name = ravine_env_take(&d->env, n * sizeof *d->group_name);
        larger.reports = ravine_env_take(&d->env, n * sizeof *d->reports);
        if (!larger.groups || !larger.group_name || !larger.reports) {
            release_groups(&larger);
            return RAVINE_E_NOMEM;
        }
        memset(larger.groups, 0, n * sizeof *d->groups);
        memset(larger.group_name, 0, n * sizeof *d->group_name);
        const size_t kept = (size_t)(d->ngroups < ngroups ? d->ngroups : ngroups);
        if (kept > 0) {
            memcpy(larger.groups, d->groups, kept * sizeof *d->groups);
            memcpy(larger.group_name, d->group_name, kept * sizeof *d->group_name);
        }
    }
    release_groups(d);
    d->ngroups = ngroups;
    d->groups = larger.groups;
    d->group_name = larger.group_name;
    d->reports = larger.reports;
    return RAVINE_OK;
}

int64_t doctor_window_length(const ravine_doctor *d) {
    return d->h.kept < d->options.window ? (int64_t)d->h.kept : d->options.window;
}

const doctor_step *doctor_back(const ravine_doctor *d, int64_t k) {
    return &d->window[((int64_t)d->h.kept - 1 - k) % d->options.window];
}

/* ---- one step */

static void remember_config(doctor_history *h, const ravine_config *c) {
    ravine_config own;
    if (!c || ravine_config_read(&own, c)) return;
    h->rule = own.rule;
    for (int k = 0; k < RAVINE_SETTING_COUNT; k++) h->setting[k] = ravine_config_value(&own, k);
}

static void remember_group(doctor_group *g, const ravine_report *r, int32_t window) {
    const double keep = 1 - 2.0 / window;
    if (!isfinite(r->grad_norm) || !isfinite(r->update_norm) || !isfinite(r->param_norm)) return;
    g->weight = keep * g->weight + 1;
    g->gradient = keep * g->gradient + r->grad_norm;
    g->update = keep * g->update + r->update_norm;
    g->param = keep * g->param + r->param_norm;
    if (r->grad_norm > g->gradient_most) g->gradient_most = r->grad_norm;
    if (isfinite(r->flips)) {
        g->flips_weight = keep * g->flips_weight + 1;
        g->flips = keep * g->flips + r->flips;
    }
    if (!isfinite(r->zero_share)) return;
    g->share_weight = keep * g->share_weight + 1;
    g->zero_share = keep * g->zero_share + r->zero_share;
    g->lost_share = keep * g->lost_share + (isfinite(r->lost_share) ? r->lost_share : 0);
    g->eps_share = keep * g->eps_share + (isfinite(r->eps_share) ? r->eps_share : 0);
}

/* The median of the last steps' losses, once there is a block of them. */
static void remember_block(ravine_doctor *d) {
    enum { BLOCK_MOST = 65536 / DOCTOR_BLOCKS_A_WINDOW };
    const int64_t block = d->options.window / DOCTOR_BLOCKS_A_WINDOW;
    if ((int64_t)d->h.kept % block) return;
    double loss[BLOCK_MOST];
    for (int64_t k = 0; k < block; k++) loss[k] = doctor_back(d, k)->loss;
    d->h.block[(int64_t)d->h.blocks % DOCTOR_BLOCKS] = doctor_median(loss, block);
    d->h.blocks++;
}

static void remember_extremes(doctor_history *h, const doctor_step *now) {
    if (h->kept == 0) {
        h->first_step = now->step;
        h->loss_first = h->loss_least = h->loss_most = h->thrown = now->loss;
        h->update_first = now->update;
        h->param_first = now->param;
        h->lr_first = now->lr;
    }
    h->loss_least = fmin(h->loss_least, now->loss);
    h->loss_most = fmax(h->loss_most, now->loss);
    h->gradient_most = fmax(h->gradient_most, now->gradient);
    h->param_most = fmax(h->param_most, now->param);
    h->lr_most = fmax(h->lr_most, now->lr);
    h->way += now->update;
    if (now->gradient > 0) h->gradient_alive = now->gradient;
    enum { FIRST_STEPS = 20 };
    if (h->kept < FIRST_STEPS) h->thrown = fmax(h->thrown, now->loss);
}

static void remember_step(ravine_doctor *d, double loss, const ravine_report *r) {
    /* Reports without statistics have zeros or NaN there. */
    const doctor_step now = {.step = (double)r->step,
                             .loss = loss,
                             .lr = r->lr,
                             .gradient = r->grad_norm,
                             .update = r->update_norm,
                             .param = r->param_norm,
                             .slope = r->grad_dot_update,
                             .alpha = r->alpha,
                             .flips = r->flips,
                             .flips_two = r->flips_two,
                             .momentum = r->momentum_norm,
                             .sigma_ratio = r->sigma_ratio,
                             .zero_share = r->zero_share,
                             .lost_share = r->lost_share,
                             .eps_share = r->eps_share,
                             .update_max = r->update_max};
    remember_extremes(&d->h, &now);
    doctor_watch_events(d, &now);
    d->window[(int64_t)d->h.kept % d->options.window] = now;
    d->h.kept++;
    remember_block(d);
}

static void remember_nonfinite(ravine_doctor *d, double loss, const ravine_report *r) {
    doctor_history *h = &d->h;
    h->nonfinite_last = h->observed;
    if (h->nonfinite_first >= 0) return;
    h->nonfinite_first = (double)(r->attempts > 0 ? r->attempts : r->step) - 1;
    h->nonfinite_count = (double)r->nonfinite;
    h->nonfinite_param = (double)r->nonfinite_param;
    h->nonfinite_index = (double)r->nonfinite_index;
    h->nonfinite_loss = !isfinite(loss);
    doctor_findings f;
    doctor_find(d, &f);
    /* With ReLU and noise it need not flip on its way to infinity. */
    h->nonfinite_growing =
        doctor_climbs(d, &f) || f.exploded || f.gradient_rise > d->options.rise_overflow;
}

/* Report k of an array whose elements have the size that they have for the caller. Statistics that
 * it does not have are not known. */
static ravine_status read_report(const ravine_report *reports, int32_t k, ravine_report *own) {
    *own = (ravine_report){
#define RAVINE_X(name, meaning) .name = NAN,
        RAVINE_STATISTIC_LIST(RAVINE_X)
#undef RAVINE_X
    };
    return ravine_sized_read(&ravine_sized_report, own,
                             (const char *)reports + (size_t)k * reports->size);
}

/* An observation of the caller's, whole, with what it points to checked. */
static ravine_status read_observation(ravine_observation *own, const ravine_observation *o) {
    ravine_report report;
    ravine_config config;
    *own = (ravine_observation){0};
    ravine_status status = ravine_sized_read(&ravine_sized_observation, own, o);
    if (status) return status;
    if (!own->report) return ravine_fail(RAVINE_E_ARG, "the report of the observation is NULL");
    if (own->ngroups < 0 || (own->ngroups > 0 && !own->group_report))
        return ravine_fail(RAVINE_E_ARG, "ngroups is %d and there is no report of groups",
                           own->ngroups);
    status = read_report(own->report, 0, &report);
    for (int32_t k = 0; !status && k < own->ngroups; k++)
        status = read_report(own->group_report, k, &report);
    if (!status && own->config) status = ravine_config_read(&config, own->config);
    return status;
}

ravine_status ravine_doctor_feed(ravine_doctor *d, const ravine_observation *observation) {
    if (!d || !observation) return ravine_fail(RAVINE_E_ARG, "an argument is NULL");
    ravine_observation own, *o = &own;
    ravine_report report, *r = &report;
    ravine_status status = read_observation(o, observation);
    if (!status) status = doctor_make_groups(d, o->ngroups);
    if (status) return status;

    remember_config(&d->h, o->config);
    for (int32_t k = 0; k < o->ngroups; k++) {
        (void)read_report(o->group_report, k, r);
        remember_group(&d->groups[k], r, d->options.window);
        if (o->group_name && o->group_name[k])
            strncpy(d->group_name[k], o->group_name[k], sizeof d->group_name[k] - 1);
    }
    (void)read_report(o->report, 0, r);
    const bool finite = isfinite(o->loss) && isfinite(r->grad_norm) && isfinite(r->update_norm) &&
                        isfinite(r->param_norm);
    if (!finite || r->nonfinite > 0) remember_nonfinite(d, o->loss, r);
    if (finite) remember_step(d, o->loss, r);
    d->h.observed++;
    d->h.step = (double)r->step;
    if (isfinite(o->path_efficiency)) d->h.efficiency = o->path_efficiency;
    doctor_watch_warnings(d);
    return RAVINE_OK;
}

ravine_status ravine_doctor_observe(ravine_doctor *d, const ravine_optimizer *o, double loss) {
    if (!d || !o) return ravine_fail(RAVINE_E_ARG, "an argument is NULL");
    if (!o->reported)
        return ravine_fail(RAVINE_E_STATE, "the last step had no report; pass one to ravine_step");
    ravine_status status = doctor_make_groups(d, o->ngroups);
    if (status) return status;
    const ravine_report all = ravine_report_all(o);
    for (int32_t k = 0; k < o->ngroups; k++) {
        d->reports[k].size = sizeof *d->reports;
        status = ravine_group_report(o, k, &d->reports[k]);
        if (status) return status;
    }
    status = doctor_follow(d, o);
    if (status) return status;
    return ravine_doctor_feed(d, &(ravine_observation){.size = sizeof(ravine_observation),
                                                       .ngroups = o->ngroups,
                                                       .loss = loss,
                                                       .path_efficiency = d->h.efficiency,
                                                       .report = &all,
                                                       .group_report = d->reports,
                                                       .config = &o->groups[0].now});
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
