/* SPDX-License-Identifier: Apache-2.0 */
/* What the rooms of an optimizer share: its memory, what messages call its groups. */
#include "optimizer/optimizer.h"

#include <stdio.h>
#include <string.h>

void *ravine_memory_take(ravine_optimizer *o, size_t bytes) {
    void *memory = o->backend->alloc(&o->env, bytes);
    if (!memory) return NULL;
    o->bytes += (int64_t)bytes;
    return memset(memory, 0, bytes);
}

void ravine_memory_give(ravine_optimizer *o, void *memory, size_t bytes) {
    if (!memory) return;
    o->bytes -= (int64_t)bytes;
    o->backend->free(&o->env, memory, bytes);
}

group_name ravine_group_name(int32_t index) {
    group_name name;
    snprintf(name.text, sizeof name.text, "group %d", index);
    return name;
}

group_name ravine_group_name_at(int32_t index, int64_t step) {
    group_name name;
    snprintf(name.text, sizeof name.text, "group %d at step %lld", index, (long long)step);
    return name;
}
