/* SPDX-License-Identifier: Apache-2.0 */
/* Every layer in float64: its gradients against central differences, its outputs against plain
 * loops. A layer under test stands between layers that learn, so that the gradients of those before
 * it check the gradient of its input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/network/gradient_check.h"
#include "math/random.h"

static void serial(void *context, ravine_task task, void *arg, int64_t ntasks) {
    (void)context;
    for (int64_t i = 0; i < ntasks; i++) task(arg, i);
}

/* A network with data for `count` examples; 75 examples make shards of several examples. */
enum { COUNT = 75 };

typedef struct bench {
    net64 *n;
    double *x, *y;
    int32_t *label;
} bench;

static bench bench_of(net_plan *p) {
    const net_layer *in = &p->layers[0], *out = &p->layers[p->count - 1];
    bench b = {0};
    assert_int_equal(net64_create_plan(&b.n, p, COUNT, serial, NULL), 0);
    b.x = calloc((size_t)(COUNT * in->size), sizeof *b.x);
    b.y = calloc((size_t)(COUNT * out->size), sizeof *b.y);
    b.label = calloc(COUNT, sizeof *b.label);
    assert_true(b.x && b.y && b.label);
    for (int64_t i = 0; i < COUNT * in->size; i++)
        b.x[i] = ravine_random_normal(7, 100, (uint64_t)i);
    for (int64_t i = 0; i < COUNT * out->size; i++)
        b.y[i] = ravine_random_normal(7, 101, (uint64_t)i);
    for (int64_t i = 0; i < COUNT; i++)
        b.label[i] = (int32_t)ravine_random_below(7, 102, (uint64_t)i, (uint64_t)out->size);
    /* Biases away from zero: a padded window of zeros would sit on the kink of ReLU. */
    for (int64_t t = 0; t < net64_param_count(b.n); t++) {
        const net64_tensor v = net64_param(b.n, t);
        for (int64_t i = 0; v.ndim == 1 && i < v.len; i++)
            v.data[i] += 0.3 * ravine_random_normal(7, 103 + (uint64_t)t, (uint64_t)i);
    }
    return b;
}

static void bench_free(bench *b) {
    net64_destroy(b->n);
    free(b->x);
    free(b->y);
    free(b->label);
}

static double loss_of(const void *context) {
    const bench *b = context;
    return net64_train(b->n, b->x, b->label, b->y, COUNT, 5, NULL);
}

static void check_plan(net_plan *p) {
    assert_int_equal(p->error, 0);
    bench b = bench_of(p);
    check_gradients(b.n, loss_of, &b);
    bench_free(&b);
    net_plan_free(p);
}

static int32_t dense(net_plan *p, int32_t input, int64_t units, int32_t activation) {
    return net_plan_add(p,
                        (net_layer){.kind = LAYER_DENSE,
                                    .input = input,
                                    .channels = units,
                                    .activation = activation,
                                    .bias = true},
                        "dense%d", (int)p->count);
}

static int32_t convolution(net_plan *p, int32_t input, int64_t channels, int64_t kernel,
                           int64_t stride, int32_t activation) {
    return net_plan_add(p,
                        (net_layer){.kind = LAYER_CONVOLUTION,
                                    .input = input,
                                    .channels = channels,
                                    .kernel = kernel,
                                    .stride = stride,
                                    .activation = activation,
                                    .bias = true},
                        "conv%d", (int)p->count);
}

static int32_t simple(net_plan *p, net_layer_kind kind, int32_t input, int32_t activation) {
    return net_plan_add(
        p, (net_layer){.kind = kind, .input = input, .activation = activation, .share = 0.4},
        "simple%d", (int)p->count);
}

static int32_t pool(net_plan *p, net_layer_kind kind, int32_t input, int64_t rows,
                    int64_t columns) {
    return net_plan_add(p, (net_layer){.kind = kind, .input = input, .window = {rows, columns}},
                        "pool");
}

static const int64_t image[3] = {3, 5, 7}, table[3] = {6, 1, 1};

static void dense_gradients(void **state) {
    (void)state;
    for (int32_t activation = 0; activation <= 1 + NET_GELU; activation++)
        for (int loss = 0; loss < 2; loss++) {
            net_plan p;
            net_plan_init(&p, table, loss ? NET_MEAN_SQUARED_ERROR : NET_CROSS_ENTROPY, 1);
            const int32_t a = dense(&p, 0, 5, activation);
            dense(&p, dense(&p, a, 7, activation), 3, 0);
            check_plan(&p);
        }
}

/* More units than one task takes, on both sides. */
static void wide_dense_gradients(void **state) {
    (void)state;
    net_plan p;
    net_plan_init(&p, table, NET_CROSS_ENTROPY, 1);
    dense(&p, dense(&p, dense(&p, 0, 150, 1 + NET_TANH), 300, 1 + NET_RELU), 4, 0);
    check_plan(&p);
}

static void convolution_gradients(void **state) {
    (void)state;
    static const struct {
        int64_t kernel, stride;
        int32_t activation;
    } cases[] = {{3, 1, 0},
                 {3, 1, 1 + NET_RELU},
                 {3, 1, 1 + NET_TANH},
                 {3, 1, 1 + NET_GELU},
                 {3, 2, 1 + NET_TANH},
                 {5, 1, 1 + NET_RELU},
                 {5, 2, 0},
                 {1, 1, 1 + NET_TANH},
                 {1, 2, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        net_plan p;
        net_plan_init(&p, image, NET_CROSS_ENTROPY, 1);
        const int32_t a = convolution(&p, 0, 4, cases[i].kernel, 1, cases[i].activation);
        dense(&p, convolution(&p, a, 5, cases[i].kernel, cases[i].stride, cases[i].activation), 3,
              0);
        check_plan(&p);
    }
}

/* Windows that leave a row and a column over, and the whole map. */
static void pooling_gradients(void **state) {
    (void)state;
    static const net_layer_kind kinds[] = {LAYER_MAX_POOL, LAYER_AVERAGE_POOL};
    for (int kind = 0; kind < 2; kind++)
        for (int whole = 0; whole < 2; whole++) {
            net_plan p;
            net_plan_init(&p, image, NET_CROSS_ENTROPY, 1);
            const int32_t a = convolution(&p, 0, 17, 3, 1, 0);
            dense(&p, pool(&p, kinds[kind], a, whole ? 5 : 2, whole ? 7 : 2), 3, 0);
            check_plan(&p);
        }
}

static void norm_gradients(void **state) {
    (void)state;
    static const net_layer_kind kinds[] = {LAYER_BATCH_NORM, LAYER_LAYER_NORM};
    for (int kind = 0; kind < 2; kind++)
        for (int32_t activation = 0; activation <= 1 + NET_GELU; activation++) {
            net_plan p;
            net_plan_init(&p, image, NET_CROSS_ENTROPY, 1);
            /* Without a bias, which batch normalization would make useless. */
            const net_layer l = {.kind = LAYER_CONVOLUTION, .channels = 4, .kernel = 3};
            const int32_t a = simple(&p, kinds[kind], net_plan_add(&p, l, "conv"), activation);
            const int32_t b = simple(&p, kinds[kind], dense(&p, a, 19, 1 + NET_TANH), activation);
            dense(&p, b, 3, 0);
            check_plan(&p);
        }
}

static void dropout_gradients(void **state) {
    (void)state;
    net_plan p;
    net_plan_init(&p, image, NET_CROSS_ENTROPY, 1);
    const int32_t a = simple(&p, LAYER_DROPOUT, convolution(&p, 0, 3, 3, 1, 1 + NET_TANH), 0);
    dense(&p, simple(&p, LAYER_DROPOUT, dense(&p, a, 9, 1 + NET_RELU), 0), 3, 0);
    check_plan(&p);
}

/* A residual block, and an output that three layers read: gradients must add up whatever kind of
 * layer writes them. */
static void shared_outputs_gradients(void **state) {
    (void)state;
    static const net_layer_kind norms[] = {LAYER_BATCH_NORM, LAYER_LAYER_NORM, LAYER_DROPOUT};
    for (int i = 0; i < 3; i++) {
        net_plan p;
        net_plan_init(&p, image, NET_CROSS_ENTROPY, 1);
        const int32_t stem = convolution(&p, 0, 4, 3, 1, 1 + NET_TANH);
        const int32_t branch = simple(&p, norms[i], stem, 0);
        const int32_t other = convolution(&p, stem, 4, 3, 1, 1 + NET_GELU);
        net_layer sum = {
            .kind = LAYER_ADD, .input = branch, .skip = other, .activation = 1 + NET_TANH};
        const int32_t first = net_plan_add(&p, sum, "sum1");
        sum.input = first;
        sum.skip = stem;
        const int32_t second = net_plan_add(&p, sum, "sum2");
        const int32_t average = pool(&p, LAYER_AVERAGE_POOL, second, 2, 3);
        const int32_t largest = pool(&p, LAYER_MAX_POOL, second, 2, 3);
        sum = (net_layer){
            .kind = LAYER_ADD, .input = dense(&p, average, 6, 0), .skip = dense(&p, largest, 6, 0)};
        dense(&p, net_plan_add(&p, sum, "sum3"), 3, 0);
        check_plan(&p);
    }
}

/* The output of the last layer, from losses against targets that differ in one number: the loss
 * sum (z - y)^2 / N is quadratic in y. */
static double output_of(bench *b, int64_t index, int64_t numbers) {
    memset(b->y, 0, (size_t)numbers * sizeof *b->y);
    const double zero = net64_evaluate(b->n, b->x, NULL, b->y, COUNT, NULL);
    b->y[index] = 1;
    const double one = net64_evaluate(b->n, b->x, NULL, b->y, COUNT, NULL);
    return (1 - (one - zero) * (double)numbers) / 2;
}

/* Output (example, y, x, channel) of a convolution, from its definition. */
static double plain_convolution(const bench *b, const net_layer *l, const int64_t at[4]) {
    const net64_tensor w = net64_param(b->n, 0), bias = net64_param(b->n, 1);
    double sum = bias.data[at[3]];
    for (int64_t i = 0; i < l->kernel; i++)
        for (int64_t k = 0; k < l->kernel; k++)
            for (int64_t c = 0; c < image[0]; c++) {
                const int64_t y = at[1] * l->stride + i - l->kernel / 2;
                const int64_t x = at[2] * l->stride + k - l->kernel / 2;
                if (y < 0 || y >= image[1] || x < 0 || x >= image[2]) continue;
                sum += b->x[((at[0] * image[0] + c) * image[1] + y) * image[2] + x] *
                       w.data[((at[3] * l->kernel + i) * l->kernel + k) * image[0] + c];
            }
    return sum;
}

static void convolution_is_its_definition(void **state) {
    (void)state;
    static const int64_t cases[][2] = {{1, 1}, {1, 2}, {3, 1}, {3, 2}, {5, 1}, {5, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        net_plan p;
        net_plan_init(&p, image, NET_MEAN_SQUARED_ERROR, 1);
        convolution(&p, 0, 4, cases[i][0], cases[i][1], 0);
        const net_layer l = p.layers[1];
        bench b = bench_of(&p);
        for (int64_t k = 0; k < COUNT * l.size; k += 97) {
            const int64_t pixel = k / l.channels % (l.height * l.width);
            const int64_t at[4] = {k / l.size, pixel / l.width, pixel % l.width, k % l.channels};
            assert_true(fabs(output_of(&b, k, COUNT * l.size) - plain_convolution(&b, &l, at)) <
                        1e-9);
        }
        bench_free(&b);
        net_plan_free(&p);
    }
}

/* Mean and variance of channel c over COUNT images, from their definitions. */
static void plain_moments(const double *x, int64_t c, double *mean, double *squares) {
    const int64_t pixels = image[1] * image[2];
    *mean = *squares = 0;
    for (int64_t i = 0; i < COUNT * pixels; i++)
        *mean += x[(i / pixels * image[0] + c) * pixels + i % pixels] / (double)(COUNT * pixels);
    for (int64_t i = 0; i < COUNT * pixels; i++) {
        const double d = x[(i / pixels * image[0] + c) * pixels + i % pixels] - *mean;
        *squares += d * d;
    }
}

static void batch_norm_statistics(void **state) {
    (void)state;
    net_plan p;
    net_plan_init(&p, image, NET_MEAN_SQUARED_ERROR, 1);
    simple(&p, LAYER_BATCH_NORM, 0, 0);
    bench b = bench_of(&p);
    const double rows = (double)(COUNT * image[1] * image[2]);
    for (int i = 0; i < COUNT * 105; i++) b.x[i] = 3 + 2 * b.x[i];
    const net64_tensor weight = net64_param(b.n, 0), bias = net64_param(b.n, 1);
    const net64_tensor means = net64_buffer(b.n, 0), variances = net64_buffer(b.n, 1);
    assert_string_equal(means.name, "simple1.running_mean");
    memset(b.y, 0, COUNT * 105 * sizeof *b.y);
    const double loss = loss_of(&b);
    double expected = 0, evaluated = 0;
    for (int64_t c = 0; c < image[0]; c++) {
        double mean, squares;
        plain_moments(b.x, c, &mean, &squares);
        assert_true(fabs(means.data[c] - 0.1 * mean) < 1e-12);
        assert_true(fabs(variances.data[c] - (0.9 + 0.1 * squares / (rows - 1))) < 1e-12);
        /* Mean square of w xhat + b is w^2 var/(var + eps) + b^2. */
        const double w = weight.data[c], shift = bias.data[c], variance = squares / rows;
        expected += (w * w * variance / (variance + 1e-5) + shift * shift) / 3;
        /* Evaluated with the running moments, a line. */
        const double slope = w / sqrt(variances.data[c] + 1e-5);
        const double level = shift + (mean - means.data[c]) * slope;
        evaluated += (slope * slope * variance + level * level) / 3;
    }
    assert_true(fabs(loss - expected) < 1e-10);
    assert_true(fabs(net64_evaluate(b.n, b.x, NULL, b.y, COUNT, NULL) - evaluated) <
                1e-10 * evaluated);
    bench_free(&b);
    net_plan_free(&p);
}

/* Each example is normalised by itself: the mean square of its outputs is near w^2 + b^2, whatever
 * its scale. */
static void layer_norm_statistics(void **state) {
    (void)state;
    net_plan p;
    net_plan_init(&p, image, NET_MEAN_SQUARED_ERROR, 1);
    simple(&p, LAYER_LAYER_NORM, 0, 0);
    bench b = bench_of(&p);
    for (int i = 0; i < COUNT * 105; i++) b.x[i] = 10 + (1 + i / 105) * b.x[i];
    for (int c = 0; c < 3; c++) {
        net64_param(b.n, 0).data[c] = 2;
        net64_param(b.n, 1).data[c] = 0.5;
    }
    memset(b.y, 0, COUNT * 105 * sizeof *b.y);
    assert_true(fabs(loss_of(&b) - 4.25) < 1e-4);
    bench_free(&b);
    net_plan_free(&p);
}

/* With x = 1, y = 0 the loss is the mean square of the mask: its share of kept units over
 * (1 - share)^2. */
static void dropout_is_unbiased_and_repeatable(void **state) {
    (void)state;
    const int64_t input[3] = {1001, 1, 1};
    net_plan p;
    net_plan_init(&p, input, NET_MEAN_SQUARED_ERROR, 1);
    simple(&p, LAYER_DROPOUT, 0, 0);
    bench b = bench_of(&p);
    for (int i = 0; i < COUNT * 1001; i++) b.x[i] = 1;
    memset(b.y, 0, COUNT * 1001 * sizeof *b.y);
    const double kept = 0.6, deviation = sqrt(kept * (1 - kept) / (COUNT * 1001));
    const double first = net64_train(b.n, b.x, NULL, b.y, COUNT, 1, NULL) * kept * kept;
    const double second = net64_train(b.n, b.x, NULL, b.y, COUNT, 2, NULL) * kept * kept;
    assert_true(fabs(first - kept) < 5 * deviation && fabs(second - kept) < 5 * deviation);
    assert_true(first != second);
    assert_true(net64_train(b.n, b.x, NULL, b.y, COUNT, 1, NULL) * kept * kept == first);
    assert_true(net64_evaluate(b.n, b.x, NULL, b.y, COUNT, NULL) == 1);
    bench_free(&b);
    net_plan_free(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dense_gradients),
        cmocka_unit_test(wide_dense_gradients),
        cmocka_unit_test(convolution_gradients),
        cmocka_unit_test(pooling_gradients),
        cmocka_unit_test(norm_gradients),
        cmocka_unit_test(dropout_gradients),
        cmocka_unit_test(shared_outputs_gradients),
        cmocka_unit_test(convolution_is_its_definition),
        cmocka_unit_test(batch_norm_statistics),
        cmocka_unit_test(layer_norm_statistics),
        cmocka_unit_test(dropout_is_unbiased_and_repeatable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
