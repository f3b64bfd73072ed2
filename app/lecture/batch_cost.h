/* SPDX-License-Identifier: Apache-2.0 */
/* batch_cost.h - what a size of a batch costs, of (n): steps and examples to a training loss, and
 * the noise scale, which says from where on a larger one saves few steps (McCandlish, Kaplan,
 * Amodei, 2018, An empirical model of large-batch training). */
#ifndef RAVINE_LECTURE_BATCH_COST_H
#define RAVINE_LECTURE_BATCH_COST_H

#include "lecture/figure.h"

enum { BATCHES = 4, COST_RULES = 2, COST_LAW = 33, COST_SEEDS = 2, COST_PANELS = 3 };
enum { COST_FACTS = BATCHES + 5 }; /* of a rule */
extern const double batch_sizes[BATCHES],
    batch_edges[2]; /* the sizes, and the ends of their axes */

/* Of one rule. */
typedef struct batch_cost {
    double steps[BATCHES], examples[BATCHES]; /* with the rate that takes the fewest steps */
    double critical; /* S = S_min (1 + critical / B): both costs are twice the least there */
    double law_batch[COST_LAW], law_steps[COST_LAW], law_examples[COST_LAW];
    noise_course noise[COST_SEEDS];
    double arrived;                              /* the step of those runs at the target, */
    double noise_start, noise_target, noise_end; /* means over their seeds, in examples */
} batch_cost;

/* `rates`: the sweep over rates and batches; `row`: of the rule in the sweep of the noise. */
void batch_cost_find(batch_cost *c, const json_t *saved, const char *rates, double row);
void batch_cost_state(fact out[COST_FACTS], const batch_cost *c, const fact of[COST_FACTS]);

/* What the panels point to. */
typedef struct cost_picture {
    svg_series noise[COST_RULES * COST_SEEDS], steps[2 * COST_RULES], examples[2 * COST_RULES];
    svg_note arrived[COST_RULES];
    svg_band noisy; /* the noise scale on the way to the target */
} cost_picture;
void batch_cost_draw(cost_picture *d, const batch_cost cost[COST_RULES],
                     const svg_text name[COST_RULES], svg_panel out[COST_PANELS]);

#endif
