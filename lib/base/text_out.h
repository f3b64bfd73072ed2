/* SPDX-License-Identifier: Apache-2.0 */
/* text_out.h - a text into memory of the caller's: whole, or not at all. */
#ifndef RAVINE_BASE_TEXT_OUT_H
#define RAVINE_BASE_TEXT_OUT_H

#include "ravine.h"

/* Copies own[used] and a NUL into text[capacity], and `used` into *length (may be NULL). E_ARG:
 * text is NULL; E_RANGE: it does not fit. */
ravine_status ravine_text_out(const char *own, size_t used, char *text, size_t capacity,
                              size_t *length);

#endif
