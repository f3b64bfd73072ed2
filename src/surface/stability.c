/* The limit from the settings, and the curvature that it is held against. */
#include "surface/stability.h"

#include "surface/matrix.h"

#include <math.h>
#include <stddef.h>

/* ---- the rule's side ---- */

double stability_eta(const ravine_config *c, double lr, int64_t t) {
    if (c->rule == RAVINE_ADAGRAD || c->rule == RAVINE_ADAGRAD_MEAN)
        return lr / (1 + (double)t * c->lr_decay);
    if (c->rule == RAVINE_ASGD) return lr / pow(1 + c->lambd * lr * (double)t, c->power);
    return lr;
}

/* What remains of an alternating signal in a moving mean of it. */
static double mean_gain(double beta) {
    return (1 - beta) / (1 + beta);
}

/* Dozat's weight of the momentum at step t (nadam). */
static double nadam_mu(const ravine_config *c, int64_t t) {
    return c->beta1 * (1 - 0.5 * pow(0.96, (double)(t + 1) * c->momentum_decay));
}

/* G of step t: m for an alternating g. NaN where only signs count. */
static double alternating_gain(const ravine_config *c, int64_t t) {
    switch ((ravine_rule)c->rule) {
    case RAVINE_SGD:
    case RAVINE_RMSPROP: {
        const double buffer = (1 - c->dampening) / (1 + c->momentum);
        return c->nesterov != 0 ? 1 + c->momentum * buffer : c->momentum > 0 ? buffer : 1;
    }
    case RAVINE_ADAGRAD:
    case RAVINE_ADAGRAD_MEAN:
    case RAVINE_ADADELTA:
    case RAVINE_ASGD: return 1;
    case RAVINE_ADAM:
    case RAVINE_ADAMW:
    case RAVINE_ADAMAX:
    case RAVINE_RADAM:
    case RAVINE_ADABELIEF:
    case RAVINE_YOGI:
    case RAVINE_ADOPT: return mean_gain(c->beta1);
    case RAVINE_NADAM: return 1 - nadam_mu(c, t) + nadam_mu(c, t + 1) * mean_gain(c->beta1);
    case RAVINE_ADAN: return mean_gain(c->beta1) + 2 * c->beta2 * mean_gain(c->beta2);
    case RAVINE_LION:
    case RAVINE_SIGNUM:
    case RAVINE_RPROP:
    case RAVINE_RULE_COUNT: break;
    }
    return NAN;
}

/* 1 + a; the proximal decay shrinks the step as well, which comes to 1 + 1/a. */
static double slack(const ravine_config *c, double lr, double eta) {
    const double kept = c->rule == RAVINE_ASGD ? 1 - c->lambd * eta : 1;
    switch ((ravine_decay_form)c->decay_form) {
    case RAVINE_DECAY_COUPLED: break; /* it is part of the gradient: of H */
    case RAVINE_DECAY_DECOUPLED: return 1 + kept * (1 - lr * c->weight_decay);
    case RAVINE_DECAY_INDEPENDENT: return 1 + kept * (1 - c->weight_decay);
    case RAVINE_DECAY_PROXIMAL: return 2 + lr * c->weight_decay;
    }
    return 1 + kept;
}

double stability_limit(const ravine_config *c, double lr, int64_t t) {
    return slack(c, lr, stability_eta(c, lr, t)) / alternating_gain(c, t);
}

/* ---- the surface's side ---- */

/* True if a bound that costs n^2 settles it: no eigenvalue exceeds the Frobenius norm. */
static bool surely_below(const double *hessian, const double *sigma, int n, double eta,
                         double limit) {
    double squares = 0;
    for (int i = 0; i < n; i++) {
        double row = 0;
        for (int j = 0; j < n; j++) row += hessian[i * n + j] * hessian[i * n + j] / sigma[j];
        squares += row / sigma[i];
    }
    return eta * eta * squares <= limit * limit;
}

bool stability_exceeded(const double *hessian, const double *sigma, int n, double eta, double limit,
                        double *work) {
    if (surely_below(hessian, sigma, n, eta, limit)) return false;
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < i; j++) work[i * n + j] = -eta * hessian[i * n + j];
        work[i * n + i] = limit * sigma[i] - eta * hessian[i * n + i];
    }
    return !matrix_factor(work, n);
}

double stability_sharpness(const double *hessian, const double *sigma, int n, double eta,
                           double *work) {
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            work[i * n + j] = hessian[i * n + j] / (sqrt(sigma[i]) * sqrt(sigma[j]));
    return eta * matrix_largest_eigenvalue(work, n);
}
