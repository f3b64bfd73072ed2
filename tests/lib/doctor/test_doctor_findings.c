/* SPDX-License-Identifier: Apache-2.0 */
/* What a run of few steps shows: a number is known or it is NaN, and never left as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "doctor/judge/findings.h"

#include <math.h>

#define UNTOUCHED (-12345.678)

static void check_all_written(const ravine_doctor *d, int64_t steps) {
    doctor_findings f;
    for (int k = 0; k < FINDING_COUNT; k++) f.value[k] = UNTOUCHED;
    ravine_doctor_find(d, &f);
    for (int k = 0; k < FINDING_COUNT; k++)
        if (f.value[k] == UNTOUCHED) fail_msg("finding %d after %d steps", k, (int)steps);
}

static void every_finding_is_written(void **state) {
    (void)state;
    ravine_doctor *d;
    assert_int_equal(ravine_doctor_create(&d, NULL, NULL), RAVINE_OK);
    for (int64_t step = 0; step < 300; step++) {
        check_all_written(d, step);
        const ravine_step_stats all = {.size = sizeof all,
                                       .step = step + 1,
                                       .attempts = step + 1,
                                       .lr = 0.1,
                                       .grad_norm = 9,
                                       .update_norm = 0.1,
                                       .param_norm = 1,
                                       .clip = 1};
        const ravine_observation o = {.size = sizeof o,
                                      .loss = 1 / (double)(step + 1),
                                      .path_efficiency = NAN,
                                      .stats = &all};
        assert_int_equal(ravine_doctor_feed(d, &o), RAVINE_OK);
    }
    ravine_doctor_destroy(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_finding_is_written)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
