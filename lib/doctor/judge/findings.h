/* SPDX-License-Identifier: Apache-2.0 */
/* findings.h - what the memory of a run shows: the numbers that verdicts are made of. */
#ifndef RAVINE_DOCTOR_JUDGE_FINDINGS_H
#define RAVINE_DOCTOR_JUDGE_FINDINGS_H

#include "doctor/watch/watch_memory.h"

/* clang-format off */
#define FINDING(name, meaning) FIND_##name,
typedef enum finding {
#include "doctor/judge/findings.def"
    FINDING_COUNT
} finding;
#undef FINDING
/* clang-format on */

#define FINDING(name, meaning) double name;
typedef union doctor_findings {
    struct {
#include "doctor/judge/findings.def"
    };
    double value[FINDING_COUNT]; /* by enum finding */
} doctor_findings;
#undef FINDING

/* The settings of the first part as they are now; rule -1: unknown. */
ravine_config ravine_doctor_config(const ravine_doctor *d);
/* Whether its momentum is the setting `momentum`, by rules.def; the rule is known. */
bool ravine_doctor_is_heavy_ball(const ravine_config *c);

/* Each room's findings. Those below may use the ones above. */
void ravine_doctor_find_loss(const ravine_doctor *d, doctor_findings *f);
void ravine_doctor_find_steps(const ravine_doctor *d, doctor_findings *f);
void ravine_doctor_find_gradient(const ravine_doctor *d, doctor_findings *f);
void ravine_doctor_find_parts(const ravine_doctor *d, doctor_findings *f);
void ravine_doctor_find_facts(const ravine_doctor *d, doctor_findings *f);
void ravine_doctor_find_schedule(const ravine_doctor *d, doctor_findings *f);
void ravine_doctor_find_validation(const ravine_doctor *d, doctor_findings *f);
void ravine_doctor_find_nonfinite(const ravine_doctor *d, doctor_findings *f);
void ravine_doctor_find_curvature(const ravine_doctor *d, doctor_findings *f);
/* All of them. */
void ravine_doctor_find(const ravine_doctor *d, doctor_findings *f);

#endif
