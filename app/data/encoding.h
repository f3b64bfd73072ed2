/* SPDX-License-Identifier: Apache-2.0 */
/* encoding.h - how examples become the numbers that a net is given: learned from the examples to
 * train on, kept with the run, and used on examples that come later.
 *
 * Functions that return int return 0 or a kind of io/failure.h.
 */
#ifndef RAVINE_DATA_ENCODING_H
#define RAVINE_DATA_ENCODING_H

#include "data/csv_value.h"

/* A column of a table. */
typedef struct encoded_column {
    char *name;
    double mean, deviation; /* of numbers; deviation 0: they were all the same, and become 0 */
    char **word;            /* [words] in the order of their inputs, or of the classes */
    int64_t words;          /* 0: a column of numbers */
    csv_form form;          /* of the numbers */
    double fill;            /* what a missing number becomes */
    bool indicator;         /* and an input more tells it: 1 where it is missing, else 0 */
} encoded_column;

typedef struct encoded_texts {
    char **text; /* [count] */
    int64_t count;
} encoded_texts;

typedef struct data_encoding {
    int64_t shape[3]; /* of one example, as of a dataset */
    int64_t outputs;  /* classes, or 1 */
    bool regression;
    bool text;              /* the numbers are bytes, and so are the classes */
    char delimiter;         /* of a table */
    encoded_column *column; /* [columns] a table's inputs, in the order of its file; images: NULL */
    int64_t columns;
    csv_missing missing;    /* what became of a missing field of a table */
    encoded_texts marker;   /* and which words say that it is missing */
    encoded_texts ignored;  /* columns that were left out */
    encoded_column target;  /* classes of IDX are called 0, 1, 2 ... */
    double mean, deviation; /* of the pixels of images, as shares of 255 */
} data_encoding;

void data_encoding_free(data_encoding *e); /* one that is all zero is fine */

/* Copies texts; false: no memory. What was copied goes with the encoding. */
bool encoded_texts_copy(encoded_texts *to, const char *const *text, int64_t count);

static inline bool encoding_is_of_images(const data_encoding *e) {
    return e->columns == 0 && !e->text;
}

/* Numbers that a column gives to an example. */
static inline int64_t encoded_width(const encoded_column *c) {
    return c->words ? c->words : 1 + c->indicator;
}

struct dataset;
struct dataset_file;
/* Reads new rows of a table whose columns are those that were learned from, in any order; one that
 * is missing or that is new is an error, and so is a word that was not there. With the target, as
 * for an evaluation, or, where the table has it, leaving it aside. *file is the one that was read.
 */
int encoding_read_csv(struct dataset *out, struct dataset_file *file, const data_encoding *e,
                      const char *path, bool with_target);
/* Reads new images, of the same size, and their labels; `labels` NULL: there are none. *file is
 * that of the images. */
int encoding_read_idx(struct dataset *out, struct dataset_file *file, const data_encoding *e,
                      const char *images, const char *labels);
/* The same of PNG and JPEG files: one, or all in a folder; `labelled`: in a folder for each class.
 * They get the size of those that were learned from, and out->name has their paths. */
int encoding_read_images(struct dataset *out, struct dataset_file *file, const data_encoding *e,
                         const char *path, bool labelled);
/* Reads another text: all of it, in sequences that do not overlap; the last may be short. */
int encoding_read_text(struct dataset *out, struct dataset_file *file, const data_encoding *e,
                       const char *path);

#endif
