/* SPDX-License-Identifier: Apache-2.0 */
/* make.h - short ways to make what almost every test of a step needs. They fail the test. */
#ifndef TESTS_MAKE_H
#define TESTS_MAKE_H

#include "ravine.h"

/* An optimizer of the rule in text form, as of ravine_config_parse, on one thread. */
ravine_optimizer *make_optimizer(const char *rule);
/* Adds a group, or a parameter to `group`; the number of the new group. */
int32_t make_group(ravine_optimizer *o, const char *rule);
void make_param(ravine_optimizer *o, int32_t group, const char *name, int32_t dtype, void *data,
                void *grad, int64_t len);
/* A step that must not fail; its status. */
ravine_status make_step(ravine_optimizer *o, ravine_step_stats *stats);
/* Binds the gradient of parameter number `param`. */
void make_grad(ravine_optimizer *o, int64_t param, void *grad);
/* Options that differ from the usual ones by the arguments. */
void make_options(ravine_optimizer *o, ravine_nonfinite nonfinite, double clip_norm,
                  double grad_scale, int zero_grad);
/* The state `key` of a parameter as an array of its type. */
void *make_state(ravine_optimizer *o, const char *param, const char *key);

#endif
