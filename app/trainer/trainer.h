/* SPDX-License-Identifier: Apache-2.0 */
/* trainer.h - a net, the examples it learns from, and its optimizer, joined once: for `ravine
 * train`, the doctor's probes, find-lr, the lecture, and the tests of the doctor on real nets.
 *
 *     trainer t;
 *     int status = trainer_create(&t, &(trainer_setup){&spec, &train, .batch = 128});
 *     if (!status) status = trainer_make_groups(&t, &rule, &how, &t.optimizer);
 *     if (!status) status = trainer_add_params(&t, t.optimizer, NULL);
 *     data_order_shuffle(t.order, train.count, seed, stream);
 *     loss = trainer_gradient(&t, 0, 128, step, NULL);
 *     ravine_step(t.optimizer, &stats);
 *     trainer_free(&t);
 *
 * Functions that return int return 0 or a kind of io/failure.h.
 */
#ifndef RAVINE_TRAINER_TRAINER_H
#define RAVINE_TRAINER_TRAINER_H

#include "data/batch.h"
#include "network/net.h"

typedef struct trainer_setup {
    const net_spec *spec;
    const dataset *data; /* what it learns from; outlives the trainer */
    int64_t batch;       /* examples of a step; more than there are: all of them */
    int32_t threads;     /* 0: one for each processor */
    data_augmentation augment;
} trainer_setup;

typedef struct trainer {
    const dataset *data;
    net *net;
    ravine_pool *pool;           /* which net and optimizer run on */
    ravine_optimizer *optimizer; /* NULL until the caller makes it; goes with the trainer */
    int32_t ngroups;             /* one for each parameter tensor of the net, in its order */
    int64_t batch;               /* examples of a step */
    int64_t slice;               /* examples evaluated at once */
    int64_t *order;              /* [data->count] in which they are learned from */
    data_batch examples;         /* those of a step */
    data_augmentation augment;   /* of them */
} trainer;

int trainer_create(trainer *t, const trainer_setup *setup);
void trainer_free(trainer *t); /* one that is all zero is fine */

/* What an optimizer of this net runs in. */
ravine_env trainer_env(const trainer *t);

/* An optimizer with a group for each tensor, so that a step reports the norms of each; its
 * parameters are added after the schedules, whose bytes then count. */
typedef struct trainer_options {
    bool watch;               /* with the statistics that a doctor reads */
    bool no_decay_on_vectors; /* biases, scales and shifts of norms do not decay */
} trainer_options;
int trainer_make_groups(const trainer *t, const ravine_config *rule, const trainer_options *how,
                        ravine_optimizer **out);
/* `bytes`, unless NULL: what the optimizer said it would hold with them. */
int trainer_add_params(const trainer *t, ravine_optimizer *o, int64_t *bytes);
bool trainer_decays(const trainer *t, const trainer_options *how, int32_t group);

/* Mean loss and gradient of the examples order[first .. first + count - 1], count <= batch. `step`
 * picks the dropout masks, and how images are moved. *correct (may be NULL): see net_train(). */
double trainer_gradient(trainer *t, int64_t first, int64_t count, uint64_t step, int64_t *correct);

/* All parameters, one tensor after the other; [net_size]. */
void trainer_copy_params(const trainer *t, float *to);
void trainer_put_params(const trainer *t, const float *from);

#endif
