/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_torch.h - rules and settings in the words of PyTorch's optimizers. */
#ifndef RAVINE_COMMANDS_CHECKPOINT_TORCH_H
#define RAVINE_COMMANDS_CHECKPOINT_TORCH_H

#include "ravine.h"

#include <jansson.h>
#include <stdbool.h>

/* "AdamW"; NULL: PyTorch has no such rule. And back; -1: there is none of that name. */
const char *torch_class(int rule);
int torch_rule(const char *name);

/* Whether PyTorch keeps that state, and whether as one number for each parameter. SGD has no step.
 */
bool torch_has_state(int rule, const char *key);
bool torch_is_number(int rule, const char *key);

/* The settings of a group as the entries of param_groups. FAILURE_NO names one that PyTorch has
 * not. `lr` takes the place of the config's. */
int torch_group_from_config(json_t *group, const ravine_config *c, double lr);
/* And back; what is not a setting (params, foreach, ...) is passed over. */
int torch_config_from_group(ravine_config *c, int rule, const json_t *group);

#endif
