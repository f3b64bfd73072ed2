/* SPDX-License-Identifier: Apache-2.0 */
/* plateau.c - torch.optim.lr_scheduler.ReduceLROnPlateau, relative mode, for any metric: the
 * improvement that counts is relative to |best|, so that a negative metric must improve too. */
#include "base/sized.h"
#include "text/error.h"

#include <math.h>

void ravine_plateau_init_sized(ravine_plateau *p, size_t size) {
    const ravine_plateau usual = {
        .factor = 0.1,
        .minimum = 0,
        .threshold = 1e-4,
        .patience = 10,
        .cooldown = 0,
        .best = NAN, /* none yet */
        .scale = 1,
    };
    (void)ravine_sized_make(&ravine_sized_plateau, p, size, &usual);
}

static ravine_status check(const ravine_plateau *p) {
    if (!(p->factor > 0 && p->factor < 1))
        return ravine_fail(RAVINE_E_RANGE, "factor is %g; it must be in (0, 1)", p->factor);
    if (!(p->minimum >= 0 && p->minimum <= 1))
        return ravine_fail(RAVINE_E_RANGE, "minimum is %g; it must be in [0, 1]", p->minimum);
    if (!(p->threshold >= 0 && isfinite(p->threshold)))
        return ravine_fail(RAVINE_E_RANGE, "threshold is %g; it must be finite and >= 0",
                           p->threshold);
    if (p->patience < 0 || p->cooldown < 0)
        return ravine_fail(RAVINE_E_RANGE, "patience is %lld and cooldown %lld; both must be >= 0",
                           (long long)p->patience, (long long)p->cooldown);
    if (!(p->scale >= 0 && p->scale <= 1))
        return ravine_fail(RAVINE_E_RANGE, "scale is %g; it must be in [0, 1]", p->scale);
    return RAVINE_OK;
}

static int is_better(const ravine_plateau *p, double metric) {
    if (!isfinite(metric)) return 0;
    if (!isfinite(p->best)) return 1; /* none yet */
    const double margin = p->threshold * fabs(p->best);
    return p->maximize ? metric > p->best + margin : metric < p->best - margin;
}

ravine_status ravine_plateau_tell(ravine_plateau *plateau, double metric, double *scale) {
    ravine_plateau own, *p = &own;
    ravine_plateau_init(p);
    ravine_status status = ravine_sized_read(&ravine_sized_plateau, p, plateau);
    if (!status) status = check(p);
    if (status) return status;
    const int cooling = p->cooling > 0;
    if (p->told < INT64_MAX) p->told++;
    if (cooling) p->cooling--;
    if (is_better(p, metric)) {
        p->best = metric;
        p->bad = 0;
    } else if (cooling) {
        p->bad = 0;
    } else if (p->bad < p->patience) {
        p->bad++;
    } else {
        /* A scale that is already below the minimum is not raised to it. */
        p->scale = fmin(p->scale, fmax(p->scale * p->factor, p->minimum));
        p->cooling = p->cooldown;
        p->bad = 0;
    }
    ravine_sized_write(&ravine_sized_plateau, plateau, p);
    if (scale) *scale = p->scale;
    return RAVINE_OK;
}
