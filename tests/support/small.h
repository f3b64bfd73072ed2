/* SPDX-License-Identifier: Apache-2.0 */
/* small.h - a training of two parameters and its checkpoint, in a folder made for the test. */
#ifndef TESTS_SMALL_H
#define TESTS_SMALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file/files.h"
#include "ravine_checkpoint.h"
#include "support/temporary.h"

#define SMALL_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

enum { LENGTH = 4 };

static char folder[TEMPORARY_MAX], path[TEMPORARY_MAX + 32];

static inline int no_sync(int fd) { /* slow, and without meaning where the power stays */
    (void)fd;
    return 0;
}

static inline int set_up(void **state) {
    (void)state;
    ravine_files.fsync = no_sync;
    temporary_template(folder, "small");
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/run.safetensors", folder);
    return 0;
}

static inline int tear_down(void **state) {
    (void)state;
    unlink(path);
    return rmdir(folder); /* fails, and the test with it, where a temporary file was left */
}

static inline void done(ravine_status status) {
    if (status < 0) fail_msg("%s: %s", ravine_status_text(status), ravine_errmsg());
}

static inline void assert_says(const char *message, const char *part) {
    if (!strstr(message, part)) fail_msg("\"%s\" does not say \"%s\"", message, part);
}

/* ---- a small training with two parameters ---- */

typedef struct small {
    ravine_optimizer *o;
    float w[LENGTH], b[LENGTH], gradient[LENGTH];
} small;

static inline void add(small *s, const char *name, float *data, const int64_t *shape,
                       int32_t ndim) {
    const ravine_param p = {.size = sizeof p,
                            .dtype = RAVINE_F32,
                            .name = name,
                            .data = data,
                            .grad = s->gradient,
                            .len = LENGTH,
                            .shape = shape,
                            .ndim = ndim};
    done(ravine_add(s->o, &p, 1));
}

static inline void create(small *s, const char *rule, const ravine_env *env) {
    static const int64_t square[] = {2, 2};
    ravine_config c;
    done(ravine_config_parse(&c, rule));
    done(ravine_create(&s->o, &c, env));
    for (int i = 0; i < LENGTH; i++) {
        s->w[i] = (float)i;
        s->b[i] = (float)-i;
        s->gradient[i] = (float)(i + 1) / 8;
    }
    add(s, "w", s->w, square, 2);
    add(s, "b", s->b, NULL, 0);
}

static inline void train(small *s, int steps) {
    for (int k = 0; k < steps; k++) done(ravine_step(s->o, NULL));
}

/* A file of 3 steps of adamw. */
static inline void save_three(void) {
    small s;
    create(&s, "adamw lr=0.01", NULL);
    train(&s, 3);
    done(ravine_save(s.o, path, NULL));
    ravine_destroy(s.o);
}

/* What a load could change. */
typedef struct sight {
    float w[LENGTH], b[LENGTH], state[4][LENGTH];
    int64_t steps, step_count[2];
} sight;

static inline sight look(small *s) {
    static const char *const names[] = {"w", "b"}, *const keys[] = {"exp_avg", "exp_avg_sq"};
    sight out;
    memset(&out, 0, sizeof out);
    memcpy(out.w, s->w, sizeof out.w);
    memcpy(out.b, s->b, sizeof out.b);
    for (int k = 0; k < 4; k++) {
        ravine_param view = {.size = sizeof view};
        done(ravine_state_view(s->o, names[k / 2], keys[k % 2], &view));
        memcpy(out.state[k], view.data, sizeof out.state[k]);
    }
    out.steps = ravine_steps(s->o);
    for (int k = 0; k < 2; k++) out.step_count[k] = ravine_step_count(s->o, k);
    return out;
}

#endif
