/* SPDX-License-Identifier: Apache-2.0 */
/* log_words.h - evidence, cures and gaps of a log, as lines of a diagnosis. */
#ifndef RAVINE_LOGS_LOG_WORDS_H
#define RAVINE_LOGS_LOG_WORDS_H

#include "logs/log.h"
#include "ravine_doctor.h"

/* A line of evidence; one for which there is no room is left out. */
__attribute__((format(printf, 4, 5))) void log_say(ravine_diagnosis *d, const char *name,
                                                   double value, const char *format, ...);
/* A cure by its word, in the library's words; numbers that it has not are NaN. */
void log_advise(ravine_diagnosis *d, const char *word, double from, double to);
/* One of that kind in words of its own. */
void log_advise_as(ravine_diagnosis *d, const char *word, const char *text);
/* What the log does not have, what that hides, and what would log it. `gradient`: its
 * median norm. */
void log_say_gaps(ravine_diagnosis *d, const log_data *log, double gradient);

#endif
