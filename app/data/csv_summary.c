/* SPDX-License-Identifier: Apache-2.0 */
#include "data/csv_summary.h"

#include "data/csv_oddity.h"
#include "io/failure.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SHOWN = 6 }; /* of a list */

typedef struct subject {
    const csv_table *table;
    const csv_column *column; /* [table->columns] */
    int64_t target;
    const dataset_csv_options *options;
    FILE *out;
} subject;

static csv_excerpt name_of(const subject *s, int64_t k) {
    return csv_quote(csv_field(s->table, 0, k));
}

static void put_count(const subject *s, int64_t count, const char *what) {
    fprintf(s->out, "  %" PRId64 " column%s %s", count, count == 1 ? "" : "s", what);
}

/* ---- the target ---- */

/* The first field of a category, and in how many rows it is. */
static const char *category(const subject *s, const csv_column *c, int64_t k, int64_t *count) {
    int64_t first = 0;
    *count = 0;
    for (int64_t row = s->table->rows; row > 0; row--) {
        if (c->value[row - 1] != (double)k) continue;
        first = row;
        ++*count;
    }
    return csv_field(s->table, first, c->index);
}

static void put_classes(const subject *s, const csv_column *c) {
    fprintf(s->out, "%" PRId64 " classes:", c->categories);
    for (int64_t k = 0; k < c->categories && k < SHOWN; k++) {
        int64_t count;
        const char *text = category(s, c, k, &count);
        fprintf(s->out, "%s %s (%" PRId64 ")", k ? "," : "", csv_quote(text).text, count);
    }
    fputs(c->categories > SHOWN ? ", ...\n" : "\n", s->out);
    if (c->numeric && c->categories > CSV_CLASSES_USUAL)
        fprintf(s->out, "  so many different numbers are a quantity more often than classes: "
                        "data.task: regression\n");
}

static void put_quantity(const subject *s, const csv_column *c) {
    const int64_t rows = s->table->rows;
    double least = c->value[0], greatest = c->value[0], mean = 0, squares = 0;
    for (int64_t k = 0; k < rows; k++) {
        least = fmin(least, c->value[k]);
        greatest = fmax(greatest, c->value[k]);
        mean += c->value[k] / (double)rows;
    }
    for (int64_t k = 0; k < rows; k++)
        squares += (c->value[k] - mean) * (c->value[k] - mean) / (double)rows;
    fprintf(s->out,
            "numbers from %.6g to %.6g; mean %.4g, deviation %.4g, which is the unit of loss and "
            "rmse below\n",
            least, greatest, mean, sqrt(squares));
}

/* ---- the inputs ---- */

static void put_numbers(const subject *s) {
    int64_t forms[CSV_FORMS] = {0}, numbers = 0;
    for (int64_t k = 0; k < s->table->columns; k++) {
        const csv_column *c = &s->column[k];
        if (k == s->target || c->ignored || c->categories) continue;
        numbers++;
        forms[c->form]++;
    }
    if (!numbers) return;
    put_count(s, numbers, "of numbers, standardised");
    const int64_t dates = forms[CSV_DATE_ISO] + forms[CSV_DATE_DMY] + forms[CSV_DATE_MDY];
    if (forms[CSV_COMMA]) fprintf(s->out, ", %" PRId64 " with decimal commas", forms[CSV_COMMA]);
    if (dates) fprintf(s->out, ", %" PRId64 " of dates as days", dates);
    fputc('\n', s->out);
}

/* Whether it has numbers as well: "1", "2", "many". The first word among them, 0: there is none. */
static int64_t odd_word(const subject *s, const csv_column *c) {
    int64_t word = 0, numbers = 0;
    double number;
    for (int64_t row = s->table->rows; row > 0; row--) {
        const bool is_number = csv_number(csv_field(s->table, row, c->index), &number);
        if (is_number) numbers++;
        if (!is_number && c->value[row - 1] >= 0) word = row;
    }
    return numbers ? word : 0;
}

static void put_words(const subject *s) {
    int64_t columns = 0, inputs = 0, shown = 0;
    for (int64_t k = 0; k < s->table->columns; k++) {
        if (k == s->target || s->column[k].ignored || !s->column[k].categories) continue;
        columns++;
        inputs += s->column[k].categories;
    }
    if (!columns) return;
    put_count(s, columns, "of words");
    fprintf(s->out, ", an input for each word, %" PRId64 " in all:", inputs);
    for (int64_t k = 0; k < s->table->columns; k++) {
        const csv_column *c = &s->column[k];
        if (k == s->target || c->ignored || !c->categories || shown == SHOWN) continue;
        fprintf(s->out, "%s '%s' (%" PRId64 " different", shown++ ? "," : "", name_of(s, k).text,
                c->categories);
        const int64_t word = odd_word(s, c);
        if (word)
            fprintf(s->out, ", is it of numbers? line %" PRId64 " has '%s'",
                    csv_line(s->table, word, k), csv_quote(csv_field(s->table, word, k)).text);
        fputc(')', s->out);
    }
    fputs(columns > SHOWN ? ", ...\n" : "\n", s->out);
}

static void put_missing(const subject *s) {
    static const char *const becomes[] = {
        "", "the mean of the column", "the median of the column",
        "the mean of the column, and an input more says that it is missing"};
    int64_t columns = 0, shown = 0;
    for (int64_t k = 0; k < s->table->columns; k++) columns += s->column[k].missing > 0;
    if (!columns) return;
    put_count(s, columns, "with missing values:");
    for (int64_t k = 0; k < s->table->columns; k++) {
        if (s->column[k].missing == 0 || shown == SHOWN) continue;
        fprintf(s->out, "%s '%s' (%" PRId64 ")", shown++ ? "," : "", name_of(s, k).text,
                s->column[k].missing);
    }
    fprintf(s->out, "%s; a missing number becomes %s\n", columns > SHOWN ? ", ..." : "",
            becomes[s->options->habits.missing]);
}

static void put_ignored(const subject *s) {
    if (s->options->nignored) put_count(s, s->options->nignored, "left out\n");
}

static void put_oddities(const subject *s) {
    int64_t shown = 0;
    for (int64_t k = 0; k < s->table->columns; k++) {
        const csv_oddity oddity = csv_column_oddity(&s->column[k], s->table);
        if (k == s->target || oddity == CSV_FINE || shown++ >= SHOWN) continue;
        fprintf(s->out, "  '%s': %s To leave it out: data.ignored_columns: [\"%s\"]\n",
                name_of(s, k).text, csv_oddity_text(oddity), name_of(s, k).text);
    }
    if (shown > SHOWN)
        fprintf(s->out, "  and %" PRId64 " columns more that are as odd\n", shown - SHOWN);
}

static void put_all(const subject *s, char delimiter) {
    const csv_column *target = &s->column[s->target];
    fprintf(s->out, "%s: %" PRId64 " rows", s->table->name, s->table->rows);
    if (s->table->columns > 1 && delimiter != ',')
        fprintf(s->out, ", split by '%s'", delimiter == '\t' ? "\\t" : (char[]){delimiter, 0});
    fprintf(s->out, "\n  target '%s': ", name_of(s, s->target).text);
    if (s->options->regression)
        put_quantity(s, target);
    else
        put_classes(s, target);
    put_numbers(s);
    put_words(s);
    put_missing(s);
    put_ignored(s);
    put_oddities(s);
}

int csv_summary(char **out, const csv_table *table, const csv_column *column, int64_t target,
                const dataset_csv_options *options, char delimiter) {
    size_t size;
    const subject s = {table, column, target, options, open_memstream(out, &size)};
    if (!s.out) return failure(FAILURE_INPUT, "%s: no memory for a summary", table->name);
    put_all(&s, delimiter);
    if (fclose(s.out) == 0) return 0;
    return failure(FAILURE_INPUT, "%s: no memory for a summary", table->name);
}
