/* SPDX-License-Identifier: Apache-2.0 */
/* Where the parameters are, and what the problem says there. */
#include "doctor/probe/space.h"

#include "base/memory.h"
#include "base/sized.h"
#include "optimizer/optimizer.h"
#include "text/error.h"

#include <math.h>
#include <string.h>

/* ---- sums ---- */

enum { LANES = 8 };

double ravine_dot(const double *x, const double *y, int64_t n) {
    double lane[LANES] = {0}, sum = 0;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++) lane[k] += x[i + k] * y[i + k];
    for (; i < n; i++) sum += x[i] * y[i];
    for (int k = 0; k < LANES; k++) sum += lane[k];
    return sum;
}

/* Squares of numbers that are very large or small leave the range of a double. */
double ravine_norm(const double *x, int64_t n) {
    const double squares = ravine_dot(x, x, n);
    if (squares > 1e-280 && squares < 1e280) return sqrt(squares);
    double largest = 0, sum = 0;
    for (int64_t i = 0; i < n; i++) largest = fmax(largest, fabs(x[i]));
    if (largest == 0 || !isfinite(largest)) return largest;
    for (int64_t i = 0; i < n; i++) sum += (x[i] / largest) * (x[i] / largest);
    return largest * sqrt(sum);
}

void ravine_add_scaled(double *y, double factor, const double *x, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] += factor * x[i];
}

/* ---- open and close ---- */

static bool takes_part(const param *p) {
    return p->grad && p->len > 0;
}

static size_t param_bytes(const param *p) {
    return (size_t)p->len * ravine_dtype_bytes(p->dtype);
}

static ravine_status read_problem(ravine_problem *own, const ravine_problem *problem) {
    *own = (ravine_problem){0};
    const ravine_status status = ravine_sized_read(&ravine_sized_problem, own, problem);
    if (status) return status;
    if (!own->evaluate) return ravine_fail(RAVINE_E_ARG, "evaluate of the problem is NULL");
    if (own->nbatches < 0)
        return ravine_fail(RAVINE_E_RANGE, "nbatches of the problem is %lld; it must be at least 0",
                           (long long)own->nbatches);
    return RAVINE_OK;
}

/* What it takes: a walk over the parameters. */
static void measure(space *s) {
    for (int64_t i = 0; i < s->o->nparams; i++) {
        const param *p = ravine_param_of(s->o, i);
        if (!takes_part(p)) continue;
        s->n += p->len;
        s->bytes += 2 * param_bytes(p);
        const computed *type = ravine_computed(p->dtype);
        if (!s->type || type->difference > s->type->difference) s->type = type;
    }
}

static double home_norm(const space *s) {
    double largest = 0, sum = 0;
    for (int pass = 0; pass < 2; pass++) { /* scaled by the largest, against overflow */
        const char *copy = s->copy;
        for (int64_t i = 0; i < s->o->nparams; i++) {
            const param *p = ravine_param_of(s->o, i);
            if (!takes_part(p)) continue;
            for (int64_t k = 0; k < p->len; k++) {
                const double x = dtype_load(p->dtype, copy, k);
                if (pass == 0)
                    largest = fmax(largest, fabs(x));
                else
                    sum += (x / largest) * (x / largest);
            }
            copy += 2 * param_bytes(p);
        }
        if (largest == 0) return 0;
    }
    return largest * sqrt(sum);
}

ravine_status ravine_space_open(space *s, ravine_optimizer *o, const ravine_problem *problem) {
    if (!o) return ravine_fail(RAVINE_E_ARG, "the optimizer is NULL");
    *s = (space){.o = o};
    const ravine_status status = read_problem(&s->problem, problem);
    if (status) return status;
    measure(s);
    if (s->n == 0) return ravine_fail(RAVINE_E_STATE, "no parameter has a gradient");
    s->copy = ravine_env_alloc(&o->env, s->bytes);
    if (!s->copy) return RAVINE_E_NOMEM;
    char *copy = s->copy;
    for (int64_t i = 0; i < o->nparams; i++) {
        const param *p = ravine_param_of(o, i);
        if (!takes_part(p)) continue;
        memcpy(copy, p->data, param_bytes(p));
        memcpy(copy + param_bytes(p), p->grad, param_bytes(p));
        copy += 2 * param_bytes(p);
    }
    s->norm = home_norm(s);
    return RAVINE_OK;
}

void ravine_space_home(space *s) {
    const char *copy = s->copy;
    for (int64_t i = 0; i < s->o->nparams; i++) {
        const param *p = ravine_param_of(s->o, i);
        if (!takes_part(p)) continue;
        memcpy(p->data, copy, param_bytes(p));
        memcpy(p->grad, copy + param_bytes(p), param_bytes(p));
        copy += 2 * param_bytes(p);
    }
}

void ravine_space_close(space *s) {
    ravine_space_home(s);
    ravine_env_free(&s->o->env, s->copy, s->bytes);
    s->copy = NULL;
}

ravine_status ravine_space_bytes(const space *s, int64_t count, size_t *bytes) {
    if (__builtin_mul_overflow((size_t)s->n, sizeof(double), bytes) ||
        __builtin_mul_overflow(*bytes, (size_t)count, bytes) || *bytes > INT64_MAX / 2)
        return ravine_fail(RAVINE_E_RANGE, "%lld vectors of %lld elements are more than an address",
                           (long long)count, (long long)s->n);
    return RAVINE_OK;
}

/* ---- moving ---- */

void ravine_space_move(space *s, double step, const double *direction) {
    const char *copy = s->copy;
    for (int64_t i = 0; i < s->o->nparams; i++) {
        const param *p = ravine_param_of(s->o, i);
        if (!takes_part(p)) continue;
        for (int64_t k = 0; k < p->len; k++) {
            const double moved = dtype_load(p->dtype, copy, k) + step * direction[k];
            dtype_store(p->dtype, p->data, k, moved);
        }
        direction += p->len;
        copy += 2 * param_bytes(p);
    }
}

void ravine_space_settle(space *s, double step, const double *direction) {
    char *copy = s->copy;
    ravine_space_move(s, step, direction);
    for (int64_t i = 0; i < s->o->nparams; i++) {
        const param *p = ravine_param_of(s->o, i);
        if (!takes_part(p)) continue;
        memcpy(copy, p->data, param_bytes(p));
        copy += 2 * param_bytes(p);
    }
}

void ravine_space_displacement(const space *s, double *out) {
    const char *copy = s->copy;
    for (int64_t i = 0; i < s->o->nparams; i++) {
        const param *p = ravine_param_of(s->o, i);
        if (!takes_part(p)) continue;
        for (int64_t k = 0; k < p->len; k++)
            out[k] = dtype_load(p->dtype, p->data, k) - dtype_load(p->dtype, copy, k);
        out += p->len;
        copy += 2 * param_bytes(p);
    }
}

/* ---- asking the problem ---- */

ravine_status ravine_space_evaluate(space *s, int64_t number, int32_t gradient, double *loss) {
    *(gradient ? &s->gradients : &s->losses) += 1;
    *loss = NAN;
    const int answer = s->problem.evaluate(s->problem.context, number, gradient, loss);
    if (answer == 0) return RAVINE_OK;
    return ravine_fail(RAVINE_E_STATE, "the problem answered %d for batch %lld", answer,
                       (long long)number);
}

ravine_status ravine_space_loss_at(space *s, double step, const double *direction, double *loss) {
    ravine_space_move(s, step, direction);
    const ravine_status status = ravine_space_evaluate(s, s->problem.batch, 0, loss);
    if (!status && !isfinite(*loss)) *loss = HUGE_VAL;
    return status;
}

/* out = factor (the bound gradients - out), or only the gradients where factor is 0. */
static ravine_status take_gradient(const space *s, double factor, double *out) {
    for (int64_t i = 0; i < s->o->nparams; i++) {
        const param *p = ravine_param_of(s->o, i);
        if (!takes_part(p)) continue;
        double sum = 0; /* of zeros, unless an element is not finite */
        for (int64_t k = 0; k < p->len; k++) {
            const double g = dtype_load(p->dtype, p->grad, k);
            sum += 0 * g;
            out[k] = factor == 0 ? g : factor * (g - out[k]);
        }
        if (sum != 0)
            return ravine_fail(RAVINE_E_STATE, "the gradient of %s is not finite", p->name);
        out += p->len;
    }
    return RAVINE_OK;
}

ravine_status ravine_space_gradient(space *s, int64_t number, double *loss, double *gradient) {
    const ravine_status status = ravine_space_evaluate(s, number, 1, loss);
    return status ? status : take_gradient(s, 0, gradient);
}

/* ---- finite differences ---- */

/* |g+ + g- - 2 g| / |g+ - g-| at a distance: small where the gradient is straight and its rounding
 * does not show. */
static ravine_status bend(space *s, double distance, const double *v, const double *g, double *plus,
                          double *ratio) {
    double loss, even = 0, odd = 0;
    ravine_space_move(s, distance, v);
    ravine_status status = ravine_space_gradient(s, s->problem.batch, &loss, plus);
    if (status) return status;
    ravine_space_move(s, -distance, v);
    status = ravine_space_evaluate(s, s->problem.batch, 1, &loss);
    for (int64_t i = 0; !status && i < s->o->nparams; i++) {
        const param *p = ravine_param_of(s->o, i);
        if (!takes_part(p)) continue;
        for (int64_t k = 0; k < p->len; k++) {
            const double minus = dtype_load(p->dtype, p->grad, k);
            even += (plus[k] + minus - 2 * g[k]) * (plus[k] + minus - 2 * g[k]);
            odd += (plus[k] - minus) * (plus[k] - minus);
        }
        plus += p->len;
        g += p->len;
    }
    *ratio = even == 0 ? 0 : sqrt(even / odd);
    return status;
}

/* A share of |theta|: then parameters in other units have the same curvature in those units. Only
 * where theta is near 0 its length may say nothing of the problem's; then rounding swamps the
 * difference, and the distance grows, up to the same share of 1, as long as that helps. */
ravine_status ravine_space_choose_distance(space *s, const double *v, const double *g,
                                           double *work) {
    enum { TRIALS = 4, GROWTH = 100 };
    const double straight = 0.05, helps = 1.0 / 3;
    s->distance = s->type->difference * (s->norm > 0 ? s->norm : 1);
    if (s->norm == 0 || s->norm >= 1) return RAVINE_OK;
    double ratio;
    ravine_status status = bend(s, s->distance, v, g, work, &ratio);
    for (int k = 0; !status && k < TRIALS && !(ratio <= straight); k++) {
        double next;
        const double farther = s->distance * GROWTH;
        if (farther > s->type->difference * (1 + s->norm)) break;
        status = bend(s, farther, v, g, work, &next);
        if (!(next < ratio * helps)) break;
        s->distance = farther;
        ratio = next;
    }
    return status;
}

/* The problem's own, at home: what lies there may be of elsewhere. */
static ravine_status exact_product(space *s, const double *x, double *y) {
    const ravine_problem *problem = &s->problem;
    s->gradients += 2;
    ravine_space_home(s);
    const int answer = problem->product(problem->context, problem->batch, x, y);
    if (answer != 0)
        return ravine_fail(RAVINE_E_STATE,
                           "the problem answered %d for a product with batch %lld's Hessian",
                           answer, (long long)problem->batch);
    double sum = 0; /* of zeros, unless an element is not finite */
    for (int64_t i = 0; i < s->n; i++) sum += 0 * y[i];
    return sum == 0
               ? RAVINE_OK
               : ravine_fail(RAVINE_E_STATE, "a product with batch %lld's Hessian is not finite",
                             (long long)problem->batch);
}

ravine_status ravine_space_product(space *s, const double *x, double *y) {
    if (s->problem.product) return exact_product(s, x, y);
    const double length = ravine_norm(x, s->n);
    if (length == 0) {
        memset(y, 0, (size_t)s->n * sizeof *y);
        return RAVINE_OK;
    }
    const double step = s->distance / length;
    double loss;
    ravine_space_move(s, -step, x);
    ravine_status status = ravine_space_gradient(s, s->problem.batch, &loss, y);
    if (status) return status;
    ravine_space_move(s, step, x);
    status = ravine_space_evaluate(s, s->problem.batch, 1, &loss);
    return status ? status : take_gradient(s, 1 / (2 * step), y);
}
