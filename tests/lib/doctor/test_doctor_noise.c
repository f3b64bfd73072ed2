/* SPDX-License-Identifier: Apache-2.0 */
/* Noise, gradients that vanish or die, what is no number, first steps, and what is healthy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "math/random.h"
#include "support/trial.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static void expect_near(const char *name, double value, double truth, double error) {
    if (!(fabs(value - truth) <= error))
        fail_msg("%s is %.12g, not %.12g +- %g", name, value, truth, error);
}

static trial *begin(trial_loss loss, const void *context, int n, const double *start,
                    const char *optimizer) {
    return trial_new(&(trial_setup){
        .n = n, .start = start, .loss = loss, .context = context, .optimizer = optimizer});
}

static ravine_diagnosis expect_verdict(const trial *t, int verdict) {
    ravine_diagnosis x;
    trial_diagnose(t, &x);
    if (x.verdict != verdict)
        fail_msg("at step %lld the doctor says %s, not %s", (long long)x.step,
                 ravine_verdict_word(x.verdict), ravine_verdict_word(verdict));
    return x;
}

/* sum of h x^2/2, the gradient with noise of standard deviation 1; context: h */
static double noisy(const void *context, int n, const double *theta, int64_t step,
                    double *gradient) {
    const double h = *(const double *)context;
    double loss = 0;
    for (int i = 0; i < n; i++) {
        gradient[i] = h * theta[i];
        loss += 0.5 * gradient[i] * theta[i];
        if (step >= 0) gradient[i] += ravine_random_normal(7, (uint64_t)i, (uint64_t)step);
    }
    return loss;
}

/* Stationary SGD, a = lr h: var = lr/(h (2 - a)), neighbouring gradients correlate by -a/2, and the
 * mean of <g_t, u_(t-1)> / -<g_(t-1), u_(t-1)> is a/2. */
static void g15_the_noise_floor(void **state) {
    (void)state;
    enum { N = 16, STEPS = 20000 };
    static const double rate[] = {0.1, 0.5, 1, 1.5};
    for (int k = 0; k < 4; k++) {
        const double h = 1, a = rate[k];
        double start[N], before[N], square = 0, product = 0, gradient2 = 0;
        /* A floor is told from the way down to it: who starts on it has learned nothing. */
        for (int i = 0; i < N; i++) start[i] = 20;
        char optimizer[32];
        snprintf(optimizer, sizeof optimizer, "sgd lr=%g", a);
        trial *t = begin(noisy, &h, N, start, optimizer);
        trial_run(t, 2000);
        expect_verdict(t, RAVINE_VERDICT_NOISE_FLOOR);
        memcpy(before, t->gradient, sizeof before);
        for (int step = 0; step < STEPS; step++) {
            for (int i = 0; i < N; i++) square += t->theta[i] * t->theta[i];
            trial_step(t);
            for (int i = 0; i < N; i++) {
                product += t->gradient[i] * before[i];
                gradient2 += t->gradient[i] * t->gradient[i];
            }
            memcpy(before, t->gradient, sizeof before);
        }
        expect_near("variance", square / N / STEPS, a / (h * (2 - a)), 0.02 * a / (2 - a));
        expect_near("correlation", product / gradient2, -a / 2, 0.01);
        /* A schedule that is going to bring the rate down needs no advice to do so. */
        assert_int_equal(ravine_doctor_tell(t->d, RAVINE_FACT_LR_END, 0), RAVINE_OK);
        expect_verdict(t, RAVINE_VERDICT_HEALTHY);
        assert_int_equal(ravine_doctor_tell(t->d, RAVINE_FACT_LR_END, a), RAVINE_OK);
        const ravine_diagnosis x = expect_verdict(t, RAVINE_VERDICT_NOISE_FLOOR);
        expect_near("line_position", trial_evidence(&x, "line_position"), a / 2, 0.1);
        /* Of two normal numbers that correlate by -a/2, this share differs in sign; more of the
         * large ones. */
        const double least = 0.5 + asin(a / 2) / 3.141592653589793;
        assert_true(trial_evidence(&x, "sign_change_rate") > least - 0.02);
        assert_string_equal(x.cure[0].optimizer, optimizer);
        assert_non_null(strstr(x.cure[0].schedule, "cosine(2560"));
        trial_free(t);
    }
}

/* In noise a probe says what changes of sign do not: lr is beyond the limit, and a step nearly
 * overshoots. */
static void a_bounce_that_noise_hides(void **state) {
    (void)state;
    static const struct {
        double stability, critical;
        int verdict;
    } seen[] = {{1.2, 2, RAVINE_VERDICT_BOUNCING},
                {1.2, 10, RAVINE_VERDICT_HEALTHY},
                {0.9, 2, RAVINE_VERDICT_HEALTHY}};
    const double h = 0.02;
    double far[8];
    for (int i = 0; i < 8; i++) far[i] = 50;
    trial *t = begin(noisy, &h, 8, far, "sgd lr=0.1");
    trial_run(t, 400);
    ravine_probe probe;
    trial_probe(t, &probe);
    for (int k = 0; k < 3; k++) {
        probe.sharpness = seen[k].stability * probe.limit / probe.lr;
        probe.critical_lr = seen[k].critical * probe.lr;
        assert_int_equal(ravine_doctor_take_probe(t->d, &probe), RAVINE_OK);
        expect_verdict(t, seen[k].verdict);
    }
    trial_free(t);
}

static double chain(const void *context, int n, const double *theta, int64_t step,
                    double *gradient) {
    (void)context;
    (void)step;
    double a[64] = {1};
    for (int i = 0; i < n; i++) a[i + 1] = tanh(theta[i] * a[i]);
    const double error = a[n] - 0.5;
    double back = error;
    for (int i = n - 1; i >= 0; i--) {
        back *= 1 - a[i + 1] * a[i + 1];
        gradient[i] = back * a[i];
        back *= theta[i];
    }
    return 0.5 * error * error;
}

static void g17_a_chain_of_thirty_layers(void **state) {
    (void)state;
    double start[30];
    for (int i = 0; i < 30; i++) start[i] = 0.5;
    trial *t = begin(chain, NULL, 30, start, "sgd lr=0.1");
    trial_run(t, 500);
    const ravine_diagnosis x = expect_verdict(t, RAVINE_VERDICT_VANISHING);
    assert_true(trial_evidence(&x, "elasticity") < 1e-5);
    assert_true(trial_evidence(&x, "gradient_share") > 0.99);
    ravine_probe probe; /* its curvature is that of nothing as well: no saddle */
    trial_probe(t, &probe);
    expect_verdict(t, RAVINE_VERDICT_VANISHING);
    trial_free(t);
}

/* (relu(w x + b) - 1)^2 / 2 at x = 1; theta = (w, b) */
static double relu(const void *context, int n, const double *theta, int64_t step,
                   double *gradient) {
    (void)context;
    (void)n;
    (void)step;
    const double in = theta[0] + theta[1], out = in > 0 ? in : 0;
    gradient[0] = gradient[1] = in > 0 ? out - 1 : 0;
    return 0.5 * (out - 1) * (out - 1);
}

static void g17_a_unit_that_is_dead(void **state) {
    (void)state;
    const double dead[2] = {1, -100};
    trial *t = begin(relu, NULL, 2, dead, "sgd lr=0.1");
    trial_run(t, 50);
    const ravine_diagnosis x = expect_verdict(t, RAVINE_VERDICT_DEAD);
    expect_near("zero_share", trial_evidence(&x, "zero_share"), 1, 0);
    trial_free(t);
    const double alive[2] = {5, 5}; /* killed by a step of 5 x 9 */
    t = begin(relu, NULL, 2, alive, "sgd lr=5");
    trial_run(t, 500);
    expect_verdict(t, RAVINE_VERDICT_DEAD);
    trial_free(t);
}

/* -log p + 50 p */
static double barrier(const void *context, int n, const double *theta, int64_t step,
                      double *gradient) {
    (void)context;
    (void)n;
    (void)step;
    gradient[0] = 50 - 1 / theta[0];
    return 50 * theta[0] - log(theta[0]);
}

static void g18_beyond_the_logarithm(void **state) {
    (void)state;
    const double start = 1; /* 1 - 0.05 x 49 = -1.45 */
    trial *t = begin(barrier, NULL, 1, &start, "sgd lr=0.05");
    trial_run(t, 2);
    ravine_diagnosis x = expect_verdict(t, RAVINE_VERDICT_NONFINITE);
    expect_near("first_step", trial_evidence(&x, "first_step"), 1, 0);
    expect_near("last_loss", trial_evidence(&x, "last_loss"), 50, 1e-12);
    trial_run(t, 100);
    x = expect_verdict(t, RAVINE_VERDICT_NONFINITE);
    assert_int_equal(x.since, 1);
    trial_free(t);
}

/* One batch whose loss is no number. */
static double spoiled(const void *context, int n, const double *theta, int64_t step,
                      double *gradient) {
    const double loss = noisy(context, n, theta, step, gradient);
    return step == 100 ? NAN : loss;
}

/* What is finite again came with the batch: lr has no part in it, and no cure touches lr. */
static void a_batch_that_is_no_number(void **state) {
    (void)state;
    const double h = 1, start[2] = {1, 1};
    trial *t = begin(spoiled, &h, 2, start, "sgd lr=0.1");
    trial_run(t, 101);
    ravine_diagnosis x = expect_verdict(t, RAVINE_VERDICT_NONFINITE);
    assert_true(x.ncures > 1);
    trial_run(t, 50);
    x = expect_verdict(t, RAVINE_VERDICT_NONFINITE);
    assert_int_equal(x.ncures, 1);
    assert_int_equal(x.cure[0].action, RAVINE_CURE_ADVICE);
    trial_free(t);
}

static double parabola(const void *context, int n, const double *theta, int64_t step,
                       double *gradient) {
    const double h = *(const double *)context;
    (void)step;
    double loss = 0;
    for (int i = 0; i < n; i++) {
        gradient[i] = h * theta[i];
        loss += 0.5 * h * theta[i] * theta[i];
    }
    return loss;
}

/* Adam's first step is lr, whatever the curvature: from c lr to (c - 1) lr. */
static void g19_thrown_by_the_first_step(void **state) {
    (void)state;
    static const double share[] = {0.25, 0.1}, curvature[] = {1, 1e-4, 1e5};
    for (int k = 0; k < 2; k++)
        for (int j = 0; j < 3; j++) {
            const double c = share[k], start = c * 0.01;
            trial *t = begin(parabola, &curvature[j], 1, &start, "adam lr=0.01 eps=0");
            trial_step(t);
            const double first = t->loss;
            trial_step(t);
            const double times = (c - 1) * (c - 1) / (c * c);
            expect_near("loss 1 / loss 0", t->loss / first, times, 1e-9 * times);
            trial_run(t, 60);
            const ravine_diagnosis x = expect_verdict(t, RAVINE_VERDICT_WARMUP_NEEDED);
            assert_true(trial_evidence(&x, "thrown") >= times * (1 - 1e-9));
            assert_non_null(strstr(x.cure[0].schedule, "warmup("));
            trial_free(t);
        }
}

static void g19_warm_up_cures_it(void **state) {
    (void)state;
    const double h = 1, start = 0.0025;
    trial *t = trial_new(&(trial_setup){.n = 1,
                                        .start = &start,
                                        .loss = parabola,
                                        .context = &h,
                                        .optimizer = "adam lr=0.01 eps=0",
                                        .schedule = "warmup(100) lr=0.01"});
    double first = 0, most = 0;
    for (int k = 0; k < 100; k++) {
        trial_step(t);
        if (k == 0) first = t->loss;
        most = fmax(most, t->loss);
    }
    assert_true(most <= first * (1 + 1e-9));
    ravine_diagnosis x;
    trial_diagnose(t, &x);
    assert_int_not_equal(x.verdict, RAVINE_VERDICT_WARMUP_NEEDED);
    trial_free(t);
}

/* ---- G20: nothing is wrong */

static double rosenbrock(const void *context, int n, const double *theta, int64_t step,
                         double *gradient) {
    (void)context;
    (void)n;
    (void)step;
    const double rise = theta[1] - theta[0] * theta[0];
    gradient[0] = -2 * (1 - theta[0]) - 400 * theta[0] * rise;
    gradient[1] = 200 * rise;
    return (1 - theta[0]) * (1 - theta[0]) + 100 * rise * rise;
}

/* Points on a line, labels by side. */
static double logistic(const void *context, int n, const double *theta, int64_t step,
                       double *gradient) {
    (void)context;
    (void)n;
    (void)step;
    enum { POINTS = 20 };
    double loss = 0;
    gradient[0] = gradient[1] = 0;
    for (int k = 0; k < POINTS; k++) {
        const double x = (k - 9.5) / 10, label = x > 0 ? 1 : -1;
        const double margin = label * (theta[0] * x + theta[1]), p = 1 / (1 + exp(margin));
        loss += log1p(exp(-margin)) / POINTS;
        gradient[0] -= p * label * x / POINTS;
        gradient[1] -= p * label / POINTS;
    }
    return loss;
}

static void g20_nothing_is_wrong(void **state) {
    (void)state;
    const double valley[2] = {-1.5, 2}, origin[2] = {0, 0}, h = 0.02;
    double far[8];
    for (int i = 0; i < 8; i++) far[i] = 50;
    struct {
        trial_loss loss;
        const void *context;
        int n;
        const double *start;
        const char *optimizer;
        int64_t steps;
    } run[] = {{rosenbrock, NULL, 2, valley, "adam lr=0.01", 800},
               {logistic, NULL, 2, origin, "sgd lr=1", 600},
               {noisy, &h, 8, far, "sgd lr=0.1", 400}};
    for (int k = 0; k < 3; k++) {
        trial *t = begin(run[k].loss, run[k].context, run[k].n, run[k].start, run[k].optimizer);
        trial_run(t, run[k].steps);
        const ravine_diagnosis x = expect_verdict(t, RAVINE_VERDICT_HEALTHY);
        assert_true(x.confidence > 0.5 && x.ncures == 1);
        assert_string_equal(x.cure[0].text, "nothing to change");
        ravine_probe probe;
        trial_probe(t, &probe);
        expect_verdict(t, RAVINE_VERDICT_HEALTHY);
        trial_free(t);
    }
}

/* ---- spectra */

static double diagonal(const void *context, int n, const double *theta, int64_t step,
                       double *gradient) {
    const double *curvature = context;
    (void)step;
    double loss = 0;
    for (int i = 0; i < n; i++) {
        gradient[i] = curvature[i] * theta[i];
        loss += 0.5 * gradient[i] * theta[i];
    }
    return loss;
}

/* diag(-3, 0.1 ... 2): a power iteration would take -3 for the greatest. */
static void g21_a_saddle_steeper_down_than_up(void **state) {
    (void)state;
    double curvature[20], start[20];
    for (int i = 0; i < 20; i++) {
        curvature[i] = i ? 0.1 + 1.9 * (i - 1) / 18.0 : -3;
        start[i] = i != 0;
    }
    trial *t = begin(diagonal, curvature, 20, start, "sgd lr=0.9");
    trial_run(t, 400);
    ravine_probe probe;
    trial_probe(t, &probe);
    const ravine_diagnosis x = expect_verdict(t, RAVINE_VERDICT_SADDLE);
    expect_near("lambda_max", trial_evidence(&x, "lambda_max"), 2, 1e-6);
    expect_near("lambda_min", trial_evidence(&x, "lambda_min"), -3, 1e-6);
    trial_free(t);
}

/* Rank 6 of 128: flat is neither up nor down. */
static void g22_flat_is_no_saddle(void **state) {
    (void)state;
    double curvature[128], start[128];
    for (int i = 0; i < 128; i++) {
        curvature[i] = i < 6 ? 1.0 / (i + 1) : 0;
        start[i] = 1;
    }
    trial *t = begin(diagonal, curvature, 128, start, "sgd lr=1");
    trial_run(t, 600);
    ravine_probe probe;
    trial_probe(t, &probe);
    const ravine_diagnosis x = expect_verdict(t, RAVINE_VERDICT_LOCAL_MINIMUM);
    expect_near("lambda_max", trial_evidence(&x, "lambda_max"), 1, 1e-6);
    trial_free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(g15_the_noise_floor),
        cmocka_unit_test(a_bounce_that_noise_hides),
        cmocka_unit_test(g17_a_chain_of_thirty_layers),
        cmocka_unit_test(g17_a_unit_that_is_dead),
        cmocka_unit_test(g18_beyond_the_logarithm),
        cmocka_unit_test(a_batch_that_is_no_number),
        cmocka_unit_test(g19_thrown_by_the_first_step),
        cmocka_unit_test(g19_warm_up_cures_it),
        cmocka_unit_test(g20_nothing_is_wrong),
        cmocka_unit_test(g21_a_saddle_steeper_down_than_up),
        cmocka_unit_test(g22_flat_is_no_saddle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
