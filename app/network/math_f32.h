/* SPDX-License-Identifier: Apache-2.0 */
/* math_f32.h - exp, tanh and the normal distribution in float32, without branches and calls: loops
 * over them become vector code, which loops over expf, tanhf and erff do not. Polynomials are
 * minimax fits of the relative error (Lawson's reweighted least squares). Measured against float64
 * by tests/app/network/test_net_math.c: within 4 units in the last place.
 */
#ifndef RAVINE_NETWORK_MATH_F32_H
#define RAVINE_NETWORK_MATH_F32_H

#include <stdint.h>
#include <string.h>

/* e^x for x in [-87, 88]; outside, its value at the nearer end; NaN stays NaN.
 * x = n log 2 + r, |r| <= log(2)/2: the sum with 1.5 2^23 rounds to the integer n and leaves it in
 * the low bits; log 2 in two parts keeps r exact. */
static inline float exp_f32(float x) {
    const float magic = 12582912.0f;
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    const float shifted = x * 1.44269504f + magic;
    const float n = shifted - magic;
    const float r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
    float p = 1.38146124e-3f;
    p = p * r + 8.36870990e-3f;
    p = p * r + 4.16683874e-2f;
    p = p * r + 1.66665207e-1f;
    p = p * r + 4.99999935e-1f;
    p = p * (r * r) + r + 1;
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits << 23) + 0x3f800000u;
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    return p * scale;
}

/* Below 0.625 an odd polynomial, above 1 - 2/(e^2|x| + 1) with the sign of x. */
static inline float tanh_f32(float x) {
    const float a = x < 0 ? -x : x, s = x * x;
    float p = -5.70498742e-3f;
    p = p * s + 2.06390877e-2f;
    p = p * s - 5.37397152e-2f;
    p = p * s + 1.33314422e-1f;
    p = p * s - 3.33332819e-1f;
    const float near_zero = x + x * s * p;
    const float far = 1 - 2 / (exp_f32(2 * a) + 1);
    const float signed_far = x < 0 ? -far : far;
    return a < 0.625f ? near_zero : signed_far;
}

/* P(Z < z) of a standard normal Z, and its density. The tail is the density times Mills' ratio, a
 * polynomial in t = 1/(1 + 0.3 |z|) without constant term (the form of Hastings 1955). */
static inline float normal_f32(float z, float *density) {
    const float a = z < 0 ? -z : z;
    const float t = 1 / (1 + 0.3f * a);
    float p = 9.37713125e-2f;
    p = p * t - 4.12150860e-1f;
    p = p * t + 5.48435747e-1f;
    p = p * t - 1.63276912e-1f;
    p = p * t + 3.37453167e-1f;
    p = p * t + 2.45842299e-1f;
    p = p * t + 3.03420819e-1f;
    p = p * t + 2.99818626e-1f;
    *density = 0.398942280f * exp_f32(-0.5f * a * a);
    const float tail = *density * (p * t);
    return z < 0 ? tail : 1 - tail;
}

#endif
