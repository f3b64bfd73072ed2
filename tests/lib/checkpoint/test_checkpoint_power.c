/* SPDX-License-Identifier: Apache-2.0 */
/* The power goes while checkpoints are saved, one over the other or by a saver: what is loaded
 * afterwards is a state that was saved, bit for bit, and none older than the last promise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "faults/disk.h"
#include "faults/faults.h"
#include "ravine_checkpoint.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEN = 150, SAVES = 5 };

typedef struct training {
    ravine_optimizer *o;
    float theta[LEN], gradient[LEN];
} training;

static void begin(training *t) {
    ravine_config config;
    ravine_env env;
    ravine_env_init(&env);
    env.threads = 1;
    for (int k = 0; k < LEN; k++) {
        t->theta[k] = (float)k;
        t->gradient[k] = 0.01f * (float)(k % 7 - 3);
    }
    const ravine_param p = {.size = sizeof p,
                            .dtype = RAVINE_F32,
                            .name = "w",
                            .data = t->theta,
                            .grad = t->gradient,
                            .len = LEN};
    assert_int_equal(ravine_config_init(&config, RAVINE_ADAM), RAVINE_OK);
    assert_int_equal(ravine_create(&t->o, &config, &env), RAVINE_OK);
    assert_int_equal(ravine_add(t->o, &p, 1), RAVINE_OK);
}

/* theta after 0, 1, ... SAVES steps, from a run that nothing happened to. */
static float expected[SAVES + 1][LEN];

static int run_undisturbed(void **state) {
    (void)state;
    training t;
    begin(&t);
    for (int k = 0; k <= SAVES; k++) {
        memcpy(expected[k], t.theta, sizeof t.theta);
        assert_int_equal(ravine_step(t.o, NULL), RAVINE_OK);
    }
    ravine_destroy(t.o);
    return 0;
}

/* Loads the file, and one step more is that of the undisturbed run. The step it had; -1: anything
 * else. */
static int64_t step_at(const char *path) {
    training t;
    begin(&t);
    int64_t step = -1;
    if (ravine_load(t.o, path, NULL) == RAVINE_OK) step = ravine_steps(t.o);
    if (step > SAVES || (step >= 0 && memcmp(t.theta, expected[step], sizeof t.theta))) step = -1;
    if (step >= 0 && step < SAVES &&
        (ravine_step(t.o, NULL) || memcmp(t.theta, expected[step + 1], sizeof t.theta)))
        step = -1;
    ravine_destroy(t.o);
    return step;
}

/* ---- one file, saved over and over ----------------------------------------------------------- */

static bool file_is_good(void *context, int64_t promised) {
    (void)context;
    size_t size;
    if (!disk_get("x", &size)) return promised == 0;
    const int64_t step = step_at("x");
    return step >= promised && step >= 0;
}

static disk_states save_over_and_over(int64_t most) {
    training t;
    begin(&t);
    disk_install();
    for (int k = 1; k <= SAVES; k++) {
        assert_int_equal(ravine_step(t.o, NULL), RAVINE_OK);
        assert_int_equal(ravine_save(t.o, "x", NULL), RAVINE_OK);
        disk_mark(k);
    }
    const disk_states states = disk_lose_power(file_is_good, NULL, most);
    disk_remove();
    ravine_destroy(t.o);
    return states;
}

/* ---- a saver --------------------------------------------------------------------------------- */

typedef struct plan {
    const char *name;
    ravine_saver_options options;
    int leftover; /* there are temporary files of a dead process */
} plan;

/* The best metric is that of step 2. */
static double metric_of(int step) {
    return fabs(step - 2.0);
}

static bool folder_is_good(void *context, int64_t promised) {
    const plan *p = context;
    char path[PATH_MAX];
    int64_t skipped = -1;
    const ravine_status status = ravine_checkpoint_latest("folder", path, sizeof path, &skipped);
    if (status == RAVINE_E_STATE) return promised == 0 && skipped == 0;
    if (status || skipped != 0) return false; /* a damaged one never has a checkpoint's name */
    const int64_t step = step_at(path);
    if (step < promised || step < 1) return false;
    return !p->options.keep_best || promised < 2 ||
           step_at("folder/step-00000002.safetensors") == 2;
}

static disk_states save_with_saver(const plan *p, int64_t most) {
    training t;
    ravine_saver *saver;
    begin(&t);
    disk_install();
    if (p->leftover) {
        disk_put(".step-00000001.safetensors.0.ravine-tmp", "left", 4);
        disk_put(".step-00000009.safetensors.0.ravine-tmp", "", 0);
    }
    assert_int_equal(ravine_saver_create(&saver, "folder", &p->options, NULL), RAVINE_OK);
    for (int k = 1; k <= SAVES; k++) {
        assert_int_equal(ravine_step(t.o, NULL), RAVINE_OK);
        assert_int_equal(ravine_saver_save(saver, t.o, NULL, metric_of(k)), RAVINE_OK);
        assert_int_equal(ravine_saver_wait(saver), RAVINE_OK);
        disk_mark(k);
    }
    ravine_saver_destroy(saver);
    assert_int_equal(disk_handle_count(), 0);
    const disk_states states = disk_lose_power(folder_is_good, (void *)(uintptr_t)p, most);
    disk_remove();
    ravine_destroy(t.o);
    return states;
}

static void power_goes_while_saving(void **state) {
    (void)state;
    static const plan plans[] = {
        {.name = "keep 3", .options = {.keep = 3, .foreground = 1}},
        {.name = "keep 1", .options = {.keep = 1, .foreground = 1}},
        {.name = "keep 1, verified", .options = {.keep = 1, .foreground = 1, .verify = 1}},
        {.name = "keep 1 and the best", .options = {.keep = 1, .keep_best = 1, .foreground = 1}},
        {.name = "keep 2, leftovers", .options = {.keep = 2, .foreground = 1}, .leftover = 1},
        {.name = "keep 2, in the background", .options = {.keep = 2}},
        {.name = "keep 1 and the best, in the background", .options = {.keep = 1, .keep_best = 1}},
    };
    const int64_t most = getenv("RAVINE_TEST_LONG") ? 4000 : 60;
    disk_states total = save_over_and_over(most);
    for (size_t k = 0; k < sizeof plans / sizeof *plans; k++) {
        plan p = plans[k];
        p.options.size = sizeof p.options;
        const disk_states states = save_with_saver(&p, most);
        if (states.lost) print_error("%s: %lld lost\n", p.name, (long long)states.lost);
        total.states += states.states;
        total.lost += states.lost;
    }
    faults_print("checkpoint_disk_states", total.states, total.lost);
    assert_int_equal(total.lost, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(power_goes_while_saving)};
    return cmocka_run_group_tests(tests, run_undisturbed, NULL);
}
