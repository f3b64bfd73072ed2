/* number.h - doubles as text, with a decimal point whatever the locale is. */
#ifndef RAVINE_IO_NUMBER_H
#define RAVINE_IO_NUMBER_H

#include <stdbool.h>

/* True if all of `text` is one number: decimal digits with at most one point and an exponent, or
 * nan, inf, infinity in any case; a sign and blanks around it are allowed. *value is the nearest
 * double, infinite where the number is too large for one. */
bool number_parse(const char *text, double *value);

enum { NUMBER_TEXT_MAX = 32 };
/* Writes a finite number so that it reads back to the same bits: 15 digits where they do, which
 * keeps 0.1 short, else 17. */
void number_format(char text[NUMBER_TEXT_MAX], double value);

#endif
