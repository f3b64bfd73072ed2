/* SPDX-License-Identifier: Apache-2.0 */
/* CSV: how text becomes fields, how columns become numbers, and what is refused, where. */
#include "support/scratch.h"

#include "data/csv.h"
#include "data/csv_column.h"
#include "data/dataset.h"
#include "io/failure.h"

#include <locale.h>
#include <math.h>

/* ---- csv_parse
 * ----------------------------------------------------------------------------------- */

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

/* ---- csv_dataset
 * --------------------------------------------------------------------------------- */

static const dataset_csv_options usual = {
    .path = "t.csv", .target = "y", .test_share = 0.25, .seed = 1, .delimiter = ','};

static int convert(dataset_pair *pair, const char *text, dataset_csv_options options) {
    options.path = scratch_write("t.csv", text, strlen(text));
    return dataset_read_csv(pair, &options);
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

/* Rows carry their number in `id`, so that the split can be undone by un-standardising it. */
static void regression_values(void **state) {
    (void)state;
    enum { ROWS = 40 };
    char text[4096] = "id,colour,same,y\n";
    for (int k = 0; k < ROWS; k++)
        sprintf(text + strlen(text), "%d,%s,0.1,%d\n", k,
                k % 3 == 0   ? "red"
                : k % 3 == 1 ? "blue"
                             : "green",
                100 - 2 * k);
    dataset_csv_options options = usual;
    options.regression = true;
    dataset_pair pair;
    assert_int_equal(convert(&pair, text, options), 0);
    const dataset *part[2] = {&pair.train, &pair.test};
    assert_int_equal(part[0]->count, 30);
    assert_int_equal(part[1]->count, 10);
    /* id, red, blue, green, same */
    assert_int_equal(part[0]->size, 5);
    assert_int_equal(part[0]->shape[0], 5);
    assert_int_equal(part[0]->outputs, 1);
    assert_null(part[0]->label);

    /* Row k is the one whose standardised id is the k-th smallest of all. */
    bool seen[ROWS] = {false};
    double sum = 0, squares = 0;
    for (int p = 0; p < 2; p++)
        for (int64_t i = 0; i < part[p]->count; i++) {
            const float *x = part[p]->x + 5 * i;
            int row = 0;
            for (int q = 0; q < 2; q++)
                for (int64_t j = 0; j < part[q]->count; j++) row += part[q]->x[5 * j] < x[0];
            assert_false(seen[row]);
            seen[row] = true;
            for (int c = 0; c < 3; c++) assert_true(x[1 + c] == (row % 3 == c));
            assert_true(x[4] == 0);                          /* the constant column */
            assert_true(fabsf(part[p]->y[i] + x[0]) < 1e-5); /* y falls as id rises */
            if (p == 0) sum += x[0], squares += (double)x[0] * x[0];
        }
    assert_true(fabs(sum / 30) < 1e-6);
    assert_true(fabs(squares / 30 - 1) < 1e-6);
    dataset_pair_free(&pair);
}

static void classes_are_sorted(void **state) {
    (void)state;
    dataset_csv_options options = usual;
    dataset_pair pair;
    /* by bytes for words: B, a, b */
    assert_int_equal(convert(&pair, "x,y\n1,b\n1,a\n1,B\n2,a\n2,b\n2,B\n3,a\n3,b\n", options), 0);
    assert_int_equal(pair.train.outputs, 3);
    assert_null(pair.train.y);
    dataset_pair_free(&pair);
    /* by size for numbers, 9 before 10, and 10 is 1e1; the feature x tells the row. */
    assert_int_equal(convert(&pair, "x,y\na,10\nb,9\na,1e1\nb,9.0\na,10\nb,9\n", options), 0);
    assert_int_equal(pair.train.outputs, 2);
    for (int p = 0; p < 2; p++) {
        const dataset *d = p ? &pair.test : &pair.train;
        for (int64_t i = 0; i < d->count; i++) assert_int_equal(d->label[i], d->x[2 * i] == 1);
    }
    dataset_pair_free(&pair);
}

static void the_seed_decides_the_split(void **state) {
    (void)state;
    char text[2048] = "x,y\n";
    for (int k = 0; k < 100; k++) sprintf(text + strlen(text), "%d,%d\n", k, k);
    dataset_csv_options options = usual;
    options.regression = true;
    dataset_pair a, b, c;
    assert_int_equal(convert(&a, text, options), 0);
    assert_int_equal(convert(&b, text, options), 0);
    options.seed = 2;
    assert_int_equal(convert(&c, text, options), 0);
    assert_int_equal(a.train.count, 75);
    assert_memory_equal(a.train.x, b.train.x, 75 * sizeof(float));
    assert_memory_not_equal(a.train.x, c.train.x, 75 * sizeof(float));
    dataset_pair_free(&a);
    dataset_pair_free(&b);
    dataset_pair_free(&c);
}

static void refuse(const char *text, dataset_csv_options options, int code, const char *told,
                   const char *told_too) {
    dataset_pair pair;
    assert_int_equal(convert(&pair, text, options), code);
    assert_told(told, told_too);
    assert_null(pair.train.x);
    assert_null(pair.test.x);
}

/* A table with the first column, 30 rows of it, and classes. */
static void write_column(char *text, size_t size, const char *const *odd, int nodd, int different) {
    size_t used = (size_t)snprintf(text, size, "a,y\n");
    for (int k = 0; k < 30; k++)
        used += k < nodd ? (size_t)snprintf(text + used, size - used, "%s,u\n", odd[k])
                         : (size_t)snprintf(text + used, size - used, "%d.5,%s\n", k % different,
                                            k % 2 ? "u" : "v");
}

/* One `?` among numbers would make each of them a category. */
static void a_word_among_numbers(void **state) {
    (void)state;
    static const char *const odd[] = {"?", "n/a", "-", "x"}, *const name[] = {"a"};
    char text[1024];
    dataset_pair pair;
    dataset_csv_options words = usual;
    write_column(text, sizeof text, odd, 1, 40);
    refuse(text, usual, FAILURE_INPUT, "line 2, column 'a': '?' is not a number, and 29 of the",
           "data.missing_markers: [\"?\"] and data.missing: mean");
    words.word_columns = name;
    words.nwords = 1;
    assert_int_equal(convert(&pair, text, words), 0);
    assert_int_equal(pair.train.size, 30);
    dataset_pair_free(&pair);
    words.numeric_columns = name;
    words.nnumeric = 1;
    refuse(text, words, FAILURE_USAGE, "column 'a' is in data.word_columns", "must be numeric");
    write_column(text, sizeof text, odd, 1,
                 16); /* few numbers, and what means that one is missing */
    refuse(text, usual, FAILURE_INPUT, "line 2, column 'a': '?' is not a number", "29 of the");
    write_column(text, sizeof text, odd + 3, 1,
                 16); /* names of categories that look like numbers */
    assert_int_equal(convert(&pair, text, usual), 0);
    assert_int_equal(pair.train.size, 17);
    dataset_pair_free(&pair);
    write_column(text, sizeof text, odd, 4, 40); /* more than one in ten */
    refuse(text, usual, FAILURE_INPUT, "line 2, column 'a': '?' is not a number", "26 of the");
    static const char *const names[] = {"x", "b", "c", "d", "e", "f", "g", "h",
                                        "i", "j", "k", "l", "m", "n", "o", "p"};
    write_column(text, sizeof text, names, 16, 40); /* more words than numbers */
    assert_int_equal(convert(&pair, text, usual), 0);
    assert_non_null(strstr(pair.summary, "is it of numbers? line 2 has 'x'"));
    dataset_pair_free(&pair);
}

static void tables_that_are_refused(void **state) {
    (void)state;
    static const char *const numeric[] = {"age"}, *const unknown[] = {"aeg"};
    dataset_csv_options classes = usual, regression = usual, ages = usual;
    regression.regression = true;
    ages.numeric_columns = numeric;
    ages.nnumeric = 1;
    refuse("age,y\n1,u\n2,v\nold,u\n", ages, FAILURE_INPUT, "line 4, column 'age'",
           "'old' is not a number");
    refuse("x,y\n1,2\n2,many\n3,4\n", regression, FAILURE_INPUT, "line 3, column 'y'",
           "'many' is not a number");
    refuse("x,y\n1,2\nNaN,3\n3,4\n", regression, FAILURE_INPUT, "line 3, column 'x'",
           "'NaN' cannot be used");
    refuse("x,y\n1,2\n1,3\n3,-inf\n", regression, FAILURE_INPUT, "line 4, column 'y'",
           "'-inf' cannot be used");
    refuse("x,y\n1e101,2\n1,3\n3,4\n", regression, FAILURE_INPUT, "line 2, column 'x'", "1e100");
    refuse("x,y\n1,2\n,3\n3,4\n", regression, FAILURE_INPUT, "line 3, column 'x'",
           "empty; fill it in, or say what a missing value becomes: data.missing: mean");
    refuse("x,y\n1,2\n2, \n3,4\n", regression, FAILURE_INPUT, "line 3, column 'y'", "empty");
    refuse("x,y\n1,5\n2,5\n3,5\n4,5\n", regression, FAILURE_INPUT, "the same number", "column 'y'");
    refuse("x,y\n1,u\n2,u\n3,u\n", classes, FAILURE_INPUT, "every row has 'u'", "2 classes");
    refuse("y\n1\n2\n3\n", classes, FAILURE_INPUT, "no column but the target", "'y'");
    refuse("x,y\n1,u\n2,v\n", classes, FAILURE_INPUT, "2 rows with test_share 0.25",
           "at least 2 and 1");
    refuse("x,y\n", classes, FAILURE_INPUT, "t.csv: has no row", "t.csv");
    classes.target = "pirce";
    refuse("size,price\n1,u\n", classes, FAILURE_USAGE, "no column is named 'pirce' (target)",
           "the nearest is 'price'");
    refuse("a,b\n1,u\n", classes, FAILURE_USAGE, "'pirce' (target)", "the last is 'b'");
    ages.numeric_columns = unknown;
    refuse("age,y\n1,u\n", ages, FAILURE_USAGE, "'aeg' (numeric_columns)", "'age'");
    classes = usual;
    classes.delimiter = '"';
    refuse("x,y\n1,2\n", classes, FAILURE_USAGE, "delimiter is character 34", "a quote");
    classes = usual;
    for (int k = 0; k < 4; k++) {
        classes.test_share = ((const double[]){0, 1, -1, NAN})[k];
        refuse("x,y\n1,2\n", classes, FAILURE_USAGE, "test_share is", "(0, 1)");
    }
}

/* What German and other spreadsheets write. */
static void other_habits_are_named(void **state) {
    (void)state;
    dataset_csv_options comma = usual, semicolon = usual;
    semicolon.delimiter = ';';
    refuse("a;b;y\n1,5;2;u\n2,5;3;v\n", comma, FAILURE_INPUT,
           "line 2: 2 fields, but the header has 1; it looks split by ';'",
           "set data.delimiter: \";\"");
    refuse("a\ty\n1\tu\n2\tv\n", comma, FAILURE_USAGE, "no column is named 'y' (target)",
           "it looks split by '\\t': set data.delimiter: \"\\t\"");
    refuse("a,y\n1,u\n2,v\n", semicolon, FAILURE_USAGE, "no column is named 'y'",
           "it looks split by ',': set data.delimiter: \",\"");
    refuse("1.5,2,0\n2.5,3,1\n", comma, FAILURE_USAGE, "no column is named 'y' (target)",
           "the first line has numbers alone; put a line with the names of the columns above it");
    static const char *const binary[] = {"PK\x03\x04 workbook", "\x1f\x8b gzip", "PAR1"};
    static const char *const told[] = {"save the sheet as CSV", "its name must end in .gz",
                                       "Parquet"};
    for (size_t k = 0; k < sizeof binary / sizeof *binary; k++)
        refuse(binary[k], comma, FAILURE_INPUT, "t.csv: is ", told[k]);
}

/* ---- what is seen, and what must be said
 * --------------------------------------------------------- */

/* A table of 12 rows with the column `a` and a target that is no number: the cells in turn. */
static const char *cells(const char *const *cell, int count, char delimiter) {
    static char text[2048];
    size_t used = (size_t)snprintf(text, sizeof text, "a%cy\n", delimiter);
    for (int k = 0; k < 12; k++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%c%s\n", cell[k % count],
                                 delimiter, k % 2 ? "u" : "v");
    return text;
}
#define CELLS(delimiter, ...)                 \
    cells((const char *const[]){__VA_ARGS__}, \
          (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)), delimiter)

static void assert_mean(const char *text, dataset_csv_options options, csv_form form, double least,
                        double greatest) {
    dataset_pair pair;
    assert_int_equal(convert(&pair, text, options), 0);
    const encoded_column *a = &pair.encoding.column[0];
    assert_int_equal(a->words, 0);
    assert_int_equal(a->form, form);
    assert_true(a->mean >= least && a->mean <= greatest);
    dataset_pair_free(&pair);
}

static void decimal_commas(void **state) {
    (void)state;
    dataset_csv_options seen = usual, comma = usual, point = usual;
    seen.delimiter = '\0';
    comma.habits.decimal = CSV_DECIMAL_COMMA;
    point.habits.decimal = CSV_DECIMAL_POINT;
    comma.delimiter = point.delimiter = ';';
    assert_mean(CELLS(';', "1,5", "1,25", " -0,125", "3"), seen, CSV_COMMA, -0.125, 3);
    assert_mean(CELLS(';', "1.5", "1.25", "3"), seen, CSV_POINT, 1.25, 3);
    assert_mean(CELLS(';', "1,500", "2,250"), comma, CSV_COMMA, 1.5, 2.25);
    refuse(CELLS(';', "1,500", "2,250", "7"), seen, FAILURE_INPUT, "line 2, column 'a': '1,500'",
           "may be a decimal one or part thousands; if it is a decimal one: data.decimal: comma");
    refuse(CELLS(';', "1,5", "2,25"), point, FAILURE_INPUT, "'1,5' has a comma",
           "data.decimal is point");
    refuse(CELLS(';', "7", "1.234,50"), seen, FAILURE_INPUT, "line 3, column 'a': '1.234,50'",
           "parts thousands; write numbers without that");
    refuse(CELLS(';', "1,234,567", "1,234.5", "-1'234"), seen, FAILURE_INPUT, "'1,234,567'",
           "parts thousands");
    static const char *const numeric[] = {"a"};
    seen.numeric_columns = numeric;
    seen.nnumeric = 1;
    refuse(CELLS(';', "1", "2,5", "old"), seen, FAILURE_INPUT, "line 3, column 'a': '2,5'",
           "it has a decimal comma: data.decimal: comma");
    seen.nnumeric = 0;
    dataset_pair pair; /* words among them: they are words */
    assert_int_equal(convert(&pair, CELLS(';', "1,2", "Smith, J", "old"), seen), 0);
    assert_int_equal(pair.train.size, 3);
    dataset_pair_free(&pair);
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

static void the_order_of_dates_is_asked_for(void **state) {
    (void)state;
    dataset_csv_options day_first = usual;
    day_first.habits.dates = CSV_DATE_DMY;
    assert_mean(CELLS(',', "2024-01-01", "2024-01-03"), usual, CSV_DATE_ISO, 19723, 19725);
    assert_mean(CELLS(',', "1/2/2024", "2/2/2024"), day_first, CSV_DATE_DMY, 19754, 19755);
    refuse(CELLS(',', "1/2/2024", "2/2/2024"), usual, FAILURE_INPUT,
           "'1/2/2024' is a date, and its order is not told",
           "data.dates: dmy (the day first), or mdy (the month first)");
    refuse(CELLS(',', "1/2/2024", "13/2/2024"), usual, FAILURE_INPUT, "its order is not told",
           "data.dates: dmy (the day first); ISO");
    dataset_csv_options regression = usual;
    regression.regression = true;
    regression.target = "a";
    refuse(CELLS(',', "2024-01-01", "2024-01-03"), regression, FAILURE_INPUT, "is a date",
           "only numbers can be predicted");
}

static void a_delimiter_is_seen(void **state) {
    (void)state;
    dataset_csv_options seen = usual;
    seen.delimiter = '\0';
    for (const char *d = ",;\t|"; *d; d++) assert_mean(CELLS(*d, "1", "2"), seen, CSV_POINT, 1, 2);
    refuse("a,b;y\n1,2;3\n", seen, FAILURE_INPUT, "the header has ',' and ';'",
           "data.delimiter: \",\" or \";\"");
    assert_mean("\"a,b\";y\n1;u\n1;v\n1;u\n1;v\n", seen, CSV_POINT, 1, 1);
}

/* The row of a value is told by `id`; a standardised value is value and mean again. */
static void missing_values(void **state) {
    (void)state;
    static const char *const marker[] = {"?", "NA"};
    const char *text = "id,a,w,y\n0,1,up,1\n1,,down,2\n2,?,up,3\n3,2,,4\n4,9,NA,5\n5,4,up,6\n";
    static const csv_missing policies[] = {CSV_MISSING_MEAN, CSV_MISSING_MEDIAN,
                                           CSV_MISSING_INDICATOR};
    for (int p = 0; p < 3; p++) {
        dataset_csv_options options = usual;
        options.regression = true;
        options.test_share = 0.2;
        options.habits = (csv_habits){.missing = policies[p], .marker = marker, .markers = 2};
        dataset_pair pair;
        assert_int_equal(convert(&pair, text, options), 0);
        const encoded_column *id = &pair.encoding.column[0], *a = &pair.encoding.column[1];
        const int64_t width = p == 2 ? 5 : 4; /* id, a, perhaps its indicator, up, down */
        assert_int_equal(pair.train.size, width);
        assert_int_equal(a->indicator, p == 2);
        double sum = 0, sorted[6];
        int64_t there = 0;
        for (int64_t i = 0; i < pair.train.count; i++) {
            const float *x = pair.train.x + i * width;
            const int row = (int)lround((double)x[0] * id->deviation + id->mean);
            const double value = (double)x[1] * a->deviation + a->mean;
            const bool missing = row == 1 || row == 2;
            if (p == 2) assert_true(x[2] == (missing ? 1 : 0));
            assert_true(x[width - 2] == (row == 0 || row == 2 || row == 5 ? 1 : 0));
            assert_true(x[width - 1] == (row == 1 ? 1 : 0));
            assert_true(fabs(value - (missing ? a->fill
                                              : ((const double[]){1, 0, 0, 2, 9, 4})[row])) < 1e-5);
            if (!missing) sum += sorted[there++] = value;
        }
        assert_true(fabs(a->mean - sum / (double)there) < 1e-5);
        if (p != 1) assert_true(a->fill == a->mean);
        if (p == 1) {
            int64_t below = 0, above = 0;
            for (int64_t k = 0; k < there; k++) {
                below += sorted[k] < a->fill - 1e-5;
                above += sorted[k] > a->fill + 1e-5;
            }
            assert_int_equal(below, above);
        }
        assert_non_null(strstr(pair.summary, "'a' (2), 'w' (2)"));
        dataset_pair_free(&pair);
    }
}

static void missing_values_that_are_refused(void **state) {
    (void)state;
    static const char *const marker[] = {"?"};
    dataset_csv_options mean = usual;
    mean.habits = (csv_habits){.missing = CSV_MISSING_MEAN, .marker = marker, .markers = 1};
    refuse("a,y\n1,u\n2,?\n3,v\n4,u\n", mean, FAILURE_INPUT,
           "line 3, column 'y': the field is '?', a missing value",
           "what is to be predicted must be there: fill it in, or remove the row");
    refuse("a,b,y\n,1,u\n?,2,v\n,3,v\n,4,u\n", mean, FAILURE_INPUT,
           "column 'a' has no value in any row", "data.ignored_columns: [\"a\"]");
    mean.habits.markers = 0;
    refuse("a,y\n1,u\nnan,v\n3,v\n4,u\n", mean, FAILURE_INPUT, "'nan' cannot be used",
           "data.missing_markers: [\"nan\"]");
}

static void columns_that_are_left_out(void **state) {
    (void)state;
    static const char *const ignored[] = {"id"}, *const both[] = {"id", "x"};
    dataset_csv_options options = usual;
    options.ignored_columns = ignored;
    options.nignored = 1;
    dataset_pair pair; /* nothing of it is read: not even whether it is filled */
    assert_int_equal(convert(&pair, "id,x,y\n1,4,u\n,5,v\nx,6,u\n4,7,v\n", options), 0);
    assert_int_equal(pair.train.size, 1);
    assert_int_equal(pair.encoding.columns, 1);
    assert_string_equal(pair.encoding.ignored.text[0], "id");
    dataset_pair_free(&pair);
    options.target = "id";
    refuse("id,x,y\n1,4,u\n", options, FAILURE_USAGE, "'id' is in data.ignored_columns",
           "the target");
    options.target = "y";
    options.ignored_columns = both;
    options.nignored = 2;
    refuse("id,x,y\n1,4,u\n", options, FAILURE_INPUT, "no column but the target 'y'", "t.csv");
    options.word_columns = ignored;
    options.nwords = 1;
    refuse("id,x,y\n1,4,u\n", options, FAILURE_USAGE, "column 'id' is in data.word_columns",
           "must be of words");
}

/* What a person is told before the first step. */
static void the_summary(void **state) {
    (void)state;
    char text[4096] = "id,code,never,name,x,y\n";
    for (int k = 0; k < 20; k++)
        sprintf(text + strlen(text), "%d,c%d,7,n%d,%d.5,%d\n", 100 + (k * 7) % 20, k % 12, k,
                (k * 3) % 17, k % 3);
    dataset_pair pair;
    assert_int_equal(convert(&pair, text, usual), 0);
    static const char *const lines[] = {
        "t.csv: 20 rows\n",
        "  target 'y': 3 classes: 0 (7), 1 (7), 2 (6)\n",
        "  3 columns of numbers, standardised\n",
        "  2 columns of words, an input for each word, 32 in all: 'code' (12 different), 'name' "
        "(20 "
        "different)\n",
        "  'id': they count the rows; an ID? To leave it out: data.ignored_columns: [\"id\"]\n",
        "  'code': nearly all differ",
        "  'never': it never varies",
        "  'name': every row has another",
    };
    for (size_t k = 0; k < sizeof lines / sizeof *lines; k++)
        if (!strstr(pair.summary, lines[k])) fail_msg("no \"%s\" in\n%s", lines[k], pair.summary);
    assert_null(strstr(pair.summary, "'x':"));
    dataset_pair_free(&pair);
    dataset_csv_options classes = usual;
    classes.target = "x";
    char many[4096] = "a,x\n";
    for (int k = 0; k < 600; k++) sprintf(many + strlen(many), "%d,%d\n", k % 5, k % 60);
    assert_int_equal(convert(&pair, many, classes), 0);
    assert_non_null(
        strstr(pair.summary, "a quantity more often than classes: data.task: regression"));
    dataset_pair_free(&pair);
    strcpy(many, "a,x\n"); /* each class has one row: some are not left to train on */
    for (int k = 0; k < 60; k++) sprintf(many + strlen(many), "%d,%d\n", k % 5, k);
    refuse(many, classes, FAILURE_INPUT, "rows is left to train on",
           "a quantity more often than classes: data.task: regression");
}

/* One row to test is far beyond all rows to train on; which row that is depends on the seed. */
static void far_rows_are_refused(void **state) {
    (void)state;
    dataset_csv_options options = usual;
    options.regression = true;
    const char *text = "x,y\n1e-60,1\n2e-60,2\n3e-60,3\n1e90,4\n";
    int refused = 0;
    for (options.seed = 0; options.seed < 40; options.seed++) {
        dataset_pair pair;
        if (convert(&pair, text, options) == 0) {
            dataset_pair_free(&pair);
            continue;
        }
        assert_told("line 5, column 'x'", "deviations from the mean");
        refused++;
    }
    assert_true(refused > 0 && refused < 40);
}

static void too_many_categories(void **state) {
    (void)state;
    static char text[40000];
    size_t used = (size_t)sprintf(text, "id,y\n");
    for (int k = 0; k < 1001; k++)
        used += (size_t)sprintf(text + used, "%s%d,%d\n", k < 500 ? "" : "n", k, k % 2);
    refuse(text, usual, FAILURE_INPUT, "column 'id' has 1001 categories, the limit is 1000",
           "'n500' on line 502");
    dataset_csv_options options = usual;
    static const char *const names[] = {"id"};
    options.word_columns = names;
    options.nwords = 1;
    char *n = strstr(text, "n500");
    *n = '7'; /* so that the first word is a later one */
    refuse(text, options, FAILURE_INPUT, "column 'id' has 1001 categories, the limit is 1000",
           "data.ignored_columns: [\"id\"]");
    *n = 'n';
    options.nwords = 0;
    options.target = "id";
    refuse(text, options, FAILURE_INPUT, "'id' has 1001 classes, the limit is 1000", "regression");
}

/* The file is told by its bytes; 5dabfe71 is what tests/python/forged.py computes of them. */
static void the_file_is_told(void **state) {
    (void)state;
    static const char text[] = "a,y\n1,1\n2,2\n3,4\n4,3\n";
    dataset_pair pair;
    dataset_csv_options options = usual;
    options.regression = true;
    assert_int_equal(convert(&pair, text, options), 0);
    assert_int_equal(pair.nfiles, 1);
    assert_string_equal(strrchr(pair.file[0].path, '/'), "/t.csv");
    assert_int_equal(pair.file[0].bytes, strlen(text));
    assert_int_equal(pair.file[0].crc32c, 0x5dabfe71);
    dataset_pair_free(&pair);
    assert_int_equal(convert(&pair, "a,b\n", options), FAILURE_USAGE);
    assert_int_equal(pair.nfiles, 0);
}

/* Both tasks on the committed example can be read. */
static void the_example(void **state) {
    (void)state;
    dataset_pair pair;
    dataset_csv_options options = {.path = SOURCE_DIR "/examples/data/energy.csv",
                                   .target = "kwh",
                                   .regression = true,
                                   .test_share = 0.2,
                                   .seed = 1,
                                   .delimiter = ','};
    assert_int_equal(dataset_read_csv(&pair, &options), 0);
    assert_int_equal(pair.train.count, 1600);
    assert_int_equal(pair.test.count, 400);
    dataset_pair_free(&pair);
    options.target = "heating";
    options.regression = false;
    assert_int_equal(dataset_read_csv(&pair, &options), 0);
    assert_int_equal(pair.train.outputs, 3);
    dataset_pair_free(&pair);
    options.path = "/nonexistent/t.csv";
    assert_int_equal(dataset_read_csv(&pair, &options), FAILURE_INPUT);
    assert_told("cannot open /nonexistent/t.csv: No such file");
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
        SCRATCH_TEST(regression_values),
        SCRATCH_TEST(classes_are_sorted),
        SCRATCH_TEST(the_seed_decides_the_split),
        SCRATCH_TEST(a_word_among_numbers),
        SCRATCH_TEST(tables_that_are_refused),
        SCRATCH_TEST(other_habits_are_named),
        SCRATCH_TEST(decimal_commas),
        cmocka_unit_test(dates_are_days),
        SCRATCH_TEST(the_order_of_dates_is_asked_for),
        SCRATCH_TEST(a_delimiter_is_seen),
        SCRATCH_TEST(missing_values),
        SCRATCH_TEST(missing_values_that_are_refused),
        SCRATCH_TEST(columns_that_are_left_out),
        SCRATCH_TEST(the_summary),
        SCRATCH_TEST(far_rows_are_refused),
        SCRATCH_TEST(too_many_categories),
        SCRATCH_TEST(the_file_is_told),
        cmocka_unit_test(the_example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
