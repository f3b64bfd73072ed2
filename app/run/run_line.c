/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_line.h"

#include "io/failure.h"
#include "text/number.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* ---- written ---- */

/* NaN and infinities stay what they are. */
static double rounded(double value, int digits) {
    const double unit = pow(10, digits);
    return digits ? round(value * unit) / unit : value;
}

static int gather_groups(const ravine_optimizer *o, size_t ngroups, double *numbers) {
    for (size_t g = 0; g < ngroups; g++) {
        ravine_step_stats group = {.size = sizeof group};
        const int status = failure_of(ravine_group_stats(o, (int32_t)g, &group));
        if (status) return status;
#define GATHER(NAME, key, field, digits) \
    numbers[RUN_GROUP_##NAME * ngroups + g] = rounded(group.field, digits);
        RUN_GROUP_LIST(GATHER)
    }
    return 0;
}

int run_line_write(run_log *log, const run_step *s, const ravine_optimizer *o, double *group) {
    const ravine_step_stats *all = &s->stats;
    const size_t ngroups = (size_t)ravine_group_count(o);
    const int status = gather_groups(o, ngroups, group);
    if (status) return status;
    run_log_integer(log, "step", s->step);
    run_log_integer(log, "epoch", s->epoch);
    run_log_number(log, "loss", s->loss);
    run_log_number(log, "lr", all->lr);
    run_log_number(log, "grad_norm", all->grad_norm);
    run_log_number(log, "update_norm", all->update_norm);
    run_log_number(log, "param_norm", all->param_norm);
    run_log_number(log, "clip", all->clip);
    run_log_integer(log, "nonfinite", all->nonfinite);
    run_log_number(log, "seconds", s->seconds);
    run_log_number(log, "path_efficiency", s->path_efficiency);
#define RAVINE_X(name, meaning) run_log_number(log, #name, all->name);
    RAVINE_STATISTIC_LIST(RAVINE_X)
#undef RAVINE_X
#define WRITE(NAME, key, ...) \
    run_log_numbers(log, key, group + RUN_GROUP_##NAME * ngroups, ngroups);
    RUN_GROUP_LIST(WRITE)
    run_log_end(log);
    return 0;
}

/* ---- read back ---- */

/* What is left to read. */
typedef struct cursor {
    const char *at, *end;
} cursor;

static void skip_blanks(cursor *c) {
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\r')) c->at++;
}

static bool take(cursor *c, char wanted) {
    skip_blanks(c);
    if (c->at == c->end || *c->at != wanted) return false;
    c->at++;
    return true;
}

static bool take_null(cursor *c) {
    if (c->end - c->at < 4 || memcmp(c->at, "null", 4) != 0) return false;
    c->at += 4;
    return true;
}

static bool is_digit(const cursor *c) {
    return c->at < c->end && *c->at >= '0' && *c->at <= '9';
}

/* The digits here; the first 19 of a number fit into *digits, later ones are only counted. */
static int take_digits(cursor *c, uint64_t *digits, int *count) {
    const char *start = c->at;
    for (; is_digit(c); c->at++)
        if (++*count <= 19) *digits = *digits * 10 + (uint64_t)(*c->at - '0');
    return (int)(c->at - start);
}

/* 0 ... 22: powers of ten that are doubles. */
static const double exact_power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* A JSON number. Where digits and power are both doubles one operation rounds it correctly
 * (Clinger, How to Read Floating Point Numbers Accurately, PLDI 1990); else the library does. */
static bool take_number(cursor *c, double *value) {
    const char *start = c->at;
    uint64_t digits = 0;
    int count = 0, places = 0;
    const bool negative = c->at < c->end && *c->at == '-';
    if (negative) c->at++;
    const char *first = c->at;
    const int whole = take_digits(c, &digits, &count);
    if (whole == 0 || (whole > 1 && *first == '0')) return false;
    if (c->at < c->end && *c->at == '.') {
        c->at++;
        if ((places = take_digits(c, &digits, &count)) == 0) return false;
    }
    const bool power = c->at < c->end && (*c->at == 'e' || *c->at == 'E');
    if (power) {
        c->at++;
        if (c->at < c->end && (*c->at == '+' || *c->at == '-')) c->at++;
        uint64_t exponent = 0;
        int exponent_digits = 0;
        if (take_digits(c, &exponent, &exponent_digits) == 0) return false;
    }
    if (!power && count <= 19 && digits <= UINT64_C(1) << 53 && places <= 22) {
        *value = (negative ? -(double)digits : (double)digits) / exact_power[places];
        return true;
    }
    *value = ravine_number_read(start);
    return isfinite(*value);
}

static bool take_value(cursor *c, double *value) {
    skip_blanks(c);
    *value = NAN;
    return take_null(c) || take_number(c, value);
}

/* [1, null, 2]; numbers beyond RUN_GROUPS_MAX are read and dropped. */
static bool take_list(cursor *c, double *values, size_t *count) {
    *count = 0;
    if (!take(c, '[')) return false;
    if (take(c, ']')) return true;
    do {
        double value;
        if (!take_value(c, &value)) return false;
        if (*count < RUN_GROUPS_MAX) values[(*count)++] = value;
    } while (take(c, ','));
    return take(c, ']');
}

/* "name" and the colon behind it, without escapes. */
static bool take_key(cursor *c, const char **name, size_t *size) {
    if (!take(c, '"')) return false;
    *name = c->at;
    while (c->at < c->end && *c->at != '"' && *c->at != '\\' && (unsigned char)*c->at >= ' ')
        c->at++;
    *size = (size_t)(c->at - *name);
    return take(c, '"') && take(c, ':');
}

/* Our keys: the columns, then the lists. */
enum { KEYS = RUN_COLUMNS + RUN_GROUP_KEYS };
static const struct key {
    const char *name;
    size_t size;
} keys[KEYS] = {
#define KEY(name)                 {name, sizeof(name) - 1},
#define COLUMN_KEY(NAME, key)     KEY(key)
#define RAVINE_X(name, meaning)   KEY(#name)
#define GROUP_KEY(NAME, key, ...) KEY(key)
    RUN_COLUMN_LIST(COLUMN_KEY) RAVINE_STATISTIC_LIST(RAVINE_X) RUN_GROUP_LIST(GROUP_KEY)
#undef RAVINE_X
};

/* Which of our keys; KEYS: none. Lines have them in the same order, so the search starts at the one
 * that is `expected`. */
static unsigned find_key(const char *name, size_t size, unsigned expected) {
    for (unsigned k = 0; k < KEYS; k++) {
        const unsigned at = (expected + k) % KEYS;
        if (keys[at].size == size && memcmp(name, keys[at].name, size) == 0) return at;
    }
    return KEYS;
}

/* What is known of the line so far. */
typedef struct progress {
    uint64_t seen;
    unsigned expected;
} progress;
_Static_assert(KEYS < 64, "one bit for each key");

static bool take_member(cursor *c, run_line *line, progress *p) {
    const char *name;
    size_t size, count;
    if (!take_key(c, &name, &size)) return false;
    const unsigned key = find_key(name, size, p->expected);
    if (key == KEYS) {
        double unused[RUN_GROUPS_MAX];
        skip_blanks(c);
        if (c->at < c->end && *c->at == '[') return take_list(c, unused, &count);
        return take_value(c, unused);
    }
    if (p->seen >> key & 1) return false;
    p->seen |= UINT64_C(1) << key;
    p->expected = key + 1;
    if (key < RUN_COLUMNS) return take_value(c, &line->value[key]);
    const unsigned list = key - RUN_COLUMNS;
    return take_list(c, line->group[list], &line->ngroups[list]);
}

bool run_line_read(run_line *line, const char *text, size_t size) {
    cursor c = {text, text + size};
    for (int k = 0; k < RUN_COLUMNS; k++) line->value[k] = NAN;
    for (int k = 0; k < RUN_GROUP_KEYS; k++) line->ngroups[k] = 0;
    if (!take(&c, '{')) return false;
    progress p = {0};
    do {
        if (!take_member(&c, line, &p)) return false;
    } while (take(&c, ','));
    if (!take(&c, '}')) return false;
    skip_blanks(&c);
    return c.at == c.end;
}
