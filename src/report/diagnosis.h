/* diagnosis.h - a diagnosis in words, for terminal and page. */
#ifndef RAVINE_REPORT_DIAGNOSIS_H
#define RAVINE_REPORT_DIAGNOSIS_H

#include "ravine_doctor.h"

#include <stddef.h>

enum { DIAGNOSIS_TEXT_SIZE = 512 };

/* Names of tensors may be in it, from a file and cut anywhere: what cannot be shown is spelled out
 * (printable.h), so that it is UTF-8. Returns `out`. */
const char *diagnosis_printable(const char *text, char out[DIAGNOSIS_TEXT_SIZE]);
/* "LOCAL MINIMUM" */
const char *diagnosis_name(int verdict, char text[DIAGNOSIS_TEXT_SIZE]);
/* "low" below 0.5, "medium", "high" from 0.8 on */
const char *diagnosis_confidence(double confidence);
/* "BOUNCING (confidence high): signs flip in 98 % ..." */
void diagnosis_line(const ravine_diagnosis *d, char *text, size_t size);
/* What became of a cure: "tried: after 300 steps the loss is 0.31 of the unchanged run's", or
 * "untried". */
void diagnosis_trial(const ravine_cure *c, int64_t steps, char text[DIAGNOSIS_TEXT_SIZE]);
/* "NOISE FLOOR: the noise ...; ..." or "" */
void diagnosis_also(const ravine_diagnosis *d, char text[DIAGNOSIS_TEXT_SIZE]);

/* Adds a line to cannot_tell; one for which there is no room is left out. */
__attribute__((format(printf, 2, 3))) void diagnosis_cannot_tell(ravine_diagnosis *d,
                                                                 const char *format, ...);

#endif
