/* SPDX-License-Identifier: Apache-2.0 */
/* The surfaces in float32. */
#define REAL       float
#define BODY(name) name##_f32
#include "surface/body.inc"
