/* SPDX-License-Identifier: Apache-2.0 */
/* test_golden.c - every rule that PyTorch has too, against numbers that PyTorch computed.
 *
 * tests/data/torch_golden.safetensors, made by `make golden` (tests/parity/golden.py), has for each
 * type the tensors TYPE.start [n] and TYPE.gradients [steps, n], and for each training a text
 * TYPE.RULE.KIND, the rule with its settings, and the tensors TYPE.RULE.KIND.theta [n] and
 * TYPE.RULE.KIND.STATE [n] after the last step. The live comparison, over random settings and
 * beside long double, is `make parity`.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ravine_checkpoint.h"
#include "support/make.h"
#include "support/numbers.h"

#define GOLDEN SOURCE_DIR "/tests/data/torch_golden.safetensors"

static ravine_checkpoint *golden;

static int open_golden(void **state) {
    (void)state;
    return ravine_checkpoint_open(&golden, GOLDEN, NULL);
}

static int close_golden(void **state) {
    (void)state;
    ravine_checkpoint_close(golden);
    return 0;
}

/* A tensor of the file with its numbers, which the caller frees. */
static ravine_tensor read_tensor(const char *name) {
    ravine_tensor t;
    int64_t begin, end;
    int32_t checked;
    const int64_t i = ravine_checkpoint_find(golden, name);
    if (i < 0) fail_msg("%s has no %s", GOLDEN, name);
    assert_int_equal(ravine_checkpoint_tensor(golden, i, &t), RAVINE_OK);
    assert_int_equal(ravine_checkpoint_range(golden, i, &begin, &end, &checked), RAVINE_OK);
    t.data = malloc((size_t)(end - begin));
    assert_non_null(t.data);
    assert_int_equal(ravine_checkpoint_read(golden, i, t.data, end - begin), RAVINE_OK);
    return t;
}

static ravine_tensor read_of_type(int32_t dtype, const char *what) {
    char name[64];
    snprintf(name, sizeof name, "%s.%s", dtype == RAVINE_F64 ? "float64" : "float32", what);
    const ravine_tensor t = read_tensor(name);
    assert_int_equal(t.dtype, dtype);
    return t;
}

/* PyTorch keeps mu_product of NAdam and eta and mu of ASGD in float32, whatever the parameters are,
 * so its float64 is as exact as float32 there. */
static int32_t precision(const char *training, int32_t dtype) {
    return strstr(training, ".NAdam.") || strstr(training, ".ASGD.") ? RAVINE_F32 : dtype;
}

/* The greatest |a - b| in units of the last place of the greatest |b| in `unit`. */
static double scaled_ulp(int32_t dtype, int32_t unit, const void *a, const void *b, int64_t n) {
    long double largest = 0, distance = 0;
    for (int64_t i = 0; i < n; i++) {
        largest = fmaxl(largest, fabsl(number_get(b, dtype, i)));
        const long double d = fabsl(number_get(a, dtype, i) - number_get(b, dtype, i));
        if (!(d <= distance)) distance = d; /* a NaN stays */
    }
    return (double)(distance / number_spacing(unit, largest));
}

static void train(ravine_optimizer *o, ravine_tensor *theta, const ravine_tensor *gradients) {
    const int64_t steps = gradients->shape[0], n = gradients->shape[1];
    make_param(o, 0, "theta", theta->dtype, theta->data, NULL, n);
    for (int64_t t = 0; t < steps; t++) {
        make_grad(o, 0, (char *)gradients->data + (size_t)(t * n) * number_bytes(theta->dtype));
        make_step(o, NULL);
    }
}

/* Compares a training with every tensor that the file has of it; their number. */
static int compare(ravine_optimizer *o, const char *training, const ravine_tensor *theta) {
    const size_t length = strlen(training);
    int compared = 0;
    ravine_tensor entry;
    for (int64_t i = 0; i < ravine_checkpoint_tensor_count(golden); i++) {
        assert_int_equal(ravine_checkpoint_tensor(golden, i, &entry), RAVINE_OK);
        if (strncmp(entry.name, training, length) || entry.name[length] != '.') continue;
        const char *key = entry.name + length + 1;
        const void *ours = strcmp(key, "theta") ? make_state(o, "theta", key) : theta->data;
        const ravine_tensor theirs = read_tensor(entry.name);
        const double ulp = scaled_ulp(theta->dtype, precision(training, theta->dtype), ours,
                                      theirs.data, theta->shape[0]);
        if (!(ulp <= 32)) fail_msg("%s is %g scaled ULP from PyTorch's", entry.name, ulp);
        free(theirs.data);
        compared++;
    }
    return compared;
}

static void as_pytorch(void **state) {
    (void)state;
    ravine_text text;
    int trainings = 0;
    for (int64_t k = 0; ravine_checkpoint_text(golden, k, &text); k++) {
        if (strncmp(text.key, "float", 5) != 0) continue;
        const int32_t dtype = strncmp(text.key, "float64", 7) ? RAVINE_F32 : RAVINE_F64;
        ravine_tensor theta = read_of_type(dtype, "start");
        const ravine_tensor gradients = read_of_type(dtype, "gradients");
        ravine_optimizer *const o = make_optimizer(text.value);
        train(o, &theta, &gradients);
        assert_true(compare(o, text.key, &theta) > 0);
        ravine_destroy(o);
        free(theta.data);
        free(gradients.data);
        trainings++;
    }
    assert_int_equal(trainings, 2 * 11 * 2); /* types, rules, kinds */
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_pytorch)};
    return cmocka_run_group_tests(tests, open_golden, close_golden);
}
