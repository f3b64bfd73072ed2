/* SPDX-License-Identifier: Apache-2.0 */
/* log_rows.c - the rows of a log as its reader hands them over. */
#include "io/failure.h"
#include "logs/log_reader.h"
#include "text/number.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int no_memory(const log_data *log) {
    return failure(FAILURE_INPUT, "%s: out of memory", log->path);
}

/* Makes room for one more of `size` bytes each. */
static bool grow(void **array, size_t *room, size_t used, size_t size) {
    if (used < *room) return true;
    const size_t larger = *room ? 2 * *room : 64;
    void *grown = realloc(*array, larger * size);
    if (!grown) return false;
    *array = grown;
    *room = larger;
    return true;
}

int log_row(log_data *log, int64_t line) {
    if (log->nrows == LOG_VALUES_MAX)
        return failure(FAILURE_INPUT, "%s, line %lld: more than %d rows, the limit", log->path,
                       (long long)line, LOG_VALUES_MAX);
    if (!grow((void **)&log->line, &log->rows_room, log->nrows, sizeof *log->line))
        return no_memory(log);
    log->line[log->nrows++] = line;
    return 0;
}

static int64_t line_now(const log_data *log) {
    return log->nrows ? log->line[log->nrows - 1] : 0;
}

/* FNV-1a (Fowler, Noll, Vo). */
static size_t hash_of(const char *key) {
    uint32_t hash = 2166136261u;
    for (; *key; key++) hash = (hash ^ (unsigned char)*key) * 16777619u;
    return hash % LOG_SLOTS;
}

/* The slot of a name, or the free one for it: there are twice as many as names. */
static uint16_t *slot_of(const log_data *log, const char *key) {
    size_t at = hash_of(key);
    while (log->slot[at] && strcmp(log->series[log->slot[at] - 1].key, key) != 0)
        at = (at + 1) % LOG_SLOTS;
    return &log->slot[at];
}

/* Names come in the same order in every row, so the next one is most often the next. */
static log_series *find_series(log_data *log, const char *key) {
    size_t at = log->next;
    if (at >= log->nseries || strcmp(log->series[at].key, key) != 0) {
        const uint16_t slot = log->slot ? *slot_of(log, key) : 0;
        if (slot == 0) return NULL;
        at = slot - 1u;
    }
    log->next = at + 1 < log->nseries ? at + 1 : 0;
    return &log->series[at];
}

static int add_series(log_data *log, const char *key, log_series **out) {
    if (log->nseries == LOG_KEYS_MAX)
        return failure(FAILURE_INPUT, "%s, line %lld: more than %d names, the limit", log->path,
                       (long long)line_now(log), LOG_KEYS_MAX);
    if (!log->slot) log->slot = calloc(LOG_SLOTS, sizeof *log->slot);
    if (!log->slot ||
        !grow((void **)&log->series, &log->series_room, log->nseries, sizeof *log->series))
        return no_memory(log);
    char *own = strdup(key);
    if (!own) return no_memory(log);
    *slot_of(log, key) = (uint16_t)(log->nseries + 1);
    *out = &log->series[log->nseries++];
    **out = (log_series){.key = own};
    return 0;
}

static int series_of(log_data *log, const char *key, log_series **out) {
    if (strlen(key) > LOG_KEY_MAX)
        return failure(FAILURE_INPUT, "%s, line %lld: the name %.40s... is longer than %d bytes",
                       log->path, (long long)line_now(log), key, LOG_KEY_MAX);
    *out = find_series(log, key);
    return *out ? 0 : add_series(log, key, out);
}

int log_put(log_data *log, const char *key, double value) {
    log_series *s;
    int status = log->nrows ? series_of(log, key, &s) : log_row(log, 0);
    if (!status && log->values == LOG_VALUES_MAX)
        status = failure(FAILURE_INPUT, "%s, line %lld: more than %d numbers, the limit", log->path,
                         (long long)line_now(log), LOG_VALUES_MAX);
    if (status) return status;
    if (!grow((void **)&s->cell, &s->room, s->count, sizeof *s->cell)) return no_memory(log);
    s->cell[s->count++] = (struct log_cell){value, (uint32_t)(log->nrows - 1)};
    log->values++;
    return 0;
}

/* ---- words in place of a number ---- */

/* What programs write for a number that is not there. */
static bool is_nothing(const char *text) {
    static const char *const words[] = {"", "na", "n/a", "none", "null", "-", "<na>", "undefined"};
    for (size_t k = 0; k < sizeof words / sizeof *words; k++)
        if (!strcasecmp(text, words[k])) return true;
    return false;
}

static bool read_special(const char *text, double *value) {
    const bool minus = *text == '-';
    const char *word = text + (minus || *text == '+');
    if (!strcasecmp(word, "nan") || !strcasecmp(word, "nan(ind)") || !strcasecmp(word, "1.#qnan"))
        return *value = NAN, true;
    if (strcasecmp(word, "inf") != 0 && strcasecmp(word, "infinity") != 0) return false;
    *value = minus ? -(double)INFINITY : (double)INFINITY;
    return true;
}

/* "12/500", and numbers with a unit of percent: "12%". */
static bool read_decimal(const char *text, double *value) {
    const char *end = ravine_number_end(text);
    if (end == text) return false;
    *value = ravine_number_read(text);
    if (*end == '%' && !end[1]) *value /= 100;
    if (!*end || (*end == '%' && !end[1])) return true;
    return *end == '/' && ravine_number_end(end + 1) > end + 1 && !*ravine_number_end(end + 1);
}

/* Without the blanks around it, a comma in it as a point. False: it is too long for a number. */
static bool trim(const char *text, bool comma, char out[64]) {
    while (isspace((unsigned char)*text)) text++;
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1])) length--;
    if (length >= 64) return false;
    memcpy(out, text, length);
    out[length] = '\0';
    char *at = comma ? strchr(out, ',') : NULL;
    if (at) *at = '.';
    return true;
}

/* Words of a row: a name of a run, a phase. How often it changes tells of mixed runs. */
static int put_word(log_data *log, const char *key, const char *text) {
    log_series *s;
    const int status = log->nrows ? series_of(log, key, &s) : 0;
    if (status || !log->nrows) return status;
    char word[sizeof s->text];
    snprintf(word, sizeof word, "%s", text);
    if (s->texts > 0 && strcmp(word, s->text) != 0) s->variants++;
    snprintf(s->text, sizeof s->text, "%s", word);
    s->texts++;
    return 0;
}

int log_put_text(log_data *log, const char *key, const char *text, bool comma) {
    char trimmed[64];
    double value;
    if (!trim(text, comma, trimmed)) return put_word(log, key, text);
    if (is_nothing(trimmed)) return 0;
    if (read_special(trimmed, &value) || read_decimal(trimmed, &value))
        return log_put(log, key, value);
    return put_word(log, key, text);
}

void log_note(log_data *log, const char *format, ...) {
    if (log->nnotes == LOG_NOTES_MAX) return;
    va_list values;
    va_start(values, format);
    vsnprintf(log->note[log->nnotes++], LOG_NOTE_SIZE, format, values);
    va_end(values);
}

const log_series *log_series_of(const log_data *log, const char *key) {
    for (size_t k = 0; key && k < log->nseries; k++)
        if (!strcmp(log->series[k].key, key)) return &log->series[k];
    return NULL;
}

void log_free(log_data *log) {
    for (size_t k = 0; k < log->nseries; k++) {
        free(log->series[k].key);
        free(log->series[k].cell);
    }
    free(log->series);
    free(log->slot);
    free(log->line);
    free(log->point);
    free(log->path);
    *log = (log_data){0};
}
