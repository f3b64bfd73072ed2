/* SPDX-License-Identifier: Apache-2.0 */
/* labels.h - the words before the lines of a diagnosis, wherever it is shown. */
#ifndef RAVINE_TEXT_LABELS_H
#define RAVINE_TEXT_LABELS_H

#define LABEL_WHY    "why"    /* evidence */
#define LABEL_MEANS  "means"  /* the verdict */
#define LABEL_DO     "do"     /* the first cure */
#define LABEL_OR     "or"     /* the others */
#define LABEL_NOT    "not"    /* what it is not */
#define LABEL_ALSO   "also"   /* other verdicts */
#define LABEL_CANNOT "cannot" /* what cannot be told: each begins with "tell " */
#define LABEL_NEXT   "next"   /* what could still be asked */
#define LABEL_READ   "read"   /* which log, and what was taken for what */

#endif
