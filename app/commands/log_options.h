/* SPDX-License-Identifier: Apache-2.0 */
/* log_options.h - the options that choose a run and columns of a log, for the commands that read
 * one. */
#ifndef RAVINE_COMMANDS_LOG_OPTIONS_H
#define RAVINE_COMMANDS_LOG_OPTIONS_H

#include "cli/cli.h"
#include "logs/log.h"

static const struct {
    log_quantity quantity;
    cli_option option;
} log_columns[] = {{LOG_STEP, CLI_STEP_NAME},
                   {LOG_LOSS, CLI_LOSS_NAME},
                   {LOG_VALIDATION, CLI_VALIDATION_NAME},
                   {LOG_LR, CLI_LR_NAME},
                   {LOG_GRAD_NORM, CLI_GRAD_NORM_NAME}};

static inline log_choice log_options(const cli_args *args) {
    log_choice choice = {0};
    for (size_t k = 0; k < sizeof log_columns / sizeof *log_columns; k++)
        choice.key[log_columns[k].quantity] = cli_text(args, log_columns[k].option);
    choice.run = cli_text(args, CLI_RUN);
    return choice;
}

static inline bool log_options_given(const cli_args *args) {
    const log_choice choice = log_options(args);
    for (int q = 0; q < LOG_QUANTITIES; q++)
        if (choice.key[q]) return true;
    return choice.run != NULL;
}

#endif
