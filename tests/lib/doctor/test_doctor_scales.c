/* SPDX-License-Identifier: Apache-2.0 */
/* What gradients of a weight and its bias tell of the numbers that a layer is given; in recurrent
 * layers, whose two weights come before their two biases, as well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "doctor/judge/findings.h"

#include <math.h>

enum { UNITS = 8, INPUTS = 5 };

/* A tensor whose gradient is that of inputs of this size; 0: a bias. */
typedef struct tensor {
    const char *name;
    int64_t rows, columns;
    double size;
} tensor;

/* Gradients of biases have the length 3, and those of weights [rows, columns] that times the root
 * of the sum of the squared inputs. */
static doctor_findings look(const tensor *tensors, int32_t n) {
    enum { MOST = 8 };
    ravine_step_stats part[MOST], all = {.size = sizeof all,
                                         .step = 1,
                                         .attempts = 1,
                                         .lr = 0.1,
                                         .grad_norm = 9,
                                         .update_norm = 0.1,
                                         .param_norm = 1,
                                         .clip = 1};
    const char *names[MOST];
    int64_t elements[MOST];
    ravine_doctor *d;
    assert_true(n <= MOST);
    for (int32_t k = 0; k < n; k++) {
        const tensor *t = &tensors[k];
        names[k] = t->name;
        elements[k] = t->columns ? t->rows * t->columns : t->rows;
        part[k] = all;
        part[k].grad_norm = t->columns ? 3 * t->size * sqrt((double)t->columns) : 3;
    }
    const ravine_observation o = {.size = sizeof o,
                                  .nparts = n,
                                  .loss = 1,
                                  .path_efficiency = NAN,
                                  .stats = &all,
                                  .part_stats = part,
                                  .part_name = names,
                                  .part_elements = elements};
    assert_int_equal(ravine_doctor_create(&d, NULL, NULL), RAVINE_OK);
    assert_int_equal(ravine_doctor_feed(d, &o), RAVINE_OK);
    doctor_findings f;
    ravine_doctor_find(d, &f);
    ravine_doctor_destroy(d);
    return f;
}

static void near_to(double value, double expected) {
    if (!(fabs(value - expected) <= 1e-12 * expected)) fail_msg("%g, not %g", value, expected);
}

static void of_linear_layers(void **state) {
    (void)state;
    static const tensor net[] = {{"layer1.weight", UNITS, INPUTS, 40},
                                 {"layer1.bias", UNITS, 0, 0},
                                 {"output.weight", 3, UNITS, 0.5},
                                 {"output.bias", 3, 0, 0}};
    const doctor_findings f = look(net, 4);
    near_to(f.input_scale, 40);
    near_to(f.signal_scale, 0.5);
}

/* The state of a recurrent layer begins near 0, whatever its inputs are. */
static void of_recurrent_layers(void **state) {
    (void)state;
    static const tensor net[] = {
        {"rnn.weight_ih_l0", 4 * UNITS, INPUTS, 40}, {"rnn.weight_hh_l0", 4 * UNITS, UNITS, 1e-4},
        {"rnn.bias_ih_l0", 4 * UNITS, 0, 0},         {"rnn.bias_hh_l0", 4 * UNITS, 0, 0},
        {"output.weight", 3, UNITS, 2e-4},           {"output.bias", 3, 0, 0}};
    const doctor_findings f = look(net, 6);
    near_to(f.input_scale, 40);
    near_to(f.signal_scale, 2e-4);
}

/* Without biases nothing is told: weights that follow each other are no such pair. */
static void of_recurrent_layers_without_biases(void **state) {
    (void)state;
    static const tensor net[] = {{"rnn.weight_ih_l0", UNITS, 4 * UNITS, 1},
                                 {"rnn.weight_hh_l0", UNITS, UNITS, 1},
                                 {"rnn.weight_ih_l1", UNITS, UNITS, 1},
                                 {"rnn.weight_hh_l1", UNITS, UNITS, 1}};
    const doctor_findings f = look(net, 4);
    assert_true(isnan(f.input_scale) && isnan(f.signal_scale));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_linear_layers),
        cmocka_unit_test(of_recurrent_layers),
        cmocka_unit_test(of_recurrent_layers_without_biases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
