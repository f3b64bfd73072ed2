/* SPDX-License-Identifier: Apache-2.0 */
/* config.c - the table of keys, how a value gets into the struct, and what must fit together. */
#include "run/config.h"

#include "io/failure.h"
#include "text/number.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define KEY(field, key, kind, range, fallback, words, text) \
    {key, CONFIG_##kind, offsetof(run_config, field), range, fallback, words, text},
const config_row config_rows[CONFIG_KEY_COUNT] = {
#include "run/config_keys.def"
};
#undef KEY

static int out_of_memory(void) {
    return failure(FAILURE_INPUT, "out of memory");
}

static void *field_of(run_config *c, config_key key) {
    return (char *)c + config_rows[key].offset;
}

bool config_is_list(config_key key) {
    config_kind kind = config_rows[key].kind;
    return kind == CONFIG_WHOLES || kind == CONFIG_TEXTS;
}

const char *config_word(const char *words, int index, size_t *length) {
    for (; index > 0; index--) words = strchr(words, '|') + 1;
    *length = strcspn(words, "|");
    return words;
}

bool config_is_section(const char *name) {
    size_t length = strlen(name);
    for (int k = 0; k < CONFIG_KEY_COUNT; k++)
        if (!strncmp(config_rows[k].key, name, length) && config_rows[k].key[length] == '.')
            return true;
    return false;
}

config_key config_look_up(const char *name) {
    for (int k = 0; k < CONFIG_KEY_COUNT; k++)
        if (!strcmp(config_rows[k].key, name)) return (config_key)k;
    return CONFIG_KEY_COUNT;
}

/* "[0, 1)" holds the number? An empty range holds every number. */
static bool in_range(const char *range, double number) {
    if (!*range) return true;
    double least = strtod(range + 1, NULL), greatest = strtod(strchr(range, ',') + 1, NULL);
    bool above = *range == '[' ? number >= least : number > least;
    bool below = range[strlen(range) - 1] == ']' ? number <= greatest : number < greatest;
    return above && below; /* false for NaN */
}

/* A decimal number, or inf. */
static bool parse_number(const char *text, double *number) {
    *number = INFINITY;
    if (!strcmp(text, "inf")) return true;
    const char *end = ravine_number_end(text);
    *number = ravine_number_read(text);
    return end != text && *end == '\0';
}

static int read_number(const config_row *row, const char *text, const char *origin,
                       double *number) {
    bool whole = row->kind == CONFIG_WHOLE || row->kind == CONFIG_WHOLES;
    const char *what = whole ? "a whole number" : "a number";
    if (!parse_number(text, number))
        return failure(FAILURE_USAGE, "%s: %s is \"%s\"; it must be %s in %s", origin, row->key,
                       text, what, row->range);
    if (!in_range(row->range, *number) || (whole && *number != floor(*number)))
        return failure(FAILURE_USAGE, "%s: %s is %s; it must be %s%s", origin, row->key, text,
                       whole ? "a whole number in " : "in ", row->range);
    return 0;
}

static int read_truth(const config_row *row, const char *text, const char *origin, bool *truth) {
    *truth = !strcmp(text, "true");
    if (*truth || !strcmp(text, "false")) return 0;
    return failure(FAILURE_USAGE, "%s: %s is \"%s\"; it must be true or false", origin, row->key,
                   text);
}

static int read_word(const config_row *row, const char *text, const char *origin, int *word) {
    char list[128] = "";
    const char *next = row->words;
    for (int index = 0; *next; index++) {
        size_t length = strcspn(next, "|");
        if (strlen(text) == length && !memcmp(text, next, length)) {
            *word = index;
            return 0;
        }
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%.*s", index ? ", " : "", (int)length, next);
        next += length + (next[length] == '|');
    }
    return failure(FAILURE_USAGE, "%s: %s is \"%s\"; it must be one of %s", origin, row->key, text,
                   list);
}

static void free_texts(config_texts *texts) {
    for (int64_t k = 0; k < texts->count; k++) free(texts->item[k]);
    free(texts->item);
    *texts = (config_texts){NULL, 0};
}

static int put_texts(config_texts *texts, const char *const *item, int64_t count) {
    config_texts fresh = {calloc((size_t)count + 1, sizeof *fresh.item), 0};
    if (!fresh.item) return out_of_memory();
    for (; fresh.count < count; fresh.count++) {
        fresh.item[fresh.count] = strdup(item[fresh.count]);
        if (!fresh.item[fresh.count]) {
            free_texts(&fresh);
            return out_of_memory();
        }
    }
    free_texts(texts);
    *texts = fresh;
    return 0;
}

static int put_wholes(const config_row *row, config_wholes *wholes, const char *const *item,
                      int64_t count, const char *origin) {
    int64_t *fresh = calloc((size_t)count + 1, sizeof *fresh);
    if (!fresh) return out_of_memory();
    for (int64_t k = 0; k < count; k++) {
        double number;
        int status = read_number(row, item[k], origin, &number);
        if (status) {
            free(fresh);
            return status;
        }
        fresh[k] = (int64_t)number;
    }
    free(wholes->item);
    *wholes = (config_wholes){fresh, count};
    return 0;
}

static int put_text(const config_row *row, char **field, const char *text, const char *origin) {
    if (!*text && row->fallback)
        return failure(FAILURE_USAGE, "%s: %s has no value", origin, row->key);
    char *copy = *text ? strdup(text) : NULL;
    if (*text && !copy) return out_of_memory();
    free(*field);
    *field = copy;
    return 0;
}

/* Reads the texts into the field; nothing changes on an error. */
static int put_field(run_config *c, config_key key, const char *const *item, int64_t count,
                     const char *origin) {
    const config_row *row = &config_rows[key];
    void *field = field_of(c, key);
    double number;
    int status;
    switch (row->kind) {
    case CONFIG_TEXT: return put_text(row, field, item[0], origin);
    case CONFIG_TEXTS: return put_texts(field, item, count);
    case CONFIG_WHOLES: return put_wholes(row, field, item, count, origin);
    case CONFIG_TRUTH: return read_truth(row, item[0], origin, field);
    case CONFIG_WORD: return read_word(row, item[0], origin, field);
    case CONFIG_NUMBER: return read_number(row, item[0], origin, field);
    case CONFIG_WHOLE:
        status = read_number(row, item[0], origin, &number);
        if (!status) *(int64_t *)field = (int64_t)number;
        return status;
    }
    return 0;
}

int config_assign(run_config *c, config_key key, const char *const *item, int64_t count,
                  const char *origin) {
    char *copy = strdup(origin);
    if (!copy) return out_of_memory();
    int status = put_field(c, key, item, count, origin);
    if (status) {
        free(copy);
        return status;
    }
    free(c->origin[key]);
    c->origin[key] = copy;
    return 0;
}

void config_free(run_config *c) {
    for (int k = 0; k < CONFIG_KEY_COUNT; k++) {
        void *field = field_of(c, (config_key)k);
        free(c->origin[k]);
        if (config_rows[k].kind == CONFIG_TEXT) free(*(char **)field);
        if (config_rows[k].kind == CONFIG_TEXTS) free_texts(field);
        if (config_rows[k].kind == CONFIG_WHOLES) free(((config_wholes *)field)->item);
    }
    *c = (run_config){0};
}

bool config_is_given(const run_config *c, config_key key) {
    return c->origin[key] && strcmp(c->origin[key], CONFIG_DEFAULT) != 0;
}

const char *config_where(const run_config *c, config_key key, config_key wants) {
    return c->origin[config_is_given(c, key) ? key : wants];
}

static int check_name(const run_config *c) {
    const char *name = c->name;
    bool folder = strcmp(name, ".") && strcmp(name, "..") && !strchr(name, '/');
    for (const char *letter = name; *letter; letter++)
        if (iscntrl((unsigned char)*letter)) folder = false;
    if (folder && strlen(name) <= 200) return 0;
    return failure(FAILURE_USAGE,
                   "%s: name is \"%s\"; it must be the name of a folder: no /, no control "
                   "characters, at most 200 bytes",
                   c->origin[CONFIG_KEY_name], name);
}

/* A key that this format needs and nobody gave. */
static int missing(const run_config *c, const char *key, const char *format) {
    return failure(FAILURE_USAGE, "%s: %s is not set; data.format %s needs it",
                   c->origin[CONFIG_KEY_data_format], key, format);
}

static int check_text(const run_config *c) {
    if (c->data_files.count == 0) return missing(c, "data.files", "text");
    if (c->data_files.count <= DATASET_FILES_MAX) return 0;
    return failure(FAILURE_USAGE, "%s: data.files has %lld files; it may have %d",
                   c->origin[CONFIG_KEY_data_files], (long long)c->data_files.count,
                   DATASET_FILES_MAX);
}

bool config_is_balanced(const run_config *c) {
    return c->data_class_weights.count == 1 && !strcmp(*c->data_class_weights.item, "balanced");
}

static int check_folds(const run_config *c) {
    const char *origin = c->origin[CONFIG_KEY_data_folds];
    const long long folds = (long long)c->data_folds;
    if (folds == 0) return 0;
    if (c->data_format != CONFIG_CSV)
        return failure(FAILURE_USAGE,
                       "%s: data.folds is %lld; folds are of a table, and data.format is not csv",
                       origin, folds);
    if (folds < 2)
        return failure(FAILURE_USAGE, "%s: data.folds is %lld; it must be 0 or in [2, 1000]",
                       origin, folds);
    if (c->data_fold > folds)
        return failure(FAILURE_USAGE, "%s: data.fold is %lld; it must be in [1, %lld], data.folds",
                       c->origin[CONFIG_KEY_data_fold], (long long)c->data_fold, folds);
    return 0;
}

static int check_weights(const run_config *c) {
    const config_texts *given = &c->data_class_weights;
    const char *origin = c->origin[CONFIG_KEY_data_class_weights];
    if (given->count && c->data_task == CONFIG_REGRESSION)
        return failure(
            FAILURE_USAGE,
            "%s: data.class_weights is set; data.task is regression, which has no classes", origin);
    if (given->count && c->data_format == CONFIG_TEXT_FORMAT)
        return failure(
            FAILURE_USAGE,
            "%s: data.class_weights is set; data.format is text, whose bytes count alike", origin);
    for (int64_t k = 0; k < given->count && !config_is_balanced(c); k++) {
        double number;
        if (!parse_number(given->item[k], &number) || !(number >= 1e-6 && number <= 1e6))
            return failure(FAILURE_USAGE,
                           "%s: data.class_weights has \"%s\"; it must be balanced, or numbers in "
                           "[1e-6, 1e6]",
                           origin, given->item[k]);
    }
    return 0;
}

/* What is decided by the validation needs one. */
static int check_patience(const run_config *c) {
    if (c->train_patience == 0 || c->data_validation_share > 0) return 0;
    return failure(FAILURE_USAGE,
                   "%s: train.patience is %lld, but data.validation_share is 0: without a "
                   "validation loss there is nothing to wait for; share must be in (0, 1)",
                   c->origin[CONFIG_KEY_train_patience], (long long)c->train_patience);
}

int config_check(const run_config *c) {
    int status = check_name(c);
    if (!status) status = check_patience(c);
    if (!status) status = check_weights(c);
    if (!status) status = check_folds(c);
    if (status) return status;
    bool csv = c->data_format == CONFIG_CSV, regression = c->data_task == CONFIG_REGRESSION;
    if (c->data_format == CONFIG_TEXT_FORMAT && (status = check_text(c))) return status;
    if (csv && !c->data_file) return missing(c, "data.file", "csv");
    if (csv && !c->data_target) return missing(c, "data.target", "csv");
    if (c->data_format == CONFIG_FOLDER && !c->data_folder)
        return missing(c, "data.folder", "folder");
    if (csv && (c->data_flip || c->data_shift))
        return failure(FAILURE_USAGE, "%s: data.flip and data.shift move images; a table has none",
                       c->origin[c->data_flip ? CONFIG_KEY_data_flip : CONFIG_KEY_data_shift]);
    if (!csv && regression)
        return failure(FAILURE_USAGE,
                       "%s: data.task is regression; data.format idx, folder and text hold "
                       "classes, so it must be classification",
                       c->origin[CONFIG_KEY_data_task]);
    if (csv && c->data_missing_markers.count && c->data_missing == CSV_MISSING_ERROR)
        return failure(FAILURE_USAGE,
                       "%s: data.missing_markers is set, but not what a missing value becomes: "
                       "data.missing: mean (or median, indicator)",
                       c->origin[CONFIG_KEY_data_missing_markers]);
    if (c->data_delimiter && strlen(c->data_delimiter) != 1)
        return failure(FAILURE_USAGE, "%s: data.delimiter is \"%s\"; it must be one character",
                       c->origin[CONFIG_KEY_data_delimiter], c->data_delimiter);
    if (c->model_widths.count > NET_WIDTHS_MAX)
        return failure(FAILURE_USAGE, "%s: model.widths has %lld numbers; it may have %d",
                       c->origin[CONFIG_KEY_model_widths], (long long)c->model_widths.count,
                       NET_WIDTHS_MAX);
    net_loss loss = regression ? NET_MEAN_SQUARED_ERROR : NET_CROSS_ENTROPY;
    if (c->loss >= 0 && c->loss != (int)loss)
        return failure(FAILURE_USAGE, "%s: loss is %s; data.task %s needs %s",
                       c->origin[CONFIG_KEY_loss],
                       regression ? "cross_entropy" : "mean_squared_error",
                       regression ? "regression" : "classification",
                       regression ? "mean_squared_error" : "cross_entropy");
    return 0;
}
