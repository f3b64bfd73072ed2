/* SPDX-License-Identifier: Apache-2.0 */
/* Gradients that are suddenly many times as long as usual: what is seen of them, and that clipping
 * is advised with its bound where it helps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "doctor/judge/cures.h"
#include "doctor/judge/judge.h"

#include <math.h>
#include <string.h>

enum { STEPS = 300, RARE = 40 };
static const double USUAL = 2;

typedef double norm_at(int64_t step);

static double walls(int64_t t) {
    return t % RARE == 0 ? 1000 * USUAL : USUAL;
}

static double growth(int64_t t) {
    return USUAL * pow(1.03, (double)t);
}

static double batches(int64_t t) {
    return t % 3 == 0 ? 3 * USUAL : USUAL;
}

/* A run with such norms, of two parts the second of which has the walls. */
static ravine_doctor *run_of(norm_at *norm, double clip, double move) {
    ravine_doctor *d;
    ravine_config config;
    assert_int_equal(ravine_config_parse(&config, "sgd lr=0.5"), RAVINE_OK);
    assert_int_equal(ravine_doctor_create(&d, NULL, NULL), RAVINE_OK);
    for (int64_t t = 1; t <= STEPS; t++) {
        ravine_step_stats part[2] = {{.size = sizeof *part, .grad_norm = USUAL},
                                     {.size = sizeof *part, .grad_norm = norm(t)}};
        const ravine_step_stats all = {.size = sizeof all,
                                       .step = t,
                                       .attempts = t,
                                       .lr = 0.5,
                                       .grad_norm = norm(t),
                                       .update_norm = move,
                                       .param_norm = 1,
                                       .clip = clip};
        const char *const names[] = {"table.weight", "lstm.weight_hh_l0"};
        const int64_t elements[] = {64, 64};
        const ravine_observation o = {.size = sizeof o,
                                      .loss = 3,
                                      .path_efficiency = NAN,
                                      .stats = &all,
                                      .nparts = 2,
                                      .part_stats = part,
                                      .part_name = names,
                                      .part_elements = elements,
                                      .config = &config};
        assert_int_equal(ravine_doctor_feed(d, &o), RAVINE_OK);
    }
    return d;
}

/* What would be said of it, had it run away. */
static double say(ravine_doctor *d, ravine_diagnosis *x) {
    doctor_findings f;
    *x = (ravine_diagnosis){.size = sizeof *x, .verdict = RAVINE_VERDICT_DIVERGING};
    ravine_doctor_find(d, &f);
    f.exploded = 0;
    ravine_doctor_explain(d, &f, x);
    ravine_doctor_prescribe(d, &f, x);
    ravine_doctor_destroy(d);
    return f.gradient_wall;
}

static const ravine_evidence *evidence(const ravine_diagnosis *x, const char *name) {
    for (int32_t k = 0; k < x->nevidence; k++)
        if (!strcmp(x->evidence[k].name, name)) return &x->evidence[k];
    return NULL;
}

static void what_came_and_went_is_clipped(void **state) {
    (void)state;
    ravine_diagnosis x;
    assert_true(say(run_of(walls, 1, 0.1), &x) == 1000);
    assert_int_equal(x.cure[0].kind, CURE_CLIP_NORM);
    assert_true(x.cure[0].new_value == USUAL / 4);
    assert_string_equal(x.cure[0].text, "clip the gradient's norm: clip_norm 0.5");
    assert_non_null(strstr(evidence(&x, "gradient_wall")->text, "up to 1e+03 times as long"));
    assert_non_null(strstr(evidence(&x, "wall_part")->text, "group 1, lstm.weight_hh_l0"));
}

static void what_was_thrown_begins_anew(void **state) {
    (void)state;
    ravine_diagnosis x;
    say(run_of(walls, 1, 2), &x);
    assert_int_equal(x.cure[0].kind, CURE_CLIP_NORM);
    assert_non_null(strstr(x.cure[0].text, "begin anew"));
}

/* A swing that grows is no wall, however long the gradient has become; nor are batches that differ.
 */
static void what_only_grows_is_not(void **state) {
    (void)state;
    norm_at *const norms[] = {growth, batches};
    for (size_t k = 0; k < sizeof norms / sizeof *norms; k++) {
        ravine_diagnosis x;
        assert_true(say(run_of(norms[k], 1, 0.1), &x) == 0);
        assert_int_equal(x.cure[0].kind, CURE_LOWER_LR);
        assert_null(evidence(&x, "gradient_wall"));
        assert_null(evidence(&x, "wall_part"));
    }
}

/* Nobody is told to do what he does, whether he says so or it is seen. */
static void who_clips_is_not_told_to(void **state) {
    (void)state;
    ravine_diagnosis x;
    ravine_doctor *d = run_of(walls, 1, 0.1);
    assert_int_equal(ravine_doctor_tell(d, RAVINE_FACT_CLIP_NORM, 50), RAVINE_OK);
    say(d, &x);
    assert_int_equal(x.cure[0].kind, CURE_LOWER_LR);
    say(run_of(walls, 0.5, 0.1), &x);
    assert_int_equal(x.cure[0].kind, CURE_LOWER_LR);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_came_and_went_is_clipped),
        cmocka_unit_test(what_was_thrown_begins_anew),
        cmocka_unit_test(what_only_grows_is_not),
        cmocka_unit_test(who_clips_is_not_told_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
