/* SPDX-License-Identifier: Apache-2.0 */
/* All that is found, in its order. */
#include "doctor/judge/findings.h"

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
