/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"
#include "checkpoint/snapshot.h"
#include "optimizer/optimizer.h"
#include "store/safetensors.h"
#include "text/error.h"

#include <math.h>

ravine_status ravine_save(const ravine_optimizer *o, const char *path,
                          const ravine_save_options *options) {
    if (!o || !path) return ravine_fail(RAVINE_E_ARG, "an argument is NULL");
    ravine_save_options own;
    snapshot_size size;
    const snapshot_source source = {.o = o, .options = &own, .metric = NAN};
    ravine_status status = ravine_snapshot_options(&own, options);
    if (!status) status = ravine_snapshot_measure(&source, &size);
    if (status) return status;
    void *memory = ravine_env_alloc(&o->env, size.bytes);
    if (!memory) return RAVINE_E_NOMEM;
    snapshot s;
    const ravine_safetensors_options how = {
        .size = sizeof how, .verify = own.verify, .env = &o->env};
    ravine_snapshot_place(&source, &size, memory, &s);
    status = ravine_safetensors_write(path, s.tensors, s.ntensors, s.texts, s.ntexts, &how);
    ravine_env_free(&o->env, memory, size.bytes);
    return status;
}
