/* SPDX-License-Identifier: Apache-2.0 */
/* make.c - see make.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "make.h"

/* Fails the test with the library's own message. */
static void done(ravine_status status) {
    if (status < 0) fail_msg("%s: %s", ravine_status_text(status), ravine_errmsg());
}

ravine_optimizer *make_optimizer(const char *rule) {
    ravine_config c = {0};
    ravine_env env;
    ravine_optimizer *o = NULL;
    done(ravine_config_parse(&c, rule));
    ravine_env_init(&env);
    env.threads = 1;
    done(ravine_create(&o, &c, &env));
    return o;
}

int32_t make_group(ravine_optimizer *o, const char *rule) {
    ravine_config c = {0};
    int32_t group = -1;
    done(ravine_config_parse(&c, rule));
    done(ravine_add_group(o, &c, &group));
    return group;
}

void make_param(ravine_optimizer *o, int32_t group, const char *name, int32_t dtype, void *data,
                void *grad, int64_t len) {
    const ravine_param p = {.size = sizeof p,
                            .dtype = dtype,
                            .group = group,
                            .name = name,
                            .data = data,
                            .grad = grad,
                            .len = len};
    done(ravine_add(o, &p, 1));
}

ravine_status make_step(ravine_optimizer *o, ravine_step_stats *stats) {
    if (stats != NULL) *stats = (ravine_step_stats){.size = sizeof *stats};
    const ravine_status status = ravine_step(o, stats);
    done(status);
    return status;
}

void make_grad(ravine_optimizer *o, int64_t param, void *grad) {
    done(ravine_bind(o, param, 1, NULL, &grad));
}

void make_options(ravine_optimizer *o, ravine_nonfinite nonfinite, double clip_norm,
                  double grad_scale, int zero_grad) {
    ravine_options options;
    ravine_options_init(&options);
    options.nonfinite = (int32_t)nonfinite;
    options.clip_norm = clip_norm;
    options.grad_scale = grad_scale;
    options.zero_grad = zero_grad;
    done(ravine_set_options(o, &options));
}

void *make_state(ravine_optimizer *o, const char *param, const char *key) {
    ravine_param view = {.size = sizeof view};
    done(ravine_state_view(o, param, key, &view));
    return view.data;
}
