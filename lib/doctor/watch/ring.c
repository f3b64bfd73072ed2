/* SPDX-License-Identifier: Apache-2.0 */
/* A doctor's life, and the ring of the last steps. */
#include "base/memory.h"
#include "base/sized.h"
#include "doctor/watch/watch_memory.h"
#include "math/sort.h"
#include "text/error.h"

#include <math.h>

void ravine_doctor_options_init_sized(ravine_doctor_options *options, size_t size) {
    const ravine_doctor_options usual = {.window = 256, .samples = 4096};
    (void)ravine_sized_make(&ravine_sized_doctor_options, options, size, &usual);
}

static ravine_status check_options(const ravine_doctor_options *o) {
    enum { WINDOW_LEAST = 16, WINDOW_MOST = 65536, SAMPLES_MOST = 1 << 20 };
    if (o->window < WINDOW_LEAST || o->window > WINDOW_MOST)
        return ravine_fail(RAVINE_E_RANGE, "window is %d; it must be in [%d, %d]", o->window,
                           WINDOW_LEAST, WINDOW_MOST);
    if (o->budget < 0)
        return ravine_fail(RAVINE_E_RANGE, "budget is %lld; it must be in [0, inf)",
                           (long long)o->budget);
    if (o->samples < 0 || o->samples > SAMPLES_MOST)
        return ravine_fail(RAVINE_E_RANGE, "samples is %d; it must be in [0, %d]", o->samples,
                           SAMPLES_MOST);
    return RAVINE_OK;
}

static size_t window_bytes(const ravine_doctor *d) {
    return (size_t)d->options.window * sizeof *d->window;
}

static doctor_history nothing(void) {
    doctor_history h = {.nonfinite_first = -1,
                        .nonfinite_last = -1,
                        .nonfinite_example = NAN,
                        .efficiency = NAN,
                        .lr_low_since = -1,
                        .rule = -1,
                        .probe_step = -1};
    for (int k = 0; k < RAVINE_FACT_COUNT; k++) h.fact[k] = NAN;
    return h;
}

ravine_status ravine_doctor_create(ravine_doctor **out, const ravine_doctor_options *options,
                                   const ravine_env *env) {
    if (!out) return ravine_fail(RAVINE_E_ARG, "out is NULL");
    ravine_doctor_options own;
    ravine_doctor_options_init(&own);
    ravine_status status =
        options ? ravine_sized_read(&ravine_sized_doctor_options, &own, options) : RAVINE_OK;
    if (!status) status = check_options(&own);
    if (status) return status;
    if (own.budget == 0) own.budget = 10 * (int64_t)own.window;
    ravine_env complete;
    status = ravine_env_complete(&complete, env);
    if (status) return status;
    ravine_doctor *d = ravine_env_alloc(&complete, sizeof *d);
    if (!d) return RAVINE_E_NOMEM;
    *d = (ravine_doctor){.env = complete, .options = own, .h = nothing()};
    d->window = ravine_env_alloc(&complete, window_bytes(d));
    if (!d->window) {
        ravine_doctor_destroy(d);
        return RAVINE_E_NOMEM;
    }
    *out = d;
    return RAVINE_OK;
}

void ravine_doctor_destroy(ravine_doctor *d) {
    if (!d) return;
    const ravine_env env = d->env;
    ravine_doctor_release_path(d);
    ravine_doctor_release_parts(d);
    ravine_env_free(&env, d->window, window_bytes(d));
    ravine_env_free(&env, d, sizeof *d);
}

/* ---- the window */

int64_t ravine_doctor_window_length(const ravine_doctor *d) {
    return d->h.kept < d->options.window ? (int64_t)d->h.kept : d->options.window;
}

const doctor_step *ravine_doctor_back(const ravine_doctor *d, int64_t k) {
    return &d->window[((int64_t)d->h.kept - 1 - k) % d->options.window];
}

double ravine_doctor_loss_of(const ravine_doctor *d, int64_t k) {
    return ravine_doctor_back(d, k)->loss;
}

double ravine_doctor_line_position_of(const ravine_doctor *d, int64_t k) {
    return ravine_doctor_back(d, k)->line_position;
}

double ravine_doctor_sign_change_rate_of(const ravine_doctor *d, int64_t k) {
    return ravine_doctor_back(d, k)->sign_change_rate;
}

double ravine_doctor_surprise_of(const ravine_doctor *d, int64_t k) {
    if (k + 2 >= ravine_doctor_window_length(d)) return NAN;
    const double around = (ravine_doctor_loss_of(d, k) + ravine_doctor_loss_of(d, k + 2)) / 2;
    return fabs(ravine_doctor_loss_of(d, k + 1) - around);
}

double ravine_doctor_median_back(const ravine_doctor *d, int64_t n, doctor_value value) {
    enum { MOST = 1024 };
    double known[MOST];
    int64_t count = 0;
    const int64_t stride = n / MOST + 1;
    for (int64_t k = 0; k < n; k += stride) {
        const double one = value(d, k);
        if (!isnan(one)) known[count++] = one;
    }
    return ravine_median(known, count);
}

double ravine_doctor_mean_back(const ravine_doctor *d, int64_t n, doctor_value value) {
    double sum = 0;
    int64_t count = 0;
    for (int64_t k = 0; k < n; k++) {
        const double one = value(d, k);
        if (isnan(one)) continue;
        sum += one;
        count++;
    }
    return count > 0 ? sum / (double)count : NAN;
}

/* ---- the last steps */

enum { RECENT = 8 };

static double gradient_of(const ravine_doctor *d, int64_t k) {
    return ravine_doctor_back(d, k)->gradient;
}
/* Over two steps, so that a bounce between walls of different slope does not look like growth. */
static double growth_of(const ravine_doctor *d, int64_t k) {
    if (k + 2 >= ravine_doctor_window_length(d)) return NAN;
    const double before = ravine_doctor_back(d, k + 2)->gradient;
    return before > 0 ? sqrt(ravine_doctor_back(d, k)->gradient / before) : NAN;
}

doctor_recent ravine_doctor_recent_of(const ravine_doctor *d) {
    const int64_t length = ravine_doctor_window_length(d), n = length < RECENT ? length : RECENT;
    doctor_recent r = {
        .gradient = ravine_doctor_median_back(d, n, gradient_of),
        .line_position = ravine_doctor_median_back(d, n, ravine_doctor_line_position_of),
        .sign_change_rate = ravine_doctor_median_back(d, n, ravine_doctor_sign_change_rate_of),
        .growth = ravine_doctor_median_back(d, n, growth_of),
        .growth_least = INFINITY};
    for (int64_t k = 0; k < n; k++) r.growth_least = fmin(r.growth_least, growth_of(d, k));
    double least = INFINITY;
    for (int64_t k = 0; k < length; k++) least = fmin(least, ravine_doctor_back(d, k)->gradient);
    r.rise = length > 0 ? ravine_doctor_back(d, 0)->gradient / least : NAN;
    return r;
}
