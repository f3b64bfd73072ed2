/* SPDX-License-Identifier: Apache-2.0 */
/* How straight the way was: |theta_t - theta_(t-W)| over the sum of |u|, of sampled elements.
 *
 * Runs of DOCTOR_RUN neighbours, spread evenly over all parameters, are read after every step;
 * where they were is remembered at the start of each quarter of a window.
 */
#include "base/memory.h"
#include "doctor/watch/watch_memory.h"
#include "optimizer/optimizer.h"
#include "text/error.h"

#include <math.h>
#include <string.h>

enum { RUN_NUMBERS = 3 }; /* parameter, first element, how many */

static size_t position_bytes(const ravine_doctor *d) {
    return (size_t)d->nsamples * sizeof *d->position;
}

void ravine_doctor_release_path(ravine_doctor *d) {
    ravine_env_free(&d->env, d->sample, (size_t)d->nruns * RUN_NUMBERS * sizeof *d->sample);
    ravine_env_free(&d->env, d->position, position_bytes(d));
    ravine_env_free(&d->env, d->quarter, DOCTOR_QUARTERS * position_bytes(d));
    d->sample = NULL;
    d->position = d->quarter = NULL;
    d->nsamples = d->nruns = 0;
}

ravine_status ravine_doctor_make_path(ravine_doctor *d, int64_t nsamples, int64_t nruns) {
    ravine_doctor other = {.env = d->env, .nsamples = nsamples, .nruns = nruns};
    if (nsamples > 0) {
        other.sample = ravine_env_alloc(&d->env, (size_t)nruns * RUN_NUMBERS * sizeof *d->sample);
        other.position = ravine_env_alloc(&d->env, position_bytes(&other));
        other.quarter = ravine_env_alloc(&d->env, DOCTOR_QUARTERS * position_bytes(&other));
        if (!other.sample || !other.position || !other.quarter) {
            ravine_doctor_release_path(&other);
            return RAVINE_E_NOMEM;
        }
        memset(other.quarter, 0, DOCTOR_QUARTERS * position_bytes(&other)); /* it is exported */
    }
    ravine_doctor_release_path(d);
    d->nsamples = nsamples;
    d->nruns = nruns;
    d->sample = other.sample;
    d->position = other.position;
    d->quarter = other.quarter;
    d->h.quarters = d->h.walked = d->h.walked_steps = 0;
    return RAVINE_OK;
}

/* After a step of a large model the samples are in memory, far apart: ask for all before the first
 * is needed. */
static void fetch_samples(const ravine_doctor *d, const ravine_optimizer *o) {
    enum { LINE = 64 };
    for (int64_t k = 0; k < d->nruns; k++) {
        const int64_t *run = &d->sample[k * RUN_NUMBERS];
        const param *p = ravine_param_of(o, run[0]);
        const int64_t bytes = (int64_t)ravine_dtype_bytes(p->dtype);
        const char *first = (const char *)p->data + run[1] * bytes;
        for (int64_t at = 0; at < run[2] * bytes; at += LINE) __builtin_prefetch(first + at);
    }
}

/* Reads where the samples are; the square of their way since the last time. */
static double read_positions(ravine_doctor *d, const ravine_optimizer *o) {
    double way = 0;
    double *position = d->position;
    fetch_samples(d, o);
    for (int64_t k = 0; k < d->nruns; k++) {
        const int64_t *run = &d->sample[k * RUN_NUMBERS];
        const param *p = ravine_param_of(o, run[0]);
        for (int64_t i = 0; i < run[2]; i++, position++) {
            const double now = dtype_load(p->dtype, p->data, run[1] + i);
            way += (now - *position) * (now - *position);
            *position = now;
        }
    }
    return way;
}

/* Where runs lie: each parameter whole if all elements are followed, else a run at every so many of
 * all elements, moved back where it would leave its parameter. Writes sample [nruns, RUN_NUMBERS],
 * unless it is NULL, and returns nruns. */
static int64_t lay_runs(const ravine_optimizer *o, int64_t elements, int64_t wanted,
                        int64_t *sample, int64_t *nsamples) {
    const double spacing = (double)elements / (double)(wanted / DOCTOR_RUN + 1);
    int64_t nruns = 0, first = 0, next = 0; /* of this parameter, of the next run, among all */
    *nsamples = 0;
    for (int64_t i = 0; i < o->nparams; i++) {
        const int64_t len = ravine_param_of(o, i)->len;
        while (next < first + len) {
            const int64_t length = wanted < elements && len > DOCTOR_RUN ? DOCTOR_RUN : len;
            const int64_t start = next - first < len - length ? next - first : len - length;
            if (sample)
                memcpy(&sample[nruns * RUN_NUMBERS], (int64_t[]){i, start, length},
                       RUN_NUMBERS * sizeof *sample);
            nruns++;
            *nsamples += length;
            next = wanted < elements ? (int64_t)((double)nruns * spacing) : first + len;
        }
        first += len;
    }
    return nruns;
}

static ravine_status choose_samples(ravine_doctor *d, const ravine_optimizer *o) {
    int64_t elements = 0, nsamples;
    for (int64_t i = 0; i < o->nparams; i++) elements += ravine_param_of(o, i)->len;
    const int64_t wanted = elements < d->options.samples ? elements : d->options.samples;
    const int64_t nruns = lay_runs(o, elements, wanted, NULL, &nsamples);
    const ravine_status status = ravine_doctor_make_path(d, nsamples, nruns);
    if (status) return status;
    d->nparams = o->nparams;
    if (nsamples == 0) return RAVINE_OK;
    lay_runs(o, elements, wanted, d->sample, &nsamples);
    memset(d->position, 0, position_bytes(d));
    read_positions(d, o);
    memcpy(d->quarter, d->position, position_bytes(d));
    return RAVINE_OK;
}

static double distance(const double *a, const double *b, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sqrt(sum);
}

/* A quarter ends: the way of the last ones, against the way from where the first began. */
static void end_quarter(ravine_doctor *d) {
    doctor_history *h = &d->h;
    const int64_t ended = (int64_t)h->quarters;
    h->length[ended % DOCTOR_QUARTERS] = h->walked;
    h->walked = h->walked_steps = 0;
    const int64_t counted = ended + 1 < DOCTOR_QUARTERS ? ended + 1 : DOCTOR_QUARTERS;
    const int64_t oldest = ended + 1 - counted;
    double way = 0;
    for (int64_t k = oldest; k <= ended; k++) way += h->length[k % DOCTOR_QUARTERS];
    const double direct =
        distance(d->position, &d->quarter[oldest % DOCTOR_QUARTERS * d->nsamples], d->nsamples);
    h->efficiency = way > 0 ? direct / way : NAN;
    h->quarters++;
    memcpy(&d->quarter[(ended + 1) % DOCTOR_QUARTERS * d->nsamples], d->position,
           position_bytes(d));
}

/* Numbers of another optimizer may have been imported. */
static bool samples_fit(const ravine_doctor *d, const ravine_optimizer *o) {
    if (d->nparams != o->nparams) return false;
    for (int64_t k = 0; k < d->nruns; k++) {
        const int64_t *run = &d->sample[k * RUN_NUMBERS];
        if (run[1] + run[2] > ravine_param_of(o, run[0])->len) return false;
    }
    return true;
}

ravine_status ravine_doctor_follow(ravine_doctor *d, const ravine_optimizer *o) {
    if (d->options.samples == 0) return RAVINE_OK;
    if (!samples_fit(d, o)) return choose_samples(d, o);
    if (d->nsamples == 0) return RAVINE_OK;
    d->h.walked += sqrt(read_positions(d, o));
    d->h.walked_steps++;
    if (d->h.walked_steps >= d->options.window / DOCTOR_QUARTERS) end_quarter(d);
    return RAVINE_OK;
}
