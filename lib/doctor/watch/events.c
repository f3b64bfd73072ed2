/* SPDX-License-Identifier: Apache-2.0 */
/* Bursts: a step many times longer than the usual ones, and the loss thrown up by it.
 *
 * The usual length is a mean of log (|u| / lr) over about a window, held still while a burst goes
 * on: a step that is long because its schedule says so is none of a burst. An
 * event counts as a burst of sigma (docs/internals/doctor.md) when the loss rose by several times
 * what it was, the gradient's signs flipped, and the gradient was large against its own past.
 */
#include "doctor/watch/watch_memory.h"
#include "math/sort.h"
#include "rules/rules.h"

#include <math.h>

static const double UPDATE = 5; /* over the usual length: a step of a burst */
/* And a burst is one of sigma where the loss is so many times what it was, such a share of signs
 * signs change and the gradient is so many times sigma. */
static const double LOSS = 4, SIGN_CHANGE_RATE = 0.6, SIGMA_RATIO = 2.3;
static const double BATCHES = 2; /* what rises by less than this over their noise is one of them */

enum {
    LEARN_STEPS = 20, /* before that no step is known to be unusual */
    SHORT_STEPS = 4,  /* of the mean of sign_change_rate */
    CALM_STEPS = 8    /* so many usual steps end a burst */
};

bool ravine_doctor_is_adaptive(const ravine_doctor *d) {
    if (d->h.rule < 0) return d->h.kept > 0 && isfinite(ravine_doctor_back(d, 0)->sigma_ratio);
    return ravine_rule_is_adaptive((int)d->h.rule);
}

static double median_loss(const ravine_doctor *d) {
    const int64_t most = 256, length = ravine_doctor_window_length(d);
    return ravine_doctor_median_back(d, length < most ? length : most, ravine_doctor_loss_of);
}

/* The farthest that a single loss of the window lay from its neighbours: batches differ by that. */
static double loss_noise(const ravine_doctor *d) {
    double most = 0;
    for (int64_t k = 0; k + 2 < ravine_doctor_window_length(d); k++)
        most = fmax(most, ravine_doctor_surprise_of(d, k));
    return most;
}

/* Of a step, as the rule makes it: log (|u| / lr). */
static double size_of(const doctor_step *s) {
    return log(fmax(s->update / (s->lr > 0 ? s->lr : 1), 0x1p-1022));
}

/* The usual length is that of the last steps, from now on. */
static void close_burst(ravine_doctor *d) {
    double size[256];
    const int64_t length = ravine_doctor_window_length(d);
    const int64_t n = length < 256 ? length : 256;
    for (int64_t k = 0; k < n; k++) size[k] = size_of(ravine_doctor_back(d, k));
    d->h.update_slow = ravine_median(size, n);
    d->h.burst_open = d->h.burst_counted = 0;
}

static bool is_burst(const ravine_doctor *d) {
    const doctor_burst *b = &d->h.burst;
    const bool is_of_batches = b->loss * fabs(b->before) < BATCHES * b->noise;
    /* A ratio that is not known speaks against nothing. */
    return b->loss >= LOSS - 1 && !is_of_batches && b->sign_change_rate >= SIGN_CHANGE_RATE &&
           !(b->sigma_ratio < SIGMA_RATIO);
}

/* Half a window after a burst, what is thrown is thrown by it. */
static bool is_aftermath(const ravine_doctor *d, const doctor_step *now) {
    const doctor_history *h = &d->h;
    if (h->bursts == 0) return false;
    const doctor_burst *last = doctor_burst_back(h, 0);
    return now->step - last->peak < (double)d->options.window / 2;
}

static void watch_burst(ravine_doctor *d, const doctor_step *now, double ratio) {
    doctor_history *h = &d->h;
    doctor_burst *b = &h->burst;
    if (h->burst_open == 0) {
        *b = (doctor_burst){.start = now->step,
                            .peak = now->step,
                            .sigma_ratio = NAN,
                            .before = median_loss(d),
                            .noise = loss_noise(d)};
        h->burst_open = 1;
        h->quiet = 0;
    }
    const double rise = (now->loss - b->before) / fabs(b->before);
    if (rise > b->loss) {
        b->loss = rise;
        b->peak = now->step;
    }
    b->update = fmax(b->update, ratio);
    b->sign_change_rate = fmax(b->sign_change_rate, h->sign_change_short);
    b->sigma_ratio = fmax(b->sigma_ratio, now->sigma_ratio);
    if (h->burst_counted == 0 && is_burst(d) && !is_aftermath(d, now)) {
        h->burst_counted = 1;
        h->bursts++;
    }
    if (h->burst_counted != 0) h->past[((int64_t)h->bursts - 1) % DOCTOR_BURSTS] = *b;
    const bool calm = ratio < sqrt(UPDATE);
    h->quiet = calm ? h->quiet + 1 : 0;
    if (h->quiet >= CALM_STEPS || now->step - b->start > d->options.window) close_burst(d);
}

/* Before `now` enters the window. */
void ravine_doctor_watch_events(ravine_doctor *d, const doctor_step *now) {
    doctor_history *h = &d->h;
    if (isfinite(now->sign_change_rate))
        h->sign_change_short += (now->sign_change_rate - h->sign_change_short) / SHORT_STEPS;
    if (!(now->update > 0)) return;
    const double size = size_of(now);
    if (h->kept == 0) h->update_slow = size;
    const double ratio = exp(size - h->update_slow);
    if (h->burst_open != 0 || (h->kept >= LEARN_STEPS && ratio > UPDATE)) {
        watch_burst(d, now, ratio);
        return;
    }
    h->update_slow += (size - h->update_slow) / fmin(h->kept + 1, d->options.window);
}
