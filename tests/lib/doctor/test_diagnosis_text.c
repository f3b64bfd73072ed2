/* SPDX-License-Identifier: Apache-2.0 */
/* A diagnosis as text: every line of it, and what does not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ravine_doctor.h"

#include <math.h>
#include <string.h>

static void assert_text(const ravine_diagnosis *d, const char *expected) {
    char text[RAVINE_DIAGNOSIS_TEXT_MAX];
    size_t length;
    assert_int_equal(ravine_diagnosis_format(d, text, sizeof text, &length), RAVINE_OK);
    assert_string_equal(text, expected);
    assert_int_equal(length, strlen(text));
}

static void every_line(void **state) {
    (void)state;
    static ravine_diagnosis d = {
        .size = sizeof d,
        .verdict = RAVINE_VERDICT_SIGMA_BURST,
        .confidence = 0.875,
        .step = 1200,
        .since = 800,
        .nevidence = 2,
        .ncures = 4,
        .nalso = 2,
        .ncannot_tell = 2,
        .evidence = {{.name = "a", .text = "first"}, {.name = "b", .text = "second, 5 %"}},
        .cure = {{.tried = 1, .text = "one", .loss_ratio = 0},
                 {.tried = 1, .text = "two", .loss_ratio = 0.25},
                 {.tried = 1, .text = "three", .loss_ratio = HUGE_VAL},
                 {.text = "four", .loss_ratio = NAN}},
        .not_text = "a minimum",
        .also = {RAVINE_VERDICT_NOISE_FLOOR, RAVINE_VERDICT_DEAD},
        .cannot_tell = {"this", "that"}};
    assert_text(&d,
                "The optimizer made its steps longer and longer while gradients were small, until "
                "one step threw the parameters far away.\n"
                "SIGMA BURST (confidence 0.88, step 1200, since step 800)\n"
                " why     first\n"
                "         second, 5 %\n"
                " means   sigma shrank with the gradient until one step was thrown far out of the "
                "valley\n"
                " do      one [tried: the unchanged run is lost, and this one is not]\n"
                " or      two [tried, it helped: the loss is 0.25 times the unchanged run's]\n"
                " or      three [tried, it did harm: the loss is inf times the unchanged run's]\n"
                " or      four\n"
                " not     a minimum\n"
                " also    NOISE FLOOR\n"
                "         DEAD\n"
                " cannot  tell this\n"
                "         tell that\n");
    d = (ravine_diagnosis){.size = sizeof d, .step = 3, .since = -1};
    assert_text(&d, "Training goes well: the loss is clearly below where it began.\n"
                    "HEALTHY (confidence 0, step 3)\n"
                    " means   the loss falls at a rate that will take it further\n");
    d.verdict = 99; /* of a newer library */
    assert_text(&d, "UNKNOWN (confidence 0, step 3)\n");
}

/* The longest that there can be. */
static void the_longest_fits(void **state) {
    (void)state;
    static ravine_diagnosis d = {.size = sizeof d,
                                 .verdict = RAVINE_VERDICT_SIGMA_BURST,
                                 .confidence = 1.234e300,
                                 .step = INT64_MAX,
                                 .since = INT64_MAX - 1,
                                 .nevidence = RAVINE_EVIDENCE_MAX,
                                 .ncures = RAVINE_CURES_MAX,
                                 .nalso = RAVINE_ALSO_MAX,
                                 .ncannot_tell = RAVINE_CANNOT_MAX};
    for (int k = 0; k < RAVINE_EVIDENCE_MAX; k++)
        memset(d.evidence[k].text, 'e', sizeof d.evidence[k].text); /* no NUL */
    for (int k = 0; k < RAVINE_CURES_MAX; k++) {
        memset(d.cure[k].text, 'c', sizeof d.cure[k].text);
        d.cure[k].tried = 1;
        d.cure[k].loss_ratio = 1.234e300;
    }
    memset(d.not_text, 'n', sizeof d.not_text);
    for (int k = 0; k < RAVINE_ALSO_MAX; k++) d.also[k] = RAVINE_VERDICT_WARMUP_NEEDED;
    for (int k = 0; k < RAVINE_CANNOT_MAX; k++)
        memset(d.cannot_tell[k], 't', sizeof d.cannot_tell[k]);
    static char text[RAVINE_DIAGNOSIS_TEXT_MAX];
    size_t length;
    assert_int_equal(ravine_diagnosis_format(&d, text, sizeof text, &length), RAVINE_OK);
    assert_int_equal(text[length - 1], '\n');
    assert_int_equal(ravine_diagnosis_format(&d, text, length + 1, NULL), RAVINE_OK);
    strcpy(text, "before");
    assert_int_equal(ravine_diagnosis_format(&d, text, length, NULL), RAVINE_E_RANGE);
    assert_non_null(strstr(ravine_errmsg(), "bytes; the text takes "));
    assert_string_equal(text, "before");
}

static void what_is_none(void **state) {
    (void)state;
    char text[400] = "before";
    const ravine_diagnosis good = {.size = sizeof good};
    ravine_diagnosis d;
#define REFUSED(change, status, says)                                               \
    d = good;                                                                       \
    change;                                                                         \
    assert_int_equal(ravine_diagnosis_format(&d, text, sizeof text, NULL), status); \
    if (!strstr(ravine_errmsg(), says)) fail_msg("\"%s\"", ravine_errmsg())
    REFUSED(d.size = 5, RAVINE_E_ARG, "set it to sizeof(ravine_diagnosis)");
    REFUSED(d.nevidence = 25, RAVINE_E_RANGE, "nevidence of the diagnosis is 25");
    REFUSED(d.ncures = -1, RAVINE_E_RANGE, "ncures of the diagnosis is -1");
    REFUSED(d.nalso = 7, RAVINE_E_RANGE, "nalso");
    REFUSED(d.ncannot_tell = 7, RAVINE_E_RANGE, "ncannot_tell");
#undef REFUSED
    assert_int_equal(ravine_diagnosis_format(NULL, text, sizeof text, NULL), RAVINE_E_ARG);
    assert_int_equal(ravine_diagnosis_format(&good, NULL, 0, NULL), RAVINE_E_ARG);
    assert_string_equal(text, "before");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line),
        cmocka_unit_test(the_longest_fits),
        cmocka_unit_test(what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
