/* SPDX-License-Identifier: Apache-2.0 */
/* Curvature: from a probe, or, where the steps show it, from them. */
#include "doctor/judge/findings.h"
#include "math/sort.h"

#include <math.h>

/* eta times the curvature along the step k ago: (1 + line_position) <g, u> / <m, u>. Without
 * momentum m is g. With it <m, u> is not known, and |m| |u| is at least as great. */
static double curvature_along(const ravine_doctor *d, const ravine_config *c, int64_t k) {
    if (k + 1 >= ravine_doctor_window_length(d)) return NAN;
    const doctor_step *now = ravine_doctor_back(d, k), *before = ravine_doctor_back(d, k + 1);
    const double straight = 1 + now->line_position;
    const double beta = ravine_doctor_is_heavy_ball(c) ? c->momentum : c->beta1;
    if (!(beta > 0)) return straight;
    const double correction = c->bias_correction != 0 ? 1 - pow(beta, before->step) : 1;
    const double both = before->momentum / correction * before->update;
    return both > 0 ? straight * -before->slope / both : NAN;
}

/* The median of the last steps' own, over the limit. */
static double stability_of_steps(const ravine_doctor *d, const ravine_config *c, double limit) {
    enum { RECENT = 8 };
    double value[RECENT];
    int64_t n = 0;
    for (int64_t k = 0; k < RECENT; k++) {
        const double one = curvature_along(d, c, k);
        if (isfinite(one)) value[n++] = one;
    }
    return ravine_median(value, n) / limit;
}

static void find_stability(const ravine_doctor *d, doctor_findings *f) {
    f->limit = f->stability = f->curvature = NAN;
    const ravine_config c = ravine_doctor_config(d);
    if (c.rule < 0 || f->steps == 0) return;
    f->limit = ravine_stability_limit(&c, f->lr, (int64_t)d->h.step - 1);
    f->stability = f->probed != 0 && isfinite(d->h.probe_sharpness)
                       ? f->lr * d->h.probe_sharpness / f->limit
                       : stability_of_steps(d, &c, f->limit);
    /* An error that changes sign at every step and grows by G solves the rule's recursion for
     * eta lambda = (G + 1) / (gain of the momentum for such a gradient). */
    const double b = c.momentum, growth = f->growth;
    if (ravine_rule_describe(c.rule)->sigma != RAVINE_SIGMA_ONE || !(growth > 0)) return;
    const double gain = (1 - c.dampening) * growth / (growth + b);
    f->curvature = (growth + 1) / (c.nesterov != 0 ? 1 + b * gain : b > 0 ? gain : 1) / f->lr;
}

/* Curvature counts if, over the length of the parameters, it is worth some of the loss: all of a
 * network whose gradient vanishes is curved a little. */
static bool find_negative_curvature(const ravine_doctor *d, const doctor_findings *f) {
    const double of_greatest = 1e-6, of_loss = 1e-4, straight = 0.3;
    const doctor_history *h = &d->h;
    if (f->probed != 0 && isfinite(h->probe_min)) {
        const double least = fmax(of_greatest * fabs(h->probe_max), h->probe_noise);
        const double worth = -0.5 * h->probe_min * h->param_most * h->param_most;
        return h->probe_min < -least && worth > of_loss * f->loss_scale;
    }
    /* The slope along the steps steepens, by a factor within the budget. */
    return f->recent_sign_change_rate < straight && -(1 + f->recent_line_position) * f->budget > 1;
}

void ravine_doctor_find_curvature(const ravine_doctor *d, doctor_findings *f) {
    const doctor_history *h = &d->h;
    f->probed = h->probe_step >= 0 && h->step - h->probe_step <= (double)d->options.window;
    find_stability(d, f);
    f->negative_curvature = find_negative_curvature(d, f);
    f->probed_share = f->probed_worth = f->escape_worth = f->critical = f->room = NAN;
    f->probed_curvature = 0;
    if (f->probed == 0) return;
    const double fall = h->probe_loss - fmin(h->probe_escape_loss[0], h->probe_escape_loss[1]);
    f->probed_share = h->probe_gradient / h->gradient_most;
    f->probed_worth = h->probe_decrease / fmin(fabs(f->loss), f->loss_range);
    f->probed_curvature = h->probe_max > h->probe_noise;
    f->escape_worth = fall / h->probe_decrease;
    f->critical = h->probe_critical_lr / f->lr;
    f->room = f->stability > 0 ? fmin(f->critical, 1 / f->stability) : f->critical;
}
