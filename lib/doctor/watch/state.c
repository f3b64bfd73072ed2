/* SPDX-License-Identifier: Apache-2.0 */
/* A doctor's memory as numbers: what it was made for, the history, the window, parts, the path. */
#include "doctor/watch/watch_memory.h"
#include "text/error.h"

#include <math.h>
#include <string.h>

/* What must agree, or be made, before the rest is read. */
typedef struct header {
    double version, length, window, samples_wanted, nparts, nparams, nruns, nsamples;
} header;

enum {
    VERSION = 2,
    HEADER = sizeof(header) / sizeof(double),
    HISTORY = sizeof(doctor_history) / sizeof(double),
    STEP = sizeof(doctor_step) / sizeof(double),
    PART = sizeof(doctor_part) / sizeof(double),
    RUN_NUMBERS = 3
};

static int64_t length_of(const header *h) {
    return HEADER + HISTORY + STEP * (int64_t)h->window + PART * (int64_t)h->nparts +
           RUN_NUMBERS * (int64_t)h->nruns + (1 + DOCTOR_QUARTERS) * (int64_t)h->nsamples;
}

static header header_of(const ravine_doctor *d) {
    header h = {.version = VERSION,
                .window = d->options.window,
                .samples_wanted = d->options.samples,
                .nparts = d->nparts,
                .nparams = (double)d->nparams,
                .nruns = (double)d->nruns,
                .nsamples = (double)d->nsamples};
    h.length = (double)length_of(&h);
    return h;
}

int64_t ravine_doctor_state_length(const ravine_doctor *d) {
    if (!d) return 0;
    const header h = header_of(d);
    return (int64_t)h.length;
}

static double *put(double *to, const void *from, int64_t n) {
    if (n > 0) memcpy(to, from, (size_t)n * sizeof *to);
    return to + n;
}

static const double *get(const double *from, void *to, int64_t n) {
    if (n > 0) memcpy(to, from, (size_t)n * sizeof *from);
    return from + n;
}

ravine_status ravine_doctor_export(const ravine_doctor *d, double *state, int64_t length) {
    if (!d || !state) return ravine_fail(RAVINE_E_ARG, "an argument is NULL");
    const header h = header_of(d);
    if (length != (int64_t)h.length)
        return ravine_fail(RAVINE_E_ARG, "length is %lld; the doctor's memory has %lld numbers",
                           (long long)length, (long long)h.length);
    double *to = put(state, &h, HEADER);
    to = put(to, &d->h, HISTORY);
    memset(to, 0, (size_t)d->options.window * sizeof *d->window);
    put(to, d->window, STEP * ravine_doctor_window_length(d));
    to += STEP * (int64_t)d->options.window;
    to = put(to, d->parts, PART * (int64_t)d->nparts);
    for (int64_t k = 0; k < RUN_NUMBERS * d->nruns; k++) *to++ = (double)d->sample[k];
    to = put(to, d->position, d->nsamples);
    put(to, d->quarter, DOCTOR_QUARTERS * d->nsamples);
    return RAVINE_OK;
}

static bool is_count(double value, double most) {
    return value >= 0 && value <= most && value == floor(value);
}

static bool header_fits(const ravine_doctor *d, const header *h, int64_t length) {
    const double samples = d->options.samples;
    return h->version == VERSION && h->window == d->options.window &&
           h->samples_wanted == samples && is_count(h->nparts, INT32_MAX) &&
           is_count(h->nparams, 0x1p53) && is_count(h->nsamples, samples + DOCTOR_RUN) &&
           is_count(h->nruns, h->nsamples) && h->length == (double)length && length_of(h) == length;
}

static bool is_step(double value) {
    return value >= -1 && value <= 0x1p53;
}

/* Counters that are used as indices, steps that are told as whole numbers. */
static bool history_fits(const ravine_doctor *d, const doctor_history *h) {
    const double most = 0x1p53;
    for (int k = 0; k < DOCTOR_BURSTS; k++)
        if (!is_step(h->past[k].start)) return false;
    const double counted = h->bursts > 0; /* the open one is the last of them, if it is counted */
    return is_step(h->burst.start) && is_count(h->burst_open, 1) &&
           is_count(h->burst_counted, counted) && is_step(h->step) && is_step(h->first_step) &&
           is_step(h->nonfinite_first) && is_step(h->warning_since) &&
           is_count(h->observed, most) && is_count(h->kept, h->observed) &&
           is_count(h->blocks, most) && is_count(h->bursts, most) && is_count(h->quarters, most) &&
           is_count(h->walked_steps, d->options.window) && h->rule >= -1 &&
           h->rule < RAVINE_RULE_COUNT && h->rule == floor(h->rule) &&
           is_count(h->warning, RAVINE_WARNING_COUNT - 1);
}

static bool runs_fit(const double *run, const header *h) {
    double samples = 0;
    for (int64_t k = 0; k < (int64_t)h->nruns; k++, run += RUN_NUMBERS) {
        if (!is_count(run[0], h->nparams - 1) || !is_count(run[1], 0x1p53) ||
            !is_count(run[2], h->nsamples))
            return false;
        samples += run[2];
    }
    return samples == h->nsamples;
}

ravine_status ravine_doctor_import(ravine_doctor *d, const double *state, int64_t length) {
    if (!d || !state) return ravine_fail(RAVINE_E_ARG, "an argument is NULL");
    header h;
    doctor_history history;
    if (length < HEADER + HISTORY)
        return ravine_fail(RAVINE_E_FORMAT, "%lld numbers are no doctor's memory",
                           (long long)length);
    const double *from = get(state, &h, HEADER);
    if (!header_fits(d, &h, length))
        return ravine_fail(RAVINE_E_FORMAT,
                           "the numbers are no memory of a doctor with a window of "
                           "%d steps and %d samples",
                           d->options.window, d->options.samples);
    from = get(from, &history, HISTORY);
    const double *run = from + STEP * (int64_t)h.window + PART * (int64_t)h.nparts;
    if (!history_fits(d, &history) || !runs_fit(run, &h))
        return ravine_fail(RAVINE_E_FORMAT, "a counter of the doctor's memory is out of its range");

    ravine_status status = ravine_doctor_make_parts(d, (int32_t)h.nparts);
    if (!status) status = ravine_doctor_make_path(d, (int64_t)h.nsamples, (int64_t)h.nruns);
    if (status) return status;
    d->h = history;
    d->nparams = (int64_t)h.nparams;
    from = get(from, d->window, STEP * (int64_t)h.window);
    from = get(from, d->parts, PART * (int64_t)d->nparts);
    for (int64_t k = 0; k < RUN_NUMBERS * d->nruns; k++) d->sample[k] = (int64_t)*from++;
    from = get(from, d->position, d->nsamples);
    get(from, d->quarter, DOCTOR_QUARTERS * d->nsamples);
    return RAVINE_OK;
}
