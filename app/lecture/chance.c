/* SPDX-License-Identifier: Apache-2.0 */
#include "lecture/chance.h"

#include "io/failure.h"
#include "math/sort.h"
#include "surface/race.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIGMAS = CHANCE_SEEDS * CHANCE_SIZE };

/* At the minimum, and staying there. */
static int race(race_result *out, const char *optimizer, int seed) {
    static const double minimum[CHANCE_SIZE] = {0};
    char spec[SURFACE_SPEC_MAX];
    snprintf(spec, sizeof spec, "noisy_quadratic size=%d noise=1 seed=%d", CHANCE_SIZE, seed);
    surface *s;
    int status = surface_create(&s, spec);
    if (status) return status;
    status = race_run(out, &(race_setup){.surface = s,
                                         .start = minimum,
                                         .optimizer = optimizer,
                                         .steps = CHANCE_STEPS,
                                         .dtype = RAVINE_F64,
                                         .record_every = 1});
    surface_destroy(s);
    return status;
}

/* sigma: [CHANCE_STEPS, SIGMAS] */
static int gather(double *sigma) {
    for (int seed = 0; seed < CHANCE_SEEDS; seed++) {
        race_result r;
        const int status = race(&r, "adam lr=0", seed + 1);
        if (status) return status;
        for (size_t t = 0; t < CHANCE_STEPS; t++)
            memcpy(sigma + t * SIGMAS + (size_t)seed * CHANCE_SIZE, r.trace.sigma + t * CHANCE_SIZE,
                   CHANCE_SIZE * sizeof *sigma);
        race_free(&r);
    }
    return 0;
}

static int compare(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void take_shares(chance *c, double *sigma) {
    for (size_t t = 0; t < CHANCE_STEPS; t++, sigma += SIGMAS) {
        ravine_sort(sigma, SIGMAS, sizeof *sigma, compare);
        c->step[t] = (double)t + 1;
        c->low[t] = sigma[SIGMAS / 20];
        c->middle[t] = sigma[SIGMAS / 2];
        c->high[t] = sigma[SIGMAS - SIGMAS / 20];
    }
}

/* RAdam's sigma, by which it divides, is Adam's over r. */
static int measure_r(chance *c) {
    race_result adam, radam;
    int status = race(&adam, "adam lr=0", 1);
    if (status) return status;
    status = race(&radam, "radam lr=0", 1);
    for (size_t t = 0; t < CHANCE_STEPS && !status; t++)
        c->r[t] = t + 1 < CHANCE_LATE
                      ? NAN
                      : adam.trace.sigma[t * CHANCE_SIZE] / radam.trace.sigma[t * CHANCE_SIZE];
    if (!status) race_free(&radam);
    race_free(&adam);
    return status;
}

int chance_take(chance *c) {
    double *sigma = calloc((size_t)CHANCE_STEPS * SIGMAS, sizeof *sigma);
    int status = sigma ? gather(sigma) : failure(FAILURE_INPUT, "out of memory for a figure");
    if (!status) take_shares(c, sigma);
    free(sigma);
    return status ? status : measure_r(c);
}
