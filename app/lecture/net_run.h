/* SPDX-License-Identifier: Apache-2.0 */
/* net_run.h - real networks, trained for a figure: images of Fashion-MNIST, all of them in every
 * step, so that nothing about the loss is noise of small batches.
 *
 *     net_run run[2];
 *     const net_run_setup setup[2] = {{.images = 4000, .layers = 1, .units = 32, .seed = 1,
 *                                      .optimizer = "sgd", .schedule = "constant lr=1",
 *                                      .steps = 300}, ...};
 *     int status = net_runs_make(run, setup, 2);
 *     ... run[0].loss[t], run[0].grad_norm[t] ...
 *     net_runs_free(run, 2);
 *
 * The images are read once, from where `ravine train` reads them, RAVINE_DATA_... included.
 */
#ifndef RAVINE_LECTURE_NET_RUN_H
#define RAVINE_LECTURE_NET_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct net_run_setup {
    int64_t images;
    int32_t layers, units; /* hidden layers of so many tanh units */
    uint64_t seed;
    const char *optimizer, *schedule; /* of its lr; as text */
    int64_t steps;
    bool (*is_probed)(int64_t t); /* whether the share of step t is measured; NULL: never */
} net_run_setup;

typedef struct net_run {
    int64_t steps;
    double *loss, *grad_norm; /* [steps], before each step */
    double *share;            /* [steps]: eta_t S of the step over its limit; NaN: not measured */
} net_run;

/* Returns 0 or a kind of io/failure.h: FAILURE_INPUT also where the images are not installed. On a
 * failure there is nothing to free. */
int net_runs_make(net_run *run, const net_run_setup *setup, size_t n);
void net_runs_free(net_run *run, size_t n);

#endif
