/* SPDX-License-Identifier: Apache-2.0 */
/* train_choice.c - what the validation decides. The test decides nothing. */
#include "io/failure.h"
#include "trainer/train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const run_epoch *train_best(const training *t, const train_result *r) {
    if (t->data.validation.count == 0) return NULL;
    const run_epoch *best = NULL;
    for (int64_t k = 0; k < r->nepochs; k++)
        if (!best || r->epoch[k].validation.loss < best->validation.loss) best = &r->epoch[k];
    return best;
}

int train_best_create(training *t) {
    const net *n = t->trainer.net;
    if (t->data.validation.count == 0) return 0;
    t->best_size = net_size(n) * (t->aside ? 2 : 1);
    for (int64_t k = 0; k < net_buffer_count(n); k++) t->best_size += net_buffer(n, k).len;
    t->best = calloc((size_t)t->best_size, sizeof *t->best);
    return t->best ? 0 : failure(FAILURE_INPUT, "out of memory for the best weights");
}

/* One tensor to its place in `best`, or back from it; returns the place behind. */
static float *copy(float *best, float *tensor, int64_t len, bool back) {
    memcpy(back ? tensor : best, back ? best : tensor, (size_t)len * sizeof *best);
    return best + len;
}

static int copy_all(const training *t, bool back) {
    const net *n = t->trainer.net;
    float *at = t->best;
    for (int64_t k = 0; k < net_param_count(n); k++)
        at = copy(at, net_param(n, k).data, net_param(n, k).len, back);
    for (int64_t k = 0; k < net_buffer_count(n); k++)
        at = copy(at, net_buffer(n, k).data, net_buffer(n, k).len, back);
    for (int64_t k = 0; t->aside && k < net_param_count(n); k++) {
        ravine_param view = {.size = sizeof view};
        if (ravine_state_view(t->trainer.optimizer, net_param(n, k).name, "ema", &view) < 0)
            return failure(FAILURE_USAGE, "ema: %s", ravine_errmsg());
        at = copy(at, view.data, net_param(n, k).len, back);
    }
    return 0;
}

int train_best_keep(const training *t) {
    return copy_all(t, false);
}

int train_best_put(const training *t) {
    return copy_all(t, true);
}

/* Epochs since the validation loss last fell below all before it by the margin, a share of it. */
static int64_t epochs_without_progress(const run_config *c, const train_result *r) {
    double least = INFINITY;
    int64_t since = 0;
    for (int64_t k = 0; k < r->nepochs; k++) {
        const double loss = r->epoch[k].validation.loss;
        since++;
        if (!(loss < least * (1 - c->train_margin))) continue;
        least = loss;
        since = 0;
    }
    return since;
}

bool train_is_out_of_patience(const training *t, const train_result *r) {
    const int64_t patience = t->config->train_patience;
    return patience && epochs_without_progress(t->config, r) >= patience;
}
