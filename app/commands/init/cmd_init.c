/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_init.c - `ravine init`: looks at a table, and writes the configuration of a first run with
 * what it understood as comments. */
#include "cli/cli.h"
#include "data/csv_columns.h"
#include "data/csv_oddity.h"
#include "run/config.h"
#include "text/nearest.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MARKERS_MOST = 8 };

/* What is written about. */
typedef struct overview {
    run_config config;           /* what --set said */
    dataset_csv_options options; /* and what the table says besides */
    const char *marker[MARKERS_MOST];
    const char **ignored; /* [table.columns] */
    csv_table table;
    char delimiter;
    int64_t target;     /* column */
    csv_column *column; /* [table.columns] */
} overview;

/* ---- what is said on the command line ---- */

static int read_settings(overview *o, const cli_args *args) {
    int status = config_init(&o->config);
    for (int k = 0; k < args->ngiven && !status; k++)
        if (args->given[k].option == CLI_CONFIG_SET)
            status = config_set(&o->config, args->given[k].value);
    if (!status) status = config_put(&o->config, CONFIG_KEY_data_file, args->operand[0], "init");
    o->options = config_csv_options(&o->config);
    o->options.target = cli_text(args, CLI_TARGET);
    return status;
}

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

static int find_target(overview *o) {
    const char *target = o->options.target;
    o->target = target ? csv_find(&o->table, target) : -1;
    return o->target < 0 ? list_columns(&o->table, target) : 0;
}

/* ---- what the table says ---- */

static bool has_missing(const overview *o) {
    for (int64_t row = 1; row <= o->table.rows; row++)
        for (int64_t k = 0; k < o->table.columns; k++)
            if (csv_is_missing(&o->options.habits, csv_field(&o->table, row, k))) return true;
    return false;
}

/* Where something is missing and nobody said what becomes of it, the mean. */
static void settle_missing(overview *o) {
    csv_habits *habits = &o->options.habits;
    if (habits->markers == 0) {
        habits->markers = csv_find_markers(&o->table, habits, o->marker, MARKERS_MOST);
        habits->marker = o->marker;
    }
    if (habits->missing == CSV_MISSING_ERROR && has_missing(o)) habits->missing = CSV_MISSING_MEAN;
}

/* Words, and numbers of a few kinds, are classes; other numbers are a quantity. */
static void settle_task(overview *o) {
    enum { CLASSES_MOST = 20 };
    if (o->options.regression) return;
    const csv_habits *habits = &o->options.habits;
    csv_column c;
    const bool classes = csv_column_read_classes(&c, &o->table, o->target, CSV_ANY, habits) == 0 &&
                         !(c.numeric && c.categories > CLASSES_MOST);
    csv_column_free(&c);
    if (classes) return;
    o->options.regression =
        csv_column_read(&c, &o->table, o->target, CSV_ANY, habits) == 0 && c.numeric;
    csv_column_free(&c);
}

/* Columns that look like an ID, besides those that were named. */
static int settle_ignored(overview *o) {
    dataset_csv_options *options = &o->options;
    o->ignored = calloc((size_t)(o->table.columns + options->nignored), sizeof *o->ignored);
    if (!o->ignored) return failure(FAILURE_INPUT, "%s: no memory for its columns", o->table.name);
    for (int64_t k = 0; k < options->nignored; k++) o->ignored[k] = options->ignored_columns[k];
    for (int64_t k = 0; k < o->table.columns; k++)
        if (k != o->target && csv_oddity_is_id(csv_column_oddity(&o->column[k], &o->table)))
            o->ignored[options->nignored++] = csv_field(&o->table, 0, k);
    options->ignored_columns = o->ignored;
    return 0;
}

static int look(overview *o) {
    dataset_file file;
    int status = csv_columns_open(&o->table, &file, &o->options, &o->delimiter);
    if (!status) status = find_target(o);
    if (status) return status;
    settle_missing(o);
    settle_task(o);
    status = csv_columns_read(&o->column, &o->target, &o->table, &o->options, o->delimiter);
    return status ? status : settle_ignored(o);
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

static void describe_numbers(FILE *out, const csv_column *c, int64_t rows) {
    double least = INFINITY, greatest = -INFINITY;
    for (int64_t k = 0; k < rows; k++) { /* fmin and fmax pass over what is missing */
        least = fmin(least, c->value[k]);
        greatest = fmax(greatest, c->value[k]);
    }
    if (c->form == CSV_POINT || c->form == CSV_COMMA)
        fprintf(out, "numbers, %.6g to %.6g", least, greatest);
    else
        fprintf(out, "dates, over %.6g days", greatest - least);
    if (c->form == CSV_COMMA) fputs(", with decimal commas", out);
}

/* The words with how often each is there. */
static void describe_words(FILE *out, const overview *o, const csv_column *c) {
    enum { SHOWN = 6 };
    const int64_t rows = o->table.rows;
    fprintf(out, "%" PRId64 " %s:", c->categories, c->index == o->target ? "classes" : "words");
    for (int64_t word = 0; word < c->categories && word < SHOWN; word++) {
        int64_t first = -1, count = 0;
        for (int64_t k = 0; k < rows; k++) {
            if (c->value[k] != (double)word) continue;
            if (first < 0) first = k + 1;
            count++;
        }
        fprintf(out, "%s %s (%" PRId64 ")", word ? "," : "",
                csv_quote(csv_field(&o->table, first, c->index)).text, count);
    }
    if (c->categories > SHOWN) fputs(" ...", out);
}

static void describe(const overview *o, FILE *out) {
    const csv_table *t = &o->table;
    fprintf(out, "# What `ravine init` understood of %s: %" PRId64 " rows.\n",
            csv_quote(t->name).text, t->rows);
    for (int64_t k = 0; k < t->columns; k++) {
        const csv_column *c = &o->column[k];
        const csv_oddity oddity = csv_column_oddity(c, t);
        fprintf(out, "#   %-20s ", csv_quote(csv_field(t, 0, k)).text);
        if (c->ignored)
            fputs("left out", out);
        else if (c->categories)
            describe_words(out, o, c);
        else
            describe_numbers(out, c, t->rows);
        if (c->missing)
            fprintf(out, "; missing in %" PRId64 " row%s", c->missing, c->missing > 1 ? "s" : "");
        if (oddity && k != o->target) fprintf(out, ": %s", csv_oddity_text(oddity));
        fputs(k == o->target ? "   <- to predict\n" : "\n", out);
    }
    fputs("# A column that was taken wrongly: name it in data.numeric_columns or "
          "data.word_columns.\n",
          out);
}

/* A line that goes on below is a comment there, too. */
static int print_description(const overview *o) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out) describe(o, out);
    const bool whole = out && fclose(out) == 0;
    if (whole) cli_print_lines(stdout, text, "#");
    free(text);
    return whole ? 0 : failure(FAILURE_INPUT, "%s: no memory for its columns", o->table.name);
}

static int put_texts(const char *key, const char *const *text, int64_t count) {
    int status = 0;
    if (count == 0) return 0;
    printf("\n  %s: [", key);
    for (int64_t k = 0; k < count && !status; k++) {
        fputs(k ? ", " : "", stdout);
        status = put_text(text[k]);
    }
    putchar(']');
    return status;
}

static void put_word(config_key key, int index) {
    size_t length;
    const char *word = config_word(config_rows[key].words, index, &length);
    printf("\n  %s: %.*s", strchr(config_rows[key].key, '.') + 1, (int)length, word);
}

/* How its fields are read, where that is not how all are. */
static int put_habits(const overview *o) {
    const dataset_csv_options *options = &o->options;
    if (o->config.data_decimal) put_word(CONFIG_KEY_data_decimal, o->config.data_decimal);
    if (o->config.data_dates) put_word(CONFIG_KEY_data_dates, o->config.data_dates);
    if (options->habits.missing) {
        put_word(CONFIG_KEY_data_missing, (int)options->habits.missing);
        fputs("   # or median, indicator", stdout);
    }
    int status = put_texts("missing_markers", options->habits.marker, options->habits.markers);
    if (!status) status = put_texts("numeric_columns", options->numeric_columns, options->nnumeric);
    if (!status) status = put_texts("word_columns", options->word_columns, options->nwords);
    if (!status) status = put_texts("ignored_columns", options->ignored_columns, options->nignored);
    return status;
}

/* The run is called as the table. */
static int put_name(const char *path) {
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    char *name = strndup(base, 1 + strcspn(base + 1, "."));
    if (!name) return failure(FAILURE_INPUT, "%s: no memory for its name", path);
    fputs("\nname: ", stdout);
    const int status = put_text(name);
    free(name);
    return status;
}

static int put_data(const overview *o) {
    const csv_table *t = &o->table;
    const char delimiter[] = {o->delimiter, '\0'};
    int status = put_name(t->name);
    fputs("\ndata:\n  format: csv\n  file: ", stdout);
    if (!status) status = put_text(t->name);
    fputs("\n  target: ", stdout);
    if (!status) status = put_text(csv_field(t, 0, o->target));
    fputs("\n  delimiter: ", stdout);
    if (!status) status = put_text(delimiter);
    if (!status) status = put_habits(o);
    printf("\n  task: %s\n  test_share: 0.2   # of the rows, for the test\n",
           o->options.regression ? "regression" : "classification");
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
    int status = print_description(o);
    if (!status) status = put_data(o);
    if (!status) put_training(o);
    return status;
}

int cmd_init(const cli_args *args) {
    overview o = {.target = -1};
    if (!args->operand[0])
        return failure(FAILURE_USAGE, "init needs a table: ravine init FILE --target COLUMN");
    int status = read_settings(&o, args);
    if (!status) status = look(&o);
    if (!status) status = write_config(&o);
    csv_columns_free(o.column, &o.table);
    free(o.ignored);
    csv_free(&o.table);
    config_free(&o.config);
    return status;
}
