/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks on the threads of an OpenMP that the process has already. Nothing is linked to it: its one
 * entry point that is needed comes from the caller. */
#include "ravine.h"

#include <stdatomic.h>
#include <unistd.h>

typedef struct run {
    ravine_task task;
    void *arg;
    int64_t ntasks;
    _Atomic int64_t next; /* task to be claimed */
} run;

/* What each thread of the team does, until no task is left to claim. */
static void work(void *data) {
    run *r = data;
    for (;;) {
        const int64_t index = atomic_fetch_add(&r->next, 1);
        if (index >= r->ntasks) return;
        r->task(r->arg, index);
    }
}

void ravine_openmp_run(void *context, ravine_task task, void *arg, int64_t ntasks) {
    const ravine_openmp *team = context;
    run r = {.task = task, .arg = arg, .ntasks = ntasks};
    if (team->process == getpid())
        team->start(work, &r, (uint32_t)team->threads, 0); /* returns when all have */
    else
        work(&r);
}
