/* SPDX-License-Identifier: Apache-2.0 */
/* adafactor: sigma from the mean squares of rows and columns, steps in the units of the tensor.
 *
 * Shazeer & Stern 2018, Adafactor (arXiv 1804.04235), Algorithms 4 and 5, as torch.optim.Adafactor
 * 2.13 has them: eps1 bounds sigma and the mean of the rows, lr is the most that rho_t may be, and
 * the decay of the weights is lr weight_decay. */
#include "math/elementary.h"
#include "rules/numbers.h"

#include <math.h>

void ravine_numbers_adafactor(const ravine_config *c, rule_step *s, kernel_coefficients *k) {
    const double eps1 = c->eps1 > 0 ? c->eps1 : s->epsilon;
    k->v_intake = ravine_pow((double)s->step_count, c->beta2_decay);
    k->v_keep = 1 - k->v_intake;
    k->v_scale = 1;
    k->sigma_scale = 1;
    k->least = eps1 * eps1;
    k->mean_least = eps1;
}

/* Root mean square of a tensor; 0: of nothing. */
static double root_mean(double squares, int64_t len) {
    return len > 0 ? sqrt(squares / (double)len) : 0;
}

void ravine_settle_adafactor(const ravine_config *c, const whole_sums *w, kernel_coefficients *k) {
    const double rho = fmin(c->lr, 1 / sqrt((double)w->step_count));
    const double size = fmax(c->eps2, root_mean(w->theta2, w->len));
    k->step = rho * size / fmax(1, root_mean(w->direction2, w->len) / c->clip_update);
}
