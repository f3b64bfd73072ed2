/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal plot: where lines and labels are, and that no data leave its width. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/plot.c" /* it is part of the command, which is no library */

#include <float.h>

#define WIDE 32768

/* What the plot prints, in `text`. */
static void draw(char text[WIDE], plot p, const plot_series *series, size_t count) {
    memset(text, 0, WIDE);
    p.out = fmemopen(text, WIDE - 1, "w");
    assert_non_null(p.out);
    plot_print(&p, series, count);
    assert_int_equal(fclose(p.out), 0);
}

/* Line k of the text, without its end; "" past the last. */
static const char *line_of(const char *text, int k, char line[WIDE]) {
    for (; k > 0 && strchr(text, '\n'); k--) text = strchr(text, '\n') + 1;
    snprintf(line, WIDE, "%.*s", (int)strcspn(text, "\n"), text);
    return line;
}

/* Columns that UTF-8 text without escapes takes: bytes that begin a character. */
static int columns_of(const char *text) {
    int columns = 0;
    for (; *text; text++) columns += ((unsigned char)*text & 0xc0) != 0x80;
    return columns;
}

static void a_diagonal_is_drawn_between_labelled_axes(void **state) {
    (void)state;
    const double at[] = {0, 10};
    char text[WIDE];
    /* 21 columns, so that row y = 6 - 6 k/20 at column k, halves rounded up */
    draw(text, (plot){.columns = 25, .rows = 7}, &(plot_series){.x = at, .y = at, .n = 2}, 1);
    assert_string_equal(text, "10 +                   **\n"
                              "   |                ***\n"
                              "   |            ****\n"
                              " 5 +         ***\n"
                              "   |      ***\n"
                              "   |  ****\n"
                              " 0 +**\n"
                              "   ++---------+---------+\n"
                              "    0         5        10\n");
}

static void a_constant_is_one_line_of_dots(void **state) {
    (void)state;
    const double x[] = {0, 1}, y[] = {2, 2};
    char text[WIDE], line[WIDE];
    draw(text, (plot){.columns = 40, .rows = 8, .braille = true},
         &(plot_series){.x = x, .y = y, .n = 2}, 1);
    int drawn = 0;
    for (int k = 0; k < 8; k++) {
        const char *dots = strstr(line_of(text, k, line), "\xe2\x94") + 3; /* after the axis */
        if (!*dots) continue;
        drawn++;
        assert_int_equal(columns_of(line), 40);
        for (const char *cell = dots; *cell; cell += 3) assert_memory_equal(cell, dots, 3);
    }
    assert_int_equal(drawn, 1);
}

static void what_is_not_finite_leaves_a_gap(void **state) {
    (void)state;
    const double x[] = {0, 4, 5, 6, 10}, y[] = {1, 1, NAN, 1, 1};
    char text[WIDE], line[WIDE];
    draw(text, (plot){.columns = 25, .rows = 6}, &(plot_series){.x = x, .y = y, .n = 5}, 1);
    int found = 0;
    for (int k = 0; k < 6; k++) {
        const char *first = strchr(line_of(text, k, line), '*');
        if (!first) continue;
        found++;
        const size_t left = strspn(first, "*"), gap = strspn(first + left, " ");
        assert_true(left == strspn(first + left + gap, "*")); /* symmetric */
        assert_in_range(gap, 2, 5); /* a fifth of the width, less two ends */
    }
    assert_int_equal(found, 1);
}

static void a_log_axis_is_labelled_by_decades(void **state) {
    (void)state;
    const double x[] = {0, 1, 2, 3, 4, 5}, y[] = {1e-4, 1e-3, 1e-2, 1e-1, 0, -1};
    char text[WIDE], line[WIDE];
    draw(text, (plot){.columns = 40, .rows = 10, .log_y = true},
         &(plot_series){.x = x, .y = y, .n = 6}, 1);
    assert_non_null(strstr(line_of(text, 0, line), "0.1 +"));
    assert_non_null(strstr(line_of(text, 3, line), "0.01 +"));
    assert_non_null(strstr(line_of(text, 6, line), "0.001 +"));
    assert_non_null(strstr(line_of(text, 9, line), "0.0001 +*"));
    for (int k = 0; k < 10; k++) /* one straight line, as x runs to 3 only */
        assert_non_null(strchr(line_of(text, k, line), '*'));
    assert_int_equal(line_of(text, 0, line)[39], '*');
}

static void several_series_are_told_apart(void **state) {
    (void)state;
    const double x[] = {0, 1}, low[] = {0, 0}, high[] = {1, 1};
    const plot_series series[] = {{"adamw", x, low, 2}, {"sgd", x, high, 2}};
    char text[WIDE], line[WIDE];
    draw(text, (plot){.columns = 30, .rows = 6, .braille = true}, series, 2);
    assert_non_null(strstr(line_of(text, 0, line), "1 ++++"));
    assert_non_null(strstr(line_of(text, 5, line), "0 +****"));
    assert_string_equal(line_of(text, 8, line), "* adamw   + sgd");
    draw(text, (plot){.columns = 30, .rows = 6, .braille = true, .color = true}, series, 2);
    assert_non_null(strstr(text, "\033[36m\xe2"));
    assert_non_null(strstr(text, "\033[33m\xe2"));
    assert_null(strchr(text, '*'));
}

/* Without colours a path is marks, and the ground under it stays fine lines. */
static void marks_lie_on_a_ground_of_dots(void **state) {
    (void)state;
    const double x[] = {0, 1}, low[] = {0, 0}, rising[] = {0, 1};
    const plot_series path = {"path", x, rising, 2}, ground = {NULL, x, low, 2};
    const plot p = {.columns = 30,
                    .rows = 6,
                    .braille = true,
                    .x_axis = {0, 1},
                    .y_axis = {0, 1},
                    .ground = &ground};
    char text[WIDE], line[WIDE];
    draw(text, p, &path, 1);
    assert_non_null(strchr(line_of(text, 0, line), '*')); /* the path alone ends up there */
    assert_null(strstr(line, "\xe2\xa0"));
    const char *last = line_of(text, 5, line);
    assert_non_null(strchr(last, '*'));
    assert_non_null(strstr(last, "\xe2\xa3\x80")); /* U+28C0: the lowest two dots of a cell */
    assert_string_equal(line_of(text, 8, line), "* path");
}

/* From 1e-40 to 1e200 in the axis that was asked for. */
static void a_given_log_axis_cuts(void **state) {
    (void)state;
    const double x[] = {0, 1, 2, 3}, y[] = {1e200, 100, 1e-3, 1e-40};
    char text[WIDE], line[WIDE];
    draw(text, (plot){.columns = 40, .rows = 25, .log_y = true, .y_axis = {1e-4, 1e4}},
         &(plot_series){.x = x, .y = y, .n = 4}, 1);
    assert_non_null(strstr(line_of(text, 0, line), "10000 +"));
    assert_non_null(strstr(line_of(text, 24, line), "0.0001 +"));
    for (int k = 0; k < 25; k++) assert_non_null(strchr(line_of(text, k, line), '*'));
}

static void nothing_is_said_to_be_nothing(void **state) {
    (void)state;
    const double x[] = {0, NAN}, y[] = {HUGE_VAL, 1};
    char text[WIDE];
    draw(text, (plot){.columns = 80}, &(plot_series){.x = x, .y = y, .n = 2}, 1);
    assert_string_equal(text, "nothing to draw\n");
    draw(text, (plot){.columns = 80}, NULL, 0);
    assert_string_equal(text, "nothing to draw\n");
}

/* Absurd data in every width: sanitizers watch the inside, this the outside. */
static void no_data_leave_the_width(void **state) {
    (void)state;
    const double odd[] = {0, 1, -1, DBL_MAX, -DBL_MAX, 5e-324, 1e-300, 1e15, 1e15 + 1, 0.1};
    const int n = sizeof odd / sizeof *odd;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            for (int style = 0; style < 4; style++)
                for (int columns = -5; columns < 200; columns += 13) {
                    const double x[] = {odd[i], odd[j], odd[(i + 1) % n]};
                    const double y[] = {odd[j], odd[(j + 3) % n], odd[i]};
                    char text[WIDE], line[WIDE];
                    draw(text, (plot){.columns = columns, .braille = style & 1, .log_y = style & 2},
                         &(plot_series){.x = x, .y = y, .n = 3}, 1);
                    const int most = columns < 24 ? 24 : columns > 160 ? 160 : columns;
                    for (int k = 0; *line_of(text, k, line); k++)
                        assert_in_range(columns_of(line), 1, most);
                }
}

static void the_locale_decides_about_braille(void **state) {
    (void)state;
    setenv("LC_ALL", "C", 1);
    assert_false(plot_has_braille());
    setenv("LC_ALL", "C.UTF-8", 1);
    assert_true(plot_has_braille());
    unsetenv("LC_ALL");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_diagonal_is_drawn_between_labelled_axes),
        cmocka_unit_test(a_constant_is_one_line_of_dots),
        cmocka_unit_test(what_is_not_finite_leaves_a_gap),
        cmocka_unit_test(a_log_axis_is_labelled_by_decades),
        cmocka_unit_test(several_series_are_told_apart),
        cmocka_unit_test(marks_lie_on_a_ground_of_dots),
        cmocka_unit_test(a_given_log_axis_cuts),
        cmocka_unit_test(nothing_is_said_to_be_nothing),
        cmocka_unit_test(no_data_leave_the_width),
        cmocka_unit_test(the_locale_decides_about_braille),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
