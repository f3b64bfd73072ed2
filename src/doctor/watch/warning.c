/* Early warning: what the last steps say of the next ones. */
#include "base/error.h"
#include "base/sized.h"
#include "doctor/watch/memory.h"

#include <math.h>
#include <stdio.h>

enum { STEPS = 8 }; /* of the sign */
static const double GROWTH = 1.01, FLIPS = 0.75;

/* Each of the last steps' gradients is longer than two steps before, and signs flip. */
static double growth_now(const ravine_doctor *d) {
    if (doctor_window_length(d) < STEPS + 2) return NAN;
    double least = INFINITY;
    for (int64_t k = 0; k < STEPS / 2; k++) {
        const doctor_step *now = doctor_back(d, k), *before = doctor_back(d, k + 2);
        least = fmin(least, sqrt(now->gradient / before->gradient));
    }
    return least;
}

static double mean_flips(const ravine_doctor *d) {
    if (doctor_window_length(d) < STEPS) return NAN;
    double sum = 0;
    for (int64_t k = 0; k < STEPS; k++) sum += doctor_back(d, k)->flips;
    return sum / STEPS;
}

static void warn(doctor_history *h, int kind, double value, double limit) {
    if (h->warning != kind) h->warning_since = h->step;
    h->warning = kind;
    h->warning_value = value;
    h->warning_limit = limit;
}

void doctor_watch_warnings(ravine_doctor *d) {
    doctor_history *h = &d->h;
    if (h->nonfinite_last == h->observed - 1) {
        warn(h, RAVINE_WARNING_NONFINITE_GRADIENT, h->nonfinite_count, 0);
        return;
    }
    const double growth = growth_now(d), flips = mean_flips(d);
    if (growth > GROWTH && flips > FLIPS) {
        warn(h, RAVINE_WARNING_GROWTH, growth, GROWTH);
    } else if (flips > FLIPS) {
        warn(h, RAVINE_WARNING_FLIPS, flips, FLIPS);
    } else if (h->probe_step >= 0 && h->step - h->probe_step <= (double)d->options.window &&
               doctor_back(d, 0)->lr * h->probe_sharpness > h->probe_limit) {
        warn(h, RAVINE_WARNING_STABILITY,
             doctor_back(d, 0)->lr * h->probe_sharpness / h->probe_limit, 1);
    } else {
        warn(h, RAVINE_WARNING_NONE, NAN, NAN);
    }
}

ravine_status ravine_doctor_warning(const ravine_doctor *d, ravine_warning *warning) {
    if (!d || !warning) return ravine_fail(RAVINE_E_ARG, "an argument is NULL");
    const ravine_status status = ravine_sized_check(&ravine_sized_warning, warning);
    if (status) return status;
    const doctor_history *h = &d->h;
    ravine_warning own = {.kind = (int32_t)h->warning,
                          .since = (int64_t)h->warning_since,
                          .value = h->warning_value,
                          .limit = h->warning_limit},
                   *w = &own;
    switch (w->kind) {
    case RAVINE_WARNING_GROWTH:
        snprintf(w->text, sizeof w->text,
                 "signs flip and the gradient grows by a factor of %.4g a step", w->value);
        break;
    case RAVINE_WARNING_FLIPS:
        snprintf(w->text, sizeof w->text, "signs flip in %.0f %% of the gradient's energy",
                 100 * w->value);
        break;
    case RAVINE_WARNING_STABILITY:
        snprintf(w->text, sizeof w->text,
                 "lr times the sharpness that was probed is %.3g of the rule's limit", w->value);
        break;
    case RAVINE_WARNING_NONFINITE_GRADIENT:
        snprintf(w->text, sizeof w->text, "loss or gradient is not finite");
        break;
    default: break;
    }
    ravine_sized_write(&ravine_sized_warning, warning, w);
    return RAVINE_OK;
}
