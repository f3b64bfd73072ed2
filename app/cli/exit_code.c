/* SPDX-License-Identifier: Apache-2.0 */
/* exit_code.c - the one place where a failure becomes an exit code of the process. */
#include "cli/cli.h"
#include "ravine_doctor.h"

/* The verdicts come after the kinds of failure. */
enum { FIRST_VERDICT = FAILURE_KIND_COUNT };

int cli_answer(int verdict) {
    if (ravine_verdict_exit_code(verdict) == 0) return 0;
    return failure(FIRST_VERDICT + verdict, "%s", "");
}

int cli_exit_code(int status) {
    static const int codes[FAILURE_KIND_COUNT] = {[FAILURE_NO] = 1,
                                                  [FAILURE_USAGE] = 2,
                                                  [FAILURE_INPUT] = 3,
                                                  [FAILURE_DIVERGED] = 4,
                                                  [FAILURE_INTERRUPTED] = 130};
    return status < FIRST_VERDICT ? codes[status]
                                  : ravine_verdict_exit_code(status - FIRST_VERDICT);
}
