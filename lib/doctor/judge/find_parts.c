/* SPDX-License-Identifier: Apache-2.0 */
/* The parameters by name: which have no gradient, do not move, or get far less than others. */
#include "doctor/judge/findings.h"

#include <math.h>

/* A part whose gradient is a small share of the greatest, and that hardly moves within the budget.
 */
static double find_faint(const ravine_doctor *d, double budget) {
    const double hardly = 1e-2;
    double most = 0, least = INFINITY;
    for (int32_t k = 0; k < d->nparts; k++)
        most = fmax(most, ravine_doctor_part_gradient(&d->parts[k]));
    for (int32_t k = 0; k < d->nparts; k++) {
        const doctor_part *p = &d->parts[k];
        const double move = p->update / p->param * budget;
        if (p->weight > 0 && move < hardly)
            least = fmin(least, ravine_doctor_part_gradient(p) / most);
    }
    return least;
}

void ravine_doctor_find_parts(const ravine_doctor *d, doctor_findings *f) {
    const double nearly = 0.9;
    double all = 0, silent = 0, still = 0, quiet = 0;
    f->parts = d->nparts;
    f->quiet_part = d->nparts > 0 ? 0 : NAN;
    for (int32_t k = 0; k < d->nparts; k++) {
        const doctor_part *p = &d->parts[k];
        all += p->elements;
        silent += p->silent >= p->steps ? p->elements : 0;
        still += p->way == 0 ? p->elements : 0;
        if (!(p->share_weight > 0 && p->param > 0)) continue;
        quiet += ravine_doctor_part_quiet(p) > nearly ? p->elements : 0;
        f->quiet_part = fmax(f->quiet_part, ravine_doctor_part_quiet(p));
    }
    f->silent_parts = silent / all;
    f->still_parts = still / all;
    f->quiet_parts = quiet / all;
    f->faint_part = find_faint(d, f->budget);
    const doctor_scales now = ravine_doctor_scales_of(d), start = d->h.start;
    f->faint_first = now.faint;
    f->start_faint = start.faint;
    f->input_scale = start.input;
    f->signal_scale = start.signal;
    f->twins = d->h.twins;
}
