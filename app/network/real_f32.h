/* SPDX-License-Identifier: Apache-2.0 */
/* real_f32.h - what makes body/ float32. */
#ifndef RAVINE_NETWORK_REAL_F32_H
#define RAVINE_NETWORK_REAL_F32_H

#include "network/math_f32.h"
#include "network/plan.h"
#include "network/product.h"

#define REAL                    float
#define REAL_PRODUCT            product_f32
#define REAL_TANH(x)            tanh_f32(x)
#define REAL_EXP(x)             exp_f32(x)
#define REAL_NORMAL(z, density) normal_f32(z, density)
#define NET(name)               net##name

#include "network/body/op.inc"

#endif
