/* SPDX-License-Identifier: Apache-2.0 */
/* reference_whole.h - the truth of rules whose step depends on the whole tensor: one step of lamb
 * and of adafactor in long double, straight from the papers and PyTorch's for-loop code, as slow as
 * that is. What all rules share (scaling, clamping, decay of the gradient) is as in reference.h. */
#ifndef TESTS_REFERENCE_WHOLE_H
#define TESTS_REFERENCE_WHOLE_H

#include "ravine.h"
#include <stdbool.h>

/* A tensor of matrices [rows, columns], or a vector: rows 0. Arrays of the state that a rule does
 * not have are NULL. */
typedef struct whole_tensor {
    int64_t len, rows, columns;
    long double *theta, *gradient; /* [len] */
    bool *held;                    /* [len] out: such an element and its state stay */
    long double *size;             /* [len] out: of what the gradient is the sum of, and the */
    long double largest;           /* largest of these */
    long double *mean, *square;    /* [len] exp_avg, exp_avg_sq */
    long double *variance;         /* [len] of a vector */
    long double *row, *column;     /* [matrices * rows], [matrices * columns] */
    long double *move; /* [len] out: sizes of what theta was changed by, without signs */
} whole_tensor;

/* Whether a rule is one of these. */
bool whole_knows(int rule);
/* Step t >= 1; `largest` and `epsilon` of the tensor's type. */
void whole_step(const ravine_config *c, whole_tensor *w, int64_t t, long double largest,
                long double epsilon);

#endif
