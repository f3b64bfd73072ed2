/* SPDX-License-Identifier: Apache-2.0 */
/* What the process answers with: docs/command.md promises these numbers to scripts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "ravine_doctor.h"

static void test_failures(void **state) {
    (void)state;
    assert_int_equal(cli_exit_code(0), 0);
    assert_int_equal(cli_exit_code(FAILURE_NO), 1);
    assert_int_equal(cli_exit_code(FAILURE_USAGE), 2);
    assert_int_equal(cli_exit_code(FAILURE_INPUT), 3);
    assert_int_equal(cli_exit_code(FAILURE_DIVERGED), 4);
    assert_int_equal(cli_exit_code(FAILURE_INTERRUPTED), 130);
}

/* Every verdict has its own, apart from those of failures, and no message of an earlier failure. */
static void test_verdicts(void **state) {
    (void)state;
    assert_int_equal(cli_exit_code(cli_answer(RAVINE_VERDICT_HEALTHY)), 0);
    assert_int_equal(cli_exit_code(cli_answer(RAVINE_VERDICT_LOCAL_MINIMUM)), 0);
    for (int verdict = 0; verdict < RAVINE_VERDICT_COUNT; verdict++) {
        const int expected = ravine_verdict_exit_code(verdict);
        failure(FAILURE_USAGE, "of before");
        assert_int_equal(cli_exit_code(cli_answer(verdict)), expected);
        assert_string_equal(failure_text(), expected ? "" : "of before");
        assert_true(expected == 0 || expected > 10);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_verdicts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
