/* SPDX-License-Identifier: Apache-2.0 */
/* The loss of examples that are not trained on, beside that of those that are. */
#include "doctor/judge/findings.h"
#include "math/sort.h"

#include <math.h>

static const doctor_validation *validation_back(const doctor_history *h, int64_t k) {
    return &h->validation[((int64_t)h->validations - 1 - k) % DOCTOR_VALIDATIONS];
}

/* What neighbours differ by, as a standard deviation. */
static double noise_of(const doctor_history *h, int64_t n) {
    double change[DOCTOR_VALIDATIONS];
    for (int64_t k = 0; k + 2 < n; k++) {
        const double around = (validation_back(h, k)->loss + validation_back(h, k + 2)->loss) / 2;
        change[k] = fabs(validation_back(h, k + 1)->loss - around);
    }
    return n > 2 ? 1.4826 * ravine_median(change, n - 2) / sqrt(1.5) : NAN;
}

/* The training loss when the validation loss was least. */
static double train_then(const doctor_history *h, int64_t n) {
    const doctor_validation *best = validation_back(h, 0);
    for (int64_t k = 1; k < n; k++)
        if (validation_back(h, k)->loss < best->loss) best = validation_back(h, k);
    return best->train;
}

/* Whether all that was told is remembered, from before the first step on. */
static bool is_from_start(const doctor_history *h, int64_t n) {
    return n > 1 && n < DOCTOR_VALIDATIONS && validation_back(h, n - 1)->step == 0;
}

void ravine_doctor_find_validation(const ravine_doctor *d, doctor_findings *f) {
    enum { LAST = 3 };
    const doctor_history *h = &d->h;
    const int64_t n =
        h->validations < DOCTOR_VALIDATIONS ? (int64_t)h->validations : DOCTOR_VALIDATIONS;
    f->validations = h->validations;
    f->validation_rise = f->validation_z = f->validation_gap = f->train_since =
        f->validation_over_start = NAN;
    if (n < 1) return;
    double last[LAST], train[LAST];
    const int64_t few = n < LAST ? n : LAST;
    for (int64_t k = 0; k < few; k++) {
        last[k] = validation_back(h, k)->loss;
        train[k] = validation_back(h, k)->train;
    }
    const double now = ravine_median(last, few), loss = ravine_median(train, few);
    const double least = h->validation_least, size = fmax(fabs(least), fabs(now));
    f->validation_rise = (now - least) / size;
    f->validation_z = (now - least) / noise_of(h, n);
    f->validation_gap = (now - loss) / fmax(fabs(f->loss_start - loss), fabs(now - loss));
    if (n > LAST || is_from_start(h, n))
        f->validation_over_start =
            (now - h->validation_first) / fmax(fabs(h->validation_first), fabs(now));
    const double then = train_then(h, n);
    f->train_since = (then - loss) / fmax(fabs(then), fabs(loss));
}
