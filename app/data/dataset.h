/* SPDX-License-Identifier: Apache-2.0 */
/* dataset.h - examples in memory: IDX and CSV files and texts, each also .gz, and folders of
 * images. */
#ifndef RAVINE_DATASET_H
#define RAVINE_DATASET_H

#include "data/encoding.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct dataset {
    int64_t count;    /* examples */
    int64_t shape[3]; /* of one example: channels, height, width; a table: features, 1, 1; a text:
                         1, context, 1 */
    int64_t size;     /* product of shape: numbers in one example */
    int64_t outputs;  /* classes (classification) or target columns (regression) */
    float *x;         /* [count, size] */
    int32_t *label;   /* [count], 0 .. outputs - 1; NULL for regression */
    float *y;         /* [count, outputs]; NULL for classification */
    char **name;      /* [count] of the files of images; NULL: they have no files of their own */
    /* Of a text, in place of x, label and y: an example is `size` bytes from any place on, and for
     * each of them the byte after it. `count`: as many of them are an epoch. */
    unsigned char *text; /* [bytes] */
    int64_t bytes;
} dataset;

/* A file that was read, to tell one that has changed since. */
typedef struct dataset_file {
    const char *path; /* the caller's */
    int64_t bytes;    /* after inflating */
    uint32_t crc32c;  /* of them */
} dataset_file;

enum { DATASET_FILES_MAX = 16 };
typedef struct dataset_pair {
    dataset train, test;
    dataset validation;     /* by which choices are made while training; count 0: there is none */
    data_encoding encoding; /* how all became numbers, learned from `train` alone */
    dataset_file file[DATASET_FILES_MAX]; /* [nfiles] in the order in which they are given */
    int nfiles;
    char *summary; /* what was understood of them, in lines; NULL: nothing is to be said */
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

/* A table (RFC 4180) with a header line; docs/data.md says how it is read. Columns whose every
 * value is a number or a date are numeric; the others are categories, one-hot encoded in order of
 * first appearance; a column named in numeric_columns must be numeric, one in word_columns is a
 * category whatever it holds, and nothing is read of one in ignored_columns. What cannot be told
 * for certain is an error. Numeric columns are standardised with the mean and deviation of the rows
 * to train on. Rows are split by a shuffle under `seed`: test_share of them for the test, and of
 * the others validation_share for the validation. Classification: the target's values are the
 * classes, in sorted order. Regression: a numeric target, standardised too.
 */
typedef struct dataset_csv_options {
    const char *path;
    const char *target; /* name of the target column */
    bool regression;
    double test_share;       /* (0, 1) */
    int64_t folds, fold;     /* folds not 0: part number fold, from 1, of so many is for the test */
    double validation_share; /* [0, 1) of what is not for the test */
    uint64_t seed;
    char delimiter; /* '\0': the one that the header has */
    csv_habits habits;
    const char *const *numeric_columns; /* [nnumeric] */
    int64_t nnumeric;
    const char *const *word_columns; /* [nwords] */
    int64_t nwords;
    const char *const *ignored_columns; /* [nignored] */
    int64_t nignored;
} dataset_csv_options;
int dataset_read_csv(dataset_pair *out, const dataset_csv_options *options);

/* A folder of images, PNG and JPEG, in a folder for each class, at any depth in it. Each becomes a
 * square of image_size pixels, what is transparent white; they are standardised as those of IDX
 * are, and split as the rows of a table. */
typedef struct dataset_folder_options {
    const char *path;
    int64_t image_size;
    bool grey;
    double test_share;       /* (0, 1) */
    double validation_share; /* [0, 1) of what is not for the test */
    uint64_t seed;
    const char *const *classes; /* [nclasses] these folders alone; 0: all */
    int64_t nclasses;
} dataset_folder_options;
int dataset_read_folder(dataset_pair *out, const dataset_folder_options *options);

/* Texts, one after the other, as bytes; test_share of them, from the end, for the test, and of what
 * lies before that validation_share, again from its end, for the validation; both in sequences that
 * do not overlap. Paths ending in .gz or .dz (dictzip) are inflated. */
enum { TEXT_BYTES = 256 };                /* that there are */
#define TEXT_BYTES_MAX (INT64_C(1) << 30) /* in all files */
typedef struct dataset_text_options {
    const char *const *path; /* [paths], 1 .. DATASET_FILES_MAX */
    int64_t paths;
    int64_t context;         /* bytes of an example, >= 1 */
    double test_share;       /* (0, 1) */
    double validation_share; /* [0, 1) of what is not for the test */
    int64_t examples;        /* of an epoch; 0: as many as the text to train on has room for */
} dataset_text_options;
int dataset_read_text(dataset_pair *out, const dataset_text_options *options);

void dataset_free(dataset *d);              /* an empty one is fine */
void dataset_pair_free(dataset_pair *pair); /* an empty pair is fine */

#endif
