/* SPDX-License-Identifier: Apache-2.0 */
/* The generators of the battery: each draws problems whose trouble its comment derives. */
#include "doctor/problems.h"

#include "math/random.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct draw {
    problem *p;
    uint64_t seed, stream, index;
} draw;

static double uniform(draw *d, double low, double high) {
    return low + (high - low) * ravine_random_uniform(d->seed, d->stream, d->index++);
}

static double spread(draw *d, double low, double high) { /* uniform in its logarithm */
    return exp(uniform(d, log(low), log(high)));
}

static int whole(draw *d, int low, int high) {
    return (int)floor(uniform(d, low, high + 1));
}

static double sign(draw *d) {
    return uniform(d, 0, 1) < 0.5 ? -1 : 1;
}

static void sized(draw *d, int low, int high) {
    d->p->n = whole(d, low, high);
    for (int i = 0; i < d->p->n; i++) d->p->start[i] = sign(d) * uniform(d, 0.6, 1.4);
}

/* Curvatures from 1 down to 1/condition, both among them. */
static void quadratic(draw *d, double condition) {
    problem *p = d->p;
    p->kind = PROBLEM_QUADRATIC;
    sized(d, 2, PROBLEM_SIZE_MAX);
    for (int i = 0; i < p->n; i++) p->curvature[i] = 1 / spread(d, 1, condition);
    p->curvature[0] = 1;
    p->curvature[p->n - 1] = 1 / condition;
}

static void reflected(draw *d) {
    problem *p = d->p;
    double square = 0;
    for (int i = 0; i < p->n; i++) {
        p->mirror[i] = uniform(d, -1, 1);
        square += p->mirror[i] * p->mirror[i];
    }
    for (int i = 0; i < p->n; i++) p->mirror[i] /= sqrt(square);
}

static void train(draw *d, const char *rule, double lr, int64_t steps) {
    d->p->rule = rule;
    d->p->lr = lr;
    d->p->steps = steps;
}

static const double momentum = 0.9;
#define MOMENTUM "sgd momentum=0.9"

/* ---- DIVERGING: above the limit an error grows by a known factor a step */

/* GD: |1 - lr| = 2 f - 1 at f times the limit 2. */
static void gd_too_fast(draw *d) {
    quadratic(d, spread(d, 1, 1e4));
    reflected(d);
    const double times = spread(d, 1.05, 50), growth = 2 * times - 1;
    train(d, "sgd", 2 * times, 8 + (int64_t)(uniform(d, 3, 60) * log(10) / log(growth)));
}

/* Until the loss is no number any more. */
static void gd_overflows(draw *d) {
    quadratic(d, spread(d, 1, 1e4));
    const double times = spread(d, 1.5, 50), growth = 2 * times - 1;
    train(d, "sgd", 2 * times, 8 + (int64_t)(400 * log(10) / log(growth)));
}

/* Heavy ball: lr = G + 1 + b + b/G. */
static void heavy_ball_too_fast(draw *d) {
    quadratic(d, spread(d, 1, 1e4));
    reflected(d);
    const double growth = spread(d, 1.1, 30);
    const double lr = growth + 1 + momentum + momentum / growth;
    train(d, MOMENTUM, lr, 12 + (int64_t)(uniform(d, 4, 60) * log(10) / log(growth)));
}

/* Nesterov: lr = (G + 1)(G + b) / (G + b + b G). */
static void nesterov_too_fast(draw *d) {
    quadratic(d, spread(d, 1, 1e4));
    const double growth = spread(d, 1.1, 30);
    const double lr = (growth + 1) * (growth + momentum) / (growth + momentum + momentum * growth);
    train(d, MOMENTUM " nesterov=true", lr,
          12 + (int64_t)(uniform(d, 4, 60) * log(10) / log(growth)));
}

/* Cubic forces: 400 lr |z|^3 > 2 |z| at the start and more so at every step. */
static void rosenbrock_too_fast(draw *d) {
    d->p->kind = PROBLEM_ROSENBROCK;
    d->p->n = 2;
    d->p->start[0] = -uniform(d, 1, 2);
    d->p->start[1] = uniform(d, -1, 0.5);
    train(d, "sgd", uniform(d, 0.01, 0.05), 40);
}

/* ---- BOUNCING: orbits that neither grow nor shrink */

/* softabs walls: |z| = sqrt((lr h/2)^2 - 1), stable for every lr h > 2; the floors have converged:
 * (1 - lr f)^steps. */
static void ravine(draw *d, const char *rule, double low, double high) {
    problem *p = d->p;
    sized(d, 2, 20);
    p->kind = PROBLEM_RAVINE;
    p->walls = whole(d, 1, p->n / 2);
    const double lr = uniform(d, low, high);
    for (int i = 0; i < p->n; i++)
        p->curvature[i] = i < p->walls ? uniform(d, low / lr, 1) : spread(d, 0.02, 0.3) / lr;
    p->curvature[0] = 1;
    reflected(d);
    for (int i = 0; i < p->walls; i++) p->start[i] *= uniform(d, 0.1, 5);
    train(d, rule, lr, whole(d, 1500, 2500));
}
static void ravine_gd(draw *d) {
    ravine(d, "sgd", 2.4, 8);
}
static void ravine_heavy_ball(draw *d) {
    ravine(d, MOMENTUM, 4.4, 20);
}

/* At the limit itself: z flips and stays. The others have converged. */
static void gd_at_limit(draw *d) {
    quadratic(d, uniform(d, 1.5, 20));
    for (int i = 1; i < d->p->n; i++) d->p->curvature[i] = fmin(d->p->curvature[i], 0.95);
    train(d, "sgd", 2, whole(d, 1200, 2000));
}

/* Every coordinate by itself: an orbit of +- lr/2. */
static void rmsprop_orbit(draw *d) {
    quadratic(d, spread(d, 1, 100));
    train(d, uniform(d, 0, 1) < 0.5 ? "rmsprop alpha=0.9" : "rmsprop alpha=0.95",
          spread(d, 0.005, 0.05), whole(d, 2500, 3500));
}

/* ---- CRAWLING: the slope stays for longer than the budget, the loss falls by < 1 % */

/* lr h 2560 < 0.03. */
static void gd_too_slow(draw *d) {
    quadratic(d, spread(d, 1, 1e4));
    reflected(d);
    train(d, "sgd", spread(d, 1e-8, 4e-6), whole(d, 300, 2500));
}
static void heavy_ball_too_slow(draw *d) {
    quadratic(d, spread(d, 1, 1e4));
    train(d, MOMENTUM, spread(d, 1e-9, 4e-7), whole(d, 400, 2500));
}

/* The walls are left behind; along the floor a step is lr f < 2e-6 of the way. */
static void ravine_floor(draw *d) {
    problem *p = d->p;
    p->kind = PROBLEM_QUADRATIC;
    sized(d, 2, PROBLEM_SIZE_MAX);
    const int steep = whole(d, 1, p->n - 1);
    const double floor_curvature = spread(d, 1e-9, 1e-6), distance = spread(d, 10, 1000);
    for (int i = 0; i < p->n; i++) {
        p->curvature[i] = i < steep ? uniform(d, 0.3, 1) : floor_curvature * uniform(d, 0.5, 1);
        if (i >= steep) p->start[i] *= distance;
    }
    reflected(d);
    train(d, "sgd", uniform(d, 0.3, 1.6), whole(d, 1200, 2500));
}

/* Adaptive rules go lr a step: 2560 lr < 1 % of the way. */
static void adaptive_too_slow(draw *d) {
    static const char *const rules[] = {"adam", "rmsprop", "adagrad_mean", "adamw weight_decay=0"};
    quadratic(d, spread(d, 1, 1e4));
    train(d, rules[whole(d, 0, 3)], spread(d, 1e-9, 2e-6), whole(d, 400, 2500));
}

static void logistic(draw *d, double decay) {
    problem *p = d->p;
    p->kind = PROBLEM_LOGISTIC;
    sized(d, 2, PROBLEM_SIZE_MAX);
    p->curvature[0] = decay;
    double truth[PROBLEM_SIZE_MAX];
    for (int i = 0; i < p->n; i++) truth[i] = uniform(d, -1, 1);
    for (int k = 0; k < PROBLEM_POINTS; k++) {
        double *x = &p->data[k * PROBLEM_SIZE_MAX], margin = 0, square = 0;
        for (int i = 0; i < p->n; i++) {
            x[i] = uniform(d, -1, 1);
            margin += x[i] * truth[i];
            square += x[i] * x[i];
        }
        for (int i = 0; i < p->n; i++) x[i] *= (margin < 0 ? -1 : 1) / sqrt(square);
    }
    for (int i = 0; i < p->n; i++) p->start[i] = 0;
}

/* Points of norm 1: curvature < 1/4, slope < 1, loss about log 2. */
static void logistic_too_slow(draw *d) {
    logistic(d, 0);
    train(d, "sgd", spread(d, 1e-8, 2e-6), whole(d, 300, 2500));
}

/* Curvature < 3000, slope < 2500, loss > 5. */
static void rosenbrock_too_slow(draw *d) {
    d->p->kind = PROBLEM_ROSENBROCK;
    d->p->n = 2;
    d->p->start[0] = -uniform(d, 1.2, 1.6);
    d->p->start[1] = uniform(d, 2, 2.5);
    train(d, "sgd", spread(d, 1e-12, 1e-10), whole(d, 300, 2500));
}

/* The same in noise that is not stronger than the slope. */
static void noisy_too_slow(draw *d) {
    quadratic(d, spread(d, 1, 10));
    double slope = 0;
    for (int i = 0; i < d->p->n; i++) slope += pow(d->p->curvature[i] * d->p->start[i], 2);
    d->p->noise = spread(d, 0.1, 1) * sqrt(slope / d->p->n);
    train(d, "sgd", spread(d, 1e-8, 4e-6), whole(d, 1000, 2500));
}

/* ---- HEALTHY: the loss of the slowest falls by e^-(2 rate) or more in four windows */

static void at_rate(draw *d, const char *rule, double lr, double gain) {
    const double rate = uniform(d, 0.4, 2);
    quadratic(d, 1024 * lr * gain / rate);
    reflected(d);
    train(d, rule, lr, whole(d, 500, 1500));
}
static void gd_goes(draw *d) {
    at_rate(d, "sgd", uniform(d, 0.1, 1.7), 1);
}
static void heavy_ball_goes(draw *d) {
    at_rate(d, MOMENTUM, uniform(d, 0.05, 1.5), 1 / (1 - momentum));
}

/* Adaptive rules are halfway there, in less than four windows: lr steps = 0.7 to 0.95 of the
 * shortest way, 0.6. */
static void adaptive_goes(draw *d) {
    static const char *const rules[] = {"adam", "rmsprop", "adagrad_mean", "adamw weight_decay=0"};
    quadratic(d, spread(d, 1, 1e4));
    const int64_t steps = whole(d, 400, 1000);
    train(d, rules[whole(d, 0, 3)], uniform(d, 0.7, 0.95) * 0.6 / (double)steps, steps);
}

/* Separable: the loss falls as 1/t once lr t is large; curvature < 1/4. */
static void logistic_goes(draw *d) {
    logistic(d, 0);
    train(d, "sgd", uniform(d, 2, 6), whole(d, 400, 1500));
}

/* Along the valley by lr a step: after 700 steps and more than 5 of 6 in its latter half. */
static void rosenbrock_goes(draw *d) {
    d->p->kind = PROBLEM_ROSENBROCK;
    d->p->n = 2;
    d->p->start[0] = -uniform(d, 1, 1.6);
    d->p->start[1] = uniform(d, 1.5, 2);
    train(d, "adam", uniform(d, 0.008, 0.01), whole(d, 700, 1200));
}

/* Noise whose floor lr n noise^2/4 is far below. */
static void noisy_goes(draw *d) {
    const double lr = uniform(d, 0.02, 0.1);
    at_rate(d, "sgd", lr, 1);
    double floor_loss = 0;
    for (int i = 0; i < d->p->n; i++)
        floor_loss += 0.5 * d->p->curvature[i] * pow(d->p->start[i], 2) *
                      pow(1 - lr * d->p->curvature[i], 2 * (double)d->p->steps);
    d->p->noise = uniform(d, 0.05, 0.2) * sqrt(4 * floor_loss / lr / d->p->n);
}

/* ---- LOCAL_MINIMUM: the slowest error is e^-20 of what it was, or less */

static void gd_arrived(draw *d) {
    quadratic(d, spread(d, 1, 30));
    reflected(d);
    train(d, uniform(d, 0, 1) < 0.5 ? "sgd" : MOMENTUM, uniform(d, 0.25, 1.7), 3000);
}
static void logistic_arrived(draw *d) {
    logistic(d, uniform(d, 0.05, 0.5));
    train(d, "sgd", uniform(d, 0.3, 1.5), 3000);
}
/* adagrad: in the end gradient descent at a rate of lr / sqrt(sum of squared distances). */
static void adagrad_arrived(draw *d) {
    quadratic(d, spread(d, 1, 1e4));
    train(d, "adagrad", uniform(d, 0.15, 0.5), 3000);
}
/* The lecture's rule with lr / sqrt(t + 1) is that of adagrad. */
static void decay_arrived(draw *d) {
    quadratic(d, spread(d, 1, 1e4));
    train(d, "adagrad_mean", uniform(d, 0.15, 0.5), 3000);
    d->p->decay = "inverse_sqrt(timescale=1)";
}
/* From y = 1e-3 the saddle is left by (1 + lr c)^t. */
static void saddle_left(draw *d) {
    quadratic(d, 4);
    d->p->kind = PROBLEM_SADDLE;
    d->p->curvature[d->p->n - 1] = uniform(d, 0.2, 0.5);
    d->p->start[d->p->n - 1] = sign(d) * 1e-3;
    train(d, "sgd", uniform(d, 0.3, 1.2), 2500);
}

/* ---- SADDLE: x has converged, y is still below 1e-20 */

static void at_saddle(draw *d) {
    problem *p = d->p;
    quadratic(d, 4);
    p->kind = PROBLEM_SADDLE;
    const double lr = uniform(d, 0.3, 1.2), c = uniform(d, 0.05, 0.5);
    const int64_t steps = 250 + (int64_t)(30 / (lr * 0.25));
    p->curvature[p->n - 1] = c;
    p->start[p->n - 1] =
        uniform(d, 0, 1) < 0.5 ? 0 : sign(d) * 1e-25 * pow(1 + lr * c, -(double)steps);
    train(d, "sgd", lr, steps);
}

/* ---- NOISE_FLOOR: e^-10 of the start is left, and the noise is there */

static void noise_floor(draw *d) {
    quadratic(d, spread(d, 1, 10));
    d->p->noise = spread(d, 0.02, 1);
    train(d, "sgd", uniform(d, 0.1, 0.8), whole(d, 1800, 3000));
}
static void noise_floor_heavy_ball(draw *d) {
    quadratic(d, spread(d, 1, 10));
    d->p->noise = spread(d, 0.02, 1);
    train(d, MOMENTUM, uniform(d, 0.02, 0.2), whole(d, 1800, 3000));
}
static void noise_floor_adam(draw *d) {
    quadratic(d, spread(d, 1, 10));
    d->p->noise = spread(d, 0.1, 1);
    train(d, "adam", spread(d, 0.005, 0.02), whole(d, 3000, 4000));
}

static void noise_floor_rmsprop(draw *d) {
    quadratic(d, spread(d, 1, 10));
    d->p->noise = spread(d, 0.1, 1);
    train(d, "rmsprop", spread(d, 0.003, 0.02), whole(d, 3000, 4000));
}

/* ---- VANISHING: a product of more than 8 decimal orders */

static void chain_vanishes(draw *d) {
    problem *p = d->p;
    p->kind = PROBLEM_CHAIN;
    const double weight = uniform(d, 0.3, 0.6);
    const int least = (int)ceil(-9 / log10(weight));
    sized(d, least, PROBLEM_SIZE_MAX);
    for (int i = 0; i < p->n; i++) p->start[i] = weight * uniform(d, 0.9, 1.1);
    train(d, uniform(d, 0, 1) < 0.5 ? "sgd" : MOMENTUM, uniform(d, 0.1, 2), whole(d, 300, 1500));
}

/* ---- DEAD, NONFINITE: exactly */

static void relu_dies(draw *d) {
    d->p->kind = PROBLEM_RELU;
    sized(d, 2, PROBLEM_SIZE_MAX);
    const bool thrown = uniform(d, 0, 1) < 0.5; /* by the first step, or dead from the start */
    for (int i = 0; i < d->p->n; i++) d->p->start[i] = thrown ? 1 + 5.0 / d->p->n : 0.5;
    train(d, "sgd", uniform(d, 2, 5), whole(d, 50, 1000));
}
static void leaves_its_domain(draw *d) {
    d->p->kind = PROBLEM_BARRIER;
    sized(d, 2, PROBLEM_SIZE_MAX);
    d->p->curvature[0] = uniform(d, 40, 60);
    for (int i = 0; i < d->p->n; i++) d->p->start[i] = uniform(d, 0.9, 1.1);
    train(d, "sgd", uniform(d, 0.04, 0.06), whole(d, 3, 300));
}

/* ---- SIGMA_BURST: sigma falls below lr curvature / limit */

/* All coordinates are in step and each goes the way of l = x^2/2: the first step, found by
 * following that way, at which |x| exceeds lr/10 after 20 steps in a row with 1/1000 of it. */
static int64_t first_burst(double ratio, double beta1, double beta2) {
    enum { CALM = 20 };
    double x = ratio, m = 0, v = 0, calm = 0;
    for (int64_t t = 1;; t++) {
        m = beta1 * m + (1 - beta1) * x;
        v = beta2 < 1 ? beta2 * v + (1 - beta2) * x * x : v + x * x;
        const double mean = beta2 < 1 ? v / (1 - pow(beta2, (double)t)) : v / (double)t;
        x -= m / (1 - pow(beta1, (double)t)) / sqrt(mean);
        if (calm < CALM) calm = fabs(x) < 1e-4 ? calm + 1 : 0;
        if (calm >= CALM && fabs(x) > 0.1) return t;
    }
}

/* In step: all start at the same distance, and sigma makes their curvatures equal. */
static void in_step(draw *d, const char *rule, double ratio, double beta1, double beta2,
                    int later) {
    quadratic(d, spread(d, 1, 1e4));
    for (int i = 0; i < d->p->n; i++) d->p->start[i] = sign(d);
    train(d, rule, 1 / ratio, first_burst(ratio, beta1, beta2) + whole(d, 20, later));
}
static void adagrad_mean_bursts(draw *d) {
    in_step(d, "adagrad_mean", uniform(d, 5, 7), 0, 1, 1000);
}
static void adam_bursts(draw *d) {
    in_step(d, "adam beta2=0.99", uniform(d, 15, 40), 0.9, 0.99, 250);
}

/* ---- WARMUP_NEEDED: the first step is lr, many times the distance */

static void adam_thrown(draw *d) {
    quadratic(d, spread(d, 1, 1e4));
    const double lr = spread(d, 1e-3, 1);
    for (int i = 0; i < d->p->n; i++) d->p->start[i] = sign(d) * lr * uniform(d, 0.05, 0.35);
    train(d, "adam", lr, whole(d, 20, 800));
}

static const struct {
    const char *name;
    int verdict;
    void (*make)(draw *d);
} generators[] = {
#define G(verdict, name) \
    { #name, RAVINE_VERDICT_##verdict, name }
    G(DIVERGING, gd_too_fast),
    G(BOUNCING, ravine_gd),
    G(CRAWLING, gd_too_slow),
    G(HEALTHY, gd_goes),
    G(LOCAL_MINIMUM, gd_arrived),
    G(SADDLE, at_saddle),
    G(NOISE_FLOOR, noise_floor),
    G(VANISHING, chain_vanishes),
    G(DEAD, relu_dies),
    G(NONFINITE, leaves_its_domain),
    G(SIGMA_BURST, adagrad_mean_bursts),
    G(WARMUP_NEEDED, adam_thrown),
    G(DIVERGING, gd_overflows),
    G(DIVERGING, heavy_ball_too_fast),
    G(DIVERGING, nesterov_too_fast),
    G(DIVERGING, rosenbrock_too_fast),
    G(BOUNCING, ravine_heavy_ball),
    G(BOUNCING, gd_at_limit),
    G(BOUNCING, rmsprop_orbit),
    G(CRAWLING, heavy_ball_too_slow),
    G(CRAWLING, ravine_floor),
    G(CRAWLING, adaptive_too_slow),
    G(CRAWLING, logistic_too_slow),
    G(CRAWLING, rosenbrock_too_slow),
    G(CRAWLING, noisy_too_slow),
    G(HEALTHY, heavy_ball_goes),
    G(HEALTHY, adaptive_goes),
    G(HEALTHY, logistic_goes),
    G(HEALTHY, rosenbrock_goes),
    G(HEALTHY, noisy_goes),
    G(LOCAL_MINIMUM, logistic_arrived),
    G(LOCAL_MINIMUM, adagrad_arrived),
    G(LOCAL_MINIMUM, decay_arrived),
    G(LOCAL_MINIMUM, saddle_left),
    G(NOISE_FLOOR, noise_floor_heavy_ball),
    G(NOISE_FLOOR, noise_floor_adam),
    G(NOISE_FLOOR, noise_floor_rmsprop),
    G(SIGMA_BURST, adam_bursts),
#undef G
};

int problem_kinds(void) {
    return (int)(sizeof generators / sizeof generators[0]);
}

void problem_draw(problem *p, uint64_t seed, uint64_t index) {
    *p = (problem){.loss_scale = 1, .param_scale = 1};
    draw d = {.p = p, .seed = seed, .stream = index};
    const int kind = (int)(index % (uint64_t)problem_kinds());
    p->name = generators[kind].name;
    p->verdict = generators[kind].verdict;
    p->seed = seed ^ index << 32;
    generators[kind].make(&d);
    const double loss_scale = spread(&d, 1e-6, 1e6);
    problem_rescale(p, loss_scale, spread(&d, 1e-6, 1e6));
}

/* A rule with a sigma makes steps of lr, whatever the gradient; others lr times the gradient. */
static bool has_sigma(const char *rule) {
    return strncmp(rule, "sgd", 3) != 0;
}

void problem_rescale(problem *p, double loss_scale, double param_scale) {
    p->loss_scale = loss_scale;
    p->param_scale = param_scale;
    const bool sigma = has_sigma(p->rule);
    const double slope = loss_scale / param_scale;
    const double lr = p->lr * (sigma ? param_scale : param_scale / slope);
    snprintf(p->optimizer, sizeof p->optimizer, "%s lr=%.17g", p->rule, lr);
    if (sigma)
        snprintf(p->optimizer + strlen(p->optimizer), sizeof p->optimizer - strlen(p->optimizer),
                 " eps=%.17g", 1e-12 * slope);
    if (p->decay) snprintf(p->schedule, sizeof p->schedule, "%s lr=%.17g", p->decay, lr);
}

trial_setup problem_setup(const problem *p, double start[PROBLEM_SIZE_MAX]) {
    /* theta = param_scale R z, R its own inverse */
    double along = 0;
    for (int i = 0; i < p->n; i++) along += p->mirror[i] * p->start[i];
    for (int i = 0; i < p->n; i++)
        start[i] = p->param_scale * (p->start[i] - 2 * along * p->mirror[i]);
    return (trial_setup){.n = p->n,
                         .start = start,
                         .loss = problem_loss,
                         .context = p,
                         .optimizer = p->optimizer,
                         .schedule = p->decay ? p->schedule : NULL};
}
