/* SPDX-License-Identifier: Apache-2.0 */
/* invariance.c - the verdict does not depend on units or on the order of the parameters.
 *
 * Problems of the battery, each run again with loss and parameters multiplied by 1e-6 ... 1e6
 * (gradients by their ratio), and with the parameters shuffled.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "doctor/problems.h"
#include "math/random.h"

#include <math.h>
#include <stdio.h>

enum { SEED = 11 };

static int verdict_of(const problem *p, const int *order) {
    double start[PROBLEM_SIZE_MAX];
    trial_setup setup = problem_setup(p, start);
    setup.order = order;
    trial *t = trial_new(&setup);
    trial_run(t, p->steps);
    if (isfinite(trial_exact(t))) {
        ravine_probe probe;
        trial_probe(t, &probe);
    }
    ravine_diagnosis x;
    trial_diagnose(t, &x);
    trial_free(t);
    return x.verdict;
}

static void expect_same(const problem *p, uint64_t index, const char *how, int verdict, int truth) {
    if (verdict != truth)
        fail_msg("problem %llu (%s) is %s, and %s when %s", (unsigned long long)index, p->name,
                 ravine_verdict_word(truth), ravine_verdict_word(verdict), how);
}

static void units_do_not_matter(void **state) {
    (void)state;
    static const double scale[] = {1e-6, 1, 1e6};
    for (uint64_t k = 0; k < (uint64_t)problem_kinds(); k++) {
        problem p;
        problem_draw(&p, SEED, k);
        problem_rescale(&p, 1, 1);
        const int truth = verdict_of(&p, NULL);
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < 3; j++) {
                if (i == 1 && j == 1) continue;
                problem_rescale(&p, scale[i], scale[j]);
                char how[64];
                snprintf(how, sizeof how, "loss times %g, parameters times %g", scale[i], scale[j]);
                expect_same(&p, k, how, verdict_of(&p, NULL), truth);
            }
    }
}

static void order_does_not_matter(void **state) {
    (void)state;
    for (uint64_t k = 0; k < (uint64_t)problem_kinds(); k++) {
        problem p;
        problem_draw(&p, SEED, k);
        int order[PROBLEM_SIZE_MAX];
        for (int i = 0; i < p.n; i++) order[i] = i;
        for (int i = p.n - 1; i > 0; i--) {
            const int j = (int)ravine_random_below(SEED, k, (uint64_t)i, (uint64_t)i + 1);
            const int swapped = order[i];
            order[i] = order[j];
            order[j] = swapped;
        }
        expect_same(&p, k, "shuffled", verdict_of(&p, order), verdict_of(&p, NULL));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(units_do_not_matter),
                                       cmocka_unit_test(order_does_not_matter)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
