/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the model: a parameter each, or a group of them where a log has no more. */
#include "base/memory.h"
#include "doctor/watch/watch_memory.h"
#include "optimizer/optimizer.h"
#include "text/error.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

void ravine_doctor_release_parts(ravine_doctor *d) {
    const size_t n = (size_t)d->nparts;
    ravine_env_free(&d->env, d->parts, n * sizeof *d->parts);
    ravine_env_free(&d->env, d->part_name, n * sizeof *d->part_name);
    ravine_env_free(&d->env, d->all_stats, n * sizeof *d->all_stats);
    ravine_env_free(&d->env, d->elements, n * sizeof *d->elements);
    ravine_env_free(&d->env, d->names, n * sizeof *d->names);
}

ravine_status ravine_doctor_make_parts(ravine_doctor *d, int32_t nparts) {
    if (nparts == d->nparts) return RAVINE_OK;
    ravine_doctor other = {.env = d->env, .nparts = nparts};
    const size_t n = (size_t)nparts, kept = (size_t)(d->nparts < nparts ? d->nparts : nparts);
    if (n > 0) {
        other.parts = ravine_env_alloc(&d->env, n * sizeof *d->parts);
        other.part_name = ravine_env_alloc(&d->env, n * sizeof *d->part_name);
        other.all_stats = ravine_env_alloc(&d->env, n * sizeof *d->all_stats);
        other.elements = ravine_env_alloc(&d->env, n * sizeof *d->elements);
        other.names = ravine_env_alloc(&d->env, n * sizeof *d->names);
        if (!other.parts || !other.part_name || !other.all_stats || !other.elements ||
            !other.names) {
            ravine_doctor_release_parts(&other);
            return RAVINE_E_NOMEM;
        }
        memset(other.parts, 0, n * sizeof *d->parts);
        memset(other.part_name, 0, n * sizeof *d->part_name);
    }
    if (kept > 0) {
        memcpy(other.parts, d->parts, kept * sizeof *d->parts);
        memcpy(other.part_name, d->part_name, kept * sizeof *d->part_name);
    }
    ravine_doctor_release_parts(d);
    d->nparts = nparts;
    d->parts = other.parts;
    d->part_name = other.part_name;
    d->all_stats = other.all_stats;
    d->elements = other.elements;
    d->names = other.names;
    return RAVINE_OK;
}

static void watch_stats(doctor_part *p, const ravine_step_stats *r, int32_t window) {
    const double keep = 1 - 2.0 / window;
    p->steps++;
    if (!isfinite(r->grad_norm) || !isfinite(r->update_norm) || !isfinite(r->param_norm)) return;
    p->silent = r->grad_norm > 0 ? 0 : p->silent + 1;
    if (p->param_first == 0) p->param_first = r->param_norm;
    p->way += r->update_norm;
    p->weight = keep * p->weight + 1;
    p->gradient = keep * p->gradient + r->grad_norm;
    p->update = keep * p->update + r->update_norm;
    p->param = keep * p->param + r->param_norm;
    p->gradient_most = fmax(p->gradient_most, r->grad_norm);
    if (isfinite(r->sign_change_rate)) {
        p->sign_change_weight = keep * p->sign_change_weight + 1;
        p->sign_change_rate = keep * p->sign_change_rate + r->sign_change_rate;
    }
    if (!isfinite(r->zero_share)) return;
    p->share_weight = keep * p->share_weight + 1;
    p->zero_share = keep * p->zero_share + r->zero_share;
    p->underflow_share =
        keep * p->underflow_share + (isfinite(r->underflow_share) ? r->underflow_share : 0);
    p->eps_share = keep * p->eps_share + (isfinite(r->eps_share) ? r->eps_share : 0);
    p->quiet_share = r->quiet_share; /* looks back by itself */
}

void ravine_doctor_watch_part(ravine_doctor *d, int32_t k, const ravine_step_stats *r,
                              int64_t elements, const char *name) {
    watch_stats(&d->parts[k], r, d->options.window);
    d->parts[k].elements = (double)elements;
    if (name) strncpy(d->part_name[k], name, sizeof d->part_name[k] - 1);
}

double ravine_doctor_part_gradient(const doctor_part *p) {
    return p->weight > 0 ? p->gradient / p->weight : 0;
}

/* Root mean square of an element of the gradient. */
static double element_gradient(const doctor_part *p) {
    return ravine_doctor_part_gradient(p) / sqrt(fmax(p->elements, 1));
}

static double faint_of(const ravine_doctor *d) {
    enum { PARTS_LEAST = 6 };
    const int32_t third = d->nparts / 3;
    if (d->nparts < PARTS_LEAST) return NAN;
    double first = 0, last = 0;
    for (int32_t k = 0; k < third; k++) {
        first = fmax(first, element_gradient(&d->parts[k]));
        last = fmax(last, element_gradient(&d->parts[d->nparts - 1 - k]));
    }
    return first / last;
}

/* Two parameters of one layer: their names, if they have any, are the same up to the last dot. */
static bool are_of_one_layer(const char *a, const char *b) {
    const char *a_end = strrchr(a, '.'), *b_end = strrchr(b, '.');
    const ptrdiff_t length = a_end ? a_end - a : 0;
    return length == (b_end ? b_end - b : 0) && strncmp(a, b, (size_t)length) == 0;
}

/* A name without that of its layer. */
static const char *own_name(const char *name) {
    const char *end = strrchr(name, '.');
    return end ? end + 1 : name;
}

bool ravine_doctor_is_recurrent(const ravine_doctor *d) {
    for (int32_t k = 0; k < d->nparts; k++)
        if (!strncmp(own_name(d->part_name[k]), "weight_hh_", 10)) return true;
    return false;
}

/* The bias that weight k has beside it: the next part of its layer. Recurrent layers, as PyTorch
 * names them, have the weights of their inputs and of their state first, then both biases. -1:
 * none.
 */
static int32_t bias_of(const ravine_doctor *d, int32_t k) {
    const char *own = own_name(d->part_name[k]);
    const bool recurrent = !strncmp(own, "weight_ih_", 10) || !strncmp(own, "weight_hh_", 10);
    const int32_t b = k + (recurrent ? 2 : 1);
    if (b >= d->nparts || !are_of_one_layer(d->part_name[k], d->part_name[b])) return -1;
    return recurrent && strncmp(own_name(d->part_name[b]), "bias_", 5) != 0 ? -1 : b;
}

/* Weights [rows, columns] get delta x' as their gradient, biases [rows] delta, so that the norms of
 * both tell the root mean square of x, which the layer is given. NaN: part k is no such weight. */
static double scale_into(const ravine_doctor *d, int32_t k) {
    const double useless =
        1e5; /* a bias that a norm takes away again has roundings for a gradient */
    const int32_t at = bias_of(d, k);
    if (at < 0) return NAN;
    const doctor_part *w = &d->parts[k], *b = &d->parts[at];
    const double columns = w->elements / b->elements;
    if (b->elements < 2 || columns < 2 || columns != floor(columns)) return NAN;
    const double scale =
        ravine_doctor_part_gradient(w) / (ravine_doctor_part_gradient(b) * sqrt(columns));
    return scale < useless ? scale : NAN;
}

double ravine_doctor_part_quiet(const doctor_part *p) {
    return isnan(p->quiet_share) ? p->zero_share / p->share_weight : p->quiet_share;
}

doctor_scales ravine_doctor_scales_of(const ravine_doctor *d) {
    doctor_scales s = {.faint = faint_of(d), .input = NAN, .signal = NAN};
    for (int32_t k = 0; k < d->nparts; k++) {
        const double scale = scale_into(d, k);
        if (isnan(scale)) continue;
        if (isnan(s.input))
            s.input = scale;
        else
            s.signal = fmax(s.signal, scale);
    }
    return s;
}

/* ---- units that are the same */

static double element(const param *p, int64_t k) {
    return dtype_load(p->dtype, p->data, k);
}

/* Are the first lines of a matrix the same, up to roundings? Element k of line i is number
 * i * line + k * next. */
static bool lines_are_same(const param *p, int64_t lines, int64_t length, int64_t line,
                           int64_t next) {
    enum { LINES = 8, LENGTH = 64 };
    const double rounding = 1e-5;
    if (lines < 2 || length < 1) return false;
    for (int64_t i = 1; i < lines && i < LINES; i++)
        for (int64_t k = 0; k < length && k < LENGTH; k++) {
            const double a = element(p, k * next), b = element(p, i * line + k * next);
            if (!(fabs(a - b) <= rounding * fabs(a))) return false;
        }
    return true;
}

/* Units that began as one have the same gradient and stay one. A unit is a row of its weight, and
 * in some nets a column. */
static bool has_twins(const param *p) {
    if (p->ndim < 2) return false;
    const int64_t rows = p->shape[0], columns = rows > 0 ? p->len / rows : 0;
    return lines_are_same(p, rows, columns, columns, 1) ||
           (p->ndim == 2 && lines_are_same(p, columns, rows, 1, columns));
}

void ravine_doctor_find_twins(ravine_doctor *d, const ravine_optimizer *o) {
    for (int32_t k = 0; k < d->nparts; k++) d->parts[k].twins = has_twins(ravine_param_of(o, k));
}

double ravine_doctor_share_of_twins(const ravine_doctor *d) {
    double all = 0, twins = 0;
    for (int32_t k = 0; k < d->nparts; k++) {
        all += d->parts[k].elements;
        twins += d->parts[k].twins != 0 ? d->parts[k].elements : 0;
    }
    return twins / all;
}
