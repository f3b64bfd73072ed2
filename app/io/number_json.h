/* SPDX-License-Identifier: Apache-2.0 */
/* number_json.h - numbers in JSON, which has no NaN and no infinities: they become null. */
#ifndef RAVINE_IO_NUMBER_JSON_H
#define RAVINE_IO_NUMBER_JSON_H

#include <jansson.h>
#include <math.h>

static inline json_t *number_json(double number) {
    return isfinite(number) ? json_real(number) : json_null();
}

static inline json_t *numbers_json(const double *numbers, size_t count) {
    json_t *list = json_array();
    for (size_t k = 0; k < count; k++) json_array_append_new(list, number_json(numbers[k]));
    return list;
}

#endif
