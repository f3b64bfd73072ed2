/* SPDX-License-Identifier: Apache-2.0 */
/* factors.h - mean squares of matrices of which rows and columns are kept. */
#ifndef RAVINE_OPTIMIZER_FACTORS_H
#define RAVINE_OPTIMIZER_FACTORS_H

#include "optimizer/optimizer.h"

/* Into p->matrix_mean, the means of the rows of some matrices, at least `least`. */
void ravine_matrix_means(const param *p, double least, int64_t begin, int64_t end);
/* The mean square of element i, as the kernels have it, once the means are made. */
double ravine_factored_square(const param *p, int64_t i);

#endif
