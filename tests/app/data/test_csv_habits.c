/* SPDX-License-Identifier: Apache-2.0 */
/* CSV as other programs write it: what is seen, and what must be said. */
#include "support/csv_case.h"

#include <math.h>

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

int main(void) {
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(a_word_among_numbers),
        SCRATCH_TEST(other_habits_are_named),
        SCRATCH_TEST(decimal_commas),
        SCRATCH_TEST(the_order_of_dates_is_asked_for),
        SCRATCH_TEST(a_delimiter_is_seen),
        SCRATCH_TEST(missing_values),
        SCRATCH_TEST(missing_values_that_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
