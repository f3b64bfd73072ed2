/* SPDX-License-Identifier: Apache-2.0 */
/* spread_json.h - mean and deviation as every answer has them. */
#ifndef RAVINE_IO_SPREAD_JSON_H
#define RAVINE_IO_SPREAD_JSON_H

#include "io/number_json.h"
#include "math/spread.h"

/* null: no number is known. */
static inline json_t *spread_json(const ravine_spread *s) {
    if (s->count == 0) return json_null();
    return json_pack("{sI so so so so}", "count", (json_int_t)s->count, "mean",
                     number_json(s->mean), "deviation", number_json(s->deviation), "least",
                     number_json(s->least), "greatest", number_json(s->greatest));
}

#endif
