/* SPDX-License-Identifier: Apache-2.0 */
/* The surfaces in float64. */
#define REAL       double
#define BODY(name) name##_f64
#include "surface/body.inc"
