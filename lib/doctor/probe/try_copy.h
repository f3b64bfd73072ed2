/* SPDX-License-Identifier: Apache-2.0 */
/* try_copy.h - a second optimizer on the same parameters: it goes on as the first would, or under
 * other settings, and leaves the first one's state alone. Both write the same parameters.
 */
#ifndef RAVINE_DOCTOR_TRY_COPY_H
#define RAVINE_DOCTOR_TRY_COPY_H

#include "ravine.h"

/* config NULL: settings, schedules and state of every group as they are. Otherwise the config for
 * all groups, but a group keeps the settings in which it differs from group 0, and its ratio to the
 * lr of group 0; schedules of lr and of settings that change are dropped. E_RANGE: a group may not
 * have such settings. Parameters go on with their state and step_count where
 * the rule knows that state, or begin anew. Gradients are taken as they are: no grad_scale, and
 * they stay after a step. */
ravine_status ravine_copy_create(ravine_optimizer **out, const ravine_optimizer *o,
                                 const ravine_config *config);

/* The learning rate of every group of a copy of o: `lr` is group 0's. */
ravine_status ravine_copy_set_lr(ravine_optimizer *copy, const ravine_optimizer *o, double lr);

#endif
