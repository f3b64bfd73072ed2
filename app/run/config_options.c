/* SPDX-License-Identifier: Apache-2.0 */
/* config_options.c - what the command line says of a configuration. */
#include "run/config_options.h"

#include "io/failure.h"

/* Whether the option sets a setting of the rule; what is wrong with it is told by config_set(). */
static bool is_setting(const cli_given *given) {
    config_target target;
    return given->option == CLI_CONFIG_SET && !config_target_find(&target, given->value, "--set") &&
           target.setting >= 0;
}

static int put(run_config *c, const cli_given *given) {
    const char *value = given->value;
    switch (given->option) {
    case CLI_CONFIG_SET: return config_set(c, value);
    case CLI_NAME: return config_put(c, CONFIG_KEY_name, value, "--name");
    case CLI_THREADS: return config_put(c, CONFIG_KEY_threads, value, "--threads");
    case CLI_ON_WARNING: return config_put(c, CONFIG_KEY_doctor_on_warning, value, "--on-warning");
    default: return 0;
    }
}

static int read_some(run_config *c, const cli_args *args, bool settings) {
    int status = 0;
    for (int k = 0; k < args->ngiven && !status; k++)
        if (is_setting(&args->given[k]) == settings) status = put(c, &args->given[k]);
    return status;
}

int config_read_settings(run_config *c, const cli_args *args) {
    return read_some(c, args, true);
}

int config_read_options(run_config *c, const cli_args *args) {
    const int status = read_some(c, args, false);
    return status ? status : config_read_settings(c, args);
}
