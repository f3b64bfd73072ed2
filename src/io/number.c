#include "io/number.h"

#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The C locale for this thread only: the process's stays as it is (law 4). If it cannot be made,
 * uselocale(0) changes nothing. */
static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;
static void make_c_locale(void) {
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static locale_t enter_c_locale(void) {
    pthread_once(&c_locale_once, make_c_locale);
    return uselocale(c_locale);
}

static const char *skip_digits(const char *p) {
    return p + strspn(p, "0123456789");
}

/* The end of a decimal number that starts at p, or NULL: strtod takes more (hexadecimals). */
static const char *skip_decimal(const char *p) {
    const char *end = skip_digits(p);
    size_t digits = (size_t)(end - p);
    if (*end == '.') {
        const char *fraction = end + 1;
        end = skip_digits(fraction);
        digits += (size_t)(end - fraction);
    }
    if (digits == 0) return NULL;
    if (*end != 'e' && *end != 'E') return end;
    const char *exponent = end + 1;
    if (*exponent == '+' || *exponent == '-') exponent++;
    end = skip_digits(exponent);
    return end > exponent ? end : NULL;
}

static const char *skip_special(const char *p) {
    static const char *const words[] = {"infinity", "inf", "nan"};
    for (size_t k = 0; k < sizeof words / sizeof *words; k++)
        if (strncasecmp(p, words[k], strlen(words[k])) == 0) return p + strlen(words[k]);
    return NULL;
}

bool number_parse(const char *text, double *value) {
    const char *start = text + strspn(text, " \t");
    const char *p = start + (*start == '+' || *start == '-');
    const char *end = skip_decimal(p);
    if (!end) end = skip_special(p);
    if (!end || end[strspn(end, " \t")] != '\0') return false;
    locale_t before = enter_c_locale();
    *value = strtod(start, NULL);
    uselocale(before);
    return true;
}

void number_format(char text[NUMBER_TEXT_MAX], double value) {
    locale_t before = enter_c_locale();
    snprintf(text, NUMBER_TEXT_MAX, "%.15g", value);
    if (strtod(text, NULL) != value) snprintf(text, NUMBER_TEXT_MAX, "%.17g", value);
    uselocale(before);
}
