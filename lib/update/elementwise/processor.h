/* processor.h - which processor this is, and what kernels do for it. Never at the cost of a bit. */
#ifndef RAVINE_UPDATE_ELEMENTWISE_PROCESSOR_H
#define RAVINE_UPDATE_ELEMENTWISE_PROCESSOR_H

#include "ravine.h"
#include "update/elementwise/kernel.h"

typedef struct processor {
    char vendor[16]; /* as the processor says it: "GenuineIntel"; "": it says nothing */
    int family, model;
} processor;
processor ravine_processor(void);

/* How far ahead kernels ask for memory, in bytes; 0: not at all. RAVINE_PREFETCH, else what was
 * measured on such a processor (docs/decisions/prefetch.md). E_RANGE: RAVINE_PREFETCH is wrong. */
ravine_status ravine_prefetch_choose(const isa_kernels *kernels, int64_t *ahead);

#endif
