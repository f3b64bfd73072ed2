/* SPDX-License-Identifier: Apache-2.0 */
/* test_statistics.c - every statistic against sums in long double over the elements
 * that are watched: all rules with random settings, both types, lengths around the borders of
 * blocks, three groups, refused gradients, missing gradients, skipped steps, clipping and
 * grad_scale. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "math/random.h"
#include "support/make.h"
#include "support/numbers.h"
#include "support/random_case.h"

typedef long double real;

enum { BLOCK = 4096, PARAMS = 11, GROUPS = 3, STEPS = 7 };
static const int64_t lengths[PARAMS] = {
    1,         63,        128,           0,         BLOCK - 1,      BLOCK,
    BLOCK + 1, 4 * BLOCK, 4 * BLOCK + 1, 9 * BLOCK, 41 * BLOCK + 77};

/* 128 elements of every 128, 256, 512 ... 16,384, by the blocks of the parameter. */
static bool is_watched(int64_t len, int64_t i) {
    int64_t period = 128;
    for (int64_t blocks = (len + BLOCK - 1) / BLOCK; period < 128 * 128 && period / 128 < blocks;)
        period *= 2;
    return i % period < 128;
}

/* What the test remembers of one parameter. */
typedef struct memory {
    int32_t dtype, group;
    int64_t len, step_count;
    void *data, *grad, *before, *past; /* data and v as they were before the step */
    const void *square, *center;       /* the state of sigma; NULL: none */
    real *last;                        /* update */
    int (*sign)[2];                    /* of the last gradient and the one before */
    bool *seen;                        /* it had some gradient; STEPS are less than a period */
    real slope;                        /* <g, u> of the last step */
    bool bound;                        /* it has a gradient */
} memory;

typedef struct trial {
    ravine_optimizer *o;
    ravine_config config[GROUPS];
    memory m[PARAMS];
    double grad_scale, clip;
} trial;

/* Sums over elements, of which statistics are made. */
typedef struct sums {
    real slope, slope_size;        /* over all elements */
    real rounding;                 /* of such sums, relative to the sum of sizes */
    real arrival, departure, size; /* <g, u before>; <g, u> before; sum |g u| of both */
    real weight, sign_change_rate, weight_two, sign_change_rate_lag2;
    real momentum2, ratios, update_max;
    int64_t rated, scaled, eps, eps_ties, elements, zeros, quiet, lost, with_momentum, arrivals;
} sums;

static const char *const setting_names[GROUPS] = {"first", "second", "third"};

static const void *state_of(const trial *t, int p, const char *key) {
    char name[16];
    (void)snprintf(name, sizeof name, "p%d", p);
    ravine_param view = {.size = sizeof view};
    return ravine_state_view(t->o, name, key, &view) == RAVINE_OK ? view.data : NULL;
}

/* ---- sigma and momentum, from the formulas of rules.def ----------------------------------------
 */

static const char *square_key(const ravine_config *c) {
    switch (c->rule) {
    case RAVINE_ADAGRAD:
    case RAVINE_ADAGRAD_MEAN: return "sum";
    case RAVINE_RMSPROP:
    case RAVINE_ADADELTA: return "square_avg";
    case RAVINE_ADAMAX: return "exp_inf";
    case RAVINE_ADABELIEF: return "exp_avg_var";
    case RAVINE_ADAM:
    case RAVINE_ADAMW: return c->amsgrad != 0 ? "max_exp_avg_sq" : "exp_avg_sq";
    case RAVINE_NADAM:
    case RAVINE_RADAM:
    case RAVINE_YOGI:
    case RAVINE_ADAN:
    case RAVINE_LAMB:
    case RAVINE_ADOPT: return "exp_avg_sq";
    default: return NULL;
    }
}

static const char *momentum_key(const ravine_config *c) {
    switch (c->rule) {
    case RAVINE_SGD: return c->momentum != 0 ? "momentum_buffer" : NULL;
    case RAVINE_ADAM:
    case RAVINE_ADAMW:
    case RAVINE_ADAMAX:
    case RAVINE_NADAM:
    case RAVINE_RADAM:
    case RAVINE_LION:
    case RAVINE_SIGNUM:
    case RAVINE_ADABELIEF:
    case RAVINE_YOGI:
    case RAVINE_LAMB:
    case RAVINE_ADAN: return "exp_avg";
    default: return NULL; /* none, or one of g/sigma */
    }
}

static real rho(real beta, int64_t t) {
    const real power = powl(beta, (real)t);
    return 2 / (1 - beta) - 1 - 2 * (real)t * power / (1 - power);
}

/* v^ / v at step t; 0: sigma is not in use. */
static real correction(const ravine_config *c, int64_t t) {
    const real beta = c->rule == RAVINE_ADAN ? (real)c->beta3 : (real)c->beta2;
    switch (c->rule) {
    case RAVINE_ADAGRAD_MEAN: return 1 / (real)t;
    case RAVINE_RADAM: {
        if (!(rho(beta, t) > 5)) return 0;
        const real r = rho(beta, t), most = 2 / (1 - beta) - 1;
        const real rectify2 = (r - 4) * (r - 2) * most / ((most - 4) * (most - 2) * r);
        return 1 / (1 - powl(beta, (real)t)) / rectify2;
    }
    case RAVINE_NADAM: return 1 / (1 - powl(beta, (real)t));
    case RAVINE_ADAM:
    case RAVINE_ADAMW:
    case RAVINE_YOGI:
    case RAVINE_ADAN:
    case RAVINE_LAMB:
    case RAVINE_ADABELIEF: return c->bias_correction != 0 ? 1 / (1 - powl(beta, (real)t)) : 1;
    default: return 1;
    }
}

/* sigma^2 of step t without eps, from v; 0: none, or nothing to compare a gradient with. */
static real variance(const ravine_config *c, int64_t t, real v) {
    if (t == 0 || c->rule == RAVINE_ADABELIEF) return 0;
    if (c->rule == RAVINE_LAMB) return 0; /* v is of this step when theta moves */
    if (c->rule == RAVINE_RMSPROP && c->centered != 0) return 0;
    return c->rule == RAVINE_ADAMAX ? v * v : v * correction(c, t);
}

/* -1 if a < b, 1 if a > b, 0 if roundings decide. */
static int against(int32_t dtype, real a, real b) {
    return fabsl(a - b) <= 4 * number_spacing(dtype, b) ? 0 : a < b ? -1 : 1;
}

/* -1 if sigma of step t is mostly eps, 1 if not, 0 if roundings decide. */
static int sigma_against_eps(const ravine_config *c, int32_t dtype, int64_t t, real v,
                             real center) {
    const real eps = (real)c->eps;
    switch (c->rule) {
    case RAVINE_ADAMAX: return against(dtype, v - eps, eps);
    case RAVINE_ADADELTA: return against(dtype, v, eps);
    case RAVINE_ADOPT: return against(dtype, sqrtl(v), eps);
    default: break;
    }
    v = number_round(dtype, v - number_round(dtype, center * center));
    if (v < 0) v = 0;
    const real rectified = c->rule == RAVINE_RADAM ? v / (1 - powl((real)c->beta2, (real)t)) : 0;
    const real hat = c->rule == RAVINE_RADAM ? rectified : v * correction(c, t);
    switch ((int)c->eps_form) {
    case RAVINE_EPS_HAT: /* the mean of squares of adagrad_mean is no correction of a bias */
        return against(dtype, sqrtl(c->rule == RAVINE_ADAGRAD_MEAN ? hat : v), eps);
    case RAVINE_EPS_INSIDE: return against(dtype, hat, eps);
    default: return against(dtype, sqrtl(hat), eps);
    }
}

/* The gradient as the rule takes it in. */
static real prepared(const trial *t, const ravine_config *c, real raw, real theta) {
    real g = raw * (real)t->clip / (real)t->grad_scale;
    if (c->maximize != 0) g = -g;
    g = fminl(fmaxl(g, -(real)c->clip_value), (real)c->clip_value);
    const bool coupled = c->rule != RAVINE_RPROP && (int)c->decay_form == RAVINE_DECAY_COUPLED;
    return coupled ? g + (real)c->weight_decay * theta : g;
}

/* ---- one step ----------------------------------------------------------------------------------
 */

static real sign_of(real x) {
    return (real)(x > 0) - (real)(x < 0);
}

/* What element i of a parameter adds to the sums of its parameter, and what is remembered of it. */
static void see_element(trial *t, int p, int64_t i, sums *s, real *slope) {
    memory *m = &t->m[p];
    const ravine_config *c = &t->config[m->group];
    const real raw = number_get(m->grad, m->dtype, i);
    const bool refused = !isfinite(raw);
    const real g = refused ? 0 : raw / (real)t->grad_scale;
    const real theta = number_get(m->before, m->dtype, i);
    const real change = number_get(m->data, m->dtype, i) - theta;
    s->slope += g * change;
    s->slope_size += fabsl(g * change);
    if (!is_watched(m->len, i)) return;
    const real u = number_round(m->dtype, change);
    *slope += g * u;
    s->arrival += g * m->last[i];
    s->size += fabsl(g * m->last[i]);
    if (m->step_count >= 1) s->weight += g * g;
    if (m->step_count >= 2) s->weight_two += g * g;
    if (sign_of(g) * (real)m->sign[i][0] < 0) s->sign_change_rate += g * g;
    if (sign_of(g) * (real)m->sign[i][1] < 0) s->sign_change_rate_lag2 += g * g;
    s->update_max = fmaxl(s->update_max, fabsl(u));
    s->elements += !refused;
    s->zeros += !refused && g == 0;
    s->lost += !refused && g != 0 && change == 0;
    m->seen[i] = m->seen[i] || raw != 0;
    s->quiet += !m->seen[i];
    m->last[i] = u;
    m->sign[i][1] = m->sign[i][0];
    m->sign[i][0] = (int)sign_of(g);

    if (!m->square) return;
    const real past = variance(c, m->step_count, number_get(m->past, m->dtype, i));
    if (past > 0 && !refused) {
        const real taken = prepared(t, c, raw, theta);
        s->ratios += taken * taken / past;
        s->rated++;
    }
    if (!(correction(c, m->step_count + 1) > 0)) return;
    const real center = m->center ? number_get(m->center, m->dtype, i) : 0;
    const real v = number_get(m->square, m->dtype, i);
    const real lost = m->center ? number_spacing(m->dtype, v) : 0; /* by the difference */
    const int below = sigma_against_eps(c, m->dtype, m->step_count + 1, v - lost, center);
    const int above = sigma_against_eps(c, m->dtype, m->step_count + 1, v + lost, center);
    s->eps += below < 0 && above < 0;
    s->eps_ties += below * above <= 0;
    s->scaled++;
}

static real momentum2_of(const trial *t, int p, int64_t *count) {
    const memory *m = &t->m[p];
    const ravine_config *c = &t->config[m->group];
    const char *key = momentum_key(c);
    const real unit = c->lr_in_momentum != 0 ? (real)c->lr : 1;
    if (!key || unit == 0) return 0;
    const void *state = state_of(t, p, key);
    real watched = 0, gradient2 = 0, whole = 0;
    for (int64_t i = 0; i < m->len; i++) {
        const real x = number_get(state, m->dtype, i) / unit, g = number_get(m->grad, m->dtype, i);
        if (isfinite(g)) whole += g * g;
        if (!is_watched(m->len, i)) continue;
        watched += x * x;
        if (isfinite(g)) gradient2 += g * g;
        ++*count;
    }
    return *count < m->len ? watched * whole / gradient2 : watched;
}

static sums see(trial *t, int p) {
    sums s = {0};
    memory *m = &t->m[p];
    if (!m->bound) return s;
    /* Of float32 128 products are added in float32: u is rounded, and so are g u and the eleven
     * additions that it goes through. */
    s.rounding = m->dtype == RAVINE_F32 ? 13 * 0x1p-24L : 1e-12L;
    real slope = 0;
    for (int64_t i = 0; i < m->len; i++) see_element(t, p, i, &s, &slope);
    s.momentum2 = momentum2_of(t, p, &s.with_momentum);
    if (m->step_count > 0) {
        s.departure = m->slope;
        s.arrivals = s.elements;
    }
    m->slope = slope;
    m->step_count++;
    return s;
}

static void add(sums *a, const sums *b) {
    a->slope += b->slope, a->slope_size += b->slope_size, a->size += b->size;
    a->rounding = fmaxl(a->rounding, b->rounding);
    if (b->arrivals) a->arrival += b->arrival, a->departure += b->departure;
    a->weight += b->weight, a->sign_change_rate += b->sign_change_rate;
    a->weight_two += b->weight_two, a->sign_change_rate_lag2 += b->sign_change_rate_lag2;
    a->momentum2 += b->momentum2, a->ratios += b->ratios;
    a->update_max = fmaxl(a->update_max, b->update_max);
    a->rated += b->rated, a->scaled += b->scaled;
    a->eps += b->eps, a->eps_ties += b->eps_ties;
    a->elements += b->elements, a->zeros += b->zeros, a->lost += b->lost;
    a->quiet += b->quiet;
    a->with_momentum += b->with_momentum, a->arrivals += b->arrivals;
}

/* ---- comparing ---------------------------------------------------------------------------------
 */

static char where[256];

static void expect(double got, real wanted, real tolerance, const char *what) {
    if (isnan(got) && isnan(wanted)) return;
    if (fabsl((real)got - wanted) <= tolerance) return;
    fail_msg("%s: %s is %s, not %s", where, what, number_text((real)got), number_text(wanted));
}

static real ratio(real part, real whole) {
    return whole != 0 ? part / whole : NAN;
}

static void compare(const ravine_step_stats *r, const sums *s) {
    expect(r->grad_dot_update, s->slope, s->rounding * s->slope_size, "grad_dot_update");
    const real position = s->arrivals ? -ratio(s->arrival, s->departure) : NAN;
    expect(r->line_position, position, 1e-9L * (s->size / fabsl(s->departure) + fabsl(position)),
           "line_position");
    expect(r->sign_change_rate, ratio(s->sign_change_rate, s->weight), 1e-12L, "sign_change_rate");
    expect(r->sign_change_rate_lag2, ratio(s->sign_change_rate_lag2, s->weight_two), 1e-12L,
           "sign_change_rate_lag2");
    const real momentum = s->with_momentum ? sqrtl(s->momentum2) : NAN;
    expect(r->momentum_norm, momentum, s->rounding * momentum, "momentum_norm");
    const real sigma_ratio = sqrtl(ratio(s->ratios, (real)s->rated));
    expect(r->sigma_ratio, sigma_ratio, 1e-5L * sigma_ratio, "sigma_ratio");
    const real ties = (real)s->eps_ties, scaled = (real)s->scaled;
    expect(r->eps_share, ratio((real)s->eps + ties / 2, scaled), ratio(ties / 2, scaled) + 1e-15L,
           "eps_share");
    expect(r->zero_share, ratio((real)s->zeros, (real)s->elements), 1e-15L, "zero_share");
    expect(r->quiet_share, ratio((real)s->quiet, (real)s->elements), 1e-15L, "quiet_share");
    expect(r->underflow_share, ratio((real)s->lost, (real)(s->elements - s->zeros)), 1e-15L,
           "underflow_share");
    expect(r->update_max, s->elements ? s->update_max : NAN, 0, "update_max");
}

static void compare_all(trial *t, uint64_t seed, int64_t step, const ravine_step_stats *all) {
    sums whole = {0}, group[GROUPS] = {{0}};
    ravine_step_stats part = {.size = sizeof part};
    char text[64];
    (void)snprintf(text, sizeof text, "seed %d, step %d", (int)seed, (int)step);
    for (int p = 0; p < PARAMS; p++) {
        const sums own = see(t, p);
        (void)snprintf(where, sizeof where, "%s, parameter %d of %lld", text, p,
                       (long long)t->m[p].len);
        assert_int_equal(ravine_param_stats(t->o, p, &part), RAVINE_OK);
        compare(&part, &own);
        add(&whole, &own);
        add(&group[t->m[p].group], &own);
    }
    for (int32_t k = 0; k < GROUPS; k++) {
        (void)snprintf(where, sizeof where, "%s, the %s group", text, setting_names[k]);
        assert_int_equal(ravine_group_stats(t->o, k, &part), RAVINE_OK);
        compare(&part, &group[k]);
    }
    (void)snprintf(where, sizeof where, "%s, all", text);
    compare(all, &whole);
}

/* ---- the trial ---------------------------------------------------------------------------------
 */

static void make(trial *t, uint64_t seed) {
    ravine_env env;
    ravine_env_init(&env);
    env.threads = 1 + (int32_t)(seed % 2);
    env.statistics = 1;
    *t = (trial){.grad_scale = 1, .clip = 1};
    for (int k = 0; k < GROUPS; k++) {
        int32_t group;
        random_config(&t->config[k], (int)((seed + 7 * (uint64_t)k) % RAVINE_RULE_COUNT),
                      seed + (uint64_t)k);
        if (k == 0)
            assert_int_equal(ravine_create(&t->o, &t->config[k], &env), RAVINE_OK);
        else
            assert_int_equal(ravine_add_group(t->o, &t->config[k], &group), RAVINE_OK);
    }
    for (int p = 0; p < PARAMS; p++) {
        const size_t n = (size_t)lengths[p] + 1;
        char name[16];
        (void)snprintf(name, sizeof name, "p%d", p);
        memory m = {.dtype = ((uint64_t)p + seed) % 2 ? RAVINE_F32 : RAVINE_F64,
                    .group = p % GROUPS,
                    .len = lengths[p],
                    .bound = true};
        void **const array[4] = {&m.data, &m.grad, &m.before, &m.past};
        for (int k = 0; k < 4; k++) assert_non_null(*array[k] = calloc(n, sizeof(double)));
        assert_non_null(m.last = calloc(n, sizeof *m.last));
        assert_non_null(m.sign = calloc(n, sizeof *m.sign));
        assert_non_null(m.seen = calloc(n, sizeof *m.seen));
        for (int64_t i = 0; i < m.len; i++) {
            const double x = ravine_random_normal(seed, (uint64_t)p, (uint64_t)i);
            number_set(m.data, m.dtype, i, (real)x);
        }
        t->m[p] = m;
        make_param(t->o, m.group, name, m.dtype, m.data, m.grad, m.len);
        const char *key = square_key(&t->config[m.group]);
        if (key) t->m[p].square = state_of(t, p, key);
        t->m[p].center = state_of(t, p, "grad_avg");
    }
}

static void unmake(trial *t) {
    ravine_destroy(t->o);
    for (int p = 0; p < PARAMS; p++) {
        memory *m = &t->m[p];
        void *const array[7] = {m->data, m->grad, m->before, m->past, m->last, m->sign, m->seen};
        for (int k = 0; k < 7; k++) free(array[k]);
    }
}

/* What the formulas need as it was before the step. */
static void keep_state(trial *t) {
    for (int p = 0; p < PARAMS; p++) {
        memory *m = &t->m[p];
        const size_t bytes = (size_t)m->len * number_bytes(m->dtype);
        memcpy(m->before, m->data, bytes);
        if (m->square) memcpy(m->past, m->square, bytes);
    }
}

/* Gradients of the step; broken: some are not finite, in watched blocks and others. */
static void make_gradients(trial *t, uint64_t seed, int64_t step, bool broken) {
    static const gradient_kind kinds[3] = {GRADIENT_GAUSSIAN, GRADIENT_HALF_ZERO, GRADIENT_OUTLIER};
    for (int p = 0; p < PARAMS; p++) {
        memory *m = &t->m[p];
        random_gradient(m->grad, m->dtype, m->len, kinds[(p + step) % 3], seed + (uint64_t)p, step);
        if (!broken) continue;
        for (int64_t i = 13; i < m->len; i = 3 * i + 5)
            number_set(m->grad, m->dtype, i, i % 2 ? NAN : INFINITY);
    }
}

static void one_trial(uint64_t seed) {
    trial t;
    make(&t, seed);
    for (int64_t step = 1; step <= STEPS; step++) {
        const bool broken = step == 4 || step == 5, skips = step == 5;
        t.grad_scale = step < 3 ? 1 : 4;
        t.m[6].bound = step != 3;
        make_grad(t.o, 6, t.m[6].bound ? t.m[6].grad : NULL);
        make_gradients(&t, seed, step, broken);
        make_options(t.o, skips ? RAVINE_SKIP : RAVINE_HOLD, step == 2 ? 0.1 : (double)INFINITY,
                     t.grad_scale, 0);
        keep_state(&t);
        ravine_step_stats r;
        const ravine_status status = make_step(t.o, &r);
        if (!isfinite(r.param_norm)) break; /* left the type's range: test_rules.c knows when */
        t.clip = r.clip;
        assert_true(step != 2 || r.clip < 1);
        (void)snprintf(where, sizeof where, "seed %d, step %d", (int)seed, (int)step);
        if (skips) {
            assert_int_equal(status, RAVINE_SKIPPED);
            const sums none = {0};
            compare(&r, &none);
        } else {
            compare_all(&t, seed, step, &r);
        }
    }
    unmake(&t);
}

static void statistics_are_those_of_long_double(void **state) {
    (void)state;
    const uint64_t seeds = getenv("RAVINE_TEST_LONG") ? 40 * RAVINE_RULE_COUNT : RAVINE_RULE_COUNT;
    for (uint64_t seed = 0; seed < seeds; seed++) one_trial(seed);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(statistics_are_those_of_long_double)};
    return cmocka_run_group_tests_name("statistics", tests, NULL, NULL);
}
