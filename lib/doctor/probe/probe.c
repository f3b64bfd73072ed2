/* SPDX-License-Identifier: Apache-2.0 */
/* A probe: home, the next step, both spectra, noise; and away again. */
#include "doctor/probe/probe.h"

#include "base/sized.h"
#include "doctor/probe/try_copy.h"

/* The step that the optimizer would make on the fixed batch, into u. Its gradients are bound. */
static ravine_status take_next_step(probing *p, double *u) {
    ravine_status status = ravine_copy_create(&p->next, p->space.o, NULL);
    if (status) return status;
    status = ravine_step(p->next, NULL);
    if (status < 0) return status;
    ravine_space_displacement(&p->space, u);
    ravine_probe_limit(p);
    return RAVINE_OK;
}

static ravine_status look_along_extremes(probing *p) {
    ravine_probe *r = &p->result;
    ravine_status status = RAVINE_OK;
    ravine_escape_direction(p, p->a);
    if (r->lambda_min < -r->curvature_noise) status = ravine_escape_search(p, p->a);
    if (status || p->options.slice == 0) return status;
    ravine_lanczos_vector(&p->lanczos, p->lanczos.steps - 1, p->b);
    status = ravine_probe_slice(p, p->a, r->lambda_min, &r->along_min);
    return status ? status : ravine_probe_slice(p, p->b, r->lambda_max, &r->along_max);
}

static ravine_status probe(probing *p) {
    ravine_status status = take_next_step(p, p->a);
    if (!status) status = ravine_probe_update(p, p->a);
    if (!status && p->options.lanczos > 0) status = ravine_probe_spectrum(p);
    if (!status && p->options.lanczos > 0) status = look_along_extremes(p);
    if (!status && p->options.preconditioned > 0) status = ravine_probe_sharpness(p);
    return status ? status : ravine_probe_noise(p);
}

ravine_status ravine_probe_run(ravine_optimizer *o, const ravine_problem *problem,
                               const ravine_probe_options *options, ravine_probe *result) {
    probing p = {0};
    ravine_status status = ravine_sized_check(&ravine_sized_probe, result);
    if (!status) status = ravine_probing_open(&p, o, problem, options);
    if (!status) status = probe(&p);
    if (!status) {
        p.result.gradients = p.space.gradients;
        p.result.losses = p.space.losses;
        ravine_sized_write(&ravine_sized_probe, result, &p.result);
    }
    ravine_probing_close(&p);
    return status;
}
