/* SPDX-License-Identifier: Apache-2.0 */
/* playground.h - what the playground's page calls: races on surfaces, with the doctor beside them.
 *
 * A race is run from its text as a whole, a page then shows as much of it as it likes: the same
 * code as `ravine race`, so the same bits. Texts are UTF-8 ended by a 0; a pointer that is returned
 * is valid until the next call of the same function. Functions that can fail return 0, or a kind of
 * io/failure.h: playground_message() says why. cmake/web.cmake exports what is declared here.
 */
#ifndef RAVINE_WEB_PLAYGROUND_H
#define RAVINE_WEB_PLAYGROUND_H

#include <stddef.h>
#include <stdint.h>

enum { PLAYGROUND_RACES = 8, PLAYGROUND_ROWS_MAX = 4096 };

/* Columns of a race: rows of the trace, each number as float64. */
enum {
    COLUMN_STEP,
    COLUMN_LOSS,
    COLUMN_GRAD_NORM,
    COLUMN_ETA,
    COLUMN_SHARPNESS,
    COLUMN_LIMIT,
    COLUMN_THETA, /* from here on [rows, size] */
    COLUMN_GRADIENT,
    COLUMN_SIGMA,
    COLUMN_M
};

/* Room for a text or numbers that the page hands over; NULL: no memory. */
void *playground_room(size_t bytes);
void playground_give(void *room);
const char *playground_message(void);
/* Surfaces, rules and settings with their bounds, as JSON; NULL: no memory. */
const char *playground_describe(void);

/* The surface of all races. */
int playground_surface(const char *spec);
int playground_size(void); /* coordinates */
double playground_least(void);
/* Losses at nx x ny points of the window of the first two coordinates, row by row from the top; the
 * others are where the surface starts. NULL: no memory. */
const double *playground_losses(double left, double right, double low, double high, int nx, int ny);

/* Runs race number k from start [size]; schedule "": constant. */
int playground_race(int k, const double *start, const char *optimizer, const char *schedule,
                    int32_t steps);
int32_t playground_rows(int k);
const double *playground_column(int k, int column);
/* What the doctor said, as JSON: [{"step", "word", "severity", "en", "zh-CN", "zh-TW"} ...], one
 * for each time that it changed its mind. */
const char *playground_verdicts(int k);

#endif
