/* SPDX-License-Identifier: Apache-2.0 */
/* model.h - what a run has learned, for use: its net with the weights at its end, and how examples
 * become the numbers that it is given.
 *
 * Functions that return int return 0 or a kind of io/failure.h.
 */
#ifndef RAVINE_TRAINER_MODEL_H
#define RAVINE_TRAINER_MODEL_H

#include "data/dataset.h"
#include "network/net.h"
#include "run/config.h"

typedef struct model {
    const char *folder; /* the caller's */
    json_t *header;     /* of its run.jsonl */
    run_config config;
    data_encoding encoding;
    net *net;
    ravine_pool *pool;
} model;

/* Of the run in `folder`: its header, encoding.json and weights.safetensors. `averaged`: with the
 * averaged weights, which a run with `ema` has beside the last ones. Free with model_free() in any
 * case. */
int model_open(model *m, const char *folder, bool averaged);
void model_free(model *m);

/* Sequences of a text at once; their net keeps as much. */
enum { MODEL_TEXT_SLICE = 16 };

/* Examples from a file, with what is asked of them or without: a table, or images and, where there
 * is a target, their labels in a file of their own, or a folder of images (encoding_read_images).
 * *seen (may be NULL): whether the run has learned from a file of the same bytes. */
int model_read(const model *m, dataset *out, const char *file, const char *labels, bool with_target,
               bool *seen);
/* Those that the run kept for its test. FAILURE_INPUT where its files have changed. */
int model_read_test(const model *m, dataset *out);

/* Probabilities of the classes, or targets in their own units, of every example; *out: [count,
 * outputs], for free(). */
int model_predict(const model *m, const dataset *d, double **out);

/* FAILURE_USAGE where the run is of a text, or is not: `command` cannot be asked, `other` can. */
int model_check_text(const model *m, bool wanted, const char *command, const char *other);
/* How well a text is foretold: each byte but the first, from those before it in its sequence. */
typedef struct text_score {
    int64_t bytes; /* foretold */
    double loss;   /* nats of one */
    double bits;   /* of one */
} text_score;
int model_score_text(const model *m, const dataset *d, text_score *out);

/* The class of the greatest probability. */
int64_t model_class(const data_encoding *e, const double *probability);

/* How right it is. Of one class: of all examples that are of it, and of all that are called it. */
typedef struct class_score {
    int64_t examples, called, right;
    double precision, recall; /* NaN: nothing was called it; no example is of it */
} class_score;
typedef struct model_score {
    int64_t count, classes; /* classes 0: a regression */
    double loss;            /* as in training: nats, or the squared error of standardised targets */
    double accuracy;
    double calibration_error; /* |confidence - accuracy| over ten bins of confidence, weighted */
    class_score *of_class;    /* [classes] */
    int64_t *confusion;       /* [classes, classes]: is, is called */
    double rmse, mae, r2;     /* of a regression, in units of the target; r2 NaN: it is constant */
} model_score;
/* p: [count, outputs] of model_predict. Free with model_score_free() in any case. */
int model_score_of(const model *m, const dataset *d, const double *p, model_score *out);
void model_score_free(model_score *s);

#endif
