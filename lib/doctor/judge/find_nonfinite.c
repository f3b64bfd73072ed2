/* SPDX-License-Identifier: Apache-2.0 */
/* What is no number any more, and how the steps before it went. */
#include "doctor/judge/findings.h"

#include <math.h>

/* Each of the last steps ended higher up the wall than the one before. */
static bool climbs(const doctor_recent *r) {
    const double growth = 1.01, rise = 4, position = 1.02, changes = 0.75;
    return r->growth > growth && r->growth_least > 1 && r->rise > rise &&
           (r->line_position > position || r->sign_change_rate > changes ||
            (isnan(r->line_position) && isnan(r->sign_change_rate)));
}

void ravine_doctor_find_nonfinite(const ravine_doctor *d, doctor_findings *f) {
    enum { HORIZON = 10 }; /* windows in which it counts */
    const doctor_history *h = &d->h;
    const double age = h->observed - h->nonfinite_last;
    const bool any = h->nonfinite_first >= 0;
    f->nonfinite_now = any && age <= 1;
    f->nonfinite_recent = any && age <= HORIZON * (double)d->options.window;
    f->nonfinite_all = any && h->kept == 0;
    f->nonfinite_at = any ? h->nonfinite_first : NAN;
    f->nonfinite_climbed = any && climbs(&h->before_nonfinite);
    f->nonfinite_rise = any ? h->before_nonfinite.rise : NAN;
}
