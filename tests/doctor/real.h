/* SPDX-License-Identifier: Apache-2.0 */
/* real.h - real networks with a cause of failure put in on purpose, and what the doctor says.
 *
 *     real_scenario.c    which networks, which causes, and how each is put in
 *     real_run.c         one run: training, diagnosis, the cure put to the test
 *     real_main.c        the runs that were asked for, a JSON line each
 *
 * Data is Fashion-MNIST. The truth is in the construction; a run also measures, without the doctor,
 * whether the construction did what it should (real_signs).
 */
#ifndef TESTS_DOCTOR_REAL_H
#define TESTS_DOCTOR_REAL_H

#include "data/dataset.h"
#include "network/net.h"
#include "ravine.h"
#include "ravine_doctor.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* What is done to net or data before the first step. */
typedef enum real_defect {
    REAL_NONE,
    REAL_DEAD,      /* hidden biases are -100: no ReLU ever opens */
    REAL_SMALL,     /* weights are a twentieth of what they should be, in a deep tanh net */
    REAL_SYMMETRIC, /* every unit is the same, almost zero; the output knows how often each class
                       occurs, so that nothing is left to learn without breaking the symmetry */
    REAL_NAN_IMAGE  /* one pixel of one image is NaN */
} real_defect;

typedef struct real_scenario {
    const char *name;
    const char *causes;    /* verdict words that are right, separated by blanks */
    const char *optimizer; /* rule and settings */
    net_model model;
    int32_t nwidths;
    int64_t widths[NET_WIDTHS_MAX];
    int64_t dense; /* cnn */
    net_activation activation;
    int64_t examples, batch, steps;
    real_defect defect;
    bool until_burst; /* training ends 64 steps after the first burst: that is when one asks */
} real_scenario;

extern const real_scenario real_scenarios[];
extern const int32_t real_scenario_count;

/* What train has: the net as the scenario wants it, with the defect. `data` gets the NaN, which
 * real_restore takes back. Exit codes of io/failure.h. */
int real_net_create(net **out, const real_scenario *s, uint64_t seed, int64_t slice,
                    ravine_pool *pool);
void real_damage_net(const real_scenario *s, net *n, const int32_t *label, int64_t examples);
void real_damage_data(const real_scenario *s, const dataset *train, uint64_t seed);
void real_restore_data(const dataset *train);

/* One run as a JSON object; files "FOLDER/NAME-SEED.csv" (the log) and ".weights" (where training
 * began: all parameters, float32) if `folder` is not NULL. NULL: it failed, ravine_errmsg() or
 * failure() said why. */
json_t *real_run_json(const real_scenario *s, const dataset_pair *data, uint64_t seed,
                      const char *folder);

#endif
