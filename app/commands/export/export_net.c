/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/export/export.h"

#include <stdio.h>
#include <string.h>

int export_plan(net_plan *p, const model *m) {
    net_spec spec;
    *p = (net_plan){0};
    const int status = config_net_spec(&m->config, &m->encoding, &spec);
    return status ? status : net_plan_model(p, &spec);
}

net_tensor export_tensor(const model *m, const net_layer *l, const char *what) {
    const net *n = m->net;
    char name[LAYER_NAME_MAX + 16];
    snprintf(name, sizeof name, "%s.%s", l->name, what);
    for (int64_t k = 0; k < net_param_count(n); k++)
        if (!strcmp(net_param(n, k).name, name)) return net_param(n, k);
    for (int64_t k = 0; k < net_buffer_count(n); k++)
        if (!strcmp(net_buffer(n, k).name, name)) return net_buffer(n, k);
    return (net_tensor){0};
}
