/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_tensors.c - what the actions share: a file, its tensors as numbers and as words. */
#include "commands/checkpoint/checkpoint.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The library's error as the command's: FAILURE_NO where a file is damaged. */
static int checkpoint_failure(ravine_status status) {
    return failure(status == RAVINE_E_FORMAT ? FAILURE_NO : FAILURE_INPUT, "%s", ravine_errmsg());
}

int checkpoint_open(ravine_checkpoint **out, const char *path) {
    const ravine_status status = ravine_checkpoint_open(out, path, NULL);
    return status < 0 ? checkpoint_failure(status) : 0;
}

progress checkpoint_progress(const char *what, const ravine_checkpoint *file) {
    return progress_begin(what, "tensors", ravine_checkpoint_tensor_count(file));
}

int checkpoint_numbers(const ravine_checkpoint *file, int64_t i, ravine_tensor *tensor,
                       int64_t *bytes) {
    int64_t begin, end;
    ravine_status status = ravine_checkpoint_tensor(file, i, tensor);
    if (status >= 0) status = ravine_checkpoint_range(file, i, &begin, &end, NULL);
    if (status < 0) return checkpoint_failure(status);
    *bytes = end - begin;
    tensor->data = malloc((size_t)*bytes + 1);
    if (!tensor->data) return failure(FAILURE_INPUT, "out of memory for tensor %s", tensor->name);
    status = ravine_checkpoint_read(file, i, tensor->data, *bytes);
    if (status >= 0) return 0;
    free(tensor->data);
    return checkpoint_failure(status);
}

/* ---- numbers of any dtype ---- */

static double from_bits(uint32_t bits) {
    float number;
    memcpy(&number, &bits, sizeof number);
    return (double)number;
}

/* IEEE 754 binary16: 5 bits of exponent, 10 of fraction. */
static double from_half(uint16_t half) {
    const int exponent = half >> 10 & 31, fraction = half & 1023;
    const double sign = half >> 15 ? -1 : 1;
    if (exponent == 31) return fraction ? NAN : sign * INFINITY;
    return sign * (exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24));
}

double tensor_number(const ravine_tensor *t, int64_t i) {
    switch (t->dtype) {
    case RAVINE_F32: return (double)((const float *)t->data)[i];
    case RAVINE_F64: return ((const double *)t->data)[i];
    case RAVINE_BF16: return from_bits((uint32_t)((const uint16_t *)t->data)[i] << 16);
    case RAVINE_F16: return from_half(((const uint16_t *)t->data)[i]);
    case RAVINE_I64: return (double)((const int64_t *)t->data)[i];
    case RAVINE_U64: return (double)((const uint64_t *)t->data)[i];
    case RAVINE_I32: return ((const int32_t *)t->data)[i];
    case RAVINE_U32: return ((const uint32_t *)t->data)[i];
    case RAVINE_I16: return ((const int16_t *)t->data)[i];
    case RAVINE_U16: return ((const uint16_t *)t->data)[i];
    case RAVINE_I8: return ((const int8_t *)t->data)[i];
    case RAVINE_U8:
    case RAVINE_BOOL: return ((const uint8_t *)t->data)[i];
    default: return NAN;
    }
}

bool tensor_is_known(const ravine_tensor *t) {
    static const int32_t known[] = {RAVINE_F32, RAVINE_F64, RAVINE_BF16, RAVINE_F16, RAVINE_I64,
                                    RAVINE_U64, RAVINE_I32, RAVINE_U32,  RAVINE_I16, RAVINE_U16,
                                    RAVINE_I8,  RAVINE_U8,  RAVINE_BOOL};
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        if (t->dtype == known[k]) return true;
    return false;
}

int64_t tensor_count(const ravine_tensor *t) {
    int64_t count = 1; /* the reader has checked the product */
    for (int32_t k = 0; k < t->ndim; k++)
        if (t->shape[k] == 0) return 0;
    for (int32_t k = 0; k < t->ndim; k++) count *= t->shape[k];
    return count;
}

tensor_facts tensor_facts_of(const ravine_tensor *t, int64_t count) {
    tensor_facts f = {.known = tensor_is_known(t), .least = INFINITY, .greatest = -INFINITY};
    for (int64_t i = 0; f.known && i < count; i++) {
        const double number = tensor_number(t, i);
        f.nonfinite += !isfinite(number);
        if (!isfinite(number)) continue;
        f.least = fmin(f.least, number);
        f.greatest = fmax(f.greatest, number);
    }
    const double scale = fmax(fabs(f.least), fabs(f.greatest)); /* its squares do not overflow */
    double sum = 0;
    for (int64_t i = 0; f.known && i < count && isfinite(scale) && scale > 0; i++) {
        const double number = tensor_number(t, i) / scale;
        if (isfinite(number)) sum += number * number;
    }
    f.norm = sum > 0 ? scale * sqrt(sum) : 0;
    if (f.least > f.greatest) f.least = f.greatest = NAN;
    return f;
}

/* ---- words ---- */

tensor_kind tensor_kind_of(const ravine_tensor *t) {
    tensor_kind kind;
    size_t used =
        (size_t)snprintf(kind.text, sizeof kind.text, "%s [", ravine_dtype_name(t->dtype));
    for (int32_t k = 0; k < t->ndim && used < sizeof kind.text; k++)
        used += (size_t)snprintf(kind.text + used, sizeof kind.text - used, "%s%" PRId64,
                                 k ? ", " : "", t->shape[k]);
    if (used < sizeof kind.text) snprintf(kind.text + used, sizeof kind.text - used, "]");
    return kind;
}

json_t *tensor_shape_json(const ravine_tensor *t) {
    json_t *shape = json_array();
    for (int32_t k = 0; k < t->ndim; k++)
        json_array_append_new(shape, json_integer((json_int_t)t->shape[k]));
    return shape;
}

bool text_is_checksum(const char *key) {
    static const char checksum[] = "ravine.crc32c";
    return !strncmp(key, checksum, sizeof checksum - 1);
}
