/* What a step did: sums over blocks, parameters and groups, each in its order. */
#include "base/error.h"
#include "optimizer/optimizer.h"

#include <math.h>

static void gather_param(const param *p, int64_t index, group *g) {
    for (int64_t k = 0; k < block_count(p->len); k++) {
        const block_statistics *s = &p->statistics[k];
        g->sums.gradient2 += s->gradient2;
        g->sums.update2 += s->update2;
        g->sums.param2 += s->param2;
        if (!s->nonfinite) continue;
        if (!g->nonfinite) {
            g->nonfinite_param = index;
            g->nonfinite_index = k * BLOCK_ELEMENTS + s->first_nonfinite;
        }
        g->nonfinite += s->nonfinite;
    }
}

void ravine_report_gather(ravine_optimizer *o) {
    for (int32_t k = 0; k < o->ngroups; k++) {
        group *g = &o->groups[k];
        g->sums = (sums){0};
        g->nonfinite = 0;
        g->nonfinite_param = g->nonfinite_index = -1;
    }
    int64_t active = 0;
    for (int64_t i = 0; i < o->nparams && active < o->nactive; i++) {
        const param *p = o->slots[i].added;
        if (o->slots[active].active != p) continue;
        active++;
        gather_param(p, i, &o->groups[p->group]);
    }
}

void ravine_report_fill(const ravine_optimizer *o, int32_t index, ravine_report *report) {
    sums total = {0};
    *report = (ravine_report){.size = sizeof *report,
                              .group = index,
                              .step = o->steps,
                              .attempts = o->attempts,
                              .lr = o->groups[index < 0 ? 0 : index].now.lr,
                              .clip = o->clip,
                              .nonfinite_param = -1,
                              .nonfinite_index = -1};
    for (int32_t k = 0; k < o->ngroups; k++) {
        if (index >= 0 && k != index) continue;
        const group *g = &o->groups[k];
        total.gradient2 += g->sums.gradient2;
        total.update2 += g->sums.update2;
        total.param2 += g->sums.param2;
        if (!g->nonfinite) continue;
        const bool earlier = !report->nonfinite || g->nonfinite_param < report->nonfinite_param;
        if (earlier) {
            report->nonfinite_param = g->nonfinite_param;
            report->nonfinite_index = g->nonfinite_index;
        }
        report->nonfinite += g->nonfinite;
    }
    report->grad_norm = sqrt(total.gradient2) / o->options.grad_scale;
    report->update_norm = sqrt(total.update2);
    report->param_norm = sqrt(total.param2);
}

ravine_status ravine_report_fail_size(const ravine_report *report) {
    return ravine_fail(RAVINE_E_ARG,
                       "size of the report is %u, not %zu; set it to sizeof(ravine_report)",
                       report->size, sizeof *report);
}

ravine_status ravine_group_report(const ravine_optimizer *o, int32_t index, ravine_report *report) {
    if (!o || !report) return ravine_fail(RAVINE_E_ARG, "an argument is NULL");
    if (index < 0 || index >= o->ngroups)
        return ravine_fail(RAVINE_E_RANGE, "group is %d; it must be in [0, %d]", index,
                           o->ngroups - 1);
    if (report->size != sizeof *report) return ravine_report_fail_size(report);
    if (!o->reported)
        return ravine_fail(RAVINE_E_STATE, "the last step had no report; pass one to ravine_step");
    ravine_report_fill(o, index, report);
    return RAVINE_OK;
}
