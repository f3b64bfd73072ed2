/* SPDX-License-Identifier: Apache-2.0 */
#include "text/number.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__APPLE__)
#include <xlocale.h>
#endif

static const char *skip_digits(const char *p) {
    return p + strspn(p, "0123456789");
}

const char *ravine_number_end(const char *text) {
    const char *digits = text + (*text == '-' || *text == '+');
    const char *end = skip_digits(digits);
    if (*end == '.') end = skip_digits(end + 1);
    if (end == digits || (end == digits + 1 && *digits == '.')) return text;
    if (*end != 'e' && *end != 'E') return end;
    const char *exponent = end + 1 + (end[1] == '-' || end[1] == '+');
    const char *after = skip_digits(exponent);
    return after > exponent ? after : end;
}

/* strtod() reads the decimal point of the process's locale; the locale "C" does not. glibc and musl
 * have it ready, so nothing can fail; macOS and FreeBSD make one, and take a missing one for it. */
double ravine_number_read(const char *text) {
    const locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    const double value = strtod_l(text, NULL, c);
    freelocale(c);
    return value;
}

/* What printf() wrote with the decimal point of the process's locale, which may be several bytes,
 * with a point in its place. */
static void restore_point(char *text) {
    char *point = text + strspn(text, "+-0123456789e");
    if (!*point) return;
    char *rest = point + strcspn(point, "+-0123456789e");
    *point = '.';
    memmove(point + 1, rest, strlen(rest) + 1);
}

void ravine_number_write(char text[RAVINE_NUMBER_MAX], double value) {
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, RAVINE_NUMBER_MAX, "%.*g", digits, value);
        restore_point(text);
        if (ravine_number_read(text) == value) break;
    }
}
