/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of examples: against sums by hand. */
#include "data/dataset_facts.h"
#include "support/scratch.h"

#include <math.h>

static void assert_near(double value, double wanted) {
    assert_true(fabs(value - wanted) <= 1e-12 * fabs(wanted));
}

/* Two examples of class 0, one of class 1, none of class 2: an entropy of ln 3 - 2/3 ln 2. */
static void test_classes(void **state) {
    (void)state;
    float x[] = {1, 2, 3, 4, 5, 6};
    int32_t label[] = {0, 1, 0};
    const dataset d = {.count = 3, .size = 2, .outputs = 3, .x = x, .label = label};
    dataset_facts f;
    assert_int_equal(dataset_facts_of(&f, &d, NULL), 0);
    assert_near(f.constant_loss, log(3) - 2.0 / 3 * log(2));
    assert_true(f.classes == 3);
    assert_true(isnan(f.target_size));
    assert_near(f.input_size, sqrt(91.0 / 6));
    assert_near(f.input_ratio, sqrt(56.0 / 45.5)); /* columns: 1 + 9 + 25, 4 + 16 + 36 */
    assert_near(f.input_peak, sqrt(61.0 / 25));    /* examples: 5, 25, 61 */
}

/* Columns of targets 1, 3 and 10, 10: variances 1 and 0. */
static void test_targets(void **state) {
    (void)state;
    float x[] = {0, 0};
    float y[] = {1, 10, 3, 10};
    const dataset d = {.count = 2, .size = 1, .outputs = 2, .x = x, .y = y};
    dataset_facts f;
    assert_int_equal(dataset_facts_of(&f, &d, NULL), 0);
    assert_near(f.constant_loss, 0.5);
    assert_near(f.target_size, sqrt(210.0 / 4));
    assert_near(f.target_peak, sqrt(109.0 / 105)); /* examples: 1 + 100, 9 + 100 */
    assert_true(isnan(f.classes));
    assert_true(f.input_size == 0);
    assert_true(isnan(f.input_ratio) && isnan(f.input_peak)); /* nothing to compare with */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_targets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
