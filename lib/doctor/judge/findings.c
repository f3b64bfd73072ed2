/* SPDX-License-Identifier: Apache-2.0 */
/* All that is found, in its order. */
#include "doctor/judge/findings.h"

void ravine_doctor_find(const ravine_doctor *d, doctor_findings *f) {
    ravine_doctor_find_loss(d, f);
    ravine_doctor_find_steps(d, f);
    ravine_doctor_find_gradient(d, f);
    ravine_doctor_find_schedule(d, f);
    ravine_doctor_find_parts(d, f);
    ravine_doctor_find_facts(d, f);
    ravine_doctor_find_validation(d, f);
    ravine_doctor_find_nonfinite(d, f);
    ravine_doctor_find_curvature(d, f);
}
