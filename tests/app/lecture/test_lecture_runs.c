/* SPDX-License-Identifier: Apache-2.0 */
/* test_lecture_runs.c - the table of the lecture: every run measured, and the files that
 * `ravine lecture` leaves. What is expected stands in app/lecture/runs.def; that it is the
 * reference's, tests/python/test_lecture.py sees to. */
#include "support/scratch.h"

#include "io/failure.h"
#include "lecture/lecture.h"
#include "lecture/runs.h"

#include <math.h>

/* cmocka 1.1.5 compares floats alone. */
#define assert_near(a, b, room) assert_true(fabs((a) - (b)) <= (room))

static surface *convex;
static lecture_measured measured[LECTURE_RUN_COUNT];

static int measure_all(void **state) {
    (void)state;
    return surface_create(&convex, "lecture") || lecture_runs_measure(measured, convex);
}

static int forget_all(void **state) {
    (void)state;
    surface_destroy(convex);
    return 0;
}

static void every_number_is_the_references(void **state) {
    (void)state;
    int judged = 0;
    for (lecture_run id = 0; id < LECTURE_RUN_COUNT; id++)
        for (lecture_column c = 0; c < LECTURE_COLUMNS; c++) {
            if (!lecture_run_rows[id].want[c].text) continue;
            judged++;
            if (lecture_run_agrees(id, c, &measured[id])) continue;
            fail_msg("%s: column %d is %.17g; the reference has %s", lecture_run_rows[id].key,
                     (int)c, measured[id].value[c], lecture_run_rows[id].want[c].text);
        }
    assert_in_range(judged, 60, 70);
}

/* The number that a reader sees as expected lies in the range that is accepted. */
static void ranges_hold_what_they_say(void **state) {
    (void)state;
    for (lecture_run id = 0; id < LECTURE_RUN_COUNT; id++)
        for (lecture_column c = 0; c < LECTURE_COLUMNS; c++) {
            const lecture_want *want = &lecture_run_rows[id].want[c];
            if (!want->text || !strcmp(want->text, "never")) continue;
            char digits[32] = "", *to = digits;
            for (const char *t = want->text; *t; t++)
                if (*t != ',') *to++ = *t;
            const double said = strtod(digits, NULL);
            assert_true(said >= want->least && said <= want->greatest);
        }
}

/* The steep eigenvalue of [[20, 5020], [5020, 1746816]], by its quadratic equation. */
static void growth_is_eta_lambda_minus_one(void **state) {
    (void)state;
    const double lambda = (20 + 1746816) / 2.0 + sqrt(pow((1746816 - 20) / 2.0, 2) + 5020.0 * 5020);
    static const struct {
        lecture_run id;
        double eta;
    } run[] = {
        {LECTURE_GD_2, 1e-2}, {LECTURE_GD_3, 1e-3}, {LECTURE_GD_4, 1e-4}, {LECTURE_GD_5, 1e-5}};
    for (size_t k = 0; k < 4; k++)
        assert_near(measured[run[k].id].value[LECTURE_GROWTH], run[k].eta * lambda - 1,
                    1e-6 * run[k].eta * lambda);
    assert_true(isnan(measured[LECTURE_GD_7].value[LECTURE_GROWTH]));
}

/* RMSProp ends on an orbit at eta / sqrt(2); the complete rule arrives. */
static void ends_are_where_theory_puts_them(void **state) {
    (void)state;
    assert_near(measured[LECTURE_RMSPROP_01].value[LECTURE_DISTANCE], 0.1 / sqrt(2), 1e-5);
    assert_near(measured[LECTURE_RMSPROP_1].value[LECTURE_DISTANCE], 1 / sqrt(2), 1e-4);
    assert_true(measured[LECTURE_COMPLETE].value[LECTURE_DISTANCE] < 1e-9);
    assert_int_equal(measured[LECTURE_COMPLETE].value[LECTURE_BURSTS], 0);
    assert_true(measured[LECTURE_RADAM].value[LECTURE_DISTANCE] > 1e6);
}

/* Without the images figures (a) and (l) say so, and the rest is made. */
static void the_rest_is_made_without_images(void **state) {
    (void)state;
    enum { OTHERS = 2 }; /* than figures */
    static const char *const files[] = {
        "index.html",        "lecture.json", "stall.svg",    "gradient_descent.svg",
        "adagrad_sigma.svg", "crescent.svg", "rules.svg",    "adagrad_explodes.svg",
        "decay.svg",         "warmup.svg",   "complete.svg", "sign_and_size.svg",
        "alpha.svg",         "bounce.svg",   "way.svg",      "young.svg",
        "batch.svg",         "networks.svg"};
    json_t *numbers = NULL;
    setenv("RAVINE_DATA_TRAIN_IMAGES", "/nowhere/<images>.gz", 1);
    const int status = lecture_write(scratch_path("made/here"), NULL, &numbers);
    unsetenv("RAVINE_DATA_TRAIN_IMAGES");
    assert_int_equal(status, 0);
    for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
        char name[64];
        size_t size;
        snprintf(name, sizeof name, "made/here/%s", files[k]);
        free(scratch_read(scratch_path(name), &size));
        assert_true(size > 1000);
    }
    json_t *figures = json_object_get(numbers, "figures");
    assert_int_equal(json_object_size(figures), sizeof files / sizeof *files - OTHERS);
    const char *missing =
        json_string_value(json_object_get(json_object_get(figures, "a"), "missing"));
    assert_non_null(missing);
    assert_non_null(strstr(missing, "/nowhere/"));
    assert_true(json_is_null(json_object_get(json_object_get(figures, "b"), "missing")));
    size_t size;
    char *html = scratch_read(scratch_path("made/here/index.html"), &size);
    assert_non_null(strstr(html, "/nowhere/&lt;images&gt;.gz"));
    assert_null(strstr(html, "<images>"));
    assert_null(strstr(html, "{{")); /* every hole is filled */
    free(html);
    char *text = scratch_read(scratch_path("made/here/lecture.json"), &size);
    json_t *again = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_true(json_equal(again, numbers));
    free(text);
    json_decref(again);
    json_decref(numbers);
}

static void a_folder_that_cannot_be_made(void **state) {
    (void)state;
    json_t *numbers = NULL;
    scratch_write("file", "x", 1);
    assert_int_equal(lecture_write(scratch_path("file/below"), NULL, &numbers), FAILURE_INPUT);
    assert_null(numbers);
    assert_told("file");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_is_the_references),
        cmocka_unit_test(ranges_hold_what_they_say),
        cmocka_unit_test(growth_is_eta_lambda_minus_one),
        cmocka_unit_test(ends_are_where_theory_puts_them),
        SCRATCH_TEST(the_rest_is_made_without_images),
        SCRATCH_TEST(a_folder_that_cannot_be_made),
    };
    return cmocka_run_group_tests(tests, measure_all, forget_all);
}
