/* SPDX-License-Identifier: Apache-2.0 */
/* Batches that are drawn once, and their loss and gradient. */
#include "trainer/problem.h"

#include "data/random_stream.h"
#include "io/failure.h"

#include <stdlib.h>
#include <string.h>

struct net_problem {
    net_problem_setup setup;
    int64_t *order;       /* [data.count]; the fixed batch is the first part */
    int64_t first, count; /* of order: where the batches of steps are drawn from */
    int64_t nbatches;
    data_batch examples; /* of a slice */
    double *sum;         /* [net_size] gradient of several slices */
    float *aside;        /* running means and variances, one after the other */
    int64_t buffers;
};

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Mean loss of `count` <= slice examples, and the gradient into the net. */
static double evaluate_slice(net_problem *p, int64_t first, int64_t count) {
    const data_batch *b = &p->examples;
    data_batch_gather(&p->examples, p->setup.data, p->order + first, count);
    return net_train(p->setup.net, b->x, b->label, b->y, count, (uint64_t)first, NULL);
}

static void add_gradient(net_problem *p, double weight) {
    double *sum = p->sum;
    for (int64_t k = 0; k < net_param_count(p->setup.net); k++) {
        const net_tensor tensor = net_param(p->setup.net, k);
        for (int64_t i = 0; i < tensor.len; i++) *sum++ += weight * (double)tensor.grad[i];
    }
}

static void put_gradient(const net_problem *p) {
    const double *sum = p->sum;
    for (int64_t k = 0; k < net_param_count(p->setup.net); k++) {
        const net_tensor tensor = net_param(p->setup.net, k);
        for (int64_t i = 0; i < tensor.len; i++) tensor.grad[i] = (float)*sum++;
    }
}

/* The mean over examples that do not fit into a slice. */
static double evaluate_slices(net_problem *p, int64_t first, int64_t count, bool gradient) {
    double loss = 0;
    if (gradient) memset(p->sum, 0, (size_t)net_size(p->setup.net) * sizeof *p->sum);
    for (int64_t done = 0; done < count; done += p->setup.slice) {
        const int64_t part = smaller(p->setup.slice, count - done);
        const double weight = (double)part / (double)count;
        loss += weight * evaluate_slice(p, first + done, part);
        if (gradient) add_gradient(p, weight);
    }
    if (gradient) put_gradient(p);
    return loss;
}

/* To the place aside, or back from it. */
static void copy_buffers(net_problem *p, bool back) {
    float *aside = p->aside;
    for (int64_t k = 0; k < p->buffers; k++) {
        const net_tensor tensor = net_buffer(p->setup.net, k);
        const size_t bytes = (size_t)tensor.len * sizeof *aside;
        if (back)
            memcpy(tensor.data, aside, bytes);
        else
            memcpy(aside, tensor.data, bytes);
        aside += tensor.len;
    }
}

static int evaluate(void *context, int64_t batch, int32_t gradient, double *loss) {
    net_problem *p = context;
    int64_t first = 0, count = p->setup.fixed;
    if (batch > 0) {
        first = p->first + (batch - 1) % p->nbatches * p->setup.batch;
        count = smaller(p->setup.batch, p->first + p->count - first);
    }
    copy_buffers(p, false);
    *loss = count <= p->setup.slice ? evaluate_slice(p, first, count)
                                    : evaluate_slices(p, first, count, gradient);
    copy_buffers(p, true);
    return 0;
}

static int64_t buffer_numbers(const net *n) {
    int64_t sum = 0;
    for (int64_t k = 0; k < net_buffer_count(n); k++) sum += net_buffer(n, k).len;
    return sum;
}

static int allocate(net_problem *p) {
    const dataset *data = p->setup.data;
    const int status = data_batch_create(&p->examples, data, p->setup.slice);
    if (status) return status;
    p->order = calloc((size_t)data->count, sizeof *p->order);
    p->sum = calloc((size_t)net_size(p->setup.net), sizeof *p->sum);
    p->aside = calloc((size_t)buffer_numbers(p->setup.net) + 1, sizeof *p->aside);
    return p->order && p->sum && p->aside
               ? 0
               : failure(FAILURE_INPUT, "out of memory for %lld examples", (long long)data->count);
}

int net_problem_create(net_problem **out, const net_problem_setup *setup) {
    net_problem *p = calloc(1, sizeof *p);
    if (!p) return failure(FAILURE_INPUT, "out of memory");
    const int64_t examples = setup->data->count;
    p->setup = *setup;
    p->setup.fixed = smaller(setup->fixed, examples);
    p->setup.batch = smaller(setup->batch, examples);
    const bool apart = examples - p->setup.fixed >= p->setup.batch;
    p->first = apart ? p->setup.fixed : 0;
    p->count = examples - p->first;
    p->nbatches = (p->count + p->setup.batch - 1) / p->setup.batch;
    p->buffers = net_buffer_count(setup->net);
    const int status = allocate(p);
    if (status) {
        net_problem_destroy(p);
        return status;
    }
    if (setup->data->text)
        data_order_places(p->order, setup->data, setup->seed, STREAM_PROBLEM);
    else
        data_order_draw(p->order, examples, setup->seed, STREAM_PROBLEM);
    *out = p;
    return 0;
}

void net_problem_destroy(net_problem *p) {
    if (!p) return;
    free(p->order);
    data_batch_free(&p->examples);
    free(p->sum);
    free(p->aside);
    free(p);
}

ravine_problem net_problem_view(net_problem *p) {
    return (ravine_problem){.size = sizeof(ravine_problem),
                            .evaluate = evaluate,
                            .context = p,
                            .batch = 0,
                            .nbatches = p->nbatches};
}
