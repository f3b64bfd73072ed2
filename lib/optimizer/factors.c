/* SPDX-License-Identifier: Apache-2.0 */
/* Mean squares of matrices of which rows and columns are kept. */
#include "optimizer/factors.h"

#include <math.h>

/* The sum of n numbers from `first` on, of parts of 64: it loses less than one of all. */
static double sum_of(const param *p, int64_t first, int64_t n) {
    enum { PART = 64 };
    double sum = 0;
    for (int64_t at = first; at < first + n; at += PART) {
        const int64_t end = at + PART < first + n ? at + PART : first + n;
        double part = 0;
        for (int64_t k = at; k < end; k++) part += dtype_load(p->dtype, p->row, k);
        sum += part;
    }
    return sum;
}

void ravine_matrix_means(const param *p, double least, int64_t begin, int64_t end) {
    const int64_t rows = ravine_matrix_sides(p).rows;
    for (int64_t matrix = begin; matrix < end; matrix++) {
        const double sum = sum_of(p, matrix * rows, rows);
        p->matrix_mean[matrix] = fmax(sum / (double)rows, least);
    }
}

double ravine_factored_square(const param *p, int64_t i) {
    const matrix_sides s = ravine_matrix_sides(p);
    const int64_t row = i / s.columns, matrix = row / s.rows;
    const double mean = p->matrix_mean[matrix];
    const double factor = mean == 0 ? 0 : dtype_load(p->dtype, p->row, row) / mean;
    return factor * dtype_load(p->dtype, p->column, matrix * s.columns + i % s.columns);
}
