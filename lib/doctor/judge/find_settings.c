/* SPDX-License-Identifier: Apache-2.0 */
/* The settings that the run has now. */
#include "doctor/judge/findings.h"
#include "optimizer/settings.h"

ravine_config ravine_doctor_config(const ravine_doctor *d) {
    ravine_config c = {.size = sizeof c, .rule = (int32_t)d->h.rule};
    if (c.rule < 0) return c;
    for (int k = 0; k < RAVINE_SETTING_COUNT; k++) *ravine_config_number(&c, k) = d->h.setting[k];
    return c;
}
