/* SPDX-License-Identifier: Apache-2.0 */
/* run_encoding.h - RUN/encoding.json: how the run's examples became numbers, so that later ones
 * become the same. docs/predict.md has its form. */
#ifndef RAVINE_RUN_ENCODING_H
#define RAVINE_RUN_ENCODING_H

#include "data/encoding.h"

/* Functions return 0 or a kind of io/failure.h. Writes the file whole or not at all. */
int run_encoding_write(const data_encoding *e, const char *folder);
/* Whether it can be read back: JSON holds no names and words but those in UTF-8. */
bool run_encoding_is_utf8(const data_encoding *e);
void run_encoding_remove(const char *folder);
/* Reads it back; nothing in it is believed before it is checked. Free with data_encoding_free() in
 * any case. */
int run_encoding_read(data_encoding *e, const char *folder);

#endif
