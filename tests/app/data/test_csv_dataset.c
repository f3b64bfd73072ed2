/* SPDX-License-Identifier: Apache-2.0 */
/* CSV: how a table becomes a dataset, what is said of it, and which tables are refused. */
#include "support/csv_case.h"

#include <math.h>

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
        SCRATCH_TEST(regression_values),          SCRATCH_TEST(classes_are_sorted),
        SCRATCH_TEST(the_seed_decides_the_split), SCRATCH_TEST(tables_that_are_refused),
        SCRATCH_TEST(columns_that_are_left_out),  SCRATCH_TEST(the_summary),
        SCRATCH_TEST(far_rows_are_refused),       SCRATCH_TEST(too_many_categories),
        SCRATCH_TEST(the_file_is_told),           cmocka_unit_test(the_example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
