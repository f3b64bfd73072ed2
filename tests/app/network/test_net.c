/* SPDX-License-Identifier: Apache-2.0 */
/* The models: gradients, initialization, losses, errors, and the same bits for any thread count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "app/network/net_f64.h"
#include "io/failure.h"
#include "math/random.h"

enum { COUNT = 37 };

static void serial(void *context, ravine_task task, void *arg, int64_t ntasks) {
    (void)context;
    for (int64_t i = 0; i < ntasks; i++) task(arg, i);
}

static net_spec mlp(void) {
    return (net_spec){.model = NET_MLP,
                      .input = {2, 8, 8},
                      .outputs = 4,
                      .nwidths = 2,
                      .widths = {20, 140},
                      .seed = 11};
}

static net_spec cnn(void) {
    net_spec s = mlp();
    s.model = NET_CNN;
    s.widths[0] = 5;
    s.widths[1] = 9;
    s.kernel = 3;
    s.dense = 12;
    return s;
}

static net_spec resnet(void) {
    net_spec s = cnn();
    s.model = NET_RESNET;
    s.blocks = 2;
    return s;
}

static net_spec (*const models[])(void) = {mlp, cnn, resnet};

/* Images of class k have a bright quadrant number k, in noise. */
typedef struct batch {
    float x[COUNT * 128];
    double x64[COUNT * 128];
    int32_t label[COUNT];
} batch;

static batch *batch_create(void) {
    batch *b = calloc(1, sizeof *b);
    assert_non_null(b);
    for (int i = 0; i < COUNT; i++) {
        b->label[i] = i % 4;
        for (int k = 0; k < 128; k++) {
            const bool bright = (k / 32 % 2) * 2 + k / 4 % 2 == b->label[i];
            const double noise = ravine_random_normal(3, 0, (uint64_t)(i * 128 + k));
            b->x64[i * 128 + k] = (bright ? 1 : 0) + 0.5 * noise;
            b->x[i * 128 + k] = (float)b->x64[i * 128 + k];
        }
    }
    return b;
}

static double loss64(net64 *n, const batch *b) {
    return net64_train(n, b->x64, b->label, NULL, COUNT, 9, NULL);
}

/* Central differences for four numbers of every parameter, together in one norm. */
static void check_gradients(const net_spec *s, const batch *b, const double *class_weight) {
    net64 *n;
    assert_int_equal(net64_create(&n, s, COUNT, serial, NULL), 0);
    net64_weigh_classes(n, class_weight);
    double error = 0, size = 0;
    for (int64_t t = 0; t < net64_param_count(n); t++) {
        const net64_tensor v = net64_param(n, t);
        for (int64_t i = 0; i < v.len; i += (v.len + 3) / 4) {
            const double was = v.data[i], h = 1e-6;
            loss64(n, b);
            const double analytic = v.grad[i];
            v.data[i] = was + h;
            const double above = loss64(n, b);
            v.data[i] = was - h;
            const double numeric = (above - loss64(n, b)) / (2 * h);
            v.data[i] = was;
            error += (analytic - numeric) * (analytic - numeric);
            size += numeric * numeric;
        }
    }
    assert_true(size > 1e-6);
    assert_true(sqrt(error / size) < 1e-6);
    net64_destroy(n);
}

static void gradients(void **state) {
    (void)state;
    batch *b = batch_create();
    for (int model = 0; model < 3; model++)
        for (int norm = 0; norm < 3; norm++) {
            net_spec s = models[model]();
            s.norm = (net_norm)norm;
            s.activation = (net_activation)((model + norm) % 3);
            s.pooling = (net_pooling)(norm % 2);
            s.dropout = norm == 1 ? 0 : 0.3;
            check_gradients(&s, b, NULL);
        }
    free(b);
}

/* Of a weighted loss, which is the sum of the weights times the losses of single examples. */
static void weights_of_classes(void **state) {
    (void)state;
    static const double weight[4] = {0.25, 3, 1, 0.5};
    batch *b = batch_create();
    net_spec s = models[0]();
    check_gradients(&s, b, weight);
    net64 *n;
    assert_int_equal(net64_create(&n, &s, COUNT, serial, NULL), 0);
    double sum = 0;
    for (int i = 0; i < COUNT; i++)
        sum += weight[b->label[i]] *
               net64_evaluate(n, b->x64 + i * 128, b->label + i, NULL, 1, NULL) / COUNT;
    net64_weigh_classes(n, weight);
    const double loss = net64_evaluate(n, b->x64, b->label, NULL, COUNT, NULL);
    assert_true(fabs(loss - sum) < 1e-12 * sum);
    net64_destroy(n);
    free(b);
}

/* float32 and float64 are the same network: their losses agree to float32's precision. */
static void precisions_agree(void **state) {
    (void)state;
    batch *b = batch_create();
    for (int model = 0; model < 3; model++) {
        net_spec s = models[model]();
        s.norm = NET_NORM_BATCH;
        s.activation = NET_GELU;
        s.dropout = 0.2;
        net *n;
        net64 *n64;
        assert_int_equal(net_create(&n, &s, COUNT, serial, NULL), 0);
        assert_int_equal(net64_create(&n64, &s, COUNT, serial, NULL), 0);
        const double loss = net_train(n, b->x, b->label, NULL, COUNT, 9, NULL);
        assert_true(fabs(loss - loss64(n64, b)) < 1e-5);
        assert_int_equal(net_size(n), net64_size(n64));
        net_destroy(n);
        net64_destroy(n64);
    }
    free(b);
}

static void descend(net *n, float rate) {
    for (int64_t t = 0; t < net_param_count(n); t++) {
        const net_tensor v = net_param(n, t);
        for (int64_t i = 0; i < v.len; i++) v.data[i] -= rate * v.grad[i];
    }
}

/* A network after `steps` steps of plain gradient descent. */
static net *trained(const net_spec *s, const batch *b, ravine_parallel parallel, void *context,
                    int steps) {
    net *n;
    assert_int_equal(net_create(&n, s, COUNT, parallel, context), 0);
    for (int i = 0; i < steps; i++) {
        const int64_t count = i % 4 == 3 ? 11 : COUNT; /* the end of an epoch may be smaller */
        net_train(n, b->x, b->label, NULL, count, (uint64_t)i, NULL);
        descend(n, 0.1f);
    }
    return n;
}

static void assert_same(const net_tensor *a, const net_tensor *b) {
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->data, b->data, (size_t)a->len * sizeof *a->data);
}

static void assert_same_bits(const net *a, const net *b) {
    for (int64_t t = 0; t < net_param_count(a); t++) {
        const net_tensor p = net_param(a, t), q = net_param(b, t);
        assert_same(&p, &q);
    }
    for (int64_t t = 0; t < net_buffer_count(a); t++) {
        const net_tensor p = net_buffer(a, t), q = net_buffer(b, t);
        assert_same(&p, &q);
    }
}

static void same_bits_for_any_thread_count(void **state) {
    (void)state;
    batch *b = batch_create();
    ravine_pool *pools[2];
    for (int i = 0; i < 2; i++) assert_int_equal(ravine_pool_create(&pools[i], i + 2), 0);
    for (int model = 0; model < 3; model++)
        for (int norm = 0; norm < 3; norm++) {
            net_spec s = models[model]();
            s.norm = (net_norm)norm;
            s.activation = (net_activation)norm;
            s.pooling = (net_pooling)(norm % 2);
            s.dropout = 0.3;
            net *alone = trained(&s, b, serial, NULL, 4);
            for (int i = 0; i < 2; i++) {
                net *n = trained(&s, b, ravine_pool_run, pools[i], 4);
                assert_same_bits(alone, n);
                net_destroy(n);
            }
            net_destroy(alone);
        }
    for (int i = 0; i < 2; i++) ravine_pool_destroy(pools[i]);
    free(b);
}

static void training_learns(void **state) {
    (void)state;
    batch *b = batch_create();
    for (int model = 0; model < 3; model++) {
        net_spec s = models[model]();
        s.norm = model == 2 ? NET_NORM_BATCH : NET_NORM_NONE;
        s.dropout = 0.1;
        int64_t before, after;
        net *n = trained(&s, b, serial, NULL, 0);
        const double loss = net_evaluate(n, b->x, b->label, NULL, COUNT, &before);
        net_destroy(n);
        n = trained(&s, b, serial, NULL, 60);
        assert_true(net_evaluate(n, b->x, b->label, NULL, COUNT, &after) < 0.3 * loss);
        assert_true(before < COUNT * 6 / 10 && after > COUNT * 9 / 10);
        net_destroy(n);
    }
    free(b);
}

static net_tensor named(const net *n, const char *name) {
    for (int64_t t = 0; t < net_param_count(n); t++)
        if (strcmp(net_param(n, t).name, name) == 0) return net_param(n, t);
    fail_msg("no parameter %s", name);
    return (net_tensor){0};
}

/* Mean and mean square against those of a normal distribution, within five deviations. */
static void assert_normal(const net *n, const char *name, double variance) {
    const net_tensor v = named(n, name);
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < v.len; i++) {
        sum += (double)v.data[i];
        squares += (double)v.data[i] * (double)v.data[i];
    }
    const double len = (double)v.len;
    assert_true(fabs(sum / len) < 5 * sqrt(variance / len));
    assert_true(fabs(squares / len / variance - 1) < 5 * sqrt(2 / len));
}

static void initialization(void **state) {
    (void)state;
    net *n;
    net_spec s = cnn();
    s.widths[0] = 40;
    s.dense = 90;
    assert_int_equal(net_create(&n, &s, 1, serial, NULL), 0);
    assert_normal(n, "conv1.weight", 2.0 / 18);
    assert_normal(n, "conv2.weight", 2.0 / 360);
    assert_normal(n, "dense.weight", 2.0 / 36);
    assert_normal(n, "output.weight", 2.0 / 94);
    const net_tensor w = named(n, "conv2.weight"), bias = named(n, "conv2.bias");
    assert_true(w.decays && !bias.decays && w.ndim == 4);
    assert_true(w.shape[0] == 9 && w.shape[1] == 3 && w.shape[2] == 3 && w.shape[3] == 40);
    for (int64_t i = 0; i < bias.len; i++) assert_true(bias.data[i] == 0);
    net_destroy(n);
    s.activation = NET_TANH;
    assert_int_equal(net_create(&n, &s, 1, serial, NULL), 0);
    assert_normal(n, "conv2.weight", 2.0 / (360 + 81));
    assert_normal(n, "dense.weight", 2.0 / (36 + 90));
    net_destroy(n);
    s = resnet();
    assert_int_equal(net_create(&n, &s, 1, serial, NULL), 0);
    assert_normal(n, "stage2.block1.conv1.weight", 2.0 / 45);
    assert_normal(n, "stage2.block1.conv2.weight", 2.0 / 81 / 4); /* 2 stages of 2 blocks */
    assert_normal(n, "stage2.block1.shortcut.weight", 2.0 / 5);
    net_destroy(n);
}

/* Same seed, same bits; other seed, other numbers. */
static void seeds(void **state) {
    (void)state;
    net *n[3];
    net_spec s = mlp();
    for (int i = 0; i < 3; i++) {
        s.seed = i < 2 ? 5 : 6;
        assert_int_equal(net_create(&n[i], &s, 1, serial, NULL), 0);
    }
    const net_tensor a = net_param(n[0], 0), b = net_param(n[1], 0), c = net_param(n[2], 0);
    assert_same(&a, &b);
    assert_true(memcmp(a.data, c.data, (size_t)a.len * sizeof *a.data) != 0);
    for (int i = 0; i < 3; i++) net_destroy(n[i]);
}

/* A linear model with zero weights: its outputs are its bias, so all is known. */
static void cross_entropy_in_closed_form(void **state) {
    (void)state;
    static const double bias[3] = {1, -2, 1003};
    static const int32_t label[4] = {0, 2, 2, 1};
    static const double x[4] = {1, 1, 1, 1};
    const net_spec s = {.model = NET_MLP, .input = {1, 1, 1}, .outputs = 3};
    net64 *n;
    assert_int_equal(net64_create(&n, &s, 4, serial, NULL), 0);
    const net64_tensor w = net64_param(n, 0), b = net64_param(n, 1);
    memset(w.data, 0, 3 * sizeof *w.data);
    int64_t correct;
    assert_true(fabs(net64_train(n, x, label, NULL, 4, 0, &correct) - log(3)) < 1e-12);
    assert_true(fabs(b.grad[0] - (1.0 / 3 - 0.25)) < 1e-12);
    assert_true(fabs(b.grad[2] - (1.0 / 3 - 0.5)) < 1e-12);
    memcpy(b.data, bias, sizeof bias);
    /* The softmax is one-hot to the last bit: losses 1002, 0, 0, 1005. */
    assert_true(fabs(net64_train(n, x, label, NULL, 4, 0, &correct) - 2007.0 / 4) < 1e-9);
    assert_int_equal(correct, 2);
    assert_true(b.grad[0] == -0.25 && b.grad[1] == -0.25 && b.grad[2] == 0.5);
    net64_destroy(n);
}

static void squared_error_in_closed_form(void **state) {
    (void)state;
    static const double x[2] = {1, 2}, y[4] = {0, 1, 2, 3};
    const net_spec s = {
        .model = NET_MLP, .input = {1, 1, 1}, .outputs = 2, .loss = NET_MEAN_SQUARED_ERROR};
    net64 *n;
    assert_int_equal(net64_create(&n, &s, 2, serial, NULL), 0);
    const net64_tensor w = net64_param(n, 0), b = net64_param(n, 1);
    w.data[0] = 3;
    w.data[1] = -1;
    b.data[1] = 0.5;
    /* Outputs (3, -0.5), (6, -1.5); errors (3, -1.5), (4, -4.5). */
    assert_true(fabs(net64_train(n, x, NULL, y, 2, 0, NULL) - 47.5 / 4) < 1e-12);
    assert_true(fabs(b.grad[0] - 3.5) < 1e-12 && fabs(b.grad[1] + 3) < 1e-12);
    assert_true(fabs(w.grad[0] - 5.5) < 1e-12 && fabs(w.grad[1] + 5.25) < 1e-12);
    net64_destroy(n);
}

static void assert_refused(net_spec s, int kind, const char *message) {
    net *n = (net *)&s;
    assert_int_equal(net_create(&n, &s, COUNT, serial, NULL), kind);
    assert_null(n);
    if (!strstr(failure_text(), message)) fail_msg("%s: not in %s", message, failure_text());
}

static void errors(void **state) {
    (void)state;
    net_spec s = cnn();
    s.kernel = 4;
    assert_refused(s, FAILURE_USAGE, "kernel is 4; it must be odd and 1 to 8");
    s.kernel = 9;
    assert_refused(s, FAILURE_USAGE, "kernel is 9");
    s = cnn();
    s.nwidths = 4;
    s.widths[2] = s.widths[3] = 3;
    assert_refused(s, FAILURE_USAGE, "pool4 pools windows of 2 x 2, but its input is 1 x 1");
    s.nwidths = NET_WIDTHS_MAX + 1;
    assert_refused(s, FAILURE_USAGE, "cnn has 257 widths; it must have 1 to 256");
    s = resnet();
    s.nwidths = 0;
    assert_refused(s, FAILURE_USAGE, "resnet has 0 widths");
    s = resnet();
    s.blocks = 0;
    assert_refused(s, FAILURE_USAGE, "blocks is 0; it must be 1 to 256");
    s = mlp();
    s.widths[1] = 0;
    assert_refused(s, FAILURE_USAGE, "width 2 of mlp is 0; it must be at least 1");
    s.widths[1] = INT64_MAX;
    assert_refused(s, FAILURE_USAGE, "layer2 has 9223372036854775807 outputs");
    s = mlp();
    s.outputs = 1;
    assert_refused(s, FAILURE_USAGE, "mlp has 1 outputs; it must have at least 2");
    s = mlp();
    s.dropout = 1;
    assert_refused(s, FAILURE_USAGE, "dropout is 1; it must be in [0, 1)");
    s.dropout = NAN;
    assert_refused(s, FAILURE_USAGE, "dropout is");
    s = mlp();
    s.input[1] = 0;
    assert_refused(s, FAILURE_USAGE, "the input has 2 channels of 0 x 8");
    s.input[1] = s.input[2] = INT64_MAX / 2;
    assert_refused(s, FAILURE_USAGE, "the input has 2 channels");
    net *n;
    s = mlp();
    assert_int_equal(net_create(&n, &s, 0, serial, NULL), FAILURE_USAGE);
    net_destroy(NULL);
}

/* Sanitizers map more address space than a limit could leave them. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

static void too_little_memory(void **state) {
    (void)state;
#if defined(SANITIZED)
    skip();
#endif
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    limit = before;
    limit.rlim_cur = (rlim_t)1 << 30;
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
    const net_spec s = resnet();
    net *n;
    const int code = net_create(&n, &s, 10000000, serial, NULL);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_int_equal(code, FAILURE_INPUT);
    assert_null(n);
    assert_non_null(strstr(failure_text(), "out of memory for a network of"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients),
        cmocka_unit_test(precisions_agree),
        cmocka_unit_test(same_bits_for_any_thread_count),
        cmocka_unit_test(training_learns),
        cmocka_unit_test(initialization),
        cmocka_unit_test(seeds),
        cmocka_unit_test(cross_entropy_in_closed_form),
        cmocka_unit_test(weights_of_classes),
        cmocka_unit_test(squared_error_in_closed_form),
        cmocka_unit_test(errors),
        cmocka_unit_test(too_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
