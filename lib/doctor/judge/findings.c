/* All that is found, in its order. */
#include "doctor/judge/findings.h"
#include "optimizer/settings.h"

const char *doctor_finding_name(finding which) {
#define FINDING(name, meaning) #name,
    static const char *const names[FINDING_COUNT] = {
#include "doctor/judge/findings.def"
    };
#undef FINDING
    return names[which];
}

ravine_config doctor_config(const ravine_doctor *d) {
    ravine_config c = {.size = sizeof c, .rule = (int32_t)d->h.rule};
    if (c.rule < 0) return c;
    for (int k = 0; k < RAVINE_SETTING_COUNT; k++) *ravine_config_number(&c, k) = d->h.setting[k];
    return c;
}

void doctor_find(const ravine_doctor *d, doctor_findings *f) {
    doctor_find_loss(d, f);
    doctor_find_steps(d, f);
    doctor_find_gradient(d, f);
    doctor_find_schedule(d, f);
    doctor_find_parts(d, f);
    doctor_find_facts(d, f);
    doctor_find_validation(d, f);
    doctor_find_nonfinite(d, f);
    doctor_find_curvature(d, f);
}
