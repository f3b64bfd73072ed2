/* SPDX-License-Identifier: Apache-2.0 */
/* matrix.h - small symmetric matrices [n, n], row by row, in float64. */
#ifndef RAVINE_SURFACE_MATRIX_H
#define RAVINE_SURFACE_MATRIX_H

#include <stdbool.h>

enum { MATRIX_SIZE_MAX = 256 };

/* Replaces the lower half, diagonal included, by L with L L^T = a. False - and a spoilt - if a is
 * not positive definite. */
bool matrix_factor(double *a, int n);
/* x <- a^-1 x, from the L of matrix_factor. */
void matrix_solve(const double *l, int n, double *x);
/* The largest eigenvalue, to rounding; spoils a. n <= MATRIX_SIZE_MAX; 2 in closed form, else
 * bisection on the tridiagonal form (Golub & Van Loan, Matrix Computations, 8.3 and 8.4). */
double matrix_largest_eigenvalue(double *a, int n);

#endif
