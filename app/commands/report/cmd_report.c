/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_report.c - `ravine report`: runs compared, as a page, a table or numbers for programs. */
#include "cli/cli.h"
#include "commands/log_options.h"
#include "page/printable.h"
#include "report/comparison.h"
#include "report/report.h"
#include "run/diagnosis.h"

#include <limits.h>
#include <string.h>

/* Rows of facts, a column for each run. */
static void print_table(const report *r) {
    enum { NAME_COLUMNS = 30, CELL_COLUMNS = 24 };
    printf("%-*s", NAME_COLUMNS, "");
    for (size_t k = 0; k < r->nruns; k++) {
        const size_t used = printable_put(stdout, report_label(r, k));
        printf("%*s", used < CELL_COLUMNS ? (int)(CELL_COLUMNS - used) : 1, "");
    }
    putchar('\n');
    for (size_t row = 0; row < report_nrows; row++) {
        phrase text;
        report_row_name(r, row, &text);
        printf("%-*s", NAME_COLUMNS, text.in[PAGE_ENGLISH]);
        for (size_t k = 0; k < r->nruns; k++) {
            report_rows[row].cell(&r->run[k], &text);
            printf(k + 1 < r->nruns ? "%-*s" : "%.*s", CELL_COLUMNS, text.in[PAGE_ENGLISH]);
        }
        putchar('\n');
    }
}

static void print_line(void *context, const phrase *text) {
    (void)context;
    printable_put(stdout, text->in[PAGE_ENGLISH]);
    putchar('\n');
}

/* Which run did best, and whether that is more than chance. */
static int print_comparison(const report *r) {
    report_settings s;
    report_comparison c;
    const int status = report_settings_read(&s, r);
    if (!status) {
        putchar('\n');
        report_compare(&c, &s);
        report_compare_words(&c, &s, &(phrase_receiver){print_line, NULL});
    }
    report_settings_free(&s);
    return status;
}

static void print_verdicts(const report *r) {
    for (size_t k = 0; k < r->nruns; k++) {
        phrase text;
        if (!run_verdict(&r->run[k].facts, &text)) continue;
        putchar('\n');
        if (r->nruns > 1) {
            printable_put(stdout, report_label(r, k));
            printf(": ");
        }
        puts(text.in[PAGE_ENGLISH]);
    }
}

/* What the doctor says, and what became of the cures that were tried. */
static void print_doctor(const report *r, size_t k) {
    enum { INDENT = 8 };
    const examination *found = &r->run[k].found;
    const int width = cli_width(stdout);
    char text[2 * DIAGNOSIS_TEXT_SIZE], safe[2 * DIAGNOSIS_TEXT_SIZE];
    phrase trial;
    if (found->diagnosis.size == 0) return;
    putchar('\n');
    int at = 0;
    if (r->nruns > 1) at += (int)printable_put(stdout, report_label(r, k)) + printf(", ");
    at += printf("doctor: ");
    diagnosis_line(&found->diagnosis, text, sizeof text);
    cli_print_wrapped(stdout, diagnosis_printable(text, safe), at, INDENT, width);
    for (int c = 0; c < found->diagnosis.ncures; c++) {
        const ravine_cure *cure = &found->diagnosis.cure[c];
        if (!cure->tried) continue;
        diagnosis_trial(cure, found->tried_steps, &trial);
        snprintf(text, sizeof text, "%s [%.500s]", cure->text, trial.in[PAGE_ENGLISH]);
        printf("%*s", INDENT, "");
        cli_print_wrapped(stdout, diagnosis_printable(text, safe), INDENT, INDENT, width);
    }
}

static void print_warnings(const report *r) {
    for (size_t k = 0; k < r->nruns; k++) {
        phrase text;
        if (!report_warning(&r->run[k], &text)) continue;
        fputs("ravine: ", stderr);
        printable_put(stderr, text.in[PAGE_ENGLISH]);
        fputc('\n', stderr);
    }
}

/* Beside the log of a single run; in the current folder for a comparison, and for logs of others.
 */
static int save_page(const report *r, const page *p) {
    char path[PATH_MAX + 16] = "report.html";
    if (r->nruns == 1 && !log_is_foreign(r->run[0].data.folder))
        snprintf(path, sizeof path, "%s/report.html", r->run[0].data.folder);
    int status = page_save(p, path);
    if (status) return status;
    print_table(r);
    if (r->nruns > 1) status = print_comparison(r);
    if (status) return status;
    print_verdicts(r);
    for (size_t k = 0; k < r->nruns; k++) print_doctor(r, k);
    printf("\npage: ");
    printable_put(stdout, path);
    putchar('\n');
    return 0;
}

static int answer(const report *r, const cli_args *args) {
    page p = {0};
    int status = 0;
    print_warnings(r);
    if (cli_is_given(args, CLI_JSON)) {
        report_json(r, &p);
        status = page_print(&p, stdout);
    } else {
        status = report_page(r, &p);
        if (!status)
            status = cli_is_given(args, CLI_OUTPUT) ? page_print(&p, stdout) : save_page(r, &p);
    }
    page_free(&p);
    return status;
}

int cmd_report(const cli_args *args) {
    if (args->noperands == 0)
        return failure(FAILURE_USAGE,
                       "report needs the PATH of a run or a log, for example runs/fashion_mlp");
    report r = {0};
    const log_choice choice = log_options(args);
    int status = 0;
    for (int k = 0; k < args->noperands && !status; k++) {
        const char *path = args->operand[k];
        status = log_is_foreign(path) ? report_add_log(&r, path, &choice) : report_add(&r, path);
    }
    if (!status) status = answer(&r, args);
    report_free(&r);
    return status;
}
