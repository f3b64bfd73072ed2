/* SPDX-License-Identifier: Apache-2.0 */
#include "data/csv_value.h"

#include "text/number.h"

#include <math.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

static const char *skip_blanks(const char *p) {
    return p + strspn(p, " \t");
}

static bool at_end(const char *p) {
    return *skip_blanks(p) == '\0';
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* nan, inf and infinity in any case, as C writes them: numbers that are told apart from words. */
static bool is_not_finite(const char *p, size_t length) {
    static const char *const names[] = {"nan", "inf", "infinity"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (strlen(names[k]) == length && strncasecmp(p, names[k], length) == 0) return true;
    return false;
}

static bool read_point(const char *start, double *value) {
    const char *end = ravine_number_end(start);
    if (end > start) {
        *value = ravine_number_read(start);
        return at_end(end);
    }
    const char *name = start + (*start == '+' || *start == '-');
    *value = NAN;
    end = name + strcspn(name, " \t");
    return at_end(end) && is_not_finite(name, (size_t)(end - name));
}

/* The number with its comma as a point; one that has a point already is none. */
static bool read_comma(const char *start, double *value) {
    char text[64];
    const size_t length = strlen(start);
    if (length >= sizeof text || strchr(start, '.')) return false;
    memcpy(text, start, length + 1);
    char *comma = strchr(text, ',');
    if (comma) *comma = '.';
    return read_point(text, value);
}

bool csv_comma_is_certain(const char *field) {
    const char *p = skip_blanks(field);
    if (*p == '+' || *p == '-') p++;
    const char *comma = strchr(p, ',');
    if (!comma) return false;
    double value;
    if (!csv_value(CSV_COMMA, field, &value)) return false;
    const size_t before = (size_t)(comma - p), after = strspn(comma + 1, "0123456789");
    return after != 3 || before == 0 || before > 3 || *p == '0';
}

bool csv_parts_thousands(const char *field) {
    static const char digits[] = "0123456789";
    const char *p = skip_blanks(field);
    if (*p == '+' || *p == '-') p++;
    const size_t first = strspn(p, digits);
    p += first;
    const char parted = *p;
    if (first < 1 || first > 3 || !parted || !strchr(",.' ", parted)) return false;
    int groups = 0;
    for (; *p == parted && strspn(p + 1, digits) == 3; p += 4) groups++;
    const bool decimals = (*p == '.' || *p == ',') && *p != parted;
    if (decimals) p += 1 + strspn(p + 1, digits);
    return groups > 0 && at_end(p);
}

/* ---- dates ----------------------------------------------------------------------------------- */

/* Reads `least` to `most` digits; false: they are not there. */
static bool read_digits(const char **p, size_t least, size_t most, int *number) {
    size_t digits = 0;
    *number = 0;
    for (; digits < most && **p >= '0' && **p <= '9'; digits++, (*p)++)
        *number = *number * 10 + (**p - '0');
    return digits >= least;
}

static bool skip(const char **p, char wanted) {
    if (**p != wanted) return false;
    (*p)++;
    return true;
}

static bool is_day(int year, int month, int day) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (month < 1 || month > 12 || day < 1) return false;
    return day <= days[month - 1] + (month == 2 && leap);
}

/* Days since 1970-01-01 in the Gregorian calendar: a year that begins in March has its leap day
 * last. */
static double days_of(int year, int month, int day) {
    const int y = year - (month <= 2), era = y / 400, of_era = y % 400;
    const int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097.0 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* "Z", "+01:00", "-0530"; none is there: UTC. In days, to be taken away. */
static bool read_zone(const char **p, double *days) {
    int hours, minutes;
    *days = 0;
    if (skip(p, 'Z') || (**p != '+' && **p != '-')) return true;
    const double sign = *(*p)++ == '-' ? -1 : 1;
    if (!read_digits(p, 2, 2, &hours)) return false;
    skip(p, ':');
    if (!read_digits(p, 2, 2, &minutes) || hours > 14 || minutes > 59) return false;
    *days = sign * (hours + minutes / 60.0) / 24;
    return true;
}

/* "T23:59", " 23:59:59.25+01:00"; none is there: midnight. */
static bool read_time(const char **p, double *days) {
    int hour, minute, second = 0;
    double fraction = 0, zone;
    *days = 0;
    if ((**p != 'T' && **p != ' ') || (*p)[1] < '0' || (*p)[1] > '9') return true;
    (*p)++;
    if (!read_digits(p, 1, 2, &hour) || !skip(p, ':') || !read_digits(p, 2, 2, &minute))
        return false;
    if (skip(p, ':') && !read_digits(p, 2, 2, &second)) return false;
    if (skip(p, '.'))
        for (double unit = 0.1; **p >= '0' && **p <= '9'; unit /= 10)
            fraction += unit * (*(*p)++ - '0');
    if (hour > 23 || minute > 59 || second > 60 || !read_zone(p, &zone)) return false;
    *days = (hour * 3600 + minute * 60 + second + fraction) / 86400 - zone;
    return true;
}

static bool read_iso_day(const char **p, int *year, int *month, int *day) {
    return read_digits(p, 4, 4, year) && skip(p, '-') && read_digits(p, 2, 2, month) &&
           skip(p, '-') && read_digits(p, 2, 2, day);
}

/* Day and month, in either order, then the year, all parted by the same `.`, `/` or `-`. */
static bool read_local_day(const char **p, int *first, int *second, int *year) {
    if (!read_digits(p, 1, 2, first)) return false;
    const char parted = **p;
    if (!parted || !strchr("./-", parted)) return false;
    return skip(p, parted) && read_digits(p, 1, 2, second) && skip(p, parted) &&
           read_digits(p, 4, 4, year);
}

static bool read_date(csv_form form, const char *p, double *value) {
    int year, month, day;
    double time;
    const bool read = form == CSV_DATE_ISO   ? read_iso_day(&p, &year, &month, &day)
                      : form == CSV_DATE_DMY ? read_local_day(&p, &day, &month, &year)
                                             : read_local_day(&p, &month, &day, &year);
    if (!read || !is_day(year, month, day) || !read_time(&p, &time)) return false;
    *value = days_of(year, month, day) + time;
    return at_end(p);
}

bool csv_value(csv_form form, const char *field, double *value) {
    const char *start = skip_blanks(field);
    if (form == CSV_POINT) return read_point(start, value);
    return form == CSV_COMMA ? read_comma(start, value) : read_date(form, start, value);
}

/* ---- words ----------------------------------------------------------------------------------- */

static const struct {
    const char *word, *text;
} forms[CSV_FORMS] = {
    {"point", "a number"},
    {"comma", "a number with a decimal comma"},
    {"date", "a date such as 2024-12-31"},
    {"date_dmy", "a date such as 31.12.2024"},
    {"date_mdy", "a date such as 12/31/2024"},
};

const char *csv_form_text(csv_form form) {
    return forms[form].text;
}

const char *csv_form_word(csv_form form) {
    return forms[form].word;
}

csv_form csv_form_of(const char *word) {
    int form = 0;
    while (form < CSV_FORMS && strcmp(forms[form].word, word) != 0) form++;
    return (csv_form)form;
}

/* ---- nothing --------------------------------------------------------------------------------- */

static bool is_word(const char *field, const char *word, bool any_case) {
    const char *start = skip_blanks(field);
    const size_t length = strlen(word);
    return (any_case ? strncasecmp : strncmp)(start, word, length) == 0 && at_end(start + length);
}

bool csv_is_missing(const csv_habits *habits, const char *field) {
    if (at_end(field)) return true;
    for (int64_t k = 0; k < habits->markers; k++)
        if (is_word(field, habits->marker[k], false)) return true;
    return false;
}

bool csv_is_usual_marker(const char *field) {
    static const char *const usual[] = {"?",    "-",   "--",   ".",    "NA",     "N/A",
                                        "#N/A", "NaN", "null", "none", "missing"};
    for (size_t k = 0; k < sizeof usual / sizeof *usual; k++)
        if (is_word(field, usual[k], true)) return true;
    return false;
}
