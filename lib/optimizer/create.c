/* SPDX-License-Identifier: Apache-2.0 */
/* The life of an optimizer: environment, memory, groups. */
#include "base/memory.h"
#include "base/pool.h"
#include "base/sized.h"
#include "optimizer/optimizer.h"
#include "optimizer/settings.h"
#include "text/error.h"
#include "update/elementwise/processor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* threads of the environment: its own number, or RAVINE_THREADS, or one per processor. */
static ravine_status count_threads(const ravine_env *env, int32_t *threads) {
    *threads = env->threads;
    const char *variable = getenv("RAVINE_THREADS");
    if (*threads == 0 && variable && *variable) {
        char *end;
        const long value = strtol(variable, &end, 10);
        if (*end || value < 1 || value > RAVINE_THREADS_MAX)
            return ravine_fail(RAVINE_E_RANGE, "RAVINE_THREADS is %s; it must be in [1, %d]",
                               variable, RAVINE_THREADS_MAX);
        *threads = (int32_t)value;
    }
    const ravine_status status = ravine_pool_check_threads(*threads);
    if (!status && *threads == 0) *threads = ravine_available_threads();
    return status;
}

static ravine_status read_env(ravine_env *own, const ravine_env *env) {
    const ravine_status status = ravine_env_complete(own, env);
    if (status) return status;
    return own->parallel ? RAVINE_OK : count_threads(own, &own->threads);
}

ravine_status ravine_create(ravine_optimizer **out, const ravine_config *c, const ravine_env *env) {
    if (!out) return ravine_fail(RAVINE_E_ARG, "out of ravine_create is NULL");
    ravine_optimizer start = {.backend = &ravine_backend_cpu};
    ravine_status status = read_env(&start.env, env);
    if (status) return status;
    start.kernels = ravine_kernels(start.env.isa);
    if (!start.kernels) return RAVINE_E_UNSUPPORTED;
    status = ravine_prefetch_choose(start.kernels, &start.ahead);
    if (status) return status;
    start.env.isa = start.kernels->name; /* not the caller's text */

    ravine_optimizer *o = ravine_memory_take(&start, sizeof *o);
    if (!o) return RAVINE_E_NOMEM;
    *o = start;
    ravine_options_init(&o->options);
    int32_t index;
    status = ravine_add_group(o, c, &index);
    if (!status && !o->env.parallel && o->env.threads > 1) {
        void *memory = ravine_memory_take(o, ravine_pool_bytes(o->env.threads));
        if (memory)
            o->pool = ravine_pool_place(memory, o->env.threads);
        else
            status = RAVINE_E_NOMEM;
    }
    if (status) {
        ravine_destroy(o);
        return status;
    }
    *out = o;
    return RAVINE_OK;
}

ravine_status ravine_add_group(ravine_optimizer *o, const ravine_config *c, int32_t *index) {
    if (!o) return ravine_fail(RAVINE_E_ARG, "the optimizer is NULL");
    if (o->ngroups == INT32_MAX) return ravine_fail(RAVINE_E_RANGE, "there are too many groups");
    ravine_config own;
    ravine_status status = ravine_config_read(&own, c);
    if (!status) status = ravine_config_check_of(&own, ravine_group_name(o->ngroups).text);
    if (status) return status;
    const size_t n = (size_t)o->ngroups;
    group *grown = ravine_memory_take(o, (n + 1) * sizeof *grown);
    if (!grown) return RAVINE_E_NOMEM;
    if (n) memcpy(grown, o->groups, n * sizeof *grown);
    ravine_memory_give(o, o->groups, n * sizeof *grown);
    grown[n].config = own;
    grown[n].shape = ravine_rule_shape(&own);
    o->groups = grown;
    if (index) *index = o->ngroups;
    o->ngroups++;
    return RAVINE_OK;
}

void ravine_destroy(ravine_optimizer *o) {
    if (!o) return;
    if (o->pool) {
        ravine_pool_stop(o->pool);
        ravine_memory_give(o, o->pool, ravine_pool_bytes(o->env.threads));
    }
    for (int32_t k = 0; k < o->ngroups; k++)
        for (int setting = 0; setting < RAVINE_SETTING_COUNT; setting++)
            ravine_memory_give(o, o->groups[k].schedule[setting], sizeof(ravine_schedule));
    ravine_memory_give(o, o->groups, (size_t)o->ngroups * sizeof *o->groups);
    while (o->batches) {
        batch *next = o->batches->next;
        ravine_memory_give(o, o->batches, o->batches->bytes);
        o->batches = next;
    }
    ravine_memory_give(o, o->slots, (size_t)o->nparams * sizeof *o->slots);
    const ravine_env env = o->env;
    ravine_env_free(&env, o, sizeof *o);
}

int64_t ravine_memory_bytes(const ravine_optimizer *o) {
    return o ? o->bytes : 0;
}
int32_t ravine_group_count(const ravine_optimizer *o) {
    return o ? o->ngroups : 0;
}
int64_t ravine_param_count(const ravine_optimizer *o) {
    return o ? o->nparams : 0;
}
int64_t ravine_steps(const ravine_optimizer *o) {
    return o ? o->steps : 0;
}
