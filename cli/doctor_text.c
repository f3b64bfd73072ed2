/* doctor_text.c - a diagnosis for people: why, what it means, what to do, what it is not. */
#include "doctor.h"

#include "report/diagnosis.h"

#include <inttypes.h>
#include <string.h>

enum { LABEL_WIDTH = 9, EVIDENCE_SHOWN = 8 };

/* " why     text, wrapped under itself" */
static void print_row(FILE *out, const char *label, const char *text) {
    char safe[DIAGNOSIS_TEXT_SIZE];
    fprintf(out, " %-*s", LABEL_WIDTH - 1, label);
    cli_print_wrapped(out, diagnosis_printable(text, safe), LABEL_WIDTH, LABEL_WIDTH,
                      cli_width(out));
}

/* What became of it, in brackets. */
static void print_cure(FILE *out, const examination *e, const ravine_cure *c, bool first) {
    char text[2 * DIAGNOSIS_TEXT_SIZE], trial[DIAGNOSIS_TEXT_SIZE];
    diagnosis_trial(c, e->tried_steps, trial);
    snprintf(text, sizeof text, "%s [%s]", c->text, trial);
    print_row(out, first ? "do" : "or", text);
}

/* Red where training is lost, yellow where it is stuck, green where all is well. */
static const char *color_of(int verdict) {
    switch (verdict) {
    case RAVINE_VERDICT_HEALTHY:
    case RAVINE_VERDICT_LOCAL_MINIMUM: return "\033[1;32m";
    case RAVINE_VERDICT_NONFINITE:
    case RAVINE_VERDICT_DIVERGING:
    case RAVINE_VERDICT_DEAD: return "\033[1;31m";
    default: return "\033[1;33m";
    }
}

/* What could still be asked. */
static void print_next(FILE *out, const examination *e, const doctor_request *asked) {
    bool untried = false;
    for (int k = 0; k < e->diagnosis.ncures; k++)
        if (e->diagnosis.cure[k].action != RAVINE_CURE_ADVICE) untried = true;
    if (!asked->try_steps && untried)
        print_row(out, "next", "--try trains on with each untried cure and without, side by side");
    else if (!asked->probe && !asked->try_steps && e->diagnosis.ncannot_tell)
        print_row(out, "next", "--probe looks at the curvature");
}

static void print_verdict(FILE *out, const ravine_diagnosis *d) {
    const bool color = cli_color(out);
    char name[DIAGNOSIS_TEXT_SIZE], since[48] = "", text[DIAGNOSIS_TEXT_SIZE];
    diagnosis_name(d->verdict, name);
    if (d->since >= 0 && d->since < d->step)
        snprintf(since, sizeof since, ", since step %" PRId64, d->since);
    snprintf(text, sizeof text, "(confidence %s, step %" PRId64 "%s)",
             diagnosis_confidence(d->confidence), d->step, since);
    fprintf(out, "%sVERDICT  %s%s  ", color ? color_of(d->verdict) : "", name,
            color ? "\033[0m" : "");
    cli_print_wrapped(out, text, LABEL_WIDTH + (int)strlen(name) + 2, LABEL_WIDTH, cli_width(out));
}

void doctor_print(FILE *out, const examination *e, const doctor_request *asked) {
    const ravine_diagnosis *d = &e->diagnosis;
    char text[DIAGNOSIS_TEXT_SIZE];
    print_verdict(out, d);
    for (int k = 0; k < d->nevidence && k < EVIDENCE_SHOWN; k++)
        print_row(out, k ? "" : "why", d->evidence[k].text);
    print_row(out, "means", ravine_verdict_meaning(d->verdict));
    for (int k = 0; k < d->ncures; k++) print_cure(out, e, &d->cure[k], k == 0);
    if (*d->not_text) print_row(out, "not", d->not_text);
    diagnosis_also(d, text);
    if (*text) print_row(out, "also", text);
    for (int k = 0; k < d->ncannot_tell; k++) {
        snprintf(text, sizeof text, "tell %s", d->cannot_tell[k]);
        print_row(out, k ? "" : "cannot", text);
    }
    print_next(out, e, asked);
}
