/* SPDX-License-Identifier: Apache-2.0 */
/* config_options.h - what the command line says of a configuration: --set and the options that are
 * short for one. Functions return 0 or a kind of io/failure.h. */
#ifndef RAVINE_RUN_CONFIG_OPTIONS_H
#define RAVINE_RUN_CONFIG_OPTIONS_H

#include "cli/cli.h"
#include "run/config.h"

/* Keys in the order in which they are given, then the settings of the rule: a rule may be named
 * after its learning rate. */
int config_read_options(run_config *c, const cli_args *args);
/* The settings alone, once more: the rule has become another. */
int config_read_settings(run_config *c, const cli_args *args);

#endif
