/* SPDX-License-Identifier: Apache-2.0 */
/* problem.h - a net with its training examples as the ravine_problem of ravine_doctor.h.
 *
 *     net_problem *p;
 *     int code = net_problem_create(&p, &(net_problem_setup){.net = n, .data = &train,
 *                                                           .batch = 128, .fixed = 1024,
 *                                                           .slice = 256, .seed = 1});
 *     ravine_problem problem = net_problem_view(p);
 *     ravine_probe_run(optimizer, &problem, NULL, &probe);
 *     net_problem_destroy(p);
 *
 * Batch 0 is the fixed batch, batches 1, 2, ... are those of training steps: none of its examples
 * unless there are too few; after the last batch they begin again. All are drawn once, by the seed.
 * The loss is the one that training lowers: batch norms use the statistics of the examples that are
 * evaluated together, dropout a mask that belongs to them, so that the same batch at the same
 * parameters gives the same bits. The net's running means and variances do not move.
 */
#ifndef RAVINE_TRAINER_PROBLEM_H
#define RAVINE_TRAINER_PROBLEM_H

#include "data/dataset.h"
#include "network/net.h"
#include "ravine_doctor.h"

typedef struct net_problem net_problem;

typedef struct net_problem_setup {
    net *net;            /* its gradients are what ravine_evaluate fills */
    const dataset *data; /* [count >= 1] examples */
    int64_t batch;       /* examples of a step; 1 .. slice */
    int64_t fixed;       /* examples of the fixed batch; more than there are: all of them */
    int64_t slice;       /* evaluated at once: at most the max_batch of net_create() */
    uint64_t seed;       /* of the draw */
} net_problem_setup;

/* Net and data must outlive it. Returns 0 or an exit code of io/failure.h. */
int net_problem_create(net_problem **out, const net_problem_setup *setup);
void net_problem_destroy(net_problem *p); /* NULL is fine */

/* What the library takes; valid as long as p. */
ravine_problem net_problem_view(net_problem *p);

#endif
