/* SPDX-License-Identifier: Apache-2.0 */
/* run_subject.h - what a run is of, and what it tells of a step and of an epoch. */
#ifndef RAVINE_RUN_SUBJECT_H
#define RAVINE_RUN_SUBJECT_H

#include "data/dataset.h"
#include "network/net.h"
#include "ravine_doctor.h"
#include "run/config.h"

#include <stdbool.h>
#include <stdint.h>

/* All of it outlives the record. */
typedef struct run_subject {
    const run_config *config;
    const dataset_pair *data;
    const net *net;
    const ravine_pool *pool;
    ravine_optimizer *optimizer; /* a group for each parameter tensor */
    int64_t optimizer_bytes;     /* what it said it would hold */
    int64_t total_steps;
    const double *fact; /* [RAVINE_FACT_COUNT] what the doctor was told; NaN: nothing */
    bool averaged;      /* averaged weights are evaluated and kept too */
} run_subject;

typedef struct run_step {
    int64_t epoch, step; /* counted from 1 */
    double loss, seconds;
    double path_efficiency; /* of the last window; NaN: nobody watches */
    ravine_step_stats stats;
} run_step;

typedef struct run_score {
    double loss;
    double score; /* accuracy in [0, 1], root mean square error of the standardised target, or bits
                     per byte of a text */
} run_score;

/* Scores of the validation are there where some examples are kept for it. */
typedef struct run_epoch {
    int64_t epoch, step; /* both counted from 1; step: the last one of the epoch. 0: the start */
    run_score train;     /* mean over the steps of the epoch, while training */
    run_score validation;
    run_score average; /* the same with the averaged weights; only when there are such */
    double seconds;    /* with its evaluation */
} run_epoch;

/* At the end, of the weights that are kept. */
typedef struct run_test {
    int64_t epoch, step; /* after which they were; epoch 0: none was whole */
    run_score score;
    run_score average; /* with the averaged weights; only when there are such */
} run_test;

static inline bool run_validates(const run_subject *of) {
    return of->data->validation.count > 0;
}

#endif
