/* SPDX-License-Identifier: Apache-2.0 */
#include "optimizer/param_names.h"

#include "math/sort.h"
#include "ravine_checkpoint.h"
#include "store/safetensors.h"
#include "text/error.h"
#include "text/names.h"

#include <string.h>

ravine_status ravine_param_name_check(const char *name, int64_t index) {
    if (!name || !*name)
        return ravine_fail(RAVINE_E_ARG, "the name of parameter %lld is %s", (long long)index,
                           name ? "empty" : "NULL");
    if (!ravine_is_utf8(name))
        return ravine_fail(RAVINE_E_ARG, "the name of parameter %lld, %s, is not UTF-8",
                           (long long)index, ravine_quote(name).text);
    if (strcmp(name, SAFETENSORS_METADATA) == 0)
        return ravine_fail(RAVINE_E_ARG,
                           "the name of parameter %lld is " SAFETENSORS_METADATA
                           ", which files of tensors keep for themselves",
                           (long long)index);
    return RAVINE_OK;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(((const param_slot *)a)->by_name->name, ((const param_slot *)b)->by_name->name);
}

static bool is_state_key(const param *p, const char *key) {
    return strcmp(key, RAVINE_STATE_STEP) == 0 || ravine_state_of(p, key);
}

/* The parameter whose state has this name in a checkpoint: w for "state.w.exp_avg". */
static const param *find_owner(const param_slot *slots, int64_t n, const char *name) {
    if (strncmp(name, RAVINE_STATE, strlen(RAVINE_STATE)) != 0) return NULL;
    const char *owner = name + strlen(RAVINE_STATE);
    for (const char *dot = owner; (dot = strchr(dot, '.')); dot++) {
        const param *p = ravine_param_names_find(slots, n, owner, (size_t)(dot - owner));
        if (p && is_state_key(p, dot + 1)) return p;
    }
    return NULL;
}

ravine_status ravine_param_names_sort(param_slot *slots, int64_t n) {
    ravine_sort(slots, n, sizeof *slots, compare_names);
    for (int64_t i = 0; i < n; i++) {
        const char *name = slots[i].by_name->name;
        if (i > 0 && strcmp(slots[i - 1].by_name->name, name) == 0)
            return ravine_fail(RAVINE_E_ARG, "the name %s is there twice; names must be unique",
                               name);
        const param *owner = find_owner(slots, n, name);
        if (owner)
            return ravine_fail(RAVINE_E_ARG,
                               "the name %s is that of the state of %s in a checkpoint", name,
                               owner->name);
    }
    return RAVINE_OK;
}
