/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_init.c - `ravine init`: looks at a table, and writes the configuration of a first run with
 * what it understood as comments. */
#include "cli/cli.h"
#include "data/csv.h"
#include "data/csv_column.h"
#include "io/input.h"
#include "text/nearest.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What is written about. */
typedef struct overview {
    csv_table table;
    char delimiter;
    int64_t target; /* column */
    bool regression;
    csv_column *column; /* [table.columns] */
} overview;

static int list_columns(const csv_table *t, const char *target) {
    char names[512] = "";
    size_t used = 0;
    ravine_nearest nearest = ravine_nearest_to(target ? target : "");
    for (int64_t k = 0; k < t->columns; k++) {
        ravine_nearest_offer(&nearest, csv_field(t, 0, k));
        if (used + 64 < sizeof names)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", k ? ", " : "",
                                     csv_quote(csv_field(t, 0, k)).text);
    }
    if (!target)
        return failure(FAILURE_USAGE, "init needs --target: the column to predict, one of %s",
                       names);
    return failure(FAILURE_USAGE, "%s: no column is named '%s' (--target)%s%s; there are %s",
                   t->name, csv_quote(target).text, nearest.name ? "; the nearest is " : "",
                   nearest.name ? csv_quote(nearest.name).text : "", names);
}

static int find_target(overview *o, const char *target) {
    o->target = target ? csv_find(&o->table, target) : -1;
    return o->target < 0 ? list_columns(&o->table, target) : 0;
}

/* Words, and numbers of a few kinds, are classes; other numbers are a quantity. */
static int read_target(overview *o) {
    enum { CLASSES_MOST = 20 };
    csv_column *c = &o->column[o->target];
    const int none = csv_column_read_classes(c, &o->table, o->target, CSV_ANY);
    if (!none && !(c->numeric && c->categories > CLASSES_MOST)) return 0;
    csv_column_free(c);
    const int status = csv_column_read(c, &o->table, o->target, CSV_ANY);
    o->regression = !status && c->numeric;
    if (status || c->numeric) return status;
    csv_column_free(c);
    return csv_column_read_classes(c, &o->table, o->target, CSV_ANY); /* and says what is wrong */
}

static int read_columns(overview *o) {
    const csv_table *t = &o->table;
    o->column = calloc((size_t)t->columns, sizeof *o->column);
    if (!o->column) return failure(FAILURE_INPUT, "%s: no memory for its columns", t->name);
    int status = 0;
    for (int64_t k = 0; k < t->columns && !status; k++)
        status = k == o->target ? read_target(o) : csv_column_read(&o->column[k], t, k, CSV_ANY);
    return status;
}

/* ---- what is written ---- */

/* A text that YAML reads as it is: JSON's form is one. */
static int put_text(const char *text) {
    json_t *json = json_string(text);
    char *quoted = json ? json_dumps(json, JSON_ENCODE_ANY) : NULL;
    json_decref(json);
    if (!quoted)
        return failure(FAILURE_INPUT,
                       "'%s' is not UTF-8; convert the table (iconv -f latin1 -t utf-8)",
                       csv_quote(text).text);
    fputs(quoted, stdout);
    free(quoted);
    return 0;
}

/* Whole numbers that rise by 1 from row to row. */
static bool counts_rows(const csv_column *c, int64_t rows) {
    for (int64_t k = 1; k < rows; k++)
        if (c->value[k] != c->value[k - 1] + 1) return false;
    return c->numeric && rows > 2;
}

static void describe_numbers(const csv_column *c, int64_t rows) {
    double least = c->value[0], greatest = c->value[0];
    for (int64_t k = 1; k < rows; k++) {
        least = fmin(least, c->value[k]);
        greatest = fmax(greatest, c->value[k]);
    }
    printf("numbers, %.6g to %.6g", least, greatest);
    if (least == greatest) fputs(": it never varies, and tells nothing", stdout);
    if (counts_rows(c, rows)) fputs(": they count the rows; an ID? remove the column", stdout);
}

/* The words with how often each is there. */
static void describe_words(const overview *o, const csv_column *c) {
    enum { SHOWN = 6 };
    const int64_t rows = o->table.rows;
    printf("%" PRId64 " words:", c->categories);
    for (int64_t word = 0; word < c->categories && word < SHOWN; word++) {
        int64_t first = -1, count = 0;
        for (int64_t k = 0; k < rows; k++) {
            if (c->value[k] != (double)word) continue;
            if (first < 0) first = k + 1;
            count++;
        }
        printf("%s %s (%" PRId64 ")", word ? "," : "",
               csv_quote(csv_field(&o->table, first, c->index)).text, count);
    }
    if (c->categories > SHOWN) fputs(" ...", stdout);
    if (c->categories > rows / 2) fputs("; nearly all differ: an ID? remove the column", stdout);
}

static void describe(const overview *o) {
    const csv_table *t = &o->table;
    printf("# What `ravine init` understood of %s: %" PRId64 " rows.\n", csv_quote(t->name).text,
           t->rows);
    for (int64_t k = 0; k < t->columns; k++) {
        const csv_column *c = &o->column[k];
        printf("#   %-20s ", csv_quote(csv_field(t, 0, k)).text);
        if (c->categories)
            describe_words(o, c);
        else
            describe_numbers(c, t->rows);
        puts(k == o->target ? "   <- to predict" : "");
    }
    puts(
        "# A column that was taken wrongly: name it in data.numeric_columns or data.word_columns.");
}

static int put_data(const overview *o) {
    const csv_table *t = &o->table;
    fputs("\ndata:\n  format: csv\n  file: ", stdout);
    int status = put_text(t->name);
    fputs("\n  target: ", stdout);
    if (!status) status = put_text(csv_field(t, 0, o->target));
    if (o->delimiter != ',') {
        const char delimiter[] = {o->delimiter, '\0'};
        fputs("\n  delimiter: ", stdout);
        if (!status) status = put_text(delimiter);
    }
    printf("\n  task: %s\n  test_share: 0.2   # rows that are kept for the test\n",
           o->regression ? "regression" : "classification");
    return status;
}

/* A first try: about two thousand steps of 32 rows. */
static void put_training(const overview *o) {
    const double rows = (double)o->table.rows, epochs = round(2000 * 32 / (0.8 * rows));
    printf("\nmodel:\n  name: mlp\n  widths: [%s]\n", rows > 2000 ? "64, 64" : "32");
    printf("\nbatch_size: 32\nepochs: %.0f\noptimizer: adamw lr=1e-3\nschedule:\n  lr: "
           "warmup(5%%) cosine(95%%, to=0) lr=1e-3\n",
           fmin(fmax(epochs, 5), 200));
}

static int write_config(const overview *o) {
    describe(o);
    const int status = put_data(o);
    if (!status) put_training(o);
    return status;
}

int cmd_init(const cli_args *args) {
    unsigned char *bytes = NULL;
    size_t size = 0;
    overview o = {.delimiter = ','};
    const char *path = args->operand[0];
    if (!path)
        return failure(FAILURE_USAGE, "init needs a table: ravine init FILE --target COLUMN");
    int status = input_read(path, CSV_BYTES_MAX, &bytes, &size);
    if (!status) {
        const char seen = csv_delimiter(bytes, size);
        if (seen) o.delimiter = seen;
        status = csv_parse(&o.table, bytes, size, path, o.delimiter);
    }
    free(bytes);
    if (status) return status;
    status = find_target(&o, cli_text(args, CLI_TARGET));
    if (!status) status = csv_check_filled(&o.table);
    if (!status) status = read_columns(&o);
    if (!status) status = write_config(&o);
    for (int64_t k = 0; o.column && k < o.table.columns; k++) csv_column_free(&o.column[k]);
    free(o.column);
    csv_free(&o.table);
    return status;
}
