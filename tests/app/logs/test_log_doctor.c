/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of a log: curves of known trouble, as single steps and as means over many. */
#include "logs.h"
#include "math/random.h"

enum { STEPS = 2000 };

/* A training as it is known from outside. */
typedef struct story {
    const char *name;
    double (*loss)(double t); /* t: from 0 to 1 over the run */
    double noise;             /* of a single step, over the loss */
    double (*lr)(double t);
    double (*held_out)(double t); /* NULL: none */
    int verdict;
} story;

/* ---- curves ---- */

static double falls(double t) {
    return 0.5 + 2 * exp(-5 * t);
}
static double falls_on(double t) {
    return 2 - t;
}
static double stands(double t) {
    (void)t;
    return 2.4; /* no logarithm of a small whole number */
}
static double comes_to_ln_10(double t) {
    return 2.302585093 + 1.2 * exp(-30 * t);
}
static double stays_at_ln_10(double t) {
    (void)t;
    return 2.302585093;
}
static double rises(double t) {
    return 1 + 3 * t;
}
static double is_lost(double t) {
    return t < 0.4 ? falls(t) : (double)NAN;
}
static double climbs_and_is_lost(double t) {
    return t < 0.4 ? exp(20 * t) : (double)INFINITY;
}
static double nothing(double t) {
    (void)t;
    return 0;
}
static double leaps(double t) {
    return falls(t) + (t > 0.7 ? 1.5 : 0);
}
static double goes_up_and_down(double t) {
    return 0.2 + fmod(4.9 * t, 1);
}
static double constant_lr(double t) {
    (void)t;
    return 1e-3;
}
static double cosine(double t) {
    return 1e-3 * (1 + cos(3.14159265358979 * t)) / 2;
}
static double ends_early(double t) {
    return t < 0.3 ? 1e-3 : 0;
}
static double turns(double t) {
    return 1 + 2 * (t - 0.3) * (t - 0.3);
}
static double falls_slowly_to_rest(double t) {
    return t < 0.3 ? 2.5 - 4 * t : 1.3;
}

static const story stories[] = {
    {"healthy", falls, 0.1, constant_lr, falls, RAVINE_VERDICT_HEALTHY},
    {"healthy, quiet", falls_on, 0, constant_lr, NULL, RAVINE_VERDICT_HEALTHY},
    {"healthy, scheduled", falls, 0.1, cosine, falls, RAVINE_VERDICT_HEALTHY},
    {"healthy, noisy", falls_on, 0.4, constant_lr, NULL, RAVINE_VERDICT_HEALTHY},
    {"not a number", is_lost, 0.1, constant_lr, NULL, RAVINE_VERDICT_NONFINITE},
    {"runs away", climbs_and_is_lost, 0.1, constant_lr, NULL, RAVINE_VERDICT_DIVERGING},
    {"rises", rises, 0.1, constant_lr, NULL, RAVINE_VERDICT_DIVERGING},
    {"lr 0", stands, 0.02, nothing, NULL, RAVINE_VERDICT_LR_ZERO},
    {"lr ends early", falls_slowly_to_rest, 0.05, ends_early, NULL, RAVINE_VERDICT_LR_ZERO},
    {"loss 0", nothing, 0, constant_lr, NULL, RAVINE_VERDICT_LABELS_LOST},
    {"overfitting", falls, 0.1, constant_lr, turns, RAVINE_VERDICT_OVERFITTING},
    {"one answer for all", comes_to_ln_10, 0.002, constant_lr, NULL, RAVINE_VERDICT_NOT_LEARNING},
    {"stands at its start", stays_at_ln_10, 0.002, constant_lr, NULL, RAVINE_VERDICT_UNCLEAR},
    {"stands", stands, 0.02, constant_lr, NULL, RAVINE_VERDICT_UNCLEAR},
    {"comes to rest", falls_slowly_to_rest, 0.02, constant_lr, NULL, RAVINE_VERDICT_UNCLEAR},
    {"goes up and down", goes_up_and_down, 0.02, constant_lr, NULL, RAVINE_VERDICT_UNCLEAR},
    {"leaps", leaps, 0.05, constant_lr, NULL, RAVINE_VERDICT_UNCLEAR},
};
enum { STORIES = sizeof stories / sizeof *stories };

/* ---- as a trainer_state.json ---- */

static void put_number(FILE *file, double value) {
    if (isnan(value))
        fputs("NaN", file);
    else if (isinf(value))
        fputs("Infinity", file);
    else
        fprintf(file, "%.17g", value);
}

static double mean_loss(const story *s, int from, int to, uint64_t seed) {
    double sum = 0;
    for (int k = from; k < to; k++) {
        const double t = (double)k / STEPS;
        sum += s->loss(t) * (1 + s->noise * ravine_random_normal(seed, 1, (uint64_t)k));
    }
    return sum / (to - from);
}

static const char *write_story(const story *s, int every, uint64_t seed) {
    const char *path = scratch_path("trainer_state.json");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "{\"logging_steps\": %d, \"max_steps\": %d, \"log_history\": [", every, STEPS);
    for (int k = every; k <= STEPS; k += every) {
        fprintf(file, "%s{\"step\": %d, \"learning_rate\": %.17g, \"loss\": ", k > every ? "," : "",
                k, s->lr((double)k / STEPS));
        put_number(file, mean_loss(s, k - every, k, seed));
        fputs("}", file);
    }
    for (int k = STEPS / 20; k <= STEPS && s->held_out; k += STEPS / 20)
        fprintf(file, ",{\"step\": %d, \"eval_loss\": %.17g}", k,
                s->held_out((double)k / STEPS) *
                    (1 + 0.01 * ravine_random_normal(seed, 2, (uint64_t)k)));
    fputs("]}", file);
    assert_int_equal(fclose(file), 0);
    return path;
}

static ravine_diagnosis diagnose(const char *path, int64_t until) {
    log_data log;
    ravine_diagnosis d = {0};
    if (log_read(&log, path, NULL) || log_diagnose(&log, until, &d)) {
        print_error("%s\n", failure_text());
        fail();
    }
    log_free(&log);
    return d;
}

static bool tells(const ravine_diagnosis *d, const char *text) {
    for (int k = 0; k < d->ncannot_tell; k++)
        if (strstr(d->cannot_tell[k], text)) return true;
    return false;
}

/* Every story in single steps, in means of 10, of 50 and of 100, with three seeds. */
static void verdicts(void **unused) {
    (void)unused;
    static const int every[] = {1, 10, 50, 100};
    int wrong = 0;
    for (int s = 0; s < STORIES; s++)
        for (int e = 0; e < 4; e++)
            for (uint64_t seed = 1; seed <= 3; seed++) {
                const ravine_diagnosis d =
                    diagnose(write_story(&stories[s], every[e], seed), INT64_MAX);
                if (d.verdict == stories[s].verdict) continue;
                print_error("%s, means of %d, seed %d: %s\n", stories[s].name, every[e], (int)seed,
                            ravine_verdict_word(d.verdict));
                wrong++;
            }
    assert_int_equal(wrong, 0);
}

/* Of four points nothing but what is certain is said. */
static void few_points(void **unused) {
    (void)unused;
    for (int s = 0; s < STORIES; s++) {
        const ravine_diagnosis d = diagnose(write_story(&stories[s], 500, 1), INT64_MAX);
        const bool lost = ravine_verdict_severity(stories[s].verdict) == RAVINE_SEVERITY_URGENT;
        if (d.verdict == stories[s].verdict || d.verdict == RAVINE_VERDICT_UNCLEAR ||
            d.verdict == RAVINE_VERDICT_HEALTHY || (lost && d.verdict == RAVINE_VERDICT_NONFINITE))
            continue;
        print_error("%s: %s\n", stories[s].name, ravine_verdict_word(d.verdict));
        fail();
    }
}

static void every_answer_is_whole(void **unused) {
    (void)unused;
    for (int s = 0; s < STORIES; s++) {
        const ravine_diagnosis d = diagnose(write_story(&stories[s], 10, 1), INT64_MAX);
        char sentence[RAVINE_SENTENCE_MAX];
        assert_true(d.nevidence > 0 && d.ncures > 0 && d.ncannot_tell > 0);
        assert_true(tells(&d, "ravine.watch") && tells(&d, "logging_steps=1"));
        assert_int_equal(tells(&d, "eval_strategy"), !stories[s].held_out);
        assert_int_equal(ravine_diagnosis_sentence(&d, "en", sentence, sizeof sentence, NULL), 0);
        assert_true(strlen(sentence) > 20);
        for (int k = 0; k < d.nevidence; k++) assert_true(strlen(d.evidence[k].text) < 127);
        for (int k = 0; k < d.ncannot_tell; k++) assert_true(strlen(d.cannot_tell[k]) < 159);
        for (int k = 0; k < d.ncures; k++) assert_true(strlen(d.cure[k].text) > 5);
    }
}

static void as_of_a_step(void **unused) {
    (void)unused;
    const char *path = write_story(&stories[4], 10, 1); /* lost at 800 */
    ravine_diagnosis d = diagnose(path, 700);
    assert_int_equal(d.verdict, RAVINE_VERDICT_HEALTHY);
    assert_true(d.step == 700);
    d = diagnose(path, INT64_MAX);
    assert_true(d.step == STEPS && d.since == 810);
}

/* ---- single traps ---- */

static void a_hole(void **unused) {
    (void)unused;
    FILE *file = fopen(scratch_path("h.csv"), "w");
    assert_non_null(file);
    fputs("step,loss\n", file);
    for (int k = 0; k < 60; k++)
        k == 30 ? fputs("30,inf\n", file) : fprintf(file, "%d,%.9g\n", k, 2 - 0.02 * k);
    assert_int_equal(fclose(file), 0);
    const ravine_diagnosis d = diagnose(scratch_path("h.csv"), INT64_MAX);
    assert_int_equal(d.verdict, RAVINE_VERDICT_HEALTHY);
    assert_true(d.nalso == 1 && d.also[0] == RAVINE_VERDICT_NONFINITE);
}

static void hidden_nan(void **unused) {
    (void)unused;
    const char *path = write_text(
        "trainer_state.json",
        "{\"logging_steps\": 10, \"log_history\": [{\"step\": 10, \"loss\": 1.5, \"grad_norm\": 1},"
        "{\"step\": 20, \"loss\": 0.0, \"grad_norm\": NaN},{\"step\": 30, \"loss\": 0.0, "
        "\"grad_norm\": NaN},{\"step\": 40, \"loss\": 0.0, \"grad_norm\": NaN}]}");
    const ravine_diagnosis d = diagnose(path, INT64_MAX);
    assert_int_equal(d.verdict, RAVINE_VERDICT_NONFINITE);
    assert_true(d.since == 20);
}

/* `count` points with a loss and a norm that stay as they are. */
static ravine_diagnosis diagnose_still(double loss, double norm, const char *more) {
    FILE *file = fopen(scratch_path("still.csv"), "w");
    assert_non_null(file);
    fprintf(file, "step,loss,grad_norm%s\n", more);
    for (int k = 0; k < 40; k++)
        fprintf(file, "%d,%.9g,%.9g%s\n", k, loss, norm, *more ? ",0.5" : "");
    assert_int_equal(fclose(file), 0);
    return diagnose(scratch_path("still.csv"), INT64_MAX);
}

static void zeros(void **unused) {
    (void)unused;
    ravine_diagnosis d = diagnose_still(0, 0, "");
    assert_int_equal(d.verdict, RAVINE_VERDICT_LABELS_LOST);
    d = diagnose_still(0, 0.3, ""); /* GRPO without its reward */
    assert_int_equal(d.verdict, RAVINE_VERDICT_UNCLEAR);
    assert_true(tells(&d, "log the reward"));
    d = diagnose_still(2.4, 0, "");
    assert_int_equal(d.verdict, RAVINE_VERDICT_UNCLEAR);
    assert_true(d.nalso == 2 && d.also[0] == RAVINE_VERDICT_NOT_CONNECTED);
    d = diagnose_still(0, 0.3, ",reward");
    assert_int_equal(d.verdict, RAVINE_VERDICT_UNCLEAR);
    assert_false(tells(&d, "log the reward"));
}

/* A run that goes on from step 90 with a loss of `above`, where it was 0.65. */
static void assert_resume_jump(double above) {
    FILE *file = fopen(scratch_path("r.csv"), "w");
    assert_non_null(file);
    fputs("step,loss,lr\n", file);
    for (int k = 0; k < 100; k++) fprintf(file, "%d,%.9g,0.1\n", k, 2 - 0.015 * k + 0.01 * (k % 3));
    for (int k = 90; k < 140; k++)
        fprintf(file, "%d,%.9g,0.1\n", k, above - 0.004 * (k - 90) + 0.01 * (k % 3));
    assert_int_equal(fclose(file), 0);
    const ravine_diagnosis d = diagnose(scratch_path("r.csv"), INT64_MAX);
    assert_int_equal(d.verdict, RAVINE_VERDICT_RESUME_JUMP);
    assert_in_range(d.since, 85, 95);
}

static void resume_jump(void **unused) {
    (void)unused;
    assert_resume_jump(1.9);
    assert_resume_jump(4); /* above its start, too */
}

static void scaler_at_its_floor(void **unused) {
    (void)unused;
    FILE *file = fopen(scratch_path("s.csv"), "w");
    assert_non_null(file);
    fputs("step,loss,loss_scale\n", file);
    for (int k = 0; k < 60; k++) fprintf(file, "%d,2.5,%.9g\n", k, k < 20 ? ldexp(1, 16 - k) : 1.0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(diagnose(scratch_path("s.csv"), INT64_MAX).verdict, RAVINE_VERDICT_NONFINITE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(verdicts),
        SCRATCH_TEST(few_points),
        SCRATCH_TEST(every_answer_is_whole),
        SCRATCH_TEST(as_of_a_step),
        SCRATCH_TEST(hidden_nan),
        SCRATCH_TEST(a_hole),
        SCRATCH_TEST(resume_jump),
        SCRATCH_TEST(scaler_at_its_floor),
        SCRATCH_TEST(zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
