/* SPDX-License-Identifier: Apache-2.0 */
/* Sigma that shrinks until it is too small: when the doctor warns, and what it says afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/lecture.h"
#include "support/trial.h"
#include <math.h>
#include <stdio.h>

static double parabola(const void *context, int n, const double *theta, int64_t step,
                       double *gradient) {
    const double h = *(const double *)context;
    (void)n;
    (void)step;
    gradient[0] = h * theta[0];
    return 0.5 * h * theta[0] * theta[0];
}

static void expect_verdict(const trial *t, int verdict) {
    ravine_diagnosis x;
    trial_diagnose(t, &x);
    if (x.verdict != verdict)
        fail_msg("at step %lld the doctor says %s, not %s", (long long)x.step,
                 ravine_verdict_word(x.verdict), ravine_verdict_word(verdict));
}

static void expect_between(const char *name, double value, double least, double most) {
    if (!(value >= least && value <= most))
        fail_msg("%s is %g; it must be in [%g, %g]", name, value, least, most);
}

/* A step later the doctor has seen step number ravine_steps(). 1: it warns of growth or changes of
 * sign, or says that what it warned of is there. */
static int warned(const trial *t) {
    ravine_warning w = {.size = sizeof w};
    assert_int_equal(ravine_doctor_warning(t->d, &w), RAVINE_OK);
    return w.kind == RAVINE_WARNING_GROWTH || w.kind == RAVINE_WARNING_SIGN_CHANGES ||
           w.kind == RAVINE_WARNING_THROWN;
}

/* Steps from the warning that still holds when the loss first exceeds `loss`, to that step; the
 * step goes to *risen. */
static int64_t lead_time(trial *t, double loss, int64_t *risen) {
    int64_t since = -1;
    for (;;) {
        trial_step(t);
        const int64_t now = ravine_steps(t->o);
        if (!warned(t))
            since = -1;
        else if (since < 0)
            since = now;
        if (t->loss > loss) {
            *risen = now - 1; /* steps made before this loss */
            return since < 0 ? 0 : now - since;
        }
    }
}

static trial *begin(trial_loss loss, const void *context, int n, const double *start,
                    const char *optimizer, const char *schedule) {
    return trial_new(&(trial_setup){.n = n,
                                    .start = start,
                                    .loss = loss,
                                    .context = context,
                                    .optimizer = optimizer,
                                    .schedule = schedule});
}

/* lr times sharpness under sigma crosses the limit long before a loss shows it. */
static void g12_the_limit_is_crossed(void **state) {
    (void)state;
    trial *t = begin(lecture_loss, NULL, 2, lecture_start, "adagrad_mean lr=1", NULL);
    trial_run(t, 500);
    ravine_probe probe = {.lr = 0};
    int64_t crossed = 500;
    for (; !(probe.lr * probe.sharpness > probe.limit) && crossed < 600; crossed++) {
        trial_step(t);
        trial_probe(t, &probe);
    }
    expect_between("crossing", (double)crossed, 511, 513);
    trial_free(t);
}

static void g12_the_lecture_explodes(void **state) {
    (void)state;
    trial *t = begin(lecture_loss, NULL, 2, lecture_start, "adagrad_mean lr=1", NULL);
    trial_run(t, 600);
    int64_t risen;
    const int64_t lead = lead_time(t, 4 * t->loss, &risen);
    print_message(
        "G12: warned %lld steps before the loss was 4 times what it had been, at step %lld\n",
        (long long)lead, (long long)risen);
    expect_between("burst", (double)risen, 700, 725);
    expect_between("lead", (double)lead, 10, 200);
    trial_run(t, 100);
    expect_verdict(t, RAVINE_VERDICT_SIGMA_BURST);
    trial_run(t, 100000 - ravine_steps(t->o));
    expect_verdict(t, RAVINE_VERDICT_SIGMA_BURST);
    ravine_diagnosis x;
    trial_diagnose(t, &x);
    expect_between("bursts", trial_evidence(&x, "bursts"), 50, 70);
    trial_free(t);
}

/* lr falls from below the limit, where a probe knows it. */
static void g12_the_cure_begins_below_the_limit(void **state) {
    (void)state;
    trial *t = begin(lecture_loss, NULL, 2, lecture_start, "adagrad_mean lr=1", NULL);
    trial_run(t, 60000);
    for (int k = 0; k < 3; k++) {
        ravine_probe probe;
        ravine_diagnosis x;
        ravine_schedule schedule;
        trial_run(t, 100);
        trial_probe(t, &probe);
        trial_diagnose(t, &x);
        assert_int_equal(x.verdict, RAVINE_VERDICT_SIGMA_BURST);
        assert_int_equal(ravine_schedule_parse(&schedule, x.cure[0].schedule), RAVINE_OK);
        const double safe = fmin(1, 0.5 * probe.limit / probe.sharpness);
        expect_between("lr", ravine_schedule_at(&schedule, 0), 0.95 * safe, 1.05 * safe);
    }
    trial_free(t);
}

/* eta_t = eta / sqrt(t + 1): the cure that is printed. */
static void g12_decay_cures_it(void **state) {
    (void)state;
    trial *t = begin(lecture_loss, NULL, 2, lecture_start, "adagrad_mean lr=1",
                     "inverse_sqrt(timescale=1) lr=1");
    for (int k = 0; k < 20; k++) {
        trial_run(t, 1000);
        ravine_diagnosis x;
        trial_diagnose(t, &x);
        assert_int_not_equal(x.verdict, RAVINE_VERDICT_SIGMA_BURST);
    }
    trial_free(t);
}

/* The step at which lr h / sigma first exceeds the limit; the sum of squared distances until then
 * goes to *squares. */
static int64_t crossing(trial *t, double lr, double h, double limit, double *squares) {
    *squares = 0;
    for (int64_t k = 0;; k++) {
        *squares += t->theta[0] * t->theta[0];
        trial_step(t);
        double sigma;
        assert_int_equal(ravine_sigma(t->o, "p0", &sigma, 1), RAVINE_OK);
        if (lr * h / sigma > limit) return k + 1;
    }
}

/* t* = 4 sum d^2 / lr^2, whatever the curvature. */
static void g13_the_hour_of_the_burst(void **state) {
    (void)state;
    static const double curvature[] = {1, 1e-3, 1e6};
    for (int k = 0; k < 3; k++) {
        const double start = 6.67;
        trial *t = begin(parabola, &curvature[k], 1, &start, "adagrad_mean lr=1", NULL);
        double squares;
        const int64_t step = crossing(t, 1, curvature[k], 2, &squares);
        expect_between("crossing", (double)step, 4 * squares - 2, 4 * squares + 2);
        expect_between("crossing", (double)step, 561, 566);
        int64_t risen;
        const int64_t lead = lead_time(t, 1e-4 * curvature[k], &risen);
        expect_between("lead", (double)lead, 20, 2000);
        trial_run(t, 50);
        expect_verdict(t, RAVINE_VERDICT_SIGMA_BURST);
        trial_free(t);
    }
}

/* Bursts keep sigma at the limit for ever: the mean of d^2 is lr^2/4. */
static void g13_the_mean_distance(void **state) {
    (void)state;
    enum { STEPS = 200000 };
    const double start = 6.67, h = 1;
    trial *t = begin(parabola, &h, 1, &start, "adagrad_mean lr=1", NULL);
    double squares = 0;
    for (int k = 0; k < STEPS; k++) {
        squares += t->theta[0] * t->theta[0];
        trial_step(t);
    }
    expect_between("mean of 4 d^2/lr^2", 4 * squares / STEPS, 1, 1.04);
    trial_free(t);
}

static void expect_adam(const char *optimizer, int64_t crossed, int64_t visible) {
    const double start = 3, h = 1;
    trial *t = begin(parabola, &h, 1, &start, optimizer, NULL);
    double squares;
    const int64_t step = crossing(t, 0.1, h, 38, &squares);
    expect_between("crossing", (double)step, (double)crossed - 3, (double)crossed + 3);
    int64_t risen;
    const int64_t lead = lead_time(t, 4 * 0.5e-4, &risen); /* of |x| = lr/10 */
    print_message(
        "G14, %s: crossing at %lld; warned %lld steps before the loss was 4 times that of "
        "|x| = lr/10, at step %lld\n",
        optimizer, (long long)step, (long long)lead, (long long)risen);
    expect_between("visible", (double)risen, (double)visible - 20, (double)visible + 20);
    expect_between("lead", (double)lead, 20, 1000);
    trial_run(t, 50);
    expect_verdict(t, RAVINE_VERDICT_SIGMA_BURST);
    trial_free(t);
}

static void g14_adam_bursts_as_well(void **state) {
    (void)state;
    expect_adam("adam lr=0.1 beta2=0.99 eps=0", 1191, 1259);
    expect_adam("adam lr=0.1 beta2=0.999 eps=0", 9582, 10253);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(g12_the_limit_is_crossed),
        cmocka_unit_test(g12_the_lecture_explodes),
        cmocka_unit_test(g12_the_cure_begins_below_the_limit),
        cmocka_unit_test(g12_decay_cures_it),
        cmocka_unit_test(g13_the_hour_of_the_burst),
        cmocka_unit_test(g13_the_mean_distance),
        cmocka_unit_test(g14_adam_bursts_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
