/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.c - a schedule is its segments one after the other. */
#include "base/sized.h"
#include "schedule/segment.h"
#include "text/error.h"

#include <math.h>
#include <stdio.h>

ravine_status ravine_schedule_constant_sized(ravine_schedule *s, size_t size, double value) {
    const ravine_schedule constant = {
        .nsegments = 1,
        .segment = {{.shape = RAVINE_SHAPE_CONSTANT, .steps = RAVINE_FOREVER, .from = value}},
    };
    const ravine_status status = ravine_segment_check(constant.segment, true, "constant");
    return status ? status : ravine_sized_make(&ravine_sized_schedule, s, size, &constant);
}

ravine_status ravine_schedule_check(const ravine_schedule *s) {
    ravine_schedule own = {0};
    ravine_status status = ravine_sized_read(&ravine_sized_schedule, &own, s);
    if (status) return status;
    if (s->nsegments < 1 || s->nsegments > RAVINE_SEGMENTS_MAX)
        return ravine_fail(RAVINE_E_RANGE, "the schedule has %d segments; it must have 1 to %d",
                           s->nsegments, RAVINE_SEGMENTS_MAX);
    for (int k = 0; k < s->nsegments; k++) {
        const ravine_segment *g = &s->segment[k];
        if (g->shape < 0 || g->shape >= RAVINE_SHAPE_COUNT || g->reserved != 0)
            return ravine_fail(RAVINE_E_RANGE,
                               "segment %d: shape is %d and reserved %d; they must be a "
                               "ravine_shape and 0",
                               k + 1, g->shape, g->reserved);
        char where[48];
        snprintf(where, sizeof where, "segment %d (%s)", k + 1, ravine_shape_name[g->shape]);
        status = ravine_segment_check(g, k == s->nsegments - 1, where);
        if (status) return status;
    }
    return RAVINE_OK;
}

double ravine_schedule_at(const ravine_schedule *s, int64_t step) {
    if (step < 0) step = 0;
    const ravine_segment *g = s->segment;
    for (int k = 0; k < s->nsegments; k++, g++) {
        if (step < g->steps || g->steps == RAVINE_FOREVER) return ravine_segment_at(g, step);
        step -= g->steps;
    }
    return ravine_segment_end(g - 1);
}

/* Segments that rise, with constants between and jumps upwards: warm-up ends where that ends, or
 * at the last rise before a constant that nothing higher follows. */
static int64_t warmup_end(const ravine_schedule *s) {
    int64_t end = 0, start = 0;
    for (int k = 0; k < s->nsegments; k++) {
        const ravine_segment *g = &s->segment[k];
        if (k > 0) {
            const double before = ravine_segment_end(g - 1);
            if (g->from < before) break;
            if (g->from > before) end = start;
        }
        const int64_t rise = ravine_segment_rise(g);
        if (rise > 0) end = start + rise;
        if (g->steps == RAVINE_FOREVER) break;
        if (rise < g->steps && g->shape != RAVINE_SHAPE_CONSTANT) break;
        start += g->steps;
    }
    return end;
}

ravine_status ravine_schedule_describe_sized(const ravine_schedule *s, ravine_schedule_facts *facts,
                                             size_t size) {
    const ravine_status status = ravine_schedule_check(s);
    if (status) return status;
    const ravine_segment *last = &s->segment[s->nsegments - 1];
    const bool endless = last->steps == RAVINE_FOREVER;
    int64_t total = 0; /* at most 16 times 2^53 */
    for (int k = 0; k < s->nsegments && !endless; k++) total += s->segment[k].steps;
    const ravine_schedule_facts own = {
        .first = ravine_schedule_at(s, 0),
        .last = endless ? NAN : ravine_segment_end(last),
        .warmup_end = warmup_end(s),
        .total = endless ? RAVINE_FOREVER : total,
    };
    return ravine_sized_make(&ravine_sized_schedule_facts, facts, size, &own);
}
