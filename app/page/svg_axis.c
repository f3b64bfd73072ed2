/* SPDX-License-Identifier: Apache-2.0 */
/* svg_axis.c - round values for an axis, and how they are written. */
#include "page/svg_chart.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The least of 1, 2, 5 times a power of ten with which `span` takes at most `most` strides. */
static double round_stride(double span, double most) {
    const double power = pow(10, floor(log10(span / most)));
    for (double digit = 1; digit < 10; digit = digit == 2 ? 5 : digit * 2)
        if (span <= digit * power * most * (1 + 1e-9)) return digit * power;
    return 10 * power;
}

static size_t linear_ticks(double least, double greatest, int strides, double tick[SVG_TICKS]) {
    const double stride = round_stride(greatest - least, strides);
    size_t count = 0;
    for (double k = ceil(least / stride - 1e-9); count < SVG_TICKS; k++) {
        if (k * stride > greatest + 1e-9 * stride) break;
        tick[count++] = k * stride + 0.0; /* + 0: never -0 */
    }
    return count;
}

/* Powers of ten, every second or third or ... where there are many. */
static size_t log_ticks(double least, double greatest, int strides, double tick[SVG_TICKS]) {
    const double low = ceil(log10(least) - 1e-9), high = floor(log10(greatest) + 1e-9);
    const double every = fmax(1, ceil((high - low) / strides));
    size_t count = 0;
    for (double k = ceil(low / every) * every; k <= high && count < SVG_TICKS; k += every)
        tick[count++] = pow(10, k);
    return count;
}

size_t svg_ticks(double least, double greatest, bool log, int strides, double tick[SVG_TICKS]) {
    if (!(least < greatest) || !isfinite(greatest - least)) return 0;
    if (!log) return linear_ticks(least, greatest, strides, tick);
    if (!(least > 0)) return 0;
    const size_t count = log_ticks(least, greatest, strides, tick);
    return count >= 2 ? count
                      : linear_ticks(least, greatest, strides, tick); /* less than two decades */
}

/* 12345678 -> 12,345,678 */
static void put_thousands(const char *digits, char *text, size_t size) {
    const size_t length = strlen(digits), sign = *digits == '-';
    size_t used = 0;
    for (size_t k = 0; k < length && used + 2 < size; k++) {
        if (k > sign && (length - k) % 3 == 0) text[used++] = ',';
        text[used++] = digits[k];
    }
    text[used] = '\0';
}

/* 10 to the power of `exponent`, with raised digits. */
static void put_power(int exponent, char *text, size_t size) {
    static const char *const raised[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    char digits[16];
    snprintf(digits, sizeof digits, "%d", exponent < 0 ? -exponent : exponent);
    size_t used = (size_t)snprintf(text, size, exponent < 0 ? "10⁻" : "10");
    for (const char *d = digits; *d && used + 4 < size; d++)
        used += (size_t)snprintf(text + used, size - used, "%s", raised[*d - '0']);
}

void svg_number(double value, bool powers, char *text, size_t size) {
    const double exponent = value > 0 ? round(log10(value)) : 0;
    if (powers && exponent != 0 && fabs(value / pow(10, exponent) - 1) < 1e-9) {
        put_power((int)exponent, text, size);
        return;
    }
    char digits[32];
    const bool whole = value == round(value) && fabs(value) < 1e15;
    snprintf(digits, sizeof digits, whole ? "%.0f" : "%.6g", value);
    if (whole)
        put_thousands(digits, text, size);
    else
        snprintf(text, size, "%s", digits);
}
