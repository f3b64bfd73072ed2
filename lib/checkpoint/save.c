#include "base/memory.h"
#include "base/sized.h"
#include "checkpoint/snapshot.h"
#include "optimizer/optimizer.h"
#include "store/safetensors.h"
#include "text/error.h"

#include <math.h>

void ravine_save_options_init_sized(ravine_save_options *options, size_t size) {
    (void)ravine_sized_make(&ravine_sized_save_options, options, size, &(ravine_save_options){0});
}

ravine_status ravine_save(const ravine_optimizer *o, const char *path,
                          const ravine_save_options *options) {
    if (!o || !path) return ravine_fail(RAVINE_E_ARG, "an argument is NULL");
    ravine_save_options own;
    snapshot_size size;
    const snapshot_source source = {.o = o, .options = &own, .metric = NAN};
    ravine_status status = ravine_snapshot_options(&own, options);
    if (!status) status = ravine_snapshot_measure(&source, &size);
    if (status) return status;
    void *memory = ravine_env_take(&o->env, size.bytes);
    if (!memory) return RAVINE_E_NOMEM;
    snapshot s;
    const safetensors_options how = {.verify = own.verify != 0, .env = &o->env};
    ravine_snapshot_place(&source, &size, memory, &s);
    status = ravine_safetensors_write(path, s.tensors, s.ntensors, s.texts, s.ntexts, &how);
    ravine_env_give(&o->env, memory, size.bytes);
    return status;
}
