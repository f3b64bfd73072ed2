/* SPDX-License-Identifier: Apache-2.0 */
/* Losses of the battery's problems and their gradients. */
#include "doctor/problems.h"

#include "math/random.h"

#include <math.h>

static double quadratic(const problem *p, int n, const double *z, double *g) {
    double loss = 0;
    for (int i = 0; i < n; i++) {
        g[i] = p->curvature[i] * z[i];
        loss += 0.5 * g[i] * z[i];
    }
    return loss;
}

static double ravine(const problem *p, int n, const double *z, double *g) {
    double loss = quadratic(p, n, z, g);
    for (int i = 0; i < p->walls; i++) {
        loss -= 0.5 * p->curvature[i] * z[i] * z[i];
        const double root = sqrt(1 + z[i] * z[i]);
        g[i] = p->curvature[i] * z[i] / root;
        loss += p->curvature[i] * (root - 1);
    }
    return loss;
}

static double saddle(const problem *p, int n, const double *z, double *g) {
    const double y = z[n - 1], c = p->curvature[n - 1];
    const double loss = quadratic(p, n - 1, z, g);
    g[n - 1] = c * (y * y * y - y);
    return loss + c * (y * y * y * y / 4 - y * y / 2);
}

static double chain(const problem *p, int n, const double *z, double *g) {
    (void)p;
    double a[PROBLEM_SIZE_MAX + 1] = {1};
    for (int i = 0; i < n; i++) a[i + 1] = tanh(z[i] * a[i]);
    const double error = a[n] - 0.5;
    double back = error;
    for (int i = n - 1; i >= 0; i--) {
        back *= 1 - a[i + 1] * a[i + 1];
        g[i] = back * a[i];
        back *= z[i];
    }
    return 0.5 * error * error;
}

static double logistic(const problem *p, int n, const double *z, double *g) {
    double loss = 0;
    for (int i = 0; i < n; i++) {
        g[i] = p->curvature[0] * z[i];
        loss += 0.5 * g[i] * z[i];
    }
    for (int k = 0; k < PROBLEM_POINTS; k++) {
        const double *x = &p->data[k * PROBLEM_SIZE_MAX]; /* with its label's sign */
        double margin = 0;
        for (int i = 0; i < n; i++) margin += x[i] * z[i];
        loss += (margin > 0 ? log1p(exp(-margin)) : -margin + log1p(exp(margin))) / PROBLEM_POINTS;
        for (int i = 0; i < n; i++) g[i] -= x[i] / (1 + exp(margin)) / PROBLEM_POINTS;
    }
    return loss;
}

static double rosenbrock(const problem *p, int n, const double *z, double *g) {
    (void)p;
    (void)n;
    const double rise = z[1] - z[0] * z[0];
    g[0] = -2 * (1 - z[0]) - 400 * z[0] * rise;
    g[1] = 200 * rise;
    return (1 - z[0]) * (1 - z[0]) + 100 * rise * rise;
}

static double relu(const problem *p, int n, const double *z, double *g) {
    (void)p;
    double sum = -n;
    for (int i = 0; i < n; i++) sum += z[i];
    const double out = sum > 0 ? sum : 0;
    for (int i = 0; i < n; i++) g[i] = sum > 0 ? out - 1 : 0;
    return 0.5 * (out - 1) * (out - 1);
}

static double barrier(const problem *p, int n, const double *z, double *g) {
    double loss = 0;
    for (int i = 0; i < n; i++) {
        g[i] = -1 / z[i] + p->curvature[0];
        loss += -log(z[i]) + p->curvature[0] * z[i];
    }
    return loss;
}

static double (*const bodies[])(const problem *, int, const double *, double *) = {
    [PROBLEM_QUADRATIC] = quadratic,   [PROBLEM_RAVINE] = ravine,     [PROBLEM_SADDLE] = saddle,
    [PROBLEM_CHAIN] = chain,           [PROBLEM_LOGISTIC] = logistic, [PROBLEM_RELU] = relu,
    [PROBLEM_ROSENBROCK] = rosenbrock, [PROBLEM_BARRIER] = barrier};

static void reflect(const double *mirror, int n, double *x) {
    double along = 0;
    for (int i = 0; i < n; i++) along += mirror[i] * x[i];
    for (int i = 0; i < n; i++) x[i] -= 2 * along * mirror[i];
}

double problem_loss(const void *context, int n, const double *theta, int64_t step,
                    double *gradient) {
    const problem *p = context;
    double z[PROBLEM_SIZE_MAX] = {0};
    for (int i = 0; i < n; i++) z[i] = theta[i] / p->param_scale;
    reflect(p->mirror, n, z);
    double loss = bodies[p->kind](p, n, z, gradient);
    if (step >= 0 && p->noise > 0) /* of the loss as well, as of a batch */
        for (int i = 0; i < n; i++) {
            const double slope =
                p->noise * ravine_random_normal(p->seed, (uint64_t)i, (uint64_t)step);
            gradient[i] += slope;
            loss += slope * z[i];
        }
    reflect(p->mirror, n, gradient);
    for (int i = 0; i < n; i++) gradient[i] *= p->loss_scale / p->param_scale;
    return loss * p->loss_scale;
}
