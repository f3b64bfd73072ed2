/* SPDX-License-Identifier: Apache-2.0 */
/* A net, its examples and its optimizer, joined; and the orders in which examples come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "trainer/trainer.h"

#include <math.h>
#include <string.h>

enum { EXAMPLES = 9, FEATURES = 2, OUTPUTS = 3, BATCH = 4 };

static float x[EXAMPLES * FEATURES], y[EXAMPLES * OUTPUTS];
static int32_t label[EXAMPLES];

static dataset make_data(bool regression) {
    for (int k = 0; k < EXAMPLES; k++) {
        for (int i = 0; i < FEATURES; i++) x[k * FEATURES + i] = (float)(10 * k + i);
        for (int i = 0; i < OUTPUTS; i++) y[k * OUTPUTS + i] = (float)(100 * k + i);
        label[k] = k % OUTPUTS;
    }
    return (dataset){.count = EXAMPLES,
                     .shape = {FEATURES, 1, 1},
                     .size = FEATURES,
                     .outputs = OUTPUTS,
                     .x = x,
                     .label = regression ? NULL : label,
                     .y = regression ? y : NULL};
}

/* ---- batches ---- */

static void a_batch_holds_its_examples(void **state) {
    (void)state;
    static const int64_t order[] = {7, 0, 3};
    for (int regression = 0; regression < 2; regression++) {
        const dataset data = make_data(regression);
        data_batch b;
        assert_int_equal(data_batch_create(&b, &data, BATCH), 0);
        assert_true(regression ? b.y && !b.label : b.label && !b.y);
        data_batch_gather(&b, &data, order, 3);
        for (int k = 0; k < 3; k++) {
            assert_memory_equal(b.x + k * FEATURES, x + order[k] * FEATURES,
                                sizeof(float[FEATURES]));
            if (regression)
                assert_memory_equal(b.y + k * OUTPUTS, y + order[k] * OUTPUTS,
                                    sizeof(float[OUTPUTS]));
            else
                assert_int_equal(b.label[k], label[order[k]]);
        }
        data_batch_free(&b);
        assert_null(b.x);
    }
}

/* The orders of runs and probes that were made: a resumed run has to meet the same ones again. */
static void orders_are_fixed(void **state) {
    (void)state;
    static const int64_t shuffled[EXAMPLES] = {1, 6, 3, 4, 2, 8, 0, 7, 5};
    static const int64_t drawn[EXAMPLES] = {6, 0, 4, 2, 3, 8, 1, 7, 5};
    int64_t order[EXAMPLES] = {0};
    data_order_shuffle(order, EXAMPLES, 5, 1);
    assert_memory_equal(order, shuffled, sizeof order);
    data_order_draw(order, EXAMPLES, 5, 1);
    assert_memory_equal(order, drawn, sizeof order);
    data_order_shuffle(order, EXAMPLES, 5, 2);
    assert_memory_not_equal(order, shuffled, sizeof order);
}

/* ---- the trainer ---- */

static const net_spec spec = {.model = NET_MLP,
                              .input = {FEATURES, 1, 1},
                              .outputs = OUTPUTS,
                              .nwidths = 1,
                              .widths = {5},
                              .seed = 2};

static trainer make_trainer(const dataset *data, const trainer_options *how, int64_t *bytes) {
    trainer t;
    ravine_config rule;
    assert_int_equal(ravine_config_parse(&rule, "adamw weight_decay=0.25 lr=0.01"), RAVINE_OK);
    assert_int_equal(
        trainer_create(&t, &(trainer_setup){.spec = &spec, .data = data, .batch = BATCH}), 0);
    assert_int_equal(trainer_make_groups(&t, &rule, how, &t.optimizer), 0);
    assert_int_equal(trainer_add_params(&t, t.optimizer, bytes), 0);
    return t;
}

static void every_tensor_has_its_group(void **state) {
    (void)state;
    const dataset data = make_data(false);
    for (int vectors = 0; vectors < 2; vectors++) {
        const trainer_options how = {.watch = true, .no_decay_on_vectors = !vectors};
        int64_t bytes = 0;
        trainer t = make_trainer(&data, &how, &bytes);
        assert_int_equal(t.ngroups, 4);
        assert_int_equal(ravine_group_count(t.optimizer), 4);
        assert_int_equal(bytes, ravine_memory_bytes(t.optimizer));
        for (int32_t g = 0; g < t.ngroups; g++) {
            ravine_param param = {.size = sizeof param};
            double decay = NAN;
            assert_int_equal(ravine_param_view(t.optimizer, g, &param), RAVINE_OK);
            assert_ptr_equal(param.data, net_param(t.net, g).data);
            assert_int_equal(param.group, g);
            assert_int_equal(param.ndim, net_param(t.net, g).ndim);
            assert_int_equal(ravine_get(t.optimizer, g, RAVINE_WEIGHT_DECAY, &decay), RAVINE_OK);
            assert_true(decay == (vectors || net_param(t.net, g).decays ? 0.25 : 0));
        }
        trainer_free(&t);
    }
}

static void a_step_learns_from_the_examples_in_order(void **state) {
    (void)state;
    const dataset data = make_data(false);
    trainer t = make_trainer(&data, &(trainer_options){0}, NULL);
    data_order_shuffle(t.order, data.count, 1, 1);
    int64_t correct = -1;
    const double loss = trainer_gradient(&t, BATCH, BATCH, 0, &correct);
    data_batch b;
    assert_int_equal(data_batch_create(&b, &data, BATCH), 0);
    data_batch_gather(&b, &data, t.order + BATCH, BATCH);
    assert_true(loss == net_evaluate(t.net, b.x, b.label, NULL, BATCH, NULL));
    assert_in_range(correct, 0, BATCH);
    data_batch_free(&b);
    trainer_free(&t);
}

static void parameters_come_back(void **state) {
    (void)state;
    const dataset data = make_data(false);
    trainer t = make_trainer(&data, &(trainer_options){0}, NULL);
    float before[64], after[64];
    assert_true(net_size(t.net) <= 64);
    const size_t bytes = (size_t)net_size(t.net) * sizeof *before;
    ravine_step_stats stats = {.size = sizeof stats};
    trainer_copy_params(&t, before);
    for (int64_t k = 0; k < data.count; k++) t.order[k] = k;
    trainer_gradient(&t, 0, BATCH, 0, NULL);
    assert_int_equal(ravine_step(t.optimizer, &stats), RAVINE_OK);
    trainer_copy_params(&t, after);
    assert_memory_not_equal(before, after, bytes);
    trainer_put_params(&t, before);
    trainer_copy_params(&t, after);
    assert_memory_equal(before, after, bytes);
    trainer_free(&t);
}

/* A batch can have no more examples than there are. */
static void a_batch_is_never_larger_than_the_data(void **state) {
    (void)state;
    const dataset data = make_data(true);
    net_spec wrong = spec;
    wrong.loss = NET_MEAN_SQUARED_ERROR;
    trainer t;
    assert_int_equal(trainer_create(&t, &(trainer_setup){&wrong, &data, .batch = 1000}), 0);
    assert_int_equal(t.batch, EXAMPLES);
    assert_true(t.slice >= t.batch && t.examples.y);
    trainer_free(&t);
    wrong.widths[0] = 0;
    assert_int_not_equal(trainer_create(&t, &(trainer_setup){&wrong, &data, .batch = 1}), 0);
    assert_null(t.pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_holds_its_examples),
        cmocka_unit_test(orders_are_fixed),
        cmocka_unit_test(every_tensor_has_its_group),
        cmocka_unit_test(a_step_learns_from_the_examples_in_order),
        cmocka_unit_test(parameters_come_back),
        cmocka_unit_test(a_batch_is_never_larger_than_the_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
