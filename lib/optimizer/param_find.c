/* SPDX-License-Identifier: Apache-2.0 */
#include "optimizer/param_names.h"

#include <string.h>

param *ravine_param_names_find(const param_slot *slots, int64_t n, const char *name,
                               size_t length) {
    for (int64_t low = 0, high = n; low < high;) {
        const int64_t middle = low + (high - low) / 2;
        param *p = slots[middle].by_name;
        int order = strncmp(name, p->name, length);
        if (order == 0 && p->name[length]) order = -1; /* it begins with the name */
        if (order == 0) return p;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}
