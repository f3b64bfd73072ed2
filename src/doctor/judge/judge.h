/* judge.h - from findings to an answer: decide.c names the verdict, explain.c says why, cure.c what
 * to change. */
#ifndef RAVINE_DOCTOR_JUDGE_JUDGE_H
#define RAVINE_DOCTOR_JUDGE_JUDGE_H

#include "doctor/judge/findings.h"

/* Evidence, what it is not, what cannot be told, since when. */
void doctor_explain(const ravine_doctor *d, const doctor_findings *f, ravine_diagnosis *x);
/* The cures, the most promising first. */
void doctor_prescribe(const ravine_doctor *d, const doctor_findings *f, ravine_diagnosis *x);

#endif
