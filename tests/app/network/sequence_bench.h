/* SPDX-License-Identifier: Apache-2.0 */
/* sequence_bench.h - sequences and labels drawn at random, and a float64 network that learns them;
 * after cmocka.h. */
#ifndef TESTS_APP_NETWORK_SEQUENCE_BENCH_H
#define TESTS_APP_NETWORK_SEQUENCE_BENCH_H

#include "app/network/gradient_check.h"
#include "math/random.h"

#include <stdlib.h>

static inline void serial(void *context, ravine_task task, void *arg, int64_t ntasks) {
    (void)context;
    for (int64_t i = 0; i < ntasks; i++) task(arg, i);
}

/* 18 sequences make shards of several; 70 positions are two tiles of attention. */
enum { COUNT = 18, CONTEXT = 70, ROWS = 7 };

static const int64_t sequence[3] = {1, CONTEXT, 1};

typedef struct bench {
    net64 *n;
    double x[COUNT * CONTEXT], *y;
    int32_t label[COUNT * CONTEXT];
} bench;

static inline void fill(bench *b, int64_t outputs) {
    b->y = calloc((size_t)(COUNT * outputs), sizeof *b->y);
    assert_non_null(b->y);
    for (uint64_t i = 0; i < COUNT * CONTEXT; i++) {
        b->x[i] = (double)ravine_random_below(7, 100, i, ROWS);
        b->label[i] = (int32_t)ravine_random_below(7, 102, i, ROWS);
    }
    for (int64_t i = 0; i < COUNT * outputs; i++)
        b->y[i] = ravine_random_normal(7, 101, (uint64_t)i);
    for (int64_t t = 0; t < net64_param_count(b->n); t++) {
        const net64_tensor v = net64_param(b->n, t);
        for (int64_t i = 0; i < v.len; i++)
            v.data[i] += 0.3 * ravine_random_normal(7, 103 + (uint64_t)t, (uint64_t)i);
    }
}

static inline void bench_free(bench *b) {
    net64_destroy(b->n);
    free(b->y);
}

static inline double loss_of(const void *context) {
    const bench *b = context;
    return net64_train(b->n, b->x, b->label, b->y, COUNT, 5, NULL);
}

static inline void check_plan(net_plan *p) {
    static bench b;
    assert_int_equal(p->error, 0);
    assert_int_equal(net64_create_plan(&b.n, p, COUNT, serial, NULL), 0);
    fill(&b, p->layers[p->count - 1].size);
    check_gradients(b.n, loss_of, &b);
    bench_free(&b);
    net_plan_free(p);
}

static inline int32_t embedding(net_plan *p, int64_t channels) {
    const net_layer l = {
        .kind = LAYER_EMBEDDING, .rows = ROWS, .channels = channels, .deviation = 0.5};
    return net_plan_add(p, l, "embedding");
}

/* Four steps down the gradient in float32; the last gradients into `out` [net_size]. */
static inline int64_t train_f32(const net_spec *s, ravine_parallel parallel, void *context,
                                float *out, int64_t room) {
    static float x[COUNT * CONTEXT];
    static int32_t label[COUNT * CONTEXT];
    net *n;
    assert_int_equal(net_create(&n, s, COUNT, parallel, context), 0);
    assert_true(net_size(n) <= room);
    for (uint64_t i = 0; i < COUNT * CONTEXT; i++) {
        x[i] = (float)ravine_random_below(7, 100, i, ROWS);
        label[i] = (int32_t)ravine_random_below(7, 102, i, ROWS);
    }
    for (uint64_t step = 0; step < 4; step++) {
        net_train(n, x, label, NULL, COUNT, step, NULL);
        float *to = out;
        for (int64_t k = 0; k < net_param_count(n); k++) {
            const net_tensor t = net_param(n, k);
            for (int64_t i = 0; i < t.len; i++) t.data[i] -= 0.1f * (*to++ = t.grad[i]);
        }
    }
    const int64_t size = net_size(n);
    net_destroy(n);
    return size;
}

/* A training of this model has the same bits on any number of threads. */
static inline void check_same_bits(const net_spec *s) {
    enum { ROOM = 1 << 14 };
    static float one[ROOM], many[ROOM];
    const int64_t size = train_f32(s, serial, NULL, one, ROOM);
    for (int threads = 2; threads < 5; threads++) {
        ravine_pool *pool;
        assert_int_equal(ravine_pool_create(&pool, threads), 0);
        assert_int_equal(train_f32(s, ravine_pool_run, pool, many, ROOM), size);
        assert_memory_equal(one, many, (size_t)size * sizeof *one);
        ravine_pool_destroy(pool);
    }
}

#endif
