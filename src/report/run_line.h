/* run_line.h - one line of run.jsonl that tells a step, read without a tree.
 *
 * A log of a million steps has some 300 MB of them, nearly all of it numbers of 17 digits; a
 * general JSON reader would spend its time on making and freeing objects.
 */
#ifndef RAVINE_REPORT_RUN_LINE_H
#define RAVINE_REPORT_RUN_LINE_H

#include <stdbool.h>
#include <stddef.h>

/* The numbers of a step that a report shows, by their keys in the log. */
#define RUN_COLUMN_LIST(COLUMN)    \
    COLUMN(STEP, "step")           \
    COLUMN(LOSS, "loss")           \
    COLUMN(LR, "lr")               \
    COLUMN(GRAD_NORM, "grad_norm") \
    COLUMN(SECONDS, "seconds")
#define RUN_COLUMN_ENUM(NAME, key) RUN_##NAME,
typedef enum run_column { RUN_COLUMN_LIST(RUN_COLUMN_ENUM) RUN_COLUMNS } run_column;

enum { RUN_GROUPS_MAX = 4096 };
typedef enum run_norm { RUN_UPDATE_NORM, RUN_PARAM_NORM, RUN_NORMS } run_norm;

typedef struct run_line {
    double value[RUN_COLUMNS]; /* NaN: null, or not there */
    double group[RUN_NORMS][RUN_GROUPS_MAX];
    size_t ngroups[RUN_NORMS]; /* numbers in the list; 0: not there */
} run_line;

/* True if text[0 .. size - 1], followed by a byte that no number has, is one flat object of
 * numbers, nulls and lists of them, with no key of ours twice (RFC 8259). Other keys are passed
 * over. */
bool run_line_read(run_line *line, const char *text, size_t size);

#endif
