/* SPDX-License-Identifier: Apache-2.0 */
/* lecture.h - `ravine lecture`: every figure of the lecture from real runs, as a page in English
 * and Chinese, as SVG files, and as numbers.
 */
#ifndef RAVINE_LECTURE_LECTURE_H
#define RAVINE_LECTURE_LECTURE_H

#include <jansson.h>

/* Writes FOLDER/index.html, FOLDER/NAME.svg and FOLDER/lecture.json, each whole or not at all, and
 * gives the object of lecture.json (docs/lecture.md), to be freed with json_decref(). `sweeps`:
 * what those of sweeps.h came to; NULL: as it is saved. Returns 0 or a kind of io/failure.h. */
int lecture_write(const char *folder, json_t *sweeps, json_t **numbers);

#endif
