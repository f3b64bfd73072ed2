/* Mean squares of matrices of which rows and columns are kept. */
#include "optimizer/factors.h"

#include <math.h>

void ravine_matrix_means(const param *p, double least, int64_t begin, int64_t end) {
    const int64_t rows = ravine_matrix_sides(p).rows;
    for (int64_t matrix = begin; matrix < end; matrix++) {
        double sum = 0;
        for (int64_t k = matrix * rows; k < (matrix + 1) * rows; k++)
            sum += dtype_load(p->dtype, p->row, k);
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
