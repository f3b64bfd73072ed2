/* SPDX-License-Identifier: Apache-2.0 */
/* dataset.h - examples in memory, from IDX (also .gz) and CSV files. */
#ifndef RAVINE_DATASET_H
#define RAVINE_DATASET_H

#include "data/encoding.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct dataset {
    int64_t count;    /* examples */
    int64_t shape[3]; /* of one example: channels, height, width; a table: features, 1, 1 */
    int64_t size;     /* product of shape: numbers in one example */
    int64_t outputs;  /* classes (classification) or target columns (regression) */
    float *x;         /* [count, size] */
    int32_t *label;   /* [count], 0 .. outputs - 1; NULL for regression */
    float *y;         /* [count, outputs]; NULL for classification */
} dataset;

/* A file that was read, to tell one that has changed since. */
typedef struct dataset_file {
    const char *path; /* the caller's */
    int64_t bytes;    /* after inflating */
    uint32_t crc32c;  /* of them */
} dataset_file;

enum { DATASET_FILES_MAX = 4 };
typedef struct dataset_pair {
    dataset train, test;
    dataset validation;     /* by which choices are made while training; count 0: there is none */
    data_encoding encoding; /* how all became numbers, learned from `train` alone */
    dataset_file file[DATASET_FILES_MAX]; /* [nfiles] in the order in which they are given */
    int nfiles;
} dataset_pair;

/* Paths stay the caller's, and are told in `file`.
 *
 * The four files of an image set; validation_share of the training images, drawn by `seed`, are for
 * the validation. Pixels 0..255 become (pixel/255 - mean) / deviation, mean and deviation over all
 * pixels of the images to train on. Paths ending in .gz are inflated.
 * Returns 0 or a kind of io/failure.h; on an error *out is empty. */
typedef struct dataset_idx_options {
    const char *train_images, *train_labels, *test_images, *test_labels;
    double validation_share; /* [0, 1) */
    uint64_t seed;
} dataset_idx_options;
int dataset_read_idx(dataset_pair *out, const dataset_idx_options *options);

/* A table (RFC 4180) with a header line. Columns whose every value is a number are numeric; the
 * others are categories, one-hot encoded in order of first appearance; a column named in
 * numeric_columns must be numeric, one in word_columns is a category whatever it holds; a word
 * among many different numbers is an error in any other. Numeric columns are standardised with the
 * mean and deviation of the rows to train on. Rows are split by a shuffle under `seed`: test_share
 * of them for the test, and of the others validation_share for the validation. Classification: the
 * target's values are the classes, in sorted order. Regression: a numeric target, standardised too.
 */
typedef struct dataset_csv_options {
    const char *path;
    const char *target; /* name of the target column */
    bool regression;
    double test_share;       /* (0, 1) */
    int64_t folds, fold;     /* folds not 0: part number fold, from 1, of so many is for the test */
    double validation_share; /* [0, 1) of what is not for the test */
    uint64_t seed;
    char delimiter;                     /* usually ',' */
    const char *const *numeric_columns; /* [nnumeric] */
    int64_t nnumeric;
    const char *const *word_columns; /* [nwords] */
    int64_t nwords;
} dataset_csv_options;
int dataset_read_csv(dataset_pair *out, const dataset_csv_options *options);

void dataset_free(dataset *d);              /* an empty one is fine */
void dataset_pair_free(dataset_pair *pair); /* an empty pair is fine */

#endif
