/* SPDX-License-Identifier: Apache-2.0 */
/* A probe is set up, and put away: its options, its memory, home, loss and gradient there. */
#include "base/memory.h"
#include "base/sized.h"
#include "doctor/probe/probe.h"
#include "optimizer/optimizer.h"
#include "text/error.h"

#include <math.h>

void ravine_probe_options_init_sized(ravine_probe_options *options, size_t size) {
    const ravine_probe_options usual = {.lanczos = 20, .preconditioned = 20, .noise = 8, .seed = 1};
    (void)ravine_sized_make(&ravine_sized_probe_options, options, size, &usual);
}

static ravine_status check_count(const char *name, int32_t value, int32_t greatest) {
    if (value >= 0 && value <= greatest) return RAVINE_OK;
    return ravine_fail(RAVINE_E_RANGE, "%s of the probe is %d; it must be in [0, %d]", name, value,
                       greatest);
}

static ravine_status read_options(ravine_probe_options *own, const ravine_probe_options *options) {
    ravine_probe_options_init(own);
    ravine_status status =
        options ? ravine_sized_read(&ravine_sized_probe_options, own, options) : RAVINE_OK;
    if (!status) status = check_count("lanczos", own->lanczos, RAVINE_LANCZOS_MAX);
    if (!status) status = check_count("preconditioned", own->preconditioned, RAVINE_LANCZOS_MAX);
    if (!status) status = check_count("noise", own->noise, INT32_MAX);
    return status ? status : check_count("slice", own->slice, RAVINE_SLICE_MAX);
}

static int32_t smaller(int32_t a, int64_t b) {
    return a < b ? a : (int32_t)b;
}

/* One allocation: basis, work, g, a, b; then Ritz values, vectors, beta. */
static ravine_status allocate(probing *p) {
    const int32_t most = p->options.lanczos > p->options.preconditioned ? p->options.lanczos
                                                                        : p->options.preconditioned;
    const int32_t wanted = smaller(most, p->space.n);
    const size_t n = (size_t)p->space.n;
    size_t vectors;
    const ravine_status status = ravine_space_bytes(&p->space, (int64_t)wanted + 4, &vectors);
    if (status) return status;
    p->bytes = vectors + (size_t)lanczos_numbers(wanted) * sizeof(double);
    p->memory = ravine_env_alloc(&p->space.o->env, p->bytes);
    if (!p->memory) return RAVINE_E_NOMEM;
    double *at = p->memory;
    p->lanczos = (lanczos){.n = p->space.n, .seed = p->options.seed, .basis = at};
    at += (size_t)wanted * n;
    p->lanczos.work = at;
    p->g = at + n;
    p->a = at + 2 * n;
    p->b = at + 3 * n;
    p->lanczos.value = at + 4 * n;
    p->lanczos.beta = p->lanczos.value + wanted;
    p->lanczos.vector = p->lanczos.beta + wanted;
    return RAVINE_OK;
}

static ravine_status look_home(probing *p) {
    ravine_probe *r = &p->result;
    const ravine_status status =
        ravine_space_gradient(&p->space, p->space.problem.batch, &r->loss, p->g);
    if (status) return status;
    if (!isfinite(r->loss))
        return ravine_fail(RAVINE_E_STATE, "the loss of the fixed batch is %g: nothing to probe",
                           r->loss);
    r->grad_norm = ravine_norm(p->g, p->space.n);
    r->param_norm = p->space.norm;
    return RAVINE_OK;
}

static ravine_probe empty_result(const ravine_optimizer *o, int64_t n) {
    return (ravine_probe){.step = o->steps,
                          .elements = n,
                          .lambda_max = NAN,
                          .lambda_max_residual = NAN,
                          .lambda_min = NAN,
                          .lambda_min_residual = NAN,
                          .curvature_noise = NAN,
                          .escape_offset = NAN,
                          .escape_loss = {NAN, NAN},
                          .krylov_decrease = NAN,
                          .sharpness = NAN,
                          .lr = NAN,
                          .limit = NAN,
                          .critical_lr = NAN,
                          .noise_scale = NAN,
                          .noise_trace = NAN,
                          .signal = NAN};
}

ravine_status ravine_probing_open(probing *p, ravine_optimizer *o, const ravine_problem *problem,
                                  const ravine_probe_options *options) {
    *p = (probing){0};
    ravine_status status = read_options(&p->options, options);
    if (!status) status = ravine_space_open(&p->space, o, problem);
    if (status) return status;
    p->sign = o->groups[0].config.maximize != 0 ? -1 : 1;
    p->result = empty_result(o, p->space.n);
    status = allocate(p);
    return status ? status : look_home(p);
}

void ravine_probing_close(probing *p) {
    if (!p->space.copy) return;
    ravine_destroy(p->next);
    ravine_env_free(&p->space.o->env, p->memory, p->bytes);
    ravine_space_close(&p->space);
}
