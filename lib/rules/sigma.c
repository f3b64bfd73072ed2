/* SPDX-License-Identifier: Apache-2.0 */
/* sigma of one element in double: the body that the kernels divide by. */
#include "rules/rules.h"
#include "update/elementwise/body.h"

#include <math.h>

#define TYPE f64
#define REAL double
#define SQRT sqrt
#define ABS  fabs
#include "update/elementwise/coefficients.inc"

#include "update/elementwise/scale.h"

double ravine_rule_sigma(kernel_shape shape, const kernel_coefficients *c, const double v[2]) {
    const coefficients_f64 own = rounded_f64(c);
    return sigma_f64(shape, &own, v) / c->sigma_divisor;
}
