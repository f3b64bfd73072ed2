/* SPDX-License-Identifier: Apache-2.0 */
/* CSV: how text becomes fields, how a field becomes a number, and what is refused, where. */
#include "support/scratch.h"

#include "data/csv.h"
#include "data/csv_column.h"
#include "io/failure.h"

#include <locale.h>
#include <math.h>

/* Parses an exact copy, so that ASan sees a read past its end. */
static int parse(csv_table *t, const char *text, char delimiter) {
    size_t size = strlen(text);
    unsigned char *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, text, size);
    int code = csv_parse(t, copy, size, "t.csv", delimiter);
    free(copy);
    return code;
}

/* All fields, the header too, joined by | and rows by /. */
static void assert_fields(const char *text, char delimiter, const char *expected) {
    csv_table t;
    char joined[256] = "";
    assert_int_equal(parse(&t, text, delimiter), 0);
    for (int64_t row = 0; row <= t.rows; row++)
        for (int64_t k = 0; k < t.columns; k++) {
            strcat(joined, csv_field(&t, row, k));
            strcat(joined, k + 1 < t.columns ? "|" : "/");
        }
    csv_free(&t);
    assert_string_equal(joined, expected);
}

static void fields(void **state) {
    (void)state;
    assert_fields("a,b\n1,2\n3,4\n", ',', "a|b/1|2/3|4/");
    assert_fields("a,b\r\n1,2\r\n3,4", ',', "a|b/1|2/3|4/");
    assert_fields("a;b\n1,5;2\n", ';', "a|b/1,5|2/");
    assert_fields("\xef\xbb\xbf"
                  "a,b\n1,2",
                  ',', "a|b/1|2/");
    assert_fields("a,b\n\"x, y\",\"say \"\"hi\"\"\"\n", ',', "a|b/x, y|say \"hi\"/");
    assert_fields("a,b\n\"one\r\ntwo\",\"\"\r\n", ',', "a|b/one\r\ntwo|/");
    assert_fields("\"a\",b\n,\n\"\"\"\"\"\",2\n", ',', "a|b/|/\"\"|2/");
    assert_fields("\n\na,b\n\n1,2\n\r\n\n", ',', "a|b/1|2/");
    assert_fields("a\n 1 \n", ',', "a/ 1 /");
    assert_fields("a,b", ',', "a|b/");
}

static void lines_are_counted(void **state) {
    (void)state;
    csv_table t;
    assert_int_equal(parse(&t, "a,b\n\n\"1\n2\n\",\"3\n\"\n5,6\n", ','), 0);
    assert_int_equal(t.rows, 2);
    assert_int_equal(csv_line(&t, 0, 1), 1);
    assert_int_equal(csv_line(&t, 1, 0), 3);
    assert_int_equal(csv_line(&t, 1, 1), 5);
    assert_int_equal(csv_line(&t, 2, 0), 7);
    csv_free(&t);
}

static void texts_that_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *text, *told[2];
    } cases[] = {
        {"", {"t.csv: the file is empty", "t.csv"}},
        {"\n\r\n\n", {"t.csv: the file is empty", "t.csv"}},
        {"a,b\n1,2\n3\n", {"t.csv, line 3: 1 fields", "the header has 2"}},
        {"a,b\n\"\n\n\",2,3\n", {"t.csv, line 2: 3 fields", "the header has 2"}},
        {"a,b\n1,x\"y\n", {"t.csv, line 2, column 'b'", "a quote inside a field"}},
        {"a,b\n1,\"x\"y\n", {"t.csv, line 2, column 'b'", "text after the closing quote"}},
        {"a,b\n\n\"x\n\n\n", {"t.csv, line 3, column 'a'", "never closed"}},
        {"a,b\n1,2\r3,4\n", {"t.csv, line 2, column 'b'", "carriage return"}},
        {"a,\"b\n", {"t.csv, line 1, column 2", "never closed"}},
        {"a,b,a\n1,2,3\n", {"t.csv, line 1", "two columns are named 'a'"}},
        {"a,,c\n1,2,3\n", {"t.csv, line 1", "column 2 has no name"}},
        {"a,b\n1,2,\"\n", {"t.csv, line 2, column 3", "never closed"}},
    };
    csv_table t;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        assert_int_equal(parse(&t, cases[k].text, ','), FAILURE_INPUT);
        assert_told(cases[k].told[0], cases[k].told[1]);
    }
    assert_int_equal(csv_parse(&t, (const unsigned char *)"a,b\n1\0,2", 8, "t.csv", ','),
                     FAILURE_INPUT);
    assert_told("t.csv: byte 5 is zero");
}

static void too_many_columns(void **state) {
    (void)state;
    csv_table t;
    static char text[CSV_COLUMNS_MAX + 1];
    memset(text, ',', CSV_COLUMNS_MAX); /* so many commas, and one column more */
    assert_int_equal(parse(&t, text, ','), FAILURE_INPUT);
    assert_told("t.csv, line 1", "10000 columns");
}

static void excerpts_are_short_and_clean(void **state) {
    (void)state;
    assert_string_equal(csv_quote("a\nb\x1b[31m").text, "a?b?[31m");
    char text[101];
    memset(text, 'x', 100);
    text[100] = '\0';
    assert_int_equal(strlen(csv_quote(text).text), sizeof(csv_excerpt) - 1);
    for (int k = 0; k < 50; k++) memcpy(text + 2 * k, "\xc3\xa4", 2); /* a with two dots */
    for (int start = 0; start < 2; start++) {                         /* never cut within one */
        csv_excerpt e = csv_quote(text + start);
        size_t length = strlen(e.text);
        assert_string_equal(e.text + length - 3, "...");
        assert_int_not_equal((unsigned char)e.text[length - 4], 0xc3);
    }
}

/* The text in a column that must be numeric: 0 and its value, or the code of the failure. */
static int read_number(const char *text, double *value) {
    csv_table t;
    csv_column column;
    char file[64];
    snprintf(file, sizeof file, "a;b\n%s;x\n", text);
    assert_int_equal(parse(&t, file, ';'), 0);
    int code =
        csv_column_read(&column, &t, 0, CSV_NUMBERS, &(csv_habits){.decimal = CSV_DECIMAL_POINT});
    if (!code) *value = column.value[0];
    csv_column_free(&column);
    csv_free(&t);
    return code;
}

static void numbers(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0", 0},    {"-1.5", -1.5},   {"+.5", 0.5}, {"5.", 5},     {"1e3", 1000},
                {" 7\t", 7}, {"2.5E-1", 0.25}, {"0.1", 0.1}, {"1e-400", 0}, {"1e100", 1e100}};
    static const char *const words[] = {
        "",   " ",   ".",     "-",    "e5",    "1e", "1e+", "0x1",   "1,5", "1 2", "--1",
        "1f", "one", "nanny", "infi", "1.2.3", "+",  "- 1", "nan 1", "1_0", "in",  "- inf"};
    static const char *const unusable[] = {"nan",       "NaN",   "-nan",  "inf",   "-Inf",
                                           "+INFINITY", " inf ", "1e400", "-1e101"};
    double value;
    for (size_t k = 0; k < sizeof good / sizeof *good; k++) {
        assert_int_equal(read_number(good[k].text, &value), 0);
        assert_true(value == good[k].value);
    }
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        assert_int_equal(read_number(words[k], &value), FAILURE_INPUT);
        assert_told(words[k], strspn(words[k], " ") < strlen(words[k]) ? "is not a number"
                                                                       : "the field is empty");
    }
    for (size_t k = 0; k < sizeof unusable / sizeof *unusable; k++) {
        assert_int_equal(read_number(unusable[k], &value), FAILURE_INPUT);
        assert_told("cannot be used; numbers must lie within +-1e100");
    }
}

/* Where the machine has a locale with a decimal comma, the point stays. */
static void numbers_in_a_foreign_locale(void **state) {
    (void)state;
    if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "fr_FR.UTF-8")) skip();
    double value = 0;
    int code = read_number("1234.5", &value);
    setlocale(LC_ALL, "C");
    assert_int_equal(code, 0);
    assert_true(value == 1234.5);
}

static void assert_days(csv_form form, const char *text, double days) {
    double value = -1;
    assert_true(csv_value(form, text, &value));
    assert_true(fabs(value - days) < 1e-9);
}

/* The days are those of Python's datetime. */
static void dates_are_days(void **state) {
    (void)state;
    assert_days(CSV_DATE_ISO, "1970-01-01", 0);
    assert_days(CSV_DATE_ISO, " 2000-03-01 ", 11017);
    assert_days(CSV_DATE_ISO, "2024-02-29", 19782);
    assert_days(CSV_DATE_ISO, "1900-02-28", -25509);
    assert_days(CSV_DATE_ISO, "0001-01-01", -719162);
    assert_days(CSV_DATE_ISO, "2024-12-31T12:00", 20088.5);
    assert_days(CSV_DATE_ISO, "2024-12-31 18:00:00.0Z", 20088.75);
    assert_days(CSV_DATE_ISO, "2024-12-31T12:00:00+06:00", 20088.25);
    assert_days(CSV_DATE_DMY, "31.12.2024", 20088);
    assert_days(CSV_DATE_DMY, "1/2/2024 06:00", 19754.25);
    assert_days(CSV_DATE_MDY, "2/1/2024", 19754);
    static const char *const none[] = {"2023-02-29",       "2024-13-01", "2024-1-1", "2024-01-01x",
                                       "2024-01-01T25:00", "2024-00-01", "20240101", "1900-02-29"};
    double value;
    for (size_t k = 0; k < sizeof none / sizeof *none; k++)
        assert_false(csv_value(CSV_DATE_ISO, none[k], &value));
    assert_false(csv_value(CSV_DATE_DMY, "12/31/2024", &value));
    assert_false(csv_value(CSV_DATE_DMY, "1.2/2024", &value));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields),
        cmocka_unit_test(lines_are_counted),
        cmocka_unit_test(texts_that_are_refused),
        cmocka_unit_test(too_many_columns),
        cmocka_unit_test(excerpts_are_short_and_clean),
        cmocka_unit_test(numbers),
        cmocka_unit_test(numbers_in_a_foreign_locale),
        cmocka_unit_test(dates_are_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
