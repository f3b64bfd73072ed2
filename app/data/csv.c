/* SPDX-License-Identifier: Apache-2.0 */
#include "data/csv.h"

#include "cli/progress.h"
#include "io/failure.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How a field ended. */
typedef enum ending { AT_DELIMITER, AT_LINE_END, AT_FILE_END } ending;

typedef struct reader {
    csv_table *table;
    const unsigned char *p, *end;
    unsigned char delimiter;
    uint32_t line;           /* of p, from 1 */
    uint32_t row_line;       /* on which the row began */
    size_t used;             /* bytes of table->text */
    size_t fields, capacity; /* of table->start */
    size_t rows, row_capacity;
    int64_t column; /* of the field that is being read */
} reader;

csv_excerpt csv_quote(const char *text) {
    csv_excerpt e;
    const size_t room = sizeof e.text - sizeof "...";
    size_t length = strnlen(text, room + 1);
    bool cut = length > room;
    if (cut) length = room;
    while (cut && length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
        length--; /* not within a UTF-8 character */
    for (size_t k = 0; k < length; k++) {
        bool control = (unsigned char)text[k] < 32 || text[k] == 127;
        e.text[k] = control ? '?' : text[k];
    }
    strcpy(e.text + length, cut ? "..." : "");
    return e;
}

static int wrong(const reader *r, const char *what) {
    const csv_table *t = r->table;
    if (r->rows == 0 || r->column >= t->columns)
        return failure(FAILURE_INPUT, "%s, line %" PRIu32 ", column %" PRId64 ": %s", t->name,
                       r->line, r->column + 1, what);
    return failure(FAILURE_INPUT, "%s, line %" PRIu32 ", column '%s': %s", t->name, r->line,
                   csv_quote(csv_field(t, 0, r->column)).text, what);
}

/* ---- one field ------------------------------------------------------------------------------- */

static void put(reader *r, unsigned char byte) {
    r->table->text[r->used++] = (char)byte;
}

/* Steps over what ends a field. */
static int end_field(reader *r, ending *how) {
    if (r->p == r->end) return *how = AT_FILE_END, 0;
    if (*r->p == r->delimiter) return r->p++, *how = AT_DELIMITER, 0;
    if (*r->p == '\r' && r->p + 1 < r->end && r->p[1] == '\n') r->p++;
    if (*r->p == '\n') return r->p++, r->line++, *how = AT_LINE_END, 0;
    if (*r->p == '\r') return wrong(r, "a carriage return without a line feed");
    return wrong(r, "text after the closing quote");
}

static int read_plain(reader *r, ending *how) {
    for (; r->p < r->end && *r->p != r->delimiter && *r->p != '\n' && *r->p != '\r'; r->p++) {
        if (*r->p == '"')
            return wrong(r, "a quote inside a field; put the field in quotes and double this one");
        put(r, *r->p);
    }
    return end_field(r, how);
}

static int read_quoted(reader *r, ending *how) {
    const uint32_t opened = r->line;
    for (r->p++; r->p < r->end; r->p++) {
        if (*r->p == '"') {
            r->p++;
            if (r->p == r->end || *r->p != '"') return end_field(r, how);
        }
        if (*r->p == '\n') r->line++;
        put(r, *r->p);
    }
    r->line = opened;
    return wrong(r, "the quote that opens here is never closed");
}

/* ---- rows ------------------------------------------------------------------------------------ */

static bool grow(uint32_t **array, size_t *capacity, size_t used) {
    if (used < *capacity) return true;
    size_t larger = *capacity ? *capacity * 2 : 256;
    uint32_t *grown = realloc(*array, larger * sizeof *grown);
    if (!grown) return false;
    *array = grown;
    *capacity = larger;
    return true;
}

static int no_memory(const reader *r) {
    return failure(FAILURE_INPUT, "%s: no memory for its fields", r->table->name);
}

static int wrong_count(const reader *r) {
    const csv_table *t = r->table;
    const char *other = csv_other_delimiter(t, (char)r->delimiter);
    if (!other)
        return failure(FAILURE_INPUT,
                       "%s, line %" PRIu32 ": %" PRId64 " fields, but the header has %" PRId64,
                       t->name, r->row_line, r->column, t->columns);
    return failure(FAILURE_INPUT,
                   "%s, line %" PRIu32 ": %" PRId64
                   " fields, but the header has 1; it looks split by "
                   "'%s': set data.delimiter: \"%s\"",
                   t->name, r->row_line, r->column, other, other);
}

static int read_row(reader *r) {
    csv_table *t = r->table;
    ending how = AT_DELIMITER;
    r->row_line = r->line;
    for (r->column = 0; how == AT_DELIMITER; r->column++) {
        if (r->column == CSV_COLUMNS_MAX)
            return failure(FAILURE_INPUT, "%s, line %" PRIu32 ": more than %d columns, the limit",
                           t->name, r->line, CSV_COLUMNS_MAX);
        if (!grow(&t->start, &r->capacity, r->fields)) return no_memory(r);
        t->start[r->fields++] = (uint32_t)r->used;
        bool quoted = r->p < r->end && *r->p == '"';
        int code = quoted ? read_quoted(r, &how) : read_plain(r, &how);
        if (code) return code;
        put(r, '\0');
    }
    if (r->rows == 0) t->columns = r->column;
    if (r->column != t->columns) return wrong_count(r);
    if (!grow(&t->line, &r->row_capacity, r->rows)) return no_memory(r);
    t->line[r->rows++] = r->row_line;
    return 0;
}

static void skip_empty_lines(reader *r) {
    for (; r->p < r->end; r->p++, r->line++) {
        if (*r->p == '\r' && r->p + 1 < r->end && r->p[1] == '\n') r->p++;
        if (*r->p != '\n') return;
    }
}

/* The rows before the one that failed; `cut`: that is no failure. */
static int end_rows(reader *r, int code, bool cut) {
    if (code && (!cut || r->rows == 0)) return code;
    if (r->rows == 0) return failure(FAILURE_INPUT, "%s: the file is empty", r->table->name);
    r->table->rows = (int64_t)r->rows - 1;
    return 0;
}

enum { LOOK_EVERY = 1024 /* rows */ };

static int read_rows(reader *r, bool cut, char *why, size_t why_size) {
    int code = 0;
    const unsigned char *begin = r->p;
    progress shown = progress_begin_bytes("reading the table", r->end - begin);
    for (skip_empty_lines(r); r->p < r->end && !code; skip_empty_lines(r)) {
        code = read_row(r);
        if (r->rows % LOOK_EVERY == 0) progress_to_byte(&shown, r->p - begin);
    }
    progress_end(&shown);
    if (cut) snprintf(why, why_size, "%s", code ? failure_text() : "");
    return end_rows(r, code, cut);
}

/* ---- the table ------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_names(const csv_table *t) {
    const char **name = malloc((size_t)t->columns * sizeof *name);
    if (!name) return failure(FAILURE_INPUT, "%s: no memory for its header", t->name);
    int code = 0;
    for (int64_t k = 0; k < t->columns; k++) {
        name[k] = csv_field(t, 0, k);
        if (!code && name[k][0] == '\0')
            code = failure(FAILURE_INPUT, "%s, line %" PRIu32 ": column %" PRId64 " has no name",
                           t->name, t->line[0], k + 1);
    }
    qsort(name, (size_t)t->columns, sizeof *name, by_text);
    for (int64_t k = 1; !code && k < t->columns; k++)
        if (strcmp(name[k - 1], name[k]) == 0)
            code = failure(FAILURE_INPUT, "%s, line %" PRIu32 ": two columns are named '%s'",
                           t->name, t->line[0], csv_quote(name[k]).text);
    free(name);
    return code;
}

/* What people call a table and is no text. */
static const char *known_binary(const unsigned char *bytes, size_t size) {
    static const struct {
        const char *begins, *text;
    } known[] = {
        {"\x1f\x8b", "is compressed by gzip; its name must end in .gz"},
        {"PK\x03\x04", "is a workbook or an archive; save the sheet as CSV (UTF-8)"},
        {"\xd0\xcf\x11\xe0", "is a workbook; save the sheet as CSV (UTF-8)"},
        {"\xff\xfe", "is text in UTF-16; convert it (iconv -f utf-16 -t utf-8)"},
        {"\xfe\xff", "is text in UTF-16; convert it (iconv -f utf-16 -t utf-8)"},
        {"PAR1", "is Parquet; write it as CSV"},
        {"SQLite format 3", "is a database; write the table as CSV"},
    };
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        const size_t length = strlen(known[k].begins);
        if (size >= length && memcmp(bytes, known[k].begins, length) == 0) return known[k].text;
    }
    return NULL;
}

int csv_check_text(const unsigned char *bytes, size_t size, const char *name) {
    const char *binary = known_binary(bytes, size);
    if (binary) return failure(FAILURE_INPUT, "%s: %s", name, binary);
    if (size > CSV_BYTES_MAX)
        return failure(FAILURE_INPUT, "%s: holds %zu bytes, the limit is %d", name, size,
                       CSV_BYTES_MAX);
    const unsigned char *zero = memchr(bytes, 0, size);
    if (!zero) return 0;
    return failure(FAILURE_INPUT, "%s: byte %zu is zero; this is not a text file in UTF-8", name,
                   (size_t)(zero - bytes));
}

static int parse(csv_table *out, const unsigned char *bytes, size_t size, const char *name,
                 char delimiter, bool cut, char *why, size_t why_size) {
    static const unsigned char mark[3] = {0xef, 0xbb, 0xbf};
    csv_table table = {.name = name};
    reader r = {.table = &table, .p = bytes, .end = bytes + size, .line = 1};
    r.delimiter = (unsigned char)delimiter;
    int code = csv_check_text(bytes, size, name);
    if (code) return code;
    if (size >= sizeof mark && memcmp(bytes, mark, sizeof mark) == 0) r.p += sizeof mark;
    table.text =
        malloc(size + 1); /* a field and its NUL never need more than field and delimiter */
    if (!table.text) return no_memory(&r);
    code = read_rows(&r, cut, why, why_size);
    if (!code && !cut) code = check_names(&table);
    if (code) return csv_free(&table), code;
    *out = table;
    return 0;
}

int csv_parse(csv_table *out, const unsigned char *bytes, size_t size, const char *name,
              char delimiter) {
    return parse(out, bytes, size, name, delimiter, false, NULL, 0);
}

int csv_parse_start(csv_table *out, const unsigned char *bytes, size_t size, const char *name,
                    char delimiter, char *why, size_t why_size) {
    return parse(out, bytes, size, name, delimiter, true, why, why_size);
}

void csv_free(csv_table *table) {
    free(table->text);
    free(table->start);
    free(table->line);
    memset(table, 0, sizeof *table);
}

int64_t csv_find(const csv_table *t, const char *name) {
    int64_t k = 0;
    while (k < t->columns && strcmp(csv_field(t, 0, k), name) != 0) k++;
    return k < t->columns ? k : -1;
}

static const char usual[] = ",;\t|";

const char *csv_written(char delimiter) {
    static const char *const written[] = {",", ";", "\\t", "|"};
    return written[strchr(usual, delimiter) - usual];
}

char csv_delimiter(const unsigned char *bytes, size_t size, char but) {
    const unsigned char *end = memchr(bytes, '\n', size);
    const size_t length = end ? (size_t)(end - bytes) : size;
    size_t most = 0;
    char best = '\0';
    for (size_t d = 0; usual[d]; d++) {
        bool quoted = false;
        size_t count = 0;
        for (size_t k = 0; k < length && usual[d] != but; k++) {
            if (bytes[k] == '"') quoted = !quoted;
            count += !quoted && bytes[k] == (unsigned char)usual[d];
        }
        if (count <= most) continue;
        most = count;
        best = usual[d];
    }
    return best;
}

const char *csv_other_delimiter(const csv_table *t, char delimiter) {
    for (size_t k = 0; t->columns == 1 && usual[k]; k++)
        if (usual[k] != delimiter && strchr(csv_field(t, 0, 0), usual[k]))
            return csv_written(usual[k]);
    return NULL;
}

int64_t csv_line(const csv_table *t, int64_t row, int64_t column) {
    int64_t line = t->line[row];
    for (int64_t k = 0; k < column; k++)
        for (const char *p = csv_field(t, row, k); *p; p++) line += *p == '\n';
    return line;
}
