/* The order of a step:
 *
 *   1. settings    every schedule is evaluated at the number of applied steps
 *   2. plan        parameters with a gradient, and their blocks
 *   3. norm        only when the norm is clipped or non-finite gradients skip the step: a pass that
 *                  reads the gradients
 *   4. coefficients  once for each group and clock
 *   5. update      the one pass over everything, in parallel over all blocks of all parameters
 *   6. report      sums of the blocks in their order, whatever thread made them
 */
#include "base/error.h"
#include "base/pool.h"
#include "base/sized.h"
#include "optimizer/optimizer.h"
#include "optimizer/settings.h"

#include <math.h>
#include <string.h>

/* Blocks that one task takes: many hide the cost of claiming it, few share a little work evenly. */
#define TASK_BLOCKS     16
#define TASK_BLOCKS_FEW 4
/* So many parameters ahead their memory is asked for. */
#define START_AHEAD 4
/* From so many blocks on two threads are faster than one: if the second one is awake, and if it
 * must be woken (docs/decisions/threads.md). */
#define PARALLEL_FROM_BLOCKS 8
#define WAKING_FROM_BLOCKS   96

static bool is_scheduled(const group *g) {
    for (int setting = 0; setting < RAVINE_SETTING_COUNT; setting++)
        if (g->schedule[setting]) return true;
    return false;
}

/* Each schedule's bounds were looked at when it was set. Two of them may be too much together in
 * between, which is known here, before anything has changed. */
static ravine_status evaluate_schedules(ravine_optimizer *o) {
    for (int32_t k = 0; k < o->ngroups; k++) {
        group *g = &o->groups[k];
        if (!is_scheduled(g)) continue;
        ravine_group_at(g, o->steps, &g->next);
        if (ravine_config_check_together(&g->next, "") == RAVINE_OK) continue;
        return ravine_config_check_together(&g->next, ravine_group_name_at(k, o->steps).text);
    }
    for (int32_t k = 0; k < o->ngroups; k++) {
        group *g = &o->groups[k];
        g->now = is_scheduled(g) ? g->next : g->config;
    }
    return RAVINE_OK;
}

static void plan(ravine_optimizer *o) {
    o->nactive = 0;
    o->nblocks = 0;
    for (int64_t i = 0; i < o->nparams; i++) {
        param *p = ravine_param_of(o, i);
        if (!p->grad && p->len) continue;
        param_slot *slot = &o->slots[o->nactive++];
        slot->active = p;
        p->attempt = o->attempts;
        slot->first_block = o->nblocks;
        o->nblocks += block_count(p->len);
    }
}

typedef struct pass {
    ravine_optimizer *o;
    void (*block)(const struct pass *pass, param *p, int64_t block);
    double scale; /* of the norm */
    bool measure;
} pass;

/* The last active parameter that starts at this block or before it. */
static int64_t find_active(const ravine_optimizer *o, int64_t block) {
    int64_t low = 0, high = o->nactive;
    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        if (o->slots[middle].first_block <= block)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static int64_t task_blocks(const ravine_optimizer *o) {
    return o->nblocks < 16 * TASK_BLOCKS ? TASK_BLOCKS_FEW : TASK_BLOCKS;
}

/* Asks for the start of a parameter that is yet to come: each of its arrays lies on a page whose
 * address must be looked up, and a short one is done before the processor looks ahead by itself
 * (docs/decisions/prefetch.md). */
static void ask_for_start(const param *p) {
    __builtin_prefetch(p->data);
    __builtin_prefetch(p->grad);
    for (int k = 0; k < STATE_ARRAYS_MAX && p->array[k]; k++) __builtin_prefetch(p->array[k]);
}

static void run_task(void *argument, int64_t index) {
    const pass *work = argument;
    const ravine_optimizer *o = work->o;
    const int64_t size = task_blocks(o), begin = index * size;
    const int64_t end = begin + size < o->nblocks ? begin + size : o->nblocks;
    int64_t active = find_active(o, begin);
    for (int64_t block = begin; block < end; block++) {
        while (active + 1 < o->nactive && o->slots[active + 1].first_block <= block) active++;
        if (active + START_AHEAD < o->nactive && o->slots[active].first_block == block)
            ask_for_start(o->slots[active + START_AHEAD].active);
        work->block(work, o->slots[active].active, block - o->slots[active].first_block);
    }
}

static bool is_worth_sharing(const ravine_optimizer *o) {
    return o->nblocks >= WAKING_FROM_BLOCKS ||
           (o->nblocks >= PARALLEL_FROM_BLOCKS && ravine_pool_is_awake(o->pool));
}

static void run_pass(const pass *work) {
    ravine_optimizer *o = work->o;
    const int64_t size = task_blocks(o), ntasks = o->nblocks / size + (o->nblocks % size != 0);
    void *argument = (void *)(uintptr_t)work; /* tasks get no const */
    if (o->env.parallel && o->nblocks >= PARALLEL_FROM_BLOCKS)
        o->env.parallel(o->env.parallel_context, run_task, argument, ntasks);
    else if (o->pool && is_worth_sharing(o))
        ravine_pool_run(o->pool, run_task, argument, ntasks);
    else
        for (int64_t i = 0; i < ntasks; i++) run_task(argument, i);
}

static int64_t block_length(const param *p, int64_t block) {
    const int64_t rest = p->len - block * BLOCK_ELEMENTS;
    return rest < BLOCK_ELEMENTS ? rest : BLOCK_ELEMENTS;
}

static void norm_block(const pass *work, param *p, int64_t block) {
    const size_t offset = (size_t)block * BLOCK_ELEMENTS * ravine_dtype_bytes(p->dtype);
    const kernel_block b = {.gradient = (char *)p->grad + offset,
                            .count = block_length(p, block),
                            .ahead = work->o->ahead};
    p->norm(&b, work->scale, p->coefficients, &p->statistics[block]);
}

/* The places of what is watched of a block, if anything is. */
static void watch_block(const param *p, int64_t block, size_t offset, kernel_block *b) {
    const int64_t step = watched_block_step(p->len);
    if (block % step != 0) return;
    b->watch_every = watch_every(p->len);
    b->last_update = (char *)p->watched.update + offset / (size_t)b->watch_every;
    b->signs = p->watched.signs + block * BLOCK_ELEMENTS / b->watch_every;
    b->turn = p->clock % QUIET_STEPS == 0;
    b->watched = &p->watched.statistics[block / step];
}

static void update_block(const pass *work, param *p, int64_t block) {
    const size_t offset = (size_t)block * BLOCK_ELEMENTS * ravine_dtype_bytes(p->dtype);
    kernel_block b = {.theta = (char *)p->data + offset,
                      .gradient = (char *)p->grad + offset,
                      .ema = p->ema ? (char *)p->ema + offset : NULL,
                      .count = block_length(p, block),
                      .zero_gradient = work->o->options.zero_grad != 0,
                      .measure = work->measure,
                      .ahead = work->o->ahead};
    for (int k = 0; k < STATE_ARRAYS_MAX && p->array[k]; k++)
        b.state[k] = (char *)p->array[k] + offset;
    if (p->watched.update) watch_block(p, block, offset, &b);
    p->update(&b, p->coefficients, &p->statistics[block]);
}

/* Of the step before `s`, under the settings of this one. */
static double past_variance(const ravine_config *now, rule_step s) {
    s.clock--;
    const kernel_coefficients past = ravine_rule_coefficients(now, &s);
    return ravine_rule_variance(s.shape.scale, &past);
}

/* Coefficients of every active parameter. Those of the group's latest one serve again where all
 * that they depend on is the same. */
static void make_coefficients(ravine_optimizer *o) {
    for (int64_t i = 0; i < o->nactive; i++) {
        param *p = o->slots[i].active;
        group *g = &o->groups[p->group];
        const param *latest = g->latest;
        if (latest && latest->clock == p->clock && latest->dtype == p->dtype &&
            !memcmp(latest->scalar, p->scalar, sizeof p->scalar)) {
            p->coefficients = &latest->own;
            memcpy(p->next_scalar, latest->next_scalar, sizeof p->scalar);
            continue;
        }
        rule_step s = {.shape = g->shape,
                       .clock = p->clock + 1,
                       .unscale = 1 / o->options.grad_scale,
                       .clip = o->clip,
                       .propagate = o->options.nonfinite == RAVINE_PROPAGATE,
                       .largest = ravine_computed(p->dtype)->largest};
        memcpy(s.scalar, p->scalar, sizeof p->scalar);
        p->own = ravine_rule_coefficients(&g->now, &s);
        if (o->env.watch && p->clock > 0) p->own.past_variance = past_variance(&g->now, s);
        memcpy(p->next_scalar, s.scalar, sizeof p->scalar);
        p->coefficients = &p->own;
        g->latest = p;
    }
    for (int32_t k = 0; k < o->ngroups; k++) o->groups[k].latest = NULL;
}

/* The norm of all gradients after grad_scale, taken with the gradients times `scale`. */
static double norm_at(ravine_optimizer *o, double scale) {
    const pass work = {.o = o, .block = norm_block, .scale = scale};
    double sum = 0;
    run_pass(&work);
    ravine_report_gather(o);
    for (int32_t k = 0; k < o->ngroups; k++) sum += o->groups[k].totals.gradient2;
    return sqrt(sum) / scale / o->options.grad_scale;
}

/* Squares of float64 may overflow or vanish: then once more, scaled by a power of two. */
static double measure_norm(ravine_optimizer *o) {
    const double norm = norm_at(o, 1);
    if (isinf(norm)) return norm_at(o, 0x1p-600);
    return norm < 0x1p-480 ? norm_at(o, 0x1p600) : norm;
}

static bool any_nonfinite(const ravine_optimizer *o) {
    for (int32_t k = 0; k < o->ngroups; k++)
        if (o->groups[k].totals.nonfinite) return true;
    return false;
}

/* The slope at which the next step of the watched elements arrives is compared with this one's. */
static void remember_slope(const ravine_optimizer *o, param *p) {
    watching *w = &p->watched;
    w->slope_before = w->slope;
    w->steps_before = w->steps;
    w->slope = 0;
    for (int64_t k = 0; k < watched_blocks(p->len); k++) w->slope += w->statistics[k].slope;
    w->slope /= o->options.grad_scale;
    if (w->steps < 2) w->steps++;
}

static void finish(ravine_optimizer *o) {
    for (int64_t i = 0; i < o->nactive; i++) {
        param *p = o->slots[i].active;
        p->clock++;
        memcpy(p->scalar, p->next_scalar, sizeof p->scalar);
        if (p->watched.update) remember_slope(o, p);
    }
    o->steps++;
    o->updated = true;
}

/* The report of the step; `norm`, if it is not NULL: that of the gradients as it was clipped. */
static void tell(const ravine_optimizer *o, const double *norm, ravine_report *report) {
    ravine_report own = ravine_report_all(o);
    if (norm) own.grad_norm = *norm;
    ravine_sized_write(&ravine_sized_report, report, &own);
}

ravine_status ravine_step(ravine_optimizer *o, ravine_report *report) {
    if (!o) return ravine_fail(RAVINE_E_ARG, "the optimizer is NULL");
    ravine_status status = report ? ravine_sized_check(&ravine_sized_report, report) : RAVINE_OK;
    if (!status) status = evaluate_schedules(o);
    if (status) return status;
    const bool clips = o->options.clip_norm < HUGE_VAL, skips = o->options.nonfinite == RAVINE_SKIP;
    o->attempts++;
    plan(o);
    o->clip = 1;
    o->reported = report != NULL;
    o->updated = false;

    double norm = 0;
    make_coefficients(o);
    if (clips || skips) {
        norm = measure_norm(o);
        if (skips && any_nonfinite(o)) {
            if (report) tell(o, NULL, report);
            return RAVINE_SKIPPED;
        }
        if (clips && norm > o->options.clip_norm) {
            o->clip = o->options.clip_norm / norm;
            make_coefficients(o);
        }
    }
    const pass work = {.o = o, .block = update_block, .measure = report != NULL};
    run_pass(&work);
    finish(o);
    ravine_report_gather(o);
    if (report) tell(o, clips ? &norm : NULL, report);
    if (any_nonfinite(o)) return RAVINE_HELD;
    return o->clip < 1 ? RAVINE_CLIPPED : RAVINE_OK;
}
