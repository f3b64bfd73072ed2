/* SPDX-License-Identifier: Apache-2.0 */
/* run_resume.c - what a run was, from its log, beside what it is to be now. */
#include "run/run_resume.h"

#include "io/failure.h"
#include "run/run_header.h"
#include "run/run_reader.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

/* Keys that may be others than the run had. */
static bool may_change(int key) {
    static const config_key keys[] = {CONFIG_KEY_epochs,           CONFIG_KEY_threads,
                                      CONFIG_KEY_log_every,        CONFIG_KEY_checkpoint_epochs,
                                      CONFIG_KEY_checkpoint_steps, CONFIG_KEY_checkpoint_keep,
                                      CONFIG_KEY_checkpoint_best,  CONFIG_KEY_doctor_on_warning};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        if (keys[k] == (config_key)key) return true;
    return false;
}

int run_resume_check_config(const run_config *c, const char *folder) {
    run_config run;
    int status = config_init(&run);
    if (status) return status;
    status = run_header_config(&run, folder);
    for (int k = 0; k < CONFIG_KEY_COUNT && !status; k++)
        if (!may_change(k) && !config_is_equal(c, &run, (config_key)k))
            status =
                failure(FAILURE_USAGE, "%s: %s is another than the run in %s has; it cannot change",
                        c->origin[k] ? c->origin[k] : CONFIG_DEFAULT, config_rows[k].key, folder);
    const char *shares = config_key_in_shares(c);
    if (!status && shares && c->epochs != run.epochs)
        status = failure(FAILURE_USAGE,
                         "%s: epochs is %" PRId64 ", and %" PRId64 " in the run in %s: %s is in "
                         "percent of all steps, so it would change on the way",
                         c->origin[CONFIG_KEY_epochs], c->epochs, run.epochs, folder, shares);
    config_free(&run);
    return status;
}

int run_resume_from_start(int64_t *log, const char *folder) {
    run_data run;
    int status = run_read(&run, folder, NULL);
    if (!status && strcmp(run.state, "unfinished") != 0)
        status = failure(FAILURE_INPUT,
                         "%s is %s and kept no checkpoint; there is nothing to go on from", folder,
                         run.state);
    run_free(&run);
    json_t *header = NULL;
    if (!status) status = run_read_header(&header, log, folder);
    json_decref(header);
    return status;
}

bool run_is_finished(const char *folder) {
    char weights[PATH_MAX + 24];
    snprintf(weights, sizeof weights, "%s/weights.safetensors", folder);
    if (access(weights, F_OK) != 0) return false;
    run_data run;
    const bool read = run_read(&run, folder, NULL) == 0;
    const bool finished = read && !strcmp(run.state, "finished");
    run_free(&run);
    return finished;
}
