/* SPDX-License-Identifier: Apache-2.0 */
/* The processor's cores: memory of the process, passes that run on the library's threads, the
 * caller's, or one. */
#include "backend/backend.h"

#include "base/memory.h"
#include "base/pool.h"
#include "optimizer/factors.h"
#include "optimizer/step.h"

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

/* ---- memory ---- */

static void copy(void *to, const void *from, size_t bytes) {
    if (bytes) memcpy(to, from, bytes);
}

/* ---- a block ---- */

static int64_t block_length(const param *p, int64_t block) {
    const int64_t rest = p->len - block * BLOCK_ELEMENTS;
    return rest < BLOCK_ELEMENTS ? rest : BLOCK_ELEMENTS;
}

static void norm_block(const step *s, param *p, int64_t block) {
    const size_t offset = (size_t)block * BLOCK_ELEMENTS * ravine_dtype_bytes(p->dtype);
    const kernel_block b = {.gradient = (char *)p->grad + offset,
                            .count = block_length(p, block),
                            .ahead = s->o->ahead};
    p->norm(&b, s->norm_scale, p->coefficients, &p->statistics[block]);
}

/* The places of what is watched of a block, if anything is. */
static void watch_block(const param *p, int64_t block, size_t offset, kernel_block *b) {
    const int64_t apart = watched_block_step(p->len);
    if (block % apart != 0) return;
    b->watch_every = watch_every(p->len);
    b->last_update = (char *)p->watched.update + offset / (size_t)b->watch_every;
    b->signs = p->watched.signs + block * BLOCK_ELEMENTS / b->watch_every;
    b->turn = p->step_count % QUIET_STEPS == 0;
    b->watched = &p->watched.statistics[block / apart];
}

/* The part of `total` things that is a block's share. */
static int64_t share(const param *p, int64_t block, int64_t total) {
    return (int64_t)((double)total * ((double)block / (double)block_count(p->len)));
}

static void fold_block(const step *s, param *p, int64_t block) {
    (void)s;
    if (!p->row) return;
    const matrix_sides sides = ravine_matrix_sides(p);
    const int64_t rows = sides.count * sides.rows;
    const int64_t strips = sides.count * ((sides.columns + CHUNK_ELEMENTS - 1) / CHUNK_ELEMENTS);
    const kernel_fold f = {.theta = p->data,
                           .gradient = p->grad,
                           .row = p->row,
                           .column = p->column,
                           .rows = sides.rows,
                           .columns = sides.columns,
                           .row_begin = share(p, block, rows),
                           .row_end = share(p, block + 1, rows),
                           .strip_begin = share(p, block, strips),
                           .strip_end = share(p, block + 1, strips)};
    p->fold(&f, p->coefficients);
}

static void means_block(const step *s, param *p, int64_t block) {
    (void)s;
    if (!p->row) return;
    const int64_t matrices = ravine_matrix_sides(p).count;
    ravine_matrix_means(p, p->coefficients->mean_least, share(p, block, matrices),
                        share(p, block + 1, matrices));
}

static kernel_block block_of(const step *s, const param *p, int64_t block) {
    const size_t offset = (size_t)block * BLOCK_ELEMENTS * ravine_dtype_bytes(p->dtype);
    kernel_block b = {.theta = (char *)p->data + offset,
                      .gradient = (char *)p->grad + offset,
                      .ema = p->ema ? (char *)p->ema + offset : NULL,
                      .count = block_length(p, block),
                      .zero_gradient = s->o->options.zero_grad != 0,
                      .measure = s->stats != NULL,
                      .ahead = s->o->ahead};
    for (int k = 0; k < STATE_ARRAYS_MAX && p->array[k]; k++)
        b.state[k] = (char *)p->array[k] + offset;
    if (!p->row) return b;
    const matrix_sides sides = ravine_matrix_sides(p);
    b.first = block * BLOCK_ELEMENTS;
    b.rows = sides.rows;
    b.columns = sides.columns;
    b.row = p->row;
    b.column = p->column;
    b.matrix_mean = p->matrix_mean;
    return b;
}

static void look_block(const step *s, param *p, int64_t block) {
    if (!p->look) return;
    const kernel_block b = block_of(s, p, block);
    p->look(&b, p->coefficients, &p->statistics[block]);
}

static void update_block(const step *s, param *p, int64_t block) {
    const size_t offset = (size_t)block * BLOCK_ELEMENTS * ravine_dtype_bytes(p->dtype);
    kernel_block b = block_of(s, p, block);
    if (p->watched.update) watch_block(p, block, offset, &b);
    p->update(&b, p->coefficients, &p->statistics[block]);
}

static void reduce(const param *p, block_statistics *sum) {
    for (int64_t k = 0; k < block_count(p->len); k++) {
        const block_statistics *block = &p->statistics[k];
        sum->gradient2 += block->gradient2;
        sum->update2 += block->update2;
        sum->param2 += block->param2;
        sum->slope += block->slope;
        if (!block->nonfinite) continue;
        if (!sum->nonfinite) sum->first_nonfinite = k * BLOCK_ELEMENTS + block->first_nonfinite;
        sum->nonfinite += block->nonfinite;
    }
}

/* ---- a pass ---- */

/* The last active parameter that starts at this block or before it. */
static int64_t find_active(const step *s, int64_t block) {
    int64_t low = 0, high = s->nactive;
    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        if (s->o->slots[middle].first_block <= block)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static int64_t task_blocks(const step *s) {
    return s->nblocks < 16 * TASK_BLOCKS ? TASK_BLOCKS_FEW : TASK_BLOCKS;
}

/* Asks for the start of a parameter that is yet to come: each of its arrays lies on a page whose
 * address must be looked up, and a short one is done before the processor looks ahead by itself
 * (docs/decisions/prefetch.md). */
static void ask_for_start(const param *p) {
    __builtin_prefetch(p->data);
    __builtin_prefetch(p->grad);
    for (int k = 0; k < STATE_ARRAYS_MAX && p->array[k]; k++) __builtin_prefetch(p->array[k]);
}

typedef struct pass {
    const step *s;
    void (*block)(const step *s, param *p, int64_t block);
} pass;

static void run_task(void *argument, int64_t index) {
    const pass *work = argument;
    const step *s = work->s;
    const param_slot *slots = s->o->slots;
    const int64_t size = task_blocks(s), begin = index * size;
    const int64_t end = begin + size < s->nblocks ? begin + size : s->nblocks;
    int64_t active = find_active(s, begin);
    for (int64_t block = begin; block < end; block++) {
        while (active + 1 < s->nactive && slots[active + 1].first_block <= block) active++;
        if (active + START_AHEAD < s->nactive && slots[active].first_block == block)
            ask_for_start(slots[active + START_AHEAD].active);
        work->block(s, slots[active].active, block - slots[active].first_block);
    }
}

static bool is_worth_sharing(const step *s) {
    return s->nblocks >= WAKING_FROM_BLOCKS ||
           (s->nblocks >= PARALLEL_FROM_BLOCKS && ravine_pool_is_awake(s->o->pool));
}

static void run(const step *s, step_pass kind) {
    static void (*const block[])(const step *, param *, int64_t) = {
        [PASS_NORM] = norm_block, [PASS_FOLD] = fold_block,     [PASS_MEANS] = means_block,
        [PASS_LOOK] = look_block, [PASS_UPDATE] = update_block,
    };
    const ravine_optimizer *o = s->o;
    pass work = {.s = s, .block = block[kind]};
    const int64_t size = task_blocks(s), ntasks = s->nblocks / size + (s->nblocks % size != 0);
    if (o->env.parallel && s->nblocks >= PARALLEL_FROM_BLOCKS)
        o->env.parallel(o->env.parallel_context, run_task, &work, ntasks);
    else if (o->pool && is_worth_sharing(s))
        ravine_pool_run(o->pool, run_task, &work, ntasks);
    else
        for (int64_t i = 0; i < ntasks; i++) run_task(&work, i);
}

/* Every pass has ended when run() returns. */
static void wait(const step *s) {
    (void)s;
}

const backend ravine_backend_cpu = {.name = "cpu",
                                    .alloc = ravine_env_alloc,
                                    .free = ravine_env_free,
                                    .copy = copy,
                                    .run = run,
                                    .wait = wait,
                                    .reduce = reduce};
