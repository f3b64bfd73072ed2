/* SPDX-License-Identifier: Apache-2.0 */
/* log_json.h - JSON as other programs write it into logs: with NaN and Infinity, which it does not
 * have. */
#ifndef RAVINE_LOGS_LOG_JSON_H
#define RAVINE_LOGS_LOG_JSON_H

#include "logs/log.h"

#include <jansson.h>

/* text[0 .. size - 1] as a value, NaN, Infinity and -Infinity as the strings "NaN", "Infinity",
 * "-Infinity". NULL: it is not JSON, and `error` tells where; or no memory. */
json_t *log_json_parse(const char *text, size_t size, json_error_t *error);

/* Puts the numbers of an object under their keys, those of objects in it under "key/key"; words as
 * log_put_text has it; lists and what lies deeper than three objects are passed over. */
int log_json_put(log_data *log, const json_t *object);

#endif
