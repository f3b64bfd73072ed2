/* SPDX-License-Identifier: Apache-2.0 */
/* lecture.h - the lecture's regression: sum over ten points of (y - b - w x)^2, theta = (b, w),
 * from (-120, -4). Its Hessian is [[20, 5020], [5020, 1746816]]. */
#ifndef TESTS_LECTURE_H
#define TESTS_LECTURE_H

#include "surface/lecture_points.h"

#include <stdint.h>

static const double lecture_start[2] = {-120, -4};
static const double lecture_minimum[2] = {-188.433196657, 2.66945496676};
static const double lecture_steep = 1746830.42652; /* eigenvalues */
static const double lecture_flat = 5.57347745504;

/* A trial_loss. */
static inline double lecture_loss(const void *context, int n, const double *theta, int64_t step,
                                  double *gradient) {
    (void)context;
    (void)n;
    (void)step;
    double loss = 0;
    gradient[0] = gradient[1] = 0;
    for (int k = 0; k < LECTURE_POINTS; k++) {
        const double residual = lecture_y[k] - theta[0] - theta[1] * lecture_x[k];
        loss += residual * residual;
        gradient[0] -= 2 * residual;
        gradient[1] -= 2 * residual * lecture_x[k];
    }
    return loss;
}

#endif
