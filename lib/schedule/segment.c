/* SPDX-License-Identifier: Apache-2.0 */
/* segment.c - the formulas of RAVINE_SHAPE_LIST, and the bounds that keep them finite.
 *
 * Values are >= 0, so differences never overflow; factors gamma are in [0, 1], so powers never do;
 * what divides is > 0. Every shape but `exponential` is a mixture of `from` and `to` with a share
 * in [0, 1], or `from` times a factor in [0, 1].
 */
#include "schedule/segment.h"

#include "math/elementary.h"
#include "text/error.h"

#include <math.h>
#include <string.h>

#define RAVINE_X(NAME, value, name, parameters, formula) [value] = #name,
const char *const ravine_shape_name[RAVINE_SHAPE_COUNT] = {RAVINE_SHAPE_LIST(RAVINE_X)};
#undef RAVINE_X
#define RAVINE_X(NAME, value, name, parameters, formula) [value] = parameters,
const char *const ravine_shape_parameters[RAVINE_SHAPE_COUNT] = {RAVINE_SHAPE_LIST(RAVINE_X)};
#undef RAVINE_X

bool ravine_shape_has_to(int32_t shape) {
    switch ((ravine_shape)shape) {
    case RAVINE_SHAPE_LINEAR:
    case RAVINE_SHAPE_COSINE:
    case RAVINE_SHAPE_EXPONENTIAL:
    case RAVINE_SHAPE_POLYNOMIAL:
    case RAVINE_SHAPE_CYCLIC:
    case RAVINE_SHAPE_RESTARTS: return true;
    case RAVINE_SHAPE_CONSTANT:
    case RAVINE_SHAPE_STEP:
    case RAVINE_SHAPE_DECAY:
    case RAVINE_SHAPE_INVERSE_SQRT:
    case RAVINE_SHAPE_INVERSE_TIME:
    case RAVINE_SHAPE_COUNT: break;
    }
    return false;
}

const char *ravine_list_word(const char *list, int k, int *length) {
    for (; *list; list += *length + (list[*length] == ' '), k--) {
        *length = (int)strcspn(list, " ");
        if (k == 0) return list;
    }
    return NULL;
}

/* ---- values ---- */

/* a + (b - a) share, and a and b themselves at the ends. */
static double mix(double a, double b, double share) {
    return share == 1 ? b : a + (b - a) * share;
}

/* a^(1 - share) b^share for a, b > 0, kept between them. */
static double mix_powers(double a, double b, double share) {
    if (share == 0) return a;
    const double value = ravine_pow(a, 1 - share) * ravine_pow(b, share);
    return share == 1 ? b : fmin(fmax(value, fmin(a, b)), fmax(a, b));
}

static double half_cosine(double from, double to, double share) {
    return mix(to, from, (1 + ravine_cospi(share)) / 2);
}

static double cyclic(const ravine_segment *g, int64_t u) {
    const int64_t half = (int64_t)g->parameter[0];
    const int64_t cycle = u / (2 * half), position = u % (2 * half);
    const int64_t height = position < half ? position : 2 * half - position;
    const double share = (double)height / (double)half;
    return mix(g->from, g->to, share * ravine_power_int(g->parameter[1], cycle));
}

/* How far the period that step u belongs to is over after `passed` of the step. */
static double restart_share(const ravine_segment *g, int64_t u, int passed) {
    int64_t period = (int64_t)g->parameter[0];
    const double growth = g->parameter[1];
    if (growth == 1) return (double)(u % period + passed) / (double)period;
    double length = (double)period;
    while (u >= period) {
        u -= period;
        length = (double)period * growth;
        if (length >= 0x1p63) break; /* beyond every step */
        period = (int64_t)length;
    }
    return ((double)u + passed) / length;
}

/* The value at u + passed, for the shape and the period or stair that step u belongs to; passed is
 * 0 or 1. */
static double value_at(const ravine_segment *g, int64_t u, int passed) {
    const double x = (double)u + passed, share = x / (double)g->steps;
    const double *parameter = g->parameter;
    switch ((ravine_shape)g->shape) {
    case RAVINE_SHAPE_CONSTANT: return g->from;
    case RAVINE_SHAPE_LINEAR: return mix(g->from, g->to, share);
    case RAVINE_SHAPE_COSINE: return half_cosine(g->from, g->to, share);
    case RAVINE_SHAPE_EXPONENTIAL: return mix_powers(g->from, g->to, share);
    case RAVINE_SHAPE_POLYNOMIAL: return mix(g->to, g->from, ravine_pow(1 - share, parameter[0]));
    case RAVINE_SHAPE_STEP:
        return g->from * ravine_power_int(parameter[1], u / (int64_t)parameter[0]);
    case RAVINE_SHAPE_DECAY: return g->from * ravine_power_int(parameter[0], u + passed);
    case RAVINE_SHAPE_INVERSE_SQRT: return g->from / sqrt(1 + x / parameter[0]);
    case RAVINE_SHAPE_INVERSE_TIME: return g->from / (1 + x / parameter[0]);
    case RAVINE_SHAPE_CYCLIC: return cyclic(g, u + passed);
    case RAVINE_SHAPE_RESTARTS: return half_cosine(g->from, g->to, restart_share(g, u, passed));
    case RAVINE_SHAPE_COUNT: break;
    }
    return NAN;
}

double ravine_segment_at(const ravine_segment *g, int64_t u) {
    return value_at(g, u, 0);
}
double ravine_segment_end(const ravine_segment *g) {
    return value_at(g, g->steps - 1, 1);
}

int64_t ravine_segment_rise(const ravine_segment *g) {
    if (!ravine_shape_has_to(g->shape) || g->to <= g->from) return 0;
    if (g->shape != RAVINE_SHAPE_CYCLIC && g->shape != RAVINE_SHAPE_RESTARTS) return g->steps;
    const int64_t first = (int64_t)g->parameter[0];
    return first < g->steps ? first : g->steps;
}

/* ---- bounds ---- */

typedef enum bound { POSITIVE, WHOLE, FRACTION } bound;
static const struct {
    const char *name;
    bound bound;
} bounds[] = {{"power", POSITIVE},     {"every", WHOLE},      {"gamma", FRACTION},
              {"timescale", POSITIVE}, {"half_cycle", WHOLE}, {"period", WHOLE},
              {"growth", WHOLE}};

static bool is_within(double x, bound b) {
    switch (b) {
    case POSITIVE: return x > 0 && isfinite(x);
    case WHOLE: return x >= 1 && x <= (double)RAVINE_SEGMENT_STEPS_MAX && x == floor(x);
    case FRACTION: return x >= 0 && x <= 1;
    }
    return false;
}

static ravine_status check_parameter(const ravine_segment *g, int k, const char *where) {
    static const char *const text[] = {
        [POSITIVE] = "a finite number above 0",
        [WHOLE] = "a whole number in [1, 2^53]",
        [FRACTION] = "in [0, 1]",
    };
    int length;
    const char *name = ravine_list_word(ravine_shape_parameters[g->shape], k, &length);
    const double x = g->parameter[k];
    if (!name) {
        if (x == 0) return RAVINE_OK;
        return ravine_fail(RAVINE_E_RANGE, "%s: parameter %d is %g; it has none, so it must be 0",
                           where, k, x);
    }
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        if (strncmp(bounds[i].name, name, (size_t)length) != 0) continue;
        if (is_within(x, bounds[i].bound)) return RAVINE_OK;
        return ravine_fail(RAVINE_E_RANGE, "%s: %s is %g; it must be %s", where, bounds[i].name, x,
                           text[bounds[i].bound]);
    }
    return ravine_fail(RAVINE_E_UNSUPPORTED, "%s: no bounds for %s", where, name);
}

static ravine_status check_value(double x, const char *name, const char *where) {
    if (x >= 0 && isfinite(x)) return RAVINE_OK;
    return ravine_fail(RAVINE_E_RANGE, "%s: %s is %g; it must be finite and >= 0", where, name, x);
}

static ravine_status check_steps(const ravine_segment *g, bool last, const char *where) {
    if (g->steps == RAVINE_FOREVER) {
        const bool endless = !ravine_shape_has_to(g->shape) || g->shape == RAVINE_SHAPE_CYCLIC ||
                             g->shape == RAVINE_SHAPE_RESTARTS;
        if (!endless)
            return ravine_fail(RAVINE_E_RANGE,
                               "%s: steps is forever; it must be a number, "
                               "as the shape reaches `to` at its end",
                               where);
        if (!last)
            return ravine_fail(RAVINE_E_RANGE,
                               "%s: steps is forever; only the last segment may "
                               "be without end",
                               where);
        return RAVINE_OK;
    }
    if (g->steps >= 1 && g->steps <= RAVINE_SEGMENT_STEPS_MAX) return RAVINE_OK;
    return ravine_fail(RAVINE_E_RANGE, "%s: steps is %lld; it must be in [1, 2^53]", where,
                       (long long)g->steps);
}

ravine_status ravine_segment_check(const ravine_segment *g, bool last, const char *where) {
    ravine_status status = check_steps(g, last, where);
    if (!status) status = check_value(g->from, "from", where);
    if (!status) status = check_value(g->to, "to", where);
    for (int k = 0; k < 2 && !status; k++) status = check_parameter(g, k, where);
    if (status) return status;
    if (!ravine_shape_has_to(g->shape) && g->to != 0)
        return ravine_fail(RAVINE_E_RANGE, "%s: to is %g; the shape has none, so it must be 0",
                           where, g->to);
    if (g->shape == RAVINE_SHAPE_EXPONENTIAL && (g->from == 0 || g->to == 0))
        return ravine_fail(RAVINE_E_RANGE,
                           "%s: %s is 0; it must be above 0, as the shape is a "
                           "power of to/from",
                           where, g->from == 0 ? "from" : "to");
    return RAVINE_OK;
}
