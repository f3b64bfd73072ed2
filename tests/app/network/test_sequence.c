/* SPDX-License-Identifier: Apache-2.0 */
/* Layers of sequences in float64: their gradients against central differences, attention against
 * its definition; and the transformer, which must not see what is to come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "app/network/sequence_bench.h"

static int32_t linear(net_plan *p, int32_t input, int64_t channels, int32_t activation) {
    const net_layer l = {.kind = LAYER_LINEAR,
                         .input = input,
                         .channels = channels,
                         .activation = activation,
                         .bias = true};
    return net_plan_add(p, l, "linear%d", (int)p->count);
}

static int32_t simple(net_plan *p, net_layer_kind kind, int32_t input) {
    const net_layer l = {
        .kind = kind, .input = input, .share = 0.4, .deviation = 0.5, .heads = 2, .causal = true};
    return net_plan_add(p, l, "simple%d", (int)p->count);
}

static void embedding_gradients(void **state) {
    (void)state;
    for (int loss = 0; loss < 2; loss++) {
        net_plan p;
        net_plan_init(&p, sequence, loss ? NET_MEAN_SQUARED_ERROR : NET_CROSS_ENTROPY, 1);
        linear(&p, simple(&p, LAYER_POSITIONS, embedding(&p, 5)), ROWS, 0);
        check_plan(&p);
    }
}

/* The table is read on the way in and out: its gradient is the sum. */
static void tied_gradients(void **state) {
    (void)state;
    net_plan p;
    net_plan_init(&p, sequence, NET_CROSS_ENTROPY, 1);
    const int32_t table = embedding(&p, 5);
    const net_layer out = {
        .kind = LAYER_LINEAR, .input = linear(&p, table, 5, 1 + NET_TANH), .tied = table};
    net_plan_add(&p, out, "output");
    check_plan(&p);
}

static void linear_gradients(void **state) {
    (void)state;
    for (int32_t activation = 0; activation <= 1 + NET_GELU; activation++) {
        net_plan p;
        net_plan_init(&p, sequence, NET_CROSS_ENTROPY, 1);
        linear(&p, linear(&p, embedding(&p, 5), 9, activation), ROWS, 0);
        check_plan(&p);
    }
}

/* 19 channels: more than the lanes, and some left over. */
static void position_norm_gradients(void **state) {
    (void)state;
    net_plan p;
    net_plan_init(&p, sequence, NET_CROSS_ENTROPY, 1);
    const int32_t norm = simple(&p, LAYER_POSITION_NORM, embedding(&p, 19));
    linear(&p, norm, ROWS, 0);
    check_plan(&p);
}

static void attention_gradients(void **state) {
    (void)state;
    for (int causal = 0; causal < 2; causal++) {
        net_plan p;
        net_plan_init(&p, sequence, NET_CROSS_ENTROPY, 1);
        const net_layer l = {.kind = LAYER_ATTENTION,
                             .input = linear(&p, embedding(&p, 5), 3 * 6, 0),
                             .heads = 2,
                             .causal = causal};
        linear(&p, net_plan_add(&p, l, "attention"), ROWS, 0);
        check_plan(&p);
    }
}

/* A residual branch with dropout around attention whose input is read twice: gradients add up. */
static void shared_outputs_gradients(void **state) {
    (void)state;
    net_plan p;
    net_plan_init(&p, sequence, NET_CROSS_ENTROPY, 1);
    const int32_t stem = simple(&p, LAYER_POSITIONS, embedding(&p, 6));
    const int32_t qkv = linear(&p, stem, 18, 0);
    net_layer sum = {.kind = LAYER_ADD,
                     .input = simple(&p, LAYER_DROPOUT, simple(&p, LAYER_ATTENTION, qkv)),
                     .skip = linear(&p, qkv, 6, 0)};
    sum.input = net_plan_add(&p, sum, "sum1");
    sum.skip = simple(&p, LAYER_POSITION_NORM, stem);
    linear(&p, net_plan_add(&p, sum, "sum2"), ROWS, 0);
    check_plan(&p);
}

static net_spec small_transformer(net_norm norm) {
    return (net_spec){.model = NET_TRANSFORMER,
                      .input = {1, CONTEXT, 1},
                      .outputs = ROWS,
                      .layers = 2,
                      .heads = 2,
                      .width = 8,
                      .norm = norm,
                      .activation = NET_GELU,
                      .loss = NET_CROSS_ENTROPY,
                      .seed = 3};
}

static void transformer_gradients(void **state) {
    (void)state;
    for (int norm = NET_NORM_PRE; norm <= NET_NORM_POST; norm++) {
        net_spec s = small_transformer((net_norm)norm);
        s.dropout = 0.2;
        net_plan p;
        assert_int_equal(net_plan_model(&p, &s), 0);
        check_plan(&p);
    }
}

/* softmax(q k / sqrt(d)) v of one row and head, from three rows of numbers for each position. */
static void plain_attention(const double *qkv, int64_t row, int64_t seen, int64_t head, double *y) {
    enum { D = 3, CHANNELS = 6 };
    double weight[CONTEXT], sum = 0;
    const double *q = qkv + row * 3 * CHANNELS + head * D;
    memset(y, 0, D * sizeof *y);
    for (int64_t k = 0; k < seen; k++) {
        const double *key = qkv + k * 3 * CHANNELS + CHANNELS + head * D;
        weight[k] = exp((q[0] * key[0] + q[1] * key[1] + q[2] * key[2]) / sqrt(D));
        sum += weight[k];
    }
    for (int64_t k = 0; k < seen; k++)
        for (int c = 0; c < D; c++)
            y[c] += weight[k] / sum * qkv[k * 3 * CHANNELS + 2 * CHANNELS + head * D + c];
}

static void attention_is_its_definition(void **state) {
    (void)state;
    enum { CHANNELS = 6, SIZE = CONTEXT * CHANNELS };
    static const int64_t input[3] = {3 * CHANNELS, CONTEXT, 1};
    static double x[3 * SIZE], turned[3 * SIZE], y[SIZE];
    for (uint64_t i = 0; i < 3 * SIZE; i++) {
        x[i] = ravine_random_normal(5, 1, i);
        turned[i % (3 * CHANNELS) * CONTEXT + i / (3 * CHANNELS)] = x[i]; /* channels come first */
    }
    for (int causal = 0; causal < 2; causal++) {
        net_plan p;
        net64 *n;
        net_plan_init(&p, input, NET_MEAN_SQUARED_ERROR, 1);
        net_plan_add(&p, (net_layer){.kind = LAYER_ATTENTION, .heads = 2, .causal = causal}, "a");
        assert_int_equal(net64_create_plan(&n, &p, 1, serial, NULL), 0);
        net64_predict(n, turned, 1, y);
        for (int64_t k = 0; k < 2 * CONTEXT; k++) {
            double expected[3];
            plain_attention(x, k / 2, causal ? k / 2 + 1 : CONTEXT, k % 2, expected);
            for (int c = 0; c < 3; c++)
                assert_true(fabs(y[k / 2 * CHANNELS + k % 2 * 3 + c] - expected[c]) < 1e-12);
        }
        net64_destroy(n);
        net_plan_free(&p);
    }
}

static bench *transformer_bench(net_norm norm) {
    static bench b;
    const net_spec s = small_transformer(norm);
    assert_int_equal(net64_create(&b.n, &s, COUNT, serial, NULL), 0);
    fill(&b, CONTEXT * ROWS);
    return &b;
}

/* What comes at a position changes nothing before it, and something from there on. */
static void transformer_sees_no_future(void **state) {
    (void)state;
    enum { CHANGED = 65 };
    static double before[CONTEXT * ROWS], after[CONTEXT * ROWS];
    bench *b = transformer_bench(NET_NORM_PRE);
    net64_predict(b->n, b->x, 1, before);
    b->x[CHANGED] = b->x[CHANGED] > 0 ? 0 : 1;
    net64_predict(b->n, b->x, 1, after);
    for (int64_t k = 0; k < CHANGED * ROWS; k++) assert_true(before[k] == after[k]);
    for (int64_t t = CHANGED; t < CONTEXT; t++)
        assert_memory_not_equal(before + t * ROWS, after + t * ROWS, ROWS * sizeof *before);
    bench_free(b);
}

static void next_is_predict(void **state) {
    (void)state;
    for (int norm = NET_NORM_PRE; norm <= NET_NORM_POST; norm++)
        check_next(transformer_bench((net_norm)norm));
}

/* Labels below 0 take no part: the mean of the context grows by the others alone. */
static void labels_below_zero_are_not_counted(void **state) {
    (void)state;
    bench *b = transformer_bench(NET_NORM_POST);
    const double whole = net64_evaluate(b->n, b->x, b->label, NULL, 1, NULL);
    int32_t label[CONTEXT];
    double sum = 0;
    for (int half = 0; half < 2; half++) {
        for (int t = 0; t < CONTEXT; t++) label[t] = t % 2 == half ? b->label[t] : -1;
        sum += net64_evaluate(b->n, b->x, label, NULL, 1, NULL);
    }
    assert_true(fabs(sum - whole) < 1e-12);
    bench_free(b);
}

static void same_bits_for_any_thread_count(void **state) {
    (void)state;
    net_spec s = small_transformer(NET_NORM_PRE);
    s.dropout = 0.1;
    check_same_bits(&s);
}

static void wrong_transformers_are_refused(void **state) {
    (void)state;
    static const struct {
        int64_t layers, heads, width;
        net_norm norm;
        const char *message;
    } cases[] = {
        {2, 3, 8, NET_NORM_PRE, "3 heads for a width of 8"},
        {0, 2, 8, NET_NORM_PRE, "0 layers; it must have 1 to 1024"},
        {2, 0, 8, NET_NORM_PRE, "0 heads"},
        {2, 2, 8, NET_NORM_BATCH, "must be pre or post"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        net_spec s = small_transformer(cases[k].norm);
        s.layers = cases[k].layers;
        s.heads = cases[k].heads;
        s.width = cases[k].width;
        check_refused(&s, cases[k].message);
    }
}

/* Gradients of linear weights are a sum over all positions of a batch, a dimension of a product. */
static void too_many_positions_are_refused(void **state) {
    (void)state;
    const net_spec s = small_transformer(NET_NORM_PRE);
    const int64_t most = INT32_MAX / CONTEXT;
    net64 *n;
    assert_int_equal(net64_create(&n, &s, most + 1, serial, NULL), FAILURE_USAGE);
    assert_null(n);
    assert_non_null(
        strstr(failure_text(), "sequences of 70 positions; at most 2147483647 positions"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(embedding_gradients),
        cmocka_unit_test(tied_gradients),
        cmocka_unit_test(linear_gradients),
        cmocka_unit_test(position_norm_gradients),
        cmocka_unit_test(attention_gradients),
        cmocka_unit_test(shared_outputs_gradients),
        cmocka_unit_test(transformer_gradients),
        cmocka_unit_test(attention_is_its_definition),
        cmocka_unit_test(transformer_sees_no_future),
        cmocka_unit_test(next_is_predict),
        cmocka_unit_test(labels_below_zero_are_not_counted),
        cmocka_unit_test(same_bits_for_any_thread_count),
        cmocka_unit_test(wrong_transformers_are_refused),
        cmocka_unit_test(too_many_positions_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
