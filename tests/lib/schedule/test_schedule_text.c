/* SPDX-License-Identifier: Apache-2.0 */
/* The text form: what is read, what is written, and what every error says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ravine.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* What `text` reads as, in canonical form. */
static void assert_canonical(const char *text, const char *canonical) {
    ravine_schedule s;
    char written[4096];
    size_t length;
    if (ravine_schedule_parse(&s, text)) fail_msg("%s: %s", text, ravine_errmsg());
    assert_int_equal(ravine_schedule_format(&s, written, sizeof written, &length), RAVINE_OK);
    assert_string_equal(written, canonical);
    assert_int_equal(length, strlen(written));
}

static void presets_expand_to_plain_segments(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"3e-4", "0.0003"},
        {"  1  ", "1"},
        {"-0", "0"},
        {"constant lr=1e-3", "0.001"},
        {"warmup(1000) cosine(9000, to=3e-5) lr=3e-4",
         "linear(1000, from=3e-07, to=0.0003) cosine(9000, to=3e-05)"},
        {"lr=1\n\twarmup ( steps = 4 , from = 0 )\nlinear(1e1)",
         "linear(4, from=0, to=1) linear(10, to=0)"},
        {"warmup_constant(5, from=0.1) linear(5) lr=1",
         "constant(5, from=0.1) linear(5, from=1, to=0)"},
        {"warmup_exponential(5, from=0.1) lr=1", "exponential(5, from=0.1, to=1)"},
        {"multistep(30, 60, gamma=0.5) lr=1",
         "constant(30, from=1) constant(30, from=0.5) constant(from=0.25)"},
        {"triangular(3, from=0.1, steps=12) lr=1",
         "cyclic(12, from=0.1, to=1, half_cycle=3, gamma=1)"},
        {"triangular2(3, from=0.1) lr=1", "cyclic(from=0.1, to=1, half_cycle=3, gamma=0.5)"},
        {"onecycle(100) lr=0.25", "cosine(29, from=0.01, to=0.25) cosine(70, to=1e-06)"},
        {"wsd(100, warmup=10, decay=20, to=0.5) lr=1",
         "linear(10, from=0.1, to=1) constant(70) linear(20, to=0.5)"},
        {"noam(4, width=4, factor=2)", "linear(3, from=0.125, to=0.5) inverse_sqrt(timescale=4)"},
        {"step(90, every=30, gamma=0.1) lr=1", "step(90, from=1, every=30, gamma=0.1)"},
        {"decay(gamma=0.5) lr=1", "decay(from=1, gamma=0.5)"},
        {"inverse_time(timescale=8) lr=1", "inverse_time(from=1, timescale=8)"},
        {"exponential(5, to=.5) lr=1", "exponential(5, from=1, to=0.5)"},
        {"polynomial(5) lr=1", "polynomial(5, from=1, to=0, power=1)"},
        {"restarts(period=10) lr=1", "restarts(from=1, to=0, period=10, growth=1)"},
        {"linear(2, from=0, to=1) cyclic(to=0.5, half_cycle=2, gamma=0)",
         "linear(2, from=0, to=1) cyclic(to=0.5, half_cycle=2, gamma=0)"},
        {"constant(9007199254740992) linear(1) lr=1", "constant(9007199254740992, from=1) "
                                                      "linear(1, to=0)"},
        {"constant(from=0.1) ", "0.1"},
        {"5e-324", "4.94065645841247e-324"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        assert_canonical(cases[k][0], cases[k][1]);
        assert_canonical(cases[k][1], cases[k][1]);
    }
}

static void numbers_read_and_write_exactly(void **state) {
    (void)state;
    const double value[] = {
        0.1, 1.0 / 3, 1e-5, 1e300, 123456789012345678.0, 5e-324, 0x1.fffffffffffffp+1023};
    for (size_t k = 0; k < sizeof value / sizeof *value; k++) {
        ravine_schedule s, again;
        char text[64];
        assert_int_equal(ravine_schedule_constant(&s, value[k]), RAVINE_OK);
        assert_int_equal(ravine_schedule_format(&s, text, sizeof text, NULL), RAVINE_OK);
        assert_int_equal(ravine_schedule_parse(&again, text), RAVINE_OK);
        assert_memory_equal(&s, &again, sizeof s);
    }
}

static void errors_name_column_find_and_wish(void **state) {
    (void)state;
    static const struct {
        const char *text;
        ravine_status status;
        const char *message;
    } cases[] = {
        {"", RAVINE_E_FORMAT,
         "column 1: expected a shape or a preset, as in cosine(1000), not the end"},
        {"lr=1 ", RAVINE_E_FORMAT,
         "column 6: expected a shape or a preset, as in cosine(1000), not the end"},
        {"cosin(3)", RAVINE_E_FORMAT,
         "column 1: no shape or preset is called \"cosin\"; nearest is cosine"},
        {"lr=1 xyzzyxyzzy", RAVINE_E_FORMAT,
         "column 6: no shape or preset is called \"xyzzyxyzzy\""},
        {"cosine(3", RAVINE_E_FORMAT, "column 9: expected , or ), not the end"},
        {"cosine(9 000)", RAVINE_E_FORMAT, "column 10: expected , or ), not \"000\""},
        {"cosine(", RAVINE_E_FORMAT, "column 8: expected a number, not the end"},
        {"cosine(to=)", RAVINE_E_FORMAT, "column 11: expected a number, not \")\""},
        {"cosine(to 3)", RAVINE_E_FORMAT, "column 10: expected =, not \" \""},
        {"cosine(3, 4)", RAVINE_E_FORMAT,
         "column 11: expected NAME=NUMBER after the first argument, not \"4\""},
        {"cosine(3, tos=1)", RAVINE_E_FORMAT,
         "column 11: cosine has no \"tos\"; it has steps, from, to"},
        {"cosine(3, to=1, to=1)", RAVINE_E_FORMAT, "column 17: to is given twice"},
        {"cosine(3, steps=1)", RAVINE_E_FORMAT, "column 11: steps is given twice"},
        {"cosine(3)linear(4)", RAVINE_E_FORMAT, "column 10: expected a blank, not \"linear\""},
        {"cosine(3) lr=1 lr=2", RAVINE_E_FORMAT, "column 16: lr is given twice"},
        {"cosine(3) lr=fast", RAVINE_E_FORMAT, "column 14: expected a number, not \"fast\""},
        {"cosinecosinecosinecosinecosinecosine(3) lr=1", RAVINE_E_FORMAT, /* it is cut */
         "column 1: no shape or preset is called \"cosinecosinecosinecosinecosinec\""},
        {"cosine() lr=1", RAVINE_E_RANGE,
         "column 1: cosine: steps is forever; it must be a number, as the shape reaches `to` at "
         "its end"},
        {"cosine(3) lr 1", RAVINE_E_FORMAT, "column 13: expected =, not \" \""},
        {"cosine(3)", RAVINE_E_FORMAT, "column 1: cosine needs lr=NUMBER, anywhere in the text"},
        {"linear(5, from=0, to=1) lr=3", RAVINE_E_FORMAT,
         "column 28: lr is not used; all that stands here says where it starts"},
        {"step(3) lr=1", RAVINE_E_FORMAT, "column 1: step needs every=NUMBER"},
        {"decay(gamma=0.9) cosine(3) lr=1", RAVINE_E_FORMAT,
         "column 18: cosine is never reached; what stands before it has no end"},
        {"1 2", RAVINE_E_FORMAT,
         "column 3: expected the end, as a number alone is a constant, not \"2\""},
        {"0x10", RAVINE_E_FORMAT, "column 1: expected a number, not \"0x10\""},
        {"3e", RAVINE_E_FORMAT, "column 1: expected a number, not \"3e\""},
        {"1.2.3", RAVINE_E_FORMAT, "column 1: expected a number, not \"1.2.3\""},
        {"1,5", RAVINE_E_FORMAT,
         "column 2: expected the end, as a number alone is a constant, not \",\""},
        {"-1", RAVINE_E_FORMAT, "column 1: expected a finite number >= 0, not \"-1\""},
        {"1e999", RAVINE_E_FORMAT, "column 1: expected a finite number >= 0, not \"1e999\""},
        {"nan", RAVINE_E_FORMAT, "column 1: no shape or preset is called \"nan\"; nearest is noam"},
        {"\x01", RAVINE_E_FORMAT,
         "column 1: expected a shape or a preset, as in cosine(1000), "
         "not an odd character"},
        {"cosine(3.5) lr=1", RAVINE_E_RANGE,
         "column 8: steps of cosine is 3.5; it must be a whole number in [1, 2^53]"},
        {"warmup(0) lr=1", RAVINE_E_RANGE,
         "column 8: steps of warmup is 0; it must be a whole number in [1, 2^53]"},
        {"warmup(1e300) lr=1", RAVINE_E_RANGE,
         "column 8: steps of warmup is 1e+300; it must be a whole number in [1, 2^53]"},
        {"warmup(5)", RAVINE_E_FORMAT, "column 1: warmup needs lr=NUMBER, anywhere in the text"},
        {"multistep(5)", RAVINE_E_FORMAT,
         "column 1: multistep needs lr=NUMBER, anywhere in the text"},
        {"multistep(5, 7.5) lr=1", RAVINE_E_RANGE,
         "column 14: milestone of multistep is 7.5; it must be a whole number in [1, 2^53]"},
        {"multistep(5, 5) lr=1", RAVINE_E_RANGE,
         "column 14: milestone of multistep is 5; it must be above the one before"},
        {"triangular(5, from=0)", RAVINE_E_FORMAT,
         "column 1: triangular needs lr=NUMBER, anywhere in the text"},
        {"triangular(5, from=0, steps=0.5) lr=1", RAVINE_E_RANGE,
         "column 29: steps of triangular is 0.5; it must be a whole number in [1, 2^53]"},
        {"wsd(9, warmup=2, decay=2)", RAVINE_E_FORMAT,
         "column 1: wsd needs lr=NUMBER, anywhere in the text"},
        {"wsd(0, warmup=2, decay=2) lr=1", RAVINE_E_RANGE,
         "column 5: steps of wsd is 0; it must be a whole number in [1, 2^53]"},
        {"wsd(9, warmup=0, decay=2) lr=1", RAVINE_E_RANGE,
         "column 15: warmup of wsd is 0; it must be a whole number in [1, 2^53]"},
        {"wsd(9, warmup=2, decay=0) lr=1", RAVINE_E_RANGE,
         "column 24: decay of wsd is 0; it must be a whole number in [1, 2^53]"},
        {"wsd(10, warmup=6, decay=5) lr=1", RAVINE_E_RANGE,
         "column 5: steps of wsd is 10; it must be at least warmup + decay"},
        {"onecycle(9)", RAVINE_E_FORMAT,
         "column 1: onecycle needs lr=NUMBER, anywhere in the text"},
        {"onecycle(9.5) lr=1", RAVINE_E_RANGE,
         "column 10: steps of onecycle is 9.5; it must be a whole number in [1, 2^53]"},
        {"onecycle(9, div=1e-300) lr=1e300", RAVINE_E_RANGE,
         "column 1: onecycle: from is inf; it must be finite and >= 0"},
        {"noam(0, width=64)", RAVINE_E_RANGE,
         "column 6: warmup of noam is 0; it must be a whole number in [1, 2^53]"},
        {"noam(9, width=0)", RAVINE_E_RANGE, "column 15: width of noam is 0; it must be above 0"},
        {"noam(9, width=1e-300, factor=1e300)", RAVINE_E_RANGE,
         "column 1: noam: from is inf; it must be finite and >= 0"},
        {"onecycle(2) lr=1", RAVINE_E_RANGE,
         "column 10: steps of onecycle is 2; it must be at least 3"},
        {"onecycle(9, pct=2) lr=1", RAVINE_E_RANGE,
         "column 17: pct of onecycle is 2; it must be in [0, 1]"},
        {"onecycle(9, div=0) lr=1", RAVINE_E_RANGE,
         "column 17: div of onecycle is 0; it must be above 0"},
        {"inverse_time(timescale=0) lr=1", RAVINE_E_RANGE,
         "column 1: inverse_time: timescale is 0; it must be a finite number above 0"},
        {"exponential(5) lr=1", RAVINE_E_RANGE,
         "column 1: exponential: to is 0; it must be above 0, as the shape is a power of to/from"},
        {"cosine lr=1", RAVINE_E_RANGE,
         "column 1: cosine: steps is forever; it must be a number, as the shape reaches `to` at "
         "its end"},
        {"multistep(1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16) lr=1", RAVINE_E_RANGE,
         "column 1: multistep is too much; a schedule has at most 16 segments"},
        {"multistep(1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17) lr=1", RAVINE_E_FORMAT,
         "column 50: expected at most 16 numbers, not \"17\""},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        ravine_schedule s, before;
        memset(&s, 0x5a, sizeof s);
        before = s;
        const ravine_status status = ravine_schedule_parse(&s, cases[k].text);
        if (status != cases[k].status || strcmp(ravine_errmsg(), cases[k].message) != 0)
            fail_msg("\"%s\" gives %d, %s", cases[k].text, status, ravine_errmsg());
        assert_memory_equal(&s, &before, sizeof s);
    }
    ravine_schedule s;
    assert_int_equal(ravine_schedule_parse(NULL, "1"), RAVINE_E_ARG);
    assert_int_equal(ravine_schedule_parse(&s, NULL), RAVINE_E_ARG);
}

static void a_text_that_does_not_fit_is_left_out(void **state) {
    (void)state;
    ravine_schedule s;
    char text[] = "untouched";
    size_t length = 99;
    assert_int_equal(ravine_schedule_constant(&s, 0.125), RAVINE_OK);
    assert_int_equal(ravine_schedule_format(&s, text, 5, &length), RAVINE_E_RANGE);
    assert_string_equal(ravine_errmsg(), "capacity is 5 bytes; the text takes 6");
    assert_string_equal(text, "untouched");
    assert_int_equal(length, 99);
    assert_int_equal(ravine_schedule_format(&s, text, 6, &length), RAVINE_OK);
    assert_string_equal(text, "0.125");
    assert_int_equal(length, 5);
}

/* A locale whose decimal point is a comma changes nothing, here or in the process. */
static void the_locale_does_not_matter(void **state) {
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "fr_FR"};
    const char *name = NULL;
    for (size_t k = 0; k < sizeof names / sizeof *names && !name; k++)
        name = setlocale(LC_NUMERIC, names[k]);
    if (!name) {
        print_message("no locale with a decimal comma is installed\n");
        skip();
    }
    char comma[8];
    snprintf(comma, sizeof comma, "%.1f", 0.5);
    assert_string_equal(comma, "0,5");
    assert_canonical("warmup(4, from=0.125) lr=0.5", "linear(4, from=0.125, to=0.5)");
    snprintf(comma, sizeof comma, "%.1f", 0.5);
    assert_string_equal(comma, "0,5");
    setlocale(LC_NUMERIC, "C");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(presets_expand_to_plain_segments),
        cmocka_unit_test(numbers_read_and_write_exactly),
        cmocka_unit_test(errors_name_column_find_and_wish),
        cmocka_unit_test(a_text_that_does_not_fit_is_left_out),
        cmocka_unit_test(the_locale_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
