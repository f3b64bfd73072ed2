/* SPDX-License-Identifier: Apache-2.0 */
/* table.h - options.def as arrays, for the parser and the help. */
#ifndef RAVINE_CLI_TABLE_H
#define RAVINE_CLI_TABLE_H

#include "cli/cli.h"

typedef enum cli_kind { CLI_KIND_FLAG, CLI_KIND_TEXT, CLI_KIND_MANY, CLI_KIND_COUNT } cli_kind;
typedef enum cli_completes {
    CLI_COMPLETES_NONE,
    CLI_COMPLETES_FILES,
    CLI_COMPLETES_RULES,
    CLI_COMPLETES_COMMANDS
} cli_completes;

typedef struct cli_command_row {
    const char *name, *operands;
    int most; /* operands */
    cli_completes completes;
    const char *summary, *text;
} cli_command_row;

typedef struct cli_option_row {
    const char *name; /* the long one */
    char letter;      /* the short one, or 0 */
    const char *metavar;
    cli_kind kind;
    int64_t least, greatest;
    const char *fallback, *variable; /* or NULL */
    unsigned commands;               /* bit 1 << command; bit 1 << CLI_COMMAND_COUNT: the program */
    const char *text;
} cli_option_row;

extern const cli_command_row cli_commands[CLI_COMMAND_COUNT];
extern const cli_option_row cli_options[CLI_OPTION_COUNT];

/* Returns 0, or EXIT_USAGE naming the nearest command. */
int cli_find_command(const char *name, cli_command *command);
bool cli_takes(cli_command command, cli_option option);

#endif
