/* SPDX-License-Identifier: Apache-2.0 */
/* Early warning: what the last steps say of the next ones. */
#include "base/sized.h"
#include "doctor/watch/watch_memory.h"
#include "text/error.h"

#include <math.h>
#include <stdio.h>

enum {
    STEPS = 8,  /* of the sign */
    GROWING = 4 /* of them, of growth: each of them against two before */
};
static const double GROWTH = 1.01, SIGN_CHANGE_RATE = 0.75;
/* Of a bounce: a step ends nearly as high up the wall as it began. Flips of noise alone do not. */
static const double LINE_POSITION = 0.85;
static const double LONG = 0.6; /* of a step, over the parameters */
static const double CLIMB = 2;  /* the loss over the greatest before, on the way to infinity */

/* Each of the last steps' gradients is longer than two steps before. */
static double growth_now(const ravine_doctor *d) {
    if (ravine_doctor_window_length(d) < GROWING + 2) return NAN;
    double least = INFINITY;
    for (int64_t k = 0; k < GROWING; k++) {
        const doctor_step *now = ravine_doctor_back(d, k), *before = ravine_doctor_back(d, k + 2);
        least = fmin(least, sqrt(now->gradient / before->gradient));
    }
    return least;
}

/* Of the last n steps; NaN before there are as many. */
static double mean_sign_change_rate(const ravine_doctor *d, int64_t n) {
    return ravine_doctor_window_length(d) < n
               ? NAN
               : ravine_doctor_mean_back(d, n, ravine_doctor_sign_change_rate_of);
}

/* Each of the last steps ends higher up the other wall than it began. */
static bool swings_up(const ravine_doctor *d) {
    return mean_sign_change_rate(d, GROWING) > SIGN_CHANGE_RATE &&
           !(ravine_doctor_mean_back(d, GROWING, ravine_doctor_line_position_of) < 1);
}

/* Where units die on the way signs need not flip: but the loss is higher than in all the steps
 * before, by more than their range. */
static bool climbs(const ravine_doctor *d) {
    const int64_t length = ravine_doctor_window_length(d);
    double least = INFINITY, most = -INFINITY;
    for (int64_t k = GROWING / 2; k < length; k++) {
        least = fmin(least, ravine_doctor_loss_of(d, k));
        most = fmax(most, ravine_doctor_loss_of(d, k));
    }
    return ravine_doctor_loss_of(d, 0) - most > (CLIMB - 1) * fmin(fabs(most), most - least);
}

/* It has been lower than ever before within a quarter of a window; in the first steps: than it
 * began. A sign that changes meanwhile is no harm. */
static bool still_falls(const ravine_doctor *d) {
    const doctor_history *h = &d->h;
    if (h->blocks < 2)
        return ravine_doctor_median_back(d, STEPS, ravine_doctor_loss_of) < h->loss_first;
    return h->step - h->block_least_step < (double)d->options.window / 4;
}

/* How long the step before was against the parameters, if it has thrown the loss above all before;
 * else 0. */
static double thrown_by(const ravine_doctor *d) {
    const int64_t length = ravine_doctor_window_length(d);
    if (length < 2) return 0;
    const doctor_step *before = ravine_doctor_back(d, 1);
    double most = -INFINITY;
    for (int64_t k = 1; k < length; k++) most = fmax(most, ravine_doctor_loss_of(d, k));
    const bool thrown = ravine_doctor_loss_of(d, 0) - most > (CLIMB - 1) * fabs(most);
    return thrown ? before->update / before->param : 0;
}

static bool bounces(const ravine_doctor *d) {
    return mean_sign_change_rate(d, STEPS) > SIGN_CHANGE_RATE &&
           !(ravine_doctor_mean_back(d, STEPS, ravine_doctor_line_position_of) < LINE_POSITION) &&
           !still_falls(d);
}

static void warn(doctor_history *h, int kind, double value, double limit) {
    if (h->warning != kind) h->warning_since = h->step;
    h->warning = kind;
    h->warning_value = value;
    h->warning_limit = limit;
}

void ravine_doctor_watch_warnings(ravine_doctor *d) {
    doctor_history *h = &d->h;
    if (h->nonfinite_last == h->observed - 1) {
        warn(h, RAVINE_WARNING_NONFINITE_GRADIENT, h->nonfinite_count, 0);
        return;
    }
    const double growth = growth_now(d), thrown = thrown_by(d);
    if (growth > GROWTH && (swings_up(d) || climbs(d))) {
        warn(h, RAVINE_WARNING_GROWTH, growth, GROWTH);
    } else if (thrown > LONG) {
        warn(h, RAVINE_WARNING_THROWN, thrown, LONG);
    } else if (bounces(d)) {
        warn(h, RAVINE_WARNING_SIGN_CHANGES, mean_sign_change_rate(d, STEPS), SIGN_CHANGE_RATE);
    } else if (h->probe_step >= 0 && h->step - h->probe_step <= (double)d->options.window &&
               ravine_doctor_back(d, 0)->lr * h->probe_sharpness > h->probe_limit) {
        warn(h, RAVINE_WARNING_STABILITY,
             ravine_doctor_back(d, 0)->lr * h->probe_sharpness / h->probe_limit, 1);
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
        snprintf(w->text, sizeof w->text, "the gradient grows by a factor of %.4g a step",
                 w->value);
        break;
    case RAVINE_WARNING_SIGN_CHANGES:
        snprintf(w->text, sizeof w->text,
                 "signs flip in %.0f %% of the gradient's energy, and the loss does not fall",
                 100 * w->value);
        break;
    case RAVINE_WARNING_STABILITY:
        snprintf(w->text, sizeof w->text,
                 "lr times the sharpness that was probed is %.3g of the rule's limit", w->value);
        break;
    case RAVINE_WARNING_THROWN:
        snprintf(w->text, sizeof w->text,
                 "a step %.3g times as long as the parameters are has thrown the loss up",
                 w->value);
        break;
    case RAVINE_WARNING_NONFINITE_GRADIENT:
        snprintf(w->text, sizeof w->text, "loss or gradient is not finite");
        break;
    default: break;
    }
    ravine_sized_write(&ravine_sized_warning, warning, w);
    return RAVINE_OK;
}
