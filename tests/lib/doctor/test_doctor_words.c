/* SPDX-License-Identifier: Apache-2.0 */
/* What the doctor says: a sentence for each verdict and each finding, and advice that is never
 * against the numbers it is given with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "doctor/judge/cures.h"
#include "doctor/judge/judge.h"
#include "math/random.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void sentence_of(const ravine_diagnosis *d, const char *language,
                        char text[RAVINE_SENTENCE_MAX]) {
    size_t length;
    assert_int_equal(ravine_diagnosis_sentence(d, language, text, RAVINE_SENTENCE_MAX, &length),
                     RAVINE_OK);
    assert_int_equal(length, strlen(text));
}

/* ---- severity */

static void exit_codes_follow_from_severity(void **state) {
    (void)state;
    for (int verdict = 0; verdict < RAVINE_VERDICT_COUNT; verdict++) {
        const int severity = ravine_verdict_severity(verdict);
        assert_non_null(ravine_severity_word(severity));
        assert_non_null(ravine_severity_mark(severity));
        const int code = ravine_verdict_exit_code(verdict);
        assert_int_equal(code, severity <= RAVINE_SEVERITY_NOTE ? 0 : 10 + verdict);
        assert_true(severity > RAVINE_SEVERITY_NOTE || !*ravine_severity_mark(severity));
    }
    assert_int_equal(ravine_verdict_severity(RAVINE_VERDICT_HEALTHY), RAVINE_SEVERITY_FINE);
    assert_int_equal(ravine_verdict_severity(RAVINE_VERDICT_LOCAL_MINIMUM), RAVINE_SEVERITY_NOTE);
    assert_int_equal(ravine_verdict_severity(RAVINE_VERDICT_BOUNCING), RAVINE_SEVERITY_WARNING);
    assert_int_equal(ravine_verdict_severity(RAVINE_VERDICT_NONFINITE), RAVINE_SEVERITY_URGENT);
    assert_int_equal(ravine_verdict_severity(-1), -1);
    assert_int_equal(ravine_verdict_severity(RAVINE_VERDICT_COUNT), -1);
    assert_null(ravine_severity_word(RAVINE_SEVERITY_COUNT));
    assert_null(ravine_severity_mark(-1));
}

/* ---- sentences */

/* Words that a beginner would have to look up. */
static void assert_plain(const char *text) {
    static const char *const words[] = {
        "alpha",     "line position", "line_position", "zeta",     "sigma", "theta",
        "curvature", "eta ",          "ratio",         "standard", "%",     "{"};
    for (size_t k = 0; k < sizeof words / sizeof *words; k++)
        if (strstr(text, words[k])) fail_msg("\"%s\" has \"%s\"", text, words[k]);
}

static const char *const chinese_names[2] = {"zh", "zh_TW"};

static void every_verdict_has_its_sentence(void **state) {
    (void)state;
    char english[RAVINE_SENTENCE_MAX], chinese[RAVINE_SENTENCE_MAX];
    for (int verdict = 0; verdict < RAVINE_VERDICT_COUNT; verdict++) {
        const ravine_diagnosis d = {.size = sizeof d, .verdict = verdict};
        sentence_of(&d, "en", english);
        assert_plain(english);
        assert_true(strlen(english) > 40 && english[strlen(english) - 1] == '.');
        for (size_t k = 0; k < 2; k++) {
            sentence_of(&d, chinese_names[k], chinese);
            assert_plain(chinese);
            assert_string_equal(chinese + strlen(chinese) - strlen("。"), "。");
        }
        for (const char *c = english; *c; c++) assert_true(*c > 0); /* ASCII */
    }
}

/* With every cure behind it, for a line of the terminal. */
static void every_cure_makes_a_sentence(void **state) {
    (void)state;
    enum { FITS = 480 };
    char english[RAVINE_SENTENCE_MAX], chinese[RAVINE_SENTENCE_MAX];
    for (int kind = CURE_UNKNOWN + 1; kind < CURE_COUNT; kind++) {
        assert_non_null(ravine_cure_word(kind));
        const char first = ravine_doctor_cure_words(kind)->text[ENGLISH][0];
        assert_true(first >= 'a' && first <= 'z'); /* to be made a capital */
        for (int other = CURE_UNKNOWN + 1; other < kind; other++)
            assert_string_not_equal(ravine_cure_word(kind), ravine_cure_word(other));
        for (int verdict = 0; verdict < RAVINE_VERDICT_COUNT; verdict++) {
            ravine_diagnosis d = {.size = sizeof d, .verdict = verdict, .ncures = 1};
            d.cure[0] = (ravine_cure){
                .kind = kind, .old_value = 123456, .new_value = 0.0123456, .loss_ratio = NAN};
            sentence_of(&d, "en", english);
            assert_true(strlen(english) < FITS);
            assert_null(strchr(english, '{'));
            assert_int_equal(english[strlen(english) - 1], '.');
            for (size_t k = 0; k < 2; k++) {
                sentence_of(&d, chinese_names[k], chinese);
                assert_true(strlen(chinese) < FITS);
                assert_null(strchr(chinese, '{'));
            }
        }
    }
    assert_null(ravine_cure_word(CURE_UNKNOWN));
    assert_null(ravine_cure_word(CURE_COUNT));
}

static void what_it_says(void **state) {
    (void)state;
    char text[RAVINE_SENTENCE_MAX], other[RAVINE_SENTENCE_MAX];
    ravine_diagnosis d = {.size = sizeof d, .verdict = RAVINE_VERDICT_BOUNCING, .ncures = 1};
    d.cure[0] =
        (ravine_cure){.kind = CURE_LOWER_LR, .old_value = 5, .new_value = 1.2, .loss_ratio = NAN};
    sentence_of(&d, "en", text);
    assert_string_equal(text, "Each step undoes the last one: the rate is too high for the "
                              "steepest direction. Lower lr from 5 to 1.2.");
    sentence_of(&d, "zh_CN.UTF-8", text);
    assert_string_equal(
        text, "每一步都抵消了上一步：对最陡的方向来说学习率太大。把学习率从 5 降到 1.2。");
    static const char *const taiwan[] = {"zh_TW.UTF-8", "zh-TW", "zh_HK", "zh-Hant"};
    for (size_t k = 0; k < sizeof taiwan / sizeof *taiwan; k++) {
        sentence_of(&d, taiwan[k], text);
        assert_string_equal(
            text, "每一步都抵消了上一步：對最陡的方向來說學習率太大。把學習率從 5 降到 1.2。");
    }
    static const char *const english[] = {"C", "", "de_DE.UTF-8", "zhx"};
    sentence_of(&d, "en", other);
    for (size_t k = 0; k < sizeof english / sizeof *english; k++) {
        sentence_of(&d, english[k], text);
        assert_string_equal(text, other);
    }
    d.cure[0].tried = 1;
    d.cure[0].loss_ratio = 1.01; /* no effect: not to be recommended */
    sentence_of(&d, "en", text);
    assert_null(strstr(text, "Lower lr"));
    assert_non_null(strstr(text, " No change that was tried has an effect."));

    /* The evidence tells the cases of a verdict apart. */
    d = (ravine_diagnosis){.size = sizeof d,
                           .verdict = RAVINE_VERDICT_NOT_CONNECTED,
                           .nevidence = 1,
                           .evidence = {{.name = "foreign_share", .value = 0.5}}};
    sentence_of(&d, "en", text);
    assert_non_null(strstr(text, "The optimizer does not have all parameters"));
    d.nevidence = 0;
    sentence_of(&d, "en", text);
    assert_non_null(strstr(text, "get no gradient"));
    d.verdict = 99; /* of a newer library */
    sentence_of(&d, "en", text);
    assert_string_equal(text, "");
}

static void what_is_refused(void **state) {
    (void)state;
    char text[RAVINE_SENTENCE_MAX] = "before";
    ravine_diagnosis d = {.size = sizeof d, .nevidence = RAVINE_EVIDENCE_MAX + 1};
    assert_int_equal(ravine_diagnosis_sentence(&d, "en", text, sizeof text, NULL), RAVINE_E_RANGE);
    assert_non_null(strstr(ravine_errmsg(), "nevidence of the diagnosis is 25"));
    d.nevidence = 0;
    assert_int_equal(ravine_diagnosis_sentence(&d, NULL, text, sizeof text, NULL), RAVINE_E_ARG);
    assert_int_equal(ravine_diagnosis_sentence(NULL, "en", text, sizeof text, NULL), RAVINE_E_ARG);
    assert_int_equal(ravine_diagnosis_sentence(&d, "en", NULL, 0, NULL), RAVINE_E_ARG);
    assert_int_equal(ravine_diagnosis_sentence(&d, "en", text, 10, NULL), RAVINE_E_RANGE);
    assert_string_equal(text, "before");
}

/* ---- evidence */

/* clang-format off */
static const finding used[] = {
#define ABOVE(finding, threshold, sure) FIND_##finding,
#define BELOW(finding, threshold, sure) FIND_##finding,
#define YES(finding)                    FIND_##finding,
#define NO(finding)                     FIND_##finding,
#define NOT_ABOVE(finding, threshold)   FIND_##finding,
#define NOT_BELOW(finding, threshold)   FIND_##finding,
#include "doctor/judge/judge_rules.def"
};

static const char *const names[FINDING_COUNT] = {
#define FINDING(name, meaning) #name,
#include "doctor/judge/findings.def"
#undef FINDING
};

static const char *const said[FINDING_COUNT] = {
#define SAY(finding, key, ...)   [FIND_##finding] = key,
#define ASIDE(finding, key, ...) [FIND_##finding] = key,
#include "doctor/judge/evidence.def"
};
/* clang-format on */

static void every_finding_of_a_rule_has_a_sentence(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof used / sizeof *used; k++)
        if (!said[used[k]]) fail_msg("evidence.def has no sentence of %s", names[used[k]]);
}

typedef struct seen {
    finding list[32];
    int count;
} seen;

static void note(void *context, finding which) {
    seen *s = context;
    assert_true(s->count < 32);
    s->list[s->count++] = which;
}

static doctor_findings unknown(void) {
    doctor_findings f;
    for (int k = 0; k < FINDING_COUNT; k++) f.value[k] = NAN;
    return f;
}

/* The rows of the surest case, and of the concepts that it needs. */
static void evidence_is_what_held(void **state) {
    (void)state;
    doctor_findings f = unknown();
    seen s = {.count = 0};
    ravine_doctor_see_held(&f, RAVINE_VERDICT_LABELS_LOST, note, &s);
    assert_int_equal(s.count, 0);
    f.zero_losses = f.zero_share_of_run = 100;
    ravine_doctor_see_held(&f, RAVINE_VERDICT_LABELS_LOST, note, &s);
    assert_int_equal(s.count, 2);
    assert_true(s.list[0] == FIND_zero_losses && s.list[1] == FIND_zero_share_of_run);

    s.count = 0;
    f = unknown();
    f.lr_share = 1;
    f.falling = 0;
    f.sign_change_rate = 0.5;
    f.sign_change_rate_lag2 = 0.99; /* the second case of OSCILLATING: every other step */
    ravine_doctor_see_held(&f, RAVINE_VERDICT_BOUNCING, note, &s);
    bool two = false, zeta = false;
    for (int k = 0; k < s.count; k++) {
        two = two || s.list[k] == FIND_sign_change_rate_lag2;
        zeta = zeta || s.list[k] == FIND_zeta;
    }
    assert_true(two && !zeta);
}

/* ---- cures */

typedef struct dice {
    uint64_t thrown;
} dice;

static double random_between(dice *r, double least, double most) {
    return least + (most - least) * ravine_random_uniform(1, 0, r->thrown++);
}

static int64_t random_integer(dice *r, int64_t least, int64_t most) {
    return least + (int64_t)ravine_random_below(1, 1, r->thrown++, (uint64_t)(most - least + 1));
}

static double any_number(dice *r) {
    switch (random_integer(r, 0, 7)) {
    case 0: return NAN;
    case 1: return 0;
    case 2: return 1;
    case 3: return -random_between(r, 0, 1);
    case 4: return -pow(10, random_between(r, -8, 8));
    case 5: return random_between(r, 0, 1);
    default: return pow(10, random_between(r, -8, 8));
    }
}

static const char *const optimizers[][2] = {
    {"sgd", ""},
    {"sgd", "momentum=0.9 weight_decay=100"},
    {"adam", "eps=10"},
    {"adamw", "beta2=0.3"},
    {"adagrad", ""},
    {"rmsprop", "eps=0.1"},
    {"lion", ""},
    {"adamw", "weight_decay=0.5 eps=1"},
    {"adam", "amsgrad=true"},
    {"sgd", "momentum=0.9 ema_decay=0.999"},
};
enum { OPTIMIZERS = sizeof optimizers / sizeof *optimizers };

/* A doctor with some steps behind it, whose memory is then anything. */
static ravine_doctor *any_doctor(dice *r) {
    ravine_doctor *d;
    ravine_config config;
    char text[96];
    assert_int_equal(ravine_doctor_create(&d, NULL, NULL), RAVINE_OK);
    const double lr = random_integer(r, 0, 9) ? pow(10, random_between(r, -12, 0)) : 0;
    const char *const *rule = optimizers[random_integer(r, 0, OPTIMIZERS - 1)];
    snprintf(text, sizeof text, "%s lr=%.17g %s", rule[0], lr, rule[1]);
    assert_int_equal(ravine_config_parse(&config, text), RAVINE_OK);
    const int64_t steps = random_integer(r, 0, 20);
    for (int64_t t = 1; t <= steps; t++) {
        const ravine_step_stats stats = {.size = sizeof stats,
                                         .step = t,
                                         .attempts = t,
                                         .lr = lr,
                                         .grad_norm = 1,
                                         .update_norm = 0.1,
                                         .param_norm = 1,
                                         .clip = 1};
        const ravine_observation o = {.size = sizeof o,
                                      .loss = random_between(r, 0, 1),
                                      .path_efficiency = NAN,
                                      .stats = &stats,
                                      .config = random_integer(r, 0, 4) ? &config : NULL};
        assert_int_equal(ravine_doctor_feed(d, &o), RAVINE_OK);
    }
    doctor_history *h = &d->h;
    if (random_integer(r, 0, 1)) h->lr_most = lr * pow(10, random_between(r, 0, 4));
    h->probe_noise_scale = any_number(r);
    h->probe_escape = any_number(r);
    h->validations = (double)random_integer(r, 0, 9);
    h->fact[RAVINE_FACT_CLIP_NORM] =
        random_integer(r, 0, 3) ? NAN : pow(10, random_between(r, -6, 1));
    return d;
}

static doctor_findings any_findings(dice *r, const ravine_doctor *d) {
    doctor_findings f;
    for (int k = 0; k < FINDING_COUNT; k++) f.value[k] = any_number(r);
    const double lr = d->h.kept > 0 ? d->h.setting[RAVINE_LR] : NAN;
    f.budget = (double)random_integer(r, 0, 100000);
    f.lr_share = d->h.lr_most > 0 ? lr / d->h.lr_most : NAN;
    f.adaptive = (double)random_integer(r, 0, 1);
    f.loss_input = random_integer(r, 0, 3) ? NAN : (double)random_integer(r, 0, 3);
    f.dropout = random_integer(r, 0, 3) ? NAN : random_between(r, 0, 1);
    f.probed = (double)random_integer(r, 0, 1);
    return f;
}

static void assert_changes(const ravine_cure *c) {
    char old_value[32], new_value[32];
    if (isnan(c->old_value) || isnan(c->new_value) || c->kind == CURE_WARM_UP) return;
    snprintf(old_value, sizeof old_value, "%.3g", c->old_value);
    snprintf(new_value, sizeof new_value, "%.3g", c->new_value);
    if (!strcmp(old_value, new_value)) fail_msg("%s", c->text);
}

static void assert_settings(const ravine_cure *c, const ravine_config *now) {
    ravine_config config;
    ravine_schedule schedule;
    if (*c->optimizer && ravine_config_parse(&config, c->optimizer))
        fail_msg("%s: %s: %s", c->text, c->optimizer, ravine_errmsg());
    if (*c->schedule && ravine_schedule_parse(&schedule, c->schedule))
        fail_msg("%s: %s: %s", c->text, c->schedule, ravine_errmsg());
    if (*c->optimizer && !*c->schedule && c->action == RAVINE_CURE_SETTINGS &&
        !memcmp(&config, now, sizeof config))
        fail_msg("%s: %s is what it was", c->text, c->optimizer);
}

/* A rate that the numbers speak against, or that the schedule has left. */
static void assert_rate(const ravine_cure *c, const doctor_findings *f, const doctor_history *h) {
    const bool slow =
        f->move < 5e-4 && f->line_position < -0.1 && !(f->move_most > 0.1) && !(f->stability > 1);
    const bool fast = f->fallen_z < -4 || f->drop_z < -4 || f->stability > 1 ||
                      f->nonfinite_recent > 0 || f->move > 0.1;
    const bool clipped = f->clip_share > 0.9 && f->clip_factor < 0.1 && f->clip_factor > 0;
    switch ((cure_kind)c->kind) {
    case CURE_LOWER_LR:
        assert_true(c->new_value > 0 && c->new_value < c->old_value);
        assert_false(slow || clipped);
        break;
    case CURE_RAISE_LR:
        assert_true(c->old_value > 0 && c->new_value > c->old_value && isfinite(c->new_value));
        assert_false(fast);
        if (f->lr_share < 0.999) assert_true(c->new_value > h->lr_most);
        break;
    case CURE_DECAY_LR:
        assert_true(c->new_value > 0 && c->new_value < c->old_value);
        assert_false(f->lr_share < 0.3 || slow);
        break;
    case CURE_INVERSE_SQRT:
    case CURE_WARM_UP: assert_true(c->new_value > 0 && !(f->lr_share < 0.3)); break;
    default: break;
    }
}

static bool has_cure(const ravine_diagnosis *x, cure_kind kind, double old_value) {
    for (int32_t k = 0; k < x->ncures; k++)
        if (x->cure[k].kind == (int32_t)kind && x->cure[k].old_value == old_value) return true;
    return false;
}

/* A setting that explains it by itself is named, with its value. */
static void assert_blamed(const ravine_diagnosis *x, const doctor_findings *f,
                          const ravine_doctor *d) {
    const ravine_config c = ravine_doctor_config(d);
    const bool known = c.rule >= 0, sigma = c.rule == RAVINE_ADAM || c.rule == RAVINE_ADAMW;
    if (known && c.eps > 1e-5 && sigma && f->eps_share > 0.5)
        assert_true(has_cure(x, CURE_LOWER_EPS, c.eps));
    if (known && sigma && f->adaptive > 0 && c.beta2 < 0.9)
        assert_true(has_cure(x, CURE_RAISE_BETA2, c.beta2));
    if (known && c.weight_decay > 0 && f->decay_share > 0.3)
        assert_true(has_cure(x, CURE_LOWER_DECAY, c.weight_decay));
    if (f->dropout > 0.6) assert_true(has_cure(x, CURE_LOWER_DROPOUT, f->dropout));
    if (d->h.fact[RAVINE_FACT_CLIP_NORM] > 0 && f->clip_share > 0.9 && f->clip_factor < 0.1 &&
        f->clip_factor > 0)
        assert_true(has_cure(x, CURE_RAISE_CLIP, d->h.fact[RAVINE_FACT_CLIP_NORM]));
}

static void check_cures(const ravine_doctor *d, const doctor_findings *f, int verdict) {
    const ravine_config now = ravine_doctor_config(d);
    ravine_diagnosis x = {.size = sizeof x, .verdict = verdict};
    ravine_doctor_prescribe(d, f, &x);
    assert_true(x.ncures >= 1 && x.ncures <= RAVINE_CURES_MAX);
    for (int32_t k = 0; k < x.ncures; k++) {
        const ravine_cure *c = &x.cure[k];
        assert_non_null(ravine_cure_word(c->kind));
        if (!*c->text || strchr(c->text, '{') || strstr(c->text, "nan") || strstr(c->text, "inf"))
            fail_msg("%s: \"%s\"", ravine_verdict_word(verdict), c->text);
        assert_true(isnan(c->loss_ratio) && c->tried == 0);
        assert_changes(c);
        assert_settings(c, &now);
        assert_rate(c, f, &d->h);
        if (c->kind == CURE_NOTHING) assert_int_equal(x.ncures, 1);
    }
    assert_int_equal(x.cure[0].kind == CURE_NOTHING, verdict == RAVINE_VERDICT_HEALTHY);
    if (verdict == RAVINE_VERDICT_CRAWLING || verdict == RAVINE_VERDICT_NOT_LEARNING)
        assert_blamed(&x, f, d);
}

static void no_advice_against_the_numbers(void **state) {
    (void)state;
    enum { DOCTORS = 3000 };
    dice r = {.thrown = 0};
    for (int k = 0; k < DOCTORS; k++) {
        ravine_doctor *d = any_doctor(&r);
        const doctor_findings f = any_findings(&r, d);
        for (int verdict = 0; verdict < RAVINE_VERDICT_COUNT; verdict++)
            check_cures(d, &f, verdict);
        ravine_doctor_destroy(d);
    }
}

/* ---- whole diagnoses of random histories */

/* How loss and gradient go in a history. */
typedef enum regime { FALLS, RISES, RESTS, GROWS, ZERO, SILENT, WILD, REGIMES } regime;

static double loss_at(dice *r, regime way, int64_t t) {
    const double noise = random_between(r, 0.9, 1.1);
    switch (way) {
    case FALLS: return 3 * noise / (1 + 0.01 * (double)t);
    case RISES: return noise * (1 + 0.02 * (double)t);
    case GROWS: return pow(1.1, (double)t);
    case ZERO: return 0;
    case WILD: return any_number(r);
    case RESTS:
    case SILENT:
    case REGIMES: break;
    }
    return noise;
}

static ravine_step_stats any_stats(dice *r, regime way, int64_t t, double lr) {
    const double share = random_between(r, 0, 1);
    ravine_step_stats stats = {.size = sizeof stats,
                               .step = t,
                               .attempts = t,
                               .lr = lr,
                               .grad_norm = way == SILENT  ? 0
                                            : way == GROWS ? pow(1.1, (double)t)
                                                           : random_between(r, 0.5, 1),
                               .param_norm = way == WILD ? any_number(r) : 1,
                               .clip = random_integer(r, 0, 1) ? 1 : 0.01,
                               .line_position = random_between(r, -1, 1.2),
                               .sign_change_rate = share,
                               .sign_change_rate_lag2 = random_between(r, 0, 1),
                               .zero_share = way == SILENT ? 1 : share,
                               .quiet_share = way == SILENT ? 1 : 0,
                               .underflow_share = random_between(r, 0, 1),
                               .eps_share = random_between(r, 0, 1),
                               .sigma_ratio = any_number(r),
                               .momentum_norm = any_number(r)};
    stats.update_norm = way == WILD ? any_number(r) : lr * stats.grad_norm;
    stats.grad_dot_update = -stats.update_norm * stats.grad_norm;
    return stats;
}

static void tell_facts(dice *r, ravine_doctor *d) {
    for (int fact = 0; fact < RAVINE_FACT_COUNT; fact++)
        if (random_integer(r, 0, 9) == 0)
            assert_int_equal(ravine_doctor_tell(d, fact, any_number(r)), RAVINE_OK);
}

static ravine_doctor *any_history(dice *r) {
    enum { STEPS = 300 };
    ravine_doctor *d;
    ravine_config config;
    ravine_doctor_options options;
    char text[96];
    ravine_doctor_options_init(&options);
    options.window = 32;
    assert_int_equal(ravine_doctor_create(&d, &options, NULL), RAVINE_OK);
    double lr = random_integer(r, 0, 9) ? pow(10, random_between(r, -9, 0)) : 0;
    const char *const *rule = optimizers[random_integer(r, 0, OPTIMIZERS - 1)];
    snprintf(text, sizeof text, "%s lr=%.17g %s", rule[0], lr, rule[1]);
    assert_int_equal(ravine_config_parse(&config, text), RAVINE_OK);
    const regime way = (regime)random_integer(r, 0, REGIMES - 1);
    const double keep = random_integer(r, 0, 1) ? 1 : 0.95;
    const int64_t steps = random_integer(r, 0, STEPS);
    if (random_integer(r, 0, 1)) tell_facts(r, d);
    for (int64_t t = 1; t <= steps; t++, lr *= keep) {
        const ravine_step_stats stats = any_stats(r, way, t, lr);
        config.lr = lr;
        const ravine_observation o = {.size = sizeof o,
                                      .nparts = 1,
                                      .loss = loss_at(r, way, t),
                                      .path_efficiency = random_between(r, 0, 1),
                                      .stats = &stats,
                                      .part_stats = &stats,
                                      .config = &config};
        assert_int_equal(ravine_doctor_feed(d, &o), RAVINE_OK);
    }
    return d;
}

static void assert_words(const char *text) {
    if (strstr(text, "nan")) fail_msg("\"%s\"", text);
}

static void no_word_without_its_number(void **state) {
    (void)state;
    enum { HISTORIES = 1500 };
    dice r = {.thrown = 1u << 30};
    static int said_of[RAVINE_VERDICT_COUNT];
    for (int k = 0; k < HISTORIES; k++) {
        ravine_doctor *d = any_history(&r);
        ravine_diagnosis x = {.size = sizeof x};
        assert_int_equal(ravine_doctor_diagnose(d, &x), RAVINE_OK);
        for (int32_t e = 0; e < x.nevidence; e++) assert_words(x.evidence[e].text);
        for (int32_t e = 0; e < x.ncannot_tell; e++) assert_words(x.cannot_tell[e]);
        assert_words(x.not_text);
        char english[RAVINE_SENTENCE_MAX];
        sentence_of(&x, "en", english);
        assert_words(english);
        doctor_findings f;
        ravine_doctor_find(d, &f);
        check_cures(d, &f, x.verdict);
        said_of[x.verdict]++;
        ravine_doctor_destroy(d);
    }
    int different = 0;
    for (int verdict = 0; verdict < RAVINE_VERDICT_COUNT; verdict++)
        different += said_of[verdict] > 0;
    assert_true(different >= 8);
}

/* Nothing was seen: that is said, and what to do about it. */
static void nothing_was_seen(void **state) {
    (void)state;
    ravine_doctor *d;
    ravine_diagnosis x = {.size = sizeof x};
    char text[RAVINE_SENTENCE_MAX];
    assert_int_equal(ravine_doctor_create(&d, NULL, NULL), RAVINE_OK);
    assert_int_equal(ravine_doctor_diagnose(d, &x), RAVINE_OK);
    assert_int_equal(x.verdict, RAVINE_VERDICT_UNCLEAR);
    assert_int_equal(x.nevidence, 0);
    assert_non_null(strstr(x.cannot_tell[0], "no step was seen; tell the doctor the loss"));
    sentence_of(&x, "en", text);
    assert_non_null(strstr(text, " Tell the doctor the loss of each step"));
    ravine_doctor_destroy(d);
}

/* Steps were seen, but few: whoever told them need not be told to tell them. */
static void few_steps_were_seen(void **state) {
    (void)state;
    ravine_doctor *d;
    ravine_diagnosis x = {.size = sizeof x};
    char english[RAVINE_SENTENCE_MAX], chinese[RAVINE_SENTENCE_MAX];
    assert_int_equal(ravine_doctor_create(&d, NULL, NULL), RAVINE_OK);
    for (int step = 1; step <= 3; step++) {
        const ravine_step_stats stats = {.size = sizeof stats,
                                         .step = step,
                                         .attempts = step,
                                         .lr = 0.1,
                                         .grad_norm = 1,
                                         .update_norm = 0.1,
                                         .param_norm = 1,
                                         .line_position = NAN,
                                         .sign_change_rate = NAN,
                                         .sign_change_rate_lag2 = NAN,
                                         .quiet_share = NAN,
                                         .sigma_ratio = NAN};
        const ravine_observation o = {
            .size = sizeof o, .loss = 1, .path_efficiency = NAN, .stats = &stats};
        assert_int_equal(ravine_doctor_feed(d, &o), RAVINE_OK);
    }
    assert_int_equal(ravine_doctor_diagnose(d, &x), RAVINE_OK);
    assert_int_equal(x.verdict, RAVINE_VERDICT_UNCLEAR);
    assert_string_equal(ravine_cure_word(x.cure[0].kind), "train_longer");
    sentence_of(&x, "en", english);
    sentence_of(&x, "zh", chinese);
    assert_non_null(strstr(english, " Train on: 3 steps were seen, and a diagnosis needs 16."));
    assert_non_null(strstr(chinese, "3"));
    assert_null(strstr(english, "ell the doctor"));
    ravine_doctor_destroy(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_codes_follow_from_severity),
        cmocka_unit_test(every_verdict_has_its_sentence),
        cmocka_unit_test(every_cure_makes_a_sentence),
        cmocka_unit_test(what_it_says),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(every_finding_of_a_rule_has_a_sentence),
        cmocka_unit_test(evidence_is_what_held),
        cmocka_unit_test(no_advice_against_the_numbers),
        cmocka_unit_test(no_word_without_its_number),
        cmocka_unit_test(nothing_was_seen),
        cmocka_unit_test(few_steps_were_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
