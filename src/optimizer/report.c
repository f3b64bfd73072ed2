/* What a step did: sums over blocks, parameters and groups, each in its order. */
#include "base/error.h"
#include "optimizer/optimizer.h"

#include <math.h>

static void add_blocks(totals *sum, const param *p, int64_t index) {
    for (int64_t k = 0; k < block_count(p->len); k++) {
        const block_statistics *s = &p->statistics[k];
        sum->gradient2 += s->gradient2;
        sum->update2 += s->update2;
        sum->param2 += s->param2;
        if (!s->nonfinite) continue;
        if (!sum->nonfinite) {
            sum->nonfinite_param = index;
            sum->nonfinite_index = k * BLOCK_ELEMENTS + s->first_nonfinite;
        }
        sum->nonfinite += s->nonfinite;
    }
}

static const totals nothing = {.nonfinite_param = -1, .nonfinite_index = -1};

void ravine_report_gather(ravine_optimizer *o) {
    for (int32_t k = 0; k < o->ngroups; k++) o->groups[k].totals = nothing;
    int64_t active = 0;
    for (int64_t i = 0; i < o->nparams && active < o->nactive; i++) {
        const param *p = o->slots[i].added;
        if (o->slots[active].active != p) continue;
        active++;
        add_blocks(&o->groups[p->group].totals, p, i);
    }
}

static void fill(const ravine_optimizer *o, int32_t index, const totals *sum,
                 ravine_report *report) {
    *report = (ravine_report){.size = sizeof *report,
                              .group = index,
                              .step = o->steps,
                              .attempts = o->attempts,
                              .lr = o->groups[index < 0 ? 0 : index].now.lr,
                              .grad_norm = sqrt(sum->gradient2) / o->options.grad_scale,
                              .update_norm = sqrt(sum->update2),
                              .param_norm = sqrt(sum->param2),
                              .clip = o->clip,
                              .nonfinite = sum->nonfinite,
                              .nonfinite_param = sum->nonfinite_param,
                              .nonfinite_index = sum->nonfinite_index};
}

void ravine_report_fill(const ravine_optimizer *o, ravine_report *report) {
    totals all = nothing;
    for (int32_t k = 0; k < o->ngroups; k++) {
        const totals *t = &o->groups[k].totals;
        all.gradient2 += t->gradient2;
        all.update2 += t->update2;
        all.param2 += t->param2;
        if (!t->nonfinite) continue;
        if (!all.nonfinite || t->nonfinite_param < all.nonfinite_param) {
            all.nonfinite_param = t->nonfinite_param;
            all.nonfinite_index = t->nonfinite_index;
        }
        all.nonfinite += t->nonfinite;
    }
    fill(o, -1, &all, report);
}

ravine_status ravine_report_fail_size(const ravine_report *report) {
    return ravine_fail(RAVINE_E_ARG,
                       "size of the report is %u, not %zu; set it to sizeof(ravine_report)",
                       report->size, sizeof *report);
}

/* What every question about the last step must pass; `what` is its subject, of `count`. */
static ravine_status check_question(const ravine_optimizer *o, const ravine_report *report,
                                    const char *what, int64_t index, int64_t count) {
    if (index < 0 || index >= count)
        return ravine_fail(RAVINE_E_RANGE, "%s is %lld; it must be in [0, %lld]", what,
                           (long long)index, (long long)count - 1);
    if (report->size != sizeof *report) return ravine_report_fail_size(report);
    if (!o->reported)
        return ravine_fail(RAVINE_E_STATE, "the last step had no report; pass one to ravine_step");
    return RAVINE_OK;
}

ravine_status ravine_group_report(const ravine_optimizer *o, int32_t index, ravine_report *report) {
    if (!o || !report) return ravine_fail(RAVINE_E_ARG, "an argument is NULL");
    const ravine_status status = check_question(o, report, "group", index, o->ngroups);
    if (!status) fill(o, index, &o->groups[index].totals, report);
    return status;
}

ravine_status ravine_param_report(const ravine_optimizer *o, int64_t index, ravine_report *report) {
    if (!o || !report) return ravine_fail(RAVINE_E_ARG, "an argument is NULL");
    const ravine_status status = check_question(o, report, "param", index, o->nparams);
    if (status) return status;
    const param *p = o->slots[index].added;
    totals own = nothing;
    if (p->attempt == o->attempts) add_blocks(&own, p, index);
    fill(o, p->group, &own, report);
    return RAVINE_OK;
}
