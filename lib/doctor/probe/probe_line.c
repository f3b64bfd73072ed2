/* SPDX-License-Identifier: Apache-2.0 */
/* Losses along a line: how long a step may be, and pictures. */
#include "doctor/probe/probe.h"

#include <math.h>

/* The loss of the fixed batch against home, up where the optimizer wants it down. */
static ravine_status rise(probing *p, double step, const double *v, double *out) {
    double loss;
    const ravine_status status = ravine_space_loss_at(&p->space, step, v, &loss);
    *out = isfinite(loss) ? p->sign * (loss - p->result.loss) : HUGE_VAL;
    return status;
}

/* The multiple of u from which the loss rises: doubling or halving, then between the two. A
 * quadratic is met at once, since rise / step is a straight line in the step. */
static ravine_status critical_multiple(probing *p, const double *u, double *out) {
    enum { POWERS = 40, CUTS = 6 };
    const double slope = p->sign * ravine_dot(p->g, u, p->space.n), close = 1e-3;
    /* Below this the loss does not show the fall that the slope promises. */
    const double visible = p->space.type->loss * fabs(p->result.loss);
    *out = 0;
    if (!(slope < 0)) return RAVINE_OK;
    double low = 0, high = fmax(1, visible / -slope), low_rise = 0, high_rise;
    ravine_status status = rise(p, high, u, &high_rise);
    for (int k = 0; !status && k < POWERS && !(high_rise > 0); k++) {
        low = high;
        low_rise = high_rise;
        high *= 2;
        status = rise(p, high, u, &high_rise);
    }
    for (int k = 0; !status && k < POWERS && low == 0 && high_rise > 0; k++) {
        double half_rise;
        status = rise(p, high / 2, u, &half_rise);
        if (half_rise > 0) {
            high /= 2;
            high_rise = half_rise;
        } else {
            low = high / 2;
            low_rise = half_rise;
        }
    }
    *out = high_rise > 0 ? low : HUGE_VAL;
    if (status || low == 0 || isinf(*out)) return status;
    for (int k = 0; !status && k < CUTS && high - low > close * low; k++) {
        const double below = low_rise / low, above = high_rise / high;
        const bool straight = isfinite(above) && k % 2 == 0 && below < 0;
        const double middle =
            straight ? low + (high - low) * below / (below - above) : (low + high) / 2;
        double middle_rise;
        status = rise(p, middle, u, &middle_rise);
        *out = middle;
        if (fabs(middle_rise / middle) <= close * -slope) break;
        if (middle_rise > 0) {
            high = middle;
            high_rise = middle_rise;
        } else {
            low = middle;
            low_rise = middle_rise;
        }
    }
    return status;
}

static ravine_status losses(probing *p, const double *v, double length, double reach,
                            ravine_slice *out) {
    const int32_t count = p->options.slice;
    ravine_status status = RAVINE_OK;
    if (!(reach > 0) || !isfinite(reach)) return RAVINE_OK;
    for (int32_t k = 0; !status && k < count; k++) {
        const double share = count > 1 ? 2.0 * k / (count - 1) - 1 : 0; /* 0 is met exactly */
        out->offset[k] = share * reach;
        ravine_space_move(&p->space, share * reach / length, v);
        status = ravine_space_evaluate(&p->space, p->space.problem.batch, 0, &out->loss[k]);
    }
    if (!status) out->count = count;
    return status;
}

ravine_status ravine_probe_update(probing *p, const double *u) {
    const double length = ravine_norm(u, p->space.n);
    double multiple = NAN;
    if (!(length > 0) || !isfinite(length)) return RAVINE_OK;
    ravine_status status = critical_multiple(p, u, &multiple);
    if (status) return status;
    if (p->result.lr > 0) p->result.critical_lr = multiple * p->result.lr;
    const double shown = isfinite(multiple) ? fmax(1.5 * multiple, 2) : 4;
    return losses(p, u, length, shown * length, &p->result.along_update);
}

/* Three times the way to the bottom, or where the parabola is 1 % of the loss high. */
ravine_status ravine_probe_slice(probing *p, const double *v, double curvature, ravine_slice *out) {
    const double bend = fabs(curvature);
    const double bottom = 3 * fabs(ravine_dot(p->g, v, p->space.n)) / bend;
    const double visible = sqrt(0.02 * fabs(p->result.loss) / bend);
    double reach = bend > 0 ? fmax(bottom, visible) : 0;
    if (!(reach > 0)) reach = 0.1 * (p->space.norm > 0 ? p->space.norm : 1);
    return losses(p, v, 1, reach, out);
}
