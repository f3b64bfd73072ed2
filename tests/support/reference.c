/* SPDX-License-Identifier: Apache-2.0 */
/* reference.c - see reference.h. One function per rule; each reads as the formula of docs/rules/.
 *
 * Every rule gets the gradient after scaling, clamping and coupled decay, and theta after decoupled
 * decay; proximal decay comes after it. */
#include "reference.h"
#include <math.h>
#include <stddef.h>
#include <string.h>

typedef long double real;

long double reference_underflow = 0;
static real square(real x) {
    return fmaxl(x * x + reference_underflow, 0);
}
static real sign(real x) {
    return (real)(x > 0) - (real)(x < 0);
}
static real clamp(real x, real bound) {
    return fminl(fmaxl(x, -bound), bound);
}

/* A scale of exactly 0 moves nothing. */
static real divide(real numerator, real sigma) {
    return sigma == 0 ? 0 : numerator / sigma;
}

/* 1 - beta^t, without the cancellation of that form where beta is near 1. */
static real one_minus_power(real beta, int64_t t) {
    return beta == 0 ? 1 : -expm1l((real)t * log1pl(beta - 1));
}

/* sigma of the bias-corrected second moment v / correction, by where eps is added. */
static real sigma(const ravine_config *c, real v, real correction) {
    switch ((int)c->eps_form) {
    case RAVINE_EPS_HAT: return (sqrtl(v) + (real)c->eps) / sqrtl(correction);
    case RAVINE_EPS_INSIDE: return sqrtl(v / correction + (real)c->eps);
    default: return sqrtl(v / correction) + (real)c->eps;
    }
}

static void average(real *mean, real beta, real x) {
    *mean = beta * *mean + (1 - beta) * x;
}

static real first_correction(const ravine_config *c, int64_t t) {
    return c->bias_correction != 0 ? one_minus_power((real)c->beta1, t) : 1;
}
static real second_correction(const ravine_config *c, int64_t t) {
    return c->bias_correction != 0 ? one_minus_power((real)c->beta2, t) : 1;
}

/* ---- one rule each: g is the gradient, t >= 1 the parameter's step_count
 * ----------------------------
 */

/* PyTorch's SGD: Polyak's heavy ball, Nesterov's form of Sutskever et al. 2013. */
static void sgd(reference *e, const ravine_config *c, int64_t t, real g) {
    const real lr = (real)c->lr, momentum = (real)c->momentum, keep = 1 - (real)c->dampening;
    if (momentum == 0) {
        e->theta -= lr * g;
        return;
    }
    const real inside = c->lr_in_momentum != 0 ? lr : 1;
    const real outside = c->lr_in_momentum != 0 ? 1 : lr;
    e->buffer = t == 1 ? inside * g : momentum * e->buffer + inside * keep * g;
    const real direction = c->nesterov != 0 ? inside * g + momentum * e->buffer : e->buffer;
    e->theta -= outside * direction;
}

/* Duchi, Hazan, Singer 2011; PyTorch. The root of the SUM of all squares. */
static void adagrad(reference *e, const ravine_config *c, int64_t t, real g) {
    const real lr = (real)c->lr / (1 + (real)(t - 1) * (real)c->lr_decay);
    e->sum += square(g);
    e->theta -= lr * divide(g, sigma(c, e->sum, 1));
}

/* The lecture's Adagrad: the root MEAN square of all gradients so far. */
static void adagrad_mean(reference *e, const ravine_config *c, int64_t t, real g) {
    const real lr = (real)c->lr / (1 + (real)(t - 1) * (real)c->lr_decay);
    e->sum += square(g);
    e->theta -= lr * divide(g, sigma(c, e->sum / (real)t, 1));
}

/* Hinton's lecture 6e; PyTorch; centered: Graves 2013. */
static void rmsprop(reference *e, const ravine_config *c, int64_t t, real g) {
    const real lr = (real)c->lr, alpha = (real)c->alpha, momentum = (real)c->momentum;
    if (t == 1 && (int)c->initial_form == RAVINE_INITIAL_GRADIENT) {
        e->square = square(g);
        e->center = g;
    } else {
        average(&e->square, alpha, square(g));
        average(&e->center, alpha, g);
    }
    real v = e->square;
    if (c->centered != 0) v = fmaxl(v - square(e->center), 0);
    const real direction = divide(g, sigma(c, v, 1));
    if (momentum == 0) {
        e->theta -= lr * direction;
    } else if (c->lr_in_momentum != 0) {
        e->buffer = momentum * e->buffer + lr * direction;
        e->theta -= e->buffer;
    } else {
        e->buffer = momentum * e->buffer + direction;
        e->theta -= lr * e->buffer;
    }
}

/* Zeiler 2012; PyTorch: eps inside both roots, the mean of the steps before eta. */
static void adadelta(reference *e, const ravine_config *c, int64_t t, real g) {
    (void)t;
    const real eps = (real)c->eps, rho = (real)c->rho;
    average(&e->square, rho, square(g));
    const real step = divide(sqrtl(e->delta + eps) * g, sqrtl(e->square + eps));
    average(&e->delta, rho, square(step));
    e->theta -= (real)c->lr * step;
}

/* Kingma & Ba 2015, Algorithm 1; amsgrad (Reddi, Kale, Kumar 2018) on the raw v as in PyTorch. */
static void adam(reference *e, const ravine_config *c, int64_t t, real g) {
    average(&e->mean, (real)c->beta1, g);
    average(&e->square, (real)c->beta2, square(g));
    real v = e->square;
    if (c->amsgrad != 0) v = e->greatest = fmaxl(e->greatest, v);
    const real m = e->mean / first_correction(c, t);
    e->theta -= (real)c->lr * divide(m, sigma(c, v, second_correction(c, t)));
}

/* Kingma & Ba 2015, Algorithm 2, with eps inside the maximum as in PyTorch. */
static void adamax(reference *e, const ravine_config *c, int64_t t, real g) {
    average(&e->mean, (real)c->beta1, g);
    e->infinity = fmaxl((real)c->beta2 * e->infinity, fabsl(g) + (real)c->eps);
    const real m = e->mean / one_minus_power((real)c->beta1, t);
    e->theta -= (real)c->lr * divide(m, e->infinity);
}

/* Dozat 2016; PyTorch, with its schedule of beta1. */
static real nadam_mu(const ravine_config *c, int64_t t) {
    return (real)c->beta1 * (1 - 0.5L * powl(0.96L, (real)t * (real)c->momentum_decay));
}
static void nadam(reference *e, const ravine_config *c, int64_t t, real g) {
    const real mu = nadam_mu(c, t), next = nadam_mu(c, t + 1);
    e->product = t == 1 ? mu : e->product * mu;
    average(&e->mean, (real)c->beta1, g);
    average(&e->square, (real)c->beta2, square(g));
    const real scale = sigma(c, e->square, one_minus_power((real)c->beta2, t));
    const real now = (1 - mu) / (1 - e->product) * g;
    const real ahead = next / (1 - e->product * next) * e->mean;
    e->theta -= (real)c->lr * divide(now + ahead, scale);
}

/* Liu et al. 2020; PyTorch: no sigma at all while the variance of it is unbounded (rho <= 5). */
static void radam(reference *e, const ravine_config *c, int64_t t, real g) {
    const real beta2 = (real)c->beta2;
    average(&e->mean, (real)c->beta1, g);
    average(&e->square, beta2, square(g));
    const real m = e->mean / one_minus_power((real)c->beta1, t);
    const real correction = one_minus_power(beta2, t);
    const real last = 2 / (1 - beta2) - 1; /* rho_infinity */
    const real rho = last - 2 * (real)t * (1 - correction) / correction;
    if (rho > 5) {
        const real r = sqrtl((rho - 4) * (rho - 2) * last / ((last - 4) * (last - 2) * rho));
        e->theta -= (real)c->lr * r * divide(m, sigma(c, e->square, correction));
    } else {
        e->theta -= (real)c->lr * m;
    }
}

/* Polyak & Juditsky 1992; PyTorch: eta and mu of the next step are set with this step's eta. */
static void asgd(reference *e, const ravine_config *c, int64_t t, real g) {
    const real lr = (real)c->lr, lambd = (real)c->lambd;
    if (t == 1) {
        e->eta = lr;
        e->mu = 1;
    }
    e->theta = (1 - lambd * e->eta) * e->theta - e->eta * g;
    e->average += e->mu * (e->theta - e->average);
    e->eta = lr / powl(1 + lambd * lr * (real)t, (real)c->power);
    e->mu = 1 / fmaxl(1, (real)t - (real)c->average_start);
}

/* Riedmiller & Braun 1993 in the form iRprop- (Igel & Huesken 2000); PyTorch. */
static void rprop(reference *e, const ravine_config *c, int64_t t, real g) {
    if (t == 1) e->step_size = (real)c->lr;
    const real turn = sign(g) * sign(e->previous);
    if (turn > 0) e->step_size *= (real)c->eta_plus;
    if (turn < 0) e->step_size *= (real)c->eta_minus;
    e->step_size = fminl(fmaxl(e->step_size, (real)c->step_min), (real)c->step_max);
    if (turn < 0) g = 0;
    e->theta -= e->step_size * sign(g);
    e->previous = g;
}

/* Chen et al. 2023, Algorithm 2. */
static void lion(reference *e, const ravine_config *c, int64_t t, real g) {
    (void)t;
    const real beta1 = (real)c->beta1;
    e->theta -= (real)c->lr * sign(beta1 * e->mean + (1 - beta1) * g);
    average(&e->mean, (real)c->beta2, g);
}

/* Bernstein et al. 2018, Algorithm 2. */
static void signum(reference *e, const ravine_config *c, int64_t t, real g) {
    (void)t;
    average(&e->mean, (real)c->momentum, g);
    e->theta -= (real)c->lr * sign(e->mean);
}

/* Zhuang et al. 2020, Algorithm 2: eps enters v at every step, and sigma once more. */
static void adabelief(reference *e, const ravine_config *c, int64_t t, real g) {
    average(&e->mean, (real)c->beta1, g);
    average(&e->square, (real)c->beta2, square(g - e->mean));
    e->square += (real)c->eps;
    const real v = e->square;
    const real m = e->mean / first_correction(c, t);
    e->theta -= (real)c->lr * divide(m, sigma(c, v, second_correction(c, t)));
}

/* Zaheer et al. 2018, Algorithm 2: v moves by a step of its own, up or down. */
static void yogi(reference *e, const ravine_config *c, int64_t t, real g) {
    const real share = 1 - (real)c->beta2;
    average(&e->mean, (real)c->beta1, g);
    e->square -= share * sign(e->square - square(g)) * square(g);
    const real m = e->mean / first_correction(c, t);
    e->theta -= (real)c->lr * divide(m, sigma(c, e->square, second_correction(c, t)));
}

/* Xie et al. 2022, with the authors' code: betas are the shares that stay. */
static void adan(reference *e, const ravine_config *c, int64_t t, real g) {
    const real beta2 = (real)c->beta2, beta3 = (real)c->beta3;
    const real change = t == 1 ? 0 : g - e->previous;
    average(&e->mean, (real)c->beta1, g);
    average(&e->difference, beta2, change);
    average(&e->square, beta3, square(g + beta2 * change));
    const real m = e->mean / first_correction(c, t);
    const real d = e->difference / second_correction(c, t);
    const real correction = c->bias_correction != 0 ? one_minus_power(beta3, t) : 1;
    e->theta -= (real)c->lr * divide(m + beta2 * d, sigma(c, e->square, correction));
    e->previous = g;
}

/* Taniguchi et al. 2024, with the authors' clipped code; step 1 only measures the gradient. */
static void adopt(reference *e, const ravine_config *c, int64_t t, real g) {
    if (t == 1) {
        e->square = square(g);
        return;
    }
    const real scale = fmaxl(sqrtl(e->square), (real)c->eps);
    average(&e->mean, (real)c->beta1, clamp(divide(g, scale), powl((real)(t - 1), 0.25L)));
    e->theta -= (real)c->lr * e->mean;
    average(&e->square, (real)c->beta2, square(g));
}

/* ---- what all rules share ----------------------------------------------------------------------
 */

typedef void rule_step(reference *e, const ravine_config *c, int64_t t, real g);

static const struct {
    rule_step *step;
    real room; /* room g^2 must fit the type, 0: no square is taken */
} rules[RAVINE_RULE_COUNT] = {
    [RAVINE_SGD] = {sgd, 0},
    [RAVINE_ADAGRAD] = {adagrad, 1},
    [RAVINE_ADAGRAD_MEAN] = {adagrad_mean, 1},
    [RAVINE_RMSPROP] = {rmsprop, 1},
    [RAVINE_ADADELTA] = {adadelta, 1},
    [RAVINE_ADAM] = {adam, 1},
    [RAVINE_ADAMW] = {adam, 1},
    [RAVINE_ADAMAX] = {adamax, 0},
    [RAVINE_NADAM] = {nadam, 1},
    [RAVINE_RADAM] = {radam, 1},
    [RAVINE_ASGD] = {asgd, 0},
    [RAVINE_RPROP] = {rprop, 0},
    [RAVINE_LION] = {lion, 0},
    [RAVINE_SIGNUM] = {signum, 0},
    [RAVINE_ADABELIEF] = {adabelief, 16},
    [RAVINE_YOGI] = {yogi, 1},
    [RAVINE_ADAN] = {adan, 16},
    [RAVINE_ADOPT] = {adopt, 1},
};

long double *reference_field(reference *e, const char *key) {
    const struct {
        const char *key;
        real *field;
    } fields[] = {
        {"momentum_buffer", &e->buffer},
        {"exp_avg", &e->mean},
        {"exp_avg_sq", &e->square},
        {"square_avg", &e->square},
        {"exp_avg_var", &e->square},
        {"max_exp_avg_sq", &e->greatest},
        {"sum", &e->sum},
        {"grad_avg", &e->center},
        {"acc_delta", &e->delta},
        {"exp_inf", &e->infinity},
        {"exp_avg_diff", &e->difference},
        {"prev", &e->previous},
        {"prev_grad", &e->previous},
        {"step_size", &e->step_size},
        {"ax", &e->average},
        {"ema", &e->ema},
        {"mu_product", &e->product},
        {"eta", &e->eta},
        {"mu", &e->mu},
    };
    for (size_t k = 0; k < sizeof fields / sizeof *fields; k++) {
        if (strcmp(key, fields[k].key) == 0) return fields[k].field;
    }
    return NULL;
}

bool reference_knows(int rule) {
    return rules[rule].step != NULL;
}

bool reference_squares(int rule) {
    return rules[rule].room > 0;
}

reference reference_start(const ravine_config *c, long double theta) {
    const real initial = (real)c->initial;
    return (reference){.theta = theta, .sum = initial, .square = initial};
}

bool reference_step(reference *e, const ravine_config *c, int64_t t, long double gradient,
                    long double factor, long double largest) {
    real g = (c->maximize != 0 ? -gradient : gradient) * factor;
    const real size = fabsl(g);
    const bool fits = size <= largest && rules[c->rule].room * size * size <= largest;
    if (isfinite(largest) && !fits) return false;
    if (isfinite(c->clip_value)) g = clamp(g, (real)c->clip_value);

    const int form = (int)c->decay_form;
    const real decay = (real)c->weight_decay, lr_decay = (real)c->lr * decay;
    /* The first step of adopt only measures. */
    const bool moves = !(c->rule == RAVINE_ADOPT && t == 1);
    if (decay != 0 && form == RAVINE_DECAY_COUPLED) g += decay * e->theta;
    if (moves && form == RAVINE_DECAY_DECOUPLED) e->theta *= 1 - lr_decay;
    if (moves && form == RAVINE_DECAY_INDEPENDENT) e->theta *= 1 - decay;

    rules[c->rule].step(e, c, t, g);

    if (moves && form == RAVINE_DECAY_PROXIMAL) e->theta /= 1 + lr_decay;
    if (c->ema_decay > 0) {
        e->ema = t == 1 ? e->theta : e->ema + (1 - (real)c->ema_decay) * (e->theta - e->ema);
    }
    return true;
}
