/* SPDX-License-Identifier: Apache-2.0 */
/* What the caller told that no step shows: how the net, its loss and its data are put together. */
#include "doctor/judge/findings.h"

#include <math.h>

void ravine_doctor_find_facts(const ravine_doctor *d, doctor_findings *f) {
    const double *fact = d->h.fact;
    f->unreached_share = fact[RAVINE_FACT_UNREACHED_SHARE];
    f->foreign_share = fact[RAVINE_FACT_FOREIGN_SHARE];
    f->frozen_share = fact[RAVINE_FACT_FROZEN_SHARE];
    f->resumed = fact[RAVINE_FACT_RESUMED];
    f->loss_input = fact[RAVINE_FACT_LOSS_INPUT];
    f->input_size = fact[RAVINE_FACT_INPUT_SIZE];
    f->input_ratio = fact[RAVINE_FACT_INPUT_RATIO];
    f->input_peak = fact[RAVINE_FACT_INPUT_PEAK];
    f->target_size = fact[RAVINE_FACT_TARGET_SIZE];
    f->target_peak = fact[RAVINE_FACT_TARGET_PEAK];
    f->weight_gain = fact[RAVINE_FACT_WEIGHT_GAIN];
    f->labels_kept = fact[RAVINE_FACT_LABELS_KEPT];
    f->ascent = fact[RAVINE_FACT_ASCENT];
    f->state_age = d->h.observed - fact[RAVINE_FACT_STATE_LOST];
    f->dropout = fact[RAVINE_FACT_DROPOUT];
    f->norms_untrained = fact[RAVINE_FACT_NORMS_UNTRAINED];
    f->classes = fact[RAVINE_FACT_CLASSES];
    f->evenness = fact[RAVINE_FACT_CONSTANT_LOSS] / log(fact[RAVINE_FACT_CLASSES]);
}
