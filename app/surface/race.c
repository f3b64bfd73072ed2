/* SPDX-License-Identifier: Apache-2.0 */
/* The run: gradient, statistics of theta_t, a step, statistics of the step; then what it came to.
 */
#include "surface/race.h"

#include "io/failure.h"
#include "ravine_doctor.h"
#include "surface/surface_stability.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Names of the states that m_t is, in the order of looking. */
static const char *const momentum_key[] = {"exp_avg", "momentum_buffer"};

/* What a run needs besides its result. All arrays in `memory`. */
typedef struct runner {
    const race_setup *setup;
    const surface *surface;
    ravine_optimizer *optimizer;
    double *memory;
    double *theta, *gradient, *sigma; /* [size] */
    double *hessian, *work;           /* [size, size] */
    float *theta_f32, *gradient_f32;  /* [size], of a float32 race */
    bool has_sigma, in_burst;
    int on_floor;      /* steps in a row, up to RACE_FLOOR_STEPS */
    double loss;       /* at theta */
    double lr;         /* what the schedule says */
    double judged_eta; /* of the last look at eta S; NaN: none yet */
    int64_t step, last_far;
} runner;

enum { SETTLED_BY = 5 }; /* sigma is not judged up to this step */

/* ---- setting up ---- */

static int check(const race_setup *setup) {
    if (setup->steps < 1 || setup->steps > RACE_STEPS_MAX)
        return failure(FAILURE_USAGE, "steps is %lld; it must be in [1, %d]",
                       (long long)setup->steps, RACE_STEPS_MAX);
    const double *start = setup->start ? setup->start : setup->surface->start;
    for (int i = 0; i < setup->surface->size; i++)
        if (!isfinite(start[i]) || (setup->dtype == RAVINE_F32 && fabs(start[i]) > (double)FLT_MAX))
            return failure(FAILURE_USAGE, "start[%d] is %g; it must be finite in the race's dtype",
                           i, start[i]);
    return 0;
}

static int make_optimizer(runner *u, race_result *r) {
    const race_setup *setup = u->setup;
    const bool f32 = setup->dtype == RAVINE_F32;
    ravine_env env;
    ravine_env_init(&env);
    env.threads = 1;
    env.statistics = setup->observe != NULL;
    ravine_options options;
    ravine_options_init(&options);
    options.nonfinite = RAVINE_PROPAGATE;
    const ravine_param theta = {.size = sizeof theta,
                                .dtype = (int32_t)setup->dtype,
                                .name = "theta",
                                .data = f32 ? (void *)u->theta_f32 : u->theta,
                                .grad = f32 ? (void *)u->gradient_f32 : u->gradient,
                                .len = r->size};
    ravine_schedule schedule;
    if (ravine_config_parse(&r->config, setup->optimizer) < 0 ||
        (setup->schedule && ravine_schedule_parse(&schedule, setup->schedule) < 0))
        return failure(FAILURE_USAGE, "%s", ravine_errmsg());
    ravine_status status = ravine_create(&u->optimizer, &r->config, &env);
    if (status >= 0) status = ravine_add(u->optimizer, &theta, 1);
    if (status >= 0) status = ravine_set_options(u->optimizer, &options);
    if (status >= 0 && setup->schedule)
        status = ravine_set_schedule(u->optimizer, 0, RAVINE_LR, &schedule);
    if (status >= 0) u->has_sigma = !isnan(ravine_stability_limit(&r->config, 1, 0));
    return failure_of(status);
}

static int make_trace(race_trace *trace, const race_setup *setup) {
    if (setup->record_every <= 0) return 0;
    const size_t count = (size_t)(setup->steps / setup->record_every) + 2;
    const size_t n = (size_t)setup->surface->size;
    trace->step = malloc(count * sizeof *trace->step);
    trace->loss = malloc(count * (5 + 4 * n) * sizeof(double));
    if (!trace->step || !trace->loss)
        return failure(FAILURE_INPUT, "out of memory for a trace of %zu steps of size %zu", count,
                       n);
    trace->grad_norm = trace->loss + count;
    trace->eta = trace->grad_norm + count;
    trace->sharpness = trace->eta + count;
    trace->limit = trace->sharpness + count;
    trace->theta = trace->limit + count;
    trace->gradient = trace->theta + n * count;
    trace->sigma = trace->gradient + n * count;
    trace->m = trace->sigma + n * count;
    return 0;
}

static int make(runner *u, race_result *r) {
    const surface *s = u->surface;
    const size_t n = (size_t)s->size;
    u->memory = calloc(4 * n + 2 * n * n, sizeof(double));
    r->start = calloc(2 * n, sizeof *r->start);
    if (!u->memory || !r->start)
        return failure(FAILURE_INPUT, "out of memory for a race of size %zu", n);
    u->theta = u->memory;
    u->gradient = u->theta + n;
    u->sigma = u->gradient + n;
    u->theta_f32 = (float *)(u->sigma + n); /* two floats in the place of each double */
    u->gradient_f32 = u->theta_f32 + n;
    u->hessian = u->sigma + 2 * n;
    u->work = u->hessian + n * n;
    r->end = r->start + n;
    memcpy(r->start, u->setup->start ? u->setup->start : s->start, n * sizeof *r->start);
    for (size_t i = 0; i < n; i++) {
        u->theta[i] = r->start[i];
        u->theta_f32[i] = (float)r->start[i];
        u->sigma[i] = 1;
    }
    const int code = make_optimizer(u, r);
    return code ? code : make_trace(&r->trace, u->setup);
}

/* ---- theta_t ---- */

/* Loss and gradient at theta; false if the loss is not finite. */
static bool evaluate(runner *u) {
    const surface *s = u->surface;
    if (u->setup->dtype == RAVINE_F64) {
        u->loss = surface_gradient(s, u->theta, u->step, u->gradient);
        return isfinite(u->loss);
    }
    for (int i = 0; i < s->size; i++) u->theta[i] = (double)u->theta_f32[i];
    u->loss = surface_loss(s, u->theta);
    return isfinite(surface_gradient_f32(s, u->theta_f32, u->step, u->gradient_f32));
}

/* A swing through the floor has not reached it: it is reached by staying. */
static void watch_valley(runner *u, race_result *r) {
    const double across = fabs(surface_across(u->surface, u->theta));
    if (u->on_floor < RACE_FLOOR_STEPS) {
        u->on_floor = across < 0.1 ? u->on_floor + 1 : 0;
        return;
    }
    if (across < 0.05) u->in_burst = false;
    if (u->in_burst || !(across > 0.5)) return;
    u->in_burst = true;
    if (r->bursts++ == 0) r->first_burst_step = u->step;
}

static void watch_theta(runner *u, race_result *r) {
    const double distance = surface_distance(u->surface, u->theta);
    if (!(distance < 1)) u->last_far = u->step;
    if (u->surface->steep) watch_valley(u, r);
    if (u->step < u->setup->steps - u->setup->steps / 10) return;
    r->worst_distance = fmax(r->worst_distance, distance);
    r->worst_excess_loss = fmax(r->worst_excess_loss, u->loss - u->surface->least);
}

/* ---- step t ---- */

static const void *momentum_state(const runner *u) {
    ravine_param view;
    for (size_t k = 0; k < sizeof momentum_key / sizeof *momentum_key; k++)
        if (ravine_state_view(u->optimizer, "theta", momentum_key[k], &view) == RAVINE_OK)
            return view.data;
    return u->setup->dtype == RAVINE_F32 ? (const void *)u->gradient_f32 : u->gradient;
}

/* to [n] <- from [n] of the race's type. */
static void widen(double *to, const void *from, ravine_dtype dtype, size_t n) {
    if (dtype == RAVINE_F64)
        memcpy(to, from, n * sizeof *to);
    else
        for (size_t i = 0; i < n; i++) to[i] = (double)((const float *)from)[i];
}

static double norm(const double *x, size_t n) {
    double largest = 0, squares = 0;
    for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs(x[i]));
    if (!(largest > 0 && isfinite(largest))) return largest;
    for (size_t i = 0; i < n; i++) squares += (x[i] / largest) * (x[i] / largest);
    return largest * sqrt(squares);
}

/* One entry of the trace, before the step; `theta` is overwritten by it. */
static void record_theta(const runner *u, race_trace *t) {
    const size_t n = (size_t)u->surface->size, k = (size_t)t->count++;
    t->step[k] = u->step;
    t->loss[k] = u->loss;
    memcpy(t->theta + k * n, u->theta, n * sizeof(double));
    t->grad_norm[k] = t->eta[k] = t->sharpness[k] = t->limit[k] = NAN;
    for (size_t i = k * n; i < k * n + n; i++) t->gradient[i] = t->sigma[i] = t->m[i] = NAN;
}

static void record_step(const runner *u, const ravine_config *c, race_trace *t, double eta) {
    const size_t n = (size_t)u->surface->size, k = (size_t)t->count - 1;
    const bool f32 = u->setup->dtype == RAVINE_F32;
    widen(t->gradient + k * n, f32 ? (const void *)u->gradient_f32 : u->gradient, u->setup->dtype,
          n);
    widen(t->m + k * n, momentum_state(u), u->setup->dtype, n);
    t->grad_norm[k] = norm(t->gradient + k * n, n);
    t->eta[k] = eta;
    if (!u->has_sigma) return;
    memcpy(t->sigma + k * n, u->sigma, n * sizeof(double));
    t->limit[k] = ravine_stability_limit(c, u->lr, u->step);
    if (u->surface->size <= RACE_SHARPNESS_SIZE_MAX)
        t->sharpness[k] = stability_sharpness(u->hessian, u->sigma, u->surface->size, eta, u->work);
}

/* H at theta_t, as the rule sees it: a coupled decay is part of it, and a climb turns it over. */
static void take_hessian(runner *u, const ravine_config *c) {
    const int n = u->surface->size;
    if (u->surface->row->quadratic && u->step > 0) return;
    surface_hessian(u->surface, u->theta, u->hessian);
    for (int i = 0; c->maximize != 0 && i < n * n; i++) u->hessian[i] = -u->hessian[i];
    for (int i = 0; c->decay_form == RAVINE_DECAY_COUPLED && i < n; i++)
        u->hessian[i * n + i] += c->weight_decay;
}

static int sigma_kind(const ravine_config *c) {
    return ravine_rule_describe(c->rule)->sigma;
}

/* sigma is 1 throughout. */
static bool is_plain(const ravine_config *c) {
    return sigma_kind(c) == RAVINE_SIGMA_ONE;
}

/* Whether the next step's eta S is worth a look: it was stable so far, sigma is not as young as
 * its first gradients - RAdam's are steps without it -, and something has changed since the last
 * look. */
static bool is_judged(const runner *u, const race_result *r, double eta) {
    if (!u->has_sigma || r->first_unstable_step != RACE_NEVER) return false;
    if (!is_plain(&r->config))
        return u->step > SETTLED_BY || sigma_kind(&r->config) == RAVINE_SIGMA_LATE;
    return !u->surface->row->quadratic || eta != u->judged_eta;
}

static int take_step(runner *u, race_result *r) {
    const race_setup *setup = u->setup;
    const ravine_config *c = &r->config;
    const bool record = setup->record_every > 0 && u->step % setup->record_every == 0;
    if ((setup->schedule || u->step == 0) && ravine_get(u->optimizer, 0, RAVINE_LR, &u->lr))
        goto fail;
    const double eta = ravine_effective_lr(c, u->lr, u->step);
    const bool judged = is_judged(u, r, eta);
    const bool look = u->has_sigma && !is_plain(c) && (record || judged);
    const bool ahead = sigma_kind(c) == RAVINE_SIGMA_OF_NEXT_STEP && u->step > 0;
    if (u->has_sigma && (record || judged || u->step == 0)) take_hessian(u, c);
    if (record) record_theta(u, &r->trace);
    if (look && ahead && ravine_sigma(u->optimizer, "theta", u->sigma, r->size)) goto fail;
    ravine_step_stats stats = {.size = sizeof stats};
    if (ravine_step(u->optimizer, setup->observe ? &stats : NULL) < 0) goto fail;
    if (look && !ahead && ravine_sigma(u->optimizer, "theta", u->sigma, r->size)) goto fail;
    if (record) record_step(u, c, &r->trace, eta);
    const int code = setup->observe ? setup->observe(setup->context, u->optimizer, u->loss) : 0;
    if (code || !judged) return code;
    r->limit = ravine_stability_limit(c, u->lr, u->step);
    u->judged_eta = eta;
    if (stability_exceeded(u->hessian, u->sigma, r->size, eta, r->limit, u->work))
        r->first_unstable_step = u->step;
    return 0;
fail:
    return failure(FAILURE_INPUT, "step %lld: %s", (long long)u->step, ravine_errmsg());
}

/* ---- the whole ---- */

static int run(runner *u, race_result *r) {
    bool finite = evaluate(u);
    while (finite && u->step < u->setup->steps) {
        watch_theta(u, r);
        const int code = take_step(u, r);
        if (code) return code;
        u->step++;
        finite = evaluate(u);
    }
    if (!finite) r->nonfinite_step = u->step;
    if (finite) watch_theta(u, r);
    r->done = u->step;
    return 0;
}

static void finish(runner *u, race_result *r) {
    const surface *s = u->surface;
    const size_t n = (size_t)s->size;
    memcpy(r->end, u->theta, n * sizeof *r->end);
    r->limit = ravine_stability_limit(&r->config, u->lr, r->done > 0 ? r->done - 1 : 0);
    r->distance = surface_distance(s, u->theta);
    r->loss = s->row->gradient_f64(s, u->theta, u->gradient);
    r->excess_loss = r->loss - s->least;
    r->grad_norm = norm(u->gradient, n);
    if (r->nonfinite_step == RACE_NEVER && u->last_far < r->done && s->minima > 0)
        r->settled_step = u->last_far + 1;
    if (r->nonfinite_step != RACE_NEVER) r->worst_distance = r->worst_excess_loss = NAN;
    if (u->setup->record_every > 0) record_theta(u, &r->trace);
}

int race_run(race_result *r, const race_setup *setup) {
    runner u = {.setup = setup, .surface = setup->surface, .last_far = -1, .judged_eta = NAN};
    *r = (race_result){.size = setup->surface->size,
                       .worst_excess_loss = NAN,
                       .worst_distance = NAN,
                       .limit = NAN,
                       .first_unstable_step = RACE_NEVER,
                       .bursts = setup->surface->steep ? 0 : RACE_NEVER,
                       .first_burst_step = RACE_NEVER,
                       .nonfinite_step = RACE_NEVER,
                       .settled_step = RACE_NEVER};
    int code = check(setup);
    if (!code) code = make(&u, r);
    if (!code) code = run(&u, r);
    if (!code) finish(&u, r);
    ravine_destroy(u.optimizer);
    free(u.memory);
    if (code) race_free(r);
    return code;
}

void race_free(race_result *r) {
    free(r->start); /* and r->end */
    free(r->trace.step);
    free(r->trace.loss); /* and the other arrays */
    r->start = r->end = NULL;
    r->trace = (race_trace){.count = 0};
}
