/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_sweep.c - `ravine sweep`: the runs of a grid, then which combination is best. */
#include "commands/sweep/sweep.h"

static int answer(sweep *s) {
    const bool json = cli_is_given(s->args, CLI_JSON);
    const int status = sweep_save(s);
    if (status) return status;
    if (!cli_is_given(s->args, CLI_QUIET)) sweep_print(s, json ? stderr : stdout);
    return json ? cli_print_json(sweep_json(s)) : 0;
}

int cmd_sweep(const cli_args *args) {
    sweep s;
    int status = sweep_make(&s, args);
    if (!status) status = answer(&s);
    sweep_free(&s);
    return status;
}
