/* SPDX-License-Identifier: Apache-2.0 */
/* number.h - decimal numbers as text, with a point whatever the process's locale says. */
#ifndef RAVINE_TEXT_NUMBER_H
#define RAVINE_TEXT_NUMBER_H

/* Where the decimal number that starts at `text` ends; `text` itself if there is none. A sign,
 * digits with at most one point, an exponent; no blanks, no hexadecimals, no inf or nan. */
const char *ravine_number_end(const char *text);

/* The nearest double to that number, infinite if it is too large. */
double ravine_number_read(const char *text);

#define RAVINE_NUMBER_MAX 32
/* Writes a finite number with 15 digits, or the 16 or 17 that read back to the same value. */
void ravine_number_write(char text[RAVINE_NUMBER_MAX], double value);

#endif
