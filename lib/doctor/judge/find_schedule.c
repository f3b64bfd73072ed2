/* SPDX-License-Identifier: Apache-2.0 */
/* Where the learning rate stands in its schedule. */
#include "doctor/judge/findings.h"

#include <math.h>

/* Half as many steps ago as there are in the window. */
static double lr_at_half(const ravine_doctor *d) {
    const int64_t length = ravine_doctor_window_length(d);
    return length > 0 ? ravine_doctor_back(d, length / 2)->lr : NAN;
}

void ravine_doctor_find_schedule(const ravine_doctor *d, doctor_findings *f) {
    const doctor_history *h = &d->h;
    const double lr = ravine_doctor_window_length(d) > 0 ? ravine_doctor_back(d, 0)->lr : NAN;
    const ravine_config c = ravine_doctor_config(d);
    f->lr = c.rule < 0 ? lr : ravine_effective_lr(&c, lr, (int64_t)h->step - 1);
    f->lr_share = h->lr_most > 0 ? lr / h->lr_most : NAN;
    f->lr_rise = lr / lr_at_half(d);
    f->lr_to_come = h->fact[RAVINE_FACT_LR_END] / lr;
    f->lr_zero = lr == 0;
    f->lr_low = h->lr_low_since < 0 ? 0 : h->step - h->lr_low_since;
    f->lr_low_share = f->lr_low / h->observed;
    f->progress = h->step / h->fact[RAVINE_FACT_TOTAL_STEPS];
}
