/* SPDX-License-Identifier: Apache-2.0 */
/* race_plane.c - the window of a picture, where its contours are, and what its axis of the loss
 * shows. */
#include "commands/race/race_command.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

enum { SAMPLES = 64 }; /* across and up */

double contest_height(void *surface_of, double x, double y) {
    return surface_loss(surface_of, (const double[]){x, y});
}

/* [low, high] of the surface, or a tenth beyond the start where that lies outside. */
static void widen(double range[2], double start) {
    const double air = 0.1 * (range[1] - range[0]);
    if (start < range[0]) range[0] = start - air;
    if (start > range[1]) range[1] = start + air;
}

static int compare(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Heights below which lie these shares of the window: closer where it is low, where paths end. */
static void find_levels(const contest *c, contest_plane *plane) {
    static const double share[CONTEST_LEVELS] = {0.005, 0.015, 0.035, 0.07, 0.12, 0.19, 0.27,
                                                 0.36,  0.46,  0.57,  0.69, 0.81, 0.92};
    double height[SAMPLES * SAMPLES];
    for (int k = 0; k < SAMPLES * SAMPLES; k++) {
        const double right = (k % SAMPLES + 0.5) / SAMPLES, up = (k / SAMPLES + 0.5) / SAMPLES;
        height[k] = contest_height(c->surface, plane->x[0] + right * (plane->x[1] - plane->x[0]),
                                   plane->y[0] + up * (plane->y[1] - plane->y[0]));
    }
    qsort(height, SAMPLES * SAMPLES, sizeof *height, compare);
    for (int k = 0; k < CONTEST_LEVELS; k++)
        plane->level[k] = height[(int)(share[k] * (SAMPLES * SAMPLES - 1))];
}

contest_plane contest_make_plane(const contest *c) {
    const surface_row *row = c->surface->row;
    contest_plane plane = {.x = {row->axes[0][0], row->axes[0][1]},
                           .y = {row->axes[1][0], row->axes[1][1]}};
    widen(plane.x, c->result[0].start[0]);
    widen(plane.y, c->result[0].start[1]);
    find_levels(c, &plane);
    return plane;
}

/* So far above the start a run has left for good. */
#define FAR_ABOVE 1e8

contest_heights contest_find_heights(const contest *c) {
    const double least = c->surface->least, start = c->result[0].trace.loss[0] - least;
    if (!isfinite(start) || start <= 0) return (contest_heights){0, 0};
    const double rounding = c->dtype == RAVINE_F32 ? (double)FLT_EPSILON : DBL_EPSILON;
    contest_heights shown = {start, start};
    for (int k = 0; k < c->count; k++) {
        const race_trace *t = &c->result[k].trace;
        for (int64_t i = 0; i < t->count; i++) {
            const double height = t->loss[i] - least;
            if (height > 0) shown.least = fmin(shown.least, height);
            if (height > 0) shown.most = fmax(shown.most, height);
        }
    }
    shown.least = fmax(shown.least, rounding * start);
    shown.most = fmin(shown.most, FAR_ABOVE * start);
    return shown;
}
