/* SPDX-License-Identifier: Apache-2.0 */
/* curves.h - the curves of a run as text that a page carries, thin enough for a million steps.
 *
 * Equal numbers of steps make a bucket, of which the mean, the least and the greatest value stay: a
 * spike of one step is still there. Buckets are as fine as the bytes allow; a bucket of one step
 * is that step. The page thins further, to pixels, for what is zoomed into (report.js).
 */
#ifndef RAVINE_REPORT_CURVES_H
#define RAVINE_REPORT_CURVES_H

#include "page/page.h"
#include "run/run_reader.h"

/* Adds, in about `bytes` at most, {"every": steps of a bucket, "step": "...", "seconds": "...",
 * "curves": {"loss": [mean, least, greatest], ...}}; of buckets of one step only the mean. Strings
 * hold little-endian float32 in base64 ("step": float64); NaN is a gap, what is
 * greater than float32 is its greatest number. Curves: loss, grad_norm,
 * lr, step_time, ratio_0, ratio_1 ... Returns 0 or a kind of io/failure.h. */
int curves_of_steps(page *p, const run_data *run, size_t bytes);
/* The same of epochs: train_loss, validation_loss, train_score, validation_score,
 * averaged_score. */
int curves_of_epochs(page *p, const run_data *run, size_t bytes);

#endif
