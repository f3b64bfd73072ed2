/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the files of hostile_*.c, and counts those of each class. */
#include "hostile.h"

#include "faults/faults.h"

static void enough_of_each_class(void **state) {
    (void)state;
    /* 42 is right in this format; 43 and 44 are of several files. 41 classes. */
    int64_t total = 0;
    int classes = 0;
    for (int k = 1; k < CLASSES; k++) {
        if (k == 42 || k == 43 || k == 44) continue;
        if (tried[k] < 8) fail_msg("class %d has %lld files", k, (long long)tried[k]);
        classes++;
        total += tried[k];
    }
    assert_int_equal(classes, 41);
    assert_true(total >= 400);
    faults_print("bad_files", total, 0);
    faults_print("odd_files_accepted", accepted, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(enough_of_each_class),
    };
    int failed = hostile_lengths();
    failed += hostile_forms();
    failed += hostile_tensors();
    failed += hostile_files();
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
