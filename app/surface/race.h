/* SPDX-License-Identifier: Apache-2.0 */
/* race.h - one optimizer from a start to an end on a surface, with everything worth knowing.
 *
 *     race_result r;
 *     int code = race_run(&r, &(race_setup){.surface = s, .optimizer = "adam lr=1",
 *                                           .steps = 100000, .dtype = RAVINE_F64});
 *     ... r.worst_excess_loss, r.first_unstable_step, r.trace ...
 *     race_free(&r);
 *
 * Steps are numbered from 0: step t moves theta_t to theta_(t+1), so theta_0 is the start and
 * theta_steps the end. A run ends early at the first theta whose loss is not finite.
 * In a float32 race theta, gradient and state are float32; statistics are float64.
 * Where a number does not apply it is NaN, a step RACE_NEVER.
 */
#ifndef RAVINE_SURFACE_RACE_H
#define RAVINE_SURFACE_RACE_H

#include "ravine.h"
#include "surface/surface.h"

enum { RACE_NEVER = -1, RACE_FLOOR_STEPS = 10, RACE_SHARPNESS_SIZE_MAX = 32 };
#define RACE_STEPS_MAX 1000000000

typedef struct race_setup {
    const surface *surface;
    const double *start;   /* [size]; NULL: the surface's own */
    const char *optimizer; /* as ravine_config_parse reads it */
    const char *schedule;  /* of lr, as ravine_schedule_parse reads it; NULL: constant lr */
    int64_t steps;         /* 1 .. RACE_STEPS_MAX */
    ravine_dtype dtype;    /* RAVINE_F64 or RAVINE_F32 */
    int64_t record_every;  /* trace of theta_0, theta_k, theta_2k ... and the end; 0: none */
    /* Called after each step with the loss before it; then the optimizer keeps statistics. NULL:
     * nobody looks. Returns 0 or a kind of io/failure.h, which ends the race. */
    int (*observe)(void *context, const ravine_optimizer *o, double loss);
    void *context;
} race_setup;

/* What was recorded: entry i is at theta_step[i]. Everything but step, theta and loss belongs to
 * the step that leaves that theta, and is NaN in the last entry, where none does. */
typedef struct race_trace {
    int64_t count;
    int64_t *step;     /* [count] */
    double *loss;      /* [count], without noise */
    double *grad_norm; /* [count], of the gradient that the step used */
    double *eta;       /* [count], the learning rate of the step */
    double *sharpness; /* [count], eta_t times the largest eigenvalue of P^-1/2 H P^-1/2; NaN
                          beyond RACE_SHARPNESS_SIZE_MAX coordinates */
    double *limit;     /* [count], what `sharpness` must stay below; NaN: there is no limit */
    double *theta;     /* [count, size] */
    double *gradient;  /* [count, size] */
    double *sigma;     /* [count, size]; NaN for rules that use signs alone */
    double *m;         /* [count, size]: exp_avg or momentum_buffer; the gradient without one */
} race_trace;

typedef struct race_result {
    ravine_config config; /* the optimizer, read */
    int size;
    double *start;                                 /* [size] */
    double *end;                                   /* [size] */
    int64_t done;                                  /* steps made */
    double loss, excess_loss, distance, grad_norm; /* at the end, without noise */
    double worst_excess_loss, worst_distance;      /* over theta of the last tenth of the steps */
    /* eta_t times the largest eigenvalue of P^-1/2 H P^-1/2 must stay below `limit`, or theta is
     * thrown out of the valley; P = diag(sigma_t), H at theta_t. NaN: signs alone, no limit. */
    double limit;
    /* the first above it; after step 5 where there is a sigma, but for RAdam's steps without it */
    int64_t first_unstable_step;
    /* After the distance across the valley was below 0.1 for RACE_FLOOR_STEPS in a row - a swing
     * through the floor does not count as reaching it - a burst is an excursion above 0.5, which
     * ends below 0.05. `bursts` is RACE_NEVER where the valley is not straight or there is none. */
    int64_t bursts, first_burst_step;
    int64_t nonfinite_step; /* the first whose loss is not finite */
    int64_t settled_step;   /* from here to the end the distance stays below 1 */
    race_trace trace;
} race_result;

/* 0, FAILURE_USAGE or FAILURE_INPUT as io/failure.h; on failure there is nothing to free. */
int race_run(race_result *r, const race_setup *setup);
void race_free(race_result *r);

#endif
