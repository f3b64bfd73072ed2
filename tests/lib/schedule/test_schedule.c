/* SPDX-License-Identifier: Apache-2.0 */
/* Values of schedules against independent formulas and against PyTorch's measured sequences, the
 * facts that are told about them, and the bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ravine.h"

#include <float.h>
#include <math.h>

#define PI_L 3.141592653589793238462643383279502884L

static ravine_schedule parse(const char *text) {
    ravine_schedule s;
    const ravine_status status = ravine_schedule_parse(&s, text);
    if (status) fail_msg("%s: %s", text, ravine_errmsg());
    return s;
}

static void assert_near(const char *what, int64_t step, double value, long double truth,
                        double tolerance) {
    if (fabsl(value - truth) <= tolerance) return;
    fail_msg("%s at step %lld: %.17g, not %.17Lg", what, (long long)step, value, truth);
}

/* The first n values, to the digits that the sequence was written down with. */
static void assert_values(const char *text, int n, const double *truth, double tolerance) {
    const ravine_schedule s = parse(text);
    for (int k = 0; k < n; k++) {
        const double value = ravine_schedule_at(&s, k);
        if (!(fabs(value - truth[k]) <= tolerance))
            fail_msg("%s at step %d: %.17g, not %g", text, k, value, truth[k]);
    }
}
#define VALUES(text, tolerance, ...)                                           \
    assert_values(text, (int)(sizeof(double[]){__VA_ARGS__} / sizeof(double)), \
                  (double[]){__VA_ARGS__}, tolerance)

/* What the schedulers of torch 1.13.1 gave for a base of 1. */
static void sequences_are_those_of_pytorch(void **state) {
    (void)state;
    VALUES("step(every=3, gamma=0.1) lr=1", 1e-16, 1, 1, 1, .1, .1, .1, .01);
    VALUES("multistep(2, 4, gamma=0.5) lr=1", 0, 1, 1, .5, .5, .25, .25);
    VALUES("linear(4, from=0.25, to=1)", 0, .25, .4375, .625, .8125, 1, 1);
    VALUES("decay(gamma=0.5) lr=1", 0, 1, .5, .25, .125);
    VALUES("polynomial(4, power=2) lr=1", 0, 1, .5625, .25, .0625, 0, 0);
    VALUES("cosine(4) lr=1", 5e-4, 1, .854, .5, .146, 0, 0); /* held, where PyTorch rises again */
    VALUES("restarts(period=2, growth=2) lr=1", 5e-4, 1, .5, 1, .854, .5, .146, 1);
    VALUES("onecycle(10) lr=1", 1e-3, .04, .52, 1, .950);
    VALUES("onecycle(10) lr=1", 1.0, .04, .52, 1, 1, 1, 1, 1, 1, 1, 4e-6);
    VALUES("linear(3, from=0.1, to=1) cosine(4)", 5e-4, .1, .4, .7, 1, .854, .5, .146, 0);
    VALUES("constant(3, from=0.5) constant(from=1)", 0, .5, .5, .5, 1, 1);
}

static void onecycle_ends_where_pytorch_does(void **state) {
    (void)state;
    const ravine_schedule s = parse("onecycle(1000, pct=0.25, div=10, final_div=100) lr=0.5");
    assert_true(ravine_schedule_at(&s, 0) == 0.05);
    assert_true(ravine_schedule_at(&s, 249) == 0.5);
    assert_true(ravine_schedule_at(&s, 999) == 0.05 / 100);
    const ravine_schedule least = parse("onecycle(3) lr=1"); /* PyTorch starts at 0.994 */
    assert_true(ravine_schedule_at(&least, 0) == 0.04);
    assert_true(ravine_schedule_at(&least, 1) == 1);
    assert_true(ravine_schedule_at(&least, 2) == 0.04 / 1e4);
}

/* Smith 2017: triangular, and triangular2 that halves the height after each cycle. */
static void cycles_rise_and_fall(void **state) {
    (void)state;
    VALUES("triangular(2, from=0.5) lr=1", 0, .5, .75, 1, .75, .5, .75, 1);
    VALUES("triangular2(2, from=0) lr=1", 0, 0, .5, 1, .5, 0, .25, .5, .25, 0, .125);
    VALUES("cyclic(half_cycle=1, gamma=0.5, from=1, to=0)", 0, 1, 0, 1, .5, 1, .75);
}

static void warmups_lead_to_lr(void **state) {
    (void)state;
    VALUES("warmup(4) lr=1", 0, .25, .4375, .625, .8125, 1, 1);
    VALUES("warmup(4, from=0) lr=1", 0, 0, .25, .5, .75, 1, 1);
    VALUES("warmup_constant(2, from=0.1) lr=1 constant", 0, .1, .1, 1, 1);
    VALUES("warmup_exponential(2, from=0.01) linear(2) lr=1", 1e-16, .01, .1, 1, .5, 0);
    VALUES("wsd(10, warmup=2, decay=4, to=0.2) lr=1", 2e-16, .5, .75, 1, 1, 1, 1, 1, .8, .6, .4, .2,
           .2);
    VALUES("wsd(4, warmup=2, decay=2) lr=1", 0, .5, .75, 1, .5, 0, 0);
}

/* Vaswani et al. 2017, equation 3, whose first step is 1. */
static void noam_is_equation_3(void **state) {
    (void)state;
    const ravine_schedule s = parse("noam(4000, width=512, factor=2)");
    const ravine_schedule at_once = parse("noam(1, width=512)");
    for (int64_t step = 0; step < 20000; step += 7) {
        const long double t = (long double)step + 1;
        const long double truth = 2 / sqrtl(512) * fminl(1 / sqrtl(t), t * powl(4000, -1.5L));
        assert_near("noam", step, ravine_schedule_at(&s, step), truth, 1e-14);
        assert_near("noam(1)", step, ravine_schedule_at(&at_once, step), 1 / sqrtl(512 * t), 1e-14);
    }
}

/* The formulas of RAVINE_SHAPE_LIST, written again in long double. */
static long double truth_at(const ravine_segment *g, int64_t u) {
    const long double f = g->from, t = g->to, x = (long double)u / (long double)g->steps;
    const double p = g->parameter[0], q = g->parameter[1];
    switch (g->shape) {
    case RAVINE_SHAPE_CONSTANT: return f;
    case RAVINE_SHAPE_LINEAR: return f + (t - f) * x;
    case RAVINE_SHAPE_COSINE: return t + (f - t) * (1 + cosl(PI_L * x)) / 2;
    case RAVINE_SHAPE_EXPONENTIAL: return f * powl(t / f, x);
    case RAVINE_SHAPE_POLYNOMIAL: return t + (f - t) * powl(1 - x, p);
    case RAVINE_SHAPE_STEP: return f * powl(q, floorl((long double)u / p));
    case RAVINE_SHAPE_DECAY: return f * powl(p, (long double)u);
    case RAVINE_SHAPE_INVERSE_SQRT: return f / sqrtl(1 + (long double)u / p);
    case RAVINE_SHAPE_INVERSE_TIME: return f / (1 + (long double)u / p);
    case RAVINE_SHAPE_CYCLIC: {
        const long double cycle = floorl((long double)u / (2 * p));
        return f + (t - f) * (1 - fabsl((long double)u / p - 2 * cycle - 1)) * powl(q, cycle);
    }
    case RAVINE_SHAPE_RESTARTS: {
        long double start = 0, period = p;
        for (; start + period <= (long double)u; period *= q) start += period;
        return t + (f - t) * (1 + cosl(PI_L * ((long double)u - start) / period)) / 2;
    }
    default: fail_msg("shape %d has no truth", g->shape);
    }
    return 0;
}

static void every_shape_is_its_formula(void **state) {
    (void)state;
    static const char *const text[RAVINE_SHAPE_COUNT] = {
        [RAVINE_SHAPE_CONSTANT] = "constant(3000) lr=3e-4",
        [RAVINE_SHAPE_LINEAR] = "linear(3000, to=1e-6) lr=3e-4",
        [RAVINE_SHAPE_COSINE] = "cosine(3000, from=1e-6, to=3e-4)",
        [RAVINE_SHAPE_EXPONENTIAL] = "exponential(3000, to=1e-6) lr=3e-4",
        [RAVINE_SHAPE_POLYNOMIAL] = "polynomial(3000, to=1e-6, power=1.7) lr=3e-4",
        [RAVINE_SHAPE_STEP] = "step(3000, every=13, gamma=0.9) lr=3e-4",
        [RAVINE_SHAPE_DECAY] = "decay(3000, gamma=0.99) lr=3e-4",
        [RAVINE_SHAPE_INVERSE_SQRT] = "inverse_sqrt(3000, timescale=250) lr=3e-4",
        [RAVINE_SHAPE_INVERSE_TIME] = "inverse_time(3000, timescale=0.125) lr=3e-4",
        [RAVINE_SHAPE_CYCLIC] = "cyclic(3000, from=1e-6, to=3e-4, half_cycle=31, gamma=0.97)",
        [RAVINE_SHAPE_RESTARTS] = "restarts(3000, to=1e-6, period=7, growth=3) lr=3e-4",
    };
    for (int shape = 0; shape < RAVINE_SHAPE_COUNT; shape++) {
        const ravine_schedule s = parse(text[shape]);
        const ravine_segment *g = s.segment;
        assert_int_equal(g->shape, shape);
        for (int64_t u = 0; u < g->steps; u++) {
            const long double truth = truth_at(g, u);
            /* mixtures of from and to are as exact as the greater of the two */
            const double scale =
                g->to > 0 && shape != RAVINE_SHAPE_EXPONENTIAL ? 3e-4 : (double)truth;
            assert_near(text[shape], u, ravine_schedule_at(&s, u), truth, 4e-15 * scale);
        }
    }
}

static void the_end_is_reached_and_held(void **state) {
    (void)state;
    static const char *const to_third[] = {"linear(7, from=0.7, to=0.3)",
                                           "cosine(7, from=0.7, to=0.3)",
                                           "exponential(7, from=0.7, to=0.3)",
                                           "polynomial(7, from=0.7, to=0.3, power=3.3)",
                                           "restarts(14, from=0.7, to=0.3, period=7)",
                                           "restarts(21, from=0.7, to=0.3, period=7, growth=2)"};
    for (size_t k = 0; k < sizeof to_third / sizeof *to_third; k++) {
        const ravine_schedule s = parse(to_third[k]);
        const int64_t n = s.segment[0].steps;
        assert_true(ravine_schedule_at(&s, 0) == 0.7);
        assert_true(ravine_schedule_at(&s, INT64_MIN) == 0.7);
        assert_true(ravine_schedule_at(&s, n - 1) > 0.3);
        assert_true(ravine_schedule_at(&s, n) == 0.3);
        assert_true(ravine_schedule_at(&s, INT64_MAX) == 0.3);
    }
    /* Powers that are rounded do not leave the range, nor that of a double. */
    const ravine_schedule flat =
        parse("exponential(99, from=1.7976931348623157e308, to=1.7976931348623157e308)");
    for (int64_t u = 0; u < 100; u++) assert_true(ravine_schedule_at(&flat, u) == DBL_MAX);
    /* A step that would fall on the end itself is not taken. */
    VALUES("step(4, every=2, gamma=0.5) constant lr=1", 0, 1, 1, .5, .5, .5, .5);
    VALUES("decay(2, gamma=0.5) linear(2) lr=1", 0, 1, .5, .25, .125, 0);
}

static void facts_are_what_the_values_show(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double first, last; /* last: NaN if it never ends */
        int64_t warmup_end, total;
    } cases[] = {
        {"3e-4", 3e-4, NAN, 0, RAVINE_FOREVER},
        {"warmup(1000) cosine(9000, to=3e-5) lr=3e-4", 3e-4 / 1000, 3e-5, 1000, 10000},
        {"warmup(10, from=0) inverse_sqrt(timescale=10) lr=1", 0, NAN, 10, RAVINE_FOREVER},
        {"warmup_constant(10, from=0.1) linear(5) lr=1", 0.1, 0, 10, 15},
        {"constant(5, from=0.1) linear(5, to=1) constant(5) cosine(5)", 0.1, 0, 10, 20},
        {"warmup(3, from=0) warmup(4, from=0.5) lr=1", 0, 1, 3, 7},
        {"cosine(100) lr=1", 1, 0, 0, 100},
        {"triangular(20, from=0.1) lr=1", 0.1, NAN, 20, RAVINE_FOREVER},
        {"onecycle(100) lr=1", 0.04, 4e-6, 29, 99},
        {"wsd(100, warmup=10, decay=20) lr=1", 0.1, 0, 10, 100},
        {"exponential(100, from=1e-6, to=10)", 1e-6, 10, 100, 100},
        {"multistep(30, 60) lr=1", 1, NAN, 0, RAVINE_FOREVER},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const ravine_schedule s = parse(cases[k].text);
        ravine_schedule_facts facts;
        assert_int_equal(ravine_schedule_describe(&s, &facts), RAVINE_OK);
        assert_int_equal(facts.size, sizeof facts);
        if (facts.first != cases[k].first || facts.warmup_end != cases[k].warmup_end ||
            facts.total != cases[k].total ||
            (isnan(cases[k].last) ? !isnan(facts.last) : facts.last != cases[k].last))
            fail_msg("%s: first %g, last %g, warmup_end %lld, total %lld", cases[k].text,
                     facts.first, facts.last, (long long)facts.warmup_end, (long long)facts.total);
    }
}

static void assert_refused(const ravine_schedule *s, ravine_status status, const char *message) {
    assert_int_equal(ravine_schedule_check(s), status);
    assert_string_equal(ravine_errmsg(), message);
    ravine_schedule_facts facts;
    assert_int_equal(ravine_schedule_describe(s, &facts), status);
    char text[4096] = "untouched";
    assert_int_equal(ravine_schedule_format(s, text, sizeof text, NULL), status);
    assert_string_equal(text, "untouched");
}

static void bounds_are_told(void **state) {
    (void)state;
    const ravine_schedule good = parse("linear(5, from=0, to=1) cyclic(half_cycle=3, gamma=1)");
    ravine_schedule s;
#define REFUSED(change, status, message) \
    s = good;                            \
    change;                              \
    assert_refused(&s, status, message)
    REFUSED(s.size = 8, RAVINE_E_ARG,
            "size of a ravine_schedule is 8, not 776; set it to sizeof(ravine_schedule)");
    REFUSED(s.nsegments = 0, RAVINE_E_RANGE, "the schedule has 0 segments; it must have 1 to 16");
    REFUSED(s.nsegments = 17, RAVINE_E_RANGE, "the schedule has 17 segments; it must have 1 to 16");
    REFUSED(s.segment[0].shape = 99, RAVINE_E_RANGE,
            "segment 1: shape is 99 and reserved 0; they must be a ravine_shape and 0");
    REFUSED(s.segment[0].reserved = 1, RAVINE_E_RANGE,
            "segment 1: shape is 1 and reserved 1; they must be a ravine_shape and 0");
    REFUSED(s.segment[0].from = -1, RAVINE_E_RANGE,
            "segment 1 (linear): from is -1; it must be finite and >= 0");
    REFUSED(s.segment[1].to = (double)INFINITY, RAVINE_E_RANGE,
            "segment 2 (cyclic): to is inf; it must be finite and >= 0");
    REFUSED(s.segment[0].steps = 0, RAVINE_E_RANGE,
            "segment 1 (linear): steps is 0; it must be in [1, 2^53]");
    REFUSED(s.segment[0].steps = RAVINE_FOREVER, RAVINE_E_RANGE,
            "segment 1 (linear): steps is forever; it must be a number, as the shape reaches `to` "
            "at its end");
    REFUSED(s.segment[0] = s.segment[1], RAVINE_E_RANGE,
            "segment 1 (cyclic): steps is forever; only the last segment may be without end");
    REFUSED(s.segment[0].parameter[0] = 2, RAVINE_E_RANGE,
            "segment 1 (linear): parameter 0 is 2; it has none, so it must be 0");
    REFUSED(s.segment[1].parameter[0] = 2.5, RAVINE_E_RANGE,
            "segment 2 (cyclic): half_cycle is 2.5; it must be a whole number in [1, 2^53]");
    REFUSED((s.segment[0].shape = RAVINE_SHAPE_POLYNOMIAL,
             s.segment[0].parameter[0] = (double)INFINITY),
            RAVINE_E_RANGE,
            "segment 1 (polynomial): power is inf; it must be a finite number above 0");
    REFUSED(s.segment[1].parameter[1] = (double)NAN, RAVINE_E_RANGE,
            "segment 2 (cyclic): gamma is nan; it must be in [0, 1]");
    REFUSED(s.segment[1] = ((ravine_segment){.shape = RAVINE_SHAPE_CONSTANT, .steps = 1, .to = 1}),
            RAVINE_E_RANGE, "segment 2 (constant): to is 1; the shape has none, so it must be 0");
    REFUSED(s.segment[0].shape = RAVINE_SHAPE_EXPONENTIAL, RAVINE_E_RANGE,
            "segment 1 (exponential): from is 0; it must be above 0, as the shape is a power of "
            "to/from");
#undef REFUSED
    assert_int_equal(ravine_schedule_check(NULL), RAVINE_E_ARG);
    assert_int_equal(ravine_schedule_constant(&s, -1), RAVINE_E_RANGE);
    assert_int_equal(ravine_schedule_constant(&s, 0.5), RAVINE_OK);
    assert_true(ravine_schedule_at(&s, INT64_MAX) == 0.5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences_are_those_of_pytorch),
        cmocka_unit_test(onecycle_ends_where_pytorch_does),
        cmocka_unit_test(cycles_rise_and_fall),
        cmocka_unit_test(warmups_lead_to_lr),
        cmocka_unit_test(noam_is_equation_3),
        cmocka_unit_test(every_shape_is_its_formula),
        cmocka_unit_test(the_end_is_reached_and_held),
        cmocka_unit_test(facts_are_what_the_values_show),
        cmocka_unit_test(bounds_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
