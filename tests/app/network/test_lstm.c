/* SPDX-License-Identifier: Apache-2.0 */
/* The lstm in float64: its gradients against central differences, its outputs against the equations
 * written out, and the state that goes on from byte to byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "app/network/sequence_bench.h"
#include "io/failure.h"

static int32_t lstm(net_plan *p, int32_t input, int64_t channels, int32_t floor) {
    const net_layer l = {.kind = LAYER_LSTM, .input = input, .channels = channels, .floor = floor};
    return net_plan_add(p, l, "lstm");
}

static void output(net_plan *p, int32_t input) {
    const net_layer l = {.kind = LAYER_LINEAR, .input = input, .channels = ROWS};
    net_plan_add(p, l, "output");
}

static void lstm_gradients(void **state) {
    (void)state;
    net_plan p;
    net_plan_init(&p, sequence, NET_CROSS_ENTROPY, 1);
    output(&p, lstm(&p, lstm(&p, embedding(&p, 5), 9, 0), 4, 1));
    check_plan(&p);
}

/* Two readers of what an lstm reads: their gradients add up. */
static void shared_input_gradients(void **state) {
    (void)state;
    for (int first = 0; first < 2; first++) {
        net_plan p;
        net_plan_init(&p, sequence, NET_CROSS_ENTROPY, 1);
        const int32_t table = embedding(&p, 6), a = lstm(&p, table, 6, 0);
        const net_layer sum = {
            .kind = LAYER_ADD, .input = first ? a : table, .skip = first ? table : a};
        output(&p, net_plan_add(&p, sum, "sum"));
        check_plan(&p);
    }
}

static net_spec small_lstm(void) {
    return (net_spec){.model = NET_LSTM,
                      .input = {1, CONTEXT, 1},
                      .outputs = ROWS,
                      .layers = 2,
                      .width = 8,
                      .norm = NET_NORM_NONE,
                      .loss = NET_CROSS_ENTROPY,
                      .seed = 3};
}

static void model_gradients(void **state) {
    (void)state;
    net_spec s = small_lstm();
    s.dropout = 0.2;
    net_plan p;
    assert_int_equal(net_plan_model(&p, &s), 0);
    check_plan(&p);
}

static double sigma(double z) {
    return 1 / (1 + exp(-z));
}

/* One position by the equations of lstm.inc: v has weight_ih, weight_hh, bias_ih and bias_hh; h and
 * c become those of the position. */
static void plain_step(const net64_tensor v[4], const double *x, double *h, double *c) {
    const int64_t inputs = v[0].shape[1], n = v[1].shape[1];
    double z[4 * 8], next[8];
    assert_true(n <= 8);
    for (int64_t k = 0; k < 4 * n; k++) {
        z[k] = v[2].data[k] + v[3].data[k];
        for (int64_t j = 0; j < inputs; j++) z[k] += v[0].data[k * inputs + j] * x[j];
        for (int64_t j = 0; j < n; j++) z[k] += v[1].data[k * n + j] * h[j];
    }
    for (int64_t k = 0; k < n; k++) {
        c[k] = sigma(z[n + k]) * c[k] + sigma(z[k]) * tanh(z[2 * n + k]);
        next[k] = sigma(z[3 * n + k]) * tanh(c[k]);
    }
    memcpy(h, next, (size_t)n * sizeof *h);
}

static void it_is_its_definition(void **state) {
    (void)state;
    enum { INPUTS = 5, UNITS = 8, BATCH = 2 };
    static const int64_t input[3] = {INPUTS, CONTEXT, 1};
    static double x[BATCH * CONTEXT * INPUTS], y[BATCH * CONTEXT * UNITS];
    for (uint64_t i = 0; i < sizeof x / sizeof *x; i++) x[i] = ravine_random_normal(5, 1, i);
    net_plan p;
    net64 *n;
    net_plan_init(&p, input, NET_MEAN_SQUARED_ERROR, 1);
    lstm(&p, 0, UNITS, 3);
    assert_int_equal(net64_create_plan(&n, &p, BATCH, serial, NULL), 0);
    net64_tensor v[4];
    for (int k = 0; k < 4; k++) v[k] = net64_param(n, k);
    assert_string_equal(v[0].name, "lstm.weight_ih_l3");
    for (int64_t c = 0; c < 4 * UNITS; c++) /* forget gates begin open */
        assert_true(v[2].data[c] == (c / UNITS == 1) && v[3].data[c] == 0);
    for (int64_t c = 0; c < 4 * UNITS; c++) v[3].data[c] = 0.1 * (double)c - 1;
    net64_predict(n, x, BATCH, y);
    for (int64_t e = 0; e < BATCH; e++) {
        double h[UNITS] = {0}, c[UNITS] = {0}, at[INPUTS];
        for (int64_t t = 0; t < CONTEXT; t++) {
            for (int64_t j = 0; j < INPUTS; j++) /* channels come first */
                at[j] = x[(e * INPUTS + j) * CONTEXT + t];
            plain_step(v, at, h, c);
            for (int64_t k = 0; k < UNITS; k++)
                assert_true(fabs(y[(e * CONTEXT + t) * UNITS + k] - h[k]) < 1e-12);
        }
    }
    net64_destroy(n);
    net_plan_free(&p);
}

static bench *lstm_bench(int64_t context) {
    static bench b;
    net_spec s = small_lstm();
    s.input[1] = context;
    assert_int_equal(net64_create(&b.n, &s, COUNT, serial, NULL), 0);
    fill(&b, context * ROWS);
    return &b;
}

/* One position after the other, and several at once, as all together. */
static void next_is_predict(void **state) {
    (void)state;
    static double all[CONTEXT * ROWS], part[CONTEXT * ROWS];
    bench *b = lstm_bench(CONTEXT);
    net64_predict(b->n, b->x, 1, all);
    net64_predict(b->n, b->x + CONTEXT, 1, part); /* another sequence, to forget */
    for (int64_t t = 0, count = 5; t < CONTEXT; t += count, count = t < 20 ? 1 : 25)
        net64_next(b->n, b->x, t, count < CONTEXT - t ? count : CONTEXT - t, part + t * ROWS);
    for (int64_t k = 0; k < CONTEXT * ROWS; k++) assert_true(fabs(part[k] - all[k]) < 1e-12);
    bench_free(b);
}

/* Beyond the context the state goes on: bytes come round into the places of those before. Then a
 * sequence begins anew. */
static void next_goes_beyond_the_context(void **state) {
    (void)state;
    enum { SHORT = 6 };
    static double all[CONTEXT * ROWS], one[SHORT * ROWS];
    double x[SHORT];
    bench *b = lstm_bench(CONTEXT);
    net64_predict(b->n, b->x, 1, all);
    bench_free(b);
    b = lstm_bench(SHORT);
    for (int again = 0; again < 2; again++)
        for (int64_t t = 0; t < CONTEXT; t++) {
            x[t % SHORT] = b->x[t];
            net64_next(b->n, x, t, 1, one);
            for (int64_t k = 0; k < ROWS; k++)
                assert_true(fabs(one[k] - all[t * ROWS + k]) < 1e-12);
        }
    bench_free(b);
}

/* Nothing comes before one position: the weight of h has no part in it. */
static void one_position_has_no_past(void **state) {
    (void)state;
    bench *b = lstm_bench(1);
    for (int round = 0; round < 2; round++) {
        for (int64_t k = 0; k < net64_param_count(b->n); k++) {
            const net64_tensor t = net64_param(b->n, k);
            for (int64_t i = 0; i < t.len; i++) t.grad[i] = 7; /* of a step before */
        }
        net64_train(b->n, b->x, b->label, NULL, COUNT, 1, NULL);
        for (int64_t k = 0; k < net64_param_count(b->n); k++) {
            const net64_tensor t = net64_param(b->n, k);
            const bool past = strstr(t.name, "weight_hh") != NULL;
            double sum = 0;
            for (int64_t i = 0; i < t.len; i++) sum += fabs(t.grad[i]);
            assert_true(past ? sum == 0 : sum > 1e-6 && isfinite(sum));
        }
    }
    bench_free(b);
}

static void same_bits_for_any_thread_count(void **state) {
    (void)state;
    net_spec s = small_lstm();
    s.dropout = 0.1;
    check_same_bits(&s);
}

static void wrong_lstms_are_refused(void **state) {
    (void)state;
    static const struct {
        int64_t layers, width;
        net_norm norm;
        double dropout;
        const char *message;
    } cases[] = {
        {0, 8, NET_NORM_NONE, 0, "0 layers; it must have 1 to 1024"},
        {2, 0, NET_NORM_NONE, 0, "0 channels"},
        {2, 1 << 20, NET_NORM_NONE, 0, "1048576 units for 70 positions of 1048576 channels"},
        {2, 8, NET_NORM_PRE, 0, "norm of an lstm must be none"},
        {2, 8, NET_NORM_NONE, 1, "dropout is 1; it must be in [0, 1)"},
        {1, 8, NET_NORM_NONE, 0.1, "dropout is 0.1, but an lstm drops between its layers"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        net_spec s = small_lstm();
        s.layers = cases[k].layers;
        s.width = cases[k].width;
        s.norm = cases[k].norm;
        s.dropout = cases[k].dropout;
        net64 *n;
        assert_int_equal(net64_create(&n, &s, 1, serial, NULL), FAILURE_USAGE);
        assert_null(n);
        assert_non_null(strstr(failure_text(), cases[k].message));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lstm_gradients),
        cmocka_unit_test(shared_input_gradients),
        cmocka_unit_test(model_gradients),
        cmocka_unit_test(it_is_its_definition),
        cmocka_unit_test(next_is_predict),
        cmocka_unit_test(next_goes_beyond_the_context),
        cmocka_unit_test(one_position_has_no_past),
        cmocka_unit_test(same_bits_for_any_thread_count),
        cmocka_unit_test(wrong_lstms_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
