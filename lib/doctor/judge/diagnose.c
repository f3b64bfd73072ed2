/* SPDX-License-Identifier: Apache-2.0 */
/* A diagnosis: what is found, the verdict, why, and what to change. */
#include "base/sized.h"
#include "doctor/judge/judge.h"
#include "text/error.h"

#include <math.h>

ravine_status ravine_doctor_diagnose(const ravine_doctor *d, ravine_diagnosis *diagnosis) {
    if (!d) return ravine_fail(RAVINE_E_ARG, "the doctor is NULL");
    const ravine_status status = ravine_sized_check(&ravine_sized_diagnosis, diagnosis);
    if (status) return status;
    ravine_diagnosis x = {.step = (int64_t)d->h.step, .since = -1, .unchanged_loss = NAN};
    for (int32_t k = 0; k < RAVINE_CURES_MAX; k++) x.cure_loss[k] = NAN;
    doctor_findings f;
    ravine_doctor_find(d, &f);
    ravine_doctor_decide(&f, &x);
    ravine_doctor_explain(d, &f, &x);
    ravine_doctor_prescribe(d, &f, &x);
    ravine_sized_write(&ravine_sized_diagnosis, diagnosis, &x);
    return RAVINE_OK;
}
