/* SPDX-License-Identifier: Apache-2.0 */
/* chance.h - what a young sigma of Adam is made of: 100 seeds of 100 parameters on a surface where
 * every gradient is noise of deviation 1, and nothing moves. */
#ifndef RAVINE_LECTURE_CHANCE_H
#define RAVINE_LECTURE_CHANCE_H

/* CHANCE_LATE: before this step RAdam steps without sigma, and has no r. */
enum { CHANCE_STEPS = 200, CHANCE_SEEDS = 100, CHANCE_SIZE = 100, CHANCE_LATE = 6 };

/* Of steps 1, 2 ..., in entries 0, 1 ... */
typedef struct chance {
    double step[CHANCE_STEPS];
    double low[CHANCE_STEPS], middle[CHANCE_STEPS], high[CHANCE_STEPS]; /* 5 %, 50 %, 95 % of all
                                                                           sigmas are below */
    double r[CHANCE_STEPS]; /* what RAdam multiplies eta / sigma by; NaN before CHANCE_LATE */
} chance;

/* Returns 0 or a kind of io/failure.h. */
int chance_take(chance *c);

#endif
