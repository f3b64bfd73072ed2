/* SPDX-License-Identifier: Apache-2.0 */
#include "data/csv_column.h"

#include "io/failure.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int csv_wrong_field(const csv_table *t, int64_t row, int64_t column, const char *what) {
    return failure(FAILURE_INPUT, "%s, line %" PRId64 ", column '%s': '%s' %s", t->name,
                   csv_line(t, row, column), csv_quote(csv_field(t, 0, column)).text,
                   csv_quote(csv_field(t, row, column)).text, what);
}

/* A column on its way. */
typedef struct reading {
    const csv_table *table;
    const csv_habits *habits;
    csv_column *column;
    csv_kind kind;
} reading;

static const char *field_of(const reading *r, int64_t row) {
    return csv_field(r->table, row, r->column->index);
}

static int wrong(const reading *r, int64_t row, const char *what) {
    return csv_wrong_field(r->table, row, r->column->index, what);
}

/* ---- numbers --------------------------------------------------------------------------------- */

static csv_form usual_form(const reading *r) {
    return r->habits->decimal == CSV_DECIMAL_COMMA ? CSV_COMMA : CSV_POINT;
}

/* Fills value[row - 1] as far as all fields are of that form; the row of the first one that is not,
 * 0 if there is none. */
static int64_t read_values(const reading *r, csv_form form) {
    csv_column *c = r->column;
    c->missing = 0;
    for (int64_t row = 1; row <= r->table->rows; row++) {
        double *value = &c->value[row - 1];
        const bool missing = csv_is_missing(r->habits, field_of(r, row));
        c->missing += missing;
        if (missing)
            *value = NAN;
        else if (!csv_value(form, field_of(r, row), value))
            return row;
    }
    return 0;
}

/* Whether some comma of the column can only be a decimal one. */
static bool has_certain_comma(const reading *r) {
    for (int64_t row = 1; row <= r->table->rows; row++)
        if (csv_comma_is_certain(field_of(r, row))) return true;
    return false;
}

/* Whether the forms that may be tried without being asked for include this one. */
static bool may_be(const reading *r, csv_form form) {
    const csv_habits *h = r->habits;
    switch (form) {
    case CSV_POINT: return h->decimal != CSV_DECIMAL_COMMA;
    case CSV_COMMA:
        return h->decimal == CSV_DECIMAL_COMMA ||
               (h->decimal == CSV_DECIMAL_SEEN && has_certain_comma(r));
    case CSV_DATE_ISO: return true;
    default: return h->dates == form;
    }
}

/* The form that all fields have; CSV_FORMS: there is none. *words: the first field that is no
 * number, where there is none. */
static csv_form find_form(const reading *r, int64_t *word) {
    const csv_form usual = usual_form(r);
    *word = read_values(r, usual);
    if (!*word) return usual;
    for (int form = 0; form < CSV_FORMS; form++)
        if (form != (int)usual && may_be(r, (csv_form)form) && !read_values(r, (csv_form)form))
            return (csv_form)form;
    return CSV_FORMS;
}

static int check_range(const reading *r) {
    for (int64_t row = 1; row <= r->table->rows; row++) {
        if (fabs(r->column->value[row - 1]) <= CSV_NUMBER_MAX) continue;
        if (csv_is_missing(r->habits, field_of(r, row))) continue;
        char what[256] = "cannot be used; numbers must lie within +-1e100";
        if (isnan(r->column->value[row - 1]))
            snprintf(what, sizeof what,
                     "cannot be used; numbers must lie within +-1e100. If it stands for a missing "
                     "value: data.missing_markers: [\"%s\"] and data.missing: mean",
                     csv_quote(field_of(r, row)).text);
        return wrong(r, row, what);
    }
    return 0;
}

/* ---- what is no number, and may have been meant as one ---- */

/* All fields are numbers, and in some thousands are parted. */
static int check_thousands(const reading *r) {
    int64_t parted = 0;
    double number;
    for (int64_t row = r->table->rows; row > 0; row--) {
        const char *field = field_of(r, row);
        if (csv_parts_thousands(field))
            parted = row;
        else if (!csv_is_missing(r->habits, field) && !csv_value(CSV_POINT, field, &number) &&
                 !csv_value(CSV_COMMA, field, &number))
            return 0;
    }
    if (!parted) return 0;
    return wrong(r, parted, "parts thousands; write numbers without that: 1234567.5");
}

/* All fields are of a form that nobody asked for. */
static int check_other_forms(const reading *r, int64_t word) {
    const bool dmy = !read_values(r, CSV_DATE_DMY), mdy = !read_values(r, CSV_DATE_MDY);
    if (dmy || mdy) {
        char what[256];
        snprintf(what, sizeof what,
                 "is a date, and its order is not told: data.dates: %s%s; ISO dates (2024-12-31) "
                 "need no setting, and data.word_columns takes them as words",
                 dmy ? "dmy (the day first)" : "mdy (the month first)",
                 dmy && mdy ? ", or mdy (the month first)" : "");
        return wrong(r, word, what);
    }
    if (read_values(r, CSV_COMMA)) return check_thousands(r);
    return wrong(r, word,
                 r->habits->decimal == CSV_DECIMAL_POINT
                     ? "has a comma, and data.decimal is point"
                     : "has a comma that may be a decimal one or part thousands; if it is a "
                       "decimal one: data.decimal: comma");
}

/* What a column would be but for some words. */
typedef struct intent {
    csv_form form;     /* that most fields have */
    int64_t numbers;   /* how many */
    int64_t word;      /* the first field that has another; 0: there is none */
    bool only_markers; /* all words are usual markers of missing values */
} intent;

static intent count_form(const reading *r, csv_form form) {
    intent i = {.form = form, .only_markers = true};
    double number;
    for (int64_t row = r->table->rows; row > 0; row--) {
        const char *field = field_of(r, row);
        if (csv_is_missing(r->habits, field)) continue;
        if (csv_value(form, field, &number)) {
            i.numbers++;
            continue;
        }
        i.word = row;
        i.only_markers = i.only_markers && csv_is_usual_marker(field);
    }
    return i;
}

static intent find_intent(const reading *r) {
    intent best = {0};
    for (int form = 0; form < CSV_FORMS; form++) {
        if (!may_be(r, (csv_form)form)) continue;
        const intent i = count_form(r, (csv_form)form);
        if (i.numbers > best.numbers) best = i;
    }
    best.only_markers = best.only_markers && best.numbers > 0 && best.word > 0;
    return best;
}

/* A word among so many different numbers is a value that is missing, or was mistyped: as categories
 * they would all be lost. */
static int check_mostly_words(const reading *r) {
    enum { CODES_MOST = 16 }; /* different numbers that may be names of categories */
    const intent i = find_intent(r);
    const csv_column *c = r->column;
    const bool mostly =
        c->categories > CODES_MOST + 1 && 2 * i.numbers > r->table->rows - c->missing;
    if (!i.only_markers && !mostly) return 0;
    char what[512];
    const csv_excerpt text = csv_quote(field_of(r, i.word));
    snprintf(
        what, sizeof what,
        "is not %s, and %" PRId64 " of the column's %" PRId64
        " fields are; mend it; or, if it stands for a missing value, "
        "data.missing_markers: [\"%s\"] and data.missing: mean; or, if the column is of words, "
        "data.word_columns: [\"%s\"]",
        csv_form_text(i.form), i.numbers, r->table->rows, text.text,
        csv_quote(csv_field(r->table, 0, c->index)).text);
    return wrong(r, i.word, what);
}

static int not_a_number(const reading *r, int64_t word) {
    const csv_form form = usual_form(r);
    char what[160];
    double number;
    const bool comma = form == CSV_POINT && csv_value(CSV_COMMA, field_of(r, word), &number);
    snprintf(what, sizeof what, "is not %s, and the column must be numeric%s", csv_form_text(form),
             comma ? "; it has a decimal comma: data.decimal: comma" : "");
    return wrong(r, word, what);
}

/* Sets c->numeric, and c->value if it is. *word: the first field that is none. */
static int classify(const reading *r, int64_t *word) {
    csv_column *c = r->column;
    c->value = malloc((size_t)r->table->rows * sizeof *c->value);
    if (!c->value) return failure(FAILURE_INPUT, "%s: no memory for its columns", r->table->name);
    const csv_form form = find_form(r, word);
    c->numeric = form < CSV_FORMS && r->kind != CSV_WORDS;
    if (!c->numeric) return r->kind == CSV_NUMBERS ? not_a_number(r, *word) : 0;
    c->form = form;
    return check_range(r);
}

/* ---- different values ------------------------------------------------------------------------ */

typedef struct entry {
    double number;    /* 0 in a column of words */
    const char *word; /* "" in a column of numbers */
    int64_t row;      /* from 0 */
} entry;

static int by_value(const void *a, const void *b) {
    const entry *x = a, *y = b;
    if (x->number != y->number) return x->number < y->number ? -1 : 1;
    return strcmp(x->word, y->word);
}

/* Replaces the values by the ranks of the different ones in sorted order, and counts them; what is
 * missing has none. */
static int rank_values(const reading *r) {
    csv_column *c = r->column;
    entry *e = malloc((size_t)r->table->rows * sizeof *e);
    if (!e) return failure(FAILURE_INPUT, "%s: no memory for its columns", r->table->name);
    size_t filled = 0;
    for (int64_t k = 0; k < r->table->rows; k++) {
        const char *text = field_of(r, k + 1);
        const bool missing = csv_is_missing(r->habits, text);
        if (!missing)
            e[filled++] = (entry){c->numeric ? c->value[k] : 0, c->numeric ? "" : text, k};
        c->value[k] = -1;
    }
    qsort(e, filled, sizeof *e, by_value);
    int64_t rank = 0;
    for (size_t k = 0; k < filled; k++) {
        if (k && by_value(&e[k - 1], &e[k]) != 0) rank++;
        c->value[e[k].row] = (double)rank;
    }
    c->missing = r->table->rows - (int64_t)filled;
    c->categories = filled ? rank + 1 : 0;
    free(e);
    return 0;
}

/* Numbers the ranks anew, in order of first appearance; there are at most CSV_CATEGORIES_MAX. */
static void renumber(csv_column *c, int64_t rows) {
    double number_of[CSV_CATEGORIES_MAX];
    bool seen[CSV_CATEGORIES_MAX] = {false};
    int next = 0;
    for (int64_t k = 0; k < rows; k++) {
        int rank = (int)c->value[k];
        if (rank < 0) continue;
        if (!seen[rank]) number_of[rank] = next++;
        seen[rank] = true;
        c->value[k] = number_of[rank];
    }
}

/* ---- what is missing ------------------------------------------------------------------------- */

int csv_check_filled(const csv_table *t, int64_t index, const csv_habits *habits, bool target) {
    for (int64_t row = 1; row <= t->rows; row++) {
        const char *text = csv_field(t, row, index);
        if (!csv_is_missing(habits, text)) continue;
        const bool empty = csv_is_missing(&(csv_habits){0}, text);
        return failure(
            FAILURE_INPUT, "%s, line %" PRId64 ", column '%s': the field is %s%s%s%s", t->name,
            csv_line(t, row, index), csv_quote(csv_field(t, 0, index)).text, empty ? "empty" : "'",
            empty ? "" : csv_quote(text).text, empty ? "" : "', a missing value",
            target ? "; what is to be predicted must be there: fill it in, or remove the row"
                   : "; fill it in, or say what a missing value becomes: data.missing: mean (or "
                     "median, indicator)");
    }
    return 0;
}

int64_t csv_find_markers(const csv_table *t, const csv_habits *habits, const char **marker,
                         int64_t most) {
    int64_t found = 0;
    for (int64_t k = 0; k < t->columns; k++) {
        csv_column column = {.index = k};
        const reading r = {.table = t, .habits = habits, .column = &column};
        const bool here = find_intent(&r).only_markers;
        for (int64_t row = 1; row <= t->rows && here; row++) {
            const char *field = csv_field(t, row, k);
            const csv_habits so_far = {.marker = marker, .markers = found};
            if (found < most && csv_is_usual_marker(field) && !csv_is_missing(&so_far, field))
                marker[found++] = field;
        }
    }
    return found;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static int check_some(const reading *r) {
    if (r->column->missing < r->table->rows) return 0;
    const csv_excerpt name = csv_quote(csv_field(r->table, 0, r->column->index));
    return failure(FAILURE_INPUT,
                   "%s: column '%s' has no value in any row; leave it out: "
                   "data.ignored_columns: [\"%s\"]",
                   r->table->name, name.text, name.text);
}

/* `word`: the field that makes it one of words; 0: it was named as one. */
static int check_categories(const reading *r, int64_t word) {
    const csv_column *c = r->column;
    if (c->categories <= CSV_CATEGORIES_MAX) return 0;
    char why[160] = "";
    if (word)
        snprintf(why, sizeof why, "; it is not numeric because of '%s' on line %" PRId64,
                 csv_quote(field_of(r, word)).text, csv_line(r->table, word, c->index));
    const csv_excerpt name = csv_quote(csv_field(r->table, 0, c->index));
    return failure(FAILURE_INPUT,
                   "%s: column '%s' has %" PRId64 " categories, the limit is %d%s; to leave it "
                   "out: data.ignored_columns: [\"%s\"]",
                   r->table->name, name.text, c->categories, CSV_CATEGORIES_MAX, why, name.text);
}

int csv_column_read(csv_column *out, const csv_table *t, int64_t index, csv_kind kind,
                    const csv_habits *habits) {
    int64_t word;
    const reading r = {.table = t, .habits = habits, .column = out, .kind = kind};
    *out = (csv_column){.index = index, .ignored = kind == CSV_IGNORED};
    if (out->ignored) return 0;
    int code = habits->missing == CSV_MISSING_ERROR ? csv_check_filled(t, index, habits, false) : 0;
    if (!code) code = classify(&r, &word);
    if (!code && out->numeric) code = check_some(&r);
    if (code || out->numeric) return code;
    if (kind != CSV_WORDS) code = check_other_forms(&r, word);
    if (!code) code = rank_values(&r);
    if (!code && kind != CSV_WORDS) code = check_mostly_words(&r);
    if (!code) code = check_some(&r);
    if (!code) code = check_categories(&r, word);
    if (code) return code;
    renumber(out, t->rows);
    return 0;
}

int csv_column_read_classes(csv_column *out, const csv_table *t, int64_t index, csv_kind kind,
                            const csv_habits *habits) {
    int64_t word;
    const reading r = {.table = t, .habits = habits, .column = out, .kind = kind};
    *out = (csv_column){.index = index};
    int code = csv_check_filled(t, index, habits, true);
    if (!code) code = classify(&r, &word);
    if (code) return code;
    out->numeric = out->numeric && out->form == CSV_POINT; /* other forms are names, as words are */
    code = rank_values(&r);
    if (code) return code;
    const char *name = csv_field(t, 0, index);
    if (out->categories < 2)
        return failure(FAILURE_INPUT,
                       "%s: every row has '%s' in the target column '%s'; there must be at least "
                       "2 classes",
                       t->name, csv_quote(csv_field(t, 1, index)).text, csv_quote(name).text);
    if (out->categories > CSV_CATEGORIES_MAX)
        return failure(FAILURE_INPUT,
                       "%s: the target column '%s' has %" PRId64 " classes, the limit is %d; for "
                       "numbers choose regression (data.task: regression)",
                       t->name, csv_quote(name).text, out->categories, CSV_CATEGORIES_MAX);
    return 0;
}

void csv_column_free(csv_column *column) {
    free(column->value);
}
