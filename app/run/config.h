/* SPDX-License-Identifier: Apache-2.0 */
/* config.h - what `ravine train` trains: one struct, filled from defaults, a YAML file, RAVINE_
 * variables and --set, each overriding the one before. The keys are listed in config_keys.def.
 *
 * Functions that can fail return 0 or a kind of io/failure.h; a message names the place
 * ("run.yaml:7:9", "--set", "RAVINE_EPOCHS"), the key, the value and the limit.
 */
#ifndef RAVINE_RUN_CONFIG_H
#define RAVINE_RUN_CONFIG_H

#include "data/batch.h"
#include "network/net.h"
#include "ravine.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct config_texts {
    char **item; /* [count] */
    int64_t count;
} config_texts;
typedef struct config_wholes {
    int64_t *item; /* [count] */
    int64_t count;
} config_wholes;

typedef char *config_TEXT; /* NULL: not set */
typedef int64_t config_WHOLE;
typedef double config_NUMBER;
typedef bool config_TRUTH;
typedef int config_WORD; /* -1: not set */
typedef config_texts config_TEXTS;
typedef config_wholes config_WHOLES;

#define KEY(field, ...) CONFIG_KEY_##field,
typedef enum config_key {
#include "run/config_keys.def"
    CONFIG_KEY_COUNT
} config_key;
#undef KEY

typedef struct run_config {
#define KEY(field, key, kind, ...) config_##kind field;
#include "run/config_keys.def"
#undef KEY
    char *origin[CONFIG_KEY_COUNT]; /* where each value came from */
} run_config;

/* Words of doctor.on_warning. */
typedef enum config_warning {
    CONFIG_WARNING_NONE,
    CONFIG_WARNING_HALVE_LR,
    CONFIG_WARNING_STOP,
    CONFIG_WARNING_CHECKPOINT
} config_warning;
/* Words of data.format and data.task. */
enum { CONFIG_CSV = 1, CONFIG_FOLDER = 2, CONFIG_TEXT_FORMAT = 3, CONFIG_REGRESSION = 1 };

int config_init(run_config *c); /* the defaults */
void config_free(run_config *c);
int config_read_file(run_config *c, const char *path);
int config_read_variables(run_config *c);
int config_set(run_config *c, const char *assignment); /* "KEY=VALUE" of --set: a config_target */
int config_put(run_config *c, config_key key, const char *text, const char *origin);
#define CONFIG_DEFAULT "default" /* the origin of what nobody has set */
/* Where a value came from, for a message; of a default where the value came from that wants another
 * one. */
const char *config_where(const run_config *c, config_key key, config_key wants);
/* Whether anybody has set it. */
bool config_is_given(const run_config *c, config_key key);
/* config_setting.c: what an assignment "KEY=VALUE" is for: a key, or a setting of the rule by its
 * own name ("lr"), which is a part of `optimizer` or of the schedule that it follows. */
typedef struct config_target {
    char name[64];
    int setting; /* a ravine_setting; -1: it is the key */
    config_key key;
} config_target;
int config_target_find(config_target *target, const char *assignment, const char *origin);
int config_target_put(run_config *c, const config_target *target, const char *value,
                      const char *origin);
/* Checks what concerns several keys at once; call it after the last value. */
int config_check(const run_config *c);

/* A YAML file that means the same, each line with its origin as a comment. */
void config_print(const run_config *c, FILE *out);
/* The same of the keys alone whose value came from `origin`, without comments. */
void config_print_from(const run_config *c, const char *origin, FILE *out);
/* A value as that file has it; "": not set. */
enum { CONFIG_VALUE_SIZE = 4096 };
void config_value(const run_config *c, config_key key, char out[CONFIG_VALUE_SIZE]);
/* Every key: what it may be, its default, what it means. */
void config_print_keys(FILE *out);
/* The same for programs; NULL: no memory. */
json_t *config_keys_json(void);
/* {"epochs": 10, "model": {"widths": [256], ...}, ...}; with `origins`, each value is
 * {"value": ..., "origin": ...}. NULL: out of memory. */
json_t *config_json(const run_config *c, bool origins);
/* Whether a key has the same value in both; where its value came from does not count. */
bool config_is_equal(const run_config *a, const run_config *b, config_key key);
/* config_read.c: sets what config_json without origins has told. */
int config_read_json(run_config *c, const json_t *object, const char *origin);

/* config_build.c: the values that the data reader, the net and the library take. */
dataset_csv_options config_csv_options(const run_config *c);
data_augmentation config_augmentation(const run_config *c);
int config_read_data(const run_config *c, dataset_pair *data);
int config_net_spec(const run_config *c, const data_encoding *data, net_spec *spec);
/* What an example of each class counts, with a mean of 1 over those in `train`: [outputs], for
 * free(); NULL: 1 each. */
int config_class_weights(const run_config *c, const dataset *train, double **weight);
int config_rule(const run_config *c, ravine_config *rule);
/* A schedule.* whose text has shares of the run, "5%"; NULL: there is none. */
const char *config_key_in_shares(const run_config *c);
/* A schedule's text in which every "5%" is that share of total_steps, rounded, at least 1; for
 * free(). NULL: out of memory. */
char *config_expand_shares(const char *text, int64_t total_steps);
/* schedule.NAME of a setting; CONFIG_KEY_COUNT: it follows none. */
config_key config_schedule_key(int setting);
/* The schedule of a setting, shares expanded; *given is false where there is none. */
int config_schedule(const run_config *c, int setting, int64_t total_steps,
                    ravine_schedule *schedule, bool *given);

/* ---- for config*.c -------------------------------------------------------------------------- */
typedef enum config_kind {
    CONFIG_TEXT,
    CONFIG_WHOLE,
    CONFIG_NUMBER,
    CONFIG_TRUTH,
    CONFIG_WORD,
    CONFIG_WHOLES,
    CONFIG_TEXTS
} config_kind;
typedef struct config_row {
    const char *key;
    config_kind kind;
    size_t offset; /* of the value in struct config */
    const char *range, *fallback, *words, *text;
} config_row;
extern const config_row config_rows[CONFIG_KEY_COUNT];

bool config_is_list(config_key key);
const char *config_text_of(const run_config *c, config_key key); /* of a TEXT; NULL: not set */
bool config_is_balanced(const run_config *c);                    /* data.class_weights */
config_key config_look_up(const char *name); /* CONFIG_KEY_COUNT: there is no such key */
/* config_unknown.c: FAILURE_USAGE with what it is called here, where it stands, or the nearest
 * name. in_file: settings of the rule are no keys there. */
int config_fail_unknown(const char *name, const char *origin, bool in_file);
bool config_is_section(const char *name); /* "model": there are keys model.* */
/* Sets a key from `count` texts: one, unless it is a list. On an error nothing changed. */
int config_assign(run_config *c, config_key key, const char *const *item, int64_t count,
                  const char *origin);
/* config_yaml.c: a value as it is written in YAML; the brackets of a list may be left out. */
int config_assign_yaml(run_config *c, config_key key, const char *text, const char *origin);
/* The word number `index` of "a|b|c" as [*length] characters. */
const char *config_word(const char *words, int index, size_t *length);

#endif
