/* SPDX-License-Identifier: Apache-2.0 */
/* Out of a saddle, along the most negative curvature. */
#include "doctor/probe/probe.h"
#include "text/error.h"

#include <math.h>

/* The sign is the gradient's, or the greatest entry's, so that the same probe finds the same
 * direction again. */
void ravine_escape_direction(const probing *p, double *v) {
    const int64_t n = p->space.n;
    ravine_lanczos_vector(&p->lanczos, 0, v);
    double uphill = ravine_dot(p->g, v, n), greatest = 0;
    for (int64_t i = 0; uphill == 0 && i < n; i++)
        if (fabs(v[i]) > fabs(greatest)) greatest = v[i];
    if (uphill == 0) uphill = -greatest;
    for (int64_t i = 0; uphill > 0 && i < n; i++) v[i] = -v[i];
}

/* The loss at factor *offset: if it is lower than *least, that is the new place. */
static ravine_status look(probing *p, const double *v, double factor, double *offset, double *least,
                          bool *lower) {
    double loss;
    const ravine_status status = ravine_space_loss_at(&p->space, factor * *offset, v, &loss);
    *lower = !status && loss < *least;
    if (!*lower) return status;
    *offset *= factor;
    *least = loss;
    return RAVINE_OK;
}

/* From a hundredth of |theta|: shorter until a side is lower, then longer while it falls. */
ravine_status ravine_escape_search(probing *p, const double *v) {
    enum { SHORTER = 12, LONGER = 256 };
    ravine_probe *r = &p->result;
    space *s = &p->space;
    double reach = 0.01 * (s->norm > 0 ? s->norm : 1), side[2];
    ravine_status status = RAVINE_OK;
    for (int k = 0; !status && k < SHORTER; k++, reach /= 4) {
        status = ravine_space_loss_at(s, -reach, v, &side[0]);
        if (!status) status = ravine_space_loss_at(s, reach, v, &side[1]);
        if (status || fmin(side[0], side[1]) < r->loss) break;
    }
    if (status || !(fmin(side[0], side[1]) < r->loss)) return status;
    double offset = side[1] <= side[0] ? reach : -reach, least = fmin(side[0], side[1]);
    bool lower = true;
    for (int k = 0; lower && k < LONGER; k++) status = look(p, v, 4, &offset, &least, &lower);
    if (!status) status = look(p, v, 2, &offset, &least, &lower);
    if (!status && !lower) status = look(p, v, 0.5, &offset, &least, &lower);
    r->escape_offset = offset;
    for (int k = 0; !status && k < 2; k++)
        status = ravine_space_loss_at(s, (k ? 1 : -1) * fabs(offset), v, &r->escape_loss[k]);
    return status;
}

ravine_status ravine_escape(ravine_optimizer *o, const ravine_problem *problem,
                            const ravine_probe_options *options, double offset) {
    if (!isfinite(offset))
        return ravine_fail(RAVINE_E_RANGE, "offset of the escape is %g; it must be finite", offset);
    probing p;
    ravine_status status = ravine_probing_open(&p, o, problem, options);
    if (!status && p.options.lanczos == 0)
        status = ravine_fail(RAVINE_E_RANGE, "lanczos of the probe is 0; an escape needs it");
    if (!status) status = ravine_probe_spectrum(&p);
    if (!status && !(p.result.lambda_min < -p.result.curvature_noise))
        status = ravine_fail(RAVINE_E_STATE,
                             "no negative curvature was found in %d steps: the "
                             "least is %.3g",
                             p.result.lanczos, p.result.lambda_min);
    if (!status) {
        ravine_escape_direction(&p, p.a);
        ravine_space_settle(&p.space, offset, p.a);
    }
    ravine_probing_close(&p);
    return status;
}
