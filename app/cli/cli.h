/* SPDX-License-Identifier: Apache-2.0 */
/* cli.h - what a command of `ravine` is given, and how it answers.
 *
 *     int cmd_schedule(const cli_args *args) {
 *         const char *spec = args->operand[0];
 *         if (!spec) return failure(FAILURE_USAGE, "schedule needs a SPEC ...");
 *         int64_t steps = cli_count(args, CLI_STEPS, 1000);
 *
 * A command returns 0 or failure(...) with a kind of io/failure.h; main() prints the message
 * to stderr, once, and makes an exit code of the kind. Data goes to stdout, talk to stderr; main()
 * checks that stdout was written. Commands and options are listed once, in options.def.
 */
#ifndef RAVINE_CLI_H
#define RAVINE_CLI_H

#include "io/failure.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define COMMAND(NAME, ...) CLI_##NAME##_COMMAND,
typedef enum cli_command {
#include "options.def"
    CLI_COMMAND_COUNT
} cli_command;
#define OPTION(NAME, ...) CLI_##NAME,
typedef enum cli_option {
#include "options.def"
    CLI_OPTION_COUNT
} cli_option;

typedef struct cli_given {
    cli_option option;
    const char *value; /* NULL for a flag */
} cli_given;

typedef struct cli_args {
    cli_command command;  /* CLI_COMMAND_COUNT: none was named */
    const char **operand; /* [noperands], then NULL */
    int noperands;
    cli_given *given; /* [ngiven] in the order of the command line */
    int ngiven;
} cli_args;

/* Reads the command line; every COUNT, also from a variable, is checked against its bounds.
 * Returns 0 or FAILURE_USAGE (FAILURE_INPUT: no memory). Free with cli_args_free() in either case.
 */
int cli_parse(cli_args *args, int argc, const char *const *argv);
void cli_args_free(cli_args *args);

bool cli_is_given(const cli_args *args, cli_option option); /* on the command line */
/* The option's last value, else its variable's, else its fallback, else NULL. */
const char *cli_text(const cli_args *args, cli_option option);
/* The same as a number; `otherwise` where cli_text() is NULL. */
int64_t cli_count(const cli_args *args, cli_option option, int64_t otherwise);

bool cli_terminal(FILE *stream); /* one that can erase a line: not TERM=dumb */
bool cli_color(FILE *stream);    /* the same, and NO_COLOR is not set */
int cli_width(FILE *stream);     /* columns of that terminal, else 80 */

/* --json: the answer, to stdout; takes the reference. NULL, what jansson gives without memory, is a
 * failure. */
int cli_print_json(json_t *object);

/* exit_code.c: an answer that is a verdict of the doctor has an exit code, and no failure to tell.
 */
int cli_answer(int verdict);
/* Of the process, for what a command returned. */
int cli_exit_code(int status);
/* Writes words of `text` so that no line is longer than `width`; the cursor is at column `at`, and
 * new lines begin at column `indent`. Ends with a newline. "\n\n" in the text is a paragraph. */
void cli_print_wrapped(FILE *out, const char *text, int at, int indent, int width);
/* Lines as they are; on a terminal what a line has beyond its width goes on in the next ones,
 * behind `mark` ("#", or "") and deeper than the line. */
void cli_print_lines(FILE *out, const char *lines, const char *mark);

/* help.c: from the list alone. `command` may be CLI_COMMAND_COUNT: the program. */
void cli_print_help(FILE *out, cli_command command);

#define COMMAND(NAME, name, ...) int cmd_##name(const cli_args *args);
#include "options.def"

#endif
