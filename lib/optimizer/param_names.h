/* SPDX-License-Identifier: Apache-2.0 */
/* param_names.h - names of parameters: which may be, in order, and found again. */
#ifndef RAVINE_OPTIMIZER_PARAM_NAMES_H
#define RAVINE_OPTIMIZER_PARAM_NAMES_H

#include "optimizer/optimizer.h"

/* E_ARG if it is none, or one that no checkpoint could hold. `index`: of the parameter among those
 * that are added. */
ravine_status ravine_param_name_check(const char *name, int64_t index);

/* Sorts the slots by the names of `by_name`, and moves all of a slot. E_ARG: a name is there twice,
 * or is that of another's state in a checkpoint. */
ravine_status ravine_param_names_sort(param_slot *slots, int64_t n);

/* The parameter whose name is the first `length` bytes of `name`; NULL: there is none. slots:
 * sorted. */
param *ravine_param_names_find(const param_slot *slots, int64_t n, const char *name, size_t length);

#endif
