/* SPDX-License-Identifier: Apache-2.0 */
/* Random schedules, from ordinary to absurd: whatever the check accepts is finite and between its
 * bounds at every step, and its text reads back as the same value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "math/random.h"
#include "ravine.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define TRIES 3000

static uint64_t draws; /* a fresh number for every call */

static uint64_t below(uint64_t n) {
    return ravine_random_below(7, 0, draws++, n);
}
static double uniform(void) {
    return ravine_random_uniform(7, 1, draws++);
}

/* Numbers of every size, and the ends of what a double can hold. */
static double random_value(void) {
    static const double special[] = {0, 1, 0.1, 5e-324, DBL_MIN, DBL_MAX, DBL_EPSILON};
    const uint64_t kind = below(4);
    if (kind == 0) return special[below(sizeof special / sizeof *special)];
    if (kind == 1) return ldexp(uniform(), (int)below(2000) - 1000);
    return uniform();
}

static int64_t random_count(void) {
    const int bits = (int)below(54);
    return 1 + (int64_t)below((uint64_t)1 << bits);
}

static ravine_segment random_segment(void) {
    ravine_segment g = {.shape = (int32_t)below(RAVINE_SHAPE_COUNT),
                        .steps = below(8) ? random_count() : RAVINE_FOREVER,
                        .from = random_value(),
                        .to = below(2) ? random_value() : 0};
    for (int k = 0; k < 2; k++) {
        const double choice[] = {0, uniform(), (double)random_count(), random_value()};
        g.parameter[k] = choice[below(4)];
    }
    return g;
}

/* Most random segments break a bound; each is drawn until the check has nothing against it. */
static ravine_schedule random_schedule(void) {
    ravine_schedule s = {.size = sizeof s};
    const int n = 1 + (int)below(RAVINE_SEGMENTS_MAX);
    while (s.nsegments < n) {
        ravine_segment *g = &s.segment[s.nsegments++];
        do *g = random_segment();
        while (ravine_schedule_check(&s));
        if (g->steps == RAVINE_FOREVER) break;
    }
    return s;
}

static void assert_within(const ravine_schedule *s, int64_t step, double most) {
    const double value = ravine_schedule_at(s, step);
    if (value >= 0 && value <= most) return;
    char text[4096];
    assert_int_equal(ravine_schedule_format(s, text, sizeof text, NULL), RAVINE_OK);
    fail_msg("%s at step %lld: %g", text, (long long)step, value);
}

static void values_are_finite_at_every_step(void **state) {
    (void)state;
    for (int i = 0; i < TRIES; i++) {
        const ravine_schedule s = random_schedule();
        double most = 0;
        for (int k = 0; k < s.nsegments; k++)
            most = fmax(most, fmax(s.segment[k].from, s.segment[k].to));
        int64_t start = 0;
        for (int k = 0; k < s.nsegments; k++) {
            const int64_t steps = s.segment[k].steps;
            for (int64_t near = -1; near <= 1; near++) assert_within(&s, start + near, most);
            if (steps == RAVINE_FOREVER) break;
            assert_within(&s, start + (int64_t)below((uint64_t)steps), most);
            start += steps;
        }
        assert_within(&s, start, most);
        assert_within(&s, start + (int64_t)below((uint64_t)(INT64_MAX - start)), most);
        assert_within(&s, INT64_MAX, most);
        assert_within(&s, INT64_MIN, most);
    }
}

static void text_reads_back_as_the_same_value(void **state) {
    (void)state;
    for (int i = 0; i < TRIES; i++) {
        const ravine_schedule s = random_schedule();
        ravine_schedule again;
        char text[4096], second[4096];
        assert_int_equal(ravine_schedule_format(&s, text, sizeof text, NULL), RAVINE_OK);
        if (ravine_schedule_parse(&again, text)) fail_msg("%s: %s", text, ravine_errmsg());
        assert_int_equal(ravine_schedule_format(&again, second, sizeof second, NULL), RAVINE_OK);
        assert_string_equal(second, text);
        if (memcmp(&s, &again, sizeof s) != 0) fail_msg("%s is another value", text);
    }
}

/* Facts are told by the segments' structure; here the values themselves are asked. */
static void facts_agree_with_the_values(void **state) {
    (void)state;
    for (int i = 0; i < TRIES; i++) {
        const ravine_schedule s = random_schedule();
        ravine_schedule_facts facts;
        assert_int_equal(ravine_schedule_describe(&s, &facts), RAVINE_OK);
        assert_true(facts.first == ravine_schedule_at(&s, 0));
        assert_true(facts.warmup_end >= 0 && facts.warmup_end <= facts.total);
        for (int k = 0; k < 10 && facts.warmup_end > 1; k++) {
            const int64_t step = (int64_t)below((uint64_t)facts.warmup_end - 1);
            const double before = ravine_schedule_at(&s, step);
            assert_true(ravine_schedule_at(&s, step + 1) >= before * (1 - 1e-15));
        }
        if (facts.total == RAVINE_FOREVER) {
            assert_true(isnan(facts.last));
            continue;
        }
        assert_true(facts.last == ravine_schedule_at(&s, facts.total));
        assert_true(facts.last == ravine_schedule_at(&s, INT64_MAX));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_finite_at_every_step),
        cmocka_unit_test(text_reads_back_as_the_same_value),
        cmocka_unit_test(facts_agree_with_the_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
