/* SPDX-License-Identifier: Apache-2.0 */
/* sweeps.h - what sweeps of real networks came to: those of figures (m) and (n). They take too long
 * for `ravine lecture`, which draws what is saved in sweeps.jsonl and compiled in; with --long it
 * makes them anew (commands/lecture/long.h) and writes such a file.
 *
 * In memory it is a list of the file's lines, which are objects. Each has "sweep", the name of the
 * sweep that it belongs to, and "type":
 *
 *     made    command, day of its last run, machine; target: the training loss that is waited for,
 *             or null
 *     run     row, column, seed; loss: of the validation at the best epoch, null: it diverged;
 *             steps: to the target, null: it did not come to it, or none is waited for
 *     noise   row, seed, step; scale: the noise scale there in examples, null: there is no signal
 */
#ifndef RAVINE_LECTURE_SWEEPS_H
#define RAVINE_LECTURE_SWEEPS_H

#include "page/page.h"

#include <jansson.h>
#include <stddef.h>

/* The lines of such a file, for json_decref(). NULL: it has a line that is none, or no memory. */
json_t *saved_read(const char *bytes, size_t size);

/* The loss of one run; NaN: it diverged, or there is none. */
double saved_loss(const json_t *saved, const char *sweep, double row, double column, int seed);
/* The mean over all seeds; NaN: one of them diverged. */
double saved_mean(const json_t *saved, const char *sweep, double row, double column);
/* The column with the least mean of a row, which goes to *least where that is not NULL; NaN: in
 * each a run diverged. */
double saved_best(const json_t *saved, const char *sweep, double row, double *least);
/* How many runs diverged. */
int saved_diverged(const json_t *saved, const char *sweep);

enum { SAVED_COLUMNS = 16 };
/* The columns of a sweep in their order; how many. */
size_t saved_columns(const json_t *saved, const char *sweep, double column[SAVED_COLUMNS]);

/* The training loss that the runs of a sweep were to come to; NaN: none. */
double saved_target(const json_t *saved, const char *sweep);
/* The steps of one run to it; NaN: it did not come to it. */
double saved_steps(const json_t *saved, const char *sweep, double row, double column, int seed);
/* The mean over all seeds; NaN: one of them did not. */
double saved_mean_steps(const json_t *saved, const char *sweep, double row, double column);

/* The noise scale along one run, in examples; inf where there is no signal. */
enum { SAVED_POINTS = 32 };
typedef struct noise_course {
    double step[SAVED_POINTS], scale[SAVED_POINTS];
    size_t n;
} noise_course;
void saved_noise(noise_course *course, const json_t *saved, const char *sweep, double row,
                 int seed);

/* The command that makes it again, when and where it was made. */
void saved_put_origin(page *p, const json_t *saved, const char *sweep);

#endif
