/* SPDX-License-Identifier: Apache-2.0 */
/* processor.h - what kernels do for one processor alone. Never at the cost of a bit. */
#ifndef RAVINE_UPDATE_ELEMENTWISE_PROCESSOR_H
#define RAVINE_UPDATE_ELEMENTWISE_PROCESSOR_H

#include "ravine.h"
#include "update/elementwise/kernel.h"

/* How far ahead kernels ask for memory, in bytes; 0: not at all. RAVINE_PREFETCH, else what was
 * measured on such a processor (docs/decisions/prefetch.md). E_RANGE: RAVINE_PREFETCH is wrong. */
ravine_status ravine_prefetch_choose(const isa_kernels *kernels, int64_t *ahead);

#endif
