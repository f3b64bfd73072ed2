/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - what the log of a training tells, whoever wrote it.
 *
 *     log_data log;
 *     int status = log_read(&log, path, NULL);
 *     if (!status) ... log.point[k].value[LOG_LOSS] ...
 *     log_free(&log);
 *
 * A reader (log_reader.h, readers.def) knows a format. It hands over the rows of the file as they
 * are, each number under the name that it has there; which name is the loss, the step, the learning
 * rate is decided once for all formats (names.def), and so is what becomes of steps that were
 * logged twice.
 *
 * Nothing of a file is believed: what is too much is refused with its limit, and of a file that is
 * cut what is whole is told, with a note. Functions that return int return 0 or a kind of
 * io/failure.h.
 */
#ifndef RAVINE_LOGS_LOG_H
#define RAVINE_LOGS_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is looked for in a log: X(NAME, key of the JSON, the option that names its column or ""). */
#define LOG_QUANTITY_LIST(X)                                                              \
    X(STEP, "step", "--step")                                                             \
    X(LOSS, "loss", "--loss")                   /* of the training */                     \
    X(VALIDATION, "validation", "--validation") /* the loss of examples not trained on */ \
    X(LR, "lr", "--lr")                         /* the learning rate */                   \
    X(GRAD_NORM, "grad_norm", "--grad-norm")    /* before clipping */                     \
    X(SCORE, "score", "")                       /* an accuracy */                         \
    X(EPOCH, "epoch", "")                                                                 \
    X(SCALE, "scale", "")     /* of the loss, by a GradScaler */                          \
    X(SECONDS, "seconds", "") /* of any clock */                                          \
    X(REWARD, "reward", "")   /* which training makes greater */
#define LOG_QUANTITY_ENUM(NAME, ...) LOG_##NAME,
typedef enum log_quantity { LOG_QUANTITY_LIST(LOG_QUANTITY_ENUM) LOG_QUANTITIES } log_quantity;

enum {
    LOG_BYTES_MAX = 1 << 28, /* of a text file */
    LOG_TREE_MAX = 1 << 26,  /* of one that is a single JSON value: its tree takes ten times that */
    LOG_KEYS_MAX = 4096,     /* names in a log */
    LOG_VALUES_MAX = 1 << 26, /* numbers in a log */
    LOG_SLOTS = 2 * LOG_KEYS_MAX,
    LOG_KEY_MAX = 256, /* bytes of a name */
    LOG_NOTES_MAX = 24,
    LOG_NOTE_SIZE = 256
};

/* ---- what was read -----------------------------------------------------------------------------
 */

/* One moment of the training. What was not logged then is NaN; so is a number that was logged as
 * NaN, but for that `told` has the bit 1 << quantity. Infinities are themselves. */
typedef struct log_point {
    double value[LOG_QUANTITIES];
    uint32_t told;
} log_point;

/* The numbers of one name in the order of the file, each with the row that it stood in. */
typedef struct log_series {
    char *key;
    struct log_cell {
        double value;
        uint32_t row;
    } * cell; /* [count] */
    size_t count, room;
    size_t texts;    /* cells that hold words: nothing that could be a number */
    char text[64];   /* the first of them */
    size_t variants; /* how often the text of a row is another one than before */
} log_series;

typedef struct log_data {
    const char *format; /* "Hugging Face trainer_state.json" */
    char *path;         /* of the file that was read, or of the folder */
    log_point *point;   /* [npoints], steps rise */
    size_t npoints;
    const char *taken[LOG_QUANTITIES]; /* the name that each was taken from; NULL: not in the log */
    bool guessed[LOG_QUANTITIES];      /* no list of names has it */
    char note[LOG_NOTES_MAX][LOG_NOTE_SIZE]; /* what the reader saw, a sentence each */
    int nnotes;

    /* What is known of the training beside its numbers. */
    double total_steps; /* that it is going to make; NaN: unknown */
    double mean_over;   /* steps of which a loss is the mean; 1: single steps; NaN: unknown */
    bool epochs;        /* steps count epochs */
    bool mean_hidden;   /* losses that are not finite were left out by who wrote it */
    bool rewarded;      /* the reward is looked at in place of the loss */
    double resumed;     /* the step from which the training went on; NaN: it did not */

    /* Of the readers. */
    log_series *series;                /* [nseries] */
    size_t nseries, series_room, next; /* next: where the next name is looked for first */
    uint16_t *slot;                    /* [LOG_SLOTS] names by their hash: place + 1, or 0 */
    int64_t *line;                     /* [nrows] of the file on which the row begins; 0: unknown */
    size_t nrows, rows_room, values;
} log_data;

/* Names of columns that somebody gave; NULL: as names.def has it. */
typedef struct log_choice {
    const char *key[LOG_QUANTITIES];
    const char *run; /* of a store or folder with several: id, name, or beginning of an id */
} log_choice;

/* Is there something at `path` that is no run of ours? */
bool log_is_foreign(const char *path);

/* Reads the log at `path`, a file or a folder. `choice` may be NULL. Fails where no reader knows
 * it, where it has no loss, or not two moments of one. Free with log_free() in any case. */
int log_read(log_data *log, const char *path, const log_choice *choice);
void log_free(log_data *log);

const char *log_quantity_key(log_quantity q); /* "grad_norm" */

#endif
