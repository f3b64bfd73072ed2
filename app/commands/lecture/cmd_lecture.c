/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_lecture.c - `ravine lecture`: how many figures were made, and whether their numbers are those
 * of the reference. */
#include "commands/lecture/long.h"
#include "lecture/lecture.h"
#include "page/printable.h"

/* "10 of 10 figures", and of each that is missing what it needs. */
static void print_figures(json_t *figures) {
    const size_t all = json_object_size(figures);
    size_t made = 0;
    const char *letter;
    json_t *figure;
    json_object_foreach(figures, letter, figure) {
        made += json_is_null(json_object_get(figure, "missing"));
    }
    printf("%zu of %zu figures", made, all);
    json_object_foreach(figures, letter, figure) {
        const char *needs = json_string_value(json_object_get(figure, "missing"));
        if (!needs) continue;
        printf(", (%s) ", letter);
        printable_put(stdout, needs);
    }
}

int cmd_lecture(const cli_args *args) {
    const char *folder = cli_text(args, CLI_FOLDER);
    json_t *numbers, *sweeps = NULL;
    int status = cli_is_given(args, CLI_LONG) ? long_make(&sweeps, folder) : 0;
    if (!status) status = lecture_write(folder, sweeps, &numbers);
    json_decref(sweeps);
    if (status) return status;
    json_int_t checked = 0, agree = 0;
    json_unpack(numbers, "{s{sI sI}}", "agreement", "checked", &checked, "agree", &agree);
    if (cli_is_given(args, CLI_JSON)) {
        json_dumpf(numbers, stdout, JSON_INDENT(1));
        putchar('\n');
    } else {
        printf("%s/index.html: ", folder);
        print_figures(json_object_get(numbers, "figures"));
        printf("; %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
               " numbers agree with the reference computation\n",
               agree, checked);
    }
    json_decref(numbers);
    if (agree == checked) return 0;
    return failure(FAILURE_NO,
                   "%lld of %lld numbers do not agree with the reference computation; see "
                   "%s/index.html",
                   (long long)(checked - agree), (long long)checked, folder);
}
