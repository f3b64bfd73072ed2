/* SPDX-License-Identifier: Apache-2.0 */
/* sweep_axis.c - --vary KEY=VALUES: a list or a range. */
#include "commands/sweep/sweep.h"
#include "text/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int no_memory(void) {
    return failure(FAILURE_INPUT, "out of memory for the values of --vary");
}

static const char *name_of(const sweep_axis *axis) {
    return axis->target.name;
}

/* ---- numbers ---- */

static bool read_number(const char *text, double *number) {
    const char *end = ravine_number_end(text);
    *number = ravine_number_read(text);
    return end != text && *end == '\0';
}

static bool is_whole(const sweep_axis *axis) {
    return axis->target.setting < 0 && config_rows[axis->target.key].kind == CONFIG_WHOLE;
}

/* Whether a value can be a number and nothing else, so that a : can only be that of a range. */
static bool is_of_numbers(const sweep_axis *axis) {
    if (axis->target.setting >= 0)
        return ravine_setting_describe(axis->target.setting)->kind == RAVINE_KIND_NUMBER;
    return is_whole(axis) || config_rows[axis->target.key].kind == CONFIG_NUMBER;
}

/* ---- a list ---- */

/* The end of the value that begins at `text`: a comma that is in no brackets and no quotes. */
static const char *end_of_value(const char *text) {
    int depth = 0;
    char quote = '\0';
    for (; *text; text++) {
        if (quote) {
            if (*text == quote) quote = '\0';
        } else if (strchr("\"'", *text)) {
            quote = *text;
        } else if (strchr("([{", *text)) {
            depth++;
        } else if (strchr(")]}", *text)) {
            depth--;
        } else if (*text == ',' && depth <= 0) {
            break;
        }
    }
    return text;
}

static int add_value(sweep_axis *axis, const char *text, size_t length) {
    if (length == 0)
        return failure(FAILURE_USAGE, "--vary %s: value %lld is empty", name_of(axis),
                       (long long)axis->count + 1);
    if (axis->count == SWEEP_VALUES_MAX)
        return failure(FAILURE_USAGE, "--vary %s has more than %d values, the limit", name_of(axis),
                       SWEEP_VALUES_MAX);
    char *copy = strndup(text, length);
    if (!copy) return no_memory();
    for (int64_t k = 0; k < axis->count; k++)
        if (!strcmp(axis->value[k], copy)) {
            free(copy);
            return failure(FAILURE_USAGE, "--vary %s has the value %s twice", name_of(axis),
                           axis->value[k]);
        }
    axis->value[axis->count++] = copy;
    return 0;
}

static int read_list(sweep_axis *axis, const char *text) {
    for (;;) {
        const char *end = end_of_value(text);
        const int status = add_value(axis, text, (size_t)(end - text));
        if (status || !*end) return status;
        text = end + 1;
    }
}

/* ---- a range ---- */

enum { FROM, TO, SPACING, COUNT, PARTS };
static const char *const part_names[PARTS] = {"FROM", "TO", "log or linear", "COUNT"};

typedef struct range {
    char part[PARTS][RAVINE_NUMBER_MAX];
    double from, to;
    int64_t count;
    bool log;
} range;

/* The parts between colons; how many there are, PARTS + 1: more. */
static int split(range *r, const char *text) {
    int parts = 0;
    while (parts < PARTS) {
        const size_t length = strcspn(text, ":");
        snprintf(r->part[parts++], sizeof *r->part, "%.*s", (int)length, text);
        if (!text[length]) return parts;
        text += length + 1;
    }
    return PARTS + 1;
}

static int wrong_part(const sweep_axis *axis, const range *r, int part, const char *must) {
    return failure(FAILURE_USAGE, "--vary %s: %s is \"%s\"; it must be %s", name_of(axis),
                   part_names[part], r->part[part], must);
}

static int read_range_parts(const sweep_axis *axis, range *r) {
    r->log = !strcmp(r->part[SPACING], "log");
    double count;
    if (!read_number(r->part[FROM], &r->from) || !isfinite(r->from))
        return wrong_part(axis, r, FROM, "a number");
    if (!read_number(r->part[TO], &r->to) || !isfinite(r->to))
        return wrong_part(axis, r, TO, "a number");
    if (!r->log && strcmp(r->part[SPACING], "linear") != 0)
        return failure(FAILURE_USAGE, "--vary %s: \"%s\" is no spacing; it must be log or linear",
                       name_of(axis), r->part[SPACING]);
    if (!read_number(r->part[COUNT], &count) || count != floor(count) || count < 2 ||
        count > SWEEP_VALUES_MAX)
        return failure(FAILURE_USAGE,
                       "--vary %s: COUNT is \"%s\"; it must be a whole number in [2, %d]",
                       name_of(axis), r->part[COUNT], SWEEP_VALUES_MAX);
    r->count = (int64_t)count;
    if (r->log && r->from <= 0) return wrong_part(axis, r, FROM, "above 0, as the spacing is log");
    if (r->log && r->to <= 0) return wrong_part(axis, r, TO, "above 0, as the spacing is log");
    return 0;
}

/* Four digits, so that a person can write the value down; the ends as they are given. */
static void format_value(const sweep_axis *axis, const range *r, int64_t k,
                         char out[RAVINE_NUMBER_MAX]) {
    const double share = (double)k / (double)(r->count - 1);
    const double value =
        r->log ? r->from * pow(r->to / r->from, share) : r->from + (r->to - r->from) * share;
    if (k == 0 || k == r->count - 1)
        snprintf(out, RAVINE_NUMBER_MAX, "%s", r->part[k ? TO : FROM]);
    else if (is_whole(axis))
        snprintf(out, RAVINE_NUMBER_MAX, "%.0f", value);
    else
        snprintf(out, RAVINE_NUMBER_MAX, "%.4g", value);
}

static int read_range(sweep_axis *axis, const char *text) {
    range r;
    if (split(&r, text) != PARTS)
        return failure(FAILURE_USAGE,
                       "--vary %s: \"%s\" must be a list, or a range FROM:TO:log:COUNT or "
                       "FROM:TO:linear:COUNT",
                       name_of(axis), text);
    int status = read_range_parts(axis, &r);
    axis->log = r.log;
    for (int64_t k = 0; k < r.count && !status; k++) {
        char value[RAVINE_NUMBER_MAX];
        format_value(axis, &r, k, value);
        status = add_value(axis, value, strlen(value));
    }
    return status;
}

/* ---- both ---- */

static int find_numbers(sweep_axis *axis) {
    axis->number = calloc((size_t)axis->count, sizeof *axis->number);
    if (!axis->number) return no_memory();
    bool all = true;
    for (int64_t k = 0; k < axis->count; k++)
        all = all && read_number(axis->value[k], &axis->number[k]);
    if (all) return 0;
    free(axis->number);
    axis->number = NULL;
    return 0;
}

int sweep_axis_read(sweep_axis *axis, const char *text) {
    *axis = (sweep_axis){.value = calloc(SWEEP_VALUES_MAX, sizeof *axis->value)};
    if (!axis->value) return no_memory();
    int status = config_target_find(&axis->target, text, "--vary");
    if (status) return status;
    const char *values = strchr(text, '=') + 1;
    status = is_of_numbers(axis) && strchr(values, ':') ? read_range(axis, values)
                                                        : read_list(axis, values);
    return status ? status : find_numbers(axis);
}

void sweep_axis_free(sweep_axis *axis) {
    for (int64_t k = 0; k < axis->count; k++) free(axis->value[k]);
    free(axis->value);
    free(axis->number);
    *axis = (sweep_axis){.count = 0};
}
