/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_text.c - a diagnosis for people: a sentence, why, what it means, what to do, what it is
 * not. */
#include "commands/doctor/doctor.h"

#include "run/diagnosis.h"
#include "text/labels.h"

#include <inttypes.h>
#include <string.h>

enum { LABEL_WIDTH = 9, EVIDENCE_SHOWN = 8 };

/* " why     text, wrapped under itself" */
static void print_row(void *context, const char *label, const char *text, const char *more) {
    FILE *out = context;
    char safe[DIAGNOSIS_TEXT_SIZE], whole[2 * DIAGNOSIS_TEXT_SIZE];
    snprintf(whole, sizeof whole, "%s%s%s%s", diagnosis_printable(text, safe), more ? " [" : "",
             more ? more : "", more ? "]" : "");
    fprintf(out, " %-*s", LABEL_WIDTH - 1, label);
    cli_print_wrapped(out, whole, LABEL_WIDTH, LABEL_WIDTH, cli_width(out));
}

static const char *color_of(int verdict) {
    static const char *const colors[RAVINE_SEVERITY_COUNT] = {
        [RAVINE_SEVERITY_FINE] = "\033[1;32m",
        [RAVINE_SEVERITY_NOTE] = "\033[1;32m",
        [RAVINE_SEVERITY_WARNING] = "\033[1;33m",
        [RAVINE_SEVERITY_URGENT] = "\033[1;31m"};
    return colors[ravine_verdict_severity(verdict)];
}

/* What could still be asked. */
static void print_next(FILE *out, const examination *e, const doctor_request *asked) {
    const bool untried = diagnosis_can_be_tried(&e->diagnosis);
    if (!asked->try_steps && untried)
        print_row(out, LABEL_NEXT,
                  "--try trains on with each untried cure and without, side by side", NULL);
    else if (!asked->probe && !asked->try_steps && e->diagnosis.ncannot_tell)
        print_row(out, LABEL_NEXT, "--probe looks at the curvature", NULL);
}

static void print_verdict(FILE *out, const ravine_diagnosis *d) {
    const bool color = cli_color(out);
    char name[DIAGNOSIS_TEXT_SIZE], since[48] = "", text[DIAGNOSIS_TEXT_SIZE];
    diagnosis_name(d->verdict, name);
    if (d->since >= 0 && d->since < d->step)
        snprintf(since, sizeof since, ", since step %" PRId64, d->since);
    snprintf(text, sizeof text, "(confidence %s, step %" PRId64 "%s)",
             diagnosis_confidence(d->confidence).en, d->step, since);
    fprintf(out, "%sVERDICT  %s%s  ", color ? color_of(d->verdict) : "", name,
            color ? "\033[0m" : "");
    cli_print_wrapped(out, text, LABEL_WIDTH + (int)strlen(name) + 2, LABEL_WIDTH, cli_width(out));
}

/* What is wrong and what to do, before all numbers. */
static void print_sentence(FILE *out, const ravine_diagnosis *d) {
    char text[RAVINE_SENTENCE_MAX];
    cli_print_wrapped(out, diagnosis_sentence(d, diagnosis_language(), text), 0, 0, cli_width(out));
    fputc('\n', out);
}

/* What was read as what: "loss: train/loss, step: _step". */
static void list_taken(const log_data *log, char *text, size_t size) {
    size_t used = 0;
    *text = '\0';
    for (int q = 0; q < LOG_QUANTITIES && used < size; q++)
        if (log->taken[q])
            used += (size_t)snprintf(text + used, size - used, "%s%s: %.60s%s", used ? ", " : "",
                                     log_quantity_key((log_quantity)q), log->taken[q],
                                     log->guessed[q] ? " (a guess)" : "");
}

/* Of a log no cure can be tried, and nothing is said of that. */
static void print_untried(void *context, const char *label, const char *text, const char *more) {
    (void)more;
    print_row(context, label, text, NULL);
}

static void print_log(FILE *out, const log_data *log) {
    char text[DIAGNOSIS_TEXT_SIZE];
    snprintf(text, sizeof text, "%s, %zu points", log->format, log->npoints);
    print_row(out, LABEL_READ, text, NULL);
    list_taken(log, text, sizeof text);
    print_row(out, "", text, NULL);
    for (int k = 0; k < log->nnotes; k++) print_row(out, "", log->note[k], NULL);
}

void doctor_print(FILE *out, const doctor_answer *answer, const doctor_request *asked) {
    const examination *e = &answer->examination;
    print_sentence(out, &e->diagnosis);
    print_verdict(out, &e->diagnosis);
    diagnosis_each_row(e, EVIDENCE_SHOWN, PAGE_ENGLISH,
                       answer->log.format ? print_untried : print_row, out);
    if (answer->log.format)
        print_log(out, &answer->log);
    else
        print_next(out, e, asked);
}
