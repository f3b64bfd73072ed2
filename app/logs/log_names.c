/* SPDX-License-Identifier: Apache-2.0 */
#include "logs/log_names.h"

#include "data/csv.h"
#include "io/failure.h"
#include "logs/log_reader.h"
#include "text/nearest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *key, *option;
} quantities[LOG_QUANTITIES] = {
#define ROW(NAME, key, option) [LOG_##NAME] = {key, option},
    LOG_QUANTITY_LIST(ROW)
#undef ROW
};

const char *log_quantity_key(log_quantity q) {
    return quantities[q].key;
}

static const struct {
    log_quantity quantity;
    const char *name;
} names[] = {
#define NAME(QUANTITY, name) {LOG_##QUANTITY, name},
#include "logs/names.def"
#undef NAME
};
enum { NAMES = sizeof names / sizeof *names };

/* ---- names that are alike ---- */

/* Lower case, and one sign for all that may stand between words. */
static char plain(char c) {
    return strchr("/.- _", c) ? '_' : (char)tolower((unsigned char)c);
}

static bool same_text(const char *a, const char *b, size_t length) {
    for (size_t k = 0; k < length; k++)
        if (!a[k] || plain(a[k]) != plain(b[k])) return false;
    return true;
}

static bool is_like(const char *key, const char *name) {
    const size_t length = strlen(key), wanted = strlen(name);
    if (*name == '*')
        return length >= wanted - 1 && same_text(key + length - (wanted - 1), name + 1, wanted - 1);
    if (name[wanted - 1] == '*') return same_text(key, name, wanted - 1);
    return length == wanted && same_text(key, name, wanted);
}

static bool is_taken(const log_data *log, const log_series *s) {
    for (int q = 0; q < LOG_QUANTITIES; q++)
        if (log->taken[q] == s->key) return true;
    return false;
}

/* A name without numbers says nothing; one with a single number is taken for want of better. */
static const log_series *find_like(const log_data *log, log_quantity q, size_t least) {
    for (size_t n = 0; n < NAMES; n++)
        for (size_t k = 0; names[n].quantity == q && k < log->nseries; k++)
            if (log->series[k].count >= least && is_like(log->series[k].key, names[n].name) &&
                !is_taken(log, &log->series[k]))
                return &log->series[k];
    return NULL;
}

/* ---- what somebody named ---- */

static int no_such_name(const log_data *log, log_quantity q, const char *given) {
    ravine_nearest nearest = ravine_nearest_to(given);
    for (size_t k = 0; k < log->nseries; k++) ravine_nearest_offer(&nearest, log->series[k].key);
    return failure(FAILURE_USAGE, "%s: %s %s is not in the log%s%s", log->path,
                   quantities[q].option, csv_quote(given).text, nearest.name ? "; nearest is " : "",
                   nearest.name ? csv_quote(nearest.name).text : "");
}

static int take_given(log_data *log, log_quantity q, const char *given) {
    const log_series *s = log_series_of(log, given);
    if (!s) return no_such_name(log, q, given);
    if (s->count == 0)
        return failure(FAILURE_INPUT, "%s: %s has no number%s%s", log->path, csv_quote(given).text,
                       s->texts ? ", but words such as " : "",
                       s->texts ? csv_quote(s->text).text : "");
    log->taken[q] = s->key;
    return 0;
}

/* ---- the loss, where no list has its name ---- */

static bool holds(const char *key, const char *word) {
    const size_t length = strlen(word);
    for (; *key; key++)
        if (same_text(key, word, length)) return true;
    return false;
}

static bool may_be_loss(const log_series *s) {
    static const char *const others[] = {"val",   "eval", "test", "dev",
                                         "scale", "min",  "max",  "std"};
    if (s->count < 2 || !holds(s->key, "loss")) return false;
    for (size_t k = 0; k < sizeof others / sizeof *others; k++)
        if (holds(s->key, others[k])) return false;
    return true;
}

/* "a, b, c" of the names that have numbers, or of those among them that may be the loss. */
static void list_names(const log_data *log, bool losses, char *text, size_t size) {
    size_t used = 0;
    *text = '\0';
    for (size_t k = 0; k < log->nseries && used < size; k++) {
        const log_series *s = &log->series[k];
        if (losses ? !may_be_loss(s) : s->count < 2) continue;
        used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "",
                                 csv_quote(s->key).text);
    }
    if (used >= size) strcpy(text + size - 4, "...");
}

static int guess_loss(log_data *log) {
    const log_series *found = NULL;
    size_t count = 0;
    char list[400];
    for (size_t k = 0; k < log->nseries; k++)
        if (may_be_loss(&log->series[k])) found = &log->series[k], count++;
    if (count == 1) {
        log->taken[LOG_LOSS] = found->key;
        log->guessed[LOG_LOSS] = true;
        return 0;
    }
    list_names(log, count > 1, list, sizeof list);
    if (count > 1)
        return failure(FAILURE_INPUT,
                       "%s: which of these is the training loss: %s? Say --loss NAME", log->path,
                       list);
    if (!*list) return failure(FAILURE_INPUT, "%s: there is no column of numbers in it", log->path);
    return failure(FAILURE_INPUT,
                   "%s: no name in it is that of a training loss; say --loss NAME, one of: %s",
                   log->path, list);
}

int log_take_names(log_data *log, const log_choice *choice) {
    for (int q = 0; q < LOG_QUANTITIES; q++) {
        const int status = choice->key[q] ? take_given(log, (log_quantity)q, choice->key[q]) : 0;
        if (status) return status;
    }
    for (int q = 0; q < LOG_QUANTITIES; q++) {
        if (log->taken[q]) continue;
        const log_series *s = find_like(log, (log_quantity)q, 2);
        if (!s) s = find_like(log, (log_quantity)q, 1);
        log->taken[q] = s ? s->key : NULL;
    }
    const int status = log->taken[LOG_LOSS] ? 0 : guess_loss(log);
    log->rewarded = log->taken[LOG_REWARD] && !choice->key[LOG_LOSS];
    if (!status && log->rewarded)
        log_note(log, "the reward is looked at in place of the loss, which says little of GRPO or "
                      "PPO: it may be 0 all the time");
    return status;
}
