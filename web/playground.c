/* SPDX-License-Identifier: Apache-2.0 */
#include "playground.h"

#include "io/failure.h"
#include "ravine_doctor.h"
#include "surface/race.h"
#include "text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ASKED_EVERY = 8 }; /* rows from one question to the doctor to the next */

typedef struct contestant {
    race_result race; /* of nothing: count 0 */
    double *steps;    /* [count] */
    text verdicts;
    ravine_doctor *doctor;
    int64_t observed, asked_every; /* steps */
    int32_t verdict;               /* the last; -1: none yet */
} contestant;

static contestant contestants[PLAYGROUND_RACES];
static surface *ground;
static double *losses;

void *playground_room(size_t bytes) {
    return malloc(bytes);
}

void playground_give(void *room) {
    free(room);
}

const char *playground_message(void) {
    return failure_text();
}

/* ---- the surface ---- */

int playground_surface(const char *spec) {
    surface *made;
    const int code = surface_create(&made, spec);
    if (code) return code;
    surface_destroy(ground);
    ground = made;
    return 0;
}

int playground_size(void) {
    return ground->size;
}

double playground_least(void) {
    return ground->least;
}

const double *playground_losses(double left, double right, double low, double high, int nx,
                                int ny) {
    double *grown = realloc(losses, (size_t)nx * (size_t)ny * sizeof *losses);
    if (!grown) return NULL;
    losses = grown;
    double theta[SURFACE_SIZE_MAX];
    memcpy(theta, ground->start, (size_t)ground->size * sizeof *theta);
    for (int j = 0; j < ny; j++)
        for (int i = 0; i < nx; i++) {
            theta[0] = left + (right - left) * (i + 0.5) / nx;
            theta[1] = high - (high - low) * (j + 0.5) / ny;
            losses[j * nx + i] = surface_loss(ground, theta);
        }
    return losses;
}

/* ---- the doctor ---- */

static void add_verdict(contestant *c, const ravine_diagnosis *d) {
    char sentence[RAVINE_SENTENCE_MAX];
    text_open(&c->verdicts, NULL, "{");
    text_value(&c->verdicts, "step", (double)c->observed);
    text_words(&c->verdicts, "word", ravine_verdict_word(d->verdict));
    text_words(&c->verdicts, "severity", ravine_severity_word(ravine_verdict_severity(d->verdict)));
    static const char *const languages[] = {"en", "zh-CN", "zh-TW"};
    for (size_t k = 0; k < sizeof languages / sizeof *languages; k++)
        if (ravine_diagnosis_sentence(d, languages[k], sentence, sizeof sentence, NULL) >= 0)
            text_words(&c->verdicts, languages[k], sentence);
    text_add(&c->verdicts, "}");
}

/* Told of every step; asked now and then, and what it says is kept where it is new. */
static int observe(void *context, const ravine_optimizer *o, double loss) {
    contestant *c = context;
    ravine_status status = ravine_doctor_observe(c->doctor, o, loss);
    if (status < 0) return failure_of(status);
    if (++c->observed % c->asked_every) return 0;
    ravine_diagnosis d = {.size = sizeof d};
    status = ravine_doctor_diagnose(c->doctor, &d);
    if (status < 0) return failure_of(status);
    if (d.verdict != c->verdict) add_verdict(c, &d);
    c->verdict = d.verdict;
    return 0;
}

/* ---- races ---- */

static void empty(contestant *c) {
    race_free(&c->race);
    free(c->steps);
    c->steps = NULL;
    c->observed = 0;
    c->verdict = -1;
    text_clear(&c->verdicts);
}

static int make_race(contestant *c, const race_setup *setup) {
    int code = failure_of(ravine_doctor_create(&c->doctor, NULL, NULL));
    if (!code) code = race_run(&c->race, setup);
    ravine_doctor_destroy(c->doctor);
    c->doctor = NULL;
    if (code) return code;
    const race_trace *trace = &c->race.trace;
    c->steps = malloc((size_t)trace->count * sizeof *c->steps);
    if (!c->steps) {
        race_free(&c->race);
        return failure(FAILURE_INPUT, "out of memory for a race");
    }
    for (int64_t i = 0; i < trace->count; i++) c->steps[i] = (double)trace->step[i];
    return 0;
}

static int run(contestant *c, const race_setup *setup) {
    empty(c);
    c->asked_every = ASKED_EVERY * setup->record_every;
    text_add(&c->verdicts, "[");
    const int code = make_race(c, setup);
    text_add(&c->verdicts, "]");
    return code;
}

int playground_race(int k, const double *start, const char *optimizer, const char *schedule,
                    int32_t steps) {
    contestant *c = &contestants[k];
    race_setup setup = {.surface = ground,
                        .start = start,
                        .optimizer = optimizer,
                        .schedule = *schedule ? schedule : NULL,
                        .steps = steps,
                        .dtype = RAVINE_F64,
                        .record_every = 1 + steps / PLAYGROUND_ROWS_MAX,
                        .observe = observe,
                        .context = c};
    int code = run(c, &setup);
    if (code || c->race.done > PLAYGROUND_ROWS_MAX || setup.record_every == 1) return code;
    setup.record_every = 1; /* it left early, and each of its steps can be kept */
    return run(c, &setup);
}

int32_t playground_rows(int k) {
    return (int32_t)contestants[k].race.trace.count;
}

const double *playground_column(int k, int column) {
    const race_trace *t = &contestants[k].race.trace;
    switch (column) {
    case COLUMN_STEP: return contestants[k].steps;
    case COLUMN_LOSS: return t->loss;
    case COLUMN_GRAD_NORM: return t->grad_norm;
    case COLUMN_ETA: return t->eta;
    case COLUMN_SHARPNESS: return t->sharpness;
    case COLUMN_LIMIT: return t->limit;
    case COLUMN_THETA: return t->theta;
    case COLUMN_GRADIENT: return t->gradient;
    case COLUMN_SIGMA: return t->sigma;
    case COLUMN_M: return t->m;
    default: return NULL;
    }
}

const char *playground_verdicts(int k) {
    return contestants[k].verdicts.bytes;
}
